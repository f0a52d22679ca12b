//! A contract that knows the former name of a column.

use floe::prelude::*;

#[derive(Table)]
#[table(name = "letters", contract)]
struct Letter {
    #[table(was = "body")]
    text: String,
    to: Author,
}

#[derive(Table)]
struct Author {
    #[table(was("label", "mail"))]
    email: Option<String>,
}

fn main() {}
