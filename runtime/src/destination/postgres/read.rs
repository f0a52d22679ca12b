//! Rows on their way out: cursors of one transaction, from which batches of Arrow are fetched.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch,
    StringArray, Time64MicrosecondArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType as ArrowType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatchReader;
use tokio_postgres::types::{FromSql, Type};
use tokio_postgres::{Column, Row, Statement};

use super::connection::Connection;
use super::numeric;
use super::values::{EPOCH_DAYS, EPOCH_MICROS, Format};
use crate::destination::Batches;
use crate::error::{Error, ErrorKind, Result};

/// Rows that are fetched at once.
const FETCH: usize = 2048;
/// Digits of a decimal number in Arrow.
const MAX_PRECISION: u16 = 38;

/// Opens a cursor for each query. All of them see the same moment.
pub(super) fn open(connection: Connection, begin: &str, queries: &[String]) -> Result<Vec<Batches>> {
    connection.execute(begin)?;
    for (n, query) in queries.iter().enumerate() {
        connection.execute(&format!("DECLARE floe_{n} NO SCROLL CURSOR FOR {query}"))?;
    }
    let connection = Arc::new(connection);
    let cursor = |n| {
        let fetch = connection.prepare(&format!("FETCH {FETCH} FROM floe_{n}"))?;
        let columns = fetch.columns().iter().map(Values::of).collect::<Result<Vec<_>>>()?;
        let fields = fetch.columns().iter().zip(&columns);
        let fields: Vec<Field> =
            fields.map(|(column, of)| Field::new(column.name(), of.arrow(), true)).collect();
        let cursor = Cursor {
            connection: connection.clone(),
            fetch,
            columns,
            schema: Arc::new(Schema::new(fields)),
            ended: false,
        };
        Ok(Batches::new(Box::new(cursor)))
    };
    (0..queries.len()).map(cursor).collect()
}

struct Cursor {
    connection: Arc<Connection>,
    fetch: Statement,
    columns: Vec<Values>,
    schema: SchemaRef,
    ended: bool,
}

impl Cursor {
    fn batch(&mut self) -> Result<Option<RecordBatch>> {
        let rows = self.connection.rows(&self.fetch)?;
        if rows.is_empty() {
            return Ok(None);
        }
        let arrays = self.columns.iter().enumerate().map(|(n, of)| {
            of.array(&rows, n).ok_or_else(|| {
                let name = self.schema.fields().get(n).map(|field| field.name().clone()).unwrap_or_default();
                Error::new(
                    ErrorKind::Destination,
                    format!("column {name} has a value that Arrow has no place for"),
                )
                .column(name)
                .help("such as an infinite date: turn it into a text with SQL")
            })
        });
        let arrays = arrays.collect::<Result<Vec<_>>>()?;
        let batch = RecordBatch::try_new(self.schema.clone(), arrays);
        batch.map(Some).map_err(|e| Error::internal("rows of Postgres are not what it says").cause(e))
    }
}

impl Iterator for Cursor {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let batch = self.batch().map_err(|e| ArrowError::ExternalError(Box::new(e))).transpose();
        self.ended = !matches!(batch, Some(Ok(_)));
        batch
    }
}

impl RecordBatchReader for Cursor {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

/// A value in the binary format.
struct Raw<'r>(&'r [u8]);

impl<'r> FromSql<'r> for Raw<'r> {
    fn from_sql(_: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// How the values of a column become an array.
struct Values {
    format: Format,
    zoned: bool,
    /// Digits and digits behind the point of a number that has room in Arrow.
    decimal: Option<(u8, i8)>,
}

impl Values {
    fn of(column: &Column) -> Result<Self> {
        let of = column.type_();
        let format = Format::of(of).ok_or_else(|| {
            let name = column.name();
            let message = format!("column {name} of the result is {of}, which is not read");
            Error::new(ErrorKind::Unsupported, message)
                .column(name)
                .help(format!("select it as `{name}::text`"))
        })?;
        Ok(Self { format, zoned: *of == Type::TIMESTAMPTZ, decimal: decimal(column.type_modifier()) })
    }

    fn arrow(&self) -> ArrowType {
        match self.format {
            Format::Int2 | Format::Int4 | Format::Int8 => ArrowType::Int64,
            Format::Float4 | Format::Float8 => ArrowType::Float64,
            Format::Bool => ArrowType::Boolean,
            Format::Text | Format::Jsonb => ArrowType::Utf8,
            Format::Bytes => ArrowType::Binary,
            Format::Date => ArrowType::Date32,
            Format::Time => ArrowType::Time64(TimeUnit::Microsecond),
            Format::Timestamp => {
                ArrowType::Timestamp(TimeUnit::Microsecond, self.zoned.then(|| "UTC".into()))
            }
            Format::Numeric => self.decimal.map_or(ArrowType::Utf8, |(p, s)| ArrowType::Decimal128(p, s)),
        }
    }

    /// The values of a column; nothing if one has no place in the array.
    fn array(&self, rows: &[Row], column: usize) -> Option<ArrayRef> {
        Some(match self.format {
            Format::Int2 => Arc::new(
                values(rows, column, |raw| number(raw, |b| i64::from(i16::from_be_bytes(b))))?
                    .collect::<Int64Array>(),
            ),
            Format::Int4 => Arc::new(
                values(rows, column, |raw| number(raw, |b| i64::from(i32::from_be_bytes(b))))?
                    .collect::<Int64Array>(),
            ),
            Format::Int8 => {
                Arc::new(values(rows, column, |raw| number(raw, i64::from_be_bytes))?.collect::<Int64Array>())
            }
            Format::Float4 => Arc::new(
                values(rows, column, |raw| number(raw, |b| f64::from(f32::from_be_bytes(b))))?
                    .collect::<Float64Array>(),
            ),
            Format::Float8 => Arc::new(
                values(rows, column, |raw| number(raw, f64::from_be_bytes))?.collect::<Float64Array>(),
            ),
            Format::Bool => Arc::new(
                values(rows, column, |raw| raw.first().map(|byte| *byte != 0))?.collect::<BooleanArray>(),
            ),
            Format::Text => {
                Arc::new(values(rows, column, |raw| std::str::from_utf8(raw).ok())?.collect::<StringArray>())
            }
            // the first byte is the version of the format
            Format::Jsonb => Arc::new(
                values(rows, column, |raw| std::str::from_utf8(raw.get(1..)?).ok())?.collect::<StringArray>(),
            ),
            Format::Bytes => Arc::new(values(rows, column, Some)?.collect::<BinaryArray>()),
            Format::Date => Arc::new(
                values(rows, column, |raw| {
                    finite(number(raw, i32::from_be_bytes)?, i32::MIN, i32::MAX)?.checked_add(EPOCH_DAYS)
                })?
                .collect::<Date32Array>(),
            ),
            Format::Time => Arc::new(
                values(rows, column, |raw| number(raw, i64::from_be_bytes))?
                    .collect::<Time64MicrosecondArray>(),
            ),
            Format::Timestamp => {
                let micros = |raw: &[u8]| {
                    finite(number(raw, i64::from_be_bytes)?, i64::MIN, i64::MAX)?.checked_add(EPOCH_MICROS)
                };
                let array: TimestampMicrosecondArray = values(rows, column, micros)?.collect();
                Arc::new(if self.zoned { array.with_timezone("UTC") } else { array })
            }
            Format::Numeric => match self.decimal {
                Some((precision, scale)) => {
                    let units = |raw: &[u8]| numeric::units(raw, scale.unsigned_abs().into());
                    let array: Decimal128Array = values(rows, column, units)?.collect();
                    Arc::new(array.with_precision_and_scale(precision, scale).ok()?)
                }
                None => Arc::new(values(rows, column, numeric::text)?.collect::<StringArray>()),
            },
        })
    }
}

/// The values of a column, or nothing if one of them cannot be read.
fn values<'r, T>(
    rows: &'r [Row],
    column: usize,
    read: impl Fn(&'r [u8]) -> Option<T>,
) -> Option<std::vec::IntoIter<Option<T>>> {
    let value = |row: &'r Row| match row.try_get::<_, Option<Raw<'r>>>(column).ok()? {
        None => Some(None),
        Some(Raw(raw)) => read(raw).map(Some),
    };
    Some(rows.iter().map(value).collect::<Option<Vec<_>>>()?.into_iter())
}

fn number<T, const N: usize>(raw: &[u8], read: impl Fn([u8; N]) -> T) -> Option<T> {
    raw.try_into().ok().map(read)
}

/// The ends of the range stand for infinity.
fn finite<T: PartialEq>(value: T, least: T, most: T) -> Option<T> {
    (value != least && value != most).then_some(value)
}

/// What a type modifier says of a number.
fn decimal(modifier: i32) -> Option<(u8, i8)> {
    let packed = u32::try_from(modifier.checked_sub(4)?).ok()?;
    let (precision, scale) = ((packed >> 16) as u16, (packed & 0x7ff) as u16);
    let fits = precision <= MAX_PRECISION && scale <= precision;
    fits.then_some((u8::try_from(precision).ok()?, i8::try_from(scale).ok()?))
}
