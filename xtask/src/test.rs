//! `cargo xtask test`.

use std::ffi::OsString;

use crate::build::{self, Build};
use crate::postgres::Server;
use crate::{Result, duckdb, shell};

/// What tests need besides the code. A server that a destination needs is kept here as well, so that
/// it stops when the tests are over.
struct Surroundings {
    variables: Vec<(&'static str, OsString)>,
    postgres: Option<Server>,
}

pub(crate) fn run(args: &[String]) -> Result<()> {
    duckdb::set_up()?;
    let surroundings = surroundings(args)?;
    let mut missing = Vec::new();
    if surroundings.postgres.is_none() {
        missing.push("the tests of Postgres did nothing, because there is no Postgres on this machine");
    }
    let mut runner = build::cargo();
    if shell::answers(build::cargo().args(["nextest", "--version"])) {
        runner.args(["nextest", "run"]);
    } else {
        missing.push("cargo-nextest is not installed: cargo test ran the tests, one binary after the other");
        runner.arg("test");
        // without a choice it would run the examples too, which have a run of their own below
        if !args.iter().any(|arg| matches!(arg.as_str(), "--lib" | "--bins" | "--test" | "--tests" | "--doc"))
        {
            runner.arg("--all-targets");
        }
    }
    if !names_packages(args) {
        // as the binary was built, so that it is not built again
        runner.args(["--workspace", "--features", build::TESTING]);
    }
    shell::run(runner.args(args).envs(surroundings.variables.iter().cloned()))?;
    if args.is_empty() {
        shell::run(
            build::cargo()
                .args(["test", "--doc", "--workspace", "--quiet"])
                .envs(surroundings.variables.iter().cloned()),
        )?;
    } else {
        missing.push("the examples in documentation did not run, because tests were chosen");
    }
    for what in missing {
        println!("note: {what}");
    }
    Ok(())
}

/// Prepares what tests need. What cannot be had here should be a note, not a failure.
fn surroundings(args: &[String]) -> Result<Surroundings> {
    let build = if names_packages(args) { Build::Dev } else { Build::DevWithTests };
    let floe = build::floe(build)?;
    let postgres = Server::start()?;
    let url = postgres.as_ref().map_or("missing", |server| server.url.as_str());
    let variables = vec![("FLOE_BIN", floe.into_os_string()), ("FLOE_TEST_POSTGRES", url.into())];
    Ok(Surroundings { variables, postgres })
}

fn names_packages(args: &[String]) -> bool {
    args.iter().any(|arg| arg.starts_with("-p") || arg == "--package" || arg.starts_with("--package="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chosen_package_replaces_the_workspace() {
        let args = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert!(names_packages(&args(&["-p", "floe"])));
        assert!(names_packages(&args(&["-pfloe"])));
        assert!(names_packages(&args(&["--package=floe"])));
        assert!(!names_packages(&args(&["naming", "--no-capture"])));
    }
}
