//! What only the compiler can know: it looks at the constants.

use floe::prelude::*;

#[derive(Table)]
struct User {
    id: i64,
    flags: Json,
}

#[derive(Table)]
#[table(primary_key = "user__ids")]
struct NestedKey {
    user: User,
}

#[derive(Table)]
struct NoOrder {
    #[table(cursor)]
    at: Json,
}

#[derive(Table)]
#[table(cursor = "user__flags")]
struct NestedNoOrder {
    user: User,
}

#[derive(Table)]
struct Scaled {
    #[table(scale = 2)]
    name: String,
}

#[derive(Table)]
struct Rest {
    #[serde(flatten)]
    rest: std::collections::HashMap<String, i64>,
}

fn main() {}
