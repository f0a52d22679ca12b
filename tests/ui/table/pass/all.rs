//! Every attribute of a table and its fields.

use floe::prelude::*;

/// What the dataset says about the table.
#[derive(Table)]
#[table(name = "things", resource = "Things", primary_key("id", "part__of"), merge_key = "day", write = merge)]
#[table(strategy = delete_insert, cursor = "at", max_nesting = 3, description = "instead")]
#[serde(rename_all = "camelCase")]
struct Thing {
    id: i64,
    part: Part,
    day: chrono::NaiveDate,
    #[table(sort, cluster, partition, description = "when")]
    at: chrono::DateTime<chrono::Utc>,
    #[table(unique)]
    code: String,
    #[table(dedup_sort = desc)]
    version: u32,
    #[table(hard_delete)]
    deleted: bool,
    #[table(precision = 3, timezone = false)]
    wall: chrono::NaiveDateTime,
    #[table(precision = 30, scale = 6)]
    price: Decimal<12, 2>,
    #[table(json)]
    whole: Part,
    #[table(was("old_title", "label"))]
    title: String,
    #[table(pii = hash)]
    mail: Option<String>,
    #[table(pii = "mask")]
    phone: i64,
    #[table(pii = drop)]
    cards: Vec<Part>,
    #[table(entries)]
    prices: std::collections::BTreeMap<String, Option<f64>>,
    #[serde(alias = "colour")]
    color: String,
    #[serde(skip)]
    _skipped: (),
    #[serde(flatten)]
    more: More,
    #[serde(default)]
    with_default: i64,
    things: Vec<Thing>,
    #[table(recursive)]
    again: Vec<Box<Thing>>,
}

#[derive(Table)]
struct Part {
    of: i64,
}

#[derive(Table)]
struct More {
    size: u64,
}

#[derive(Table)]
#[table(merge_key = "id")]
struct ByFields<T> {
    #[table(primary_key)]
    id: i64,
    #[table(cursor)]
    at: i64,
    value: Option<T>,
}

#[derive(Table)]
#[table(primary_key = "id", write = merge, strategy = scd2, validity("since", "until"))]
#[table(active_record_timestamp = "9999-12-31", boundary_timestamp = "2024-01-01")]
struct Versions {
    id: i64,
}

pub(crate) fn main() {
    use floe::Table as _;
    assert_eq!(Thing::TABLE.primary_key, ["id", "part__of"]);
    assert_eq!(ByFields::<u8>::TABLE.cursor, Some("at"));
    let tables = floe::schema_of::<Thing>();
    let things = &tables.tables["things"];
    assert_eq!(things.columns["with_default"].nullable, Some(true));
    assert_eq!(things.columns["price"].type_text(), "decimal(30,6)");
    assert_eq!(things.description.as_deref(), Some("instead"));
    assert_eq!(things.columns["at"].description.as_deref(), Some("when"));
    assert_eq!(things.columns["title"].former_names().collect::<Vec<_>>(), ["old_title", "label"]);
    assert_eq!(things.columns["mail"].type_text(), "text");
    assert_eq!(things.columns["phone"].type_text(), "text");
    assert!(!things.columns.contains_key("cards") && !tables.tables.contains_key("things__cards"));
    assert_eq!(tables.tables["things__prices"].columns["value"].nullable, Some(true));
    assert_eq!(Versions::TABLE.validity, Some(("since", "until")));
}
