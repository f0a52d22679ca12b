//! A struct and a function: rows that a program makes.

use floe::prelude::*;

/// What a sensor measured.
#[derive(Table)]
#[table(name = "readings")]
struct Reading {
    sensor: String,
    at: chrono::DateTime<chrono::Utc>,
    celsius: Option<Decimal<5, 2>>,
    tags: Vec<String>,
}

#[resource(table = Reading, write = replace)]
fn readings(count: i64) -> impl Iterator<Item = Reading> {
    (0..count).map(|n| Reading {
        sensor: format!("s{}", n % 3),
        at: chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::minutes(n),
        celsius: Decimal::from_units(i128::from(2000 + n)),
        tags: vec!["indoor".to_owned()],
    })
}

pub(crate) fn run(folder: &std::path::Path) -> Result<RunReport> {
    let pipeline = Pipeline::new("sensors").destination(DuckDb::file(folder.join("sensors.duckdb")));
    pipeline.pipelines_dir(folder).run_blocking([readings(1000)])
}

#[allow(dead_code, clippy::print_stdout)]
fn main() -> Result<()> {
    println!("{}", run(&std::env::temp_dir())?);
    Ok(())
}
