//! The binary under test.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value as Json;

static PATH: OnceLock<PathBuf> = OnceLock::new();

/// The binary: that of `FLOE_BIN`, or the one of this workspace, which is built if it is not there.
/// Either has the feature `testing`.
pub fn floe_path() -> &'static Path {
    PATH.get_or_init(|| match std::env::var_os("FLOE_BIN") {
        Some(given) => Path::new(&given).canonicalize().expect("FLOE_BIN names a file"),
        None => build(),
    })
}

/// A command that runs the binary without input.
pub fn floe() -> Command {
    let mut command = Command::new(floe_path());
    command.stdin(Stdio::null());
    command
}

fn build() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // together with this package, so that all dependencies have the features that they have here
    command.args(["build", "--quiet", "--package", "floe-cli", "--package", "floe-tests", "--bin", "floe"]);
    command.args(["--features", "floe-cli/testing"]);
    command.args(["--message-format", "json-render-diagnostics"]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let output = command.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "floe does not build: {errors}");
    let messages = String::from_utf8_lossy(&output.stdout);
    let executable = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Json>(line).ok())
        .filter(|message| message["target"]["name"] == "floe")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from));
    executable.expect("cargo names the executable")
}

/// How a command ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The exit code, -1 after a signal.
    pub code: i32,
    /// What it printed.
    pub stdout: String,
    /// What it printed as errors.
    pub stderr: String,
}

impl Outcome {
    /// Runs a command to its end.
    pub fn of(command: &mut Command) -> Self {
        command.output().expect("the command starts").into()
    }

    /// The object that `--error-format json` prints last.
    pub fn error(&self) -> Option<Json> {
        let last = self.stderr.lines().rfind(|line| !line.trim().is_empty())?;
        serde_json::from_str(last).ok().filter(Json::is_object)
    }

    /// What was printed, as JSON.
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// The same, after a look at the exit code.
    #[track_caller]
    pub fn success(self) -> Self {
        assert_eq!(self.code, 0, "{}", self.stderr);
        self
    }
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}
