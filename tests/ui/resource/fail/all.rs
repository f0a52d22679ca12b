//! Resources that cannot be.

use floe::prelude::*;

#[derive(Table)]
struct Item {
    id: i64,
    at: Option<i64>,
    json: Json,
}

#[resource(tabel = Item, write = upsert)]
fn unknown() -> Vec<Item> {
    vec![]
}

#[resource(write = merge)]
fn keyless() -> Vec<Item> {
    vec![]
}

#[resource(table = Item, write = merge)]
fn keyless_table() -> Vec<Item> {
    vec![]
}

#[resource(table = Item, primary_key = "idd")]
fn no_such_key() -> Vec<Item> {
    vec![]
}

#[resource(table = Item, cursor = "json")]
fn no_order() -> Vec<Item> {
    vec![]
}

#[resource(table = Item)]
fn no_cursor(since: Cursor<i64>) -> Vec<Item> {
    vec![]
}

#[resource]
fn no_parent(since: Cursor<i64>, rows: Rows<Item>) -> Vec<Item> {
    vec![]
}

#[resource]
fn nothing() {}

#[resource]
fn generic<T>(of: T) -> Vec<Item> {
    vec![]
}

#[resource]
fn number() -> i64 {
    5
}

fn main() {
    keyless();
}
