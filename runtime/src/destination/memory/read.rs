//! Rows in memory as batches of Arrow.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch,
    RecordBatchIterator, StringArray, Time64MicrosecondArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{Field, Schema};
use floe_schema::{Column, DataType, ID, LIST_IDX, PARENT_ID};

use super::value::{Row, Value};
use super::{MemoryTable, Tables};
use crate::destination::{Batches, Capabilities, Read, TableRead};
use crate::error::{Error, ErrorKind, Result};

/// Rows of a batch.
const BATCH_ROWS: usize = 2048;

pub(super) fn read(tables: &Tables, read: &Read) -> Result<Batches> {
    let read = match read {
        Read::Table(read) => read,
        Read::Sql(_) => {
            return Err(Error::new(ErrorKind::Unsupported, "the destination in memory knows no SQL")
                .help("read whole tables, or load into DuckDB"));
        }
    };
    let table = tables.get(read.table());
    let table = table
        .ok_or_else(|| Error::new(ErrorKind::Destination, format!("there is no table {}", read.table())))?;
    let rows = if read.keyed {
        keyed(tables, read, table)
    } else {
        table.rows.iter().map(|r| (Vec::new(), r)).collect()
    };
    let columns = columns(table, read)?;
    let fields: Vec<Field> = key_columns(read).chain(columns.iter().cloned()).map(|c| field(&c)).collect();
    let schema = Arc::new(Schema::new(fields));
    let mut batches = Vec::new();
    for rows in rows.chunks(BATCH_ROWS) {
        let keys = key_columns(read).enumerate().map(|(n, column)| {
            array(
                &column,
                &rows.iter().map(|(key, _)| key.get(n).and_then(Option::as_ref)).collect::<Vec<_>>(),
            )
        });
        let own = columns.iter().map(|column| {
            array(column, &rows.iter().map(|(_, row)| row.get(&*column.name)).collect::<Vec<_>>())
        });
        let arrays = keys.chain(own).collect::<Result<Vec<_>>>()?;
        let batch = RecordBatch::try_new(schema.clone(), arrays);
        batches
            .push(Ok(batch.map_err(|e| Error::internal("rows in memory are not what they say").cause(e))?));
    }
    Ok(Batches::new(Box::new(RecordBatchIterator::new(batches, schema))))
}

fn columns(table: &MemoryTable, read: &TableRead) -> Result<Vec<Column>> {
    if read.columns.is_empty() && !read.keyed {
        return Ok(table.columns.clone());
    }
    let find = |name: &String| {
        let found = table.columns.iter().find(|column| *column.name == **name).cloned();
        found.ok_or_else(|| {
            Error::new(ErrorKind::Destination, format!("{} has no column {name}", read.table()))
        })
    };
    read.columns.iter().map(find).collect()
}

fn key_columns(read: &TableRead) -> impl Iterator<Item = Column> + use<> {
    (0..read.keys()).map(|n| {
        // places in lists stand between identifiers
        let of = if n.is_multiple_of(2) { DataType::Text } else { DataType::Bigint };
        let mut column = Column::new("", of);
        column.name = format!("key_{n}").into();
        column
    })
}

type Key = Vec<Option<Value>>;

/// Rows with their keys, in order.
fn keyed<'t>(tables: &'t Tables, read: &TableRead, table: &'t MemoryTable) -> Vec<(Key, &'t Row)> {
    let own = |row: &Row, column: &str| row.get(column).cloned();
    let above = read
        .lineage
        .len()
        .checked_sub(2)
        .and_then(|n| read.lineage.get(n))
        .filter(|_| read.lineage.len() > 2);
    let above: HashMap<String, Key> = match above.and_then(|name| tables.get(name)) {
        Some(parents) => {
            let lineage = read.lineage.get(..read.lineage.len() - 1).unwrap_or_default().to_vec();
            let read = TableRead { lineage, ..read.clone() };
            let rows = keyed(tables, &read, parents).into_iter();
            rows.filter_map(|(key, row)| Some((row.get(ID)?.text(), key))).collect()
        }
        None => HashMap::new(),
    };
    let key = |row: &Row| match read.lineage.len() {
        1 => Some(vec![own(row, ID)]),
        2 => Some(vec![own(row, PARENT_ID), own(row, LIST_IDX), own(row, ID)]),
        _ => {
            let mut key = above.get(&row.get(PARENT_ID)?.text())?.clone();
            key.extend([own(row, LIST_IDX), own(row, ID)]);
            Some(key)
        }
    };
    let mut rows: Vec<(Key, &Row)> = table.rows.iter().filter_map(|row| Some((key(row)?, row))).collect();
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    rows
}

fn field(column: &Column) -> Field {
    let array =
        array(column, &[]).map_or(arrow::datatypes::DataType::Utf8, |array| array.data_type().clone());
    Field::new(&*column.name, array, true)
}

fn array(column: &Column, values: &[Option<&Value>]) -> Result<ArrayRef> {
    macro_rules! of {
        ($array:ident, $($kind:ident)|+) => {{
            let values = values.iter().map(|value| match value {
                None => Ok(None),
                $(Some(Value::$kind(value)) => Ok(Some(value.clone())),)+
                Some(_) => Err(Error::internal(format!("a value of another type in column {}", column.name))),
            });
            $array::from(values.collect::<Result<Vec<_>>>()?)
        }};
    }
    let capabilities = Capabilities::default();
    Ok(match column.data_type.unwrap_or(DataType::Text) {
        DataType::Bool => Arc::new(of!(BooleanArray, Bool)),
        DataType::Bigint => Arc::new(of!(Int64Array, Int)),
        DataType::Double => Arc::new(of!(Float64Array, Double)),
        DataType::Text | DataType::Json => Arc::new(of!(StringArray, Text)),
        DataType::Date => Arc::new(of!(Date32Array, Date)),
        DataType::Time => Arc::new(of!(Time64MicrosecondArray, Time)),
        DataType::Timestamp => {
            let array = of!(TimestampMicrosecondArray, Instant | WallClock);
            Arc::new(if column.has_timezone() { array.with_timezone("UTC") } else { array })
        }
        DataType::Binary => {
            let bytes = values.iter().map(|value| match value {
                Some(Value::Bytes(bytes)) => Some(bytes.as_slice()),
                _ => None,
            });
            Arc::new(bytes.collect::<BinaryArray>())
        }
        DataType::Decimal => decimals(column, capabilities.decimal_precision, values)?,
        DataType::Wei => decimals(column, capabilities.wei_precision, values)?,
    })
}

fn decimals(column: &Column, default: (i64, i64), values: &[Option<&Value>]) -> Result<ArrayRef> {
    let wrong = || Error::internal(format!("a value of another type in column {}", column.name));
    let (precision, scale) = (column.precision.unwrap_or(default.0), column.scale.unwrap_or(default.1));
    let (precision, scale) =
        (u8::try_from(precision).map_err(|_| wrong())?, i8::try_from(scale).map_err(|_| wrong())?);
    let units = values.iter().map(|value| match value {
        None => Ok(None),
        Some(Value::Int(value)) => rescaled((*value).into(), 0, scale).map(Some).ok_or_else(wrong),
        Some(Value::Decimal(units, of)) => rescaled(*units, *of, scale).map(Some).ok_or_else(wrong),
        Some(_) => Err(wrong()),
    });
    let array = Decimal128Array::from(units.collect::<Result<Vec<_>>>()?);
    Ok(Arc::new(array.with_precision_and_scale(precision, scale).map_err(|e| wrong().cause(e))?))
}

/// A number that counts smaller or larger units, if nothing is lost.
fn rescaled(units: i128, from: i8, to: i8) -> Option<i128> {
    let factor = 10_i128.checked_pow(from.abs_diff(to).into())?;
    match from <= to {
        true => units.checked_mul(factor),
        false => (units % factor == 0).then_some(units / factor),
    }
}
