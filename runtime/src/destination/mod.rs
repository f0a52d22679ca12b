//! Destinations: where datasets live.
//!
//! A destination opens a dataset, and a dataset takes one package at a time: everything between
//! [`Dataset::begin`] and [`Dataset::commit`] becomes visible together or not at all. The methods
//! block; async destinations wait for their futures inside.

pub(crate) mod duckdb;
pub(crate) mod keys;
mod memory;
mod postgres;
mod read;
mod replace;
pub(crate) mod sql;

use std::sync::Arc;

use arrow::record_batch::RecordBatchReader;
use floe_schema::{Hint, MergeStrategy, Schema, Table, WriteDisposition};

use crate::error::{Error, ErrorKind, Result, Step};

pub use self::duckdb::DuckDb;
pub use self::postgres::Postgres;
pub use memory::{Memory, MemoryTable};
pub use read::{Batches, Read, TableRead};
pub use replace::ReplaceStrategy;

/// What a destination can hold and do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Precision and scale of decimals that have none of their own.
    pub decimal_precision: (i64, i64),
    /// Precision and scale of wei columns.
    pub wei_precision: (i64, i64),
    /// Longest name of a table or column, in bytes.
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

impl<D: Destination + ?Sized> Destination for Arc<D> {
    fn dlt_type(&self) -> &'static str {
        (**self).dlt_type()
    }

    fn capabilities(&self) -> Capabilities {
        (**self).capabilities()
    }

    fn location(&self) -> String {
        (**self).location()
    }

    fn open(&self, dataset: &str) -> Result<Box<dyn Dataset>> {
        (**self).open(dataset)
    }
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

impl StoredState {
    /// A row of [`Statements::newest_state`](sql::Statements::newest_state).
    pub(crate) fn of_texts(row: impl IntoIterator<Item = Option<String>>) -> Self {
        let mut values = row.into_iter();
        let mut next = || values.next().flatten();
        let number = |text: Option<String>| text.and_then(|t| t.parse().ok()).unwrap_or_default();
        Self {
            version: number(next()),
            engine_version: number(next()),
            pipeline: next().unwrap_or_default(),
            state: next().unwrap_or_default(),
            version_hash: next(),
        }
    }
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

/// A row of a table for rejected items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRow {
    /// The load that brought it.
    pub load_id: String,
    /// Its identifier.
    pub id: String,
    /// The item as it came.
    pub item: String,
}

impl RejectedRow {
    /// A row of [`Statements::rejected_rows`](sql::Statements::rejected_rows).
    pub(crate) fn of_texts(row: impl IntoIterator<Item = Option<String>>) -> Option<Self> {
        let mut values = row.into_iter();
        Some(Self { load_id: values.next()??, id: values.next()??, item: values.next()?? })
    }
}

/// Identifiers that one statement names.
pub(crate) const IDS_AT_ONCE: usize = 1000;

/// The dataset in which the rows of merges are staged.
pub(crate) fn staging_name(dataset: &str) -> String {
    format!("{dataset}_staging")
}

/// What a package does to the rows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// They stay.
    Append,
    /// They go.
    Replace(ReplaceStrategy),
    /// They meet the new ones, which are staged before.
    Merge(MergeStrategy),
}

/// A root table with the tables below it, and what a package does to them.
#[derive(Debug, Clone)]
pub struct Chain<'s> {
    /// The root first, parents before their children.
    pub tables: Vec<&'s Table>,
    /// What happens to the rows.
    pub write: Write,
    /// When the package was made, in microseconds since 1970. Versions of rows begin and end then.
    pub created_at: i64,
}

impl<'s> Chain<'s> {
    /// The tables of a root table that ever received rows. A table is replaced by the default strategy.
    pub fn of(schema: &'s Schema, root: &str, created_at: i64) -> Self {
        let write = match schema.write_disposition(root) {
            WriteDisposition::Replace => Write::Replace(ReplaceStrategy::default()),
            WriteDisposition::Merge => {
                Write::Merge(schema.merge_strategy(root).unwrap_or(MergeStrategy::DeleteInsert))
            }
            _ => Write::Append,
        };
        let tables = schema.chain(root).into_iter().filter(|table| table.seen_data()).collect();
        Self { tables, write, created_at }
    }

    /// Whether the hints of the root table suffice for what is to happen.
    pub(crate) fn check(&self) -> Result<()> {
        let Some(root) = self.tables.first() else { return Ok(()) };
        let refused = |message: String, way_out: &str| {
            let error = Error::new(ErrorKind::Schema, message).step(Step::Load).table(&root.name);
            Err(error.help(way_out))
        };
        let needs_key = [MergeStrategy::Upsert, MergeStrategy::InsertOnly, MergeStrategy::Cdc];
        if let Write::Merge(strategy) = self.write
            && needs_key.contains(&strategy)
            && root.with_hint(Hint::PrimaryKey).next().is_none()
        {
            let message =
                format!("table {} has no primary key, which {} needs", root.name, strategy.as_str());
            return refused(message, "state the columns that identify a row as its primary_key");
        }
        if root.with_hint(Hint::HardDelete).count() > 1 {
            return refused(format!("table {} has several hard_delete columns", root.name), "mark only one");
        }
        if root.columns.values().filter(|c| c.dedup_sort.is_some()).count() > 1 {
            return refused(format!("table {} has several dedup_sort columns", root.name), "mark only one");
        }
        Ok(())
    }

    /// Whether rows are staged before they meet those of the tables.
    pub fn is_staged(&self) -> bool {
        matches!(self.write, Write::Merge(_) | Write::Replace(ReplaceStrategy::InsertFromStaging))
    }
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

    /// Drops tables, here and among the staged ones, and forgets all versions of their schema. The
    /// dataset need not exist.
    fn drop_tables(&mut self, tables: &[String], schema: &str) -> Result<()>;

    /// Removes all rows of tables.
    fn empty(&mut self, tables: &[&Table]) -> Result<()>;

    /// Removes all rows of tables in the quickest way, even if readers notice.
    fn truncate(&mut self, tables: &[&Table]) -> Result<()> {
        self.empty(tables)
    }

    /// Makes empty twins of tables, for rows that are merged or take the place of others.
    fn stage(&mut self, chain: &Chain<'_>) -> Result<()>;

    /// Adds rows to a table, or to its staged twin. Columns are matched by name; a root table gets the
    /// load id in addition. Returns the number of rows.
    fn append(
        &mut self,
        table: &Table,
        staged: bool,
        load_id: &str,
        rows: Box<dyn RecordBatchReader + Send>,
    ) -> Result<u64>;

    /// Merges the staged rows of a chain into its tables, or lets them take the place of the rows that
    /// are there. With `keep`, the twins stay with
    /// their rows.
    fn merge(&mut self, chain: &Chain<'_>, keep: bool) -> Result<()>;

    /// Rows of a table for rejected items, at most `limit`, in the order of their loads and identifiers,
    /// from behind a row on. There is nothing in a table that does not exist.
    fn rejected_rows(
        &mut self,
        table: &str,
        after: Option<&RejectedRow>,
        limit: usize,
    ) -> Result<Vec<RejectedRow>>;

    /// The hashes of a boundary in the table of boundaries; none if there is no such table.
    fn boundary(&mut self, boundary: &str) -> Result<Vec<String>>;

    /// Removes the hashes of a boundary.
    fn forget_boundary(&mut self, boundary: &str) -> Result<()>;

    /// Removes rows from a table for rejected items. Returns how many there were.
    fn remove_rejected(&mut self, table: &str, ids: &[String]) -> Result<u64>;

    /// Makes everything since [`Dataset::begin`] visible.
    fn commit(&mut self, load: &LoadRecord) -> Result<()>;

    /// Takes back everything since [`Dataset::begin`].
    fn rollback(&mut self) -> Result<()>;

    /// Gives rows of the dataset as they are asked for, one stream for each read, all of them as they were
    /// at the same moment.
    fn read(self: Box<Self>, _reads: &[Read]) -> Result<Vec<Batches>> {
        Err(Error::new(ErrorKind::Unsupported, "datasets of this destination cannot be read back")
            .help("read them with a client of the destination"))
    }

    /// What users should know of the package that was committed.
    fn warnings(&mut self) -> Vec<String> {
        Vec::new()
    }
}
