//! A folder with data and the folder of pipelines, and a database.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use floe_tests::postgres::Database;
use floe_tests::{Outcome, floe};

pub(crate) struct Place<'d> {
    database: &'d Database,
    folder: tempfile::TempDir,
    pipeline: String,
}

impl<'d> Place<'d> {
    pub(crate) fn new(database: &'d Database) -> Self {
        Self::of_pipeline(database, "p")
    }

    pub(crate) fn of_pipeline(database: &'d Database, pipeline: &str) -> Self {
        Self { database, folder: tempfile::tempdir().unwrap(), pipeline: pipeline.to_owned() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// The command that loads into dataset `raw` of a database.
    pub(crate) fn command_to(&self, url: &str, arguments: &[&str]) -> Command {
        let mut command = floe();
        command.current_dir(self.folder.path()).args([
            "load",
            "--pipeline",
            &self.pipeline,
            "--dataset",
            "raw",
        ]);
        command.args(["--destination", "postgres", "--credentials", url, "--pipelines-dir", "pipelines"]);
        command.args(arguments);
        command
    }

    pub(crate) fn load_to(&self, url: &str, arguments: &[&str]) -> Outcome {
        Outcome::of(&mut self.command_to(url, arguments))
    }

    pub(crate) fn load(&self, arguments: &[&str]) -> Outcome {
        self.load_to(&self.database.url(), arguments)
    }

    /// The contents of all files below a folder.
    pub(crate) fn texts_below(&self, folder: &str) -> String {
        texts(&self.path(folder))
    }
}

fn texts(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let text = |path: PathBuf| match path.is_dir() {
        true => texts(&path),
        false => String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned(),
    };
    entries.map(text).collect()
}
