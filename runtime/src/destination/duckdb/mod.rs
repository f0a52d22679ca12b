//! DuckDB, the embedded default.

mod dialect;
mod ffi;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use arrow::record_batch::RecordBatchReader;
use floe_schema::{STATE_TABLE, Schema, Table, VERSION_TABLE};

use self::ffi::Connection;
use super::sql::{Statements, merge_statements};
use super::{
    Batches, Capabilities, Chain, Dataset, Destination, IDS_AT_ONCE, LoadRecord, Read, RejectedRow,
    StoredState,
};
use crate::error::{Error, ErrorKind, Result, Step};

pub(crate) use dialect::DuckDbDialect;

/// Memory that DuckDB takes unless another limit is set, in megabytes. It fills what it gets. With half of it,
/// row groups of wide rows go to a temporary file and back, which costs a tenth of the time of a load.
const MEMORY: usize = 64;
/// What it needs in addition for each column of the widest table: a block for the values that are
/// being written, one for the nulls, and half as much to spare.
const MEMORY_PER_COLUMN: f64 = 0.75;
/// Memory that it takes for merges, in megabytes. What a merge changes has to fit until the commit:
/// with the memory of a plain load, 100,000 changes of two million rows were too many.
const MERGE_MEMORY: usize = 1024;
/// Threads that it takes, except for merges. With two, loading the benchmark data costs a third more
/// processor time and a fifth more memory, for nothing.
const THREADS: usize = 1;

/// The size of the headers with which every file begins.
const HEADERS: u64 = 3 * 4096;

/// A DuckDB database file.
///
/// ```
/// use floe::{Destination, DuckDb};
/// let duckdb = DuckDb::file("shop.duckdb").memory_limit("1GB");
/// assert_eq!(duckdb.location(), "shop.duckdb");
/// ```
#[derive(Debug, Clone)]
pub struct DuckDb {
    path: PathBuf,
    memory_limit: Option<String>,
    threads: Option<usize>,
}

impl DuckDb {
    /// The database in a file, which need not exist.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), memory_limit: None, threads: None }
    }

    /// The memory that DuckDB may take, such as `1GB`. By default it depends on the number of
    /// columns, not on the number of rows; only merges take more, up to a gigabyte.
    pub fn memory_limit(mut self, limit: impl Into<String>) -> Self {
        self.memory_limit = Some(limit.into());
        self
    }

    /// The threads that DuckDB may take. By default that is one, because rows come in one stream for each
    /// table, of which more make no use; merges take as many as the system has.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    fn dataset(&self, name: &str) -> Result<DuckDbDataset> {
        check_folder(&self.path)?;
        let mut connection = self.connect()?;
        let catalog = connection.query("SELECT current_database()")?;
        let catalog = catalog.into_iter().flatten().next().flatten().unwrap_or_default();
        Ok(DuckDbDataset {
            connection,
            duckdb: self.clone(),
            catalog,
            name: name.to_owned(),
            own_memory_limit: self.memory_limit.is_none(),
            own_threads: self.threads.is_none(),
            scans: 0,
        })
    }

    fn connect(&self) -> Result<Connection> {
        let config = [
            ("memory_limit", self.memory_limit.clone().unwrap_or_else(|| memory_for(MEMORY, 0))),
            ("threads", self.threads.unwrap_or(THREADS).to_string()),
            // extensions would be fetched from the network
            ("autoinstall_known_extensions", "false".to_owned()),
        ];
        match Connection::open(&self.path, &config) {
            Err(error) if !error.message().contains("Could not set lock") && is_unborn(&self.path) => {
                std::fs::remove_file(&self.path).map_err(|e| Error::io("remove", &self.path, e))?;
                Connection::open(&self.path, &config)
            }
            outcome => outcome,
        }
    }
}

impl Destination for DuckDb {
    fn dlt_type(&self) -> &'static str {
        "dlt.destinations.duckdb"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn location(&self) -> String {
        self.path.display().to_string()
    }

    fn open(&self, dataset: &str) -> Result<Box<dyn Dataset>> {
        Ok(Box::new(self.dataset(dataset)?))
    }
}

/// The memory that DuckDB needs for tables of up to so many columns.
fn memory_for(megabytes: usize, columns: usize) -> String {
    let more = (columns as f64 * MEMORY_PER_COLUMN).ceil() as usize;
    format!("{}MB", megabytes + more)
}

/// Whether a process was killed while DuckDB wrote the three headers of a new file. There is nothing in
/// such a file, and DuckDB cannot open it any more.
fn is_unborn(path: &Path) -> bool {
    let small = std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() < HEADERS);
    // files of other kinds are not touched
    let is_ours = |content: Vec<u8>| content.is_empty() || content.get(8..12) == Some(b"DUCK".as_slice());
    small && std::fs::read(path).is_ok_and(is_ours)
}

fn check_folder(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    match folder {
        Some(folder) if !folder.is_dir() => {
            let message = format!("the folder {} of the database does not exist", folder.display());
            Err(Error::new(ErrorKind::Destination, message)
                .step(Step::Sync)
                .help("create the folder, or give another path with --credentials"))
        }
        _ => Ok(()),
    }
}

struct DuckDbDataset {
    connection: Connection,
    duckdb: DuckDb,
    /// The database, which takes the name of its file. A dataset of the same name would make names
    /// without it ambiguous.
    catalog: String,
    name: String,
    /// Whether the memory limit follows the width of the tables.
    own_memory_limit: bool,
    /// Whether merges take all threads.
    own_threads: bool,
    /// Counts the sources of rows, whose names have to differ.
    scans: usize,
}

impl DuckDbDataset {
    fn statements(&self) -> Statements<'static> {
        Statements::new(&DuckDbDialect, Some(&self.catalog), &self.name)
    }

    /// The statements for the dataset of staged rows.
    fn staging(&self) -> Statements<'static> {
        Statements::staging(&DuckDbDialect, Some(&self.catalog), &self.name)
    }

    fn exists_row(&mut self, sql: &str) -> Result<bool> {
        Ok(!self.connection.query(sql)?.is_empty())
    }

    /// Columns of all tables.
    fn columns(&mut self) -> Result<HashMap<String, Vec<String>>> {
        let mut tables: HashMap<String, Vec<String>> = HashMap::new();
        for row in self.connection.query(&self.statements().columns())? {
            if let [Some(table), Some(column)] = row.as_slice() {
                tables.entry(table.clone()).or_default().push(column.clone());
            }
        }
        Ok(tables)
    }

    /// Takes the memory for tables of this width, unless somebody has said how much it may be.
    fn take_memory(&mut self, megabytes: usize, tables: &[&Table]) -> Result<()> {
        if !self.own_memory_limit {
            return Ok(());
        }
        let widest = tables.iter().map(|table| table.columns.len()).max().unwrap_or_default();
        self.connection.execute(&format!("SET memory_limit = '{}'", memory_for(megabytes, widest))).map(drop)
    }

    /// Takes so many threads, unless somebody has said how many they may be.
    fn take_threads(&mut self, threads: usize) -> Result<()> {
        if !self.own_threads {
            return Ok(());
        }
        self.connection.execute(&format!("SET threads = {threads}")).map(drop)
    }

    /// The load that was completed last.
    fn last_load(&mut self) -> Result<Option<String>> {
        if !self.has_tables(&[floe_schema::LOADS_TABLE])? {
            return Ok(None);
        }
        let rows = self.connection.query(&self.statements().last_load())?;
        Ok(rows.into_iter().flatten().next().flatten())
    }

    /// A stream for each read, each on a connection of its own.
    fn streams(&mut self, reads: &[Read]) -> Result<Vec<Batches>> {
        let statements = self.statements();
        let stream = |read: &Read| {
            let mut connection = self.duckdb.connect()?;
            connection.execute(&statements.enter())?;
            connection.execute("BEGIN TRANSACTION READ ONLY")?;
            connection.stream(&statements.read(read)).map(Batches::new)
        };
        reads.iter().map(stream).collect()
    }

    fn has_tables(&mut self, wanted: &[&str]) -> Result<bool> {
        let tables = self.columns()?;
        Ok(wanted.iter().all(|table| tables.contains_key(*table)))
    }
}

impl Dataset for DuckDbDataset {
    fn exists(&mut self) -> Result<bool> {
        let sql = self.statements().dataset_exists();
        self.exists_row(&sql)
    }

    fn stored_state(&mut self, pipeline: &str) -> Result<Option<StoredState>> {
        if !self.has_tables(&[STATE_TABLE, floe_schema::LOADS_TABLE])? {
            return Ok(None);
        }
        let rows = self.connection.query(&self.statements().newest_state(pipeline))?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        Ok(Some(StoredState::of_texts(row)))
    }

    fn stored_schema(&mut self, name: &str) -> Result<Option<String>> {
        if !self.has_tables(&[VERSION_TABLE])? {
            return Ok(None);
        }
        let rows = self.connection.query(&self.statements().newest_schema(name))?;
        Ok(rows.into_iter().next().and_then(|row| row.into_iter().next().flatten()))
    }

    fn is_loaded(&mut self, load_id: &str) -> Result<bool> {
        if !self.has_tables(&[floe_schema::LOADS_TABLE])? {
            return Ok(false);
        }
        let sql = self.statements().load_is_stored(load_id);
        self.exists_row(&sql)
    }

    fn begin(&mut self) -> Result<()> {
        self.connection.execute("BEGIN TRANSACTION").map(drop)
    }

    fn migrate(&mut self, schema: &Schema, tables: &[&Table], now: i64) -> Result<()> {
        self.take_memory(MEMORY, tables)?;
        self.take_threads(THREADS)?;
        let statements = self.statements();
        self.connection.execute(&statements.create_dataset())?;
        let existing = self.columns()?;
        let bookkeeping = Statements::bookkeeping_tables();
        for table in bookkeeping.iter().chain(tables.iter().copied()) {
            let columns = existing.get(&table.name).map(Vec::as_slice);
            for sql in statements.migrate(table, columns)? {
                self.connection.execute(&sql).map_err(|e| e.table(&table.name))?;
            }
        }
        let hash = schema.version_hash.as_deref().unwrap_or_default();
        if !self.exists_row(&statements.schema_is_stored(hash))? {
            self.connection.execute(&statements.store_schema(schema, now))?;
        }
        Ok(())
    }

    fn drop_tables(&mut self, tables: &[String], schema: &str) -> Result<()> {
        let (main, staging) = (self.statements(), self.staging());
        for (dataset, is_main) in [(&main, true), (&staging, false)] {
            if !self.exists_row(&dataset.dataset_exists())? {
                continue;
            }
            for table in tables {
                self.connection.execute(&dataset.drop(table)).map_err(|e| e.table(table))?;
            }
            if is_main && self.has_tables(&[VERSION_TABLE])? {
                self.connection.execute(&dataset.forget_schema(schema))?;
            }
        }
        Ok(())
    }

    fn empty(&mut self, tables: &[&Table]) -> Result<()> {
        for table in tables {
            let sql = self.statements().empty(&table.name);
            self.connection.execute(&sql).map_err(|e| e.table(&table.name))?;
        }
        Ok(())
    }

    fn stage(&mut self, chain: &Chain<'_>) -> Result<()> {
        let staging = self.staging();
        self.connection.execute(&staging.create_dataset())?;
        for table in &chain.tables {
            self.connection.execute(&staging.drop(&table.name))?;
            for sql in staging.migrate(table, None)? {
                self.connection.execute(&sql).map_err(|e| e.table(&table.name))?;
            }
        }
        Ok(())
    }

    fn append(
        &mut self,
        table: &Table,
        staged: bool,
        load_id: &str,
        rows: Box<dyn RecordBatchReader + Send>,
    ) -> Result<u64> {
        let schema = rows.schema();
        let columns: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
        self.scans += 1;
        let source = format!("floe_rows_{}", self.scans);
        let root = !table.is_nested() && table.columns.contains_key(floe_schema::LOAD_ID);
        let statements = if staged { self.staging() } else { self.statements() };
        let load_id = Some(load_id).filter(|_| root);
        let sql = statements.insert_from(table, &columns, &statements.quote(&source), load_id)?;
        let inserted = self.connection.with_rows(&source, rows, |c| c.execute(&sql));
        inserted.map_err(|e| e.table(&table.name))
    }

    fn merge(&mut self, chain: &Chain<'_>, keep: bool) -> Result<()> {
        // until the next package, because the commit needs it as well
        self.take_memory(MERGE_MEMORY, &chain.tables)?;
        self.take_threads(std::thread::available_parallelism().map_or(THREADS, |threads| threads.get()))?;
        let (main, staging) = (self.statements(), self.staging());
        let root = chain.tables.first().map(|table| table.name.clone()).unwrap_or_default();
        let statements = merge_statements(&main, &staging, chain, |query| self.exists_row(query))?;
        for sql in statements {
            self.connection.execute(&sql).map_err(|e| e.table(&root))?;
        }
        for table in chain.tables.iter().filter(|_| !keep) {
            self.connection.execute(&staging.drop(&table.name))?;
        }
        Ok(())
    }

    fn rejected_rows(
        &mut self,
        table: &str,
        after: Option<&RejectedRow>,
        limit: usize,
    ) -> Result<Vec<RejectedRow>> {
        if !self.has_tables(&[table])? {
            return Ok(Vec::new());
        }
        let rows = self.connection.query(&self.statements().rejected_rows(table, after, limit))?;
        Ok(rows.into_iter().filter_map(RejectedRow::of_texts).collect())
    }

    fn boundary(&mut self, boundary: &str) -> Result<Vec<String>> {
        if !self.has_tables(&[floe_schema::BOUNDARY_TABLE])? {
            return Ok(Vec::new());
        }
        let rows = self.connection.query(&self.statements().boundary(boundary))?;
        Ok(rows.into_iter().flatten().flatten().collect())
    }

    fn forget_boundary(&mut self, boundary: &str) -> Result<()> {
        if !self.has_tables(&[floe_schema::BOUNDARY_TABLE])? {
            return Ok(());
        }
        self.connection.execute(&self.statements().forget_boundary(boundary)).map(drop)
    }

    fn remove_rejected(&mut self, table: &str, ids: &[String]) -> Result<u64> {
        let mut removed = 0;
        for ids in ids.chunks(IDS_AT_ONCE) {
            let sql = self.statements().remove_rows(table, ids);
            removed += self.connection.execute(&sql).map_err(|e| e.table(table))?;
        }
        Ok(removed)
    }

    fn read(mut self: Box<Self>, reads: &[Read]) -> Result<Vec<Batches>> {
        // rows of several tables are put in order, which may need as much memory as a merge
        if reads.len() > 1 {
            self.take_memory(MERGE_MEMORY, &[])?;
        }
        // each connection sees the moment when it began, and a run of this process may come in between
        loop {
            let before = self.last_load()?;
            let streams = self.streams(reads)?;
            if reads.len() < 2 || self.last_load()? == before {
                return Ok(streams);
            }
        }
    }

    fn commit(&mut self, load: &LoadRecord) -> Result<()> {
        let sql = self.statements().store_load(load);
        self.connection.execute(&sql)?;
        self.connection.execute("COMMIT").map(drop)
    }

    fn rollback(&mut self) -> Result<()> {
        self.connection.execute("ROLLBACK").map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a file and opens it as a database.
    fn open(content: &[u8]) -> (Result<Box<dyn Dataset>>, PathBuf, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.duckdb");
        std::fs::write(&path, content).unwrap();
        (DuckDb::file(&path).open("raw"), path, folder)
    }

    #[test]
    fn a_file_that_was_never_finished_is_made_anew() {
        let header = [&[0; 8], b"DUCK".as_slice(), &[0; 4084]].concat();
        for content in [&[], header.as_slice()] {
            let (dataset, path, _folder) = open(content);
            assert!(!dataset.unwrap().exists().unwrap());
            assert!(std::fs::metadata(path).unwrap().len() >= HEADERS);
        }
    }

    /// What a merge changes has to fit into memory until the commit. With the memory of a plain load,
    /// 100,000 changes of two million rows ran out of it.
    #[test]
    fn large_merges_have_the_memory_that_they_need() {
        let limit = |own: Option<&str>| {
            let folder = tempfile::tempdir().unwrap();
            let mut duckdb = DuckDb::file(folder.path().join("x.duckdb"));
            duckdb.memory_limit = own.map(str::to_owned);
            let mut dataset = duckdb.dataset("raw").unwrap();
            let mut table = Table::new("items");
            table.insert(floe_schema::Column::new("id", floe_schema::DataType::Bigint));
            let write = super::super::Write::Merge(floe_schema::MergeStrategy::DeleteInsert);
            let chain = Chain { tables: vec![&table], write, created_at: 0 };
            let limit_of = |dataset: &mut DuckDbDataset| {
                let rows = dataset.connection.query("SELECT current_setting('memory_limit')").unwrap();
                rows[0][0].clone().unwrap()
            };
            let before = limit_of(&mut dataset);
            dataset.begin().unwrap();
            dataset.migrate(&Schema::new("s"), &[&table], 0).unwrap();
            dataset.stage(&chain).unwrap();
            dataset.merge(&chain, false).unwrap();
            (before, limit_of(&mut dataset))
        };
        assert_eq!(limit(None), ("61.0 MiB".to_owned(), "977.5 MiB".to_owned()));
        assert_eq!(
            limit(Some("50MB")),
            ("47.6 MiB".to_owned(), "47.6 MiB".to_owned()),
            "as it was asked for"
        );
    }

    #[test]
    fn files_of_other_kinds_are_left_alone() {
        let (dataset, path, _folder) = open(b"these are my notes");
        let text = dataset.err().unwrap().to_string();
        assert!(text.contains("not a valid DuckDB database file"), "{text}");
        assert_eq!(std::fs::read(path).unwrap(), b"these are my notes");
    }
}
