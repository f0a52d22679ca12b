//! Rows of Arrow from somewhere else.

use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, Int64Array};
use floe::RecordBatch;
use floe::prelude::*;

#[resource(primary_key = "id", write = merge)]
fn prices() -> Result<Vec<RecordBatch>> {
    let batch = |from: i64| {
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(from..from + 100));
        let prices = Decimal128Array::from_iter_values((0..100).map(|n| n * 5));
        let prices: ArrayRef = Arc::new(prices.with_precision_and_scale(10, 2)?);
        RecordBatch::try_from_iter([("id", ids), ("price", prices)])
    };
    let batches: std::result::Result<_, _> = [batch(0), batch(100)].into_iter().collect();
    batches.map_err(|error| Error::config("the batches do not fit together").cause(error))
}

pub(crate) fn run(folder: &std::path::Path) -> Result<RunReport> {
    let pipeline = Pipeline::new("prices").destination(DuckDb::file(folder.join("prices.duckdb")));
    pipeline.pipelines_dir(folder).run_blocking([prices()])
}

#[allow(dead_code, clippy::print_stdout)]
fn main() -> Result<()> {
    println!("{}", run(&std::env::temp_dir())?);
    Ok(())
}
