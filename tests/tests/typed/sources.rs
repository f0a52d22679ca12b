//! Functions that are resources, and structs that are sources.

use chrono::{DateTime, TimeZone, Utc};
use floe::prelude::*;
use futures_util::{Stream, StreamExt, stream};
use serde::{Deserialize, Serialize};

use crate::{dataset, pipeline};

#[derive(Debug, Clone, Table, Serialize, Deserialize)]
#[table(name = "repos", primary_key = "id")]
struct Repo {
    id: u32,
    name: String,
}

#[derive(Debug, Clone, Table, Serialize, Deserialize)]
#[table(name = "issues")]
struct Issue {
    id: u32,
    repo: String,
    updated_at: DateTime<Utc>,
}

/// A service with repositories.
#[source(name = "typed_hub", resources(repos, issues(), since, pages(), plain))]
#[derive(Debug, Clone)]
struct Hub {
    /// Whose repositories.
    owner: String,
    #[secret]
    token: Secret,
    #[config(default = 2)]
    count: u32,
}

#[resource(table = Repo, selected = false)]
async fn repos(hub: &Hub) -> floe::Result<Vec<Repo>> {
    assert_eq!(hub.token.expose(), "s3cret");
    Ok((1..=hub.count).map(|id| Repo { id, name: format!("{}/{id}", hub.owner) }).collect())
}

/// Two issues for each repository.
#[resource(table = Issue, parent = repos, write = merge, primary_key = "id")]
fn issues(repos: Rows<Repo>) -> impl Stream<Item = floe::Result<Issue>> {
    repos.flat_map(|repo| {
        stream::iter(match repo {
            Ok(repo) => (0..2).map(|n| Ok(issue(repo.id * 10 + n, &repo.name))).collect(),
            Err(error) => vec![Err(error)],
        })
    })
}

fn issue(id: u32, repo: &str) -> Issue {
    Issue { id, repo: repo.to_owned(), updated_at: day(id) }
}

fn day(id: u32) -> DateTime<Utc> {
    Utc.timestamp_opt(i64::from(id) * 86_400, 0).unwrap()
}

#[resource(table = Issue, name = "since", cursor = "updated_at")]
fn since(_hub: &Hub, since: Cursor<DateTime<Utc>>) -> impl Iterator<Item = Issue> {
    let first = since.start().map_or(0, |at| (at.timestamp() / 86_400) as u32);
    (first..first + 3).map(|id| issue(id, "x"))
}

#[resource]
fn pages(slice: Slice) -> Pages {
    assert!(slice.start().is_none());
    Box::pin(stream::iter([Ok(floe::Page::lines("{\"a\": 1}\n{\"a\": 2}"))]))
}

#[resource(table = Repo, name = "plain", write = replace)]
fn plain(hub: &Hub) -> Vec<Repo> {
    vec![Repo { id: hub.count, name: hub.owner.clone() }]
}

fn hub() -> Hub {
    Hub { owner: "ada".into(), token: Secret::new("s3cret"), count: 2 }
}

#[test]
fn functions_are_resources() {
    let folder = tempfile::tempdir().unwrap();
    let resources = hub().with_resources(["issues", "pages"]).unwrap();
    let report = pipeline(folder.path()).run_blocking(resources).unwrap();
    assert_eq!((report.rows("issues"), report.rows("pages"), report.rows("repos")), (4, 2, 0));
    let dataset = dataset(folder.path());
    let mut repos: Vec<_> = dataset.rows("issues").iter().map(|row| row["repo"].text().unwrap()).collect();
    repos.sort_unstable();
    assert_eq!(repos, ["ada/1", "ada/1", "ada/2", "ada/2"]);
    assert!(!dataset.tables.contains_key("repos"));
}

#[test]
fn a_cursor_says_where_to_begin() {
    let folder = tempfile::tempdir().unwrap();
    let run = || pipeline(folder.path()).run_blocking([since(&hub())]).unwrap().rows("issues");
    // the last one of the first run comes again and is known
    assert_eq!((run(), run()), (3, 2));
}

#[test]
fn a_table_may_be_replaced() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        pipeline(folder.path()).run_blocking([plain(&hub())]).unwrap();
    }
    assert_eq!(dataset(folder.path()).rows("repos").len(), 1);
}

#[test]
fn a_source_describes_itself_without_its_secrets() {
    let description = hub().describe();
    assert_eq!(description["config"][1]["key"], "sources.typed_hub.token");
    assert_eq!(description["config"][1]["secret"], true);
    assert_eq!(description["config"][0]["description"], "Whose repositories.");
    assert_eq!(description["resources"][1]["parent"], "repos");
    assert_eq!(description["resources"][2]["cursor"], "updated_at");
    assert_eq!(description["resources"][0]["schema"]["tables"][0]["name"], "repos");
    assert!(!description.to_string().contains("s3cret") && !format!("{:?}", hub()).contains("s3cret"));
}

#[test]
fn what_is_not_configured_is_said() {
    let error = Hub::named("typed_hub_nowhere").unwrap_err().to_string();
    let missing = "nothing is configured for sources.typed_hub_nowhere.owner (variable \
                   SOURCES__TYPED_HUB_NOWHERE__OWNER), sources.typed_hub_nowhere.token";
    assert!(error.starts_with(missing), "{error}");
    assert!(error.contains("owner = \"...\"  # Whose repositories."), "{error}");
    let error = hub().with_resources(["issue"]).unwrap_err().to_string();
    assert!(error.contains("did you mean `issues`?"), "{error}");
}
