//! Only what is new since the last run, merged with what is there; lists are tables below.

use chrono::{DateTime, Days, Utc};
use floe::prelude::*;

#[derive(Table)]
#[table(name = "orders", primary_key = "id", write = merge)]
struct Order {
    id: u32,
    #[table(cursor)]
    updated_at: DateTime<Utc>,
    lines: Vec<Line>,
}

#[derive(Table)]
struct Line {
    sku: String,
    price: Decimal<10, 2>,
}

/// A shop, of which each run sees one more day.
#[source(resources(orders))]
#[derive(Clone)]
pub(crate) struct Shop {
    #[config(default = 1)]
    pub(crate) days: u32,
}

#[resource(table = Order)]
async fn orders(shop: &Shop, since: Cursor<DateTime<Utc>>) -> Result<Vec<Order>> {
    let days = (0..shop.days).map(|day| (day, DateTime::UNIX_EPOCH + Days::new(day.into())));
    let new = days.filter(|(_, at)| since.start().is_none_or(|start| at >= start));
    new.map(|(id, updated_at)| {
        let price = "9.90".parse().map_err(|_| Error::config("the price is no number"))?;
        Ok(Order { id, updated_at, lines: vec![Line { sku: format!("sku-{id}"), price }] })
    })
    .collect()
}

pub(crate) fn run(folder: &std::path::Path, shop: &Shop) -> Result<RunReport> {
    let pipeline = Pipeline::new("shop").destination(DuckDb::file(folder.join("shop.duckdb")));
    pipeline.pipelines_dir(folder).run_blocking(shop.all())
}

#[allow(dead_code, clippy::print_stdout)]
fn main() -> Result<()> {
    println!("{}", run(&std::env::temp_dir(), &Shop::from_config()?)?);
    Ok(())
}
