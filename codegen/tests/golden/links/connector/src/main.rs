//! Loads everything that is selected into a DuckDB file.

use floe::prelude::*;

fn main() -> Result<()> {
    let source = forge::Forge::from_config()?;
    let report = Pipeline::new("forge")
        .destination(DuckDb::file("forge.duckdb"))
        .run_blocking(source.all())?;
    println!("{report}");
    Ok(())
}
