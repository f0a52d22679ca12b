//! Databases that are open in this process.
//!
//! Whoever reads a dataset while a run of the same process loads it has to see what the run commits, and must
//! not see pages of the file that the run is about to write. Within one database DuckDB takes care of that.

use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::{Mutex, PoisonError};

use libduckdb_sys as c;

use super::{Config, refused, take_text, text};
use crate::error::Result;

/// A use of an open database, which is closed with the last one.
pub(super) struct Database(c::duckdb_database);

struct Open {
    path: PathBuf,
    database: c::duckdb_database,
    uses: usize,
}

// SAFETY: databases may be used from any thread; the pointer is only passed to DuckDB.
unsafe impl Send for Open {}

static OPEN: Mutex<Vec<Open>> = Mutex::new(Vec::new());

impl Database {
    /// The open database of a file, or a new one with these settings.
    pub(super) fn open(path: &Path, settings: &[(&str, String)]) -> Result<Self> {
        // held while the file is opened, so that no other thread opens it a second time
        let mut all = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(known) = path.canonicalize()
            && let Some(open) = all.iter_mut().find(|open| open.path == known)
        {
            open.uses += 1;
            return Ok(Self(open.database));
        }
        let database = open(path, settings)?;
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        all.push(Open { path, database, uses: 1 });
        Ok(Self(database))
    }

    pub(super) fn raw(&self) -> c::duckdb_database {
        self.0
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let mut all = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(at) = all.iter().position(|open| open.database == self.0) else { return };
        if let Some(open) = all.get_mut(at).filter(|open| open.uses > 1) {
            open.uses -= 1;
            return;
        }
        let mut last = all.swap_remove(at);
        // SAFETY: it was opened, nobody else uses it, and it is not known any more.
        unsafe { c::duckdb_close(&mut last.database) }
    }
}

fn open(path: &Path, settings: &[(&str, String)]) -> Result<c::duckdb_database> {
    let path = text(&path.to_string_lossy())?;
    let config = Config::new(settings)?;
    let mut database: c::duckdb_database = ptr::null_mut();
    let mut message: *mut std::os::raw::c_char = ptr::null_mut();
    // SAFETY: all pointers are valid for the call; the message is freed below.
    let state = unsafe { c::duckdb_open_ext(path.as_ptr(), &mut database, config.0, &mut message) };
    if state == c::DuckDBSuccess {
        return Ok(database);
    }
    // SAFETY: DuckDB gives a message that we own, or none; what it made of the database is closed.
    let text = unsafe {
        c::duckdb_close(&mut database);
        take_text(message).unwrap_or_default()
    };
    Err(refused(&text).help("another process may have the database open for writing"))
}
