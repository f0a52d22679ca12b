//! The vocabulary that every part of floe shares: data types, columns, tables, names, contracts
//! and the schema document, all in the format that dlt stores with its datasets.
//!
//! This crate knows nothing of Arrow, files, databases or async code. Each rule about names, types
//! and hashes stands here once; the runtime, the macros and the generator call it.
//!
//! ```
//! use floe_schema::{Column, DataType, Naming, Schema};
//!
//! let naming = Naming::snake_case();
//! assert_eq!(naming.path("HTTPResponse"), "http_response");
//!
//! let mut schema = Schema::new("shop");
//! let mut orders = floe_schema::Table::new("orders");
//! orders.insert(Column::new("id", DataType::Bigint).not_null());
//! schema.tables.insert("orders".into(), orders);
//! assert_eq!(schema.content_hash().len(), 44);
//! ```

mod column;
mod contract;
mod data_type;
mod diff;
mod document;
pub mod hash;
mod json;
mod naming;
mod normalizers;
mod settings;
mod suggest;
mod system;
mod table;
pub mod typed;
mod version;
#[cfg(feature = "yaml")]
mod yaml;

pub use column::{Column, Hint, Hints, SortOrder, x};
pub use contract::{Contract, Entity, Mode, ResolvedContract};
pub use data_type::{DataType, UnknownName};
pub use diff::{Change, SchemaDiff};
pub use document::{ENGINE_VERSION, Schema, schema_name};
pub use json::{DocumentError, Extra};
pub use naming::{Naming, ascii_digits, is_decimal_digit, python_strip};
pub use normalizers::{JsonNormalizer, NormalizerConfig, Normalizers, Propagation, RELATIONAL};
pub use settings::Settings;
pub use suggest::nearest;
pub use system::{
    BOUNDARY_TABLE, DLT_PREFIX, ID, LIST_IDX, LOAD_ID, LOADS_TABLE, PARENT_ID, REJECTED_PATH, REJECTED_ROW,
    REJECTED_RULE, ROOT_ID, STATE_TABLE, VERSION_TABLE, boundary_table, is_internal, loads_table,
    rejected_table, state_table, version_table,
};
pub use table::{MergeStrategy, Processing, Table, WriteDisposition};
pub use version::MAX_PREVIOUS_HASHES;
