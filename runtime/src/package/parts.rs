//! Batches on disk, as Arrow IPC streams.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::{RecordBatch, RecordBatchReader};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;

use super::manifest::Part;
use crate::error::{Error, ErrorKind, Result, Step};
use crate::fault::{self, Action};
use crate::normalize::engine::BatchSink;

/// A part is closed when it has this size, so that it can be synced while the next one grows.
const PART_BYTES: u64 = 32 << 20;
/// Batches with fewer rows wait for company.
const SMALL_BATCH: usize = 4096;
/// Files that are open at once; more tables than that take turns.
const OPEN_FILES: usize = 128;
const BUFFER: usize = 1 << 20;

/// Writes the batches of all tables of a package.
pub(crate) struct PartWriter {
    folder: PathBuf,
    tables: HashMap<String, TableWriter>,
    /// Finished parts by the number in which they were begun.
    parts: Vec<(usize, Part)>,
    begun: usize,
    syncer: Option<Syncer>,
}

#[derive(Default)]
struct TableWriter {
    open: Option<OpenPart>,
    /// Small batches that are written together.
    waiting: Vec<RecordBatch>,
    waiting_rows: usize,
    used: usize,
}

struct OpenPart {
    number: usize,
    schema: SchemaRef,
    writer: StreamWriter<BufWriter<File>>,
    part: Part,
    path: PathBuf,
}

impl PartWriter {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), tables: HashMap::new(), parts: Vec::new(), begun: 0, syncer: None }
    }

    /// Closes all parts and makes sure that they are on disk.
    pub(crate) fn finish(mut self) -> Result<Vec<Part>> {
        let mut tables: Vec<String> = self.tables.keys().cloned().collect();
        tables.sort();
        for table in tables {
            self.flush(&table)?;
            self.close(&table)?;
        }
        if let Some(syncer) = self.syncer.take() {
            syncer.finish()?;
        }
        self.parts.sort_by_key(|(number, _)| *number);
        Ok(self.parts.into_iter().map(|(_, part)| part).collect())
    }

    fn flush(&mut self, table: &str) -> Result<()> {
        let Some(writer) = self.tables.get_mut(table) else { return Ok(()) };
        let waiting = std::mem::take(&mut writer.waiting);
        writer.waiting_rows = 0;
        let Some(first) = waiting.first() else { return Ok(()) };
        let batch = match waiting.len() {
            1 => first.clone(),
            _ => concat_batches(&first.schema(), &waiting)
                .map_err(|e| Error::internal("cannot join batches").cause(e))?,
        };
        self.write_batch(table, batch)
    }

    fn write_batch(&mut self, table: &str, batch: RecordBatch) -> Result<()> {
        let schema = batch.schema();
        let open = self.tables.get(table).and_then(|t| t.open.as_ref());
        if open.is_some_and(|open| open.schema != schema) {
            self.close(table)?;
        }
        if self.tables.get(table).is_none_or(|t| t.open.is_none()) {
            self.open(table, &schema)?;
        }
        let begun = self.begun;
        let Some(writer) = self.tables.get_mut(table) else { return Ok(()) };
        writer.used = begun;
        let Some(open) = &mut writer.open else { return Ok(()) };
        open.writer.write(&batch).map_err(|e| unwritable(&open.path, e))?;
        open.part.rows += batch.num_rows() as u64;
        open.part.bytes += batch.get_array_memory_size() as u64;
        if open.part.bytes >= PART_BYTES { self.close(table) } else { Ok(()) }
    }

    fn open(&mut self, table: &str, schema: &SchemaRef) -> Result<()> {
        let open = |t: &TableWriter| t.open.is_some();
        if self.tables.values().filter(|t| open(t)).count() >= OPEN_FILES {
            let oldest = self.tables.iter().filter(|(_, t)| open(t)).min_by_key(|(_, t)| t.used);
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                self.close(&oldest)?;
            }
        }
        let number = self.begun;
        self.begun += 1;
        // names of tables may be longer than names of files
        let name = format!("{number:06}.arrow");
        let path = self.folder.join(&name);
        let file = File::create(&path).map_err(|e| Error::io("write", &path, e))?;
        let writer = StreamWriter::try_new(BufWriter::with_capacity(BUFFER, file), schema)
            .map_err(|e| unwritable(&path, e))?;
        let part = Part { table: table.to_owned(), file: name, rows: 0, bytes: 0 };
        self.tables.entry(table.to_owned()).or_default().open =
            Some(OpenPart { number, schema: schema.clone(), writer, part, path });
        Ok(())
    }

    fn close(&mut self, table: &str) -> Result<()> {
        let Some(open) = self.tables.get_mut(table).and_then(|t| t.open.take()) else { return Ok(()) };
        let OpenPart { number, mut writer, mut part, path, .. } = open;
        writer.finish().map_err(|e| unwritable(&path, e))?;
        let buffer = writer.into_inner().map_err(|e| unwritable(&path, e))?;
        let mut file = buffer.into_inner().map_err(|e| Error::io("write", &path, e.into_error()))?;
        file.flush().map_err(|e| Error::io("write", &path, e))?;
        part.bytes = file.metadata().map_err(|e| Error::io("read", &path, e))?.len();
        self.parts.push((number, part));
        self.syncer.get_or_insert_with(Syncer::start).sync(file, path)
    }
}

impl BatchSink for PartWriter {
    fn write(&mut self, table: &str, batch: RecordBatch) -> Result<()> {
        let rows = batch.num_rows();
        let writer = self.tables.entry(table.to_owned()).or_default();
        let changed = writer.waiting.first().is_some_and(|first| first.schema() != batch.schema());
        if changed {
            self.flush(table)?;
        }
        let writer = self.tables.entry(table.to_owned()).or_default();
        if rows >= SMALL_BATCH && writer.waiting.is_empty() {
            return self.write_batch(table, batch);
        }
        writer.waiting.push(batch);
        writer.waiting_rows += rows;
        if writer.waiting_rows >= 2 * SMALL_BATCH { self.flush(table) } else { Ok(()) }
    }
}

fn unwritable(path: &Path, error: ArrowError) -> Error {
    Error::new(ErrorKind::Io, format!("cannot write {}", path.display())).cause(error)
}

/// Syncs files in a thread of its own, while others are written.
struct Syncer {
    files: Sender<(File, PathBuf)>,
    thread: JoinHandle<Result<()>>,
}

impl Syncer {
    fn start() -> Self {
        let (files, queue) = channel::<(File, PathBuf)>();
        let thread = std::thread::spawn(move || {
            for (file, path) in queue {
                fault::around(Action::SyncPart, || file.sync_data())
                    .map_err(|e| Error::io("sync", &path, e))?;
            }
            Ok(())
        });
        Self { files, thread }
    }

    fn sync(&mut self, file: File, path: PathBuf) -> Result<()> {
        // a closed queue means that syncing failed, which `finish` reports
        let _ = self.files.send((file, path));
        Ok(())
    }

    fn finish(self) -> Result<()> {
        drop(self.files);
        self.thread.join().unwrap_or_else(|_| Err(Error::internal("syncing files panicked")))
    }
}

/// Parts of one table with the same columns, as one stream of batches.
struct PartReader {
    schema: SchemaRef,
    parts: std::vec::IntoIter<PathBuf>,
    current: Option<StreamReader<BufReader<File>>>,
}

fn open_part(path: &Path) -> Result<StreamReader<BufReader<File>>> {
    let damaged = |e: ArrowError| {
        Error::new(ErrorKind::Package, format!("the part {} is damaged", path.display()))
            .cause(e)
            .step(Step::Load)
    };
    let file = File::open(path).map_err(|e| Error::io("read", path, e))?;
    StreamReader::try_new(BufReader::with_capacity(BUFFER, file), None).map_err(damaged)
}

/// The batches of a table as few streams as possible: one for each set of columns in a row.
pub(crate) fn read_parts(folder: &Path, parts: &[&Part]) -> Result<Vec<Box<dyn RecordBatchReader + Send>>> {
    let mut groups: Vec<(SchemaRef, Vec<PathBuf>)> = Vec::new();
    for part in parts {
        let path = folder.join(&part.file);
        let length = std::fs::metadata(&path).map_err(|e| Error::io("read", &path, e))?.len();
        if length != part.bytes {
            let message = format!("the part {} has {length} bytes instead of {}", path.display(), part.bytes);
            return Err(Error::new(ErrorKind::Package, message).step(Step::Load));
        }
        let schema = open_part(&path)?.schema();
        match groups.last_mut().filter(|(known, _)| *known == schema) {
            Some((_, paths)) => paths.push(path),
            None => groups.push((schema, vec![path])),
        }
    }
    let reader = |(schema, paths): (SchemaRef, Vec<PathBuf>)| -> Box<dyn RecordBatchReader + Send> {
        Box::new(PartReader { schema, parts: paths.into_iter(), current: None })
    };
    Ok(groups.into_iter().map(reader).collect())
}

impl Iterator for PartReader {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(batch) = self.current.as_mut().and_then(Iterator::next) {
                return Some(batch);
            }
            match open_part(&self.parts.next()?) {
                Ok(reader) => self.current = Some(reader),
                Err(error) => return Some(Err(ArrowError::ExternalError(Box::new(error)))),
            }
        }
    }
}

impl RecordBatchReader for PartReader {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Int64Array};

    fn batch(columns: &[&str], rows: i64) -> RecordBatch {
        let array: ArrayRef = Arc::new((0..rows).collect::<Int64Array>());
        RecordBatch::try_from_iter(columns.iter().map(|c| (*c, array.clone()))).unwrap()
    }

    #[test]
    fn batches_come_back_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = PartWriter::new(folder.path());
        for n in 1..300 {
            writer.write("a", batch(&["x"], n)).unwrap();
            writer.write("b", batch(if n < 150 { &["x"] } else { &["x", "y"] }, 1)).unwrap();
        }
        let parts = writer.finish().unwrap();
        let rows = |table: &str| parts.iter().filter(|p| p.table == table).map(|p| p.rows).sum::<u64>();
        assert_eq!((rows("a"), rows("b")), (300 * 299 / 2, 299));
        let of_b: Vec<&Part> = parts.iter().filter(|p| p.table == "b").collect();
        let streams = read_parts(folder.path(), &of_b).unwrap();
        let counts: Vec<usize> =
            streams.into_iter().map(|stream| stream.map(|batch| batch.unwrap().num_rows()).sum()).collect();
        assert_eq!(counts, [149, 150]);
    }

    #[test]
    fn parts_that_were_cut_are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = PartWriter::new(folder.path());
        writer.write("a", batch(&["x"], 10)).unwrap();
        let parts = writer.finish().unwrap();
        std::fs::write(folder.path().join(&parts[0].file), b"cut").unwrap();
        let error = read_parts(folder.path(), &[&parts[0]]).err().unwrap();
        assert!(error.to_string().contains("has 3 bytes instead of"));
    }

    #[test]
    fn more_tables_than_open_files() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = PartWriter::new(folder.path());
        for table in 0..3 * OPEN_FILES {
            writer.write(&format!("t{table}"), batch(&["x"], 5000)).unwrap();
        }
        assert_eq!(writer.finish().unwrap().len(), 3 * OPEN_FILES);
    }
}
