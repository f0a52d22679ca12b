//! A resource whose items are made from those of another: commits of each repository.

use floe::prelude::*;
use futures_util::{Stream, StreamExt};
use serde::Deserialize;

#[derive(Table, Deserialize)]
struct Repo {
    name: String,
    stars: u32,
}

#[derive(Table)]
#[table(primary_key("repo", "number"))]
struct Commit {
    repo: String,
    number: u32,
}

#[resource(table = Repo)]
fn repos() -> Vec<Repo> {
    ["floe", "dlt"].map(|name| Repo { name: name.to_owned(), stars: 3 }).into()
}

/// Two repositories are asked at a time.
#[resource(table = Commit, parent = "repos")]
fn commits(repos: Rows<Repo>) -> impl Stream<Item = Result<Commit>> {
    repos.map(ask).buffered(2).flat_map(futures_util::stream::iter)
}

async fn ask(repo: Result<Repo>) -> Vec<Result<Commit>> {
    match repo {
        Ok(repo) => (0..repo.stars).map(|number| Ok(Commit { repo: repo.name.clone(), number })).collect(),
        Err(error) => vec![Err(error)],
    }
}

pub(crate) fn run(folder: &std::path::Path) -> Result<RunReport> {
    let pipeline = Pipeline::new("git").destination(DuckDb::file(folder.join("git.duckdb")));
    pipeline.pipelines_dir(folder).run_blocking([repos(), commits()])
}

#[allow(dead_code, clippy::print_stdout)]
fn main() -> Result<()> {
    println!("{}", run(&std::env::temp_dir())?);
    Ok(())
}
