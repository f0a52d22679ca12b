//! Values about people that cannot be hidden in this way.

use floe::prelude::*;

#[derive(Table)]
#[table(merge_key("phone", "name"), cursor = "at")]
struct Person {
    #[table(primary_key, pii = mask)]
    id: i64,
    #[table(pii = hide)]
    mail: String,
    #[table(pii = drop)]
    phone: String,
    #[table(pii = hash)]
    name: String,
    #[table(pii = hash)]
    at: i64,
    #[table(pii = mask, precision = 3)]
    age: i64,
    #[table(sensitive)]
    weight: f64,
}

#[derive(Table)]
struct Lists {
    #[table(pii = hash)]
    mails: Vec<String>,
}

fn main() {}
