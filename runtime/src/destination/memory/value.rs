//! Rows in memory.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType as ArrowType, Date32Type, Decimal128Type, Float64Type, Int64Type, Time64MicrosecondType,
    TimeUnit, TimestampMicrosecondType,
};
use serde_json::Value as Json;

use crate::error::{Error, Result};
use crate::value::time::{DAY, date_text};

/// A row: values by column, without nulls.
pub(super) type Row = BTreeMap<String, Value>;

/// A value that is not null.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Bool(bool),
    Int(i64),
    /// Digits, and how many of them are behind the point.
    Decimal(i128, i8),
    Double(f64),
    Text(String),
    Bytes(Vec<u8>),
    /// Microseconds since 1970 in UTC.
    Instant(i64),
    /// Microseconds since 1970 where the clock hangs.
    WallClock(i64),
    /// Days since 1970.
    Date(i32),
    /// Microseconds since midnight.
    Time(i64),
}

impl Value {
    /// As it is compared by eye: numbers, truth and texts as JSON has them, the rest as text.
    pub(super) fn to_json(&self) -> Json {
        match self {
            Self::Bool(value) => (*value).into(),
            Self::Int(value) => (*value).into(),
            Self::Double(value) if value.is_finite() => (*value).into(),
            other => other.text().into(),
        }
    }

    /// The value as text.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Decimal(digits, scale) => decimal_text(*digits, *scale),
            Self::Double(value) if value.is_finite() => value.to_string(),
            Self::Double(value) => floe_schema::hash::python_float(*value),
            Self::Text(text) => text.clone(),
            Self::Bytes(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            Self::Instant(micros) => format!("{}Z", clock_text(*micros)),
            Self::WallClock(micros) => clock_text(*micros),
            Self::Date(days) => date_text(i64::from(*days)),
            Self::Time(micros) => micros_text(*micros),
        }
    }

    /// The place of the kind among the kinds, so that any two values have an order.
    fn kind(&self) -> u8 {
        match self {
            Self::Bool(_) => 0,
            Self::Int(_) => 1,
            Self::Decimal(..) => 2,
            Self::Double(_) => 3,
            Self::Text(_) => 4,
            Self::Bytes(_) => 5,
            Self::Instant(_) => 6,
            Self::WallClock(_) => 7,
            Self::Date(_) => 8,
            Self::Time(_) => 9,
        }
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Decimal(a, _), Self::Decimal(b, _)) => a.cmp(b),
            // a zero has no sign, and what is no number is the greatest
            (Self::Double(a), Self::Double(b)) => {
                a.partial_cmp(b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
            }
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Bytes(a), Self::Bytes(b)) => a.cmp(b),
            (Self::Date(a), Self::Date(b)) => a.cmp(b),
            (Self::Int(a), Self::Int(b))
            | (Self::Instant(a), Self::Instant(b))
            | (Self::WallClock(a), Self::WallClock(b))
            | (Self::Time(a), Self::Time(b)) => a.cmp(b),
            _ => self.kind().cmp(&other.kind()),
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Value {}

fn decimal_text(digits: i128, scale: i8) -> String {
    let scale = usize::try_from(scale).unwrap_or_default();
    let sign = if digits < 0 { "-" } else { "" };
    let all = format!("{:0>width$}", digits.unsigned_abs().to_string(), width = scale + 1);
    let (whole, part) = all.split_at(all.len() - scale);
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

fn clock_text(micros: i64) -> String {
    format!("{}T{}", date_text(micros.div_euclid(DAY)), micros_text(micros.rem_euclid(DAY)))
}

fn micros_text(micros: i64) -> String {
    let seconds = micros / 1_000_000;
    format!("{:02}:{:02}:{:02}.{:06}", seconds / 3600, seconds / 60 % 60, seconds % 60, micros % 1_000_000)
}

/// The rows of a batch.
pub(super) fn rows_of(batch: &RecordBatch) -> Result<Vec<Row>> {
    let mut rows = vec![Row::new(); batch.num_rows()];
    for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
        let values = values_of(array)?;
        for (row, value) in rows.iter_mut().zip(values) {
            if let Some(value) = value {
                row.insert(field.name().clone(), value);
            }
        }
    }
    Ok(rows)
}

fn values_of(array: &dyn Array) -> Result<Vec<Option<Value>>> {
    macro_rules! values {
        ($array:expr, $value:expr) => {
            $array.iter().map(|value| value.map($value)).collect()
        };
    }
    Ok(match array.data_type() {
        ArrowType::Boolean => values!(array.as_boolean(), Value::Bool),
        ArrowType::Int64 => values!(array.as_primitive::<Int64Type>(), Value::Int),
        ArrowType::Decimal128(_, scale) => {
            values!(array.as_primitive::<Decimal128Type>(), |digits| Value::Decimal(digits, *scale))
        }
        ArrowType::Float64 => values!(array.as_primitive::<Float64Type>(), Value::Double),
        ArrowType::Utf8 => values!(array.as_string::<i32>(), |text: &str| Value::Text(text.to_owned())),
        ArrowType::Binary => values!(array.as_binary::<i32>(), |bytes: &[u8]| Value::Bytes(bytes.to_vec())),
        ArrowType::Timestamp(TimeUnit::Microsecond, zone) => {
            let value = if zone.is_some() { Value::Instant } else { Value::WallClock };
            values!(array.as_primitive::<TimestampMicrosecondType>(), value)
        }
        ArrowType::Date32 => values!(array.as_primitive::<Date32Type>(), Value::Date),
        ArrowType::Time64(TimeUnit::Microsecond) => {
            values!(array.as_primitive::<Time64MicrosecondType>(), Value::Time)
        }
        other => return Err(Error::internal(format!("rows with values of the type {other}"))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_alike_by_all() {
        let texts = [
            (Value::Decimal(-5, 3), "-0.005"),
            (Value::Decimal(12345, 2), "123.45"),
            (Value::Decimal(7, 0), "7"),
            (Value::Bytes(vec![0, 255]), "00ff"),
            (Value::Instant(-1), "1969-12-31T23:59:59.999999Z"),
            (Value::WallClock(0), "1970-01-01T00:00:00.000000"),
            (Value::Date(-1), "1969-12-31"),
            (Value::Time(3_723_000_004), "01:02:03.000004"),
        ];
        for (value, text) in texts {
            assert_eq!(value.to_json(), text);
        }
    }

    #[test]
    fn equal_is_what_sql_calls_equal() {
        assert_eq!(Value::Double(0.0), Value::Double(-0.0));
        assert_eq!(Value::Double(f64::NAN), Value::Double(f64::NAN));
        assert!(Value::Double(f64::NAN) > Value::Double(f64::INFINITY));
        assert_ne!(Value::Int(1), Value::Text("1".to_owned()));
    }
}
