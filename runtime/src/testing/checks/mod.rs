//! The checks.

mod merges;
mod names;
mod quarantine;
mod records;
mod reference;
mod tables;
mod types;

pub(super) use merges::*;
pub(super) use names::*;
pub(super) use quarantine::*;
pub(super) use records::*;
pub(super) use reference::*;
pub(super) use tables::*;
pub(super) use types::*;
