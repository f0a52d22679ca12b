//! Loads everything that is selected into a DuckDB file.

use floe::prelude::*;

fn main() -> Result<()> {
    let source = school_register::SchoolRegister::from_config()?;
    let report = Pipeline::new("school_register")
        .destination(DuckDb::file("school_register.duckdb"))
        .run_blocking(source.all())?;
    println!("{report}");
    Ok(())
}
