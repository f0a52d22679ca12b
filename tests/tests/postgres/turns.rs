//! Several pipelines at the same time.

use std::fmt::Write as _;

use floe_tests::postgres::Database;

use crate::place::Place;

#[test]
fn pipelines_take_turns() {
    const WRITERS: usize = 4;
    const RUNS: usize = 4;
    let Some(database) = Database::new() else { return };
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let database = &database;
            scope.spawn(move || {
                let place = Place::of_pipeline(database, &format!("p{writer}"));
                for run in 0..RUNS {
                    let mut lines = String::new();
                    for id in 0..50 {
                        writeln!(
                            lines,
                            r#"{{"id": {id}, "w{writer}_{run}": {id}, "l": [{{"w{writer}": 1}}]}}"#
                        )
                        .unwrap();
                    }
                    place.write("items.jsonl", &lines);
                    place.load(&["items.jsonl", "--quiet"]).success();
                }
            });
        }
    });
    let dataset = database.dataset("raw");
    assert_eq!(dataset.rows("items").len(), WRITERS * RUNS * 50);
    assert_eq!(dataset.rows("items__l").len(), WRITERS * RUNS * 50);
    assert_eq!(dataset.rows("_dlt_loads").len(), WRITERS * RUNS);
    assert_eq!(dataset.rows("_dlt_version").len(), WRITERS * RUNS);
    let columns = &dataset.tables["items"].columns;
    assert_eq!(columns.iter().filter(|column| column.name.starts_with('w')).count(), WRITERS * RUNS);
}

#[test]
fn staged_tables_go_and_need_no_log() {
    let Some(database) = Database::new() else { return };
    let place = Place::new(&database);
    place.write("items.jsonl", "{\"id\": 1, \"l\": [1]}\n{\"id\": 1, \"l\": [2]}\n");
    let arguments = ["items.jsonl", "--primary-key", "id", "--write-disposition", "merge"];
    place.load(&arguments).success();
    assert!(database.dataset("raw_staging").tables.is_empty());
    place.load(&[&arguments[..], &["--keep-staged"]].concat()).success();
    assert_eq!(database.dataset("raw_staging").rows("items").len(), 2);
    let kinds =
        "SELECT DISTINCT relpersistence FROM pg_class WHERE relnamespace = 'raw_staging'::regnamespace";
    assert_eq!(database.query(&format!("{kinds} AND relkind = 'r'")), [[Some("u".to_owned())]]);
    assert_eq!(database.dataset("raw").rows("items").len(), 1);
}

#[test]
fn runs_are_possible_where_futures_run() {
    let Some(database) = Database::new() else { return };
    let folder = tempfile::tempdir().unwrap();
    let pipeline = || {
        let postgres = floe::Postgres::url(&database.url()).unwrap();
        floe::Pipeline::new("p").destination(postgres).dataset("raw").pipelines_dir(folder.path())
    };
    let items = || [floe::Resource::new("items").json_lines("{\"id\": 1}\n")];
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        pipeline().run(items()).await.unwrap();
        pipeline().run_blocking(items()).unwrap();
    });
    assert_eq!(database.dataset("raw").rows("items").len(), 2);
}
