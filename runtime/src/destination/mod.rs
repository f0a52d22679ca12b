//! Destinations: where datasets live.
//!
//! A destination opens a dataset, and a dataset takes one package at a time: everything between
//! [`Dataset::begin`] and [`Dataset::commit`] becomes visible together or not at all. The methods
//! block; async destinations wait for their futures inside.

pub(crate) mod duckdb;
mod memory;
pub(crate) mod sql;

use arrow::record_batch::RecordBatchReader;
use floe_schema::{Schema, Table};

use crate::error::Result;

pub use self::duckdb::DuckDb;
pub use memory::{Memory, MemoryTable};

/// What a destination can hold and do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Precision and scale of decimals that have none of their own.
    pub decimal_precision: (i64, i64),
    /// Precision and scale of wei columns.
    pub wei_precision: (i64, i64),
    /// Longest name of a table or column, in characters.
    pub max_identifier_length: usize,
    /// Whether everything of a package becomes visible in one step.
    pub transactions: bool,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self {
            decimal_precision: (38, 9),
            wei_precision: (38, 0),
            max_identifier_length: 65_536,
            transactions: true,
        }
    }
}

/// A place for datasets.
pub trait Destination: Send + Sync {
    /// The name that dlt has for destinations of this kind.
    fn dlt_type(&self) -> &'static str;

    /// What it can hold and do.
    fn capabilities(&self) -> Capabilities;

    /// Where it is, without secrets.
    fn location(&self) -> String;

    /// Opens a dataset, which need not exist.
    fn open(&self, dataset: &str) -> Result<Box<dyn Dataset>>;
}

/// A pipeline state as it is stored with a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredState {
    /// Version of the state.
    pub version: i64,
    /// Version of the format of the state.
    pub engine_version: i64,
    /// The pipeline.
    pub pipeline: String,
    /// The encoded document.
    pub state: String,
    /// Hash of the document.
    pub version_hash: Option<String>,
}

/// What becomes visible with a package, besides its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadRecord {
    /// Identifier of the load.
    pub load_id: String,
    /// The schema.
    pub schema_name: String,
    /// Hash of the schema.
    pub schema_hash: String,
    /// Microseconds since 1970 in UTC.
    pub inserted_at: i64,
}

/// A dataset that is open.
pub trait Dataset: Send {
    /// Whether the dataset exists.
    fn exists(&mut self) -> Result<bool>;

    /// The newest state of a pipeline that belongs to a completed load.
    fn stored_state(&mut self, pipeline: &str) -> Result<Option<StoredState>>;

    /// The newest stored version of a schema, as a document.
    fn stored_schema(&mut self, name: &str) -> Result<Option<String>>;

    /// Whether a load is complete.
    fn is_loaded(&mut self, load_id: &str) -> Result<bool>;

    /// Begins a package.
    fn begin(&mut self) -> Result<()>;

    /// Makes the tables look like the schema says, and stores the schema if its version is new.
    /// Columns are added; nothing is taken away and no type is changed.
    fn migrate(&mut self, schema: &Schema, tables: &[&Table], now: i64) -> Result<()>;

    /// Adds rows to a table. Columns are matched by name; a root table gets the load id in
    /// addition. Returns the number of rows.
    fn append(
        &mut self,
        table: &Table,
        load_id: &str,
        rows: Box<dyn RecordBatchReader + Send>,
    ) -> Result<u64>;

    /// Makes everything since [`Dataset::begin`] visible.
    fn commit(&mut self, load: &LoadRecord) -> Result<()>;

    /// Takes back everything since [`Dataset::begin`].
    fn rollback(&mut self) -> Result<()>;
}
