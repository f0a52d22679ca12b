//! Typed and untyped rows give the same dataset.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use floe::prelude::*;
use floe_tests::canonical::document;
use floe_tests::{Dataset, compare};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{DATASET, pipeline};

#[derive(Debug, Clone, Table, Serialize, Deserialize)]
#[table(name = "orders", primary_key = "id")]
struct Order {
    id: i64,
    wide: u64,
    note: Option<String>,
    ratio: f64,
    paid: bool,
    at: DateTime<Utc>,
    wall: Option<NaiveDateTime>,
    day: NaiveDate,
    total: Decimal<20, 4>,
    kind: Kind,
    #[serde(rename = "shipTo")]
    ship_to: Option<Address>,
    lines: Vec<Line>,
    tags: Vec<String>,
    extra: Json<Value>,
}

#[derive(Debug, Clone, Table, Serialize, Deserialize)]
struct Address {
    #[serde(rename = "Street Name")]
    street: String,
    zip: Option<u32>,
}

#[derive(Debug, Clone, Table, Serialize, Deserialize)]
struct Line {
    sku: String,
    count: i32,
    parts: Vec<i64>,
}

#[derive(Debug, Clone, Table, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Web,
    Shop,
}

fn text() -> impl Strategy<Value = String> {
    // marks at the beginning of a text are types to dlt
    "[^\u{0}\u{f026}-\u{f02f}]{0,12}"
}

fn instants() -> impl Strategy<Value = DateTime<Utc>> {
    (-60_000_000_000_000_000_i64..250_000_000_000_000_000)
        .prop_map(|micros| DateTime::from_timestamp_micros(micros).unwrap())
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    let line = (text(), any::<i32>(), prop::collection::vec(any::<i64>(), 0..3));
    prop::collection::vec(line.prop_map(|(sku, count, parts)| Line { sku, count, parts }), 0..4)
}

fn orders() -> impl Strategy<Value = Order> {
    let numbers = (any::<i64>(), 0..=i64::MAX as u64, prop::num::f64::NORMAL, any::<bool>());
    let times = (instants(), prop::option::of(instants()), instants());
    let total =
        (-(10_i128.pow(20) - 1)..10_i128.pow(20)).prop_map(|units| Decimal::from_units(units).unwrap());
    let kind = prop_oneof![Just(Kind::Web), Just(Kind::Shop)];
    let address = prop::option::of((text(), any::<Option<u32>>()));
    let address = address.prop_map(|a| a.map(|(street, zip)| Address { street, zip }));
    let lists = (lines(), prop::collection::vec(text(), 0..3));
    (numbers, times, total, kind, address, lists, prop::option::of(text()), text()).prop_map(
        |((id, wide, ratio, paid), (at, wall, day), total, kind, ship_to, (lines, tags), note, extra)| {
            Order {
                id,
                wide,
                note,
                ratio,
                paid,
                at,
                wall: wall.map(|at| at.naive_utc()),
                day: day.date_naive(),
                total,
                kind,
                ship_to,
                lines,
                tags,
                extra: Json(serde_json::json!({ "extra": [extra] })),
            }
        },
    )
}

fn loaded(resource: Resource, schema: Option<floe::Schema>) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let mut run = pipeline(folder.path());
    if let Some(schema) = schema {
        run = run.source_schema(schema);
    }
    run.run_blocking([resource]).unwrap();
    document(&Dataset::read(&folder.path().join("d.duckdb"), DATASET).unwrap(), &[], &[])
}

fn same(expected: &Value, actual: &Value) -> Result<(), TestCaseError> {
    let report = compare(expected, actual);
    prop_assert_eq!(report.errors, [""; 0]);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(16) })]

    #[test]
    fn rows_pages_and_hints_give_one_dataset(orders in prop::collection::vec(orders(), 1..12)) {
        let lines: Vec<String> = orders.iter().map(|o| serde_json::to_string(o).unwrap()).collect();
        let lines = lines.join("\n");
        let of_rows = loaded(Resource::of::<Order>().rows(orders), None);
        let of_pages = loaded(Resource::of::<Order>().json_lines(lines.clone()), None);
        same(&of_rows, &of_pages)?;
        let untyped = Resource::new("orders").primary_key(["id"]).json_lines(lines);
        let imported = loaded(untyped, Some(floe::Schema { name: "p".to_owned(), ..floe::schema_of::<Order>() }));
        same(&of_rows, &imported)?;
    }
}
