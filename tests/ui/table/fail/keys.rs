//! Keys and cursors that no table has.

use floe::prelude::*;

#[derive(Table)]
#[table(primary_key = "idd", cursor = "updated")]
struct Missing {
    id: i64,
    updated_at: i64,
}

#[derive(Table)]
#[table(write = merge)]
struct Keyless {
    id: i64,
}

#[derive(Table)]
#[table(write = merge, strategy = upsert, merge_key = "id")]
struct NoPrimaryKey {
    id: i64,
}

#[derive(Table)]
#[table(strategy = scd2)]
struct NoMerge {
    id: i64,
}

#[derive(Table)]
struct Nullable {
    #[table(primary_key)]
    id: Option<i64>,
    #[table(cursor)]
    at: Option<i64>,
}

#[derive(Table)]
#[table(primary_key = "id", cursor = "at", name = "HTTPLog")]
struct Twice {
    #[table(primary_key)]
    id: i64,
    #[table(cursor)]
    at: i64,
}

fn main() {}
