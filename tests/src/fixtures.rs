//! The destinations of floe, for the checks of destinations.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use floe::testing::{Fixture, Row};
use floe::{Destination, DuckDb, Memory, Postgres};
use serde_json::{Value as Json, json};

use crate::Dataset;
use crate::dataset::{Cell, Column};
use crate::postgres::Database;

impl Fixture for MemoryFixture {
    fn destination(&self) -> Arc<dyn Destination> {
        Arc::new(self.0.clone())
    }

    fn rows(&self, dataset: &str, table: &str) -> Vec<Row> {
        if table == "_dlt_loads" {
            let row = |load: floe::LoadRecord| [("load_id", json!(load.load_id)), ("status", json!(0))];
            let named = |row: [(&str, Json); 2]| row.map(|(name, value)| (name.to_owned(), value)).into();
            return self.0.loads(dataset).into_iter().map(row).map(named).collect();
        }
        self.0.table(dataset, table).map(|table| json_columns(table.to_json())).unwrap_or_default()
    }
}

/// Memory, which keeps JSON as text.
#[derive(Default)]
pub struct MemoryFixture(Memory);

/// Texts that are lists or objects of JSON, read.
fn json_columns(mut rows: Vec<Row>) -> Vec<Row> {
    for value in rows.iter_mut().flat_map(BTreeMap::values_mut) {
        let read = value.as_str().filter(|text| text.starts_with(['{', '[']));
        if let Some(read) = read.and_then(|text| serde_json::from_str(text).ok()) {
            *value = read;
        }
    }
    rows
}

/// A DuckDB file.
pub struct DuckDbFixture {
    folder: tempfile::TempDir,
}

impl Default for DuckDbFixture {
    fn default() -> Self {
        Self { folder: tempfile::tempdir().expect("there is room for a folder") }
    }
}

impl DuckDbFixture {
    fn file(&self) -> PathBuf {
        self.folder.path().join("suite.duckdb")
    }
}

impl Fixture for DuckDbFixture {
    fn destination(&self) -> Arc<dyn Destination> {
        Arc::new(DuckDb::file(self.file()))
    }

    fn rows(&self, dataset: &str, table: &str) -> Vec<Row> {
        let dataset = Dataset::read(&self.file(), dataset).expect("the dataset can be read");
        rows(&dataset, table)
    }

    fn odd_datasets(&self) -> Vec<String> {
        // the database takes the name of its file, and others are always there
        ["suite", "main", "temp", "system"].map(str::to_owned).into()
    }
}

/// A database of the Postgres server of the tests.
pub struct PostgresFixture(Database);

impl PostgresFixture {
    /// `None`, with a word about it, where there is no Postgres.
    pub fn new() -> Option<Self> {
        Database::new().map(Self)
    }
}

impl Fixture for PostgresFixture {
    fn destination(&self) -> Arc<dyn Destination> {
        Arc::new(Postgres::url(&self.0.url()).expect("the URL is one"))
    }

    fn rows(&self, dataset: &str, table: &str) -> Vec<Row> {
        rows(&self.0.dataset(dataset), table)
    }

    fn takes_concurrent_writers(&self) -> bool {
        true
    }

    fn odd_datasets(&self) -> Vec<String> {
        // others are always there
        ["public", "information_schema_2", "user", "a\"b"].map(str::to_owned).into()
    }
}

/// The rows of a table as checks want them.
fn rows(dataset: &Dataset, table: &str) -> Vec<Row> {
    let Some(table) = dataset.tables.get(table) else { return Vec::new() };
    let kind = |name: &str| table.columns.iter().find(|c| c.name == name);
    let row = |row: &crate::dataset::Row| {
        row.iter().map(|(name, cell)| (name.clone(), value(cell, kind(name)))).collect()
    };
    table.rows.iter().map(row).collect()
}

/// A value as checks want it.
fn value(cell: &Cell, column: Option<&Column>) -> Json {
    match (cell, column.map_or("", |c| c.data_type.as_str())) {
        (Cell::Instant(micros), _) => json!(instant(*micros)),
        (Cell::Value(Json::String(text)), "TIMESTAMP") => json!(six_digits(&text.replace(' ', "T"))),
        (Cell::Value(Json::String(text)), "TIME") => json!(six_digits(text)),
        (Cell::Value(Json::Object(json)), "JSON") => json["json"].clone(),
        (Cell::Value(value), _) => value.clone(),
    }
}

fn six_digits(text: &str) -> String {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}.{part:0<6}")
}

/// By DuckDB and not by floe.
fn instant(micros: i64) -> String {
    let connection = duckdb::Connection::open_in_memory().expect("DuckDB opens");
    let sql = "SELECT strftime(make_timestamp(?), '%Y-%m-%dT%H:%M:%S.%fZ')";
    let text: String = connection.query_row(sql, [micros], |row| row.get(0)).expect("DuckDB knows instants");
    // years have four digits
    format!("{text:0>27}")
}
