//! A destination in memory, for tests: the smallest that does everything, to compare others with.

mod merge;
mod read;
mod value;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::record_batch::{RecordBatch, RecordBatchReader};
use floe_schema::{BOUNDARY_TABLE, Column, STATE_TABLE, Schema, Table};
use serde_json::Value as Json;

use self::value::{Row, Value, rows_of};
use super::{Batches, Capabilities, Chain, Dataset, Destination, LoadRecord, Read, RejectedRow, StoredState};
use crate::error::{Error, ErrorKind, Result, Step};

/// Datasets that live as long as the value and its clones.
///
/// ```
/// use floe::{Memory, Pipeline, Resource};
/// let folder = tempfile::tempdir().unwrap();
/// let memory = Memory::default();
/// let items = Resource::new("items").json_lines("{\"id\": 1}\n{\"id\": 2}\n");
/// Pipeline::new("example")
///     .destination(memory.clone())
///     .dataset("raw")
///     .pipelines_dir(folder.path())
///     .run_blocking([items])?;
/// assert_eq!(memory.table("raw", "items").unwrap().rows(), 2);
/// # Ok::<(), floe::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Memory {
    datasets: Arc<Mutex<BTreeMap<String, Contents>>>,
}

/// A table in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryTable {
    /// In order.
    columns: Vec<Column>,
    rows: Vec<Row>,
}

type Tables = BTreeMap<String, MemoryTable>;

#[derive(Debug, Clone, Default)]
struct Contents {
    tables: Tables,
    /// The twins of tables, with rows that are merged.
    staged: Tables,
    /// Name, hash and document of stored schemas, in order.
    schemas: Vec<(String, String, String)>,
    loads: Vec<LoadRecord>,
}

impl MemoryTable {
    fn new(table: &Table) -> Self {
        let mut new = Self::default();
        new.migrate(table);
        new
    }

    /// Adds the columns that are missing.
    fn migrate(&mut self, table: &Table) {
        for column in table.complete_columns() {
            let is_there = |name: &str| self.columns.iter().any(|known| known.name == name);
            if let Some(former) = table.former_name(column, is_there) {
                for known in self.columns.iter_mut().filter(|known| known.name == former) {
                    *known = column.clone();
                }
                for row in &mut self.rows {
                    if let Some(value) = row.remove(former) {
                        row.insert(column.name.to_string(), value);
                    }
                }
            } else if !self.columns.iter().any(|known| known.name == column.name) {
                self.columns.push(column.clone());
            }
        }
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Names of the columns, in order.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| &*column.name)
    }

    /// The rows, without nulls. What JSON has no type for is text: decimals, instants in UTC such as
    /// `2024-03-01T10:20:30.000000Z`, days, times, bytes in hexadecimal digits, and `NaN`.
    ///
    /// ```
    /// use floe::{Memory, Pipeline, Resource};
    /// let folder = tempfile::tempdir().unwrap();
    /// let memory = Memory::default();
    /// let pipeline = Pipeline::new("p").destination(memory.clone()).dataset("raw").pipelines_dir(folder.path());
    /// pipeline.run_blocking([Resource::new("items").json_lines("{\"at\": \"2024-03-01T10:20:30Z\"}")])?;
    /// let rows = memory.table("raw", "items").unwrap().to_json();
    /// assert_eq!(rows[0]["at"], "2024-03-01T10:20:30.000000Z");
    /// # Ok::<(), floe::Error>(())
    /// ```
    pub fn to_json(&self) -> Vec<BTreeMap<String, Json>> {
        let row = |row: &Row| row.iter().map(|(name, value)| (name.clone(), value.to_json())).collect();
        self.rows.iter().map(row).collect()
    }

    fn append(&mut self, table: &str, rows: Vec<Row>) -> Result<u64> {
        for Column { name, .. } in self.columns.iter().filter(|column| !column.is_nullable()) {
            if rows.iter().any(|row| !row.contains_key(&**name)) {
                let message = format!("null in column {table}.{name}, which is not nullable");
                let error = Error::new(ErrorKind::Destination, message).step(Step::Load);
                return Err(error.table(table).column(&**name));
            }
        }
        let count = rows.len() as u64;
        self.rows.extend(rows);
        Ok(count)
    }
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Contents>> {
        self.datasets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A table of a dataset.
    pub fn table(&self, dataset: &str, table: &str) -> Option<MemoryTable> {
        self.lock().get(dataset)?.tables.get(table).cloned()
    }

    /// The completed loads of a dataset.
    pub fn loads(&self, dataset: &str) -> Vec<LoadRecord> {
        self.lock().get(dataset).map(|c| c.loads.clone()).unwrap_or_default()
    }
}

impl Destination for Memory {
    fn dlt_type(&self) -> &'static str {
        "floe.memory"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn location(&self) -> String {
        "memory".to_owned()
    }

    fn open(&self, dataset: &str) -> Result<Box<dyn Dataset>> {
        Ok(Box::new(MemoryDataset { memory: self.clone(), name: dataset.to_owned(), open: None }))
    }
}

struct MemoryDataset {
    memory: Memory,
    name: String,
    /// What commit makes visible.
    open: Option<Contents>,
}

impl MemoryDataset {
    fn stored(&self) -> Option<Contents> {
        self.memory.lock().get(&self.name).cloned()
    }

    fn open(&mut self) -> Result<&mut Contents> {
        self.open.as_mut().ok_or_else(|| Error::internal("no package was begun"))
    }
}

impl Dataset for MemoryDataset {
    fn exists(&mut self) -> Result<bool> {
        Ok(self.memory.lock().contains_key(&self.name))
    }

    fn stored_state(&mut self, pipeline: &str) -> Result<Option<StoredState>> {
        let Some(contents) = self.stored() else { return Ok(None) };
        let complete = |row: &&Row| {
            let load_id = row.get(floe_schema::LOAD_ID).map(Value::text);
            contents.loads.iter().any(|load| Some(&load.load_id) == load_id.as_ref())
        };
        let rows = contents.tables.get(STATE_TABLE).into_iter().flat_map(|table| &table.rows);
        let of_pipeline = rows.filter(|row| text(row, "pipeline_name").as_deref() == Some(pipeline));
        let newest = of_pipeline.filter(complete).max_by_key(|row| text(row, floe_schema::LOAD_ID));
        Ok(newest.and_then(state_of))
    }

    fn stored_schema(&mut self, name: &str) -> Result<Option<String>> {
        let contents = self.stored().unwrap_or_default();
        let newest = contents.schemas.into_iter().rev().find(|(stored, ..)| stored == name);
        Ok(newest.map(|(.., document)| document))
    }

    fn is_loaded(&mut self, load_id: &str) -> Result<bool> {
        let contents = self.stored().unwrap_or_default();
        Ok(contents.loads.iter().any(|load| load.load_id == load_id))
    }

    fn begin(&mut self) -> Result<()> {
        self.open = Some(self.stored().unwrap_or_default());
        Ok(())
    }

    fn migrate(&mut self, schema: &Schema, tables: &[&Table], _now: i64) -> Result<()> {
        let contents = self.open()?;
        for table in tables {
            contents.tables.entry(table.name.clone()).or_default().migrate(table);
        }
        let hash = schema.version_hash.clone().unwrap_or_default();
        if !contents.schemas.iter().any(|(_, stored, _)| *stored == hash) {
            let document = schema.to_json().to_string();
            contents.schemas.push((schema.name.clone(), hash, document));
        }
        Ok(())
    }

    fn drop_tables(&mut self, tables: &[String], schema: &str) -> Result<()> {
        let contents = self.open()?;
        contents.tables.retain(|name, _| !tables.contains(name));
        contents.staged.retain(|name, _| !tables.contains(name));
        contents.schemas.retain(|(name, ..)| name != schema);
        Ok(())
    }

    fn empty(&mut self, tables: &[&Table]) -> Result<()> {
        let contents = self.open()?;
        for table in tables {
            if let Some(known) = contents.tables.get_mut(&table.name) {
                known.rows.clear();
            }
        }
        Ok(())
    }

    fn stage(&mut self, chain: &Chain<'_>) -> Result<()> {
        let contents = self.open()?;
        for table in &chain.tables {
            contents.staged.insert(table.name.clone(), MemoryTable::new(table));
        }
        Ok(())
    }

    fn merge(&mut self, chain: &Chain<'_>, keep: bool) -> Result<()> {
        let contents = self.open()?;
        merge::merge(contents, chain)?;
        if !keep {
            chain.tables.iter().for_each(|table| drop(contents.staged.remove(&table.name)));
        }
        Ok(())
    }

    fn append(
        &mut self,
        table: &Table,
        staged: bool,
        load_id: &str,
        batches: Box<dyn RecordBatchReader + Send>,
    ) -> Result<u64> {
        let root = !table.is_nested() && table.columns.contains_key(floe_schema::LOAD_ID);
        let contents = self.open()?;
        let tables = if staged { &mut contents.staged } else { &mut contents.tables };
        let known = tables.get_mut(&table.name);
        let known = known.ok_or_else(|| Error::internal("rows for a table that does not exist"))?;
        let mut count = 0;
        for batch in batches {
            let batch: RecordBatch =
                batch.map_err(|e| Error::internal("cannot read rows of a package").cause(e))?;
            let mut rows = rows_of(&batch)?;
            for row in rows.iter_mut().filter(|_| root) {
                row.insert(floe_schema::LOAD_ID.to_owned(), Value::Text(load_id.to_owned()));
            }
            count += known.append(&table.name, rows)?;
        }
        Ok(count)
    }

    fn rejected_rows(
        &mut self,
        table: &str,
        after: Option<&RejectedRow>,
        limit: usize,
    ) -> Result<Vec<RejectedRow>> {
        let contents = self.stored().unwrap_or_default();
        let columns = [floe_schema::LOAD_ID, floe_schema::ID, floe_schema::REJECTED_ROW];
        let rejected = |row: &Row| RejectedRow::of_texts(columns.map(|column| text(row, column)));
        let rows = contents.tables.get(table).into_iter().flat_map(|table| &table.rows);
        let mut rows: Vec<RejectedRow> = rows.filter_map(rejected).collect();
        fn place(row: &RejectedRow) -> (&str, &str) {
            (&row.load_id, &row.id)
        }
        rows.retain(|row| after.is_none_or(|after| place(row) > place(after)));
        rows.sort_by(|a, b| place(a).cmp(&place(b)));
        rows.truncate(limit);
        Ok(rows)
    }

    fn boundary(&mut self, boundary: &str) -> Result<Vec<String>> {
        let contents = self.stored().unwrap_or_default();
        let rows = contents.tables.get(BOUNDARY_TABLE).into_iter().flat_map(|table| &table.rows);
        let of_boundary = rows.filter(|row| text(row, "boundary").as_deref() == Some(boundary));
        Ok(of_boundary.filter_map(|row| text(row, "hash")).collect())
    }

    fn forget_boundary(&mut self, boundary: &str) -> Result<()> {
        if let Some(known) = self.open()?.tables.get_mut(BOUNDARY_TABLE) {
            known.rows.retain(|row| text(row, "boundary").as_deref() != Some(boundary));
        }
        Ok(())
    }

    fn remove_rejected(&mut self, table: &str, ids: &[String]) -> Result<u64> {
        let Some(known) = self.open()?.tables.get_mut(table) else { return Ok(0) };
        let before = known.rows.len();
        known.rows.retain(|row| !text(row, floe_schema::ID).is_some_and(|id| ids.contains(&id)));
        Ok((before - known.rows.len()) as u64)
    }

    fn read(self: Box<Self>, reads: &[Read]) -> Result<Vec<Batches>> {
        let contents = self.stored().unwrap_or_default();
        reads.iter().map(|read| read::read(&contents.tables, read)).collect()
    }

    fn commit(&mut self, load: &LoadRecord) -> Result<()> {
        self.open()?.loads.push(load.clone());
        if let Some(contents) = self.open.take() {
            self.memory.lock().insert(self.name.clone(), contents);
        }
        Ok(())
    }

    fn rollback(&mut self) -> Result<()> {
        self.open = None;
        Ok(())
    }
}

fn text(row: &Row, column: &str) -> Option<String> {
    row.get(column).map(Value::text)
}

/// The state in a row of `_dlt_pipeline_state`.
fn state_of(row: &Row) -> Option<StoredState> {
    let number = |name: &str| if let Some(Value::Int(value)) = row.get(name) { Some(*value) } else { None };
    Some(StoredState {
        version: number("version")?,
        engine_version: number("engine_version")?,
        pipeline: text(row, "pipeline_name")?,
        state: text(row, "state")?,
        version_hash: text(row, "version_hash"),
    })
}
