//! The canonical document of a dataset: what differs between two executions is replaced by symbols,
//! so that documents can be compared.
//!
//! | symbol | stands for |
//! |---|---|
//! | `L2` | the second load |
//! | `T2` | an instant within run 2; `T2.1` is a second one |
//! | `items#3fa9c1` | a random row identifier, named by the values of its row |
//! | `items#3fa9c1/tags[0]` | an identifier that follows from that of the parent |

mod documents;
mod symbols;

use floe_schema::{ID, LOAD_ID, LOADS_TABLE, PARENT_ID, ROOT_ID, STATE_TABLE, VERSION_TABLE, is_internal};
use serde_json::{Map, Value as Json, json};

use crate::dataset::{Cell, Dataset, Row, Table, text};
use documents::{content_hash, normal_schema, normal_state, schema_hash};
use symbols::Symbols;

pub use documents::{decode, standard_columns};
pub use symbols::Window;

/// Replaces symbols. Row identifiers among `literal_ids` are the same in each execution.
pub fn document(dataset: &Dataset, windows: &[Window], literal_ids: &[String]) -> Json {
    let symbols = Symbols::of(dataset, windows, literal_ids);
    let versions = in_order(dataset.rows(VERSION_TABLE), "inserted_at");
    let documents: Vec<Json> = versions.iter().map(|row| decode(text(row, "schema").unwrap())).collect();
    let states = in_order(dataset.rows(STATE_TABLE), "created_at");
    let state = states.last().map(|row| decode(text(row, "state").unwrap()));
    let pairs = || versions.iter().zip(&documents);
    let hashes: Vec<Json> =
        pairs().map(|(row, _)| json!([value(row, "version"), value(row, "version_hash")])).collect();
    json!({
        "tables": user_tables(dataset, &symbols),
        "internal": internal_tables(dataset),
        "loads": loads(dataset, &symbols),
        "versions": pairs().map(|(row, document)| version(row, document)).collect::<Vec<_>>(),
        "schema": documents.last().map(normal_schema),
        "state": state.as_ref().map(|state| json!({
            "rows": states.iter().map(|row| state_row(row, &symbols)).collect::<Vec<_>>(),
            "content": normal_state(state),
        })),
        "exact": {
            "schema_hash": hashes,
            "previous_hashes": documents.last().map(|document| document["previous_hashes"].clone()),
            "state_version": state.as_ref().map(|state| state["_state_version"].clone()),
            // without the accidental order of hashes for deduplication
            "state_hash": state.as_ref().map(|state| content_hash(&normal_state(state))),
        },
    })
}

/// A value as one line of JSON with sorted keys, in the words of Python's `json`, because symbols
/// in the recorded documents are hashes of such lines.
pub fn compact(value: &Json) -> String {
    let mut out = String::new();
    write(&mut out, value);
    out
}

fn write(out: &mut String, value: &Json) {
    match value {
        Json::Number(number) if number.is_f64() => {
            out.push_str(&floe_schema::hash::python_float(number.as_f64().unwrap()));
        }
        Json::String(text) => floe_schema::hash::write_text(out, text),
        Json::Array(items) => {
            out.push('[');
            separated(out, items, write);
            out.push(']');
        }
        Json::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            out.push('{');
            separated(out, entries, |out, (key, item)| {
                floe_schema::hash::write_text(out, key);
                out.push(':');
                write(out, item);
            });
            out.push('}');
        }
        simple => out.push_str(&simple.to_string()),
    }
}

fn separated<T>(out: &mut String, items: impl IntoIterator<Item = T>, mut write: impl FnMut(&mut String, T)) {
    for (n, item) in items.into_iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        write(out, item);
    }
}

fn user_tables(dataset: &Dataset, symbols: &Symbols<'_>) -> Json {
    let canonical = |table: &Table| {
        let mut rows: Vec<Json> = table.rows.iter().map(|row| canonical_row(row, symbols)).collect();
        rows.sort_by_cached_key(compact);
        json!({ "columns": columns(table), "rows": rows })
    };
    dataset.user_tables().map(|(name, table)| (name.clone(), canonical(table))).collect()
}

fn canonical_row(row: &Row, symbols: &Symbols<'_>) -> Json {
    let canonical = |(column, cell): (&String, &Cell)| {
        let is_id = [ID, PARENT_ID, ROOT_ID].contains(&column.as_str());
        let value = match cell.text().filter(|_| is_id) {
            Some(id) => symbols.row_id(id).unwrap_or("(no such row)").into(),
            None => symbols.value(column, cell),
        };
        (column.clone(), value)
    };
    row.iter().map(canonical).collect()
}

fn columns(table: &Table) -> Json {
    let nullity = |nullable: bool| if nullable { "NULL" } else { "NOT NULL" };
    table.columns.iter().map(|c| json!([c.name, c.data_type, nullity(c.nullable)])).collect()
}

fn internal_tables(dataset: &Dataset) -> Json {
    let mut found = Map::new();
    for (name, table) in dataset.tables.iter().filter(|(name, _)| is_internal(name)) {
        let columns = columns(table);
        let is_standard = standard_columns(name).is_some_and(|standard| standard == columns);
        found.insert(name.clone(), if is_standard { "standard".into() } else { columns });
    }
    found.into()
}

fn loads(dataset: &Dataset, symbols: &Symbols<'_>) -> Json {
    let hashes: Vec<Json> =
        dataset.rows(VERSION_TABLE).iter().map(|row| value(row, "version_hash")).collect();
    let canonical = |row: &Row| {
        json!({
            "load_id": symbols.load(text(row, "load_id").unwrap()),
            "load_id_is_unix_time": is_unix_time(text(row, "load_id").unwrap()),
            "status": value(row, "status"),
            "schema_name": value(row, "schema_name"),
            "schema_hash_known": hashes.contains(&value(row, "schema_version_hash")),
        })
    };
    let mut rows: Vec<&Row> = dataset.rows(LOADS_TABLE).iter().collect();
    rows.sort_by_key(|row| symbols.load_number(text(row, "load_id").unwrap()));
    rows.into_iter().map(canonical).collect()
}

fn is_unix_time(load_id: &str) -> bool {
    let (whole, fraction) = load_id.split_once('.').unwrap_or((load_id, "0"));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    whole.len() == 10 && digits(whole) && (1..=9).contains(&fraction.len()) && digits(fraction)
}

fn version(row: &Row, document: &Json) -> Json {
    let hash = value(row, "version_hash");
    json!({
        "schema_name": value(row, "schema_name"),
        "engine_version": value(row, "engine_version"),
        "hash_verifies": hash == document["version_hash"] && hash == schema_hash(document).as_str(),
        "version_matches": value(row, "version") == document["version"],
    })
}

fn state_row(row: &Row, symbols: &Symbols<'_>) -> Json {
    let state = decode(text(row, "state").unwrap());
    let hash = value(row, "version_hash");
    json!({
        "load_id": symbols.value(LOAD_ID, &row[LOAD_ID]),
        "engine_version": value(row, "engine_version"),
        "pipeline_name": value(row, "pipeline_name"),
        "hash_verifies": hash == state["_version_hash"] && hash == content_hash(&state).as_str(),
        "version_matches": value(row, "version") == state["_state_version"],
    })
}

/// Rows by an instant, and by version where that is the same.
fn in_order<'r>(rows: &'r [Row], column: &str) -> Vec<&'r Row> {
    let mut rows: Vec<&Row> = rows.iter().collect();
    rows.sort_by_key(|row| {
        let instant = if let Some(Cell::Instant(micros)) = row.get(column) { *micros } else { 0 };
        (instant, value(row, "version").as_i64())
    });
    rows
}

fn value(row: &Row, column: &str) -> Json {
    match row.get(column) {
        Some(Cell::Value(value)) => value.clone(),
        _ => Json::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_python() {
        let value =
            json!({"b": [1e16, 1.0, -0.0, 1e-7], "a": "ü\n\u{1}\"", "Z": null, "n": {"y": true, "x": 1}});
        let line = r#"{"Z":null,"a":"ü\n\u0001\"","b":[1e+16,1.0,-0.0,1e-07],"n":{"x":1,"y":true}}"#;
        assert_eq!(compact(&value), line);
    }

    #[test]
    fn load_ids_are_times() {
        assert!(["1700000000", "1700000000.1", "1700000000.123456789"].into_iter().all(is_unix_time));
        assert!(!["1700000000.", "170000000.1", "1700000000.1234567890", "x"].into_iter().any(is_unix_time));
    }
}
