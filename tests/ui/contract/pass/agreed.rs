//! A struct that is what its contract says.

use floe::prelude::*;

#[derive(Table)]
#[table(primary_key = "id", contract)]
struct Agreed {
    id: i64,
    name: Option<String>,
    tags: Vec<String>,
}

fn main() {
    let _ = Resource::of::<Agreed>();
}
