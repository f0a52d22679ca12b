//! What those see who read a table while it is replaced.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use floe_tests::postgres::{Client, Database};

use crate::place::Place;

const BEFORE: usize = 2000;
const AFTER: usize = 3000;

fn load(place: &Place<'_>, rows: usize, strategy: &str) {
    let mut lines = String::new();
    (0..rows).for_each(|id| writeln!(lines, r#"{{"id": {id}, "l": [{id}]}}"#).unwrap());
    place.write("items.jsonl", &lines);
    let arguments = ["items.jsonl", "--write-disposition", "replace", "--replace-strategy", strategy];
    place.load(&arguments).success();
}

fn count(client: &Client) -> usize {
    let rows = client.query("SELECT count(*) FROM raw.items").unwrap();
    rows[0][0].as_deref().unwrap().parse().unwrap()
}

/// Lets others read while the table is replaced. Returns what one finds who looks again and again,
/// and what one finds whose snapshot is from before, after the load.
fn readers_of(strategy: &str) -> Option<(BTreeSet<usize>, usize)> {
    let database = Database::new()?;
    let place = Place::new(&database);
    load(&place, BEFORE, strategy);
    let early = database.connect();
    early.query("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").unwrap();
    let done = AtomicBool::new(false);
    let seen = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let client = database.connect();
            let mut seen = BTreeSet::new();
            while !done.load(Ordering::Relaxed) {
                seen.insert(count(&client));
            }
            seen.insert(count(&client));
            seen
        });
        load(&place, AFTER, strategy);
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap()
    });
    assert!(database.dataset("raw_staging").tables.is_empty(), "{strategy} leaves staged rows");
    assert_eq!(database.dataset("raw").rows("items__l").len(), AFTER);
    Some((seen, count(&early)))
}

#[test]
fn nobody_sees_an_empty_table() {
    for strategy in ["staging-optimized", "insert-from-staging"] {
        let Some((seen, early)) = readers_of(strategy) else { return };
        assert_eq!(seen, BTreeSet::from([BEFORE, AFTER]), "{strategy}");
        assert_eq!(early, BEFORE, "{strategy}");
    }
}

#[test]
fn old_snapshots_see_a_truncated_table() {
    let Some((seen, early)) = readers_of("truncate-and-insert") else { return };
    // others wait for the end of the load
    assert_eq!(seen, BTreeSet::from([BEFORE, AFTER]));
    assert_eq!(early, 0);
}
