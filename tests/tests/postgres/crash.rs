//! `floe load` is killed at any moment, and the next run ends where an undisturbed one ends.

use std::fmt::Write as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use floe_tests::canonical::document;
use floe_tests::compare;
use floe_tests::postgres::Database;
use floe_tests::random::Random;
use serde_json::{Value as Json, json};

use crate::place::Place;

const KILLS: usize = 32;
/// Kills before the data of a pipeline is looked at, and it begins anew.
const RUNS: usize = 4;
const ITEMS: usize = 200;
const ARGUMENTS: &[&str] = &["--resource", "events.json", "events.jsonl", "--page-bytes", "65536", "--quiet"];

/// Data of a run: earlier items have changed, and new ones come.
fn write_data(place: &Place<'_>, run: usize) {
    let mut lines = String::new();
    for id in 0..(run + 1) * ITEMS {
        let tags: Vec<Json> = (0..id % 3).map(|n| json!({"n": n, "of": [id, n]})).collect();
        let mut event = json!({"id": id, "run": run, "tags": tags});
        event[format!("only_{}", id / ITEMS)] = "x".repeat(id % 50).into();
        writeln!(lines, "{event}").unwrap();
    }
    place.write("events.jsonl", &lines);
}

fn begin(database: &Database) -> Place<'_> {
    let place = Place::new(database);
    let resource = json!({"name": "events", "write_disposition": "merge", "primary_key": "id"});
    place.write("events.json", &resource.to_string());
    place
}

/// What undisturbed runs leave, one after the other, and how long they take.
fn undisturbed() -> Option<Vec<(Json, Duration)>> {
    let database = Database::new()?;
    let place = begin(&database);
    let run = |run| {
        write_data(&place, run);
        let started = Instant::now();
        place.load(ARGUMENTS).success();
        let time = started.elapsed();
        (document(&database.dataset("raw"), &[], &[]), time)
    };
    Some((0..RUNS).map(run).collect())
}

#[test]
fn no_kill_loses_or_doubles_anything() {
    let mut random = Random::from_env();
    let Some(runs) = undisturbed() else { return };
    let (mut kills, mut in_load) = (0, 0);
    while kills < KILLS {
        let Some(database) = Database::new() else { return };
        let place = begin(&database);
        for (run, (expected, time)) in runs.iter().enumerate() {
            write_data(&place, run);
            let mut command = place.command_to(&database.url(), ARGUMENTS);
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            // half of the kills come while a package is loaded, however fast the machine is just now
            let mut rest = time.mul_f64(random.fraction());
            if kills % 2 == 0 {
                while !waits(&place) && child.try_wait().unwrap().is_none() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                rest /= 4;
            }
            std::thread::sleep(rest);
            child.kill().unwrap();
            kills += usize::from(child.wait().unwrap().code().is_none());
            in_load += usize::from(waits(&place));
            place.load(ARGUMENTS).success();
            // a run that finishes an earlier package reads nothing new, and this one changes nothing
            place.load(ARGUMENTS).success();
            let errors = compare_rows(expected, &document(&database.dataset("raw"), &[], &[]));
            assert!(errors.is_empty(), "after a kill in run {run}: {}", errors.join("\n"));
            assert!(database.dataset("raw_staging").tables.is_empty(), "staged rows are left");
        }
    }
    println!("{kills} kills, {in_load} of them while a package was loaded");
    assert!(in_load > 0, "no kill came while a package was loaded");
}

/// Whether a package waits to be loaded.
fn waits(place: &Place<'_>) -> bool {
    place
        .path("pipelines/p/packages/normalized")
        .read_dir()
        .is_ok_and(|mut packages| packages.next().is_some())
}

/// A merge of the same rows is another load, but the rows are the same.
fn compare_rows(expected: &Json, actual: &Json) -> Vec<String> {
    let rows = |document: &Json| {
        let tables = document["tables"].as_object().unwrap().iter().map(|(name, table)| {
            let rows = table["rows"].as_array().unwrap();
            let rows: Vec<Json> = rows
                .iter()
                .map(|row| {
                    let values =
                        row.as_object().unwrap().iter().filter(|(name, _)| !name.starts_with("_dlt_"));
                    values.map(|(name, value)| (name.clone(), value.clone())).collect()
                })
                .collect();
            (name.clone(), json!({"columns": table["columns"], "rows": rows}))
        });
        json!({"tables": tables.collect::<Json>()})
    };
    compare(&rows(expected), &rows(actual)).errors
}
