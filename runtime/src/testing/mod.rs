//! What every destination has to do, as checks that the author of one runs against it, and an API that
//! sources are tried with.
//!
//! A [`Fixture`] makes the destination and reads datasets back in a way of its own.
//! [`destination_suite!`](crate::destination_suite) makes a test of every check.

#[cfg(feature = "rest")]
mod api;
mod bed;
mod checks;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::destination::Destination;
#[cfg(feature = "rest")]
pub use api::{Api, ApiRequest, ApiServer, Fault, Paging, Reply, Tokens};

/// Values by column, without nulls.
///
/// Whole numbers of up to 64 bits, finite floats, truth and texts are what JSON has for them, values
/// of JSON columns are themselves. All else is text: decimals and wider numbers with all digits behind
/// the point, instants in UTC as `2024-03-01T10:20:30.000000Z`, times of a wall clock the same without
/// `Z`, dates, times of day with six digits behind the point, bytes in hexadecimal digits, `NaN`.
pub type Row = BTreeMap<String, Json>;

/// How a check ended.
pub type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// A check of a destination. It wants a fixture of its own.
pub type Check = fn(&dyn Fixture) -> Outcome;

/// A destination with nothing in it, and a way to read it that is not floe's.
pub trait Fixture: Sync {
    /// The destination.
    fn destination(&self) -> Arc<dyn Destination>;

    /// The rows of a table, in any order; none if there is no table.
    fn rows(&self, dataset: &str, table: &str) -> Vec<Row>;

    /// Whether several pipelines may write into one dataset at the same time.
    fn takes_concurrent_writers(&self) -> bool {
        false
    }

    /// Names of datasets that could be mistaken for something else here.
    fn odd_datasets(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Calls a macro with the names of all checks.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_destination_check {
    ($act:path, $($args:tt)*) => {
        $act! { [$($args)*]
            integers decimals floats texts times other_types nulls
            new_columns new_tables null_is_refused append replace replace_by_nothing replace_strategies
            merge_by_primary_key merge_by_merge_key merge_without_key dedup_sort hard_delete
            nested_rows_follow_their_root upsert insert_only cdc cdc_with_merge_key scd2
            null_keys_never_match skip_unchanged_rows
            merges_are_those_of_the_reference
            rollback_leaves_nothing loads_are_recorded state_and_schema_come_back crowded_cursor
            quarantine quarantined_tables replay_rejected
            refresh_drops refresh_empties concurrent_writers odd_names reserved_words long_names
            odd_datasets many_rows
        }
    };
}

/// A module with a test for every check; `$fixture` is evaluated for each.
///
/// ```ignore
/// floe::destination_suite!(my_destination, MyFixture::new());
/// ```
#[macro_export]
macro_rules! destination_suite {
    ($module:ident, $fixture:expr) => {
        mod $module {
            use super::*;
            $crate::for_each_destination_check!($crate::destination_tests, $fixture);
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! destination_tests {
    ([$fixture:expr] $($check:ident)*) => {
        $(
            #[test]
            fn $check() {
                let fixture = $fixture;
                if let Err(error) = $crate::testing::check(stringify!($check), &fixture) {
                    panic!("{error}");
                }
            }
        )*
    };
}

macro_rules! list {
    ([] $($check:ident)*) => {
        /// All checks by name.
        pub const CHECKS: &[(&str, Check)] = &[$((stringify!($check), checks::$check)),*];
    };
}
crate::for_each_destination_check!(list,);

/// The names of all places where a run can be made to end by `FLOE_FAULT=<name>:<which time>`.
pub fn fault_points() -> Vec<String> {
    crate::fault::names()
}

/// Runs the check of this name.
pub fn check(name: &str, fixture: &dyn Fixture) -> Outcome {
    match CHECKS.iter().find(|(known, _)| *known == name) {
        Some((_, check)) => check(fixture),
        None => Err(format!("there is no check {name}").into()),
    }
}
