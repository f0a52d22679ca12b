//! How a load takes the place of the rows of a table.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// How `replace` gives a table its new rows. All of it happens in the transaction of the package: a
/// load that fails leaves the former rows.
///
/// ```
/// use floe::ReplaceStrategy;
/// assert_eq!(ReplaceStrategy::default().to_string(), "staging-optimized");
/// assert!("truncate-and-insert".parse::<ReplaceStrategy>().is_ok());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReplaceStrategy {
    /// The table is truncated, which is quick and gives its space back. In Postgres, readers wait until
    /// the load is complete, and those with an older snapshot find the table empty.
    TruncateAndInsert,
    /// The new rows are complete in the staging dataset before they take the place of the former ones.
    /// The table itself is written in one short step; readers see the former rows until then.
    InsertFromStaging,
    /// The way of the destination that is the quickest of those in which nobody ever sees an empty or
    /// half-filled table.
    #[default]
    StagingOptimized,
}

impl ReplaceStrategy {
    const ALL: [(Self, &'static str); 3] = [
        (Self::TruncateAndInsert, "truncate-and-insert"),
        (Self::InsertFromStaging, "insert-from-staging"),
        (Self::StagingOptimized, "staging-optimized"),
    ];
}

impl fmt::Display for ReplaceStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(strategy, _)| strategy == self).map_or("", |(_, name)| name);
        f.write_str(name)
    }
}

impl FromStr for ReplaceStrategy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let known = Self::ALL.iter().find(|(_, name)| *name == text);
        known.map(|(strategy, _)| *strategy).ok_or_else(|| {
            Error::config(format!("there is no replace strategy `{text}`"))
                .help("it is one of truncate-and-insert, insert-from-staging and staging-optimized")
        })
    }
}
