//! A dataset in a Postgres database: a schema and its tables.

use std::collections::HashMap;

use arrow::record_batch::RecordBatchReader;
use floe_schema::{LOADS_TABLE, STATE_TABLE, Schema, Table, VERSION_TABLE};

use super::connection::{Connection, Row};
use super::copy::Copy;
use super::dialect::PostgresDialect;
use super::read;
use crate::destination::sql::{Statements, merge_statements};
use crate::destination::{Batches, Chain, Dataset, IDS_AT_ONCE, LoadRecord, Read, RejectedRow, StoredState};
use crate::error::Result;

pub(super) struct PostgresDataset {
    connection: Connection,
    name: String,
    dialect: &'static PostgresDialect,
    warnings: Vec<String>,
    /// What new tables get when they have their rows: names and statements.
    constraints: Vec<(String, String)>,
}

impl PostgresDataset {
    pub(super) fn new(connection: Connection, name: &str, indexes: bool) -> Self {
        let dialect = match indexes {
            true => &PostgresDialect { indexes: true },
            false => &PostgresDialect { indexes: false },
        };
        Self { connection, name: name.to_owned(), dialect, warnings: Vec::new(), constraints: Vec::new() }
    }

    fn statements(&self) -> Statements<'static> {
        Statements::new(self.dialect, None, &self.name)
    }

    /// The statements for the dataset of staged rows.
    fn staging(&self) -> Statements<'static> {
        Statements::staging(self.dialect, None, &self.name)
    }

    fn has_row(&self, sql: &str) -> Result<bool> {
        Ok(!self.connection.query(sql)?.is_empty())
    }

    fn first_row(&self, sql: &str) -> Result<Option<Row>> {
        Ok(self.connection.query(sql)?.into_iter().next())
    }

    /// Columns of all tables.
    fn columns(&self) -> Result<HashMap<String, Vec<String>>> {
        let mut tables: HashMap<String, Vec<String>> = HashMap::new();
        for row in self.connection.query(&self.statements().columns())? {
            if let [Some(table), Some(column)] = row.as_slice() {
                tables.entry(table.clone()).or_default().push(column.clone());
            }
        }
        Ok(tables)
    }

    fn has_tables(&self, wanted: &[&str]) -> Result<bool> {
        let tables = self.columns()?;
        Ok(wanted.iter().all(|table| tables.contains_key(*table)))
    }

    /// Creates the dataset if it does not exist. Asking first, because the statement takes the right
    /// to create it even if it exists.
    fn create(&self, statements: &Statements<'_>) -> Result<()> {
        match self.has_row(&statements.dataset_exists())? {
            true => Ok(()),
            false => self.connection.execute(&statements.create_dataset()),
        }
    }

    fn execute(&self, sql: &str, table: &str) -> Result<()> {
        self.connection.execute(sql).map_err(|e| e.table(table))
    }
}

impl Dataset for PostgresDataset {
    fn exists(&mut self) -> Result<bool> {
        self.has_row(&self.statements().dataset_exists())
    }

    fn stored_state(&mut self, pipeline: &str) -> Result<Option<StoredState>> {
        if !self.has_tables(&[STATE_TABLE, LOADS_TABLE])? {
            return Ok(None);
        }
        let Some(row) = self.first_row(&self.statements().newest_state(pipeline))? else { return Ok(None) };
        Ok(Some(StoredState::of_texts(row)))
    }

    fn stored_schema(&mut self, name: &str) -> Result<Option<String>> {
        if !self.has_tables(&[VERSION_TABLE])? {
            return Ok(None);
        }
        let row = self.first_row(&self.statements().newest_schema(name))?;
        Ok(row.and_then(|row| row.into_iter().next().flatten()))
    }

    fn is_loaded(&mut self, load_id: &str) -> Result<bool> {
        Ok(self.has_tables(&[LOADS_TABLE])? && self.has_row(&self.statements().load_is_stored(load_id))?)
    }

    /// Pipelines that load into the same dataset take turns from here on. Each sees the tables and the
    /// versions that the one before it made, and adds what is missing.
    fn begin(&mut self) -> Result<()> {
        let lock = self.statements().lock();
        self.connection.execute("BEGIN")?;
        self.connection.execute(&lock)
    }

    fn migrate(&mut self, schema: &Schema, tables: &[&Table], now: i64) -> Result<()> {
        let statements = self.statements();
        self.create(&statements)?;
        let existing = self.columns()?;
        let bookkeeping = Statements::bookkeeping_tables();
        for table in bookkeeping.iter().chain(tables.iter().copied()) {
            let columns = existing.get(&table.name).map(Vec::as_slice);
            for sql in statements.migrate(table, columns)? {
                self.execute(&sql, &table.name)?;
            }
            if columns.is_none() {
                let constraints = statements.constraints(table).into_iter();
                self.constraints.extend(constraints.map(|sql| (table.name.clone(), sql)));
            }
        }
        let hash = schema.version_hash.as_deref().unwrap_or_default();
        if !self.has_row(&statements.schema_is_stored(hash))? {
            self.connection.execute(&statements.store_schema(schema, now))?;
        }
        Ok(())
    }

    fn drop_tables(&mut self, tables: &[String], schema: &str) -> Result<()> {
        for (dataset, is_main) in [(&self.statements(), true), (&self.staging(), false)] {
            if !self.has_row(&dataset.dataset_exists())? {
                continue;
            }
            for table in tables {
                self.execute(&dataset.drop(table), table)?;
            }
            if is_main && self.has_tables(&[VERSION_TABLE])? {
                self.connection.execute(&dataset.forget_schema(schema))?;
            }
        }
        Ok(())
    }

    fn empty(&mut self, tables: &[&Table]) -> Result<()> {
        let statements = self.statements();
        tables.iter().try_for_each(|table| self.execute(&statements.empty(&table.name), &table.name))
    }

    fn truncate(&mut self, tables: &[&Table]) -> Result<()> {
        match tables {
            [] => Ok(()),
            [root, ..] => self.execute(&self.statements().truncate(tables), &root.name),
        }
    }

    fn stage(&mut self, chain: &Chain<'_>) -> Result<()> {
        let staging = self.staging();
        self.create(&staging)?;
        for table in &chain.tables {
            self.execute(&staging.drop(&table.name), &table.name)?;
            for sql in staging.migrate(table, None)? {
                self.execute(&sql, &table.name)?;
            }
        }
        Ok(())
    }

    fn append(
        &mut self,
        table: &Table,
        staged: bool,
        load_id: &str,
        rows: Box<dyn RecordBatchReader + Send>,
    ) -> Result<u64> {
        let statements = if staged { self.staging() } else { self.statements() };
        let named = |e: crate::Error| e.table(&table.name);
        let mut columns: Vec<String> = rows.schema().fields().iter().map(|f| f.name().clone()).collect();
        let types = self.connection.types(&statements.look_at(&table.name, &columns)).map_err(named)?;
        let root = !table.is_nested() && table.columns.contains_key(floe_schema::LOAD_ID);
        let copy = Copy::new(&table.name, Some(load_id).filter(|_| root), &columns, &types)?;
        if root {
            columns.insert(0, floe_schema::LOAD_ID.to_owned());
        }
        let sql = statements.copy(&table.name, &columns);
        let sent = copy.send(&self.connection, &sql, rows).map_err(named)?;
        self.warnings.extend(copy.warnings());
        Ok(sent)
    }

    fn merge(&mut self, chain: &Chain<'_>, keep: bool) -> Result<()> {
        let (main, staging) = (self.statements(), self.staging());
        let root = chain.tables.first().map(|table| table.name.clone()).unwrap_or_default();
        let statements = merge_statements(&main, &staging, chain, |query| self.has_row(query))?;
        for sql in statements {
            self.execute(&sql, &root)?;
        }
        let dropped = chain.tables.iter().filter(|_| !keep);
        dropped.into_iter().try_for_each(|table| self.execute(&staging.drop(&table.name), &table.name))
    }

    fn rejected_rows(
        &mut self,
        table: &str,
        after: Option<&RejectedRow>,
        limit: usize,
    ) -> Result<Vec<RejectedRow>> {
        if !self.has_tables(&[table])? {
            return Ok(Vec::new());
        }
        let rows = self.connection.query(&self.statements().rejected_rows(table, after, limit))?;
        Ok(rows.into_iter().filter_map(RejectedRow::of_texts).collect())
    }

    fn boundary(&mut self, boundary: &str) -> Result<Vec<String>> {
        if !self.has_tables(&[floe_schema::BOUNDARY_TABLE])? {
            return Ok(Vec::new());
        }
        let rows = self.connection.query(&self.statements().boundary(boundary))?;
        Ok(rows.into_iter().flatten().flatten().collect())
    }

    fn forget_boundary(&mut self, boundary: &str) -> Result<()> {
        if !self.has_tables(&[floe_schema::BOUNDARY_TABLE])? {
            return Ok(());
        }
        self.connection.execute(&self.statements().forget_boundary(boundary))
    }

    fn remove_rejected(&mut self, table: &str, ids: &[String]) -> Result<u64> {
        let mut removed = 0;
        for ids in ids.chunks(IDS_AT_ONCE) {
            let sql = self.statements().remove_rows(table, ids);
            removed += self.connection.count(&sql).map_err(|e| e.table(table))?;
        }
        Ok(removed)
    }

    fn read(self: Box<Self>, reads: &[Read]) -> Result<Vec<Batches>> {
        let statements = self.statements();
        let begin = format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {}", statements.search_here());
        let queries: Vec<String> = reads.iter().map(|read| statements.read(read)).collect();
        read::open(self.connection, &begin, &queries)
    }

    fn commit(&mut self, load: &LoadRecord) -> Result<()> {
        for (table, sql) in std::mem::take(&mut self.constraints) {
            self.execute(&sql, &table)?;
        }
        self.connection.execute(&self.statements().store_load(load))?;
        self.connection.execute("COMMIT")
    }

    fn rollback(&mut self) -> Result<()> {
        self.warnings.clear();
        self.constraints.clear();
        self.connection.execute("ROLLBACK")
    }

    fn warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }
}
