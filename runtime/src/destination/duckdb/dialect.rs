//! What DuckDB calls the types.

use floe_schema::{Column, DataType};

use crate::destination::{Capabilities, sql::Dialect};
use crate::error::{Error, ErrorKind, Result, Step};

/// DuckDB's SQL.
pub(crate) struct DuckDbDialect;

impl Dialect for DuckDbDialect {
    /// Names do not differ in case alone.
    fn same_name(&self, left: &str, right: &str) -> bool {
        left.eq_ignore_ascii_case(right)
    }

    fn temporary_schema(&self) -> Option<&'static str> {
        Some("temp.main")
    }

    /// Constraints do not see that a row is deleted before another one with its key comes.
    fn special(&self, catalog: Option<&str>, dataset: &str, table: &str) -> String {
        let catalog = catalog.map_or_else(|| "current_database()".to_owned(), |catalog| self.text(catalog));
        let (dataset, table) = (self.text(dataset), self.text(table));
        let place = format!("database_name = {catalog} AND schema_name = {dataset} AND table_name = {table}");
        format!(
            "SELECT constraint_type FROM duckdb_constraints() \
             WHERE {place} AND constraint_type NOT IN ('NOT NULL', 'CHECK') \
             UNION ALL SELECT index_name FROM duckdb_indexes() WHERE {place} AND is_unique"
        )
    }

    fn column_type(&self, column: &Column, data_type: DataType) -> Result<String> {
        let capabilities = Capabilities::default();
        let decimal = |(precision, scale): (i64, i64)| {
            let precision = column.precision.unwrap_or(precision);
            format!("DECIMAL({precision},{})", column.scale.unwrap_or(scale))
        };
        Ok(match data_type {
            DataType::Text => "VARCHAR".to_owned(),
            DataType::Bigint => integer(column)?.to_owned(),
            DataType::Double => "DOUBLE".to_owned(),
            DataType::Bool => "BOOLEAN".to_owned(),
            DataType::Timestamp => timestamp(column)?.to_owned(),
            DataType::Date => "DATE".to_owned(),
            DataType::Time => "TIME".to_owned(),
            DataType::Decimal => decimal(capabilities.decimal_precision),
            DataType::Wei => decimal(capabilities.wei_precision),
            DataType::Binary => "BLOB".to_owned(),
            DataType::Json => "JSON".to_owned(),
        })
    }
}

/// A precision counts bits.
fn integer(column: &Column) -> Result<&'static str> {
    Ok(match column.precision {
        None => "BIGINT",
        Some(..=8) => "TINYINT",
        Some(..=16) => "SMALLINT",
        Some(..=32) => "INTEGER",
        Some(..=64) => "BIGINT",
        Some(..=128) => "HUGEINT",
        Some(bits) => return Err(unsupported(column, format!("whole numbers of {bits} bits"))),
    })
}

/// Instants have microseconds; only wall clock times may have another precision.
fn timestamp(column: &Column) -> Result<&'static str> {
    if column.has_timezone() {
        return Ok("TIMESTAMP WITH TIME ZONE");
    }
    Ok(match column.precision.unwrap_or(6) {
        0 => "TIMESTAMP_S",
        1..=3 => "TIMESTAMP_MS",
        4..=6 => "TIMESTAMP",
        7..=9 => "TIMESTAMP_NS",
        digits => return Err(unsupported(column, format!("timestamps with {digits} digits"))),
    })
}

fn unsupported(column: &Column, what: String) -> Error {
    Error::new(ErrorKind::Unsupported, format!("DuckDB has no {what}, as column {} wants", column.name))
        .step(Step::Load)
        .help("give the column a smaller precision")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sql(column: Column) -> String {
        let data_type = column.data_type.unwrap();
        DuckDbDialect.column_type(&column, data_type).unwrap_or_else(|e| e.to_string())
    }

    #[test]
    fn types_are_those_of_dlt() {
        let column = |data_type| Column::new("c", data_type);
        assert_eq!(sql(column(DataType::Decimal)), "DECIMAL(38,9)");
        assert_eq!(sql(column(DataType::Decimal).precision(12)), "DECIMAL(12,9)");
        assert_eq!(sql(column(DataType::Wei)), "DECIMAL(38,0)");
        for (bits, name) in
            [(8, "TINYINT"), (9, "SMALLINT"), (32, "INTEGER"), (64, "BIGINT"), (65, "HUGEINT")]
        {
            assert_eq!(sql(column(DataType::Bigint).precision(bits)), name);
        }
        let wall = |precision| {
            let mut column = column(DataType::Timestamp).precision(precision);
            column.timezone = Some(false);
            column
        };
        for (digits, name) in [(0, "TIMESTAMP_S"), (3, "TIMESTAMP_MS"), (6, "TIMESTAMP"), (9, "TIMESTAMP_NS")]
        {
            assert_eq!(sql(wall(digits)), name);
        }
        assert!(sql(wall(10)).starts_with("DuckDB has no timestamps with 10 digits, as column c wants"));
        assert!(sql(column(DataType::Bigint).precision(200)).contains("whole numbers of 200 bits"));
    }
}
