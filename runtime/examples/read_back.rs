//! Rows that were loaded are read back as values of their type, and by SQL.

use std::path::Path;

use floe::prelude::*;

#[derive(Table, serde::Deserialize)]
#[table(name = "orders", primary_key = "id", write = merge)]
struct Order {
    id: i64,
    customer: Option<String>,
    lines: Vec<Line>, // from the table orders__lines
}

#[derive(Table, serde::Deserialize)]
struct Line {
    price: Decimal<9, 2>,
    count: i64,
}

/// Loads some orders and adds up what they cost.
pub(crate) fn run(folder: &Path) -> Result<(i128, usize)> {
    let pipeline = Pipeline::new("shop")
        .destination(DuckDb::file(folder.join("shop.duckdb")))
        .pipelines_dir(folder.join("pipelines"));
    let order = |id: i64| Order {
        id,
        customer: (id % 2 == 0).then(|| format!("c{id}")),
        lines: (1..=id % 3)
            .filter_map(|count| Some(Line { price: Decimal::from_units(250)?, count }))
            .collect(),
    };
    pipeline.run_blocking([Resource::of::<Order>().rows((0..3000).map(order))])?;

    let reader = pipeline.reader()?;
    let mut cents = 0;
    for order in reader.table::<Order>()? {
        let order = order?;
        cents += order.lines.iter().map(|line| line.price.units() * i128::from(line.count)).sum::<i128>();
    }
    let named = reader.sql("SELECT id FROM orders WHERE customer IS NOT NULL")?;
    let named = named.map(|batch| Ok(batch?.num_rows())).sum::<Result<usize>>()?;
    Ok((cents, named))
}

#[allow(dead_code, clippy::print_stdout)]
fn main() -> Result<()> {
    let (cents, named) = run(&std::env::temp_dir())?;
    println!("{cents} cents, {named} orders with a customer");
    Ok(())
}
