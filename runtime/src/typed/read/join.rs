//! Rows of several tables that come in the same order, put together again.
//!
//! Each row has its key in front: the identifier of the row of the root table, and for every table on the way the
//! place in the list and the identifier. The key of a row begins with that of the row above it, so that one look
//! at the next row of each table is enough, and no table is held in memory.

use std::cmp::Ordering;

use super::cells::{Cell, Cells};
use super::de::Record;
use super::plan::Plan;
use crate::destination::Batches;
use crate::error::{Error, Result};

/// Part of a key, in the order in which destinations have them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Null,
    Place(i64),
    Id(String),
}

type Key = Vec<Part>;

#[derive(Debug)]
pub(super) struct Join {
    tables: Vec<Stream>,
    /// For each table, those with its lists.
    lists: Vec<Vec<usize>>,
}

/// The rows of a table.
#[derive(Debug)]
struct Stream {
    table: String,
    batches: Option<Batches>,
    /// The columns of a batch, the number of its rows, and the row that is next.
    batch: Option<(Cells, usize, usize)>,
    keys: usize,
    /// The key of the next row.
    next: Option<Key>,
}

impl Join {
    pub(super) fn new(plan: &Plan, streams: impl Iterator<Item = Option<Batches>>) -> Self {
        let streams: Vec<_> = streams.collect();
        let keyed = streams.iter().flatten().count() > 1;
        let tables = plan.tables.iter().zip(streams).map(|(table, batches)| Stream {
            table: table.name().to_owned(),
            batches,
            batch: None,
            keys: if keyed { (2 * table.lineage.len()).saturating_sub(1) } else { 0 },
            next: None,
        });
        Self {
            tables: tables.collect(),
            lists: plan.tables.iter().map(|table| table.lists.clone()).collect(),
        }
    }

    /// The next row of the root table with everything in it.
    pub(super) fn next(&mut self) -> Result<Option<Record>> {
        match self.peek(0)? {
            None => Ok(None),
            Some(key) => self.take(0, &key),
        }
    }

    fn peek(&mut self, table: usize) -> Result<Option<Key>> {
        match self.tables.get_mut(table) {
            Some(stream) => stream.peek(),
            None => Ok(None),
        }
    }

    /// The row of a table that is next, and the rows in its lists.
    fn take(&mut self, table: usize, key: &Key) -> Result<Option<Record>> {
        let Some(mut record) = self.tables.get_mut(table).and_then(Stream::take) else { return Ok(None) };
        for list in self.lists.get(table).cloned().unwrap_or_default() {
            let mut records = Vec::new();
            while let Some(below) = self.peek(list)? {
                match below.get(..key.len()).unwrap_or_default().cmp(key) {
                    // a row whose row above is gone
                    Ordering::Less => drop(self.tables.get_mut(list).and_then(Stream::take)),
                    Ordering::Equal => records.extend(self.take(list, &below)?),
                    Ordering::Greater => break,
                }
            }
            record.lists.push(records);
        }
        Ok(Some(record))
    }
}

impl Stream {
    /// The key of the next row, if there is one.
    fn peek(&mut self) -> Result<Option<Key>> {
        if let Some(next) = &self.next {
            return Ok(Some(next.clone()));
        }
        loop {
            if let Some((cells, rows, at)) = &self.batch
                && at < rows
            {
                let part = |column| match cells.get(column, *at) {
                    Some(Cell::Text(text)) => Part::Id(text.to_owned()),
                    Some(Cell::Int(place)) => Part::Place(place),
                    _ => Part::Null,
                };
                let key: Key = (0..self.keys).map(part).collect();
                self.next = Some(key.clone());
                return Ok(Some(key));
            }
            let Some(batch) = self.batches.as_mut().and_then(Batches::next) else { return Ok(None) };
            let batch = batch.map_err(|e| e.table(&self.table))?;
            let cells = Cells::new(&batch).map_err(|e| {
                Error::internal("rows of a type that is not read").cause(e).table(&self.table)
            })?;
            self.batch = Some((cells, batch.num_rows(), 0));
        }
    }

    fn take(&mut self) -> Option<Record> {
        self.next = None;
        let (cells, rows, at) = self.batch.as_mut()?;
        let row = *at;
        *at += 1;
        (row < *rows).then(|| Record { cells: cells.clone(), row, keys: self.keys, lists: Vec::new() })
    }
}
