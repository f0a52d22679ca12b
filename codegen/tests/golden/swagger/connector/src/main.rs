//! Loads everything that is selected into a DuckDB file.

use floe::prelude::*;

fn main() -> Result<()> {
    let source = stock_room::StockRoom::from_config()?;
    let report = Pipeline::new("stock_room")
        .destination(DuckDb::file("stock_room.duckdb"))
        .run_blocking(source.all())?;
    println!("{report}");
    Ok(())
}
