//! Rows on their way into a table.

use std::cell::Cell;
use std::pin::Pin;

use arrow::array::ArrayRef;
use arrow::record_batch::{RecordBatch, RecordBatchReader};
use bytes::Bytes;
use futures_util::SinkExt;
use tokio_postgres::CopyInSink;
use tokio_postgres::types::Type;

use super::connection::{Connection, refused, wait};
use super::values::{self, Format, Misfit};
use crate::error::{Error, ErrorKind, Result, Step};

/// Rows are sent when they have this many bytes. The connection holds a few such pieces while the next
/// one is made.
const PIECE: usize = 128 << 10;
/// Signature, flags and the length of an extension that there is none of.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const END: [u8; 2] = (-1i16).to_be_bytes();

/// A table that takes rows.
pub(super) struct Copy<'a> {
    table: &'a str,
    /// Goes in front of each row, if it is given.
    load_id: Option<&'a str>,
    columns: Vec<Column>,
}

/// A column that takes values.
struct Column {
    name: String,
    format: Format,
    /// Characters that Postgres cannot hold.
    changed: Cell<u64>,
}

impl<'a> Copy<'a> {
    /// The columns have the types that they have in the database, whatever the schema says.
    pub(super) fn new(
        table: &'a str,
        load_id: Option<&'a str>,
        columns: &[String],
        types: &[Type],
    ) -> Result<Self> {
        let column = |(name, column_type): (&String, &Type)| {
            let format = Format::of(column_type).ok_or_else(|| {
                let message = format!("rows cannot be copied into {table}.{name}, which is {column_type}");
                at(table, name, message).help("drop the column, or load into another dataset")
            })?;
            Ok(Column { name: name.clone(), format, changed: Cell::new(0) })
        };
        let columns = columns.iter().zip(types).map(column).collect::<Result<_>>()?;
        Ok(Self { table, load_id, columns })
    }

    /// Sends rows and returns how many there were.
    pub(super) fn send(
        &self,
        connection: &Connection,
        sql: &str,
        rows: Box<dyn RecordBatchReader + Send>,
    ) -> Result<u64> {
        let mut stream = Stream { sink: Box::pin(connection.copy(sql)?), piece: HEADER.to_vec() };
        for batch in rows {
            let batch = batch.map_err(|e| Error::internal("cannot read rows of a package").cause(e))?;
            self.send_batch(&mut stream, &batch)?;
        }
        stream.piece.extend_from_slice(&END);
        stream.flush()?;
        wait(stream.sink.as_mut().finish()).map_err(refused)
    }

    fn send_batch(&self, stream: &mut Stream, batch: &RecordBatch) -> Result<()> {
        let prepare = |(column, array): (&Column, &ArrayRef)| {
            column.format.prepare(array).map_err(|e| self.misfit(column, &e.to_string()))
        };
        let pairs = self.columns.iter().zip(batch.columns());
        let arrays: Vec<ArrayRef> = pairs.map(prepare).collect::<Result<_>>()?;
        let writers = self.columns.iter().zip(&arrays);
        let writers: Vec<_> =
            writers.map(|(column, array)| values::writer(array, column.format, &column.changed)).collect();
        let load_id = self.load_id.map(values::constant);
        let fields = (writers.len() + self.load_id.iter().len()) as i16;
        for row in 0..batch.num_rows() {
            stream.piece.extend_from_slice(&fields.to_be_bytes());
            if let Some(write) = &load_id {
                write(row, &mut stream.piece).map_err(Error::internal)?;
            }
            for (writer, column) in writers.iter().zip(&self.columns) {
                writer(row, &mut stream.piece).map_err(|why: Misfit| self.misfit(column, why))?;
            }
            if stream.piece.len() >= PIECE {
                stream.flush()?;
            }
        }
        Ok(())
    }

    fn misfit(&self, column: &Column, why: &str) -> Error {
        let name = &column.name;
        at(self.table, name, format!("a value of {}.{name} does not go into Postgres: {why}", self.table))
    }

    /// What was changed on the way.
    pub(super) fn warnings(&self) -> Vec<String> {
        let changed = self.columns.iter().filter(|column| column.changed.get() > 0);
        let warning = |column: &Column| {
            format!(
                "{}.{}: {} characters that Postgres cannot hold (NUL and halves of surrogate pairs) were \
                 removed or replaced",
                self.table,
                column.name,
                column.changed.get()
            )
        };
        changed.map(warning).collect()
    }
}

fn at(table: &str, column: &str, message: String) -> Error {
    Error::new(ErrorKind::Destination, message).step(Step::Load).table(table).column(column)
}

struct Stream {
    sink: Pin<Box<CopyInSink<Bytes>>>,
    piece: Vec<u8>,
}

impl Stream {
    fn flush(&mut self) -> Result<()> {
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE + PIECE / 8));
        wait(self.sink.feed(Bytes::from(piece))).map_err(refused)
    }
}
