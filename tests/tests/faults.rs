//! `floe load` is killed before and after each durable action, and the next run ends where an
//! undisturbed one ends.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use floe_tests::canonical::{Window, document};
use floe_tests::dataset::text;
use floe_tests::postgres::Database;
use floe_tests::{Dataset, Outcome, compare, floe};
use serde_json::{Value as Json, json};

const DATASET: &str = "raw";
/// Pipelines at the same time: most of a run is waiting for the disk.
const WORKERS: usize = 4;

/// A database: how a run is told of it, and how it is read.
trait Home: Send + Sync {
    fn kind(&self) -> &'static str;

    /// Adds what a run needs to write into it.
    fn point(&self, command: &mut Command);

    fn read(&self) -> Dataset;

    /// One like it, for a folder into which everything was copied.
    fn copy(&self, folder: &Path) -> Box<dyn Home>;
}

/// A file of the folder.
struct DuckDb(PathBuf);

impl DuckDb {
    fn home(folder: &Path) -> Box<dyn Home> {
        Box::new(Self(folder.join("db.duckdb")))
    }
}

impl Home for DuckDb {
    fn kind(&self) -> &'static str {
        "duckdb"
    }

    fn point(&self, command: &mut Command) {
        command.arg("--credentials").arg(&self.0);
    }

    fn read(&self) -> Dataset {
        Dataset::read(&self.0, DATASET).unwrap()
    }

    fn copy(&self, folder: &Path) -> Box<dyn Home> {
        Self::home(folder)
    }
}

impl Home for Database {
    fn kind(&self) -> &'static str {
        "postgres"
    }

    fn point(&self, command: &mut Command) {
        command.args(["--destination", "postgres", "--credentials", &self.url()]);
    }

    fn read(&self) -> Dataset {
        self.dataset(DATASET)
    }

    fn copy(&self, _folder: &Path) -> Box<dyn Home> {
        Box::new(Database::copy(self))
    }
}

/// How the rows of the runs come together.
struct Way {
    name: &'static str,
    resource: Json,
    /// Arguments of the second run and of the one that follows a kill.
    again: &'static [&'static str],
    /// These runs load what the first one has rejected, and nothing else.
    replays: bool,
}

fn ways() -> Vec<Way> {
    let way = |name: &'static str, disposition: Json, more: Json| {
        let mut resource = json!({"name": "items", "write_disposition": disposition});
        for (key, value) in more.as_object().unwrap() {
            resource[key.as_str()] = value.clone();
        }
        Way { name, resource, again: &[], replays: false }
    };
    let merge = |strategy: &str| json!({"disposition": "merge", "strategy": strategy});
    let key = json!({"primary_key": "id"});
    let gone = json!({"primary_key": "id", "columns": {"gone": {"data_type": "bool", "hard_delete": true}}});
    let refresh = Way {
        again: &["--refresh", "drop_resources"],
        ..way("refresh", json!("append"), json!({"incremental": {"cursor_path": "at"}}))
    };
    let replay = Way {
        again: &["--replay-rejected", "--schema-contract", "evolve"],
        replays: true,
        ..way("replay", json!("append"), json!({"schema_contract": {"tables": "quarantine"}}))
    };
    let staged = Way {
        again: &["--replace-strategy", "insert-from-staging"],
        ..way("replace by staging", json!("replace"), json!({}))
    };
    vec![
        way("append", json!("append"), json!({"incremental": {"cursor_path": "at"}})),
        way("replace", json!("replace"), json!({})),
        staged,
        way("delete-insert", merge("delete-insert"), gone.clone()),
        way("upsert", merge("upsert"), gone.clone()),
        way("scd2", merge("scd2"), json!({})),
        way("insert-only", merge("insert-only"), key),
        way("cdc", merge("cdc"), gone),
        refresh,
        replay,
    ]
}

/// The items of a run: some are new, some have changed, some are gone, and there is a new column.
fn items(run: usize) -> Vec<Json> {
    let first = (0..6).map(|id| json!({"id": id, "at": id, "v": "a", "l": [{"x": id, "m": [1, 2]}]}));
    let second = (3..9).map(|id| {
        let mut item = json!({"id": id, "at": id + 6, "v": "b", "w": id, "l": [{"x": id, "y": 1}]});
        if id == 4 {
            item["gone"] = json!(true);
        }
        item
    });
    if run == 0 { first.collect() } else { second.collect() }
}

/// Makes the database of a new folder. `None` where there is nothing of the kind.
type MakeHome = fn(&Path) -> Option<Box<dyn Home>>;

/// A folder with everything that a pipeline has.
struct Place<'w> {
    folder: tempfile::TempDir,
    home: Box<dyn Home>,
    way: &'w Way,
}

impl<'w> Place<'w> {
    fn new(make: MakeHome, way: &'w Way) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let home = make(folder.path())?;
        let place = Self { folder, home, way };
        fs::write(place.path("items.json"), way.resource.to_string()).unwrap();
        for run in 0..2 {
            let lines: String = items(run).iter().map(|item| format!("{item}\n")).collect();
            fs::write(place.path(&format!("{run}.jsonl")), lines).unwrap();
        }
        Some(place)
    }

    /// The same at another place.
    fn copy(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy_folder(self.folder.path(), folder.path());
        let home = self.home.copy(folder.path());
        Self { folder, home, way: self.way }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn load(&self, run: usize) -> Command {
        let mut command = floe();
        command.args(["load", "--quiet", "--pipeline", "p", "--dataset", DATASET, "--threads", "1"]);
        command.arg("--pipelines-dir").arg(self.path("pipelines"));
        self.home.point(&mut command);
        if run > 0 {
            command.args(self.way.again);
            if self.way.replays {
                return command;
            }
        }
        command.arg("--resource").arg(self.path("items.json")).arg(self.path(&format!("{run}.jsonl")));
        command
    }

    fn dataset(&self) -> Dataset {
        self.home.read()
    }

    fn packages(&self) -> usize {
        let stages = ["extracted", "normalized"].map(|stage| self.path("pipelines/p/packages").join(stage));
        stages.iter().map(|stage| fs::read_dir(stage).map_or(0, Iterator::count)).sum()
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, target) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

fn load_ids(dataset: &Dataset) -> Vec<String> {
    let mut ids: Vec<String> =
        dataset.rows("_dlt_loads").iter().map(|row| text(row, "load_id").unwrap().to_owned()).collect();
    ids.sort();
    ids
}

fn canonical(dataset: &Dataset) -> Json {
    document(dataset, &windows(dataset), &[])
}

/// Instants of a package are those of its load id, which is the time when it was made.
fn windows(dataset: &Dataset) -> Vec<Window> {
    let micros = |id: &String| (id.parse::<f64>().unwrap() * 1e6) as i64;
    load_ids(dataset).iter().map(micros).map(|at| (at - 10, at + 10)).collect()
}

/// A place in a run, and how often it is passed before the kill.
type Fault = (String, usize);

/// What is known of a way before anything is killed.
struct Course<'w> {
    /// After the first run.
    start: Place<'w>,
    /// The places that the second run passes.
    faults: Vec<Fault>,
    /// Datasets after two and after three runs.
    after: [Json; 2],
    loads: [usize; 2],
}

impl<'w> Course<'w> {
    fn of(make: MakeHome, way: &'w Way) -> Option<Self> {
        let start = Place::new(make, way)?;
        Outcome::of(&mut start.load(0)).success();
        let undisturbed = start.copy();
        let listed = Outcome::of(undisturbed.load(1).env("FLOE_FAULTS_LIST", "1")).success();
        let mut passed: BTreeMap<&str, usize> = BTreeMap::new();
        let mut faults = Vec::new();
        for name in listed.stderr.lines().filter_map(|line| line.strip_prefix("fault point ")) {
            let times = passed.entry(name).or_default();
            *times += 1;
            faults.push((name.to_owned(), *times));
        }
        let two = undisturbed.dataset();
        Outcome::of(&mut undisturbed.load(1)).success();
        let after = [two, undisturbed.dataset()];
        let loads = [load_ids(&after[0]).len(), load_ids(&after[1]).len()];
        Some(Self { start, faults, after: after.map(|dataset| canonical(&dataset)), loads })
    }

    /// Kills a second run at a place, lets another one follow, and says what is wrong then.
    fn try_fault(&self, fault: &Fault) -> Result<(), String> {
        let place = self.start.copy();
        let (name, times) = fault;
        let killed = Outcome::of(place.load(1).env("FLOE_FAULT", format!("{name}:{times}")));
        if killed.code != -1 {
            return Err(format!("the run was not killed but ended with {}: {}", killed.code, killed.stderr));
        }
        let before = load_ids(&place.dataset());
        // with nothing left to finish, the next run is a third one
        let is_third = before.len() == self.loads[0] && place.packages() == 0;
        let next = Outcome::of(&mut place.load(1));
        if next.code != 0 {
            return Err(format!("the next run failed: {}", next.stderr));
        }
        let dataset = place.dataset();
        let errors = compare(&self.after[usize::from(is_third)], &canonical(&dataset)).errors;
        if !errors.is_empty() {
            return Err(errors.join("\n  "));
        }
        let ids = load_ids(&dataset);
        let different: BTreeSet<&String> = ids.iter().collect();
        let loads = self.loads[usize::from(is_third)];
        if different.len() != ids.len() || ids.len() != loads {
            return Err(format!("{loads} loads are to be recorded once each, found {ids:?}"));
        }
        if place.packages() > 0 {
            return Err("a package is left".to_owned());
        }
        Ok(())
    }
}

/// All places of all ways; says which went wrong.
fn no_fault_matters(make: MakeHome) {
    let ways = ways();
    let courses: Option<Vec<Course<'_>>> = std::thread::scope(|scope| {
        let begun: Vec<_> = ways.iter().map(|way| scope.spawn(move || Course::of(make, way))).collect();
        begun.into_iter().map(|course| course.join().unwrap()).collect()
    });
    let Some(courses) = courses else { return };
    let all: Vec<(&Course<'_>, &Fault)> =
        courses.iter().flat_map(|course| course.faults.iter().map(move |fault| (course, fault))).collect();
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some((course, fault)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (kind, way) = (course.start.home.kind(), course.start.way.name);
                    let name = format!("{kind} × {way} × {}:{}", fault.0, fault.1);
                    match course.try_fault(fault) {
                        Ok(()) => println!("ok      {name}"),
                        Err(error) => {
                            println!("FAILED  {name}: {error}");
                            failed.lock().unwrap().push(format!("{name}: {error}"));
                        }
                    }
                }
            });
        }
    });
    let reached: BTreeSet<&str> = all.iter().map(|(_, fault)| fault.0.as_str()).collect();
    let points = floe::testing::fault_points();
    let missed: Vec<&String> = points.iter().filter(|point| !reached.contains(point.as_str())).collect();
    assert!(missed.is_empty(), "no run passes {missed:?}");
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {} failed:\n{}", failed.len(), all.len(), failed.join("\n"));
    println!("{} kills", all.len());
}

#[test]
fn no_fault_matters_to_duckdb() {
    no_fault_matters(|folder| Some(DuckDb::home(folder)));
}

#[test]
fn no_fault_matters_to_postgres() {
    no_fault_matters(|_| Some(Box::new(Database::new()?)));
}
