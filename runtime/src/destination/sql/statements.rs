//! The statements of a dataset.

use floe_schema::{
    BOUNDARY_TABLE, Column, ID, LOAD_ID, LOADS_TABLE, REJECTED_ROW, STATE_TABLE, Schema, Table,
    VERSION_TABLE, hash, loads_table, version_table,
};

use super::Dialect;
use crate::destination::{LoadRecord, RejectedRow, staging_name};
use crate::error::{Error, ErrorKind, Result};

/// Makes the statements of one dataset.
pub(crate) struct Statements<'d> {
    pub(super) dialect: &'d dyn Dialect,
    catalog: Option<String>,
    dataset: String,
    /// Whether the tables hold rows for a merge and are thrown away after it.
    staged: bool,
}

impl<'d> Statements<'d> {
    /// The catalog is given where a dataset could be mistaken for one.
    pub(crate) fn new(dialect: &'d dyn Dialect, catalog: Option<&str>, dataset: &str) -> Self {
        Self { dialect, catalog: catalog.map(str::to_owned), dataset: dataset.to_owned(), staged: false }
    }

    /// Makes the statements for the rows that are merged into a dataset.
    pub(crate) fn staging(dialect: &'d dyn Dialect, catalog: Option<&str>, dataset: &str) -> Self {
        Self { staged: true, ..Self::new(dialect, catalog, &staging_name(dataset)) }
    }

    pub(crate) fn quote(&self, name: &str) -> String {
        self.dialect.quote(name)
    }

    /// The qualified name of a table.
    pub(crate) fn table(&self, table: &str) -> String {
        format!("{}.{}", self.qualified_dataset(), self.dialect.quote(table))
    }

    /// Makes a table of what a query finds. Returns its qualified name, and the statement. Only tables for staged
    /// rows can be read by several processes of Postgres at once.
    pub(crate) fn keep(&self, name: &str, query: &str) -> (String, String) {
        match self.dialect.temporary_schema() {
            Some(schema) => (format!("{schema}.{name}"), format!("CREATE TEMPORARY TABLE {name} AS {query}")),
            None => {
                let (what, table) = (self.dialect.staged_table(), self.table(name));
                let sql = format!("CREATE {what} {table} AS {query}");
                (table, sql)
            }
        }
    }

    pub(crate) fn timestamp(&self, micros: i64) -> String {
        self.dialect.timestamp(micros)
    }

    pub(super) fn qualified_dataset(&self) -> String {
        let dataset = self.dialect.quote(&self.dataset);
        match &self.catalog {
            Some(catalog) => format!("{}.{dataset}", self.dialect.quote(catalog)),
            None => dataset,
        }
    }

    /// The condition that a row of the information schema is in this catalog.
    fn in_catalog(&self, column: &str) -> String {
        match &self.catalog {
            Some(catalog) => format!("{column} = {} AND ", self.dialect.text(catalog)),
            None => String::new(),
        }
    }

    pub(crate) fn create_dataset(&self) -> String {
        format!("CREATE SCHEMA IF NOT EXISTS {}", self.qualified_dataset())
    }

    pub(crate) fn dataset_exists(&self) -> String {
        format!(
            "SELECT 1 FROM information_schema.schemata WHERE {}schema_name = {}",
            self.in_catalog("catalog_name"),
            self.dialect.text(&self.dataset)
        )
    }

    /// Names of tables and their columns, in their order.
    pub(crate) fn columns(&self) -> String {
        format!(
            "SELECT table_name, column_name FROM information_schema.columns \
             WHERE {}table_schema = {} ORDER BY table_name, ordinal_position",
            self.in_catalog("table_catalog"),
            self.dialect.text(&self.dataset)
        )
    }

    /// Columns of a table that the schema does not know.
    pub(crate) fn unknown_columns(&self, table: &Table) -> String {
        let known: Vec<String> =
            table.complete_columns().map(|c| self.dialect.text(&c.name.to_lowercase())).collect();
        format!(
            "SELECT column_name FROM information_schema.columns WHERE {}table_schema = {} AND table_name = {} \
             AND lower(column_name) NOT IN ({})",
            self.in_catalog("table_catalog"),
            self.dialect.text(&self.dataset),
            self.dialect.text(&table.name),
            known.join(", ")
        )
    }

    /// Finds out whether a table is no ordinary one, see [`Dialect::special`].
    pub(crate) fn special(&self, table: &str) -> String {
        self.dialect.special(self.catalog.as_deref(), &self.dataset, table)
    }

    /// Keeps other writers from some tables until the end of the transaction.
    pub(crate) fn lock_tables(&self, tables: &[&Table]) -> String {
        let names: Vec<String> = tables.iter().map(|table| self.table(&table.name)).collect();
        format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", names.join(", "))
    }

    pub(crate) fn row_place(&self) -> Option<&'static str> {
        self.dialect.row_place()
    }

    /// What makes a table look like the schema says, given the columns that it has. `None` means
    /// that there is no such table; it gets its constraints later, see [`Statements::constraints`].
    pub(crate) fn migrate(&self, table: &Table, existing: Option<&[String]>) -> Result<Vec<String>> {
        let Some(existing) = existing else {
            let columns = table.complete_columns().map(|column| self.plain_column(table, column));
            let columns: Vec<String> = columns.collect::<Result<_>>()?;
            let name = self.table(&table.name);
            let what = if self.staged { self.dialect.staged_table() } else { "TABLE" };
            return Ok(vec![format!("CREATE {what} {name} ({})", columns.join(", "))]);
        };
        let is_there = |name: &str| existing.iter().any(|known| self.dialect.same_name(known, name));
        let missing = table.complete_columns().filter(|column| !is_there(&column.name));
        let statement = |column: &Column| {
            let what = match table.former_name(column, is_there) {
                Some(former) => {
                    format!(
                        "RENAME COLUMN {} TO {}",
                        self.dialect.quote(former),
                        self.dialect.quote(&column.name)
                    )
                }
                None => format!("ADD COLUMN {}", self.column(table, column)?),
            };
            Ok(format!("ALTER TABLE {} {what}", self.table(&table.name)))
        };
        missing.map(statement).collect()
    }

    /// Waits until no other transaction that asked for it works on the dataset. The first number keeps
    /// the lock apart from those of other programs.
    pub(crate) fn lock(&self) -> String {
        format!(
            "SELECT pg_advisory_xact_lock(hashtext('floe'), hashtext({}))",
            self.dialect.text(&self.dataset)
        )
    }

    /// Removes all rows. Whoever reads the table meanwhile sees the rows of before until the new ones
    /// are complete. TRUNCATE would be faster, but does not keep them for readers: these have to wait
    /// for the end of the load, and in Postgres those with an older snapshot find an empty table.
    pub(crate) fn empty(&self, table: &str) -> String {
        format!("DELETE FROM {}", self.table(table))
    }

    /// Removes all rows of several tables at once, see [`Statements::empty`].
    pub(crate) fn truncate(&self, tables: &[&Table]) -> String {
        let names: Vec<String> = tables.iter().map(|table| self.table(&table.name)).collect();
        format!("TRUNCATE TABLE {}", names.join(", "))
    }

    pub(crate) fn drop(&self, table: &str) -> String {
        format!("DROP TABLE IF EXISTS {}", self.table(table))
    }

    /// Forgets all versions of a schema.
    pub(crate) fn forget_schema(&self, schema: &str) -> String {
        format!("DELETE FROM {} WHERE schema_name = {}", self.table(VERSION_TABLE), self.dialect.text(schema))
    }

    fn column(&self, table: &Table, column: &Column) -> Result<String> {
        Ok(format!("{}{}", self.plain_column(table, column)?, self.dialect.constraint(column)))
    }

    fn plain_column(&self, table: &Table, column: &Column) -> Result<String> {
        let name = self.dialect.quote(&column.name);
        let null = if column.is_nullable() { "" } else { " NOT NULL" };
        Ok(format!("{name} {}{null}", self.column_type(table, column)?))
    }

    /// What gives a new table its constraints, once it has its rows: indexes are built faster over many rows than
    /// row by row. Staged tables get none, because one row may be staged several times.
    pub(crate) fn constraints(&self, table: &Table) -> Vec<String> {
        let constraint = |column: &Column| match self.dialect.constraint(column) {
            "" => None,
            constraint => {
                let (table, column) = (self.table(&table.name), self.dialect.quote(&column.name));
                Some(format!("ALTER TABLE {table} ADD{constraint} ({column})"))
            }
        };
        table.complete_columns().filter_map(constraint).collect()
    }

    /// The type of a column, which has to have one.
    pub(crate) fn column_type(&self, table: &Table, column: &Column) -> Result<String> {
        let missing = || Error::new(ErrorKind::Schema, format!("{}.{} has no type", table.name, column.name));
        let data_type = column.data_type.ok_or_else(missing)?;
        let named = |e: Error| e.table(&table.name).column(column.name.as_ref());
        self.dialect.column_type(column, data_type).map_err(named)
    }

    /// The tables that every dataset has, besides that of the states.
    pub(crate) fn bookkeeping_tables() -> [Table; 2] {
        [version_table(), loads_table()]
    }

    pub(crate) fn schema_is_stored(&self, hash: &str) -> String {
        let (table, hash) = (self.table(VERSION_TABLE), self.dialect.text(hash));
        format!("SELECT 1 FROM {table} WHERE version_hash = {hash}")
    }

    pub(crate) fn store_schema(&self, schema: &Schema, now: i64) -> String {
        let document = hash::compact_json(&schema.to_json());
        format!(
            "INSERT INTO {} (version, engine_version, inserted_at, schema_name, version_hash, \
             schema) VALUES ({}, {}, {}, {}, {}, {})",
            self.table(VERSION_TABLE),
            schema.version.unwrap_or(1),
            floe_schema::ENGINE_VERSION,
            self.dialect.timestamp(now),
            self.dialect.text(&schema.name),
            self.dialect.text(schema.version_hash.as_deref().unwrap_or_default()),
            self.dialect.text(&document),
        )
    }

    pub(crate) fn store_load(&self, load: &LoadRecord) -> String {
        format!(
            "INSERT INTO {} (load_id, schema_name, status, inserted_at, schema_version_hash) \
             VALUES ({}, {}, 0, {}, {})",
            self.table(LOADS_TABLE),
            self.dialect.text(&load.load_id),
            self.dialect.text(&load.schema_name),
            self.dialect.timestamp(load.inserted_at),
            self.dialect.text(&load.schema_hash),
        )
    }

    pub(crate) fn load_is_stored(&self, load_id: &str) -> String {
        let (table, load_id) = (self.table(LOADS_TABLE), self.dialect.text(load_id));
        format!("SELECT 1 FROM {table} WHERE load_id = {load_id} AND status = 0")
    }

    /// The newest state of a pipeline that belongs to a completed load.
    pub(crate) fn newest_state(&self, pipeline: &str) -> String {
        format!(
            "SELECT s.version, s.engine_version, s.pipeline_name, s.state, s.version_hash \
             FROM {} AS s JOIN {} AS l ON l.load_id = s._dlt_load_id \
             WHERE s.pipeline_name = {} AND l.status = 0 ORDER BY l.load_id DESC LIMIT 1",
            self.table(STATE_TABLE),
            self.table(LOADS_TABLE),
            self.dialect.text(pipeline),
        )
    }

    /// Load, identifier and item of rejected rows, as [`RejectedRow::of_texts`] takes them.
    pub(crate) fn rejected_rows(&self, table: &str, after: Option<&RejectedRow>, limit: usize) -> String {
        let [load_id, id, item] = [LOAD_ID, ID, REJECTED_ROW].map(|name| self.quote(name));
        let text = |text: &str| self.dialect.text(text);
        let behind = after.map_or_else(String::new, |row| {
            format!(" WHERE ({load_id}, {id}) > ({}, {})", text(&row.load_id), text(&row.id))
        });
        let table = self.table(table);
        format!("SELECT {load_id}, {id}, {item} FROM {table}{behind} ORDER BY {load_id}, {id} LIMIT {limit}")
    }

    pub(crate) fn boundary(&self, boundary: &str) -> String {
        let (table, name) = (self.table(BOUNDARY_TABLE), self.dialect.text(boundary));
        format!("SELECT DISTINCT hash FROM {table} WHERE boundary = {name}")
    }

    pub(crate) fn forget_boundary(&self, boundary: &str) -> String {
        let (table, name) = (self.table(BOUNDARY_TABLE), self.dialect.text(boundary));
        format!("DELETE FROM {table} WHERE boundary = {name}")
    }

    pub(crate) fn remove_rows(&self, table: &str, ids: &[String]) -> String {
        let ids: Vec<String> = ids.iter().map(|id| self.dialect.text(id)).collect();
        format!("DELETE FROM {} WHERE {} IN ({})", self.table(table), self.quote(ID), ids.join(", "))
    }

    pub(crate) fn newest_schema(&self, name: &str) -> String {
        format!(
            "SELECT schema FROM {} WHERE schema_name = {} ORDER BY inserted_at DESC LIMIT 1",
            self.table(VERSION_TABLE),
            self.dialect.text(name),
        )
    }

    /// Names and types of columns, in this order, without rows.
    pub(crate) fn look_at(&self, table: &str, columns: &[String]) -> String {
        format!("SELECT {} FROM {} LIMIT 0", self.list(columns), self.table(table))
    }

    /// Takes rows in the binary format of Postgres.
    pub(crate) fn copy(&self, table: &str, columns: &[String]) -> String {
        format!("COPY {} ({}) FROM STDIN (FORMAT BINARY)", self.table(table), self.list(columns))
    }

    fn list(&self, columns: &[String]) -> String {
        columns.iter().map(|column| self.dialect.quote(column)).collect::<Vec<_>>().join(", ")
    }

    /// Copies rows from a source with the same names into a table. Sources give the columns in
    /// `columns`; a root table gets the load id in addition.
    pub(crate) fn insert_from(
        &self,
        table: &Table,
        columns: &[String],
        source: &str,
        load_id: Option<&str>,
    ) -> Result<String> {
        let mut names = Vec::new();
        let mut values = Vec::new();
        if let Some(load_id) = load_id {
            names.push(self.dialect.quote(floe_schema::LOAD_ID));
            values.push(self.dialect.text(load_id));
        }
        for name in columns {
            let quoted = self.dialect.quote(name);
            let column = table.columns.get(name).filter(|c| c.is_complete()).ok_or_else(|| {
                Error::internal(format!("rows for {} have the unknown column {name}", table.name))
            })?;
            values.push(format!("CAST({quoted} AS {})", self.column_type(table, column)?));
            names.push(quoted);
        }
        Ok(format!(
            "INSERT INTO {} ({}) SELECT {} FROM {source}",
            self.table(&table.name),
            names.join(", "),
            values.join(", "),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::duckdb::DuckDbDialect;
    use floe_schema::DataType;

    fn items() -> Table {
        let mut table = Table::new("items");
        table.insert(Column::new("id", DataType::Bigint).not_null());
        table.insert(Column::new("it's \"odd\"", DataType::Decimal).precision(5).scale(2));
        table.insert(Column::incomplete("unknown"));
        table
    }

    #[test]
    fn tables_are_created_and_grow() {
        let statements = Statements::new(&DuckDbDialect, None, "raw");
        assert_eq!(
            statements.migrate(&items(), None).unwrap(),
            ["CREATE TABLE \"raw\".\"items\" (\"id\" BIGINT NOT NULL, \"it's \"\"odd\"\"\" DECIMAL(5,2))"]
        );
        let existing = ["ID".to_owned()];
        assert_eq!(
            statements.migrate(&items(), Some(&existing)).unwrap(),
            ["ALTER TABLE \"raw\".\"items\" ADD COLUMN \"it's \"\"odd\"\"\" DECIMAL(5,2)"]
        );
    }

    #[test]
    fn columns_with_a_former_name_are_renamed_once() {
        let statements = Statements::new(&DuckDbDialect, None, "raw");
        let mut table = Table::new("items");
        let mut column = Column::new("title", DataType::Text);
        column.set_x(floe_schema::x::WAS, serde_json::json!(["name", "label"]));
        table.insert(column);
        let migrate = |existing: &[&str]| {
            let existing: Vec<String> = existing.iter().map(|name| (*name).to_owned()).collect();
            statements.migrate(&table, Some(&existing)).unwrap()
        };
        let renamed = "ALTER TABLE \"raw\".\"items\" RENAME COLUMN \"label\" TO \"title\"";
        assert_eq!(migrate(&["id", "label"]), [renamed]);
        assert!(migrate(&["title", "label"]).is_empty());
        assert_eq!(migrate(&["id"]), ["ALTER TABLE \"raw\".\"items\" ADD COLUMN \"title\" VARCHAR"]);
    }

    #[test]
    fn rows_are_matched_by_name() {
        let statements = Statements::new(&DuckDbDialect, None, "raw");
        let columns = ["id".to_owned()];
        assert_eq!(
            statements.insert_from(&items(), &columns, "src", Some("1.5")).unwrap(),
            "INSERT INTO \"raw\".\"items\" (\"_dlt_load_id\", \"id\") \
             SELECT '1.5', CAST(\"id\" AS BIGINT) FROM src"
        );
        assert!(statements.insert_from(&items(), &["unknown".to_owned()], "src", None).is_err());
    }
}
