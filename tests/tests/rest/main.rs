//! REST sources against an API of this machine: every way of paging, every proof, every failure.

mod auth;
mod document;
mod faults;
mod openapi;
mod paging;
mod parents;
mod secrets;

use std::time::Duration;

use floe::rest::{Api, Limits, Retry};
use floe::testing::ApiServer;
use floe::{Memory, Pipeline, Resource, RunReport};
use serde_json::{Value as Json, json};

/// A pipeline into memory.
struct Bench {
    folder: tempfile::TempDir,
    memory: Memory,
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), memory: Memory::default() }
    }

    fn pipeline(&self) -> Pipeline {
        Pipeline::new("p")
            .destination(self.memory.clone())
            .dataset("raw")
            .pipelines_dir(self.folder.path())
            .threads(1)
    }

    fn run(&self, resources: impl IntoIterator<Item = Resource>) -> floe::Result<RunReport> {
        self.pipeline().run_blocking(resources)
    }

    fn rows(&self, table: &str) -> Vec<Json> {
        let Some(table) = self.memory.table("raw", table) else { return Vec::new() };
        table.to_json().into_iter().map(|row| json!(row)).collect()
    }

    /// The values of a column, in the order in which they were loaded.
    fn ids(&self, table: &str) -> Vec<i64> {
        self.rows(table).iter().filter_map(|row| row["id"].as_i64()).collect()
    }
}

/// Rows with an `id` from 1 on.
fn rows(count: usize) -> Vec<Json> {
    (1..=count).map(|id| json!({"id": id, "name": format!("row {id}")})).collect()
}

fn ids(count: usize) -> Vec<i64> {
    (1..=count as i64).collect()
}

/// An API that does not wait long.
fn api(server: &ApiServer) -> Api {
    Api::new(server.url()).retry(quick()).limits(Limits::default().read_timeout(Duration::from_millis(300)))
}

fn quick() -> Retry {
    Retry::default().first_wait(Duration::from_millis(2)).longest_wait(Duration::from_secs(2))
}

/// Loads one resource and gives its identifiers, or the error.
fn load(resource: Resource) -> Result<Vec<i64>, String> {
    let bench = Bench::new();
    let table = resource.name().to_owned();
    match bench.run([resource]) {
        Ok(_) => Ok(bench.ids(&table)),
        Err(error) => Err(error.to_string()),
    }
}
