//! Values of Arrow arrays in the binary format of Postgres.

use std::cell::Cell;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DataType as ArrowType, Date32Type, Decimal128Type, Float64Type, Int64Type, Time64MicrosecondType,
    TimeUnit, TimestampMicrosecondType,
};
use tokio_postgres::types::Type;

use super::{numeric, text};

/// From 1970 to 2000, where Postgres begins to count.
pub(super) const EPOCH_DAYS: i32 = 10_957;
pub(super) const EPOCH_MICROS: i64 = EPOCH_DAYS as i64 * 86_400_000_000;
/// What Postgres holds, as it counts.
const DATES: std::ops::Range<i32> = -2_451_545..2_145_031_949;
const TIMESTAMPS: std::ops::Range<i64> = -211_813_488_000_000_000..9_223_371_331_200_000_000;
const TIMES: std::ops::RangeInclusive<i64> = 0..=86_400_000_000;
const NULL: i32 = -1;

/// Why a value cannot be written.
pub(super) type Misfit = &'static str;
/// Writes the value of a row with its length.
pub(super) type Writer<'a> = Box<dyn Fn(usize, &mut Vec<u8>) -> Result<(), Misfit> + 'a>;

/// How the values of a column look in the binary format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    Bool,
    Text,
    Jsonb,
    Bytes,
    Date,
    Time,
    Timestamp,
    Numeric,
}

impl Format {
    pub(super) fn of(column: &Type) -> Option<Self> {
        Some(match *column {
            Type::INT2 => Self::Int2,
            Type::INT4 => Self::Int4,
            Type::INT8 => Self::Int8,
            Type::FLOAT4 => Self::Float4,
            Type::FLOAT8 => Self::Float8,
            Type::BOOL => Self::Bool,
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::JSON => Self::Text,
            Type::JSONB => Self::Jsonb,
            Type::BYTEA => Self::Bytes,
            Type::DATE => Self::Date,
            Type::TIME => Self::Time,
            Type::TIMESTAMP | Type::TIMESTAMPTZ => Self::Timestamp,
            Type::NUMERIC => Self::Numeric,
            _ => return None,
        })
    }

    /// The type of the arrays that [`writer`] reads.
    fn storage(self, from: &ArrowType) -> ArrowType {
        let is_whole = from.is_integer();
        match (self, from) {
            (Self::Numeric, ArrowType::Decimal128(_, 0..)) => from.clone(),
            (Self::Numeric, _) if is_whole => ArrowType::Decimal128(38, 0),
            (Self::Numeric, _) => ArrowType::Utf8,
            (Self::Int2 | Self::Int4 | Self::Int8, _) => ArrowType::Int64,
            (Self::Float4 | Self::Float8, _) => ArrowType::Float64,
            (Self::Bool, _) => ArrowType::Boolean,
            (Self::Text | Self::Jsonb, _) => ArrowType::Utf8,
            (Self::Bytes, _) => ArrowType::Binary,
            (Self::Date, _) => ArrowType::Date32,
            (Self::Time, _) => ArrowType::Time64(TimeUnit::Microsecond),
            (Self::Timestamp, ArrowType::Timestamp(_, zone)) => {
                ArrowType::Timestamp(TimeUnit::Microsecond, zone.clone())
            }
            (Self::Timestamp, _) => ArrowType::Timestamp(TimeUnit::Microsecond, None),
        }
    }

    /// The array in the type that [`writer`] reads.
    pub(super) fn prepare(self, array: &ArrayRef) -> Result<ArrayRef, arrow::error::ArrowError> {
        let storage = self.storage(array.data_type());
        if *array.data_type() == storage {
            return Ok(array.clone());
        }
        // a value that does not fit is an error, not a null
        cast_with_options(array, &storage, &CastOptions { safe: false, ..CastOptions::default() })
    }
}

/// What writes the values of an array that was prepared for the format. `changed` counts characters
/// that Postgres cannot hold.
pub(super) fn writer<'a>(array: &'a ArrayRef, format: Format, changed: &'a Cell<u64>) -> Writer<'a> {
    match format {
        Format::Int2 => ints(array, |value| i16::try_from(value).map(i16::to_be_bytes).ok()),
        Format::Int4 => ints(array, |value| i32::try_from(value).map(i32::to_be_bytes).ok()),
        Format::Int8 => ints(array, |value| Some(value.to_be_bytes())),
        Format::Float4 => doubles(array, |value| (value as f32).to_be_bytes()),
        Format::Float8 => doubles(array, f64::to_be_bytes),
        Format::Bool => {
            let values = array.as_boolean();
            nullable(array, move |row, out| put(out, [u8::from(values.value(row))]))
        }
        Format::Text => texts(array, &[], text::plain, changed),
        // the first byte is the version of the format
        Format::Jsonb => texts(array, &[1], text::json, changed),
        Format::Bytes => {
            let values = array.as_binary::<i32>();
            nullable(array, move |row, out| put_bytes(out, &[], values.value(row)))
        }
        Format::Date => {
            let values = array.as_primitive::<Date32Type>();
            nullable(array, move |row, out| {
                let days = values.value(row).checked_sub(EPOCH_DAYS).filter(|days| DATES.contains(days));
                put(out, days.ok_or("Postgres has no date so far away")?.to_be_bytes())
            })
        }
        Format::Time => {
            let values = array.as_primitive::<Time64MicrosecondType>();
            nullable(array, move |row, out| {
                let micros = Some(values.value(row)).filter(|micros| TIMES.contains(micros));
                put(out, micros.ok_or("the time is not within a day")?.to_be_bytes())
            })
        }
        Format::Timestamp => {
            let values = array.as_primitive::<TimestampMicrosecondType>();
            nullable(array, move |row, out| {
                let micros = values.value(row).checked_sub(EPOCH_MICROS).filter(|t| TIMESTAMPS.contains(t));
                put(out, micros.ok_or("Postgres has no timestamp so far away")?.to_be_bytes())
            })
        }
        Format::Numeric => numerics(array),
    }
}

/// Writes the same text for each row.
pub(super) fn constant<'a>(text: &'a str) -> Writer<'a> {
    Box::new(|_, out| put_bytes(out, &[], text.as_bytes()))
}

fn nullable<'a>(
    array: &'a ArrayRef,
    write: impl Fn(usize, &mut Vec<u8>) -> Result<(), Misfit> + 'a,
) -> Writer<'a> {
    match array.logical_nulls() {
        None => Box::new(write),
        Some(nulls) => Box::new(move |row, out| {
            if nulls.is_null(row) {
                out.extend_from_slice(&NULL.to_be_bytes());
                return Ok(());
            }
            write(row, out)
        }),
    }
}

fn ints<'a, const N: usize>(array: &'a ArrayRef, bytes: impl Fn(i64) -> Option<[u8; N]> + 'a) -> Writer<'a> {
    let values = array.as_primitive::<Int64Type>();
    nullable(array, move |row, out| {
        put(out, bytes(values.value(row)).ok_or("the number does not fit into the type of the column")?)
    })
}

fn doubles<'a, const N: usize>(array: &'a ArrayRef, bytes: impl Fn(f64) -> [u8; N] + 'a) -> Writer<'a> {
    let values = array.as_primitive::<Float64Type>();
    nullable(array, move |row, out| put(out, bytes(values.value(row))))
}

type Clean = fn(&[u8]) -> (std::borrow::Cow<'_, [u8]>, u64);

fn texts<'a>(array: &'a ArrayRef, prefix: &'static [u8], clean: Clean, changed: &'a Cell<u64>) -> Writer<'a> {
    let values = array.as_string::<i32>();
    nullable(array, move |row, out| {
        let (bytes, count) = clean(values.value(row).as_bytes());
        changed.set(changed.get() + count);
        put_bytes(out, prefix, &bytes)
    })
}

fn numerics(array: &ArrayRef) -> Writer<'_> {
    match array.data_type() {
        ArrowType::Decimal128(_, scale) => {
            let (values, scale) = (array.as_primitive::<Decimal128Type>(), u32::from(scale.unsigned_abs()));
            nullable(array, move |row, out| {
                numeric::write_scaled(values.value(row), scale, out);
                Ok(())
            })
        }
        _ => {
            let values = array.as_string::<i32>();
            nullable(array, move |row, out| match numeric::write_text(values.value(row), out) {
                true => Ok(()),
                false => Err("it is no number, or one with too many digits"),
            })
        }
    }
}

fn put<const N: usize>(out: &mut Vec<u8>, bytes: [u8; N]) -> Result<(), Misfit> {
    out.extend_from_slice(&(N as i32).to_be_bytes());
    out.extend_from_slice(&bytes);
    Ok(())
}

fn put_bytes(out: &mut Vec<u8>, prefix: &[u8], bytes: &[u8]) -> Result<(), Misfit> {
    // Postgres takes values of up to one gigabyte; a larger one would end the connection
    let length = i32::try_from(prefix.len() + bytes.len()).ok().filter(|length| *length < 1 << 30);
    let length = length.ok_or("the value is longer than a gigabyte")?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(prefix);
    out.extend_from_slice(bytes);
    Ok(())
}
