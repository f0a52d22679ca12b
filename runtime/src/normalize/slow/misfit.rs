//! What is said of values that do not fit.

use floe_schema::DataType;

use super::text_of;
use crate::error::{Error, ErrorKind, Step};
use crate::value::Value;

/// The value as an error message shows it.
fn shown(value: &Value<'_>) -> String {
    const LONGEST: usize = 60;
    let text = text_of(value);
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    match value {
        Value::Text(_) => format!("\"{short}\""),
        _ => short,
    }
}

pub(super) fn not_null(table: &str, column: &str) -> Error {
    let message = format!("null in column {table}.{column}, which is not nullable");
    Error::new(ErrorKind::NotNull, message)
        .table(table)
        .column(column)
        .help("give the row a value, or make the column nullable")
}

pub(super) fn no_coercion(
    table: &str,
    column: &str,
    kind: DataType,
    to: DataType,
    value: &Value<'_>,
) -> Error {
    let message = format!("{kind} {} does not fit into {to} column {table}.{column}", shown(value));
    Error::new(ErrorKind::Coerce, message)
        .table(table)
        .column(column)
        .help(format!("declare the column as text, or {column} with another type"))
}

pub(super) fn out_of_range(table: &str, column: &str, to: DataType, why: &str, value: &Value<'_>) -> Error {
    let message = format!("{} cannot be stored in {to} column {table}.{column}: {why}", shown(value));
    Error::new(ErrorKind::Destination, message).step(Step::Load).table(table).column(column).help(
        "declare the column with a type that holds it, such as text, or decimal with precision and scale",
    )
}
