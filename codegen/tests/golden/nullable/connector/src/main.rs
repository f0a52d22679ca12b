//! Loads everything that is selected into a DuckDB file.

use floe::prelude::*;

fn main() -> Result<()> {
    let source = weather_stations::WeatherStations::from_config()?;
    let report = Pipeline::new("weather_stations")
        .destination(DuckDb::file("weather_stations.duckdb"))
        .run_blocking(source.all())?;
    println!("{report}");
    Ok(())
}
