//! The chores of the project: `cargo xtask --help`.

// printing is what the chores are for
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod bench;
mod build;
mod compile;
mod corpus;
mod demo;
mod duckdb;
mod fuzz;
mod postgres;
mod shell;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Chores have one reader, at a terminal: what went wrong is a text.
type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// The chores of the project.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Put the prebuilt DuckDB library into target/duckdb
    Duckdb,
    /// Show what floe does, on data made for it
    Demo {
        /// Show the generator as well: a connector of an API, built and run, which takes minutes more
        #[arg(long)]
        connector: bool,
    },
    /// Run all tests
    Test {
        /// Arguments for the test runner; without any, all tests and the examples in documentation run
        #[arg(value_name = "ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Generate connectors from many API documents, and say what became of them
    Corpus(corpus::Args),
    /// Damage API documents at random, and see that the generator goes on
    Fuzz(fuzz::Args),
    /// Measure against DuckDB's own JSON reader and against dlt
    Bench(bench::Args),
}

fn main() -> ExitCode {
    let done = match Args::parse().chore {
        Chore::Duckdb => duckdb::set_up(),
        Chore::Demo { connector } => demo::run(connector),
        Chore::Test { args } => test::run(&args),
        Chore::Corpus(args) => corpus::run(&args),
        Chore::Fuzz(args) => fuzz::run(&args),
        Chore::Bench(args) => bench::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        Args::command().debug_assert();
    }
}
