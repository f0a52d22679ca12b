//! Loads everything that is selected into a DuckDB file.

use floe::prelude::*;

fn main() -> Result<()> {
    let source = help_desk::HelpDesk::from_config()?;
    let report = Pipeline::new("help_desk")
        .destination(DuckDb::file("help_desk.duckdb"))
        .run_blocking(source.all())?;
    println!("{report}");
    Ok(())
}
