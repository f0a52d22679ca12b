//! Rows that are read back as values of their types.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use floe::RecordBatch;
use floe::prelude::*;
use floe::testing::Fixture;
use floe_tests::fixtures::{DuckDbFixture, MemoryFixture, PostgresFixture};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Table, Deserialize)]
#[table(name = "everything", primary_key = "id")]
#[serde(rename_all = "camelCase")]
struct Everything {
    id: i64,
    large_count: u32,
    wide: i128,
    ratio: f64,
    yes: bool,
    #[serde(rename = "the Text")]
    text: Option<String>,
    letter: char,
    at: DateTime<Utc>,
    wall: Option<NaiveDateTime>,
    day: NaiveDate,
    time: NaiveTime,
    span: TimeDelta,
    price: Decimal<12, 2>,
    uuid: uuid::Uuid,
    bytes: Vec<u8>,
    anything: Json,
    map: BTreeMap<String, i32>,
    kind: Kind,
    event: Event,
    user: User,
    boss: Option<User>,
    #[serde(flatten)]
    meta: Meta,
    #[serde(default)]
    level: i32,
    numbers: Vec<i32>,
    maybe: Vec<Option<bool>>,
    grid: Vec<Vec<i64>>,
    lines: Vec<Line>,
    parts: Option<Box<Part>>,
}

#[derive(Debug, Clone, PartialEq, Table, Deserialize)]
enum Kind {
    Open,
    #[serde(rename = "shut")]
    Closed,
}

#[derive(Debug, Clone, PartialEq, Table, Deserialize)]
#[serde(tag = "type")]
enum Event {
    Born,
    Moved { to: String, when: DateTime<Utc> },
    Paid { amount: Decimal<9, 3> },
}

#[derive(Debug, Clone, PartialEq, Table, Deserialize)]
struct User {
    login: String,
    mails: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Table, Deserialize)]
struct Meta {
    source: String,
    seen: Option<NaiveDate>,
}

#[derive(Debug, Clone, PartialEq, Table, Deserialize)]
struct Line {
    sku: String,
    tags: Vec<String>,
    discounts: Vec<Discount>,
}

#[derive(Debug, Clone, PartialEq, Table, Deserialize)]
struct Discount {
    percent: f64,
    codes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Table, Deserialize)]
struct Part {
    name: String,
    inner: Option<Box<Part>>,
    more: Vec<Part>,
}

fn sample(id: i64) -> Everything {
    let at = DateTime::from_timestamp_micros(1_700_000_000_123_456 + id).unwrap();
    let text = |n: i64| format!("text {n} \"ü\"");
    let part = |name: &str, inner, more| Part { name: name.to_owned(), inner, more };
    Everything {
        id,
        large_count: u32::MAX,
        wide: i128::from(id) * 1_000_000_000_000_000_000_000,
        ratio: 0.1 * id as f64,
        yes: id % 2 == 0,
        text: (id % 3 > 0).then(|| text(id)),
        letter: 'ß',
        at,
        wall: (id % 2 > 0).then(|| at.naive_utc()),
        day: NaiveDate::from_ymd_opt(2024, 2, 29).unwrap(),
        time: NaiveTime::from_hms_micro_opt(1, 2, 3, 4).unwrap(),
        span: TimeDelta::microseconds(-1_500_001 * id),
        price: Decimal::from_units(i128::from(1990 + id)).unwrap(),
        uuid: uuid::Uuid::from_u128(id as u128),
        bytes: vec![0, 255, id as u8],
        anything: Json(serde_json::json!({"a": [1, null, "x"], "id": id})),
        map: BTreeMap::from([("one".to_owned(), 1)]),
        kind: if id % 2 == 0 { Kind::Open } else { Kind::Closed },
        event: match id % 3 {
            0 => Event::Born,
            1 => Event::Moved { to: text(id), when: at },
            _ => Event::Paid { amount: Decimal::from_units(1500).unwrap() },
        },
        user: User { login: "ada".to_owned(), mails: (0..id % 4).map(text).collect() },
        boss: (id % 2 == 0).then(|| User { login: "bob".to_owned(), mails: vec![] }),
        meta: Meta { source: "s".to_owned(), seen: None },
        level: 7,
        numbers: (0..(id % 5) as i32).collect(),
        maybe: vec![Some(true), None, Some(false)],
        grid: vec![vec![1, 2], vec![], vec![id]],
        lines: (0..id % 3)
            .map(|n| Line {
                sku: text(n),
                tags: (0..n + 1).map(text).collect(),
                discounts: vec![
                    Discount { percent: 0.5, codes: vec![text(n), text(id)] },
                    Discount { percent: 1.5, codes: vec![] },
                ],
            })
            .collect(),
        parts: (id % 2 == 0).then(|| {
            let leaf = part("leaf", None, vec![]);
            Box::new(part("p", Some(Box::new(leaf.clone())), vec![leaf.clone(), part("q", None, vec![leaf])]))
        }),
    }
}

struct Bed {
    pipeline: Pipeline,
    _folder: tempfile::TempDir,
    /// Holds the dataset.
    _fixture: Box<dyn Fixture>,
}

fn bed(fixture: impl Fixture + 'static) -> Bed {
    bed_of(Box::new(fixture))
}

fn bed_of(fixture: Box<dyn Fixture>) -> Bed {
    let folder = tempfile::tempdir().unwrap();
    let pipeline =
        Pipeline::new("p").dataset("raw").pipelines_dir(folder.path()).destination(fixture.destination());
    Bed { pipeline, _folder: folder, _fixture: fixture }
}

fn comes_back(fixture: impl Fixture + 'static, wide: bool) {
    let bed = bed(fixture);
    let mut rows: Vec<Everything> = (0..50).map(sample).collect();
    if !wide {
        rows.iter_mut().for_each(|row| row.wide %= 1_000_000_000);
    }
    bed.pipeline.run_blocking([Resource::of::<Everything>().rows(rows.clone())]).unwrap();
    let reader = bed.pipeline.reader().unwrap();
    let mut read: Vec<Everything> = reader.table().unwrap().collect::<floe::Result<_>>().unwrap();
    read.sort_by_key(|row| row.id);
    for (read, row) in read.iter().zip(&rows) {
        assert_eq!(read, row);
    }
    assert_eq!(read.len(), rows.len());
    let batches: Vec<RecordBatch> =
        reader.table_batches("everything__lines").unwrap().collect::<floe::Result<_>>().unwrap();
    let lines: usize = rows.iter().map(|row| row.lines.len()).sum();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), lines);
}

#[test]
fn everything_comes_back_from_duckdb() {
    comes_back(DuckDbFixture::default(), true);
}

#[test]
fn everything_comes_back_from_memory() {
    comes_back(MemoryFixture::default(), true);
}

#[test]
fn everything_comes_back_from_postgres() {
    let Some(fixture) = PostgresFixture::new() else { return };
    comes_back(fixture, true);
}

/// Rows of merges, where lists of some rows were replaced, and more of them than a batch has.
#[test]
fn lists_stay_with_their_rows() {
    #[derive(Debug, Clone, PartialEq, Table, Deserialize)]
    #[table(name = "orders", primary_key = "id", write = merge)]
    struct Order {
        id: i64,
        lines: Vec<i64>,
    }
    let check = |fixture: Box<dyn Fixture>| {
        let bed = bed_of(fixture);
        let order = |id: i64, from: i64| Order { id, lines: (from..from + id % 4).collect() };
        bed.pipeline
            .run_blocking([Resource::of::<Order>().rows((0..5000).map(move |id| order(id, 0)))])
            .unwrap();
        bed.pipeline
            .run_blocking([Resource::of::<Order>().rows((0..5000).step_by(7).map(move |id| order(id, 9)))])
            .unwrap();
        let rows = bed.pipeline.reader().unwrap().table::<Order>().unwrap();
        let mut count = 0;
        for row in rows {
            let row = row.unwrap();
            assert_eq!(row, order(row.id, if row.id % 7 == 0 { 9 } else { 0 }));
            count += 1;
        }
        assert_eq!(count, 5000);
    };
    check(Box::<DuckDbFixture>::default());
    check(Box::<MemoryFixture>::default());
    if let Some(fixture) = PostgresFixture::new() {
        check(Box::new(fixture));
    }
}

#[test]
fn queries_give_batches() {
    let check = |fixture: Box<dyn Fixture>| {
        let bed = bed_of(fixture);
        bed.pipeline
            .run_blocking([
                Resource::new("items").json_lines("{\"id\": 1, \"t\": \"a\"}\n{\"id\": 2, \"t\": \"b\"}")
            ])
            .unwrap();
        let reader = bed.pipeline.reader().unwrap();
        let sum = reader.sql("SELECT CAST(sum(id) AS bigint) AS total FROM items").unwrap();
        assert_eq!(sum.schema().field(0).name(), "total");
        let batches: Vec<RecordBatch> = sum.collect::<floe::Result<_>>().unwrap();
        let totals = batches[0].column(0).as_any().downcast_ref::<arrow::array::Int64Array>().unwrap();
        assert_eq!(totals.value(0), 3);
        assert_eq!(reader.sql("SELECT * FROM items WHERE id > 5").unwrap().count(), 0);
        assert!(reader.sql("SELECT nothing FROM items").is_err());
        assert!(
            reader.sql("DELETE FROM items").and_then(|rows| rows.collect::<floe::Result<Vec<_>>>()).is_err()
        );
        assert_eq!(reader.tables().filter(|name| !name.starts_with('_')).collect::<Vec<_>>(), ["items"]);
        let error = reader.table_batches("item").unwrap_err().to_string();
        assert_eq!(error, "dataset raw has no table item\n  help: did you mean `items`?");
    };
    check(Box::<DuckDbFixture>::default());
    if let Some(fixture) = PostgresFixture::new() {
        check(Box::new(fixture));
    }
    let bed = bed(MemoryFixture::default());
    bed.pipeline.run_blocking([Resource::new("items").json_lines("{\"id\": 1}")]).unwrap();
    let error = bed.pipeline.reader().unwrap().sql("SELECT 1").unwrap_err().to_string();
    assert!(error.starts_with("the destination in memory knows no SQL"), "{error}");
}

/// A run of the same process may load while its dataset is read; what is read stays as it was.
#[test]
fn a_run_does_not_disturb_those_who_read() {
    #[derive(Table, Deserialize)]
    #[table(name = "numbers", write = replace)]
    struct Number {
        n: i64,
    }
    let bed = bed(DuckDbFixture::default());
    let load = |from: i64| {
        let rows = (from..from + 20_000).map(|n| Number { n });
        bed.pipeline.run_blocking([Resource::of::<Number>().rows(rows)]).unwrap()
    };
    load(0);
    let reader = bed.pipeline.reader().unwrap();
    let mut rows = reader.table::<Number>().unwrap();
    assert!(rows.next().unwrap().unwrap().n < 20_000);
    load(100_000);
    assert_eq!(rows.map(|row| row.unwrap().n).filter(|n| *n < 20_000).count(), 19_999);
    assert!(reader.table::<Number>().unwrap().all(|row| row.unwrap().n >= 100_000));
}

#[test]
fn a_dataset_that_changed_is_an_error_with_all_differences() {
    mod now {
        use floe::prelude::*;

        #[derive(Debug, Table, serde::Deserialize)]
        #[table(name = "orders")]
        #[allow(dead_code)]
        pub(super) struct Order {
            pub(super) id: String,
            pub(super) total: Option<Decimal<12, 2>>,
            pub(super) added: Option<bool>,
            pub(super) lines: Vec<Line>,
        }

        #[derive(Debug, Table, serde::Deserialize)]
        #[allow(dead_code)]
        pub(super) struct Line {
            pub(super) count: f64,
        }
    }
    let bed = bed(DuckDbFixture::default());
    let lines = r#"{"id": 1, "total": 1.5, "lines": [{"count": 1}]}"#;
    let resource = Resource::new("orders").json_lines(lines);
    bed.pipeline.run_blocking([resource]).unwrap();
    let error = bed.pipeline.reader().unwrap().table::<now::Order>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "dataset raw is not what the struct says\n  \
         orders.id: the struct says text not null, the dataset has bigint\n  \
         orders.total: the struct says decimal(12,2), the dataset has double\n  \
         orders.added: the struct says bool, the dataset has no such column\n  \
         orders__lines.count: the struct says double not null, the dataset has bigint\n  \
         help: load with the struct once, which adds columns, or give the struct what is there; \
         a column of another type has to be dropped first, with a refresh"
    );
}

#[test]
fn values_in_a_column_of_another_type_are_not_overlooked() {
    #[derive(Debug, Table, Deserialize)]
    #[table(name = "items")]
    #[allow(dead_code)]
    struct Item {
        id: i64,
    }
    let bed = bed(DuckDbFixture::default());
    bed.pipeline.run_blocking([Resource::new("items").json_lines("{\"id\": 1}\n{\"id\": \"x\"}")]).unwrap();
    let error = bed.pipeline.reader().unwrap().table::<Item>().unwrap_err().to_string();
    let says = "items.id: the struct says bigint not null, the dataset has some of the values in id__v_text";
    assert!(error.contains(says), "{error}");
}

#[test]
fn a_null_where_none_may_be_is_told_with_its_place() {
    #[derive(Debug, Table, Deserialize)]
    #[table(name = "items")]
    #[allow(dead_code)]
    struct Item {
        id: i64,
        user: Who,
    }
    #[derive(Debug, Table, Deserialize)]
    #[allow(dead_code)]
    struct Who {
        name: String,
    }
    let bed = bed(MemoryFixture::default());
    let lines = "{\"id\": 1, \"user\": {\"name\": \"a\"}}\n{\"id\": 2, \"user\": {}}";
    bed.pipeline.run_blocking([Resource::new("items").json_lines(lines)]).unwrap();
    let rows: Vec<floe::Result<Item>> = bed.pipeline.reader().unwrap().table().unwrap().collect();
    let error = rows[1].as_ref().unwrap_err().to_string();
    assert!(error.contains("is no typed::reading::"), "{error}");
    assert!(error.contains("at `user`: missing field `name`"), "{error}");
    assert!(error.contains("help: nulls and absent values are missing fields"), "{error}");
}

#[test]
fn nothing_to_read_is_told() {
    let bed = bed(MemoryFixture::default());
    let error = bed.pipeline.reader().unwrap_err().to_string();
    assert!(error.starts_with("there is no dataset raw with a schema p at memory"), "{error}");
}

#[derive(Debug, Clone, PartialEq, Table, Deserialize)]
#[table(name = "random")]
struct Random {
    n: i64,
    text: Option<String>,
    bytes: Vec<u8>,
    ratio: Option<f64>,
    inner: Option<Meta>,
    lists: Vec<Vec<Discount>>,
    words: Vec<Option<String>>,
}

fn random() -> impl Strategy<Value = Random> {
    // dlt's datasets do not have texts with NUL in Postgres, and Postgres is not asked here
    let text = "[a-z\u{e4}\"\\\\ ]{0,6}";
    let discount = (-1e9..1e9_f64, proptest::collection::vec(text, 0..3))
        .prop_map(|(percent, codes)| Discount { percent, codes });
    let meta = (text, any::<bool>()).prop_map(|(source, seen)| Meta {
        source,
        seen: seen.then(|| NaiveDate::from_ymd_opt(2000, 1, 1).unwrap()),
    });
    (
        any::<i64>(),
        proptest::option::of(text),
        proptest::collection::vec(any::<u8>(), 0..5),
        proptest::option::of(-1e300..1e300_f64),
        proptest::option::of(meta),
        proptest::collection::vec(proptest::collection::vec(discount, 0..3), 0..3),
        proptest::collection::vec(proptest::option::of(text), 0..3),
    )
        .prop_map(|(n, text, bytes, ratio, inner, lists, words)| Random {
            n,
            text,
            bytes,
            ratio,
            inner,
            lists,
            words,
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_loaded_is_read(rows in proptest::collection::vec(random(), 1..20)) {
        for fixture in [Box::<DuckDbFixture>::default() as Box<dyn Fixture>, Box::<MemoryFixture>::default()] {
            let bed = bed_of(fixture);
            bed.pipeline.run_blocking([Resource::of::<Random>().rows(rows.clone())]).unwrap();
            let read = bed.pipeline.reader().unwrap().table::<Random>().unwrap();
            let mut read = read.collect::<floe::Result<Vec<_>>>().unwrap();
            let mut rows = rows.clone();
            let key = |row: &Random| format!("{row:?}");
            read.sort_by_key(key);
            rows.sort_by_key(key);
            prop_assert_eq!(read, rows);
        }
    }
}
