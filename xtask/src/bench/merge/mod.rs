//! Merging changed rows into a large table: floe against SQL written by hand over the same staged rows,
//! and against dlt.

mod data;
mod duckdb;
mod postgres;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::contender::{Arena, Contender};
use super::measure::{Usage, measure, medians};
use super::report::{Judged, Measured, Report, Target};
use crate::{Result, build};

/// Bringing staged rows into the tables, and making them visible, takes so many times what it takes
/// with SQL written by hand.
const BY_HAND: Target = Target::AtMost(1.3);
/// The whole run is so many times faster than dlt's.
const DLT: Target = Target::AtLeast(5.0);
/// One row of so many is changed.
const CHANGED: u64 = 20;
const DATASET: &str = "raw";
const TABLE: &str = "accounts";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strategy {
    DeleteInsert,
    Upsert,
}

impl Strategy {
    const ALL: [Self; 2] = [Self::DeleteInsert, Self::Upsert];

    fn name(self) -> &'static str {
        match self {
            Self::DeleteInsert => "delete-insert",
            Self::Upsert => "upsert",
        }
    }

    fn resource(self) -> Json {
        let disposition = json!({"disposition": "merge", "strategy": self.name()});
        json!({"name": TABLE, "primary_key": "id", "write_disposition": disposition})
    }

    /// What somebody would write who knows the tables: keys are unique, and nothing is deleted.
    fn by_hand(self, temporary: &str) -> String {
        match self {
            Self::DeleteInsert => format!(
                "CREATE TEMPORARY TABLE gone AS SELECT d._dlt_id FROM raw.accounts AS d \
                 JOIN raw_staging.accounts AS s ON d.id = s.id;\n\
                 DELETE FROM raw.accounts__entries WHERE _dlt_root_id IN (SELECT _dlt_id FROM {temporary}.gone);\n\
                 DELETE FROM raw.accounts WHERE _dlt_id IN (SELECT _dlt_id FROM {temporary}.gone);\n\
                 INSERT INTO raw.accounts SELECT * FROM raw_staging.accounts;\n\
                 INSERT INTO raw.accounts__entries SELECT * FROM raw_staging.accounts__entries;\n"
            ),
            Self::Upsert => {
                let root = merge("raw.accounts", "raw_staging.accounts", "id", data::ROOT_COLUMNS);
                let nested = merge(
                    "raw.accounts__entries",
                    "raw_staging.accounts__entries",
                    "_dlt_id",
                    data::NESTED_COLUMNS,
                );
                format!(
                    "{root}DELETE FROM raw.accounts__entries WHERE _dlt_root_id IN \
                     (SELECT _dlt_id FROM raw_staging.accounts) AND _dlt_id NOT IN \
                     (SELECT _dlt_id FROM raw_staging.accounts__entries);\n{nested}"
                )
            }
        }
    }
}

fn merge(main: &str, staged: &str, key: &str, columns: &[&str]) -> String {
    let set: Vec<String> = columns.iter().map(|c| format!("{c} = s.{c}")).collect();
    let values: Vec<String> = columns.iter().map(|c| format!("s.{c}")).collect();
    format!(
        "MERGE INTO {main} AS d USING {staged} AS s ON d.{key} = s.{key} \
         WHEN MATCHED THEN UPDATE SET {} WHEN NOT MATCHED THEN INSERT ({}) VALUES ({});\n",
        set.join(", "),
        columns.join(", "),
        values.join(", ")
    )
}

/// What is measured, and with what.
pub(super) struct Merges<'a> {
    pub(super) arena: &'a Arena,
    pub(super) contenders: &'a [Contender],
    pub(super) rows: u64,
    pub(super) repeat: usize,
}

/// A database in which merges are measured.
trait Field {
    fn name(&self) -> &'static str;

    /// Says why dlt cannot run here.
    fn lacks_dlt(&self, merges: &Merges<'_>) -> Option<String>;

    /// Makes the database with the large table, or takes the one that is there.
    fn prepare(&mut self, merges: &Merges<'_>, strategy: Strategy) -> Result<()>;

    /// Makes a copy of it, which the next calls work on.
    fn begin(&mut self) -> Result<()>;

    /// The arguments that point floe to the copy.
    fn point(&self, command: &mut Command);

    /// Runs SQL over the rows that floe staged, in another copy, as one transaction.
    fn by_hand(&mut self, merges: &Merges<'_>, strategy: Strategy) -> Result<Usage>;

    /// The credentials for dlt, of the copy.
    fn credentials(&self) -> String;
}

/// How long a script says that the work itself took.
#[derive(Deserialize)]
struct Told {
    wall: f64,
    cpu: f64,
}

fn told(usage: Usage, printed: &str) -> Result<Usage> {
    let told: Told = serde_json::from_str(printed).map_err(|e| format!("no figures ({e}): {printed}"))?;
    Ok(Usage { wall: told.wall, cpu: told.cpu, memory: usage.memory })
}

impl Merges<'_> {
    pub(super) fn run(&self) -> Result<Report> {
        let mut report = Report::default();
        if self.arena.python.lacks(Contender::Sql.packages()).is_none() {
            report.extend(self.on(&mut duckdb::File::new(self.arena))?);
        } else {
            println!("skipped: merges in DuckDB, which need its package for Python");
        }
        match postgres::Server::start()? {
            Some(mut server) => report.extend(self.on(&mut server)?),
            None => println!("skipped: merges in Postgres, which is not there"),
        }
        Ok(report)
    }

    fn on(&self, field: &mut dyn Field) -> Result<Report> {
        let mut report = Report::default();
        let changes = data::changes(&self.arena.folder, self.rows)?;
        for strategy in Strategy::ALL {
            field.prepare(self, strategy)?;
            let data = format!("{}, {}, {} rows", field.name(), strategy.name(), self.rows);
            let (mut merges, mut whole, mut by_hand) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..self.repeat {
                field.begin()?;
                let (merge, run) = self.floe(field, strategy, &changes, &[])?;
                // once more, because rows that are kept are written at the commit, which takes time
                field.begin()?;
                self.floe(field, strategy, &changes, &["--keep-staged"])?;
                let sql = field.by_hand(self, strategy)?;
                eprintln!("  {data}: floe {:.2} s, by hand {:.2} s", merge.wall, sql.wall);
                merges.push(merge);
                whole.push(run);
                by_hand.push(sql);
            }
            let dlt = self.dlt(field, strategy, &changes)?;
            let mut add = |what: &str, who, usages: &[Usage]| {
                let usage = medians(usages)?;
                let data = format!("{data}, {what}");
                report.measured.push(Measured { data, who, runs: usages.len(), usage });
                Some(usage)
            };
            let (merge, sql) =
                (add("merge", Contender::Floe, &merges), add("merge", Contender::Sql, &by_hand));
            let (run, dlt) = (add("run", Contender::Floe, &whole), add("run", Contender::DltParquet, &dlt));
            let mut judge = |what: &str, value, target| {
                let (what, data) = (what.to_owned(), data.clone());
                report.judged.push(Judged { what, data, value, unit: "×", target });
            };
            if let (Some(floe), Some(sql)) = (merge, sql) {
                judge("merge, of SQL by hand", floe.wall / sql.wall, BY_HAND);
            }
            if let (Some(floe), Some(dlt)) = (run, dlt) {
                judge("speed, of dlt", dlt.wall / floe.wall, DLT);
            }
        }
        Ok(report)
    }

    /// What the merge took, and the whole run.
    fn floe(
        &self,
        field: &dyn Field,
        strategy: Strategy,
        changes: &Path,
        more: &[&str],
    ) -> Result<(Usage, Usage)> {
        let work = self.work()?;
        let mut command = self.load(work.path(), strategy, changes)?;
        field.point(&mut command);
        let (usage, printed) = measure(command.args(more))?;
        let report: Json = serde_json::from_str(&printed)?;
        let wall = merge_seconds(&report).ok_or("the report has no times")?;
        Ok((Usage { wall, ..usage }, usage))
    }

    /// The command that loads a file into a database, which is to be named.
    fn load(&self, work: &Path, strategy: Strategy, file: &Path) -> Result<Command> {
        let resource = work.join("resource.json");
        std::fs::write(&resource, strategy.resource().to_string())?;
        let mut command = Command::new(&self.arena.floe);
        command.args(["load", "--pipeline", "bench", "--dataset", DATASET, "--output", "json"]);
        command.arg("--pipelines-dir").arg(work.join("pipelines")).arg("--resource").arg(resource).arg(file);
        Ok(command)
    }

    fn work(&self) -> Result<tempfile::TempDir> {
        Ok(tempfile::Builder::new().prefix("run-").tempdir_in(&self.arena.folder)?)
    }

    fn dlt(&self, field: &mut dyn Field, strategy: Strategy, changes: &Path) -> Result<Vec<Usage>> {
        if !self.contenders.contains(&Contender::DltParquet) {
            return Ok(Vec::new());
        }
        if let Some(why) = field.lacks_dlt(self) {
            println!("skipped: dlt on {}, because {why}", field.name());
            return Ok(Vec::new());
        }
        field.begin()?;
        let work = self.work()?;
        let mut command = self.script("dlt_merge.py");
        command.arg(field.name()).arg(field.credentials()).arg(changes).arg(strategy.name());
        let (usage, printed) = measure(command.arg(work.path()))?;
        let usage = told(usage, &printed)?;
        eprintln!("  {}, {}: dlt {:.2} s", field.name(), strategy.name(), usage.wall);
        Ok(vec![usage])
    }

    fn script(&self, name: &str) -> Command {
        let mut command = self.arena.python.command();
        command.arg(build::root().join("bench").join(name));
        command
    }

    fn base(&self) -> Result<PathBuf> {
        data::base(&self.arena.folder, self.rows)
    }
}

/// Loading without what writing rows took.
fn merge_seconds(report: &Json) -> Option<f64> {
    let steps = report["steps"].as_array()?;
    let load = steps.iter().find(|step| step["step"] == "load")?["seconds"].as_f64()?;
    let written: Option<f64> = report["tables"].as_array()?.iter().map(|t| t["seconds"].as_f64()).sum();
    Some(load - written?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merge_is_loading_without_writing() {
        let report = json!({
            "steps": [{"step": "extract", "seconds": 9.0}, {"step": "load", "seconds": 2.0}],
            "tables": [{"seconds": 0.5}, {"seconds": 0.25}],
        });
        assert_eq!(merge_seconds(&report), Some(1.25));
        assert_eq!(merge_seconds(&json!({})), None);
    }
}
