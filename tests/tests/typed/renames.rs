//! Columns with a new name: the dataset follows the struct.

use floe::prelude::*;
use floe::testing::Fixture;
use floe_tests::fixtures::{DuckDbFixture, MemoryFixture, PostgresFixture};
use serde_json::json;

mod before {
    use floe::prelude::*;

    #[derive(Table)]
    #[table(name = "books", primary_key = "id", write = merge)]
    pub(super) struct Book {
        pub(super) id: i64,
        pub(super) name: String,
        pub(super) author: Author,
        pub(super) pages: Vec<Page>,
    }

    #[derive(Table)]
    pub(super) struct Author {
        pub(super) mail: Option<String>,
    }

    #[derive(Table)]
    pub(super) struct Page {
        pub(super) n: i64,
    }
}

#[derive(Debug, PartialEq, Table, serde::Deserialize)]
#[table(name = "books", primary_key = "key", write = merge)]
struct Book {
    #[table(was = "id")]
    key: i64,
    #[table(was("label", "name"))]
    title: String,
    author: Author,
    pages: Vec<Page>,
}

#[derive(Debug, PartialEq, Table, serde::Deserialize)]
struct Author {
    #[table(was = "mail")]
    email: Option<String>,
}

#[derive(Debug, PartialEq, Table, serde::Deserialize)]
struct Page {
    #[table(was = "n")]
    number: i64,
}

fn check(fixture: &dyn Fixture) {
    let folder = tempfile::tempdir().unwrap();
    let pipeline =
        Pipeline::new("p").dataset("raw").pipelines_dir(folder.path()).destination(fixture.destination());
    let author = before::Author { mail: Some("a@b".to_owned()) };
    let old = before::Book { id: 1, name: "A".to_owned(), author, pages: vec![before::Page { n: 7 }] };
    pipeline.run_blocking([Resource::of::<before::Book>().rows([old])]).unwrap();

    let book = |key, title: &str, pages: Vec<i64>| Book {
        key,
        title: title.to_owned(),
        author: Author { email: None },
        pages: pages.into_iter().map(|number| Page { number }).collect(),
    };
    // no row of the table below comes with this run, which renames its column all the same
    let report = pipeline.run_blocking([Resource::of::<Book>().rows([book(2, "B", vec![])])]).unwrap();
    let changes: Vec<String> = report.schema_changes.iter().map(ToString::to_string).collect();
    assert_eq!(
        changes,
        [
            "~ books.key renamed from id",
            "~ books.title renamed from name",
            "~ books.author__email renamed from author__mail",
            "~ books__pages.number renamed from n",
        ]
    );
    let report = pipeline.run_blocking([Resource::of::<Book>().rows([book(2, "C", vec![1, 2])])]).unwrap();
    assert!(report.schema_changes.is_empty(), "{:?}", report.schema_changes);

    let mut rows: Vec<Book> =
        pipeline.reader().unwrap().table().unwrap().collect::<floe::Result<_>>().unwrap();
    rows.sort_by_key(|row| row.key);
    let first = Book { author: Author { email: Some("a@b".to_owned()) }, ..book(1, "A", vec![7]) };
    assert_eq!(rows, [first, book(2, "C", vec![1, 2])]);
    let stored = fixture.rows("raw", "books");
    assert!(stored.iter().all(|row| !row.contains_key("name") && !row.contains_key("id")), "{stored:?}");
    assert!(stored.iter().any(|row| row["title"] == json!("A")));
}

#[test]
fn columns_follow_in_duckdb() {
    check(&DuckDbFixture::default());
}

#[test]
fn columns_follow_in_memory() {
    check(&MemoryFixture::default());
}

#[test]
fn columns_follow_in_postgres() {
    if let Some(fixture) = PostgresFixture::new() {
        check(&fixture);
    }
}

/// A pipeline that lost its folder finds the dataset as the last load has left it.
#[test]
fn a_new_machine_goes_on() {
    let fixture = DuckDbFixture::default();
    let run = |resource: Resource| {
        let folder = tempfile::tempdir().unwrap();
        let pipeline = Pipeline::new("p").dataset("raw").pipelines_dir(folder.path());
        pipeline.destination(fixture.destination()).run_blocking([resource]).unwrap()
    };
    let book = |key| Book { key, title: "T".to_owned(), author: Author { email: None }, pages: vec![] };
    let author = before::Author { mail: None };
    run(Resource::of::<before::Book>().rows([before::Book {
        id: 1,
        name: "A".to_owned(),
        author,
        pages: vec![],
    }]));
    run(Resource::of::<Book>().rows([book(1)]));
    run(Resource::of::<Book>().rows([book(2)]));
    let rows = fixture.rows("raw", "books");
    assert_eq!(rows.iter().map(|row| row["key"].clone()).collect::<Vec<_>>(), [json!(1), json!(2)]);
}

/// What was loaded before a cursor got another name is not loaded again.
#[test]
fn cursors_go_on_under_their_new_name() {
    #[derive(Table, serde::Deserialize)]
    #[table(name = "events", primary_key = "id", write = append)]
    #[allow(dead_code)]
    struct Old {
        id: i64,
        #[table(cursor)]
        #[serde(rename = "createdAt")]
        created_at: i64,
    }
    #[derive(Table)]
    #[table(name = "events", primary_key = "id", write = append)]
    struct New {
        id: i64,
        #[table(cursor, was = "created_at")]
        at: i64,
    }
    let (fixture, folder) = (MemoryFixture::default(), tempfile::tempdir().unwrap());
    let pipeline =
        Pipeline::new("p").dataset("raw").pipelines_dir(folder.path()).destination(fixture.destination());
    pipeline
        .run_blocking([Resource::of::<Old>().rows((0..5).map(|n| Old { id: n, created_at: n }))])
        .unwrap();
    let report =
        pipeline.run_blocking([Resource::of::<New>().rows((0..7).map(|n| New { id: n, at: n }))]).unwrap();
    assert_eq!(report.rows("events"), 2);
    assert_eq!(fixture.rows("raw", "events").len(), 7);
}
