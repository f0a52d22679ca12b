//! Loads everything that is selected into a DuckDB file.

use floe::prelude::*;

fn main() -> Result<()> {
    let source = tracker_cloud::TrackerCloud::from_config()?;
    let report = Pipeline::new("tracker_cloud")
        .destination(DuckDb::file("tracker_cloud.duckdb"))
        .run_blocking(source.all())?;
    println!("{report}");
    Ok(())
}
