//! Resources described in JSON, with the vocabulary of dlt.

use floe_schema::{Column, Contract, DocumentError, WriteDisposition};
use indexmap::IndexMap;
use serde_json::{Map, Value as Json};

use super::{Disposition, Resource, TableHints, TableName};
use crate::error::{Error, Result};
use crate::incremental::{DedupKey, Incremental};

const KEYS: [&str; 12] = [
    "name",
    "table_name",
    "max_table_nesting",
    "write_disposition",
    "columns",
    "primary_key",
    "merge_key",
    "schema_contract",
    "file_format",
    "references",
    "nested_hints",
    "incremental",
];
const NESTED_KEYS: [&str; 8] = [
    "columns",
    "primary_key",
    "merge_key",
    "write_disposition",
    "schema_contract",
    "file_format",
    "table_format",
    "references",
];

impl Resource {
    /// Reads a description of a resource, as `floe load --resource` takes it.
    ///
    /// ```
    /// use floe::Resource;
    /// let resource = Resource::from_json(&serde_json::json!({"name": "items", "primary_key": "id"}));
    /// assert!(resource.is_ok());
    /// let error = Resource::from_json(&serde_json::json!({"name": "items", "primary": "id"})).unwrap_err();
    /// assert_eq!(error.way_out(), Some("did you mean `primary_key`?"));
    /// ```
    pub fn from_json(description: &Json) -> Result<Self> {
        let map = object(description, "")?;
        refuse_unknown(map, "", &KEYS)?;
        let name = text(map, "", "name")?.ok_or_else(|| Error::config("a resource needs a `name`"))?;
        let mut resource = Self::new(name);
        match map.get("table_name") {
            None | Some(Json::Null) => {}
            Some(Json::String(table)) => resource.table = TableName::Fixed(table.clone()),
            Some(dynamic) => {
                let dynamic = object(dynamic, "/table_name")?;
                refuse_unknown(dynamic, "/table_name", &["field", "prefix"])?;
                let field = text(dynamic, "/table_name", "field")?
                    .ok_or_else(|| wrong("/table_name", "a `field` of the item or a text"))?;
                let prefix = text(dynamic, "/table_name", "prefix")?.unwrap_or_default();
                resource.table = TableName::Field { field, prefix };
            }
        }
        resource.hints = hints(map, "")?;
        resource.dedup_key = match map.get("primary_key") {
            Some(Json::String(name)) => Some(DedupKey::One(name.clone())),
            Some(Json::Array(_)) => resource.hints.primary_key.clone().map(DedupKey::Many),
            _ => None,
        };
        resource.hints.disposition.get_or_insert(Disposition::new(WriteDisposition::Append));
        resource.max_table_nesting = match map.get("max_table_nesting") {
            None | Some(Json::Null) => None,
            Some(level) => {
                let level = level.as_i64().filter(|level| *level >= 0);
                Some(level.ok_or_else(|| wrong("/max_table_nesting", "a whole number from 0 on"))?)
            }
        };
        if let Some(nested) = map.get("nested_hints").filter(|v| !v.is_null()) {
            for (path, given) in object(nested, "/nested_hints")? {
                let at = format!("/nested_hints/{}", path.replace('~', "~0").replace('/', "~1"));
                let given = object(given, &at)?;
                refuse_unknown(given, &at, &NESTED_KEYS)?;
                let path = path.split('/').map(str::to_owned).collect();
                resource.nested.push((path, hints(given, &at)?));
            }
            // tables come before those below them
            resource.nested.sort_by_key(|(path, _)| path.len());
        }
        if let Some(given) = map.get("incremental").filter(|v| !v.is_null()) {
            resource.incremental = Some(Incremental::from_json(object(given, "/incremental")?)?);
        }
        Ok(resource)
    }
}

fn hints(map: &Map<String, Json>, at: &str) -> Result<TableHints> {
    let mut hints = TableHints::default();
    if let Some(columns) = map.get("columns").filter(|v| !v.is_null()) {
        for (name, column) in object(columns, &format!("{at}/columns"))? {
            let place = format!("{at}/columns/{}", name.replace('~', "~0").replace('/', "~1"));
            let column = Column::from_json(name, &place, column.clone()).map_err(document)?;
            hints.columns.insert(name.clone(), column);
        }
    }
    hints.primary_key = names(map, at, "primary_key")?;
    hints.merge_key = names(map, at, "merge_key")?;
    if let Some(given) = map.get("write_disposition").filter(|v| !v.is_null()) {
        hints.disposition = Some(disposition(given, &format!("{at}/write_disposition"))?);
    }
    if let Some(given) = map.get("schema_contract").filter(|v| !v.is_null()) {
        let place = format!("{at}/schema_contract");
        hints.schema_contract = Some(Contract::from_json(&place, given).map_err(document)?);
    }
    hints.file_format = text(map, at, "file_format")?;
    hints.references = map.get("references").filter(|v| !v.is_null()).cloned();
    Ok(hints)
}

fn disposition(given: &Json, at: &str) -> Result<Disposition> {
    let (word, options, shorthand) = match given {
        Json::String(word) => (word.as_str(), IndexMap::new(), true),
        other => {
            let map = object(other, at)?;
            let word = map.get("disposition").and_then(Json::as_str);
            let word = word.ok_or_else(|| wrong(at, "a text or an object with `disposition`"))?;
            let options = map.iter().filter(|(key, _)| *key != "disposition");
            (word, options.map(|(k, v)| (k.clone(), v.clone())).collect(), false)
        }
    };
    let kind = word.parse().map_err(|e| Error::config(format!("at {at}: {e}")))?;
    Ok(Disposition { kind, options, shorthand })
}

/// A name or a list of names.
fn names(map: &Map<String, Json>, at: &str, key: &str) -> Result<Option<Vec<String>>> {
    let place = format!("{at}/{key}");
    match map.get(key) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(name)) => Ok(Some(vec![name.clone()])),
        Some(Json::Array(items)) => {
            let names: Option<Vec<String>> = items.iter().map(|v| v.as_str().map(str::to_owned)).collect();
            names.map(Some).ok_or_else(|| wrong(&place, "a text or a list of texts"))
        }
        Some(_) => Err(wrong(&place, "a text or a list of texts")),
    }
}

pub(super) fn text(map: &Map<String, Json>, at: &str, key: &str) -> Result<Option<String>> {
    match map.get(key) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(wrong(&format!("{at}/{key}"), "a text")),
    }
}

fn object<'a>(value: &'a Json, at: &str) -> Result<&'a Map<String, Json>> {
    value.as_object().ok_or_else(|| wrong(at, "an object"))
}

pub(crate) fn wrong(at: &str, expected: &str) -> Error {
    let at = if at.is_empty() { "/" } else { at };
    Error::config(format!("at {at}: expected {expected}"))
}

fn document(error: DocumentError) -> Error {
    Error::config(error.to_string())
}

/// Reports keys that nobody knows, with the nearest known one.
pub(crate) fn refuse_unknown(map: &Map<String, Json>, at: &str, known: &[&str]) -> Result<()> {
    let Some(key) = map.keys().find(|key| !known.contains(&key.as_str())) else { return Ok(()) };
    let error = Error::config(format!("at {at}/{key}: unknown key"));
    Err(match crate::nearest(key, known) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error.help(format!("known keys are {}", known.join(", "))),
    })
}
