//! Parquet and Arrow IPC: batches become JSON lines, their types become inferred columns.

use std::fmt::Write;
use std::io::Read;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType as ArrowType, Date32Type, Decimal256Type, Field, Float64Type, Int64Type, Schema,
    Time64NanosecondType, TimeUnit, TimestampNanosecondType, UInt64Type,
};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatchReader;
use arrow_ipc::reader::{FileReader, StreamReader};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use floe_schema::hash::write_text;
use floe_schema::{Column, DataType};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{Feed, Framing, Inferred, Numbering, Origin, PAGE_BYTES, Page, PageSource, Unit};
use crate::error::{Error, Place, Result};
use crate::value::time;

/// Rows of a batch of Parquet.
const BATCH_ROWS: usize = 4096;
const NANOS: i64 = 1_000;

type Batches = Box<dyn RecordBatchReader + Send>;

/// Opens a Parquet file.
pub(super) fn parquet(feed: &Feed) -> Result<Batches> {
    let wrong = |e| unreadable(feed, "Parquet", e);
    let builder = ParquetRecordBatchReaderBuilder::try_new(feed.seekable()?).map_err(|e| wrong(e.into()))?;
    let reader = builder.with_batch_size(BATCH_ROWS).build().map_err(|e| wrong(e.into()))?;
    Ok(Box::new(reader))
}

/// Opens an Arrow file, or a stream.
pub(super) fn ipc(feed: &Feed, start: &[u8], reader: Box<dyn Read + Send>) -> Result<Batches> {
    let wrong = |e| unreadable(feed, "Arrow", e);
    if start.starts_with(b"ARROW1") {
        return Ok(Box::new(FileReader::try_new(feed.seekable()?, None).map_err(wrong)?));
    }
    Ok(Box::new(StreamReader::try_new(reader, None).map_err(wrong)?))
}

fn unreadable(feed: &Feed, format: &str, error: ArrowError) -> Error {
    let file = feed.name().as_deref().map(str::to_owned);
    Error::input(format!("the file cannot be read as {format}"))
        .cause(error)
        .at(Place { file, ..Place::default() })
}

/// What the schema of a file says about columns of the root table.
pub(super) fn infer(schema: &Schema) -> Vec<Inferred> {
    let mut columns = Vec::new();
    for field in schema.fields() {
        infer_field(field, &mut Vec::new(), &mut columns);
    }
    columns
}

fn infer_field(field: &Field, path: &mut Vec<String>, columns: &mut Vec<Inferred>) {
    path.push(field.name().clone());
    if let ArrowType::Struct(fields) = field.data_type() {
        for field in fields {
            infer_field(field, path, columns);
        }
    } else if let Some(mut column) = column_of(field.data_type()) {
        column.name = field.name().clone().into();
        columns.push(Inferred { path: path.clone(), column });
    }
    path.pop();
}

fn column_of(arrow: &ArrowType) -> Option<Column> {
    let column = |data_type| Some(Column::new("", data_type));
    match arrow {
        ArrowType::Dictionary(_, values) => column_of(values),
        ArrowType::RunEndEncoded(_, values) => column_of(values.data_type()),
        ArrowType::Boolean => column(DataType::Bool),
        arrow if arrow.is_integer() && *arrow != ArrowType::UInt64 => column(DataType::Bigint),
        arrow if arrow.is_floating() => column(DataType::Double),
        ArrowType::Utf8 | ArrowType::LargeUtf8 | ArrowType::Utf8View => column(DataType::Text),
        arrow if is_binary(arrow) => column(DataType::Binary),
        ArrowType::Date32 | ArrowType::Date64 => column(DataType::Date),
        ArrowType::Time32(_) | ArrowType::Time64(_) => column(DataType::Time),
        ArrowType::Timestamp(_, zone) => column(DataType::Timestamp).map(|mut column| {
            column.timezone = zone.is_none().then_some(false);
            column
        }),
        ArrowType::Decimal32(p, s)
        | ArrowType::Decimal64(p, s)
        | ArrowType::Decimal128(p, s)
        | ArrowType::Decimal256(p, s) => {
            let decimal = Column::new("", DataType::Decimal);
            Some(decimal.precision(i64::from(*p)).scale(i64::from(*s)))
        }
        _ => None,
    }
}

fn is_binary(arrow: &ArrowType) -> bool {
    use ArrowType::{Binary, BinaryView, FixedSizeBinary, LargeBinary};
    matches!(arrow, Binary | LargeBinary | BinaryView | FixedSizeBinary(_))
}

/// Writes batches as JSON lines.
pub(super) struct BatchReader {
    batches: Batches,
    /// The batch in work and how many of its rows are written.
    current: Option<(Vec<Json>, usize, usize)>,
    feed: Feed,
    row: u64,
}

impl BatchReader {
    pub(super) fn new(batches: Batches, feed: Feed) -> Self {
        Self { batches, current: None, feed, row: 1 }
    }

    fn place(&self) -> Place {
        let file = self.feed.name().as_deref().map(str::to_owned);
        Place { file, row: Some(self.row), ..Place::default() }
    }

    fn next_batch(&mut self) -> Result<bool> {
        let batch = match self.batches.next() {
            None => return Ok(false),
            Some(batch) => {
                batch.map_err(|e| Error::input("the file is damaged").cause(e).at(self.place()))?
            }
        };
        let columns = columns(&batch).map_err(|e| e.at(self.place()))?;
        self.current = Some((columns, batch.num_rows(), 0));
        Ok(true)
    }
}

impl PageSource for BatchReader {
    fn next_page(&mut self, mut buffer: Vec<u8>) -> Result<Option<Page>> {
        buffer.clear();
        let mut numbers = Vec::new();
        let mut out = String::new();
        while out.len() < PAGE_BYTES {
            let Some((columns, rows, at)) = &mut self.current else {
                if self.next_batch()? { continue } else { break }
            };
            if *at == *rows {
                self.current = None;
                continue;
            }
            let written = write_object(&mut out, columns, *at);
            *at += 1;
            written.map_err(|e| e.at(self.place()))?;
            out.push('\n');
            numbers.push(self.row);
            self.row += 1;
        }
        buffer.extend_from_slice(out.as_bytes());
        let lines = Numbering::Listed { numbers, unit: Unit::Row };
        let origin = Origin { file: self.feed.name(), lines };
        Ok((!buffer.is_empty()).then_some(Page::new(buffer, Framing::Lines, origin)))
    }
}

/// The rows of a batch as JSON lines.
pub(super) fn lines(batch: &RecordBatch) -> Result<String> {
    let columns = columns(batch)?;
    let mut out = String::new();
    for row in 0..batch.num_rows() {
        write_object(&mut out, &columns, row)?;
        out.push('\n');
    }
    Ok(out)
}

/// A column that can be written value by value.
struct Json {
    name: String,
    values: Values,
    array: ArrayRef,
    /// Values in lists have no inferred column, so their texts carry a mark of their type.
    in_list: bool,
}

/// Arrays of few types; all others are cast to one of them.
enum Values {
    Null,
    Bool,
    Int,
    UInt,
    Double,
    Text,
    Bytes,
    Date,
    Time,
    Timestamp {
        zoned: bool,
    },
    Decimal {
        scale: i8,
    },
    List(Box<Json>),
    Object(Vec<Json>),
    /// Keys as text, and values.
    Map(Box<[Json; 2]>),
}

fn columns(batch: &RecordBatch) -> Result<Vec<Json>> {
    let schema = batch.schema();
    let fields = schema.fields().iter().zip(batch.columns());
    fields.map(|(field, array)| Json::new(field.name(), array, false)).collect()
}

impl Json {
    fn new(name: &str, array: &ArrayRef, in_list: bool) -> Result<Self> {
        let to = |target: ArrowType| {
            cast(array, &target).map_err(|e| {
                Error::input(format!("column {name} of type {} cannot be read", array.data_type())).cause(e)
            })
        };
        let zone = |zone: &Option<Arc<str>>| zone.as_ref().map(|_| Arc::from("UTC"));
        let (values, array) = match array.data_type() {
            ArrowType::Dictionary(_, values) => {
                return Self::new(name, &to(values.as_ref().clone())?, in_list);
            }
            ArrowType::RunEndEncoded(_, values) => {
                return Self::new(name, &to(values.data_type().clone())?, in_list);
            }
            ArrowType::Null => (Values::Null, array.clone()),
            ArrowType::Boolean => (Values::Bool, array.clone()),
            ArrowType::UInt64 => (Values::UInt, array.clone()),
            arrow if arrow.is_integer() => (Values::Int, to(ArrowType::Int64)?),
            arrow if arrow.is_floating() => (Values::Double, to(ArrowType::Float64)?),
            ArrowType::Utf8 | ArrowType::LargeUtf8 | ArrowType::Utf8View => {
                (Values::Text, to(ArrowType::LargeUtf8)?)
            }
            arrow if is_binary(arrow) => (Values::Bytes, to(ArrowType::LargeBinary)?),
            ArrowType::Date32 | ArrowType::Date64 => (Values::Date, to(ArrowType::Date32)?),
            ArrowType::Time32(_) | ArrowType::Time64(_) => {
                (Values::Time, to(ArrowType::Time64(TimeUnit::Nanosecond))?)
            }
            ArrowType::Timestamp(unit, known) => {
                let values = Values::Timestamp { zoned: known.is_some() };
                let micros = *unit != TimeUnit::Nanosecond;
                let target = if micros { TimeUnit::Microsecond } else { TimeUnit::Nanosecond };
                (values, to(ArrowType::Timestamp(target, zone(known)))?)
            }
            ArrowType::Decimal32(_, s)
            | ArrowType::Decimal64(_, s)
            | ArrowType::Decimal128(_, s)
            | ArrowType::Decimal256(_, s) => {
                (Values::Decimal { scale: *s }, to(ArrowType::Decimal256(76, *s))?)
            }
            ArrowType::Struct(fields) => {
                let columns = fields.iter().zip(array.as_struct().columns());
                let columns = columns.map(|(f, a)| Self::new(f.name(), a, in_list)).collect::<Result<_>>()?;
                (Values::Object(columns), array.clone())
            }
            ArrowType::List(item)
            | ArrowType::LargeList(item)
            | ArrowType::FixedSizeList(item, _)
            | ArrowType::ListView(item)
            | ArrowType::LargeListView(item) => {
                let list = to(ArrowType::LargeList(item.clone()))?;
                let items = Self::new(name, list.as_list::<i64>().values(), true)?;
                (Values::List(Box::new(items)), list)
            }
            ArrowType::Map(..) => {
                let entries = array.as_map();
                let keys = cast(entries.keys(), &ArrowType::LargeUtf8)
                    .map_err(|e| Error::input(format!("the keys of map {name} are no texts")).cause(e))?;
                let key = Self::new("key", &keys, false)?;
                let value = Self::new(name, entries.values(), true)?;
                (Values::Map(Box::new([key, value])), array.clone())
            }
            other => {
                return Err(Error::input(format!(
                    "column {name} has the type {other}, which is not supported"
                ))
                .help("cast the column to another type before"));
            }
        };
        Ok(Self { name: name.to_owned(), values, array, in_list })
    }
}

fn write_object(out: &mut String, columns: &[Json], row: usize) -> Result<()> {
    out.push('{');
    let mut first = true;
    for column in columns.iter().filter(|c| !is_null(c, row)) {
        if !std::mem::take(&mut first) {
            out.push(',');
        }
        write_text(out, &column.name);
        out.push(':');
        write_value(out, column, row)?;
    }
    out.push('}');
    Ok(())
}

fn is_null(column: &Json, row: usize) -> bool {
    matches!(column.values, Values::Null) || column.array.is_null(row)
}

fn write_value(out: &mut String, column: &Json, row: usize) -> Result<()> {
    if is_null(column, row) {
        out.push_str("null");
        return Ok(());
    }
    let array = &column.array;
    match &column.values {
        Values::Null => out.push_str("null"),
        Values::Bool => out.push_str(if array.as_boolean().value(row) { "true" } else { "false" }),
        Values::Int => shown(out, array.as_primitive::<Int64Type>().value(row)),
        Values::UInt => shown(out, array.as_primitive::<UInt64Type>().value(row)),
        Values::Double => write_double(out, array.as_primitive::<Float64Type>().value(row)),
        Values::Text => write_text(out, array.as_string::<i64>().value(row)),
        Values::Bytes => {
            write_typed(out, column, '\u{f02b}', &STANDARD.encode(array.as_binary::<i64>().value(row)))
        }
        Values::Date => {
            let days = array.as_primitive::<Date32Type>().value(row);
            write_typed(out, column, '\u{f028}', &time::date_text(i64::from(days)));
        }
        Values::Time => {
            let nanos = array.as_primitive::<Time64NanosecondType>().value(row);
            write_typed(out, column, '\u{f02d}', &time::time_text(micros(nanos, column)?));
        }
        Values::Timestamp { zoned } => write_timestamp(out, column, row, *zoned)?,
        Values::Decimal { scale } => {
            let digits = array.as_primitive::<Decimal256Type>().value(row);
            write_typed(out, column, '\u{f026}', &decimal_text(&digits.to_string(), *scale));
        }
        Values::List(items) => {
            let offsets = array.as_list::<i64>().value_offsets();
            let bound =
                |at: usize| offsets.get(at).and_then(|o| usize::try_from(*o).ok()).unwrap_or_default();
            out.push('[');
            for (n, item) in (bound(row)..bound(row + 1)).enumerate() {
                if n > 0 {
                    out.push(',');
                }
                write_value(out, items, item)?;
            }
            out.push(']');
        }
        Values::Object(columns) => write_object(out, columns, row)?,
        Values::Map(entries) => write_map(out, array, entries, row)?,
    }
    Ok(())
}

/// A text that stands for something else.
fn write_typed(out: &mut String, column: &Json, mark: char, text: &str) {
    if column.in_list {
        write_text(out, &format!("{mark}{text}"));
    } else {
        write_text(out, text);
    }
}

fn shown(out: &mut String, value: impl std::fmt::Display) {
    // writing to a text cannot fail
    let _ = write!(out, "{value}");
}

/// Numbers that are none count as missing, as in JSON input.
fn write_double(out: &mut String, value: f64) {
    if value.is_finite() { shown(out, format_args!("{value:?}")) } else { out.push_str("null") }
}

fn write_timestamp(out: &mut String, column: &Json, row: usize, zoned: bool) -> Result<()> {
    let micros = match column.array.data_type() {
        ArrowType::Timestamp(TimeUnit::Nanosecond, _) => {
            micros(column.array.as_primitive::<TimestampNanosecondType>().value(row), column)?
        }
        _ => column.array.as_primitive::<arrow::datatypes::TimestampMicrosecondType>().value(row),
    };
    let text = time::iso_text(micros);
    write_typed(out, column, '\u{f027}', if zoned { &text } else { text.trim_end_matches("+00:00") });
    Ok(())
}

fn micros(nanos: i64, column: &Json) -> Result<i64> {
    if nanos % NANOS == 0 {
        return Ok(nanos / NANOS);
    }
    Err(Error::input(format!("column {} has nanoseconds, which would be lost", column.name))
        .help("cast the column to microseconds before"))
}

/// Digits with a decimal point `scale` places from the end.
fn decimal_text(digits: &str, scale: i8) -> String {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", digits),
    };
    if scale <= 0 {
        return format!("{sign}{digits}{}", "0".repeat(usize::from(scale.unsigned_abs())));
    }
    let scale = usize::from(scale.unsigned_abs());
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

fn write_map(out: &mut String, array: &ArrayRef, entries: &[Json; 2], row: usize) -> Result<()> {
    let [keys, values] = entries;
    let offsets = array.as_map().value_offsets();
    let bound = |at: usize| offsets.get(at).and_then(|o| usize::try_from(*o).ok()).unwrap_or_default();
    out.push('{');
    for (n, entry) in (bound(row)..bound(row + 1)).enumerate() {
        if n > 0 {
            out.push(',');
        }
        write_value(out, keys, entry)?;
        out.push(':');
        write_value(out, values, entry)?;
    }
    out.push('}');
    Ok(())
}
