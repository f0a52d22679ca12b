//! `floe load` is killed at any moment, and the next run ends where an undisturbed one ends.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use floe_tests::canonical::document;
use floe_tests::dataset::text;
use floe_tests::random::Random;
use floe_tests::{Dataset, Outcome, compare, floe};
use serde_json::{Value as Json, json};

const DATASET: &str = "raw";
const KILLS: usize = 200;
/// Pipelines at the same time: most of a run is waiting for the disk.
const WORKERS: usize = 3;
/// Runs of one pipeline, each with more data.
const RUNS: usize = 4;
/// Items that a run adds: a few pages of them, and batches for three tables.
const ITEMS: usize = 60;
/// Part of the recoveries that are killed as well.
const AGAIN: f64 = 0.2;

/// Where a run was when it was killed, as far as that can be told from what it left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// There is nothing yet.
    Begin,
    /// A package is being written: items are read and normalised.
    Extract,
    /// A package is whole and not in the database.
    Load,
    /// The database has the package, the folder as well.
    CleanUp,
    /// Only the trace is missing, if anything.
    End,
}

const STEPS: [Step; 5] = [Step::Begin, Step::Extract, Step::Load, Step::CleanUp, Step::End];

/// A pipeline with its database and its data.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        let resource = json!({
            "name": "events",
            "incremental": {"cursor_path": "id", "primary_key": "id"},
            "nested_hints": {"tags": {}},
        });
        fs::write(place.path("events.json"), resource.to_string()).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The data of a run: that of the runs before it and more.
    fn write_data(&self, run: usize) {
        let mut lines = String::new();
        for id in 0..(run + 1) * ITEMS {
            let tags: Vec<Json> = (0..id % 3).map(|n| json!({"n": n, "of": [id, n]})).collect();
            let mut event = json!({"id": id, "at": "2024-01-01T00:00:00Z", "tags": tags});
            // each run brings a column
            event[format!("only_{}", id / ITEMS)] = json!({"text": "x".repeat(id % 50)});
            writeln!(lines, "{event}").unwrap();
        }
        fs::write(self.path("events.jsonl"), lines).unwrap();
    }

    fn load(&self) -> Command {
        let mut command = floe();
        command.args(["load", "--pipeline", "p", "--dataset", DATASET, "--page-bytes", "1024"]);
        command.arg("--credentials").arg(self.path("db.duckdb"));
        command.arg("--pipelines-dir").arg(self.path("pipelines"));
        command.arg("--resource").arg(self.path("events.json")).arg(self.path("events.jsonl"));
        command
    }

    /// Runs undisturbed, and says how long that took.
    fn finish(&self) -> Duration {
        let started = Instant::now();
        Outcome::of(&mut self.load()).success();
        started.elapsed()
    }

    /// Starts a run and kills it. False if it was over before.
    fn kill_after(&self, delay: Duration) -> bool {
        let mut command = self.load();
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(delay);
        child.kill().unwrap();
        child.wait().unwrap().code().is_none()
    }

    fn dataset(&self) -> Dataset {
        Dataset::read(&self.path("db.duckdb"), DATASET).unwrap()
    }

    /// Packages at a stage.
    fn packages(&self, stage: &str) -> Vec<String> {
        let listing = fs::read_dir(self.path("pipelines/p/packages").join(stage));
        let names = listing.into_iter().flatten().map(|entry| entry.unwrap().file_name());
        names.map(|name| name.into_string().unwrap()).collect()
    }

    fn step(&self, loads_before: usize) -> Step {
        let loads = load_ids(&self.dataset());
        match self.packages("normalized").first() {
            Some(package) if loads.contains(package) => Step::CleanUp,
            Some(_) => Step::Load,
            None if loads.len() > loads_before && self.packages("new").is_empty() => Step::End,
            None if loads.len() > loads_before => Step::CleanUp,
            None if self.packages("new").is_empty() => Step::Begin,
            None => Step::Extract,
        }
    }
}

fn load_ids(dataset: &Dataset) -> Vec<String> {
    let ids = dataset.rows("_dlt_loads").iter().map(|row| text(row, "load_id").unwrap().to_owned());
    ids.collect()
}

/// What undisturbed runs leave, one after the other, and how long they take.
fn undisturbed() -> Vec<(Json, Duration)> {
    let place = Place::new();
    let run = |run| {
        place.write_data(run);
        let time = place.finish();
        (document(&place.dataset(), &[], &[]), time)
    };
    (0..RUNS).map(run).collect()
}

fn check(place: &Place, expected: &Json, step: Step) {
    let dataset = place.dataset();
    let errors = compare(expected, &document(&dataset, &[], &[])).errors;
    assert!(errors.is_empty(), "after a kill in {step:?}: {}", errors.join("\n"));
    let mut ids = load_ids(&dataset);
    ids.sort();
    let count = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), count, "a load is recorded twice");
    for stage in ["new", "extracted", "normalized"] {
        assert_eq!(place.packages(stage), [""; 0], "packages are left in {stage}");
    }
}

/// Steps are short or long, but each is to be hit: the delay falls into the time of a step of which
/// kills are still few, as far as earlier kills tell where that is.
fn delay(random: &mut Random, hits: &Hits, time: Duration) -> f64 {
    let rarest = STEPS.iter().min_by_key(|step| hits.get(step).map_or(0, Vec::len));
    let near = rarest.and_then(|step| hits.get(step)).filter(|_| random.chance(0.5));
    let part = match near {
        Some(known) => {
            let around = known[(random.fraction() * known.len() as f64) as usize];
            around + (random.fraction() - 0.5) * 0.05
        }
        None => random.fraction() * 1.1,
    };
    part.max(0.0) * time.as_secs_f64()
}

type Hits = BTreeMap<Step, Vec<f64>>;

/// Runs a pipeline as often as there is data, with a kill before most of the runs.
fn run_with_kills(runs: &[(Json, Duration)], random: &mut Random, hits: &Mutex<Hits>) {
    let place = Place::new();
    for (run, (expected, time)) in runs.iter().enumerate() {
        place.write_data(run);
        let mut last = Step::Begin;
        loop {
            let delay = delay(random, &hits.lock().unwrap(), *time);
            if place.kill_after(Duration::from_secs_f64(delay)) {
                last = place.step(run);
                let part = delay / time.as_secs_f64();
                hits.lock().unwrap().entry(last).or_default().push(part);
            }
            if !random.chance(AGAIN) {
                break;
            }
        }
        place.finish();
        check(&place, expected, last);
    }
}

#[test]
fn no_kill_loses_or_doubles_anything() {
    let mut random = Random::from_env();
    let runs = undisturbed();
    let hits: Mutex<Hits> = Mutex::default();
    let kills = || hits.lock().unwrap().values().map(Vec::len).sum::<usize>();
    let complete = || STEPS.iter().all(|step| hits.lock().unwrap().contains_key(step));
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            let mut random = random.fork();
            let (runs, hits) = (&runs, &hits);
            scope.spawn(move || {
                while (kills() < KILLS || !complete()) && kills() < 4 * KILLS {
                    run_with_kills(runs, &mut random, hits);
                }
            });
        }
    });
    for (step, delays) in &*hits.lock().unwrap() {
        println!("{:>4} kills in {step:?}", delays.len());
    }
    assert!(complete(), "some step was never hit");
}

/// The folders of a pipeline are part of what a kill leaves: none of them is needed to go on.
#[test]
fn the_pipelines_folder_may_be_lost() {
    let place = Place::new();
    let runs = undisturbed();
    for (run, (expected, _)) in runs.iter().enumerate() {
        place.write_data(run);
        place.finish();
        check(&place, expected, Step::End);
        fs::remove_dir_all(place.path("pipelines")).unwrap();
    }
}
