//! Places of the build, and building floe.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Result, shell};

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_owned()
}

/// The folder for everything that is made.
pub(crate) fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// cargo, the one that runs us, in the workspace.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// What lets tests end the binary where they want.
pub(crate) const TESTING: &str = "floe-cli/testing";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Build {
    Release,
    /// For tests of chosen packages.
    Dev,
    /// With everything that tests need: the features of dependencies are then those that tests build
    /// with, and nothing is compiled twice.
    DevWithTests,
}

/// Builds the binary `floe` and says where it is.
pub(crate) fn floe(build: Build) -> Result<PathBuf> {
    let (args, folder): (&[&str], _) = match build {
        Build::Release => (&["--package", "floe-cli", "--release"], "release"),
        Build::Dev => (&["--package", "floe-cli", "--features", TESTING], "debug"),
        Build::DevWithTests => (&["--workspace", "--all-targets", "--features", TESTING], "debug"),
    };
    let mut command = cargo();
    command.args(["build", "--quiet"]).args(args);
    println!("building floe ({folder}); the first time takes minutes");
    shell::run(&mut command)?;
    let binary = target().join(folder).join(format!("floe{}", env::consts::EXE_SUFFIX));
    if binary.is_file() {
        return Ok(binary);
    }
    Err(format!("cargo built floe, but not to {}; is another target folder configured?", binary.display())
        .into())
}

/// Builds an example of the engine, as it is released, and says where it is.
pub(crate) fn example(name: &str) -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["build", "--quiet", "--package", "floe", "--release", "--example", name]);
    shell::run(&mut command)?;
    Ok(target().join("release").join("examples").join(format!("{name}{}", env::consts::EXE_SUFFIX)))
}
