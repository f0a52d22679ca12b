//! Columns that hold the rows of a chain together.

use floe_schema::{Column, Hint, ID, Table, x};
use serde_json::Value as Json;

use crate::error::{Error, ErrorKind, Result, Step};
use crate::value::time;

/// The column that identifies rows of a table.
pub(crate) fn row_key(table: &Table) -> Result<&Column> {
    let first = |hint| table.with_hint(hint).find(|c: &&Column| c.is_complete());
    let single = || {
        let mut keys = table.with_hint(Hint::PrimaryKey);
        keys.next().filter(|_| keys.next().is_none())
    };
    first(Hint::RowKey).or_else(|| first(Hint::Unique)).or_else(single).ok_or_else(|| {
        refused(table, format!("table {} has no column that identifies its rows", table.name))
            .help(format!("tables of a merge need {ID}, a unique column or a primary key of one column"))
    })
}

/// The column that names the root row of nested rows.
pub(crate) fn root_key<'t>(table: &'t Table, root: &Table) -> Result<&'t Column> {
    let first = |hint| table.with_hint(hint).find(|c: &&Column| c.is_complete());
    let parent = || first(Hint::ParentKey).filter(|_| table.parent.as_deref() == Some(&root.name));
    first(Hint::RootKey).or_else(parent).ok_or_else(|| {
        refused(table, format!("rows of table {} do not name their root row", table.name)).help(
            "the table was filled before its root was merged: load it anew, or set root_key of the source",
        )
    })
}

/// Columns whose values tell that a row has changed.
pub(crate) fn compared(table: &Table) -> Vec<&Column> {
    if let Some(version) = table.complete_columns().find(|c| c.has_x(x::ROW_VERSION)) {
        return vec![version];
    }
    let keys = [Hint::PrimaryKey, Hint::RowKey, Hint::ParentKey, Hint::RootKey, Hint::HardDelete];
    let is_content = |c: &&Column| c.name != floe_schema::LOAD_ID && !keys.iter().any(|key| c.has(*key));
    table.complete_columns().filter(is_content).collect()
}

/// Whether rows that are equal to those that are there stay as they are.
pub(crate) fn skips_unchanged(root: &Table) -> bool {
    root.x(x::SKIP_UNCHANGED_ROWS) == Some(&Json::Bool(true))
}

/// Whether staged rows are known to have different keys.
pub(crate) fn is_deduplicated(root: &Table) -> bool {
    root.x(x::DEDUPLICATED) == Some(&Json::Bool(true))
}

/// The columns of tables that keep former versions of rows.
pub(crate) struct Versions<'t> {
    pub(crate) from: &'t Column,
    pub(crate) to: &'t Column,
    pub(crate) version: &'t Column,
    /// When versions begin and end, in microseconds since 1970.
    pub(crate) boundary: i64,
    /// What stands for an end that has not come; null by default.
    pub(crate) active: Option<i64>,
}

impl<'t> Versions<'t> {
    pub(crate) fn of(root: &'t Table, created_at: i64) -> Result<Self> {
        let column = |property: &str, what: &str| {
            let found = root.complete_columns().find(|c| c.has_x(property));
            found.ok_or_else(|| refused(root, format!("table {} has no column for {what}", root.name)))
        };
        let from = column(x::VALID_FROM, "the start of validity")?;
        let to = column(x::VALID_TO, "the end of validity")?;
        let version = column(x::ROW_VERSION, "the version of rows")?;
        let boundary = instant(root, root.x(x::BOUNDARY_TIMESTAMP))?.unwrap_or(created_at);
        let active = instant(root, to.x(x::ACTIVE_RECORD_TIMESTAMP))?;
        Ok(Self { from, to, version, boundary, active })
    }
}

/// An instant of the hints in microseconds since 1970.
fn instant(table: &Table, given: Option<&Json>) -> Result<Option<i64>> {
    let micros = match given {
        None | Some(Json::Null) => return Ok(None),
        Some(Json::String(text)) => time::timestamp(text),
        Some(number) => number.as_f64().map(|seconds| (seconds * 1e6).round() as i64),
    };
    let given = given.map(Json::to_string).unwrap_or_default();
    let refused = || refused(table, format!("{given} in the hints of {} is no timestamp", table.name));
    micros.map(Some).ok_or_else(refused)
}

fn refused(table: &Table, message: String) -> Error {
    Error::new(ErrorKind::Schema, message).step(Step::Load).table(&table.name)
}
