//! A table that has no contract yet.

#[derive(floe::Table)]
#[table(contract)]
struct Unheard {
    id: i64,
}

fn main() {}
