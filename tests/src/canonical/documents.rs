//! The documents that are stored with a dataset: schemas and states.

use std::io::Read;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::ZlibDecoder;
use floe_schema::hash::{canonical_json, sha3_base64};
use serde_json::{Map, Value as Json, json};

use super::compact;

/// The tables that are the same in each schema, which documents abbreviate.
static STANDARD_TABLES: LazyLock<Json> =
    LazyLock::new(|| serde_json::from_str(include_str!("standard.json")).unwrap());

/// Reads a stored document, which may be compressed.
pub fn decode(text: &str) -> Json {
    let compressed = STANDARD.decode(text).unwrap_or_default();
    let mut json = String::new();
    match ZlibDecoder::new(compressed.as_slice()).read_to_string(&mut json) {
        Ok(_) if !compressed.is_empty() => serde_json::from_str(&json).unwrap(),
        _ => serde_json::from_str(text).unwrap(),
    }
}

/// The hash that a schema should have.
pub(super) fn schema_hash(document: &Json) -> String {
    let content = without(document, &["version", "version_hash", "imported_version_hash", "previous_hashes"]);
    let mut hashed = vec![canonical_json(&content)];
    let mut tables: Vec<_> = document["tables"].as_object().into_iter().flatten().collect();
    tables.sort_by_key(|(name, _)| *name);
    for (name, table) in tables {
        hashed.push(name.clone());
        hashed.extend(table["columns"].as_object().into_iter().flatten().map(|(name, _)| name.clone()));
    }
    sha3_base64(hashed.iter().map(String::as_bytes))
}

/// The hash that a state should have.
pub(super) fn content_hash(state: &Json) -> String {
    let content = without(state, &["_state_version", "_state_engine_version", "_version_hash", "_local"]);
    sha3_base64([canonical_json(&content).as_bytes()])
}

/// A schema without what has no meaning.
pub(super) fn normal_schema(document: &Json) -> Json {
    let table = |(name, table): (&String, &Json)| {
        let normal = normal_table(table);
        let is_standard = STANDARD_TABLES.get(name).is_some_and(|s| compact(s) == compact(&normal));
        (name.clone(), if is_standard { "standard".into() } else { normal })
    };
    json!({
        "name": document["name"],
        "engine_version": document["engine_version"],
        "settings": document["settings"],
        "normalizers": document["normalizers"],
        "tables": document["tables"].as_object().into_iter().flatten().map(table).collect::<Json>(),
    })
}

fn normal_table(table: &Json) -> Json {
    let mut normal = without(table, &["name", "description", "columns"]);
    let map = normal.as_object_mut().unwrap();
    map.retain(|_, value| !value.is_null());
    let columns = table["columns"].as_object().into_iter().flatten();
    map.insert("columns".to_owned(), columns.map(|(name, c)| (name.clone(), normal_column(c))).collect());
    normal
}

fn normal_column(column: &Json) -> Json {
    let mut normal = without(column, &["name", "description"]);
    normal.as_object_mut().unwrap().retain(|property, value| !is_default(property, value));
    normal
}

fn is_default(property: &str, value: &Json) -> bool {
    match property {
        "nullable" | "timezone" => value.is_null() || *value == true,
        "x-active-record-timestamp" => false,
        _ => value.is_null() || *value == false || value.as_f64() == Some(0.0),
    }
}

/// A state without what counts executions.
pub(super) fn normal_state(state: &Json) -> Json {
    normal_part(&without(state, &["_state_version", "_version_hash", "_local"]))
}

fn normal_part(value: &Json) -> Json {
    match value {
        Json::Object(map) => {
            let parts = map.iter().map(|(key, part)| match part {
                Json::Array(hashes) if key == "unique_hashes" => {
                    let mut hashes = hashes.clone();
                    hashes.sort_by_key(compact);
                    (key.clone(), hashes.into())
                }
                part => (key.clone(), normal_part(part)),
            });
            // dlt leaves empty entries behind when it resets the state of a resource
            parts.filter(|(_, part)| part.as_object().is_none_or(|map| !map.is_empty())).collect()
        }
        Json::Array(items) => items.iter().map(normal_part).collect(),
        simple => simple.clone(),
    }
}

fn without(object: &Json, keys: &[&str]) -> Json {
    let kept = object.as_object().unwrap().iter().filter(|(key, _)| !keys.contains(&key.as_str()));
    kept.map(|(key, value)| (key.clone(), value.clone())).collect::<Map<_, _>>().into()
}

/// The columns of a bookkeeping table in DuckDB.
pub fn standard_columns(table: &str) -> Option<Json> {
    let columns = STANDARD_TABLES.get(table)?["columns"].as_object()?;
    let column = |(name, hints): (&String, &Json)| {
        let data_type = match hints["data_type"].as_str() {
            Some("bigint") => "BIGINT",
            Some("timestamp") => "TIMESTAMP WITH TIME ZONE",
            _ => "VARCHAR",
        };
        json!([name, data_type, if hints["nullable"] == false { "NOT NULL" } else { "NULL" }])
    };
    Some(columns.iter().map(column).collect())
}
