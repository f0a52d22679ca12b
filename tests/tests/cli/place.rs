//! Where commands run.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use floe_tests::{Dataset, Outcome, floe};
use serde_json::Value as Json;

/// A folder in which commands run.
pub(crate) struct Place(tempfile::TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = floe();
        command.current_dir(self.0.path()).args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(&mut self.command(arguments))
    }

    pub(crate) fn load(&self, arguments: &[&str]) -> Outcome {
        self.run(&[&["load", "--pipeline", "p", "--pipelines-dir", "work"], arguments].concat())
    }

    pub(crate) fn load_from_stdin(&self, arguments: &[&str], input: &[u8]) -> Outcome {
        let mut command = self.command(&["load", "--pipeline", "p", "--pipelines-dir", "work"]);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        child.wait_with_output().unwrap().into()
    }

    pub(crate) fn dataset(&self) -> Dataset {
        Dataset::read(&self.path("p.duckdb"), "p_dataset").unwrap()
    }

    /// Changes the database.
    pub(crate) fn execute(&self, sql: &str) {
        duckdb::Connection::open(self.path("p.duckdb")).unwrap().execute_batch(sql).unwrap();
    }

    pub(crate) fn row_counts(&self) -> Json {
        self.dataset().row_counts()
    }
}

pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}
