//! Load packages: what a run leaves on disk between its steps.
//!
//! A package is a folder. Which step it has reached is told by the folder it is in:
//!
//! ```text
//! <pipelines dir>/<pipeline>/packages/new/<load id>         being written, worthless after a crash
//!                                     extracted/<load id>   items wait to be normalised
//!                                     normalized/<load id>  batches wait to be loaded
//!                                     loaded/<load id>      done, kept only on request
//!                                     failed/<load id>      given up, with the reason
//! ```
//!
//! Files are written and synced first, the manifest last, and then the folder is renamed. So a
//! package that can be seen is whole.

mod account;
mod files;
mod manifest;
mod parts;
mod store;

pub(crate) use account::{Account, check_accounts};
pub(crate) use files::{read_json, write_synced};
pub(crate) use manifest::{Failure, Items, Manifest, Part, Replayed};
pub(crate) use parts::{PartWriter, read_parts};
pub(crate) use store::{Package, Stage, Store};
