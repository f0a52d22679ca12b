//! Types that are no fields.

use floe::prelude::*;

struct Opaque;

#[derive(Table)]
struct Thing {
    id: i64,
    opaque: Option<Opaque>,
    when: std::time::SystemTime,
}

fn main() {
    Resource::of::<Opaque>();
}
