//! `cargo xtask bench`: floe against the practical limit and against dlt, on the same data in the same
//! minutes.

mod contender;
mod data;
mod derive;
pub(crate) mod measure;
mod merge;
mod postgres;
mod python;
pub(crate) mod random;
mod report;
mod rest;
mod runs;
mod shapes;

use std::path::PathBuf;
use std::{fs, thread};

use clap::ValueEnum;

use crate::build::{self, Build};
use crate::{Result, duckdb};

use contender::{Arena, Contender};
use python::Python;
use report::Report;
use runs::Plan;

const ROWS: u64 = 200_000;
const REPEAT: usize = 5;
const QUICK_ROWS: u64 = 20_000;

/// Measures, prints tables in Markdown, and fails where a target is missed.
///
/// Peers run with the Python of FLOE_BENCH_PYTHON, or python3, with the packages of
/// bench/requirements.txt; those whose packages are not there are left out.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to measure
    #[arg(value_enum, default_value_t = What::All)]
    what: What,
    /// Rows of a load
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    rows: Option<u64>,
    /// Runs of each, of which the median counts: 5, and 1 for dlt as it comes, which takes minutes
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    repeat: Option<u16>,
    /// The binary to measure; it is built by default
    #[arg(long, value_name = "FILE")]
    floe: Option<PathBuf>,
    /// Few rows, one run, no dlt as it comes: shows that it works, and decides nothing
    #[arg(long)]
    quick: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// Time of a load, against DuckDB's own JSON reader and dlt
    Load,
    /// Memory of a load of four times the rows
    Memory,
    /// Time of a process that loads 100 rows, against dlt
    Small,
    /// Time of merges into a large table, against SQL written by hand and dlt
    Merge,
    /// Time of a load into Postgres, against COPY of encoded rows
    Postgres,
    /// Time of a load whose types are known, against DuckDB's own JSON reader
    Typed,
    /// Time of a build of many tables, against serde's derive
    Build,
    /// Time of a load from a REST API, against dlt
    Rest,
    All,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    duckdb::set_up()?;
    if args.what == What::Build {
        return derive::run(args.repeat.map_or(REPEAT, usize::from));
    }
    let plan = plan(args)?;
    let cores = thread::available_parallelism().map_or(0, |cores| cores.get());
    println!("medians of up to {} runs, {cores} processors{}", plan.repeat, load_average());
    let mut report = Report::default();
    for (what, run) in [
        (What::Load, Plan::load as fn(&Plan) -> Result<Report>),
        (What::Memory, Plan::memory),
        (What::Small, Plan::small),
        (What::Merge, Plan::merge),
        (What::Postgres, Plan::postgres),
        (What::Typed, Plan::typed),
        (What::Rest, Plan::rest),
    ] {
        if args.what == what || args.what == What::All {
            report.extend(run(&plan)?);
        }
    }
    println!("\n{}", report.to_markdown());
    match report.missed() {
        0 => Ok(()),
        missed if args.quick => {
            println!("{missed} targets missed, which a quick run does not decide");
            Ok(())
        }
        missed => Err(format!("{missed} of {} targets are missed", report.judged.len()).into()),
    }
}

fn plan(args: &Args) -> Result<Plan> {
    let given = args.repeat.map(usize::from);
    let repeat = given.unwrap_or(if args.quick { 1 } else { REPEAT });
    let rows = args.rows.unwrap_or(if args.quick { QUICK_ROWS } else { ROWS });
    let repeat_dlt = if args.quick { 0 } else { given.unwrap_or(1) };
    let floe = match &args.floe {
        Some(floe) => fs::canonicalize(floe).map_err(|e| format!("{}: {e}", floe.display()))?,
        None => build::floe(Build::Release)?,
    };
    let wants_types = matches!(args.what, What::Typed | What::All);
    let typed = if wants_types { Some(build::example("typed_load")?) } else { None };
    let python = Python::find();
    let contenders = contenders(&python);
    let folder = build::target().join("bench");
    fs::create_dir_all(&folder)?;
    Ok(Plan { arena: Arena { floe, typed, python, folder }, rows, repeat, repeat_dlt, contenders })
}

/// Those that can run here; says who cannot.
fn contenders(python: &Python) -> Vec<Contender> {
    let mut able = Vec::new();
    for who in [Contender::Floe, Contender::Limit, Contender::DltParquet, Contender::Dlt] {
        match python.lacks(who.packages()) {
            None => able.push(who),
            Some(package) => println!(
                "skipped: {}, because {} has no package {package} (bench/requirements.txt has what is needed)",
                who.name(),
                python.program()
            ),
        }
    }
    for difference in python.differences() {
        println!("note: {difference}; figures may differ");
    }
    able
}

/// What else the machine does, where the system tells.
fn load_average() -> String {
    let Ok(text) = fs::read_to_string("/proc/loadavg") else { return String::new() };
    let last_minute = text.split(' ').next().unwrap_or_default();
    format!(", load average {last_minute} before the start")
}
