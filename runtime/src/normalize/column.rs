//! Columns under construction.

use std::sync::Arc;

use arrow::array::NullBufferBuilder;
use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray,
    Time64MicrosecondArray, TimestampMicrosecondArray,
};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType as ArrowType, TimeUnit};
use floe_schema::{Column, DataType};

use crate::destination::Capabilities;
use crate::value::{Misfit, Value, coerce};

/// How the values of a column are held on their way to the destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Storage {
    Text,
    /// Whole numbers of up to 64 bits.
    Int,
    /// Whole numbers of up to 128 bits, as decimals without fraction.
    BigInt,
    Double,
    Bool,
    Timestamp {
        zoned: bool,
    },
    Date,
    Time,
    Decimal {
        precision: u8,
        scale: i8,
    },
    /// Decimals that are too wide for 128 bits, as text.
    WideDecimal {
        precision: u32,
        scale: i32,
    },
    Binary,
    Json,
}

/// Digits that fit into 128 bits.
pub(crate) const MAX_DECIMAL_PRECISION: i64 = 38;

impl Storage {
    /// The storage of a column with a type.
    pub(crate) fn of(column: &Column, data_type: DataType, capabilities: &Capabilities) -> Self {
        let decimal = |(default_precision, default_scale): (i64, i64)| {
            let precision = column.precision.unwrap_or(default_precision);
            let scale = column.scale.unwrap_or(default_scale);
            if (1..=MAX_DECIMAL_PRECISION).contains(&precision) && scale.abs() <= precision {
                Self::Decimal { precision: precision as u8, scale: scale as i8 }
            } else {
                let precision = precision.clamp(1, 1_000) as u32;
                Self::WideDecimal { precision, scale: scale.clamp(-1_000, 1_000) as i32 }
            }
        };
        match data_type {
            DataType::Text => Self::Text,
            DataType::Bigint if column.precision.is_some_and(|bits| bits > 64) => Self::BigInt,
            DataType::Bigint => Self::Int,
            DataType::Double => Self::Double,
            DataType::Bool => Self::Bool,
            DataType::Timestamp => Self::Timestamp { zoned: column.has_timezone() },
            DataType::Date => Self::Date,
            DataType::Time => Self::Time,
            DataType::Decimal => decimal(capabilities.decimal_precision),
            DataType::Wei => decimal(capabilities.wei_precision),
            DataType::Binary => Self::Binary,
            DataType::Json => Self::Json,
        }
    }

    pub(crate) fn arrow_type(self) -> ArrowType {
        match self {
            Self::Text | Self::Json | Self::WideDecimal { .. } => ArrowType::Utf8,
            Self::Int => ArrowType::Int64,
            Self::BigInt => ArrowType::Decimal128(MAX_DECIMAL_PRECISION as u8, 0),
            Self::Double => ArrowType::Float64,
            Self::Bool => ArrowType::Boolean,
            Self::Timestamp { zoned } => {
                ArrowType::Timestamp(TimeUnit::Microsecond, zoned.then(|| "UTC".into()))
            }
            Self::Date => ArrowType::Date32,
            Self::Time => ArrowType::Time64(TimeUnit::Microsecond),
            Self::Decimal { precision, scale } => ArrowType::Decimal128(precision, scale),
            Self::Binary => ArrowType::Binary,
        }
    }
}

const OUT_OF_RANGE: Misfit = Misfit::Range("the number does not fit into the column");
const TOO_LONG: Misfit = Misfit::Range("the value is longer than 2 GiB");

#[derive(Debug)]
enum Values {
    /// Texts, JSON and bytes: ends of the values in one run of bytes.
    Bytes {
        ends: Vec<i32>,
        data: Vec<u8>,
    },
    Int(Vec<i64>),
    Day(Vec<i32>),
    Wide(Vec<i128>),
    Double(Vec<f64>),
    Bool(Vec<bool>),
}

/// A column of a table within a page. Rows without a value are filled up with nulls when the
/// next value comes.
#[derive(Debug)]
pub(crate) struct ColumnBuilder {
    data_type: DataType,
    storage: Storage,
    values: Values,
    nulls: NullBufferBuilder,
}

impl ColumnBuilder {
    pub(crate) fn new(data_type: DataType, storage: Storage) -> Self {
        let values = match storage.arrow_type() {
            ArrowType::Utf8 | ArrowType::Binary => Values::Bytes { ends: Vec::new(), data: Vec::new() },
            ArrowType::Date32 => Values::Day(Vec::new()),
            ArrowType::Decimal128(..) => Values::Wide(Vec::new()),
            ArrowType::Float64 => Values::Double(Vec::new()),
            ArrowType::Boolean => Values::Bool(Vec::new()),
            _ => Values::Int(Vec::new()),
        };
        Self { data_type, storage, values, nulls: NullBufferBuilder::new(0) }
    }

    pub(crate) fn storage(&self) -> Storage {
        self.storage
    }

    pub(crate) fn data_type(&self) -> DataType {
        self.data_type
    }

    /// Rows that have a value or a null.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        match &self.values {
            Values::Bytes { ends, .. } => ends.len(),
            Values::Int(values) => values.len(),
            Values::Day(values) => values.len(),
            Values::Wide(values) => values.len(),
            Values::Double(values) => values.len(),
            Values::Bool(values) => values.len(),
        }
    }

    /// Whether a row has a value.
    pub(super) fn has_value(&self, row: usize) -> bool {
        row < self.len() && self.nulls.is_valid(row)
    }

    /// Writes the value that a row has as JSON, if the column is one of texts or whole numbers.
    pub(super) fn write_json(&self, row: usize, out: &mut String) -> Option<()> {
        match (&self.values, self.storage) {
            _ if !self.has_value(row) => return None,
            (Values::Int(values), Storage::Int) => out.push_str(&values.get(row)?.to_string()),
            (Values::Bytes { ends, data }, Storage::Text) => {
                let start = row.checked_sub(1).map_or(Some(&0), |before| ends.get(before))?;
                let text = data.get(usize::try_from(*start).ok()?..usize::try_from(*ends.get(row)?).ok()?)?;
                floe_schema::hash::write_text(out, std::str::from_utf8(text).ok()?);
            }
            _ => return None,
        }
        Some(())
    }

    /// Fills up with nulls until the column has `rows` rows.
    #[inline]
    pub(crate) fn fill(&mut self, rows: usize) {
        let missing = rows.saturating_sub(self.len());
        if missing > 0 {
            self.fill_with_nulls(rows, missing);
        }
    }

    fn fill_with_nulls(&mut self, rows: usize, missing: usize) {
        self.nulls.append_n_nulls(missing);
        match &mut self.values {
            Values::Bytes { ends, .. } => ends.resize(rows, ends.last().copied().unwrap_or(0)),
            Values::Int(values) => values.resize(rows, 0),
            Values::Day(values) => values.resize(rows, 0),
            Values::Wide(values) => values.resize(rows, 0),
            Values::Double(values) => values.resize(rows, 0.0),
            Values::Bool(values) => values.resize(rows, false),
        }
    }

    /// Forgets all rows from `rows` on.
    pub(crate) fn truncate(&mut self, rows: usize) {
        if self.len() <= rows {
            return;
        }
        self.nulls.truncate(rows);
        match &mut self.values {
            Values::Bytes { ends, data } => {
                ends.truncate(rows);
                data.truncate(ends.last().map_or(0, |end| *end as usize));
            }
            Values::Int(values) => values.truncate(rows),
            Values::Day(values) => values.truncate(rows),
            Values::Wide(values) => values.truncate(rows),
            Values::Double(values) => values.truncate(rows),
            Values::Bool(values) => values.truncate(rows),
        }
    }

    /// Appends a whole number to a bigint column. False if the column is of another type.
    #[inline]
    pub(crate) fn push_int(&mut self, value: i64) -> bool {
        match (&mut self.values, self.storage) {
            (Values::Int(values), Storage::Int) => {
                values.push(value);
                self.nulls.append_non_null();
                true
            }
            _ => false,
        }
    }

    /// Appends a float to a double column. False if the column is of another type.
    #[inline]
    pub(crate) fn push_double(&mut self, value: f64) -> bool {
        match &mut self.values {
            Values::Double(values) => {
                // negative zero becomes zero, as in SQL literals
                values.push(value + 0.0);
                self.nulls.append_non_null();
                true
            }
            _ => false,
        }
    }

    /// Appends to a bool column. False if the column is of another type.
    #[inline]
    pub(crate) fn push_bool(&mut self, value: bool) -> bool {
        match &mut self.values {
            Values::Bool(values) => {
                values.push(value);
                self.nulls.append_non_null();
                true
            }
            _ => false,
        }
    }

    /// Appends an instant to a timestamp column. False if the column is of another type.
    #[inline]
    pub(crate) fn push_timestamp(&mut self, micros: i64) -> bool {
        match (&mut self.values, self.storage) {
            (Values::Int(values), Storage::Timestamp { .. }) => {
                values.push(micros);
                self.nulls.append_non_null();
                true
            }
            _ => false,
        }
    }

    /// Appends to a text column what is UTF-8 without NUL.
    #[inline]
    pub(crate) fn push_text(&mut self, text: &[u8]) -> Result<bool, Misfit> {
        match (&mut self.values, self.storage) {
            (Values::Bytes { ends, data }, Storage::Text) => {
                append_bytes(ends, data, text)?;
                self.nulls.append_non_null();
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Appends a value, made to fit if dlt would.
    pub(crate) fn push(&mut self, value: Value<'_>) -> Result<(), Misfit> {
        let value = coerce(self.data_type, value)?;
        if value.is_null() {
            self.fill(self.len() + 1);
            return Ok(());
        }
        match (&mut self.values, value) {
            (Values::Bytes { ends, data }, value) => {
                append_value(self.storage, ends, data, value)?;
            }
            (Values::Int(values), Value::Int(int)) => {
                values.push(i64::try_from(int).map_err(|_| OUT_OF_RANGE)?);
            }
            (Values::Int(values), Value::Timestamp(micros) | Value::Time(micros)) => {
                values.push(micros);
            }
            (Values::Day(values), Value::Date(days)) => values.push(days),
            (Values::Wide(values), Value::Int(int)) => {
                let limit = 10i128.pow(MAX_DECIMAL_PRECISION as u32);
                if int.abs() >= limit {
                    return Err(OUT_OF_RANGE);
                }
                values.push(int);
            }
            (Values::Wide(values), Value::Decimal(decimal) | Value::Wei(decimal)) => {
                let Storage::Decimal { precision, scale } = self.storage else {
                    return Err(Misfit::Type);
                };
                values.push(decimal.scaled(precision.into(), scale.into()).ok_or(OUT_OF_RANGE)?);
            }
            (Values::Double(values), Value::Double(double)) => values.push(double + 0.0),
            (Values::Bool(values), Value::Bool(value)) => values.push(value),
            _ => return Err(Misfit::Type),
        }
        self.nulls.append_non_null();
        Ok(())
    }

    /// The column with `rows` rows as an Arrow array.
    pub(crate) fn finish(mut self, rows: usize) -> Result<ArrayRef, arrow::error::ArrowError> {
        self.fill(rows);
        let nulls = self.nulls.finish();
        Ok(match self.values {
            Values::Bytes { ends, data } => {
                let mut offsets = Vec::with_capacity(ends.len() + 1);
                offsets.push(0);
                offsets.extend(ends);
                let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                let data = Buffer::from_vec(data);
                if self.storage == Storage::Binary {
                    Arc::new(BinaryArray::try_new(offsets, data, nulls)?)
                } else {
                    Arc::new(StringArray::try_new(offsets, data, nulls)?)
                }
            }
            Values::Int(values) => match self.storage {
                Storage::Timestamp { zoned } => {
                    let array = TimestampMicrosecondArray::try_new(values.into(), nulls)?;
                    Arc::new(if zoned { array.with_timezone("UTC") } else { array })
                }
                Storage::Time => Arc::new(Time64MicrosecondArray::try_new(values.into(), nulls)?),
                _ => Arc::new(Int64Array::try_new(values.into(), nulls)?),
            },
            Values::Day(values) => Arc::new(Date32Array::try_new(values.into(), nulls)?),
            Values::Wide(values) => Arc::new(
                Decimal128Array::try_new(values.into(), nulls)?.with_data_type(self.storage.arrow_type()),
            ),
            Values::Double(values) => Arc::new(Float64Array::try_new(values.into(), nulls)?),
            Values::Bool(values) => Arc::new(BooleanArray::new(values.into(), nulls)),
        })
    }
}

fn append_bytes(ends: &mut Vec<i32>, data: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Misfit> {
    let end = i32::try_from(data.len() + bytes.len()).map_err(|_| TOO_LONG)?;
    data.extend_from_slice(bytes);
    ends.push(end);
    Ok(())
}

fn append_value(
    storage: Storage,
    ends: &mut Vec<i32>,
    data: &mut Vec<u8>,
    value: Value<'_>,
) -> Result<(), Misfit> {
    match (storage, value) {
        (Storage::Text, Value::Text(text)) if memchr::memchr(0, text.as_bytes()).is_some() => {
            // no destination has NUL in texts
            let kept: Vec<u8> = text.bytes().filter(|b| *b != 0).collect();
            append_bytes(ends, data, &kept)
        }
        (Storage::Text, Value::Text(text)) | (Storage::Json, Value::Json(text)) => {
            append_bytes(ends, data, text.as_bytes())
        }
        (Storage::Binary, Value::Binary(bytes)) => append_bytes(ends, data, &bytes),
        (Storage::WideDecimal { .. }, Value::Decimal(decimal) | Value::Wei(decimal)) => {
            append_bytes(ends, data, decimal.to_string().as_bytes())
        }
        _ => Err(Misfit::Type),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::{Decimal128Type, Int64Type};
    use proptest::prelude::*;

    fn builder(data_type: DataType) -> ColumnBuilder {
        let column = Column::new("c", data_type);
        ColumnBuilder::new(data_type, Storage::of(&column, data_type, &Capabilities::default()))
    }

    #[test]
    fn rows_without_values_are_null() {
        let mut column = builder(DataType::Bigint);
        assert!(column.push_int(1));
        column.fill(3);
        column.push(Value::Text("7".into())).unwrap();
        let array = column.finish(5).unwrap();
        let values: Vec<_> = array.as_primitive::<Int64Type>().iter().collect();
        assert_eq!(values, [Some(1), None, None, Some(7), None]);
    }

    #[test]
    fn every_type_builds_its_array() {
        for &data_type in DataType::ALL {
            let mut column = builder(data_type);
            let text = match data_type {
                DataType::Timestamp | DataType::Date => "2024-01-01",
                DataType::Time => "10:20",
                DataType::Bool => "yes",
                _ => "12",
            };
            let text = if data_type == DataType::Binary { "aGk=" } else { text };
            column.push(Value::Text(text.into())).unwrap();
            column.fill(2);
            let array = column.finish(3).unwrap();
            assert_eq!((array.len(), array.null_count()), (3, 2), "{data_type}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_and_leaves_nothing() {
        let mut column = builder(DataType::Decimal);
        assert_eq!(column.push(Value::Int(10i128.pow(29))), Err(OUT_OF_RANGE));
        assert_eq!(column.push(Value::Bool(true)), Err(Misfit::Type));
        column.push(Value::Double(0.1)).unwrap();
        let array = column.finish(1).unwrap();
        assert_eq!(array.as_primitive::<Decimal128Type>().value(0), 100_000_000);
        let mut column = builder(DataType::Bigint);
        assert_eq!(column.push(Value::Int(1 << 63)), Err(OUT_OF_RANGE));
        assert_eq!(column.len(), 0);
    }

    #[test]
    fn negative_zero_and_nul_are_as_sql_literals_leave_them() {
        let mut column = builder(DataType::Double);
        column.push_double(-0.0);
        let array = column.finish(1).unwrap();
        assert!(array.as_primitive::<arrow::datatypes::Float64Type>().value(0).is_sign_positive());
        let mut column = builder(DataType::Text);
        column.push(Value::Text("a\0b".into())).unwrap();
        assert_eq!(column.finish(1).unwrap().as_string::<i32>().value(0), "ab");
    }

    proptest! {
        /// Truncating is the same as never having pushed.
        #[test]
        fn truncating_forgets(texts in prop::collection::vec(prop::option::of(".{0,5}"), 0..20), keep in 0usize..20) {
            let keep = keep.min(texts.len());
            let build = |texts: &[Option<String>], extra: &[Option<String>]| {
                let mut column = builder(DataType::Text);
                for (row, text) in texts.iter().chain(extra).enumerate() {
                    column.fill(row);
                    if let Some(text) = text {
                        column.push(Value::Text(text.as_str().into())).unwrap();
                    }
                }
                column.truncate(texts.len());
                column.finish(texts.len()).unwrap()
            };
            let (kept, cut) = texts.split_at(keep);
            prop_assert_eq!(&build(kept, cut), &build(kept, &[]));
        }
    }
}
