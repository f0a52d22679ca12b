//! `floe`, the command line.

mod args;
mod config;
mod contract;
mod generate;
mod inspect;
mod load;
mod output;
mod pipeline;
mod run;
mod schema;
mod spec;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Args, Command};
use output::ErrorFormat;

// allocations of several threads at once are what normalising does most
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return output::usage(error, ErrorFormat::of_arguments()),
    };
    let format = args.common.error_format;
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output::failure(&error, format),
    }
}

fn run(args: Args) -> floe::Result<()> {
    let common = args.common;
    match args.command {
        Command::Load(load) => load::run(&load, &common),
        Command::Run(args) => run::run(&args, &common),
        Command::Pipeline(pipeline) => pipeline::run(&pipeline, &common),
        Command::Inspect(inspect) => inspect::run(&inspect, &common),
        Command::Generate(generate) => generate::run(&generate, &common),
        Command::Schema(schema) => schema::run(&schema, &common),
        Command::Contract(contract) => contract::run(&contract, &common),
        Command::Config(config) => config::run(&config, &common),
        Command::Completions { shell } => {
            let mut out = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "floe", &mut out);
            output::print(&String::from_utf8_lossy(&out))
        }
    }
}
