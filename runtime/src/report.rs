//! What a run did.

use std::fmt;

use floe_schema::{Change, is_internal};
use serde::Serialize;

use crate::error::Step;

/// What a run did, for people (`Display`) and for scripts (`Serialize`).
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct RunReport {
    /// The pipeline.
    pub pipeline: String,
    /// The destination, without secrets.
    pub destination: String,
    /// The dataset.
    pub dataset: String,
    /// The packages that were loaded. Empty if there was nothing to load.
    pub load_ids: Vec<String>,
    /// The run only finished packages that an earlier run had left; its own data was not read.
    pub finished_earlier: bool,
    /// Time by step.
    pub steps: Vec<StepReport>,
    /// What was read.
    pub resources: Vec<ResourceReport>,
    /// What was loaded.
    pub tables: Vec<TableReport>,
    /// How the schema changed.
    pub schema_changes: Vec<Change>,
    /// What deserves attention.
    pub warnings: Vec<String>,
    /// The whole time.
    pub seconds: f64,
}

/// The time a step took.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StepReport {
    /// The step.
    pub step: Step,
    /// Its time. Items are normalised while they are read, by several threads; what reading took
    /// counts as extraction.
    pub seconds: f64,
    /// Rows that left the step; items for extraction.
    pub rows: u64,
    /// Bytes that left the step.
    pub bytes: u64,
}

/// What a resource brought.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct ResourceReport {
    /// The resource.
    pub resource: String,
    /// Items that were loaded.
    pub items: u64,
    /// Items that an incremental cursor kept out.
    pub not_new: u64,
    /// Bytes that were read, after decompression.
    pub bytes: u64,
    /// Rows that a contract discarded.
    pub discarded_rows: u64,
    /// Values that a contract discarded.
    pub discarded_values: u64,
    /// Items that a contract kept out, which are in the table for rejected ones.
    pub quarantined: u64,
}

/// What was loaded into a table.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct TableReport {
    /// The table.
    pub table: String,
    /// Rows that were added.
    pub rows: u64,
    /// Bytes of the rows in the package.
    pub bytes: u64,
    /// The time it took to load them.
    pub seconds: f64,
}

impl RunReport {
    /// The rows that were added to a table.
    pub fn rows(&self, table: &str) -> u64 {
        self.tables.iter().filter(|t| t.table == table).map(|t| t.rows).sum()
    }

    /// The rows that were added to all tables but those that keep state.
    pub fn total_rows(&self) -> u64 {
        self.data_tables().map(|t| t.rows).sum()
    }

    fn data_tables(&self) -> impl Iterator<Item = &TableReport> {
        self.tables.iter().filter(|t| !is_internal(&t.table))
    }

    pub(crate) fn add_step(&mut self, step: Step, seconds: f64, rows: u64, bytes: u64) {
        match self.steps.iter_mut().find(|s| s.step == step) {
            Some(known) => {
                known.seconds += seconds;
                known.rows += rows;
                known.bytes += bytes;
            }
            None => self.steps.push(StepReport { step, seconds, rows, bytes }),
        }
    }

    pub(crate) fn add_table(&mut self, table: &str, rows: u64, bytes: u64, seconds: f64) {
        match self.tables.iter_mut().find(|t| t.table == table) {
            Some(known) => {
                known.rows += rows;
                known.bytes += bytes;
                known.seconds += seconds;
            }
            None => self.tables.push(TableReport { table: table.to_owned(), rows, bytes, seconds }),
        }
    }
}

/// `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1536` as `1.5 KB`.
pub fn byte_size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];
    let mut size = bytes as f64;
    let mut unit = 0;
    while size >= 999.5 && unit + 1 < UNITS.len() {
        size /= 1000.0;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or_default();
    if unit == 0 || size >= 99.95 { format!("{size:.0} {name}") } else { format!("{size:.1} {name}") }
}

/// Rows of texts as columns: the first one to the left, the others to the right.
fn write_columns(f: &mut fmt::Formatter<'_>, rows: &[Vec<String>]) -> fmt::Result {
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|text| text.chars().count()).max().unwrap_or(0)
    };
    for row in rows {
        f.write_str("\n ")?;
        for (column, text) in row.iter().enumerate() {
            let width = width(column);
            if column == 0 { write!(f, " {text:<width$}")? } else { write!(f, "  {text:>width$}")? }
        }
    }
    Ok(())
}

impl fmt::Display for RunReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (destination, dataset) = (&self.destination, &self.dataset);
        if self.load_ids.is_empty() {
            write!(f, "{}: nothing new for {destination}, dataset {dataset}", self.pipeline)?;
        } else {
            write!(
                f,
                "{}: {} rows into {destination}, dataset {dataset}, in {:.2} s",
                self.pipeline,
                grouped(self.total_rows()),
                self.seconds
            )?;
        }
        if self.finished_earlier {
            f.write_str("\n  an earlier run was finished; run again to load new data")?;
        }
        let row = |t: &TableReport| {
            vec![t.table.clone(), grouped(t.rows), byte_size(t.bytes), format!("{:.2} s", t.seconds)]
        };
        let mut rows = vec![["table", "rows", "bytes", "load"].map(str::to_owned).to_vec()];
        rows.extend(self.data_tables().map(row));
        if rows.len() > 1 {
            write_columns(f, &rows)?;
        }
        for resource in &self.resources {
            let (rows, values) = (resource.discarded_rows, resource.discarded_values);
            if rows + values > 0 {
                let (rows, values) = (grouped(rows), grouped(values));
                write!(
                    f,
                    "\n  {}: the contract discarded {rows} rows and {values} values",
                    resource.resource
                )?;
            }
        }
        for resource in self.resources.iter().filter(|r| r.quarantined > 0) {
            let items = grouped(resource.quarantined);
            write!(f, "\n  {}: the contract rejected {items} items", resource.resource)?;
        }
        let changes = self.schema_changes.iter().map(ToString::to_string);
        for (n, change) in changes.enumerate() {
            write!(f, "\n{} {change}", if n == 0 { "  schema:" } else { "         " })?;
        }
        for warning in &self.warnings {
            write!(f, "\n  warning: {warning}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_easy_to_read() {
        assert_eq!([0, 999, 1000, 1234567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [0, 999, 1500, 99_940, 123_456, 999_999, 20_000_000_000].map(byte_size),
            ["0 B", "999 B", "1.5 KB", "99.9 KB", "123 KB", "1.0 MB", "20.0 GB"]
        );
    }

    #[test]
    fn the_report_is_a_table() {
        let mut report = RunReport { pipeline: "p".into(), dataset: "d".into(), ..RunReport::default() };
        report.destination = "x.duckdb".into();
        assert_eq!(report.to_string(), "p: nothing new for x.duckdb, dataset d");
        report.load_ids.push("1.5".into());
        report.add_table("items", 1000, 2048, 0.5);
        report.add_table("items__tags", 7, 10, 0.001);
        report.add_table("_dlt_pipeline_state", 1, 10, 0.001);
        report.add_table("items", 1, 0, 0.0);
        report.resources.push(ResourceReport {
            resource: "r".into(),
            discarded_rows: 2,
            quarantined: 1,
            ..ResourceReport::default()
        });
        report.schema_changes.push(Change::TableAdded { table: "items".into() });
        report.schema_changes.push(Change::ColumnRemoved { table: "items".into(), column: "x".into() });
        report.warnings.push("careful".into());
        assert_eq!(
            report.to_string(),
            "p: 1,008 rows into x.duckdb, dataset d, in 0.00 s\n  \
             table         rows   bytes    load\n  \
             items        1,001  2.0 KB  0.50 s\n  \
             items__tags      7    10 B  0.00 s\n  \
             r: the contract discarded 2 rows and 0 values\n  \
             r: the contract rejected 1 items\n  \
             schema: + table items\n          - items.x\n  \
             warning: careful"
        );
    }
}
