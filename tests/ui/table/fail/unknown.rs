//! Keys that are not there, and values of the wrong kind: all at once.

#[derive(floe::Table)]
#[table(nam = "things", write = merg, strategy = upsrt, max_nesting = "x", primary_key = 5)]
struct Thing {
    #[table(uniqe, precision, rename = "x", unique, unique, json = 1)]
    id: i64,
    #[table(dedup_sort = up)]
    version: i64,
}

#[derive(floe::Table)]
#[table]
struct Bare {
    id: i64,
}

fn main() {
    floe::Resource::of::<Thing>();
}
