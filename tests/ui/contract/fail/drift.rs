//! Every kind of drift, in the table, in a struct inside and in a table below.

use floe::prelude::*;

#[derive(Table)]
#[table(name = "orders", contract)]
struct Order {
    id: i64,
    total: Decimal<12, 2>,
    note: Option<String>,
    buyer: Buyer,
    lines: Vec<Line>,
    added: Vec<i64>,
}

#[derive(Table)]
struct Buyer {
    name: String,
    age: u8,
}

#[derive(Table)]
struct Line {
    sku: String,
    count: u32,
}

fn main() {}
