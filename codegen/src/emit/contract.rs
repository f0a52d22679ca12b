//! Contracts: the columns of a table and of its child tables, one a line.

use std::collections::BTreeMap;

use crate::api::{Api, Resource};
use crate::shape::Shape;
use floe_schema::{DataType, Naming};

/// How deep child tables go.
const MAX_DEPTH: usize = 12;
/// Tables of one contract: lists in lists of lists multiply.
const MAX_TABLES: usize = 100;

type Tables = BTreeMap<String, Vec<(String, DataType, bool, bool)>>;

/// The contract of a table with rows of a resource.
pub(super) fn text(api: &Api, resource: &Resource) -> Option<String> {
    let Shape::Record(record) = resource.row else { return None };
    let naming = Naming::snake_case();
    let mut tables = Tables::new();
    let table = naming.path(&resource.table);
    collect(api, record, &table, "", false, 0, &naming, &mut tables);
    if let Some(columns) = tables.get_mut(&table) {
        for key in &resource.primary_key {
            let key = naming.path(key);
            if let Some(column) = columns.iter_mut().find(|c| c.0 == key) {
                column.2 = false;
                column.3 = true;
            }
        }
    }
    let mut out = format!("# {}\n", super::HEADER);
    let root = tables.remove_entry(&table);
    for (name, columns) in root.into_iter().chain(tables) {
        out.push_str(&format!("\n[{name}]\n"));
        for (column, data_type, nullable, key) in columns {
            let rest = match (nullable, key) {
                (_, true) => " not null primary_key",
                (false, false) => " not null",
                (true, false) => "",
            };
            out.push_str(&format!("{column} {data_type}{rest}\n"));
        }
    }
    Some(out)
}

#[allow(clippy::too_many_arguments)]
fn collect(
    api: &Api,
    record: usize,
    table: &str,
    prefix: &str,
    nullable: bool,
    depth: usize,
    naming: &Naming,
    tables: &mut Tables,
) {
    let Some(record) = api.records.get(record).filter(|_| depth < MAX_DEPTH) else { return };
    if tables.len() >= MAX_TABLES && !tables.contains_key(table) {
        return;
    }
    tables.entry(table.to_owned()).or_default();
    for field in &record.fields {
        let name = naming.path(&field.name);
        let name = if prefix.is_empty() { name } else { format!("{prefix}__{name}") };
        let nullable = nullable || field.nullable;
        let data_type = match &field.shape {
            Shape::Record(inner) => {
                collect(api, *inner, table, &name, nullable, depth + 1, naming, tables);
                continue;
            }
            Shape::List(item) => {
                list(api, item, &format!("{table}__{name}"), depth, naming, tables);
                continue;
            }
            Shape::Scalar(scalar) => scalar.data_type(),
            Shape::Json => DataType::Json,
        };
        let columns = tables.entry(table.to_owned()).or_default();
        if !columns.iter().any(|c| c.0 == name) {
            columns.push((name, data_type, nullable, false));
        }
    }
}

fn list(api: &Api, item: &Shape, table: &str, depth: usize, naming: &Naming, tables: &mut Tables) {
    let value = |data_type| ("value".to_owned(), data_type, true, false);
    match item {
        Shape::Record(inner) => collect(api, *inner, table, "", false, depth + 1, naming, tables),
        Shape::Scalar(scalar) => tables.entry(table.to_owned()).or_default().push(value(scalar.data_type())),
        Shape::Json => tables.entry(table.to_owned()).or_default().push(value(DataType::Json)),
        Shape::List(inner) if depth < MAX_DEPTH => {
            list(api, inner, &format!("{table}__list"), depth + 1, naming, tables)
        }
        Shape::List(_) => {}
    }
}

/// What changed between two contracts: columns added, removed, of another type, another nullability, another key.
pub(super) fn drift(old: &str, new: &str) -> Vec<String> {
    let (old, new) = (columns(old), columns(new));
    let mut out = Vec::new();
    for (place, was) in &old {
        match new.get(place) {
            None => out.push(format!("column `{place}` removed (was {was})")),
            Some(is) if is != was => out.push(format!("column `{place}` changed from {was} to {is}")),
            Some(_) => {}
        }
    }
    for (place, is) in &new {
        if !old.contains_key(place) {
            out.push(format!("column `{place}` added ({is})"));
        }
    }
    out
}

fn columns(text: &str) -> BTreeMap<String, String> {
    let mut table = "";
    let mut found = BTreeMap::new();
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            table = name;
        } else if let Some((column, rest)) = line.split_once(char::is_whitespace) {
            let rest: Vec<&str> = rest.split_whitespace().collect();
            found.insert(format!("{table}.{column}"), rest.join(" "));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drift_is_said_by_column() {
        let old = "# x\n[pets]\nid bigint not null primary_key\nname text\nage bigint\n";
        let new = "[pets]\nid bigint not null primary_key\nname json\nsize text\n";
        assert_eq!(
            drift(old, new),
            [
                "column `pets.age` removed (was bigint)",
                "column `pets.name` changed from text to json",
                "column `pets.size` added (text)"
            ]
        );
        assert!(drift(old, old).is_empty());
    }
}
