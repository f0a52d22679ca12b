//! Rows on their way out of a dataset.

use std::error::Error as _;

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::{RecordBatch, RecordBatchReader};

use crate::error::{Error, ErrorKind, Result};

/// What is read from a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// The result of a query in the language of the destination. Tables of the dataset need no qualified names.
    Sql(String),
    /// Columns of the rows of a table.
    Table(TableRead),
}

/// Which rows of a table are read, and in which order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRead {
    /// The tables from the root table to the one that is read.
    pub lineage: Vec<String>,
    /// The columns; all of them if none is named and the rows have no keys.
    pub columns: Vec<String>,
    /// Whether each row gets columns in front by which rows of several tables find each other, and the rows
    /// come in their order: the identifier of the row of the root table, and of every table below it the place
    /// in the list and the identifier.
    pub keyed: bool,
}

impl TableRead {
    /// The table that is read.
    pub fn table(&self) -> &str {
        self.lineage.last().map_or("", String::as_str)
    }

    /// How many columns of keys there are in front.
    pub fn keys(&self) -> usize {
        if self.keyed { (2 * self.lineage.len()).saturating_sub(1) } else { 0 }
    }
}

/// Batches of Arrow as they are read, without the others in memory.
pub struct Batches(Box<dyn RecordBatchReader + Send>);

impl Batches {
    /// Batches from a reader. An error of floe in it is given on as it is.
    pub fn new(reader: Box<dyn RecordBatchReader + Send>) -> Self {
        Self(reader)
    }

    /// Names and types of the columns.
    pub fn schema(&self) -> SchemaRef {
        self.0.schema()
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|batch| batch.map_err(own))
    }
}

impl std::fmt::Debug for Batches {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Batches").field(&self.0.schema()).finish()
    }
}

/// The error of floe that came through Arrow.
fn own(error: ArrowError) -> Error {
    let inner = error.source().and_then(|source| source.downcast_ref::<Error>()).cloned();
    inner.unwrap_or_else(|| Error::new(ErrorKind::Destination, "rows cannot be read").cause(error))
}
