//! What becomes of each kind of field.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use floe::prelude::*;
use floe_tests::dataset::Cell;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{columns, dataset, load};

/// Everything that is one column.
#[derive(Table)]
#[table(name = "all", primary_key = "i_64")]
struct All {
    i_64: i64,
    u_8: u8,
    u_64: u64,
    i_128: i128,
    float: f32,
    yes: bool,
    text: String,
    letter: char,
    at: DateTime<Utc>,
    #[table(precision = 3)]
    wall: NaiveDateTime,
    day: NaiveDate,
    time: NaiveTime,
    span: chrono::TimeDelta,
    id: uuid::Uuid,
    price: Decimal<12, 2>,
    #[table(precision = 20, scale = 4)]
    other_price: rust_decimal::Decimal,
    bytes: Vec<u8>,
    maybe: Option<i32>,
    never: Option<String>,
    newtype: Celsius,
    kind: Kind,
    json: Json,
    free: Value,
    map: HashMap<String, i32>,
    #[table(json)]
    whole: Person,
    #[serde(skip)]
    #[allow(dead_code)]
    skipped: std::time::Instant,
}

#[derive(Table)]
struct Celsius(f64);

#[derive(Table)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    VeryGood,
    #[serde(rename = "bäd \"one\"")]
    #[allow(dead_code)]
    Bad,
}

#[derive(Table, Clone)]
struct Person {
    name: String,
    #[serde(rename = "bornOn")]
    born: Option<NaiveDate>,
}

fn all() -> All {
    let wall = NaiveDate::from_ymd_opt(2024, 3, 1).unwrap().and_hms_micro_opt(10, 20, 30, 123_456).unwrap();
    All {
        i_64: i64::MIN,
        u_8: 255,
        u_64: 9_007_199_254_740_993,
        i_128: 10_i128.pow(37),
        float: 0.1,
        yes: true,
        text: "a\"\\\u{1}ü😀".into(),
        letter: 'x',
        at: wall.and_utc(),
        wall,
        day: wall.date(),
        time: wall.time(),
        span: chrono::TimeDelta::milliseconds(1500),
        id: uuid::Uuid::from_u128(1),
        price: "1234567890.12".parse().unwrap(),
        other_price: "0.0001".parse().unwrap(),
        bytes: vec![0, 255, 16],
        maybe: Some(5),
        never: None,
        newtype: Celsius(36.6),
        kind: Kind::VeryGood,
        json: Json(json!({"a": [1, {"b": null}]})),
        free: json!([1, "x"]),
        map: HashMap::from([("k".into(), 1)]),
        whole: Person { name: "Ada".into(), born: None },
        skipped: std::time::Instant::now(),
    }
}

#[test]
fn every_type_has_a_column_and_keeps_its_value() {
    let folder = tempfile::tempdir().unwrap();
    load(folder.path(), Resource::of::<All>().rows([all()])).unwrap();
    let dataset = dataset(folder.path());
    let expected = [
        "i_64 BIGINT not null",
        "u_8 BIGINT not null",
        "u_64 BIGINT not null",
        "i_128 DECIMAL(38,0) not null",
        "float DOUBLE not null",
        "yes BOOLEAN not null",
        "text VARCHAR not null",
        "letter VARCHAR not null",
        "at TIMESTAMP WITH TIME ZONE not null",
        "wall TIMESTAMP_MS not null",
        "day DATE not null",
        "time TIME not null",
        "span BIGINT not null",
        "id VARCHAR not null",
        "price DECIMAL(12,2) not null",
        "other_price DECIMAL(20,4) not null",
        "bytes BLOB not null",
        "maybe BIGINT",
        "never VARCHAR",
        "newtype DOUBLE not null",
        "kind VARCHAR not null",
        "json JSON not null",
        "free JSON not null",
        "map JSON not null",
        "whole JSON not null",
    ];
    assert_eq!(columns(&dataset, "all"), expected);
    let row = &dataset.rows("all")[0];
    let value = |column: &str| match &row[column] {
        Cell::Value(value) => value.clone(),
        Cell::Instant(micros) => json!({ "micros": micros }),
    };
    let micros = all().at.timestamp_micros();
    for (column, expected) in [
        ("i_64", json!(i64::MIN)),
        ("u_64", json!(9_007_199_254_740_993_u64)),
        ("i_128", json!("10000000000000000000000000000000000000")),
        ("float", json!(0.1)),
        ("text", json!("a\"\\\u{1}ü😀")),
        ("at", json!({"micros": micros})),
        ("day", json!("2024-03-01")),
        ("time", json!("10:20:30.123456")),
        ("span", json!(1_500_000)),
        ("id", json!("00000000-0000-0000-0000-000000000001")),
        ("price", json!("1234567890.12")),
        ("other_price", json!("0.0001")),
        ("maybe", json!(5)),
        ("newtype", json!(36.6)),
        ("kind", json!("very-good")),
    ] {
        assert_eq!(value(column), expected, "{column}");
    }
    assert!(!row.contains_key("never") && !row.contains_key("skipped"));
    assert_eq!(dataset.tables.keys().filter(|t| t.starts_with("all")).count(), 1);
}

/// Everything that is more than one column.
#[derive(Table)]
#[serde(rename_all = "camelCase")]
struct Issue<M> {
    number: u32,
    user: Person,
    closed_by: Option<Person>,
    #[serde(flatten)]
    meta: M,
    labels: Vec<Label>,
    tags: Vec<String>,
    grid: Vec<Vec<u16>>,
    anything: Vec<Value>,
    /// Who is asked.
    #[allow(clippy::vec_box)]
    reviewers: Option<Vec<Box<Person>>>,
}

#[derive(Table)]
struct Meta {
    size: u64,
    by: BTreeMap<String, u8>,
}

#[derive(Table)]
struct Label {
    name: String,
    votes: Vec<Vote>,
}

#[derive(Table)]
struct Vote {
    up: bool,
}

#[test]
fn structs_are_columns_and_lists_are_tables() {
    let folder = tempfile::tempdir().unwrap();
    let ada = Person { name: "Ada".into(), born: NaiveDate::from_ymd_opt(1815, 12, 10) };
    let issue = Issue {
        number: 7,
        user: ada.clone(),
        closed_by: None,
        meta: Meta { size: 3, by: BTreeMap::from([("a".into(), 1)]) },
        labels: vec![Label { name: "bug".into(), votes: vec![Vote { up: true }, Vote { up: false }] }],
        tags: vec!["x".into(), "y".into()],
        grid: vec![vec![1, 2], vec![3]],
        anything: vec![json!({"x": 1}), json!(null)],
        reviewers: Some(vec![Box::new(ada)]),
    };
    load(folder.path(), Resource::of::<Issue<Meta>>().rows([issue])).unwrap();
    let dataset = dataset(folder.path());
    let expected = [
        "number BIGINT not null",
        "user__name VARCHAR not null",
        "user__born_on DATE",
        "closed_by__name VARCHAR",
        "closed_by__born_on DATE",
        "size BIGINT not null",
        "by JSON not null",
        "anything JSON not null",
    ];
    assert_eq!(columns(&dataset, "issue"), expected);
    assert_eq!(columns(&dataset, "issue__labels__votes"), ["up BOOLEAN not null"]);
    assert_eq!(columns(&dataset, "issue__grid__list"), ["value BIGINT not null"]);
    let counts: Vec<(&str, usize)> = dataset
        .tables
        .iter()
        .filter(|(name, _)| name.starts_with("issue"))
        .map(|(name, table)| (name.as_str(), table.rows.len()))
        .collect();
    let expected = [
        ("issue", 1),
        ("issue__grid", 2),
        ("issue__grid__list", 3),
        ("issue__labels", 1),
        ("issue__labels__votes", 2),
        ("issue__reviewers", 1),
        ("issue__tags", 2),
    ];
    assert_eq!(counts, expected);
}

/// A variant for each kind of event, all in one table.
#[derive(Table)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    PageView { at: i64, path: String },
    Click { at: i64, target: Option<String> },
    Login(Person),
    Logout,
}

/// As serde writes it.
#[derive(Table, Serialize)]
#[table(json)]
enum Shape {
    Circle { radius: f64 },
    Point,
}

#[derive(Table)]
struct Drawing {
    shape: Shape,
    corners: Vec<Shape>,
}

#[test]
fn enums_are_wide_rows_or_json() {
    let folder = tempfile::tempdir().unwrap();
    let events = [
        Event::PageView { at: 1, path: "/".into() },
        Event::Click { at: 2, target: None },
        Event::Login(Person { name: "Ada".into(), born: None }),
        Event::Logout,
    ];
    load(folder.path(), Resource::of::<Event>().rows(events)).unwrap();
    let drawing = Drawing { shape: Shape::Circle { radius: 1.5 }, corners: vec![Shape::Point] };
    load(folder.path(), Resource::of::<Drawing>().rows([drawing])).unwrap();
    let dataset = dataset(folder.path());
    let expected = [
        "type VARCHAR not null",
        "at BIGINT",
        "path VARCHAR",
        "target VARCHAR",
        "name VARCHAR",
        "born_on DATE",
    ];
    assert_eq!(columns(&dataset, "event"), expected);
    let kinds: Vec<_> = dataset.rows("event").iter().map(|row| row["type"].text().unwrap()).collect();
    assert_eq!(kinds, ["page_view", "click", "login", "logout"]);
    assert_eq!(columns(&dataset, "drawing"), ["shape JSON not null", "corners JSON not null"]);
}

/// Comments with answers, as deep as they come.
#[derive(Table)]
#[table(max_nesting = 2)]
struct Comment {
    text: String,
    answers: Vec<Comment>,
}

fn thread(depth: u32) -> Comment {
    let answers = if depth == 0 { vec![] } else { vec![thread(depth - 1)] };
    Comment { text: depth.to_string(), answers }
}

#[test]
fn a_type_may_contain_itself() {
    let folder = tempfile::tempdir().unwrap();
    load(folder.path(), Resource::of::<Comment>().rows([thread(5)])).unwrap();
    let dataset = dataset(folder.path());
    assert_eq!(columns(&dataset, "comment__answers__answers"), ["text VARCHAR not null", "answers JSON"]);
    assert!(!dataset.tables.contains_key("comment__answers__answers__answers"));
}

#[test]
fn rows_can_be_taken_once() {
    let folder = tempfile::tempdir().unwrap();
    let resource = Resource::of::<Comment>().rows([thread(0)]);
    load(folder.path(), resource.clone()).unwrap();
    let error = load(folder.path(), resource).unwrap_err().to_string();
    assert!(error.contains("were read already") && error.contains("make the resource anew"), "{error}");
}

#[test]
fn a_value_that_json_has_not_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    #[derive(Table)]
    struct Odd {
        map: BTreeMap<Vec<u8>, u8>,
    }
    let odd = Odd { map: BTreeMap::from([(vec![1], 1)]) };
    let error = load(folder.path(), Resource::of::<Odd>().rows([odd])).unwrap_err().to_string();
    assert!(error.contains("a row cannot be written: key must be a string"), "{error}");
}

/// The dataset has a column of another type.
#[test]
fn a_dataset_that_is_otherwise_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    load(folder.path(), Resource::new("vote").json_lines(r#"{"up": "yes", "more": 1}"#)).unwrap();
    let error =
        load(folder.path(), Resource::of::<Vote>().rows([Vote { up: true }])).unwrap_err().to_string();
    assert!(
        error.contains("the dataset is not what the struct says\n  vote.up: the dataset has text, the struct says bool not null"),
        "{error}"
    );
    assert!(error.contains("help: give the field the type of the dataset"), "{error}");
    assert_eq!(dataset(folder.path()).rows("vote").len(), 1);
}

/// The key has another name in items.
#[derive(Table)]
#[table(primary_key = "entry_id", cursor = "booked_at")]
struct Entry {
    #[serde(rename = "entryId")]
    entry_id: String,
    #[serde(rename = "bookedAt")]
    booked_at: i64,
}

#[test]
fn items_with_equal_cursors_are_told_apart_by_the_key_that_they_have() {
    let folder = tempfile::tempdir().unwrap();
    let entry = |id: &str| Entry { entry_id: id.into(), booked_at: 7 };
    let load = |entries: Vec<Entry>| load(folder.path(), Resource::of::<Entry>().rows(entries)).unwrap();
    assert_eq!(load(vec![entry("a"), entry("b")]).rows("entry"), 2);
    assert_eq!(load(vec![entry("b"), entry("c")]).rows("entry"), 1);
}
