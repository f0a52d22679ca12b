//! The tables and columns that dlt adds to every dataset.

use crate::{Column, DataType, Hint, Table, WriteDisposition, x};

/// What all reserved names start with.
pub const DLT_PREFIX: &str = "_dlt";
/// Identifier of a row.
pub const ID: &str = "_dlt_id";
/// Load that a root row came with.
pub const LOAD_ID: &str = "_dlt_load_id";
/// Identifier of the row that a nested row belongs to.
pub const PARENT_ID: &str = "_dlt_parent_id";
/// Identifier of the root row that a nested row belongs to.
pub const ROOT_ID: &str = "_dlt_root_id";
/// Position of a nested row in its list.
pub const LIST_IDX: &str = "_dlt_list_idx";
/// Table with the stored schema versions.
pub const VERSION_TABLE: &str = "_dlt_version";
/// Table with the completed loads.
pub const LOADS_TABLE: &str = "_dlt_loads";
/// Table with the stored pipeline states.
pub const STATE_TABLE: &str = "_dlt_pipeline_state";

/// Table with the hashes of items at the last value of a cursor, where they are too many for a state.
/// dlt does not know it.
pub const BOUNDARY_TABLE: &str = "_dlt_boundary";

/// Whether a table or column belongs to dlt.
pub fn is_internal(name: &str) -> bool {
    name.starts_with(DLT_PREFIX)
}

fn text(name: &'static str, about: &'static str) -> Column {
    Column::new(name, DataType::Text).not_null().describe(about)
}

fn bigint(name: &'static str, about: &'static str) -> Column {
    Column::new(name, DataType::Bigint).not_null().describe(about)
}

fn timestamp(name: &'static str, about: &'static str) -> Column {
    Column::new(name, DataType::Timestamp).not_null().describe(about)
}

fn table(name: &str, about: &str, disposition: WriteDisposition, columns: Vec<Column>) -> Table {
    let mut table = Table::new(name);
    table.resource = Some(name.to_owned());
    table.write_disposition = Some(disposition);
    table.description = Some(about.to_owned());
    for column in columns {
        table.insert(column);
    }
    table
}

/// The column of a rejected table with the item, as it came.
pub const REJECTED_ROW: &str = "row";
/// The column of a rejected table with the place of the offending value in the item.
pub const REJECTED_PATH: &str = "path";
/// The column of a rejected table with what the contract says.
pub const REJECTED_RULE: &str = "rule";

fn row_id() -> Column {
    let mut id = Column::new(ID, DataType::Text).not_null();
    id.set_hint(Hint::Unique, Some(true));
    id.set_hint(Hint::RowKey, Some(true));
    id
}

/// The table for the items that contracts keep out of the root table `of`.
pub fn rejected_table(name: &str, of: &str, resource: &str) -> Table {
    let columns = vec![
        text(REJECTED_ROW, "The item, as it came"),
        text(REJECTED_PATH, "Where the offending value is in the item"),
        text(REJECTED_RULE, "What the contract says"),
        Column::new(LOAD_ID, DataType::Text).not_null(),
        row_id(),
    ];
    let about = format!("Items that a contract kept out of {of}");
    let mut rejected = table(name, &about, WriteDisposition::Append, columns);
    rejected.resource = Some(resource.to_owned());
    rejected.set_x(x::REJECTED_OF, of.into());
    rejected
}

// The descriptions are part of the content hash of every schema and therefore dlt's to the letter.

/// `_dlt_version`, one row for each stored schema version.
pub fn version_table() -> Table {
    let columns = vec![
        bigint("version", "Numeric version of the schema, incremented on each schema change"),
        bigint("engine_version", "Version of the dlt schema engine that created this schema"),
        timestamp("inserted_at", "Timestamp when this schema version was stored"),
        text("schema_name", "Name of the schema"),
        text("version_hash", "Unique hash of the schema content, used to detect changes"),
        text("schema", "JSON representation of the complete schema definition"),
    ];
    table(VERSION_TABLE, "Created by DLT. Tracks schema updates", WriteDisposition::Skip, columns)
}

/// `_dlt_loads`, one row for each completed load.
pub fn loads_table() -> Table {
    let columns = vec![
        text("load_id", "Unique identifier of the load operation").precision(64),
        text("schema_name", "Name of the schema associated with this load").null(),
        bigint("status", "Status of the load operation (0 = success)"),
        timestamp("inserted_at", "Timestamp when the load was completed"),
        text("schema_version_hash", "Hash of the schema version used during this load").null(),
    ];
    table(LOADS_TABLE, "Created by DLT. Tracks completed loads", WriteDisposition::Skip, columns)
}

/// `_dlt_pipeline_state`, one row for each stored state. `_dlt_id` is a column like that of other
/// tables and comes with the first row, as in dlt.
pub fn state_table() -> Table {
    let columns = vec![
        bigint("version", "Numeric version of the pipeline state"),
        bigint("engine_version", "Version of the dlt state engine"),
        text("pipeline_name", "Name of the pipeline this state belongs to"),
        text("state", "Compressed JSON representation of the pipeline state"),
        timestamp("created_at", "Timestamp when this state was created"),
        text("version_hash", "Hash of the state content, used to detect changes").null(),
        text(LOAD_ID, "Load identifier linking this row to its load operation").precision(64),
    ];
    let mut table = table(STATE_TABLE, "", WriteDisposition::Append, columns);
    table.description = None;
    table.file_format = Some("preferred".to_owned());
    table
}

/// `_dlt_boundary`, one row for each item that a cursor remembers.
pub fn boundary_table() -> Table {
    let columns = vec![
        text("boundary", "The value of a cursor of a resource, as its state names it"),
        text("hash", "Hash of an item with this value"),
        text(LOAD_ID, "Load that brought the item").precision(64),
    ];
    let about = "Items at the last values of cursors, where they are too many for a state";
    table(BOUNDARY_TABLE, about, WriteDisposition::Append, columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internal_names() {
        assert!(is_internal("_dlt_loads") && !is_internal("dlt_loads"));
        assert_eq!(state_table().columns.len(), 7);
    }
}
