//! Fields whose entries are no rows, and versions of rows that nobody keeps.

use std::collections::BTreeMap;

use floe::prelude::*;

#[derive(Table)]
struct Product {
    #[table(entries)]
    tags: Vec<String>,
}

#[derive(Table)]
struct Both {
    #[table(entries, json)]
    prices: BTreeMap<String, f64>,
}

#[derive(Table)]
#[table(primary_key = "id", write = merge, validity("since", "until"), active_record_timestamp = "9999-12-31")]
#[table(boundary_timestamp = "2024-01-01")]
struct Plain {
    id: i64,
}

#[derive(Table)]
#[table(primary_key = "id", write = merge, strategy = scd2, validity("since"))]
struct One {
    id: i64,
}

#[derive(Table)]
#[table(primary_key = "id", write = merge, strategy = scd2, validity("id", "until"))]
struct Taken {
    id: i64,
}

#[derive(Table)]
struct Keys {
    #[serde(alias = "name")]
    title: String,
    name: String,
}

fn main() {}
