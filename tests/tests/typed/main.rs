//! Tables that are Rust types: what they become, and that it does not matter whether rows were structs.

mod changes;
mod contracts;
mod examples;
mod options;
mod reading;
mod renames;
mod same;
mod shapes;
mod sources;

#[allow(dead_code, missing_docs, unreachable_pub, clippy::vec_box)]
#[path = "../../ui/resource/pass/all.rs"]
mod resource_attributes;
#[allow(dead_code, missing_docs, unreachable_pub, clippy::vec_box)]
#[path = "../../ui/source/pass/all.rs"]
mod source_attributes;
#[allow(dead_code, missing_docs, unreachable_pub, clippy::vec_box)]
#[path = "../../ui/table/pass/all.rs"]
mod table_attributes;

use std::path::Path;

use floe::{DuckDb, Pipeline, Resource, RunReport};
use floe_tests::Dataset;

const DATASET: &str = "raw";

/// Loads into a DuckDB file of the folder.
fn load(folder: &Path, resource: Resource) -> floe::Result<RunReport> {
    pipeline(folder).run_blocking([resource])
}

fn pipeline(folder: &Path) -> Pipeline {
    Pipeline::new("p")
        .dataset(DATASET)
        .pipelines_dir(folder)
        .destination(DuckDb::file(folder.join("d.duckdb")))
}

fn dataset(folder: &Path) -> Dataset {
    Dataset::read(&folder.join("d.duckdb"), DATASET).unwrap()
}

/// Columns of a table as `name type null`, without those that every table has.
fn columns(dataset: &Dataset, table: &str) -> Vec<String> {
    let columns = dataset.tables[table].columns.iter().filter(|c| !c.name.starts_with("_dlt"));
    columns
        .map(|c| format!("{} {}{}", c.name, c.data_type, if c.nullable { "" } else { " not null" }))
        .collect()
}

#[test]
fn every_attribute_does_what_it_says() {
    table_attributes::main();
    resource_attributes::main();
    source_attributes::main();
}
