//! A connection to DuckDB through its C interface.
//!
//! The safe crate over this interface takes Arrow batches only through an appender that copies value
//! by value. Handing DuckDB an Arrow stream, which it scans by itself, loads the benchmark data in
//! 1.3 instead of 2.0 seconds and with two thirds of the processor time. Hence this file, which is
//! the only one that calls C.
#![allow(unsafe_code)]

mod shared;
mod stream;

use std::ffi::{CStr, CString};
use std::path::Path;
use std::ptr;

use arrow::ffi_stream::FFI_ArrowArrayStream;
use arrow::record_batch::RecordBatchReader;
use libduckdb_sys as c;

use crate::error::{Error, ErrorKind, Result, Step};

/// A row of a result as texts.
pub(super) type Row = Vec<Option<String>>;

/// A connection to an open database. All connections of a process to one file share the database, because two
/// of them would not know of each other's changes.
pub(super) struct Connection {
    database: shared::Database,
    connection: c::duckdb_connection,
}

// SAFETY: DuckDB allows a connection to be used from any thread, one at a time, which `&mut self`
// ensures for everything that changes it.
unsafe impl Send for Connection {}

impl Connection {
    /// Opens a database file. The settings are for the first connection to it.
    pub(super) fn open(path: &Path, settings: &[(&str, String)]) -> Result<Self> {
        let database = shared::Database::open(path, settings)?;
        let mut this = Self { database, connection: ptr::null_mut() };
        // SAFETY: the database is open as long as the value exists.
        let state = unsafe { c::duckdb_connect(this.database.raw(), &mut this.connection) };
        if state != c::DuckDBSuccess {
            return Err(refused("cannot connect"));
        }
        Ok(this)
    }

    /// Runs a statement and returns the number of rows that it changed.
    pub(super) fn execute(&mut self, sql: &str) -> Result<u64> {
        let mut result = self.run(sql)?;
        // SAFETY: the result is valid until it is dropped.
        Ok(unsafe { c::duckdb_rows_changed(&mut result.0) })
    }

    /// Runs a query and returns all rows as texts. For small results.
    pub(super) fn query(&mut self, sql: &str) -> Result<Vec<Row>> {
        let mut result = self.run(sql)?;
        let result = &mut result.0;
        // SAFETY: the result is valid, rows and columns are within its bounds, and each text is
        // ours to free.
        unsafe {
            let (rows, columns) = (c::duckdb_row_count(result), c::duckdb_column_count(result));
            let cell = |result: &mut c::duckdb_result, column, row| {
                take_text(c::duckdb_value_varchar(result, column, row))
            };
            Ok((0..rows).map(|row| (0..columns).map(|column| cell(result, column, row)).collect()).collect())
        }
    }

    /// Lets `act` read rows under the name `source`.
    pub(super) fn with_rows<T>(
        &mut self,
        source: &str,
        rows: Box<dyn RecordBatchReader + Send>,
        act: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let name = text(source)?;
        let mut stream = FFI_ArrowArrayStream::new(rows);
        let pointer: *mut FFI_ArrowArrayStream = &mut stream;
        // SAFETY: DuckDB keeps the pointer in a view named `source`. The view is dropped before the
        // stream is, and nothing else uses the stream in between.
        let state = unsafe { c::duckdb_arrow_scan(self.connection, name.as_ptr(), pointer.cast()) };
        if state != c::DuckDBSuccess {
            return Err(refused("cannot read the rows"));
        }
        let result = act(self);
        let view = source.replace('"', "\"\"");
        let dropped = self.execute(&format!("DROP VIEW IF EXISTS \"{view}\""));
        match result {
            Ok(value) => dropped.map(|_| value),
            // a failed transaction takes the view with it
            Err(error) => Err(error),
        }
    }

    fn run(&mut self, sql: &str) -> Result<QueryResult> {
        let sql = text(sql)?;
        // SAFETY: a zeroed result is what the call expects to fill.
        let mut result = QueryResult(unsafe { std::mem::zeroed() });
        // SAFETY: connection and text are valid; the result is destroyed on drop.
        let state = unsafe { c::duckdb_query(self.connection, sql.as_ptr(), &mut result.0) };
        if state == c::DuckDBSuccess { Ok(result) } else { Err(refused(&result.message())) }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: the connection is valid or null, which the call accepts, and not used afterwards. The
        // database is closed later, if this was its last connection.
        unsafe { c::duckdb_disconnect(&mut self.connection) }
    }
}

struct QueryResult(c::duckdb_result);

impl QueryResult {
    /// What went wrong, or nothing.
    fn message(&mut self) -> String {
        // SAFETY: the message belongs to the result and lives as long; it is copied.
        unsafe {
            let message = c::duckdb_result_error(&mut self.0);
            if message.is_null() {
                String::new()
            } else {
                CStr::from_ptr(message).to_string_lossy().into_owned()
            }
        }
    }
}

impl Drop for QueryResult {
    fn drop(&mut self) {
        // SAFETY: the result was filled by `duckdb_query` and is not used afterwards.
        unsafe { c::duckdb_destroy_result(&mut self.0) }
    }
}

struct Config(c::duckdb_config);

impl Config {
    fn new(settings: &[(&str, String)]) -> Result<Self> {
        let mut config = Self(ptr::null_mut());
        // SAFETY: the call fills the pointer.
        if unsafe { c::duckdb_create_config(&mut config.0) } != c::DuckDBSuccess {
            return Err(refused("cannot create a configuration"));
        }
        for (name, value) in settings {
            let (key, given) = (text(name)?, text(value)?);
            // SAFETY: the configuration and both texts are valid.
            let state = unsafe { c::duckdb_set_config(config.0, key.as_ptr(), given.as_ptr()) };
            if state != c::DuckDBSuccess {
                return Err(refused(&format!("DuckDB does not take `{value}` for {name}")));
            }
        }
        Ok(config)
    }
}

impl Drop for Config {
    fn drop(&mut self) {
        // SAFETY: the configuration is valid or null.
        unsafe { c::duckdb_destroy_config(&mut self.0) }
    }
}

/// Takes a text that DuckDB allocated.
///
/// # Safety
/// The pointer is null or a text from DuckDB that nobody else frees.
unsafe fn take_text(pointer: *mut std::os::raw::c_char) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: the caller promises a valid text that is ours to free.
    unsafe {
        let text = CStr::from_ptr(pointer).to_string_lossy().into_owned();
        c::duckdb_free(pointer.cast());
        Some(text)
    }
}

fn text(text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| refused("a NUL character is not allowed here"))
}

/// DuckDB's own words, without the statement that it quotes behind them.
fn refused(message: &str) -> Error {
    let first = message.split("\n\n").next().unwrap_or(message).trim();
    let error = Error::new(ErrorKind::Destination, format!("DuckDB: {first}")).step(Step::Load);
    if first.starts_with("Out of Memory") {
        return error.help("let it have more with --memory-limit");
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use arrow::array::{Int64Array, RecordBatch, RecordBatchIterator, StringArray};

    fn rows(batches: usize) -> Box<dyn RecordBatchReader + Send> {
        let batch = RecordBatch::try_from_iter([
            ("n", Arc::new(Int64Array::from(vec![Some(1), None])) as _),
            ("t", Arc::new(StringArray::from(vec![None, Some("ü")])) as _),
        ])
        .unwrap();
        let schema = batch.schema();
        Box::new(RecordBatchIterator::new((0..batches).map(move |_| Ok(batch.clone())), schema))
    }

    #[test]
    fn rows_go_in_and_come_out() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = Connection::open(&folder.path().join("x.duckdb"), &[]).unwrap();
        connection.execute("CREATE TABLE t (n BIGINT, t VARCHAR)").unwrap();
        let inserted = connection
            .with_rows("source", rows(3), |c| c.execute("INSERT INTO t SELECT * FROM source"))
            .unwrap();
        assert_eq!(inserted, 6);
        let found = connection.query("SELECT * FROM t ORDER BY n NULLS LAST LIMIT 4").unwrap();
        assert_eq!(found[0], [Some("1".to_owned()), None]);
        assert_eq!(found[3], [None, Some("ü".to_owned())]);
        let views = connection.query("SELECT 1 FROM duckdb_views() WHERE view_name = 'source'");
        assert!(views.unwrap().is_empty());
    }

    #[test]
    fn errors_are_those_of_duckdb() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.duckdb");
        let mut connection = Connection::open(&path, &[("threads", "1".to_owned())]).unwrap();
        let text = connection.execute("SELECT nothing FROM nowhere").unwrap_err().to_string();
        assert!(text.starts_with("DuckDB: Catalog Error: Table with name nowhere does not exist!"), "{text}");
        assert!(connection.execute("SELECT '\0'").is_err());
        connection.execute("CREATE TABLE t (n BIGINT NOT NULL)").unwrap();
        let failed =
            connection.with_rows("source", rows(1), |c| c.execute("INSERT INTO t SELECT n FROM source"));
        assert!(failed.unwrap_err().to_string().contains("NOT NULL constraint failed"));
        std::fs::write(folder.path().join("no.duckdb"), "no database").unwrap();
        assert!(Connection::open(&folder.path().join("no.duckdb"), &[]).is_err());
        let other = folder.path().join("other.duckdb");
        assert!(Connection::open(&other, &[("memory_limit", "much".to_owned())]).is_err());
    }

    #[test]
    fn connections_to_a_file_share_the_database() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.duckdb");
        let mut one = Connection::open(&path, &[]).unwrap();
        let mut other = Connection::open(&folder.path().join(".").join("x.duckdb"), &[]).unwrap();
        one.execute("CREATE TABLE t AS SELECT 1 AS n").unwrap();
        assert_eq!(other.query("SELECT n FROM t").unwrap()[0][0].as_deref(), Some("1"));
        drop(one);
        other.execute("INSERT INTO t VALUES (2)").unwrap();
        drop(other);
        let rows = Connection::open(&path, &[]).unwrap().query("SELECT n FROM t").unwrap();
        assert_eq!(rows.len(), 2);
    }

    #[test]
    fn rows_are_made_when_they_are_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Connection::open(&folder.path().join("x.duckdb"), &[]).unwrap();
        // more rows than would ever fit
        let mut rows = open().stream("SELECT range AS n FROM range(1000000000000)").unwrap();
        assert_eq!(rows.next().unwrap().unwrap().num_rows(), 2048);
        let late = "CAST(CASE WHEN range = 900000 THEN 'x' ELSE '1' END AS INTEGER)";
        let mut failing = open().stream(&format!("SELECT {late} FROM range(1000000)")).unwrap();
        assert!(failing.any(|batch| batch.is_err()) && failing.next().is_none());
        assert!(open().stream("SELECT 1; SELECT 2").is_err());
        assert!(open().stream("SELECT nothing").is_err());
    }
}
