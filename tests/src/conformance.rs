//! Recorded cases: runs of dlt, and the datasets that they left.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

use serde_json::Value as Json;

use crate::binary::{Outcome, floe};
use crate::canonical::{Window, document};
use crate::compare::{Report, compare, first_difference};
use crate::dataset::Dataset;
use crate::postgres::Database;

/// Pipeline and dataset of all cases.
const PIPELINE: &str = "conf";
const DATASET: &str = "conf_data";

/// A case with what dlt made of it.
#[derive(Debug, Clone)]
pub struct Case {
    /// The runs.
    pub case: Json,
    /// The results.
    pub golden: Json,
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance").join(name)
}

fn read(path: &Path) -> Json {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The categories of cases: what stands in front of the two underscores.
pub fn categories() -> Vec<String> {
    let listing = fs::read_dir(folder("cases")).unwrap();
    let names = listing.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut categories: Vec<String> =
        names.filter_map(|name| name.split_once("__").map(|(category, _)| category.to_owned())).collect();
    categories.sort();
    categories.dedup();
    categories
}

impl Case {
    /// The cases of a category.
    pub fn of_category(category: &str) -> Vec<Self> {
        let listing = fs::read_dir(folder("cases")).unwrap();
        let names = listing.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|n| n.starts_with(&format!("{category}__"))).collect();
        names.sort();
        let case = |name: &String| Self {
            case: read(&folder("cases").join(name)),
            golden: read(&folder("golden").join(name)),
        };
        names.iter().map(case).collect()
    }

    /// The name.
    pub fn name(&self) -> &str {
        self.case["name"].as_str().unwrap()
    }

    /// Runs the binary as often as the case says and compares what it left in DuckDB.
    pub fn check(&self) -> Report {
        let place = tempfile::tempdir().unwrap();
        self.check_in(place.path(), &database(place.path()))
    }

    /// The same with another database.
    pub fn check_on(&self, target: &impl Target) -> Report {
        let place = tempfile::tempdir().unwrap();
        self.check_in(place.path(), target)
    }

    fn check_in(&self, place: &Path, target: &impl Target) -> Report {
        let checked = self.run_in(place, target).map(|windows| self.compare_in(target, &windows));
        checked.unwrap_or_else(|error| Report { errors: vec![error], ..Report::default() })
    }

    /// All runs. An error is one after which nothing else is worth to be looked at.
    pub fn run_in(&self, place: &Path, target: &impl Target) -> Result<Vec<Window>, String> {
        let mut windows = Vec::new();
        let runs = self.case["runs"].as_array().unwrap();
        for (n, (run, golden)) in runs.iter().zip(self.golden["runs"].as_array().unwrap()).enumerate() {
            let at_run = |text: String| format!("run {}: {text}", n + 1);
            let start = now();
            let outcome = Outcome::of(&mut command(run, place, target, &place.join(format!("run{n}"))));
            windows.push((start, now() + 1));
            check_error(&golden["error"], &outcome).map_err(at_run)?;
            // those of the last run are less telling than the differences of its rows
            if n + 1 < runs.len() && !self.only_errors() {
                let counts = target.read().row_counts();
                let difference = first_difference(&golden["rows"], &counts, "row counts");
                difference.map_or(Ok(()), |text| Err(at_run(text)))?;
            }
        }
        Ok(windows)
    }

    /// Compares the dataset that the runs left.
    pub fn compare_in(&self, target: &impl Target, windows: &[Window]) -> Report {
        if self.only_errors() {
            return Report::default();
        }
        let ids = self.golden["literal_ids"].as_array().unwrap();
        let ids: Vec<String> = ids.iter().map(|id| id.as_str().unwrap().to_owned()).collect();
        compare(&self.golden["dataset"], &document(&target.read(), windows, &ids))
    }

    /// Whether dlt leaves an accidental part of the data behind.
    fn only_errors(&self) -> bool {
        self.case["compare"] == "errors"
    }
}

/// The database that a case loads into.
pub trait Target {
    /// What the command line calls it, and where it is.
    fn credentials(&self) -> (&'static str, String);

    /// The dataset that is in it.
    fn read(&self) -> Dataset;
}

/// The DuckDB file of a case.
pub fn database(place: &Path) -> PathBuf {
    place.join("case.duckdb")
}

impl Target for PathBuf {
    fn credentials(&self) -> (&'static str, String) {
        ("duckdb", self.to_str().unwrap().to_owned())
    }

    fn read(&self) -> Dataset {
        Dataset::read(self, DATASET).unwrap_or_else(|e| panic!("the database cannot be read: {e}"))
    }
}

impl Target for Database {
    fn credentials(&self) -> (&'static str, String) {
        ("postgres", self.url())
    }

    fn read(&self) -> Dataset {
        self.dataset(DATASET)
    }
}

/// Microseconds since 1970.
fn now() -> i64 {
    UNIX_EPOCH.elapsed().unwrap().as_micros() as i64
}

/// The command for one run of a case, whose files are written to a folder.
fn command(run: &Json, place: &Path, target: &impl Target, files: &Path) -> Command {
    fs::create_dir_all(files).unwrap();
    let mut command = floe();
    let pipelines = format!("pipelines-{}", run["pipelines_dir"].as_str().unwrap_or("main"));
    command.args(["load", "--pipeline", PIPELINE, "--dataset", DATASET]);
    let (destination, credentials) = target.credentials();
    command.args(["--destination", destination, "--credentials", &credentials]);
    command.arg("--pipelines-dir").arg(place.join(pipelines));
    command.args(["--error-format", "json"]);
    if let Some(refresh) = run["refresh"].as_str() {
        command.args(["--refresh", refresh]);
    }
    if !run["schema_contract"].is_null() {
        command.args(["--schema-contract", &run["schema_contract"].to_string()]);
    }
    if let Some(name) = run["import_schema"]["name"].as_str() {
        // JSON is YAML as well
        let text = serde_json::to_string_pretty(&run["import_schema"]).unwrap();
        fs::write(files.join(format!("{name}.schema.yaml")), text).unwrap();
        command.arg("--import-schema").arg(files);
    }
    for (n, resource) in resources(run).into_iter().enumerate() {
        let (description, data) = (files.join(format!("{n}.json")), files.join(format!("{n}.jsonl")));
        fs::write(&description, resource["resource"].to_string()).unwrap();
        fs::write(&data, lines(resource)).unwrap();
        command.arg("--resource").args([description, data]);
    }
    command
}

/// The resources of a run, each with its data.
pub fn resources(run: &Json) -> Vec<&Json> {
    match run["resources"].as_array() {
        Some(resources) => resources.iter().collect(),
        None => vec![run],
    }
}

fn lines(resource: &Json) -> String {
    let line = |item: &Json, raw: bool| match item.as_str() {
        Some(text) if raw => format!("{text}\n"),
        _ => format!("{item}\n"),
    };
    match (resource["data_lines"].as_array(), resource["data"].as_array()) {
        (Some(raw), _) => raw.iter().map(|text| line(text, true)).collect(),
        (None, data) => data.into_iter().flatten().map(|item| line(item, false)).collect(),
    }
}

/// Compares how a run ended. Fields that are null do not matter.
fn check_error(expected: &Json, outcome: &Outcome) -> Result<(), String> {
    let last = outcome.stderr.lines().last().unwrap_or_default();
    let Some(expected) = expected.as_object() else {
        let text = || format!("unexpected failure ({}): {last}", outcome.code);
        return if outcome.code == 0 { Ok(()) } else { Err(text()) };
    };
    if outcome.code == 0 {
        return Err(format!("should fail with {expected:?}, but succeeded"));
    }
    let error =
        outcome.error().ok_or_else(|| format!("the last line of stderr is no JSON object: {last}"))?;
    let differs = |(key, value): &(&String, &Json)| !value.is_null() && error[key.as_str()] != **value;
    match expected.iter().find(differs) {
        Some((key, value)) => Err(format!("error {key}: expected {value}, got {}", error[key.as_str()])),
        None => Ok(()),
    }
}
