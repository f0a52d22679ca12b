//! Load data where the schema is a type: dlt's datasets from Rust.
//!
//! A [`Pipeline`] loads [`Resource`]s into a dataset at a [`Destination`]: items are taken apart
//! into rows of tables, the schema grows with the data, and state, schema and rows become visible
//! in one step. Datasets are those of dlt, the Python library, to the byte.
//!
//! ```
//! use floe::prelude::*;
//!
//! let folder = tempfile::tempdir().unwrap();
//! let orders = Resource::new("orders").json_lines(
//!     r#"{"id": 1, "customer": {"name": "Ada"}, "lines": [{"sku": "A", "count": 2}]}"#,
//! );
//! let report = Pipeline::new("shop")
//!     .destination(DuckDb::file(folder.path().join("shop.duckdb")))
//!     .pipelines_dir(folder.path())
//!     .run_blocking([orders])?;
//! println!("{report}");
//! assert_eq!(report.rows("orders__lines"), 1);
//! # Ok::<(), floe::Error>(())
//! ```

mod config;
mod destination;
mod error;
mod extract;
mod fault;
mod incremental;
mod input;
mod normalize;
mod package;
mod pipeline;
mod report;
mod resource;
#[cfg(feature = "rest")]
pub mod rest;
mod secret;
mod state;
mod stream;
#[cfg(feature = "testing")]
pub mod testing;
mod typed;
mod value;

/// Rows of Arrow, see [`Page::arrow`].
pub use arrow::record_batch::RecordBatch;
pub use config::{Config, ConfigField, Origin, Section};
pub use destination::{
    Batches, Capabilities, Chain, Dataset, Destination, DuckDb, LoadRecord, Memory, MemoryTable, Postgres,
    Read, RejectedRow, ReplaceStrategy, StoredState, TableRead, Write,
};
pub use error::{Error, ErrorKind, Place, Result, Step};
pub use floe_macros::{Table, resource, source};
/// The vocabulary of schemas.
pub use floe_schema as schema;
pub use floe_schema::{
    Change, Column, Contract, DataType, Entity, Hint, Mode, Naming, Schema, SchemaDiff, WriteDisposition,
    nearest,
};
pub use incremental::{Incremental, LastValue, OnMissing, RowOrder};
pub use input::{Format, Page};
pub use pipeline::{
    PackageInfo, Pipeline, PipelineInfo, Progress, Refresh, default_pipelines_dir, pipeline_names,
};
pub use report::{ResourceReport, RunReport, StepReport, TableReport, byte_size, grouped};
pub use resource::{Limit, Resource, TableName};
pub use secret::Secret;
pub use stream::{Pages, ResourceState, Slice};
pub use typed::{
    Cursor, Decimal, DecimalError, Entries, Field, IntoPages, Json, Reader, RowWriter, Rows, Source, Table,
    TableRows, json_schema, row_stream, rows, schema_of,
};

#[doc(hidden)]
pub mod __private;

/// What most programs need.
pub mod prelude {
    pub use crate::{
        Cursor, Decimal, DuckDb, Error, Field, Incremental, Json, Limit, Pages, Pipeline, Postgres, Resource,
        Result, Rows, RunReport, Secret, Slice, Source, Table, WriteDisposition, resource, source,
    };
}
