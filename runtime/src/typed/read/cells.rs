//! Columns of a batch, value by value.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array,
    Int64Array, RecordBatch, StringArray, Time64MicrosecondArray, TimestampMicrosecondArray,
    TimestampNanosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType as ArrowType, TimeUnit};
use arrow::error::ArrowError;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat};
use floe_schema::DataType;

/// A value of a column.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell<'c> {
    Bool(bool),
    Int(i64),
    /// Digits and how many of them are behind the point.
    Decimal(i128, u32),
    Double(f64),
    Text(&'c str),
    Bytes(&'c [u8]),
    /// Days, times and instants, as they are written.
    Time(String),
}

/// Arrays of few types; all others are cast to one of them.
#[derive(Debug)]
enum Values {
    Bool(BooleanArray),
    Int(Int64Array),
    Decimal(Decimal128Array, u32),
    Double(Float64Array),
    Text(StringArray),
    Bytes(BinaryArray),
    Date(Date32Array),
    Time(Time64MicrosecondArray),
    Micros(TimestampMicrosecondArray, bool),
    Nanos(TimestampNanosecondArray, bool),
}

/// The columns of a batch.
#[derive(Debug, Clone)]
pub(super) struct Cells(Arc<Vec<Values>>);

impl Cells {
    pub(super) fn new(batch: &RecordBatch) -> Result<Self, ArrowError> {
        let columns = batch.columns().iter().map(Values::new).collect::<Result<_, _>>()?;
        Ok(Self(Arc::new(columns)))
    }

    /// A value, or nothing for a null.
    pub(super) fn get(&self, column: usize, row: usize) -> Option<Cell<'_>> {
        self.0.get(column)?.get(row)
    }
}

impl Values {
    fn new(array: &ArrayRef) -> Result<Self, ArrowError> {
        let array = match array.data_type() {
            ArrowType::Dictionary(_, values) => &cast(array, values)?,
            _ => array,
        };
        let to = |to: &ArrowType| cast(array, to);
        Ok(match array.data_type() {
            ArrowType::Boolean => Self::Bool(array.as_boolean().clone()),
            of if of.is_integer() => Self::Int(to(&ArrowType::Int64)?.as_primitive().clone()),
            of if of.is_floating() => Self::Double(to(&ArrowType::Float64)?.as_primitive().clone()),
            ArrowType::Decimal128(_, scale @ 0..) => {
                Self::Decimal(array.as_primitive().clone(), u32::from(scale.unsigned_abs()))
            }
            ArrowType::Binary
            | ArrowType::LargeBinary
            | ArrowType::BinaryView
            | ArrowType::FixedSizeBinary(_) => Self::Bytes(to(&ArrowType::Binary)?.as_binary().clone()),
            ArrowType::Date32 | ArrowType::Date64 => {
                Self::Date(to(&ArrowType::Date32)?.as_primitive().clone())
            }
            ArrowType::Time32(_) | ArrowType::Time64(_) => {
                Self::Time(to(&ArrowType::Time64(TimeUnit::Microsecond))?.as_primitive().clone())
            }
            ArrowType::Timestamp(TimeUnit::Nanosecond, zone) => Self::Nanos(
                to(&ArrowType::Timestamp(TimeUnit::Nanosecond, None))?.as_primitive().clone(),
                zone.is_some(),
            ),
            ArrowType::Timestamp(_, zone) => Self::Micros(
                to(&ArrowType::Timestamp(TimeUnit::Microsecond, None))?.as_primitive().clone(),
                zone.is_some(),
            ),
            _ => Self::Text(to(&ArrowType::Utf8)?.as_string().clone()),
        })
    }

    fn get(&self, row: usize) -> Option<Cell<'_>> {
        macro_rules! value {
            ($array:expr) => {
                if row < $array.len() && $array.is_valid(row) { Some($array.value(row)) } else { None }
            };
        }
        Some(match self {
            Self::Bool(array) => Cell::Bool(value!(array)?),
            Self::Int(array) => Cell::Int(value!(array)?),
            Self::Decimal(array, scale) => Cell::Decimal(value!(array)?, *scale),
            Self::Double(array) => Cell::Double(value!(array)?),
            Self::Text(array) => Cell::Text(value!(array)?),
            Self::Bytes(array) => Cell::Bytes(value!(array)?),
            Self::Date(array) => Cell::Time(date(value!(array)?)),
            Self::Time(array) => Cell::Time(time(value!(array)?)),
            Self::Micros(array, zoned) => {
                Cell::Time(instant(DateTime::from_timestamp_micros(value!(array)?), *zoned))
            }
            Self::Nanos(array, zoned) => {
                Cell::Time(instant(Some(DateTime::from_timestamp_nanos(value!(array)?)), *zoned))
            }
        })
    }
}

/// Far days have no text in chrono; such a text no type reads.
const FAR: &str = "a time beyond the calendar";

fn date(days: i32) -> String {
    let epoch = NaiveDate::default();
    let date = epoch.checked_add_signed(chrono::TimeDelta::days(days.into()));
    date.map_or_else(|| FAR.to_owned(), |date| date.to_string())
}

fn time(micros: i64) -> String {
    let (seconds, rest) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    let time = u32::try_from(seconds)
        .ok()
        .and_then(|s| NaiveTime::from_num_seconds_from_midnight_opt(s, rest as u32 * 1000));
    time.map_or_else(|| FAR.to_owned(), |time| time.to_string())
}

fn instant(at: Option<DateTime<chrono::Utc>>, zoned: bool) -> String {
    match at {
        None => FAR.to_owned(),
        Some(at) if zoned => at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        // with a T in the middle, as serde has it
        Some(at) => format!("{:?}", NaiveDateTime::new(at.date_naive(), at.time())),
    }
}

/// A decimal number as text.
pub(super) fn decimal(units: i128, scale: u32) -> String {
    let digits = units.unsigned_abs().to_string();
    let scale = usize::try_from(scale).unwrap_or_default();
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, part) = padded.split_at(padded.len() - scale);
    let sign = if units < 0 { "-" } else { "" };
    if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

/// Whether a column of this type is what a column of the dataset came as.
pub(super) fn fits(says: DataType, comes: &ArrowType) -> bool {
    use ArrowType as A;
    let is_text = matches!(comes, A::Utf8 | A::LargeUtf8 | A::Utf8View);
    match says {
        DataType::Text | DataType::Json => is_text,
        DataType::Bool => *comes == A::Boolean,
        DataType::Bigint => comes.is_integer() || matches!(comes, A::Decimal128(_, 0)),
        DataType::Double => comes.is_floating(),
        DataType::Decimal => matches!(comes, A::Decimal128(..) | A::Decimal256(..)) || is_text,
        DataType::Wei => {
            matches!(comes, A::Decimal128(..) | A::Decimal256(..)) || comes.is_integer() || is_text
        }
        DataType::Binary => {
            matches!(comes, A::Binary | A::LargeBinary | A::BinaryView | A::FixedSizeBinary(_))
        }
        DataType::Timestamp => matches!(comes, A::Timestamp(..)),
        DataType::Date => matches!(comes, A::Date32 | A::Date64),
        DataType::Time => matches!(comes, A::Time32(_) | A::Time64(_)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_serde_reads_them() {
        assert_eq!(date(-1), "1969-12-31");
        assert_eq!(date(i32::MAX), FAR);
        assert_eq!(time(3_723_000_004), "01:02:03.000004");
        assert_eq!(time(-1), FAR);
        let at = |micros, zoned| instant(DateTime::from_timestamp_micros(micros), zoned);
        assert_eq!(at(0, true), "1970-01-01T00:00:00Z");
        assert_eq!(at(120_000, false), "1970-01-01T00:00:00.120");
        assert_eq!(at(i64::MAX, true), FAR);
    }

    #[test]
    fn decimals_have_their_digits() {
        assert_eq!(decimal(-5, 3), "-0.005");
        assert_eq!(decimal(12_345, 2), "123.45");
        assert_eq!(decimal(7, 0), "7");
    }
}
