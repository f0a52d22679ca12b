//! Who is measured, and how each is run.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::Value as Json;

use super::data::Shape;
use super::measure::{Usage, measure};
use super::python::Python;
use crate::{Result, build};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contender {
    Floe,
    /// floe with the type of the rows known, from pages and from structs.
    Pages,
    Structs,
    /// DuckDB's own JSON reader, building the same tables.
    Limit,
    /// dlt by Parquet and with two workers, as fast as it gets.
    DltParquet,
    /// dlt as it comes.
    Dlt,
    /// SQL that somebody wrote by hand.
    Sql,
    /// `COPY` of rows that are encoded already.
    Copy,
}

impl Contender {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Floe => "floe",
            Self::Pages => "floe, typed pages",
            Self::Structs => "floe, structs",
            Self::Limit => "DuckDB's reader",
            Self::DltParquet => "dlt, Parquet, 2 workers",
            Self::Dlt => "dlt",
            Self::Sql => "SQL by hand",
            Self::Copy => "COPY by psql",
        }
    }

    /// The packages of Python that it needs.
    pub(crate) fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Floe | Self::Copy | Self::Pages | Self::Structs => &[],
            Self::Sql => &["duckdb"],
            Self::Limit => &["duckdb"],
            Self::DltParquet => &["dlt", "duckdb", "orjson", "pyarrow"],
            Self::Dlt => &["dlt", "duckdb", "orjson"],
        }
    }
}

/// How long a script says that the work itself took.
#[derive(Deserialize)]
struct Told {
    rows: u64,
    wall: f64,
    cpu: f64,
}

/// What runs the contenders.
pub(crate) struct Arena {
    pub(crate) floe: PathBuf,
    /// The program that knows the types.
    pub(crate) typed: Option<PathBuf>,
    pub(crate) python: Python,
    /// Databases are made and removed here, so that all write to the same disk.
    pub(crate) folder: PathBuf,
}

impl Arena {
    /// Loads a file into a fresh dataset. The peers are spared the start of Python: they say
    /// themselves how long they loaded.
    pub(crate) fn load(&self, who: Contender, shape: Shape, file: &Path, rows: u64) -> Result<Usage> {
        let (usage, printed) = self.process(who, shape, file)?;
        let (found, usage) = if who == Contender::Floe {
            (loaded_rows(&printed, shape.name()), usage)
        } else if matches!(who, Contender::Pages | Contender::Structs) {
            (printed.trim().parse().ok(), usage)
        } else {
            told(who, &printed, usage)?
        };
        if found == Some(rows) {
            return Ok(usage);
        }
        Err(format!("{} loaded {found:?} rows of {}, not {rows}", who.name(), file.display()).into())
    }

    /// The whole process, with the start of the interpreter.
    pub(crate) fn process(&self, who: Contender, shape: Shape, file: &Path) -> Result<(Usage, String)> {
        let work = tempfile::Builder::new().prefix("run-").tempdir_in(&self.folder)?;
        let mut command = match who {
            Contender::Floe => self.floe(work.path()),
            Contender::Pages | Contender::Structs => {
                Command::new(self.typed.as_deref().unwrap_or(&self.floe))
            }
            Contender::Limit => self.script("duckdb_limit.py"),
            Contender::DltParquet | Contender::Dlt => self.script("dlt_baseline.py"),
            // they are measured where their statements are
            Contender::Sql | Contender::Copy => return Err(format!("{} loads no files", who.name()).into()),
        };
        match who {
            Contender::Floe => command.arg(file).args(["--table", shape.name()]),
            Contender::Pages | Contender::Structs => {
                let way = if who == Contender::Pages { "pages" } else { "rows" };
                command.arg(shape.name()).arg(file).arg(work.path().join("bench.duckdb")).arg(way)
            }
            _ => command.arg(shape.name()).arg(file),
        };
        if who == Contender::DltParquet {
            command.args(["--parquet", "--workers", "2"]);
        }
        measure(command.env("TMPDIR", work.path()))
    }

    fn floe(&self, work: &Path) -> Command {
        let mut command = Command::new(&self.floe);
        command.args([
            "load",
            "--pipeline",
            "bench",
            "--dataset",
            "raw",
            "--output",
            "json",
            "--credentials",
        ]);
        command.arg(work.join("bench.duckdb")).arg("--pipelines-dir").arg(work.join("pipelines"));
        command
    }

    fn script(&self, name: &str) -> Command {
        let mut command = self.python.command();
        command.arg(build::root().join("bench").join(name));
        command
    }
}

/// Rows and time as a script tells them.
pub(crate) fn told(who: Contender, printed: &str, usage: Usage) -> Result<(Option<u64>, Usage)> {
    let told: Told = serde_json::from_str(printed)
        .map_err(|e| format!("{} printed no figures ({e}): {printed}", who.name()))?;
    Ok((Some(told.rows), Usage { wall: told.wall, cpu: told.cpu, memory: usage.memory }))
}

/// The rows of a table in the report of floe.
pub(crate) fn loaded_rows(report: &str, table: &str) -> Option<u64> {
    let report: Json = serde_json::from_str(report).ok()?;
    report["tables"].as_array()?.iter().find(|t| t["table"] == table)?["rows"].as_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loaded_rows_are_those_of_the_table() {
        let report =
            r#"{"tables": [{"table": "issues", "rows": 2}, {"table": "issues__labels", "rows": 5}]}"#;
        assert_eq!(loaded_rows(report, "issues"), Some(2));
        assert_eq!(loaded_rows(report, "events"), None);
        assert_eq!(loaded_rows("", "issues"), None);
    }
}
