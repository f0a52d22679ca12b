//! A column that the struct renames: the contract says what it was.

use floe::prelude::*;

#[derive(Table)]
#[table(name = "books", contract)]
struct Book {
    id: i64,
    #[table(was = "name")]
    title: String,
    author: Author,
}

#[derive(Table)]
struct Author {
    #[table(was("label", "mail"))]
    email: Option<String>,
}

fn main() {}
