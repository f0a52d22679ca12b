//! A load into Postgres, against `COPY` of the same rows.

use std::path::Path;
use std::process::Command;

use super::contender::{Arena, Contender};
use super::measure::{Usage, measure, medians};
use super::report::{Judged, Measured, Report, Target};
use crate::{Result, postgres, shell};

/// The whole load takes so many times what psql takes for rows that are encoded already, table by
/// table, into tables with the same indexes.
const COPY: Target = Target::AtMost(1.3);

/// Loads issues by floe and copies the rows that come of them by psql.
pub(super) fn ingest(arena: &Arena, file: &Path, rows: u64, repeat: usize) -> Result<Report> {
    let Some(server) = postgres::Server::start()? else {
        println!("skipped: loads into Postgres, which is not there");
        return Ok(Report::default());
    };
    let (mut floe, mut copy) = (Vec::new(), Vec::new());
    for _ in 0..repeat {
        let work = tempfile::Builder::new().prefix("run-").tempdir_in(&arena.folder)?;
        let bench = Database::new(&server, "bench")?;
        let mut command = Command::new(&arena.floe);
        command.args(["load", "--pipeline", "bench", "--dataset", "raw", "--destination", "postgres"]);
        command.args(["--credentials", &bench.url, "--pipelines-dir"]).arg(work.path());
        let (usage, _) = measure(command.arg(file).args(["--table", "issues"]))?;
        floe.push(usage);
        copy.push(bench.copy_rows(&server, work.path())?);
        if let (Some(floe), Some(copy)) = (floe.last(), copy.last()) {
            eprintln!("  issues into Postgres: floe {:.2} s, COPY by psql {:.2} s", floe.wall, copy.wall);
        }
    }
    let data = format!("issues into Postgres, {rows} rows");
    let mut report = Report::default();
    for (who, usages) in [(Contender::Floe, &floe), (Contender::Copy, &copy)] {
        if let Some(usage) = medians(usages) {
            report.measured.push(Measured { data: data.clone(), who, runs: usages.len(), usage });
        }
    }
    if let (Some(floe), Some(copy)) = (medians(&floe), medians(&copy)) {
        let what = "wall, of COPY by psql".to_owned();
        report.judged.push(Judged { what, data, value: floe.wall / copy.wall, unit: "×", target: COPY });
    }
    Ok(report)
}

/// A database that is made anew.
struct Database {
    url: String,
}

impl Database {
    fn new(server: &postgres::Server, name: &str) -> Result<Self> {
        let url = server.url.replace("/postgres?", &format!("/{name}?"));
        let statements =
            [format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), format!("CREATE DATABASE {name}")];
        let mut command = psql(&server.url);
        for sql in &statements {
            command.args(["-c", sql]);
        }
        shell::run(&mut command)?;
        Ok(Self { url })
    }

    /// Writes the rows of all tables to files and copies them into empty tables that are alike.
    fn copy_rows(&self, server: &postgres::Server, folder: &Path) -> Result<Usage> {
        let names = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'raw' \
                     AND table_name NOT LIKE '\\_dlt%' ORDER BY 1";
        let printed = shell::capture(psql(&self.url).args(["--tuples-only", "--no-align", "-c", names]))?;
        let tables: Vec<&str> = printed.stdout.lines().filter(|line| !line.is_empty()).collect();
        let other = Self::new(server, "copied")?;
        let layout = folder.join("layout.sql");
        let mut dump = Command::new("pg_dump");
        shell::run(dump.arg(&self.url).args(["--schema-only", "--schema", "raw", "--file"]).arg(&layout))?;
        shell::run(psql(&other.url).args(["--output", "/dev/null", "--file"]).arg(&layout))?;
        let mut copies = psql(&other.url);
        copies.arg("--single-transaction");
        for (n, table) in tables.iter().enumerate() {
            let file = folder.join(format!("{n}.copy"));
            let copy = |direction: &str| {
                format!("\\copy raw.\"{table}\" {direction} '{}' WITH (FORMAT binary)", file.display())
            };
            shell::run(psql(&self.url).args(["-c", &copy("TO")]))?;
            copies.args(["-c", &copy("FROM")]);
        }
        measure(&mut copies).map(|(usage, _)| usage)
    }
}

fn psql(url: &str) -> Command {
    let mut command = Command::new("psql");
    command.arg(url).args(["--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1"]);
    command.env("PGOPTIONS", "-c client_min_messages=warning");
    command
}
