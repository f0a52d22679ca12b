//! How the hints of a resource get into the schema.

use floe_schema::{
    Column, DataType, Entity, Hint, ID, MergeStrategy, Mode, Naming, Processing, Schema, Table,
    WriteDisposition, x,
};
use indexmap::IndexMap;
use serde_json::Value as Json;

use super::{Disposition, Resource, TableHints};
use crate::error::{Error, ErrorKind, Result, Step};
use crate::input::Inferred;
use crate::normalize::contract::{self, Violation};
use crate::typed;

/// Columns of scd2 tables that say when a row was valid.
const VALID_FROM: &str = "_dlt_valid_from";
const VALID_TO: &str = "_dlt_valid_to";
/// Options of a merge that are stored with the table as they are.
const STORED_OPTIONS: [(&str, &str); 5] = [
    ("strategy", x::MERGE_STRATEGY),
    ("deduplicated", x::DEDUPLICATED),
    ("source_filter", x::SOURCE_FILTER),
    ("destination_scope", x::DESTINATION_SCOPE),
    ("skip_unchanged_rows", x::SKIP_UNCHANGED_ROWS),
];

/// What the hints of a table did not get past a contract.
pub(crate) struct HintOutcome {
    /// Tables that must not exist, and what becomes of their items.
    pub(crate) filtered_tables: Vec<(String, Mode)>,
}

/// Merges the hints of a resource for a root table into the schema. The name is normalised.
pub(crate) fn apply_hints(
    resource: &Resource,
    inferred: &[Inferred],
    table_name: &str,
    schema: &mut Schema,
    naming: &Naming,
) -> Result<HintOutcome> {
    let mut filtered_tables = Vec::new();
    let tables = tables(resource, table_name, naming)?;
    let is_typed = resource.typed.is_some();
    for table in &tables {
        if let Some(known) = schema.tables.get_mut(&table.name) {
            known.rename_columns(table);
        }
    }
    if let Some(error) = is_typed.then(|| typed::stored_otherwise(&tables, schema)).flatten() {
        return Err(error);
    }
    for mut table in tables {
        let name = table.name.clone();
        if name == table_name {
            add_inferred(&mut table, inferred, schema, naming);
        }
        if is_typed {
            // the contract was checked by the compiler; at run time it is for the data
            merge_table(schema, table)?;
            continue;
        }
        let contract = contract_for(schema, &table);
        let is_new = schema.tables.get(&name).is_none_or(Table::is_new);
        if contract.columns != Mode::Evolve && is_new {
            let evolve_columns_once = Some(true);
            table.processing = Some(Processing { evolve_columns_once, ..Processing::default() });
        }
        let existing = schema.tables.get(&name);
        let columns: Vec<Column> = table.columns.values().cloned().collect();
        let evolves_once = table.processing.as_ref().and_then(|p| p.evolve_columns_once);
        let allowed = contract::apply(contract, &name, existing, evolves_once, columns)
            .map_err(|violation| refused(violation, schema))?;
        let Some((allowed, _)) = allowed else {
            filtered_tables.push((name, contract.tables));
            continue;
        };
        table.columns = allowed.into_iter().map(|c| (c.name.to_string(), c)).collect();
        merge_table(schema, table)?;
    }
    Ok(HintOutcome { filtered_tables })
}

/// Adds what the input knows about columns of which neither hints nor schema know the type.
fn add_inferred(table: &mut Table, inferred: &[Inferred], schema: &Schema, naming: &Naming) {
    let known = schema.tables.get(&table.name);
    for Inferred { path, column } in inferred {
        let keys: Vec<String> = path.iter().map(|key| naming.key(key)).collect();
        let name = naming.join(keys.iter().map(String::as_str));
        let is_complete = |t: &Table| t.columns.get(&name).is_some_and(Column::is_complete);
        if is_complete(table) || known.is_some_and(is_complete) {
            continue;
        }
        let mut column = column.clone();
        column.name = name.clone().into();
        if let Some(hints) = table.columns.get(&name) {
            column.merge(hints);
        }
        table.columns.insert(name, column);
    }
}

fn refused(violation: Violation, schema: &Schema) -> Error {
    let entity = violation.entity;
    let error = violation.into_error(schema, None).step(Step::Extract);
    match entity {
        Entity::DataType => error.help("the hint states another type than the column has"),
        _ => error,
    }
}

/// The contract that holds for a table as its hints will have it.
fn contract_for(schema: &Schema, table: &Table) -> floe_schema::ResolvedContract {
    match &table.schema_contract {
        Some(contract) => contract.resolve(),
        None if schema.tables.contains_key(&table.name) => schema.contract_for(&table.name),
        None => schema.contract_for(table.parent.as_deref().unwrap_or_default()),
    }
}

/// Adds a table to the schema or merges it with the one that is there.
pub(crate) fn merge_table(schema: &mut Schema, table: Table) -> Result<()> {
    let name = table.name.clone();
    if let Some(parent) = table.parent.as_deref().filter(|p| !schema.tables.contains_key(*p)) {
        let message = format!("the parent {parent} of table {name} is not in the schema");
        return Err(Error::new(ErrorKind::ParentNotFound, message)
            .step(Step::Extract)
            .table(name)
            .help("give hints for all tables on the way, even empty ones"));
    }
    match schema.tables.get_mut(&name) {
        None => {
            schema.tables.insert(name.clone(), table);
        }
        Some(known) => {
            if let Some(property) = known.conflict_with(&table) {
                let message = format!("the hints state another {property} for table {name}");
                return Err(Error::new(ErrorKind::TableConflict, message)
                    .step(Step::Extract)
                    .table(name)
                    .help("a table is either nested or a root table: choose another name"));
            }
            known.merge(&table, true);
        }
    }
    schema.extend_propagation(&name);
    Ok(())
}

/// The tables of a resource, root first.
fn tables(resource: &Resource, name: &str, naming: &Naming) -> Result<Vec<Table>> {
    let mut root = table(name, &resource.hints, naming)?;
    root.resource = Some(resource.name.clone());
    if let Some(levels) = resource.max_table_nesting {
        root.processing = Some(Processing { max_nesting: Some(levels), ..Processing::default() });
    }
    if let Some(column) = resource.incremental.as_ref().and_then(|i| i.column_name()) {
        let hint = |column: &mut Column| column.set_hint(Hint::Incremental, Some(true));
        hint(column_entry(&mut root, &naming.path(column)));
    }
    let mut tables = match &resource.typed {
        None => vec![root],
        Some(typed) => {
            let mut tables = typed.tables(name, naming);
            match tables.first_mut() {
                Some(typed_root) => typed_root.merge(&root, true),
                None => tables.push(root),
            }
            tables
        }
    };
    for (path, hints) in &resource.nested {
        let parts: Vec<String> = std::iter::once(name)
            .chain(path.iter().map(String::as_str))
            .map(|part| naming.identifier(part).unwrap_or_default())
            .collect();
        let join = |parts: &[String]| naming.join(parts.iter().map(String::as_str));
        let mut nested = table(&join(&parts), hints, naming)?;
        let has_key = |hint| nested.with_hint(hint).next().is_some();
        if has_key(Hint::PrimaryKey) || has_key(Hint::MergeKey) {
            nested.resource = Some(resource.name.clone());
        } else {
            nested.parent = Some(join(parts.get(..parts.len() - 1).unwrap_or_default()));
        }
        tables.push(nested);
    }
    Ok(tables)
}

fn table(name: &str, hints: &TableHints, naming: &Naming) -> Result<Table> {
    let mut given = hints.columns.clone();
    merge_key(&mut given, Hint::PrimaryKey, hints.primary_key.as_deref());
    merge_key(&mut given, Hint::MergeKey, hints.merge_key.as_deref());
    let mut table = Table::new(name);
    if let Some(disposition) = &hints.disposition {
        table.write_disposition = Some(disposition.kind);
        if disposition.kind == WriteDisposition::Merge {
            merge_options(&mut table, &mut given, disposition)?;
        }
    }
    table.columns = normalize_columns(given, naming);
    table.schema_contract = hints.schema_contract.clone();
    table.file_format = hints.file_format.clone();
    if let Some(references) = &hints.references {
        table.set_x("references", normalize_references(references, naming));
    }
    Ok(table)
}

/// A key of the resource takes the place of what the columns say.
fn merge_key(columns: &mut IndexMap<String, Column>, hint: Hint, key: Option<&[String]>) {
    let Some(key) = key else { return };
    for column in columns.values_mut() {
        column.set_hint(hint, None);
    }
    for name in key {
        let column = columns.entry(name.clone()).or_insert_with(|| Column::incomplete(name.clone()));
        column.nullable = Some(column.nullable.unwrap_or(false));
        column.set_hint(hint, Some(true));
    }
}

/// Names that become equal become one column; what comes later counts.
fn normalize_columns(columns: IndexMap<String, Column>, naming: &Naming) -> IndexMap<String, Column> {
    let mut normalized: IndexMap<String, Column> = IndexMap::new();
    for (name, mut column) in columns {
        let name = naming.path(&name);
        column.name = name.clone().into();
        match normalized.get_mut(&name) {
            Some(known) => known.merge(&column.without_defaults()),
            None => {
                normalized.insert(name, column);
            }
        }
    }
    normalized
}

fn normalize_references(references: &Json, naming: &Naming) -> Json {
    let mut references = references.clone();
    for reference in references.as_array_mut().into_iter().flatten() {
        if let Some(Json::String(table)) = reference.get_mut("referenced_table") {
            *table = naming.path(table);
        }
        for side in ["columns", "referenced_columns"] {
            for column in reference.get_mut(side).and_then(Json::as_array_mut).into_iter().flatten() {
                if let Json::String(name) = column {
                    *name = naming.path(name);
                }
            }
        }
    }
    references
}

fn column_entry<'t>(table: &'t mut Table, name: &str) -> &'t mut Column {
    table.columns.entry(name.to_owned()).or_insert_with(|| Column::incomplete(name.to_owned()))
}

/// Options of a merge become hints of the table and its columns.
fn merge_options(
    table: &mut Table,
    columns: &mut IndexMap<String, Column>,
    disposition: &Disposition,
) -> Result<()> {
    let option = |key: &str| disposition.options.get(key);
    let strategy: Option<MergeStrategy> = match option("strategy") {
        None | Some(Json::Null) => None,
        Some(given) => {
            let name = given.as_str().unwrap_or_default();
            Some(name.parse().map_err(|e| Error::config(format!("at /write_disposition/strategy: {e}")))?)
        }
    };
    for (key, hint) in STORED_OPTIONS {
        let truthy = |v: &&Json| !matches!(v, Json::Null | Json::Bool(false)) && v.as_str() != Some("");
        if let Some(value) = option(key).filter(truthy) {
            table.set_x(hint, value.clone());
        }
    }
    let version = option("row_version_column_name").and_then(Json::as_str);
    if strategy == Some(MergeStrategy::Scd2) {
        return scd2_options(table, columns, disposition, version.unwrap_or(ID));
    }
    let skips = option("skip_unchanged_rows") == Some(&Json::Bool(true));
    if let Some(version) = version.filter(|_| skips) {
        let column =
            columns.entry(version.to_owned()).or_insert_with(|| Column::incomplete(version.to_owned()));
        column.nullable = Some(false);
        column.set_x(x::ROW_VERSION, Json::Bool(true));
    }
    Ok(())
}

fn scd2_options(
    table: &mut Table,
    columns: &mut IndexMap<String, Column>,
    disposition: &Disposition,
    version: &str,
) -> Result<()> {
    let option = |key: &str| disposition.options.get(key);
    if let Some(boundary) = option("boundary_timestamp") {
        check_timestamp("boundary_timestamp", boundary)?;
        table.set_x(x::BOUNDARY_TIMESTAMP, boundary.clone());
    }
    let active = option("active_record_timestamp").cloned().unwrap_or(Json::Null);
    check_timestamp("active_record_timestamp", &active)?;
    let names = option("validity_column_names").and_then(Json::as_array);
    let name = |n: usize, default: &str| {
        let given = names.and_then(|names| names.get(n)).and_then(Json::as_str);
        given.unwrap_or(default).to_owned()
    };
    let mut validity = |name: String, properties: Vec<(&str, Json)>| {
        let mut column = Column::incomplete(name.clone());
        column.data_type = Some(DataType::Timestamp);
        column.nullable = Some(true);
        properties.into_iter().for_each(|(key, value)| column.set_x(key, value));
        columns.insert(name, column);
    };
    validity(name(0, VALID_FROM), vec![(x::VALID_FROM, Json::Bool(true))]);
    let valid_to = vec![(x::VALID_TO, Json::Bool(true)), (x::ACTIVE_RECORD_TIMESTAMP, active)];
    validity(name(1, VALID_TO), valid_to);
    let mut column = Column::incomplete(version.to_owned());
    column.nullable = Some(false);
    column.set_hint(Hint::Unique, Some(false));
    column.set_hint(Hint::RowKey, Some(false));
    column.set_x(x::ROW_VERSION, Json::Bool(true));
    columns.insert(version.to_owned(), column);
    Ok(())
}

fn check_timestamp(option: &str, value: &Json) -> Result<()> {
    let readable = match value {
        Json::Null => true,
        Json::String(text) => crate::value::time::timestamp(text).is_some(),
        Json::Number(_) => true,
        _ => false,
    };
    if readable {
        return Ok(());
    }
    Err(Error::config(format!("at /write_disposition/{option}: {value} is no timestamp"))
        .help("write it as 2024-01-31T10:20:30Z"))
}
