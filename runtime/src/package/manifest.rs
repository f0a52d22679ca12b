//! The manifest of a package.

use floe_schema::Change;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::account::Account;
use crate::incremental::Crowd;
use crate::input::Unit;

/// The version of the manifest format.
const FORMAT: u32 = 1;

/// Everything about a package that is not rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Manifest {
    format: u32,
    pub(crate) load_id: String,
    /// Microseconds since 1970 in UTC.
    pub(crate) created_at: i64,
    pub(crate) schema_name: String,
    /// The schema with which the package is loaded, or to be normalised.
    pub(crate) schema: Json,
    /// The state after the run, with its local part.
    pub(crate) state: Json,
    /// Whether the package brings the state to the destination.
    pub(crate) stores_state: bool,
    /// Batches of normalised packages, in order.
    #[serde(default)]
    pub(crate) parts: Vec<Part>,
    /// Tables that are dropped before anything else, with all versions of the schema.
    #[serde(default)]
    pub(crate) dropped: Vec<String>,
    /// Tables that lose their rows although the package brings none for them.
    #[serde(default)]
    pub(crate) emptied: Vec<String>,
    /// Rejected items that the package loads.
    #[serde(default)]
    pub(crate) replayed: Vec<Replayed>,
    /// What cursors remember in the table of boundaries. Normalised packages have the rows, and keep
    /// only the names of what is obsolete.
    #[serde(default)]
    pub(crate) crowds: Vec<Crowd>,
    /// Items of extracted packages, in order.
    #[serde(default)]
    pub(crate) items: Vec<Items>,
    /// What became of the items of normalised packages.
    #[serde(default)]
    pub(crate) accounts: Vec<Account>,
    /// What changed in the schema, for the report.
    #[serde(default)]
    pub(crate) schema_changes: Vec<Change>,
    #[serde(default)]
    pub(crate) warnings: Vec<String>,
    #[serde(default)]
    pub(crate) failure: Option<Failure>,
}

/// A file with batches of one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) table: String,
    pub(crate) file: String,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
}

/// Rows of a table for rejected items that are removed from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Replayed {
    pub(crate) table: String,
    /// The identifiers of the rows.
    pub(crate) ids: Vec<String>,
}

/// A file with items of one table that passed extraction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Items {
    pub(crate) table: String,
    pub(crate) file: String,
    /// Where the items came from, for error messages.
    pub(crate) origin: Option<String>,
    pub(crate) unit: Unit,
}

/// Why a package did not get further.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failure {
    /// The step that failed.
    pub(crate) step: String,
    pub(crate) message: String,
    /// Microseconds since 1970 in UTC.
    pub(crate) at: i64,
    pub(crate) attempts: u32,
}

impl Manifest {
    pub(crate) fn new(load_id: &str, created_at: i64) -> Self {
        Self {
            format: FORMAT,
            load_id: load_id.to_owned(),
            created_at,
            schema_name: String::new(),
            schema: Json::Null,
            state: Json::Null,
            stores_state: false,
            parts: Vec::new(),
            dropped: Vec::new(),
            emptied: Vec::new(),
            replayed: Vec::new(),
            crowds: Vec::new(),
            items: Vec::new(),
            accounts: Vec::new(),
            schema_changes: Vec::new(),
            warnings: Vec::new(),
            failure: None,
        }
    }

    /// Whether this version of floe can read it.
    pub(crate) fn is_readable(&self) -> bool {
        self.format == FORMAT
    }
}
