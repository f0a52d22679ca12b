//! Types that become no table.

use floe::prelude::*;

#[derive(Table)]
struct Pair(i64, i64);

#[derive(Table)]
enum Choice {
    One(i64),
    Two { x: i64 },
}

#[derive(Table)]
#[serde(tag = "kind")]
enum Tagged {
    A { x: i64, kind: String },
    B { x: String },
    C(i64, i64),
}

#[derive(Table)]
union Bits {
    a: u32,
    b: f32,
}

#[derive(Table)]
struct Same {
    user_name: String,
    #[serde(rename = "userName")]
    other: String,
}

#[derive(Table)]
#[table(primary_key = "id")]
struct Newtype(i64);

#[derive(Table)]
struct Options {
    #[table(json, precision = 3)]
    a: i64,
    #[table(precision = 4, scale = 5)]
    b: Decimal<10, 2>,
    #[table(precision = 50, scale = 5)]
    c: Decimal<10, 2>,
    #[serde(flatten)]
    #[table(unique)]
    d: Newtype,
}

#[derive(Table)]
#[table(contract)]
struct Tree {
    branches: Vec<Tree>,
}

fn main() {}
