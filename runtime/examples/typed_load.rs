//! Loads a file of the measurements with its type known: `typed_load SHAPE FILE DATABASE pages|rows`.
//! `cargo xtask bench typed` runs it.

use std::io::{BufRead, BufReader};

use chrono::{DateTime, Utc};
use floe::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Table, Deserialize)]
#[table(name = "issues")]
struct Issue {
    id: u64,
    number: u64,
    node_id: String,
    title: String,
    body: Option<String>,
    state: String,
    locked: bool,
    score: f64,
    comments: u64,
    user: User,
    labels: Vec<Label>,
    assignees: Vec<User>,
    topics: Vec<String>,
    milestone: Option<Milestone>,
    reactions: Reactions,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    closed_at: Option<DateTime<Utc>>,
}

#[derive(Table, Deserialize)]
struct User {
    login: String,
    id: u64,
    r#type: String,
    site_admin: bool,
    url: String,
}

#[derive(Table, Deserialize)]
struct Label {
    id: u64,
    name: String,
    color: String,
    default: bool,
}

#[derive(Table, Deserialize)]
struct Milestone {
    id: u64,
    title: String,
    due_on: DateTime<Utc>,
}

#[derive(Table, Deserialize)]
struct Reactions {
    total_count: u64,
    #[serde(rename = "+1")]
    plus_one: u64,
    heart: u64,
}

#[derive(Table, Deserialize)]
#[table(name = "events")]
struct Event {
    event_id: u64,
    session: String,
    user_id: u64,
    kind: String,
    path: String,
    amount: f64,
    quantity: u64,
    mobile: bool,
    country: String,
    latency_ms: f64,
    referrer: Option<String>,
    at: DateTime<Utc>,
}

#[derive(Table, Deserialize)]
#[table(name = "orders")]
struct Order {
    order_id: u64,
    placed_at: DateTime<Utc>,
    currency: String,
    customer: Customer,
    lines: Vec<Line>,
    payments: Vec<Payment>,
}

#[derive(Table, Deserialize)]
struct Customer {
    id: u64,
    name: String,
    address: Address,
}

#[derive(Table, Deserialize)]
struct Address {
    street: String,
    city: String,
    zip: String,
    geo: Geo,
}

#[derive(Table, Deserialize)]
struct Geo {
    lat: f64,
    lon: f64,
}

#[derive(Table, Deserialize)]
struct Line {
    sku: String,
    qty: u64,
    price: f64,
    discounts: Vec<Discount>,
}

#[derive(Table, Deserialize)]
struct Discount {
    code: String,
    pct: u64,
}

#[derive(Table, Deserialize)]
struct Payment {
    method: String,
    amount: f64,
    ok: bool,
}

fn load<T: Table + DeserializeOwned + 'static>(file: &str, database: &str, rows: bool) -> Result<RunReport> {
    let resource = Resource::of::<T>();
    let resource = if rows {
        // rows are read one after the other, as a program would get them from elsewhere
        let input =
            std::fs::File::open(file).map_err(|e| Error::config(format!("cannot read {file}")).cause(e))?;
        let lines = BufReader::with_capacity(1 << 20, input).split(b'\n').map_while(|line| line.ok());
        resource.rows(lines.filter_map(|line| serde_json::from_slice::<T>(&line).ok()))
    } else {
        resource.files(file)?
    };
    let folder = std::path::Path::new(database).with_extension("pipelines");
    let pipeline = Pipeline::new("bench").destination(DuckDb::file(database)).pipelines_dir(folder);
    pipeline.run_blocking([resource])
}

#[allow(clippy::print_stdout)]
fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [shape, file, database, way] = arguments.as_slice() else {
        return Err(Error::config("the arguments are SHAPE FILE DATABASE pages|rows"));
    };
    let rows = way == "rows";
    let report = match shape.as_str() {
        "issues" => load::<Issue>(file, database, rows)?,
        "events" => load::<Event>(file, database, rows)?,
        "orders" => load::<Order>(file, database, rows)?,
        _ => return Err(Error::config("the shapes are issues, events and orders")),
    };
    println!("{}", report.rows(shape));
    Ok(())
}
