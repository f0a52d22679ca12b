//! Merges in a DuckDB file.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::{Field, Merges, Strategy, told};
use crate::Result;
use crate::bench::contender::Arena;
use crate::bench::measure::{Usage, measure};

pub(super) struct File {
    folder: PathBuf,
    /// The database with the large table.
    base: PathBuf,
}

impl File {
    pub(super) fn new(arena: &Arena) -> Self {
        Self { folder: arena.folder.clone(), base: PathBuf::new() }
    }

    fn copy(&self) -> PathBuf {
        self.folder.join("merge.duckdb")
    }

    fn other_copy(&self) -> PathBuf {
        self.folder.join("by_hand.duckdb")
    }
}

impl Drop for File {
    fn drop(&mut self) {
        for path in [self.copy(), self.other_copy()] {
            // there is none if nothing was measured
            let _ = fs::remove_file(path);
        }
    }
}

impl Field for File {
    fn name(&self) -> &'static str {
        "duckdb"
    }

    fn lacks_dlt(&self, _merges: &Merges<'_>) -> Option<String> {
        None
    }

    fn prepare(&mut self, merges: &Merges<'_>, strategy: Strategy) -> Result<()> {
        self.base = self.folder.join(format!("accounts-{}-{}.duckdb", merges.rows, strategy.name()));
        if self.base.is_file() {
            return Ok(());
        }
        println!("making {}", self.base.display());
        let unfinished = self.base.with_extension("unfinished");
        let _ = fs::remove_file(&unfinished);
        let work = merges.work()?;
        let mut command = merges.load(work.path(), strategy, &merges.base()?)?;
        // all rows are merged, as far as their identifiers are concerned
        measure(command.arg("--credentials").arg(&unfinished).args(["--memory-limit", "4GB"]))?;
        Ok(fs::rename(&unfinished, &self.base)?)
    }

    fn begin(&mut self) -> Result<()> {
        fs::copy(&self.base, self.copy())?;
        Ok(())
    }

    fn point(&self, command: &mut Command) {
        command.arg("--credentials").arg(self.copy());
    }

    fn by_hand(&mut self, merges: &Merges<'_>, strategy: Strategy) -> Result<Usage> {
        fs::copy(&self.base, self.other_copy())?;
        let mut command = merges.script("merge_sql.py");
        command.arg(self.other_copy()).arg(self.copy()).arg(strategy.by_hand("temp"));
        let (usage, printed) = measure(&mut command)?;
        told(usage, &printed)
    }

    fn credentials(&self) -> String {
        self.copy().display().to_string()
    }
}
