//! A destination in memory, for tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{ArrayRef, RecordBatch, StringArray, new_null_array};
use arrow::datatypes::DataType as ArrowType;
use arrow::record_batch::RecordBatchReader;
use floe_schema::{Schema, Table};

use super::{Capabilities, Chain, Dataset, Destination, LoadRecord, StoredState};
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
    /// Names and nullability, in order.
    columns: Vec<(String, bool)>,
    batches: Vec<RecordBatch>,
}

#[derive(Debug, Clone, Default)]
struct Contents {
    tables: BTreeMap<String, MemoryTable>,
    /// Name, hash and document of stored schemas, in order.
    schemas: Vec<(String, String, String)>,
    loads: Vec<LoadRecord>,
}

impl MemoryTable {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Names of the columns, in order.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_str())
    }

    /// The rows as they were loaded. A batch has the columns that it came with.
    pub fn batches(&self) -> &[RecordBatch] {
        &self.batches
    }

    fn append(&mut self, table: &str, batch: RecordBatch) -> Result<u64> {
        for (name, nullable) in &self.columns {
            let nulls = batch.column_by_name(name).map_or(batch.num_rows(), |c| c.null_count());
            if !nullable && nulls > 0 {
                let message = format!("null in column {table}.{name}, which is not nullable");
                let error = Error::new(ErrorKind::Destination, message).step(Step::Load);
                return Err(error.table(table).column(name));
            }
        }
        let rows = batch.num_rows() as u64;
        self.batches.push(batch);
        Ok(rows)
    }

    /// A column over all batches; rows that came without it have nulls.
    pub fn column(&self, name: &str) -> Option<Vec<ArrayRef>> {
        let known = self.batches.iter().find_map(|b| b.column_by_name(name))?;
        let data_type = known.data_type().clone();
        let column = |batch: &RecordBatch| {
            let nulls = || new_null_array(&data_type, batch.num_rows());
            batch.column_by_name(name).cloned().unwrap_or_else(nulls)
        };
        Some(self.batches.iter().map(column).collect())
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
        let mut newest: Option<(String, StoredState)> = None;
        let table = contents.tables.get(floe_schema::STATE_TABLE);
        for batch in table.into_iter().flat_map(MemoryTable::batches) {
            for row in 0..batch.num_rows() {
                let Some((load_id, state)) = state_row(batch, row) else { continue };
                let complete = contents.loads.iter().any(|load| load.load_id == load_id);
                let newer = newest.as_ref().is_none_or(|(id, _)| *id < load_id);
                if state.pipeline == pipeline && complete && newer {
                    newest = Some((load_id, state));
                }
            }
        }
        Ok(newest.map(|(_, state)| state))
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
            let known = contents.tables.entry(table.name.clone()).or_default();
            for column in table.complete_columns() {
                if !known.columns.iter().any(|(name, _)| *name == column.name) {
                    known.columns.push((column.name.to_string(), column.is_nullable()));
                }
            }
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
        contents.schemas.retain(|(name, ..)| name != schema);
        Ok(())
    }

    fn empty(&mut self, tables: &[&Table]) -> Result<()> {
        let contents = self.open()?;
        for table in tables {
            if let Some(known) = contents.tables.get_mut(&table.name) {
                known.batches.clear();
            }
        }
        Ok(())
    }

    fn stage(&mut self, chain: &Chain<'_>) -> Result<()> {
        Err(Error::new(ErrorKind::Unsupported, format!("{:?} in memory", chain.write)))
    }

    fn merge(&mut self, _chain: &Chain<'_>, _keep: bool) -> Result<()> {
        Ok(())
    }

    fn append(
        &mut self,
        table: &Table,
        _staged: bool,
        load_id: &str,
        rows: Box<dyn RecordBatchReader + Send>,
    ) -> Result<u64> {
        let root = !table.is_nested() && table.columns.contains_key(floe_schema::LOAD_ID);
        let mut count = 0;
        for batch in rows {
            let unreadable = |e| Error::internal("cannot read rows of a package").cause(e);
            let mut batch = batch.map_err(unreadable)?;
            if root {
                let ids: ArrayRef = Arc::new(StringArray::from(vec![load_id; batch.num_rows()]));
                batch = with_column(&batch, floe_schema::LOAD_ID, ids).map_err(unreadable)?;
            }
            let contents = self.open()?;
            let known = contents.tables.get_mut(&table.name);
            let known = known.ok_or_else(|| Error::internal("rows for a table that does not exist"))?;
            count += known.append(&table.name, batch)?;
        }
        Ok(count)
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

fn with_column(
    batch: &RecordBatch,
    name: &str,
    array: ArrayRef,
) -> Result<RecordBatch, arrow::error::ArrowError> {
    let mut columns: Vec<(String, ArrayRef)> = vec![(name.to_owned(), array)];
    let schema = batch.schema();
    columns.extend(schema.fields().iter().map(|f| f.name().clone()).zip(batch.columns().iter().cloned()));
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true)))
}

/// Load id and state of a row of `_dlt_pipeline_state`.
fn state_row(batch: &RecordBatch, row: usize) -> Option<(String, StoredState)> {
    use arrow::array::AsArray;
    let text = |name: &str| {
        let column = batch.column_by_name(name)?;
        (*column.data_type() == ArrowType::Utf8).then(|| column.as_string::<i32>().value(row).to_owned())
    };
    let number = |name: &str| {
        let column = batch.column_by_name(name)?;
        let int = *column.data_type() == ArrowType::Int64;
        int.then(|| column.as_primitive::<arrow::datatypes::Int64Type>().value(row))
    };
    let state = StoredState {
        version: number("version")?,
        engine_version: number("engine_version")?,
        pipeline: text("pipeline_name")?,
        state: text("state")?,
        version_hash: text("version_hash"),
    };
    Some((text(floe_schema::LOAD_ID)?, state))
}
