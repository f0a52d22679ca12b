//! Loads everything that is selected into a DuckDB file.

use floe::prelude::*;

fn main() -> Result<()> {
    let source = till::Till::from_config()?;
    let report = Pipeline::new("till")
        .destination(DuckDb::file("till.duckdb"))
        .run_blocking(source.all())?;
    println!("{report}");
    Ok(())
}
