//! What Postgres calls the types.

use floe_schema::{Column, DataType};

use super::capabilities;
use crate::destination::sql::Dialect;
use crate::error::{Error, ErrorKind, Result, Step};

/// Postgres' SQL.
pub(crate) struct PostgresDialect {
    /// Whether columns that are unique have an index that keeps them so.
    pub(crate) indexes: bool,
}

impl Dialect for PostgresDialect {
    /// Names that differ in case are different.
    fn same_name(&self, left: &str, right: &str) -> bool {
        left == right
    }

    /// Rows that are thrown away need no log.
    fn staged_table(&self) -> &'static str {
        "UNLOGGED TABLE"
    }

    fn constraint(&self, column: &Column) -> &'static str {
        if self.indexes && column.has(floe_schema::Hint::Unique) { " UNIQUE" } else { "" }
    }

    fn temporary_schema(&self) -> Option<&'static str> {
        None
    }

    fn row_place(&self) -> Option<&'static str> {
        Some("ctid")
    }

    /// Rows of partitions are elsewhere, and triggers and rules, which foreign keys have as well, do more.
    fn special(&self, _catalog: Option<&str>, dataset: &str, table: &str) -> String {
        format!(
            "SELECT 1 FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace \
             WHERE n.nspname = {} AND c.relname = {} \
             AND (c.relkind <> 'r' OR c.relhassubclass OR c.relhastriggers OR c.relhasrules)",
            self.text(dataset),
            self.text(table)
        )
    }

    /// The order of a database follows a language.
    fn by_bytes(&self, text: String) -> String {
        format!("{text} COLLATE \"C\"")
    }

    fn column_type(&self, column: &Column, data_type: DataType) -> Result<String> {
        let decimal = |(precision, scale): (i64, i64)| {
            let precision = column.precision.unwrap_or(precision);
            format!("numeric({precision},{})", column.scale.unwrap_or(scale))
        };
        Ok(match data_type {
            DataType::Text => match column.precision {
                Some(length) => format!("varchar({length})"),
                None => "varchar".to_owned(),
            },
            DataType::Bigint => integer(column)?.to_owned(),
            DataType::Double => "double precision".to_owned(),
            DataType::Bool => "boolean".to_owned(),
            DataType::Timestamp => {
                let zone = if column.has_timezone() { "with" } else { "without" };
                format!("timestamp{} {zone} time zone", digits(column)?)
            }
            DataType::Date => "date".to_owned(),
            DataType::Time => format!("time{} without time zone", digits(column)?),
            DataType::Decimal => decimal(capabilities().decimal_precision),
            DataType::Wei => decimal(capabilities().wei_precision),
            DataType::Binary => "bytea".to_owned(),
            DataType::Json => "jsonb".to_owned(),
        })
    }
}

/// A precision counts bits. dlt refuses more than 64 of them.
fn integer(column: &Column) -> Result<&'static str> {
    Ok(match column.precision {
        None => "bigint",
        Some(..=16) => "smallint",
        Some(..=32) => "integer",
        Some(..=64) => "bigint",
        Some(..=128) => "numeric(39,0)",
        Some(bits) => return Err(unsupported(column, format!("whole numbers of {bits} bits"))),
    })
}

/// The digits of a fraction of a second.
fn digits(column: &Column) -> Result<String> {
    match column.precision {
        None => Ok(String::new()),
        Some(digits @ 0..=6) => Ok(format!(" ({digits})")),
        Some(digits) => Err(unsupported(column, format!("times with {digits} digits"))),
    }
}

fn unsupported(column: &Column, what: String) -> Error {
    Error::new(ErrorKind::Unsupported, format!("Postgres has no {what}, as column {} wants", column.name))
        .step(Step::Load)
        .help("give the column a smaller precision")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sql(column: Column) -> String {
        let data_type = column.data_type.unwrap();
        let dialect = PostgresDialect { indexes: true };
        dialect.column_type(&column, data_type).unwrap_or_else(|e| e.to_string())
    }

    #[test]
    fn types_are_those_of_dlt() {
        let column = |data_type| Column::new("c", data_type);
        assert_eq!(sql(column(DataType::Text).precision(12)), "varchar(12)");
        assert_eq!(sql(column(DataType::Decimal)), "numeric(38,9)");
        assert_eq!(sql(column(DataType::Decimal).precision(12)), "numeric(12,9)");
        assert_eq!(sql(column(DataType::Wei)), "numeric(156,78)");
        for (bits, name) in
            [(8, "smallint"), (16, "smallint"), (17, "integer"), (64, "bigint"), (65, "numeric(39,0)")]
        {
            assert_eq!(sql(column(DataType::Bigint).precision(bits)), name);
        }
        assert_eq!(sql(column(DataType::Time).precision(3)), "time (3) without time zone");
        assert_eq!(sql(column(DataType::Timestamp)), "timestamp with time zone");
        let mut wall = column(DataType::Timestamp).precision(0);
        wall.timezone = Some(false);
        assert_eq!(sql(wall.clone()), "timestamp (0) without time zone");
        assert!(sql(wall.precision(9)).starts_with("Postgres has no times with 9 digits, as column c wants"));
        assert!(sql(column(DataType::Bigint).precision(200)).contains("whole numbers of 200 bits"));
    }
}
