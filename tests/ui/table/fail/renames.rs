//! Former names that cannot have been.

use floe::prelude::*;

#[derive(Table)]
struct Mixed {
    id: i64,
    #[table(was = "title")]
    title: String,
    #[table(was = "id")]
    key: i64,
    #[table(was)]
    nothing: i64,
    #[serde(flatten)]
    #[table(was = "other")]
    part: Part,
}

#[derive(Table)]
struct Part {
    of: i64,
}

#[derive(Table)]
struct Lists {
    #[table(was = "labels")]
    tags: Vec<String>,
}

fn main() {}
