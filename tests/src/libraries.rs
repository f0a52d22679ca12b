//! The libraries that tests are linked with, for tests that compile code: a crate for each of them would build all
//! dependencies a second time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;

const CRATES: [&str; 4] = ["chrono", "floe", "futures_util", "serde"];

/// The libraries that code of tests may name.
pub struct Libraries {
    externs: BTreeMap<String, PathBuf>,
    folder: PathBuf,
    /// Folders with libraries that are not Rust.
    pub native: Vec<PathBuf>,
}

impl Libraries {
    /// Asks cargo for them.
    pub fn find() -> Self {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["test", "--no-run", "--quiet", "--package", "floe-tests", "--lib"]);
        cargo.args(["--message-format", "json"]).current_dir(env!("CARGO_MANIFEST_DIR"));
        let output = cargo.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // what macros link is built by itself, without optimisation or with fewer features
        let mut externs = BTreeMap::new();
        let mut levels = BTreeMap::new();
        let mut native = Vec::new();
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            let message: Json = serde_json::from_str(line).unwrap_or_default();
            let paths = message["linked_paths"].as_array().into_iter().flatten().filter_map(Json::as_str);
            native.extend(
                paths.map(|path| PathBuf::from(path.rsplit_once('=').map_or(path, |(_, path)| path))),
            );
            let name = message["target"]["name"].as_str().unwrap_or_default().replace('-', "_");
            let files = message["filenames"].as_array().into_iter().flatten().filter_map(Json::as_str);
            let library = files.filter(|file| file.ends_with(".rlib")).map(PathBuf::from).next();
            let features = message["features"].as_array().map_or(0, Vec::len);
            let level = (message["profile"]["opt_level"].as_str().unwrap_or_default().to_owned(), features);
            if let (true, Some(library)) = (CRATES.contains(&name.as_str()), library)
                && levels.get(&name).is_none_or(|known| *known <= level)
            {
                levels.insert(name.clone(), level);
                externs.insert(name, library);
            }
        }
        assert_eq!(externs.len(), CRATES.len(), "{externs:?}");
        // what the libraries need is beside them, in whatever folder the others are
        let folder = externs["chrono"].parent().unwrap().to_owned();
        Self { externs, folder, native }
    }

    /// The compiler, with the libraries, writing to a folder.
    pub fn rustc(&self, out: &Path) -> Command {
        let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        rustc.args(["--edition", "2024"]).arg("--out-dir").arg(out);
        rustc.arg("-L").arg(format!("dependency={}", self.folder.display()));
        for folder in &self.native {
            rustc.arg("-L").arg(format!("native={}", folder.display()));
        }
        for (name, library) in &self.externs {
            rustc.arg("--extern").arg(format!("{name}={}", library.display()));
        }
        rustc
    }
}
