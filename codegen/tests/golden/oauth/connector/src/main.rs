//! Loads everything that is selected into a DuckDB file.

use floe::prelude::*;

fn main() -> Result<()> {
    let source = ledger::Ledger::from_config()?;
    let report = Pipeline::new("ledger")
        .destination(DuckDb::file("ledger.duckdb"))
        .run_blocking(source.all())?;
    println!("{report}");
    Ok(())
}
