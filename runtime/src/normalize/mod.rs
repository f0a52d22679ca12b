//! Items become rows.

mod column;
pub(crate) mod contract;
mod decode;
pub(crate) mod engine;
mod evolve;
pub(crate) mod items;
mod keccak;
mod key;
pub(crate) mod page;
pub(crate) mod plan;
mod reject;
mod rows;
mod rules;
pub(crate) mod scan;
mod slow;
pub(crate) mod tree;
