//! Statements for destinations that speak SQL.
//!
//! The text of every statement is made here, from a [`Dialect`] that knows what differs.

mod exchange;
mod merge;
mod read;
mod statements;
mod upsert;

use floe_schema::{Column, DataType};

use crate::error::Result;

pub(crate) use merge::statements as merge_statements;
pub(crate) use statements::Statements;

/// What differs between SQL databases.
pub(crate) trait Dialect {
    /// The type of a column.
    fn column_type(&self, column: &Column, data_type: DataType) -> Result<String>;

    /// A name in quotes.
    fn quote(&self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    /// Whether two names mean the same column.
    fn same_name(&self, left: &str, right: &str) -> bool;

    /// What is created for rows that a merge throws away.
    fn staged_table(&self) -> &'static str {
        "TABLE"
    }

    /// What the definition of a column ends with.
    fn constraint(&self, _column: &Column) -> &'static str {
        ""
    }

    /// The schema in which temporary tables are, if a merge keeps what it has found there. Otherwise that goes to
    /// the tables for staged rows.
    fn temporary_schema(&self) -> Option<&'static str>;

    /// The column that says where a row is, if rows are deleted faster by it.
    fn row_place(&self) -> Option<&'static str> {
        None
    }

    /// A query that has a result if rows of a table cannot be deleted and inserted as those of any other, because
    /// something depends on them or because they are elsewhere.
    fn special(&self, catalog: Option<&str>, dataset: &str, table: &str) -> String;

    /// A text as it is put in order by its bytes.
    fn by_bytes(&self, text: String) -> String {
        text
    }

    /// A text literal.
    fn text(&self, text: &str) -> String {
        format!("'{}'", text.replace('\'', "''"))
    }

    /// An instant in microseconds since 1970 as a literal.
    fn timestamp(&self, micros: i64) -> String {
        format!("TIMESTAMP WITH TIME ZONE {}", self.text(&crate::value::time::iso_text(micros)))
    }
}
