//! What the tests of floe as a whole share: the binary, datasets in a form that can be compared, and
//! the recorded cases.

pub mod binary;
pub mod canonical;
pub mod compare;
pub mod conformance;
pub mod dataset;
pub mod fixtures;
pub mod frozen;
pub mod libraries;
pub mod postgres;
pub mod random;

pub use binary::{Outcome, floe, floe_path};
pub use compare::{Report, compare};
pub use dataset::Dataset;
