//! Upserts in DuckDB where something keeps whole rows from being exchanged.

use std::path::{Path, PathBuf};

use duckdb::Connection;
use floe::{DuckDb, Pipeline, Resource};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

/// A database with some users.
struct Users {
    folder: TempDir,
}

impl Users {
    fn new() -> Self {
        let users = Self { folder: tempfile::tempdir().unwrap() };
        users.upsert(&[
            json!({"id": 1, "name": "a", "tags": ["x"]}),
            json!({"id": 2, "name": "b", "tags": []}),
        ]);
        users
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn file(&self) -> PathBuf {
        self.path().join("d.duckdb")
    }

    fn upsert(&self, items: &[Json]) {
        let resource = json!({
            "name": "users",
            "primary_key": "id",
            "write_disposition": {"disposition": "merge", "strategy": "upsert"},
        });
        let lines: String = items.iter().map(|item| format!("{item}\n")).collect();
        let resource = Resource::from_json(&resource).unwrap().json_lines(lines);
        let pipeline = Pipeline::new("p").dataset("raw").pipelines_dir(self.path());
        pipeline.destination(DuckDb::file(self.file())).run_blocking([resource]).unwrap();
    }

    fn change(&self, sql: &str) {
        Connection::open(self.file()).unwrap().execute_batch(sql).unwrap();
    }

    /// The result of a query, a row a line.
    fn query(&self, sql: &str) -> Vec<String> {
        let connection = Connection::open(self.file()).unwrap();
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(|row| row.unwrap()).collect()
    }

    fn names(&self) -> Vec<String> {
        self.query("SELECT concat(id, ' ', name) FROM raw.users ORDER BY ALL")
    }

    fn tags(&self) -> Vec<String> {
        let joined = "raw.users__tags AS t JOIN raw.users AS u ON t._dlt_root_id = u._dlt_id";
        self.query(&format!("SELECT concat(u.id, ' ', t.value) FROM {joined} ORDER BY ALL"))
    }
}

#[test]
fn rows_are_exchanged_with_their_lists() {
    let users = Users::new();
    users.upsert(&[json!({"id": 1, "name": "A", "tags": ["y", "z"]}), json!({"id": 3, "name": "c"})]);
    assert_eq!(users.names(), ["1 A", "2 b", "3 c"]);
    assert_eq!(users.tags(), ["1 y", "1 z"]);
    users.upsert(&[json!({"id": 1, "name": "A"})]);
    assert_eq!(users.tags(), [""; 0], "a row without the list has none");
}

#[test]
fn columns_that_only_the_database_has_keep_their_values() {
    let users = Users::new();
    users.change("ALTER TABLE raw.users ADD COLUMN note VARCHAR; UPDATE raw.users SET note = 'kept'");
    users.upsert(&[json!({"id": 1, "name": "A", "tags": ["y"]}), json!({"id": 3, "name": "c"})]);
    let notes = users.query("SELECT concat(id, ' ', note) FROM raw.users ORDER BY ALL");
    assert_eq!(notes, ["1 kept", "2 kept", "3 "]);
    assert_eq!(users.names(), ["1 A", "2 b", "3 c"]);
    assert_eq!(users.tags(), ["1 y"]);
}

#[test]
fn unique_indexes_are_no_hindrance() {
    let users = Users::new();
    users.change("CREATE UNIQUE INDEX one_id ON raw.users (id)");
    users.upsert(&[json!({"id": 1, "name": "A"}), json!({"id": 3, "name": "c"})]);
    assert_eq!(users.names(), ["1 A", "2 b", "3 c"]);
}
