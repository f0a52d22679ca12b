//! Results as batches of Arrow, made while they are read.

use std::ffi::CStr;
use std::ptr;
use std::sync::Arc;

use arrow::array::{RecordBatch, StructArray};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi};
use arrow::record_batch::RecordBatchReader;
use libduckdb_sys as c;

use super::{Connection, QueryResult, refused, text};
use crate::error::{Error, Result};

/// The rows of a query. A chunk is computed when it is asked for.
struct Stream {
    // in the order in which they have to go
    result: QueryResult,
    options: Options,
    _statement: Statement,
    _connection: Connection,
    types: FFI_ArrowSchema,
    schema: SchemaRef,
    ended: bool,
}

// SAFETY: everything belongs to the one connection, which may be used from any thread, one at a time. Nothing is
// used through a shared reference.
unsafe impl Send for Stream {}

impl Connection {
    /// Runs a query and gives its rows as they are asked for. The connection is theirs from now on.
    pub(crate) fn stream(self, sql: &str) -> Result<Box<dyn RecordBatchReader + Send>> {
        let statement = Statement::new(&self, sql)?;
        // SAFETY: a zeroed result is what the call expects to fill.
        let mut result = QueryResult(unsafe { std::mem::zeroed() });
        // SAFETY: the statement is valid; the result is destroyed on drop, before statement and connection are.
        let state = unsafe { c::duckdb_execute_prepared_streaming(statement.0, &mut result.0) };
        if state != c::DuckDBSuccess {
            return Err(refused(&result.message()));
        }
        // SAFETY: the result is valid; the options are destroyed on drop.
        let options = Options(unsafe { c::duckdb_result_get_arrow_options(&mut result.0) });
        let types = types(&mut result, &options)?;
        let schema = Schema::try_from(&types).map_err(misread)?;
        Ok(Box::new(Stream {
            result,
            options,
            _statement: statement,
            _connection: self,
            types,
            schema: Arc::new(schema),
            ended: false,
        }))
    }
}

impl Stream {
    fn chunk(&mut self) -> Result<Option<RecordBatch>> {
        // SAFETY: the result is valid. The chunk is ours and destroyed below.
        let mut chunk = Chunk(unsafe { c::duckdb_fetch_chunk(self.result.0) });
        // SAFETY: the chunk is valid if it is not null.
        if chunk.0.is_null() || unsafe { c::duckdb_data_chunk_get_size(chunk.0) } == 0 {
            let message = self.result.message();
            return if message.is_empty() { Ok(None) } else { Err(refused(&message)) };
        }
        let mut array = FFI_ArrowArray::empty();
        let target: *mut FFI_ArrowArray = &mut array;
        // SAFETY: options and chunk are valid, and both sides have the layout of Arrow's C data interface.
        let outcome = unsafe { c::duckdb_data_chunk_to_arrow(self.options.0, chunk.0, target.cast()) };
        checked(outcome)?;
        chunk.destroy();
        // SAFETY: DuckDB filled the array as the types of the same result say, and it is moved here once.
        let data = unsafe { from_ffi(array, &self.types) }.map_err(misread)?;
        let (_, columns, _) = StructArray::from(data).into_parts();
        RecordBatch::try_new(self.schema.clone(), columns).map(Some).map_err(misread)
    }
}

impl Iterator for Stream {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let chunk = self.chunk().map_err(|e| ArrowError::ExternalError(Box::new(e))).transpose();
        self.ended = !matches!(chunk, Some(Ok(_)));
        chunk
    }
}

impl RecordBatchReader for Stream {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

/// The types of the columns of a result.
fn types(result: &mut QueryResult, options: &Options) -> Result<FFI_ArrowSchema> {
    let mut schema = FFI_ArrowSchema::empty();
    let target: *mut FFI_ArrowSchema = &mut schema;
    // SAFETY: columns are within the bounds of the result, names live as long as it does, types are
    // destroyed after the call, and both sides have the layout of Arrow's C data interface.
    let outcome = unsafe {
        let count = c::duckdb_column_count(&mut result.0);
        let mut types: Vec<_> = (0..count).map(|n| c::duckdb_column_logical_type(&mut result.0, n)).collect();
        let mut names: Vec<_> = (0..count).map(|n| c::duckdb_column_name(&mut result.0, n)).collect();
        let outcome = c::duckdb_to_arrow_schema(
            options.0,
            types.as_mut_ptr(),
            names.as_mut_ptr(),
            count,
            target.cast(),
        );
        types.iter_mut().for_each(|of| c::duckdb_destroy_logical_type(of));
        outcome
    };
    checked(outcome)?;
    Ok(schema)
}

/// What DuckDB says of a conversion.
fn checked(mut outcome: c::duckdb_error_data) -> Result<()> {
    if outcome.is_null() {
        return Ok(());
    }
    // SAFETY: the data are valid, ours to destroy, and the message lives as long.
    unsafe {
        let failed = c::duckdb_error_data_has_error(outcome);
        let message = c::duckdb_error_data_message(outcome);
        let words = match message.is_null() {
            true => String::new(),
            false => CStr::from_ptr(message).to_string_lossy().into_owned(),
        };
        c::duckdb_destroy_error_data(&mut outcome);
        if failed { Err(refused(&words)) } else { Ok(()) }
    }
}

fn misread(error: ArrowError) -> Error {
    Error::internal("rows of DuckDB are not what it says").cause(error)
}

struct Statement(c::duckdb_prepared_statement);

impl Statement {
    fn new(connection: &Connection, sql: &str) -> Result<Self> {
        let sql = text(sql)?;
        let mut this = Self(ptr::null_mut());
        // SAFETY: connection and text are valid; the statement is destroyed on drop, also after a failure.
        let state = unsafe { c::duckdb_prepare(connection.connection, sql.as_ptr(), &mut this.0) };
        if state == c::DuckDBSuccess {
            return Ok(this);
        }
        // SAFETY: the message belongs to the statement and lives as long; it is copied.
        let message = unsafe {
            let message = c::duckdb_prepare_error(this.0);
            if message.is_null() {
                String::new()
            } else {
                CStr::from_ptr(message).to_string_lossy().into_owned()
            }
        };
        Err(refused(&message))
    }
}

impl Drop for Statement {
    fn drop(&mut self) {
        // SAFETY: the statement is valid or null and not used afterwards.
        unsafe { c::duckdb_destroy_prepare(&mut self.0) }
    }
}

/// How DuckDB makes Arrow of a result.
struct Options(c::duckdb_arrow_options);

impl Drop for Options {
    fn drop(&mut self) {
        // SAFETY: the options are valid or null and not used afterwards.
        unsafe { c::duckdb_destroy_arrow_options(&mut self.0) }
    }
}

struct Chunk(c::duckdb_data_chunk);

impl Chunk {
    fn destroy(&mut self) {
        // SAFETY: the chunk is valid or null; the call makes it null.
        unsafe { c::duckdb_destroy_data_chunk(&mut self.0) }
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        self.destroy();
    }
}
