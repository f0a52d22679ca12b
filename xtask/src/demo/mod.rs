//! `cargo xtask demo`: what floe does, shown by doing it. Every step checks what came of it, so that
//! the demo cannot go stale.

mod connector;
mod data;
mod replica;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use std::{fs, io};

use serde_json::Value as Json;

use crate::build::{self, Build};
use crate::shell::{self, Printed};
use crate::{Result, duckdb};

use data::{Counts, Day};

const LOAD: [&str; 13] = [
    "load",
    "--pipeline",
    "shop",
    "--dataset",
    "raw",
    "--table",
    "orders",
    "--primary-key",
    "order_id",
    "--write-disposition",
    "merge",
    "--incremental",
    "updated_at",
];
/// State stays in the folder of the demo.
const PIPELINES: [&str; 2] = ["--pipelines-dir", "pipelines"];
const DATABASE: &str = "shop.duckdb";

pub(crate) fn run(with_connector: bool) -> Result<()> {
    duckdb::set_up()?;
    let floe = build::floe(Build::Release)?;
    let demo = Demo { floe, folder: build::target().join("demo") };
    let start = Instant::now();
    demo.prepare()?;
    demo.first_load()?;
    demo.second_load()?;
    demo.look()?;
    demo.broken_file()?;
    if with_connector {
        connector::Connector { floe: &demo.floe, folder: demo.path("api") }.show()?;
    } else {
        println!("\n`cargo xtask demo --connector` shows what becomes of an API document.");
    }
    println!("\nEverything was as it should be, in {:.1} s.", start.elapsed().as_secs_f64());
    println!("The database is {}: open it with DuckDB, or with dlt.", demo.path(DATABASE).display());
    Ok(())
}

struct Demo {
    floe: PathBuf,
    folder: PathBuf,
}

impl Demo {
    fn prepare(&self) -> Result<()> {
        match fs::remove_dir_all(&self.folder) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(format!("cannot clear {}: {e}", self.folder.display()).into());
            }
            _ => fs::create_dir_all(&self.folder)?,
        }
        println!("\nin {}", self.folder.display());
        Ok(())
    }

    fn first_load(&self) -> Result<()> {
        say(
            "Monday: a thousand orders, each with a customer, an address and a list of lines. Nothing is declared.",
        );
        let day = data::monday();
        self.load("monday.jsonl", &day.text)?;
        self.check_run(&day)
    }

    fn second_load(&self) -> Result<()> {
        say(
            "Tuesday: most orders are known, 100 changed, 300 are new; there is a new field, and there are new lists.",
        );
        let day = data::tuesday();
        self.load("tuesday.jsonl", &day.text)?;
        self.check_run(&day)?;
        say("Tuesday once more: the cursor `updated_at` is past it.");
        let printed = self.load("tuesday.jsonl", &day.text)?;
        check("a second load of the same file brings nothing", printed.stdout.contains("nothing new"))
    }

    fn look(&self) -> Result<()> {
        say("What the pipeline knows, and the schema that it found.");
        let info = self.floe(&["pipeline", "shop", "info"])?;
        check("the pipeline knows its dataset", info.code == Some(0) && info.stdout.contains("raw"))?;
        let schema = self.floe(&["schema", "show", "shop"])?;
        let new = ["customer__address__city", "customer__email", "orders__coupons", "orders__lines__gifts"];
        check("the schema has what Tuesday brought", new.iter().all(|name| schema.stdout.contains(name)))
    }

    fn broken_file(&self) -> Result<()> {
        say("Wednesday: one line of the file is no JSON. Nothing of the file is loaded.");
        let day = data::wednesday();
        let before = self.database()?;
        let text = data::broken(&day.text);
        fs::write(self.path("wednesday.jsonl"), text)?;
        let printed = self.floe(&[LOAD.as_slice(), &["wednesday.jsonl"]].concat())?;
        let place = format!("wednesday.jsonl:{}:", data::BROKEN_LINE);
        check("the run fails", printed.code == Some(1))?;
        check("the error names file and line", printed.stderr.contains(&place))?;
        check("not a byte of the database changed", self.database()? == before)?;
        say("Wednesday again, mended: all of it is loaded, the rows before the broken line once.");
        self.load("wednesday.jsonl", &day.text)?;
        self.check_run(&day)
    }

    /// Writes a file and loads it.
    fn load(&self, file: &str, text: &str) -> Result<Printed> {
        fs::write(self.path(file), text)?;
        let printed = self.floe(&[LOAD.as_slice(), &[file]].concat())?;
        check("the run succeeds", printed.code == Some(0))?;
        Ok(printed)
    }

    /// Shows a command and what it prints.
    fn floe(&self, args: &[&str]) -> Result<Printed> {
        println!("\n$ floe {} {}", args.join(" "), PIPELINES.join(" "));
        let printed = self.quietly(args)?;
        print!("{}{}", printed.stdout, printed.stderr);
        Ok(printed)
    }

    fn quietly(&self, args: &[&str]) -> Result<Printed> {
        let mut command = Command::new(&self.floe);
        command.args(args).args(PIPELINES).current_dir(&self.folder);
        shell::capture(&mut command)
    }

    /// Compares what the last run says of itself with what was in the file.
    fn check_run(&self, day: &Day) -> Result<()> {
        let trace = self.quietly(&["pipeline", "shop", "trace", "--output", "json"])?;
        let trace: Json = serde_json::from_str(&trace.stdout).map_err(|e| {
            format!("the trace of the run is no JSON ({e}): {}{}", trace.stdout, trace.stderr)
        })?;
        let report = &trace["report"];
        let rows = rows(report);
        check(&format!("the tables got {:?}, not {rows:?}", day.counts), rows == day.counts)?;
        let known = report["resources"][0]["not_new"].as_u64();
        check(&format!("{} orders were known, not {known:?}", day.known), known == Some(day.known))
    }

    fn database(&self) -> Result<Vec<u8>> {
        Ok(fs::read(self.path(DATABASE))?)
    }

    fn path(&self, file: &str) -> PathBuf {
        Path::new(&self.folder).join(file)
    }
}

/// Rows by table, without the bookkeeping.
fn rows(report: &Json) -> Counts {
    let tables = report["tables"].as_array().into_iter().flatten();
    let counts = tables.filter_map(|t| Some((t["table"].as_str()?.to_owned(), t["rows"].as_u64()?)));
    counts.filter(|(table, _)| !table.starts_with("_dlt")).collect()
}

fn say(text: &str) {
    println!("\n# {text}");
}

fn check(what: &str, holds: bool) -> Result<()> {
    if holds { Ok(()) } else { Err(format!("the demo was surprised; it expected: {what}").into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_from_a_report() {
        let report = serde_json::json!({"tables": [{"table": "a", "rows": 2}, {"table": "a__b", "rows": 5}, {"table": "_dlt_version", "rows": 1}]});
        assert_eq!(rows(&report), Counts::from([("a".to_owned(), 2), ("a__b".to_owned(), 5)]));
        assert!(rows(&Json::Null).is_empty());
    }

    #[test]
    fn a_surprise_is_an_error() {
        assert!(check("rain", true).is_ok());
        assert!(check("rain", false).unwrap_err().to_string().ends_with("it expected: rain"));
    }
}
