//! What expansions of the macros call. Nobody else should.

use std::future::Future;

pub use floe_schema::typed::{FieldDef, Policy, Shape, TableDef};
pub use floe_schema::{DataType, Hint, MergeStrategy, Mode, SortOrder, WriteDisposition};
use futures_util::{StreamExt, stream};

pub use crate::config::{ConfigField, ConfigReader};
use crate::typed::{IntoPages, contract_text};
use crate::{Pages, Resource, Result};

/// Fails to compile if a table is not what its contract says.
#[track_caller]
pub const fn contract(table: &TableDef, text: &str) {
    let drift = floe_schema::typed::check(table, text);
    assert!(drift.is_none(), "{}", drift.message());
}

/// Fails to compile if a key names no column.
#[track_caller]
pub const fn key(table: &TableDef, name: &str) {
    assert!(
        table.column(name).is_some(),
        "the key names no column of the table; write `user__id` for a field of a field"
    );
}

/// Fails to compile if a cursor names no column, or one that has no order.
#[track_caller]
pub const fn cursor(table: &TableDef, name: &str) {
    let column = table.column(name);
    assert!(
        column.is_some(),
        "the cursor names no column of the table; write `user__id` for a field of a field"
    );
    if let Some(of) = column {
        assert!(floe_schema::typed::is_ordered(of), "values of the cursor's column have no order");
    }
}

/// Shows the contract of a table to `floe contract`, or compares it with the file.
pub fn test_contract<T: crate::Table>(file: &str) {
    let wanted = contract_text::<T>();
    if let Some(folder) = std::env::var_os("FLOE_CONTRACTS") {
        let out = std::path::Path::new(&folder).join(format!("{}.contract", T::TABLE.name));
        let text = format!("{file}\n{wanted}");
        let written = std::fs::write(&out, text);
        assert!(written.is_ok(), "cannot write {}: {written:?}", out.display());
        return;
    }
    let there = std::fs::read_to_string(file).unwrap_or_default();
    let drift = floe_schema::typed::check(&T::TABLE, &there);
    assert!(drift.is_none(), "{}", drift.message());
}

/// A resource that knows what it has to know before the run.
pub fn prepared<P: IntoPages>(resource: Resource, make: impl FnOnce() -> P) -> Resource {
    if P::PREPARES { make().prepare(resource) } else { resource }
}

/// A resource with a cursor at a column of its table.
pub fn with_cursor(
    resource: Resource,
    table: Option<&TableDef>,
    column: &str,
    initial: Option<&str>,
) -> Resource {
    let keys = match table {
        Some(table) => crate::typed::keys_of(table, column),
        None => column.split('.').map(str::to_owned).collect(),
    };
    let incremental = crate::Incremental::at_keys(&keys);
    resource.incremental(match initial {
        Some(value) => incremental.initial_value(value),
        None => incremental,
    })
}

/// Fails to compile if a merge has no key.
#[track_caller]
pub const fn has_key(table: &TableDef) {
    assert!(
        !table.primary_key.is_empty() || !table.merge_key.is_empty(),
        "a merge without a key would only append: add `primary_key = \"...\"` here or at the struct"
    );
}

/// Fails to compile if an argument wants a cursor that the table does not have.
#[track_caller]
pub const fn has_cursor(table: &TableDef) {
    assert!(
        table.cursor.is_some(),
        "there is no cursor: add `cursor = \"...\"` here or at a field of the struct"
    );
}

/// Pages that come once they are asked for.
pub fn opened(pages: impl Future<Output = Result<Pages>> + Send + 'static) -> Pages {
    Box::pin(stream::once(pages).flat_map(|pages| match pages {
        Ok(pages) => pages,
        Err(error) => Box::pin(stream::iter([Err(error)])),
    }))
}
