//! Documents that users of dlt know, run by the binary against the server.

use std::path::PathBuf;
use std::time::Duration;

use floe::rest::Source;
use floe::testing::{Api, ApiServer, Paging, Reply};
use floe_tests::{Outcome, floe};
use serde_json::{Value as Json, json};

fn specs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../specs")
}

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Runs a document against a server.
    fn run(&self, document: &str, server: &ApiServer, more: &[&str]) -> Outcome {
        let mut command = floe();
        command.current_dir(self.0.path()).env("API_URL", server.url()).env("API_TOKEN", "t0ken-t0ken");
        command.arg("run").arg(specs().join(document));
        command.args(["--pipeline", "p", "--dataset", "raw", "--pipelines-dir", "work"]).args(more);
        Outcome::of(&mut command)
    }

    fn rows(&self, query: &str) -> Vec<Vec<String>> {
        let connection = duckdb::Connection::open(self.0.path().join("p.duckdb")).unwrap();
        let mut statement = connection.prepare(query).unwrap();
        let mut rows = statement.query([]).unwrap();
        let mut all = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let columns = row.as_ref().column_count();
            all.push((0..columns).map(|n| row.get::<_, String>(n).unwrap()).collect());
        }
        all
    }

    fn one(&self, query: &str) -> String {
        self.rows(query).remove(0).remove(0)
    }
}

const TOKEN: &str = "Bearer t0ken-t0ken";

/// Issues with comments, as GitHub gives them.
fn github(issues: usize) -> ApiServer {
    let rows: Vec<Json> = (1..=issues)
        .map(|id| {
            let day = id % 28 + 1;
            json!({
                "id": id, "number": id * 10, "title": format!("issue {id}"), "state": "open",
                "updated_at": format!("2024-02-{day:02}T00:00:00Z"), "user": {"login": "ada"},
                "labels": [{"name": "bug"}],
            })
        })
        .collect();
    Api::new()
        .guard(|request| request.header("authorization") == Some(TOKEN))
        .table("/repos/a/b/issues", rows, Paging::header_link(20).since("since", "updated_at"))
        .route("/repos/a/b/issues/*/comments", |request| {
            let number: usize = request.path().split('/').nth(5).unwrap().parse().unwrap();
            if number == 30 {
                return Reply::json(404, r#"{"message": "Not Found"}"#);
            }
            Reply::json(
                200,
                json!([{"id": number + 1, "body": "first"}, {"id": number + 2, "body": "second"}]),
            )
        })
        .start()
}

#[test]
fn issues_and_comments() {
    let server = github(45);
    let place = Place::new();
    let outcome = place.run("github_issues.yaml", &server, &[]).success();
    assert!(outcome.stdout.contains("issues"), "{}", outcome.stdout);
    assert_eq!(place.one("select count(*)::text from raw.issues"), "45");
    assert_eq!(place.one("select count(*)::text from raw.issues__labels"), "45");
    assert_eq!(place.one("select count(*)::text from raw.issue_comments"), "88", "issue 3 has none");
    let first =
        place.rows("select id::text, body, _issues_id::text from raw.issue_comments order by id limit 1");
    assert_eq!(first, [["11", "first", "1"]]);
    assert_eq!(server.log()[0], "GET /repos/a/b/issues?per_page=20&state=all&since=2024-01-25T00%3A00%3A00Z");

    // nothing twice, and only what is new is asked for
    server.forget();
    place.run("github_issues.yaml", &server, &[]).success();
    assert_eq!(place.one("select count(*)::text from raw.issues"), "45");
    assert_eq!(server.log()[0], "GET /repos/a/b/issues?per_page=20&state=all&since=2024-02-28T00%3A00%3A00Z");
}

#[test]
fn parents_are_read_for_selected_children_and_limits_hold() {
    let server = github(45);
    let place = Place::new();
    place.run("github_issues.yaml", &server, &["--select", "issue_comments", "--limit", "7"]).success();
    assert_eq!(place.one("select count(*)::text from raw.issue_comments"), "7");
    let tables =
        place.one("select count(*)::text from information_schema.tables where table_name = 'issues'");
    assert_eq!(tables, "0");
    assert_eq!(server.log().iter().filter(|line| line.contains("/issues?")).count(), 1, "{:?}", server.log());
}

#[test]
fn a_check_tells_what_would_happen() {
    let server = github(45);
    let place = Place::new();
    let outcome = place.run("github_issues.yaml", &server, &["--check"]).success();
    let text = outcome.stdout.replace(&server.url(), "");
    for wanted in [
        "issues\n  request    GET /repos/a/b/issues?per_page=20&state=all&since=2024-01-25T00%3A00%3A00Z\n  items      20 at `$`\n  \
         paginator  header_link, because it is stated\n",
        "  key        id\n",
        "  issues          updated_at   timestamp",
        "  issues__labels  name         text",
        "issue_comments\n  request    GET /repos/a/b/issues/10/comments?per_page=20\n  items      2 at `$`",
        "  issue_comments  _issues_id  bigint",
    ] {
        assert!(text.contains(wanted), "{text}\nhas no:\n{wanted}");
    }
    assert_eq!(server.log().len(), 2, "one request each");
    assert!(!place.0.path().join("p.duckdb").exists() && !place.0.path().join("work").exists());
    let json = place.run("github_issues.yaml", &server, &["--check", "--output", "json"]).success().json();
    assert_eq!(json["resources"][0]["paginator"], "header_link");
}

#[test]
fn exchanges_can_be_replayed_without_network() {
    let server = github(3);
    let place = Place::new();
    place.run("github_issues.yaml", &server, &["--record", "tape"]).success();
    let nowhere = Api::new().start();
    // the same address as in the tape, but nobody answers there any more
    let url = server.url();
    drop(server);
    let mut command = floe();
    command.current_dir(place.0.path()).env("API_URL", url).env("API_TOKEN", "other");
    command.arg("run").arg(specs().join("github_issues.yaml")).args(["--pipeline", "q", "--dataset", "raw"]);
    command.args(["--pipelines-dir", "work", "--replay", "tape"]);
    Outcome::of(&mut command).success();
    assert_eq!(nowhere.log().len(), 0);
    assert!(place.0.path().join("q.duckdb").exists());
}

#[test]
fn lists_and_their_details() {
    let host = std::sync::Arc::new(std::sync::OnceLock::new());
    let seen = host.clone();
    let server = Api::new()
        .route("/api/v2/pokemon", move |request| {
            let url: &String = seen.get_or_init(|| format!("http://{}", request.header("host").unwrap()));
            let offset: usize = request.query("offset").map_or(0, |text| text.parse().unwrap());
            let results: Vec<Json> = (offset + 1..=(offset + 20).min(50))
                .map(|id| json!({"name": format!("p{id}"), "url": format!("{url}/api/v2/pokemon/{id}/")}))
                .collect();
            let next =
                (offset + 20 < 50).then(|| format!("{url}/api/v2/pokemon?offset={}&limit=20", offset + 20));
            Reply::json(200, json!({"count": 50, "next": next, "previous": null, "results": results}))
        })
        .route("/api/v2/pokemon/*", |request| {
            let id: usize = request.path().split('/').nth(4).unwrap().parse().unwrap();
            Reply::json(
                200,
                json!({"id": id, "name": format!("p{id}"), "moves": [{"move": {"name": "tackle"}}]}),
            )
        })
        .latency(Duration::from_millis(1))
        .start();
    let place = Place::new();
    place.run("pokemon.yaml", &server, &[]).success();
    assert_eq!(place.one("select count(*)::text from raw.pokemon"), "50");
    assert_eq!(place.one("select sum(id)::text from raw.pokemon_details"), "1275");
    assert_eq!(place.one("select count(*)::text from raw.pokemon_details__moves"), "50");
    assert!(server.most_at_once() > 1, "details are asked for side by side");
}

#[test]
fn a_search_by_post() {
    let rows =
        (1..=30).map(|id| json!({"id": id, "email": format!("{id}@example.com"), "spam": id % 3 == 0}));
    let server = Api::new()
        .guard(|request| request.query("api_key").as_deref() == Some("t0ken-t0ken"))
        .table("/search", rows.collect(), Paging::body_cursor(8).items("hits"))
        .start();
    let place = Place::new();
    place.run("search.yaml", &server, &[]).success();
    assert_eq!(place.one("select count(*)::text from raw.hits"), "20", "without spam");
    assert_eq!(place.one("select max(length(email))::text from raw.hits"), "64", "hashed");
    assert!(server.log().iter().all(|line| line.starts_with("POST /search")), "{:?}", server.log());
    assert_eq!(server.requests()[1].json()["page"]["cursor"], "c8");
}

#[test]
fn a_cursor_and_a_window() {
    let rows: Vec<Json> = (1..=25).map(|id| json!({"id": id, "at": format!("2024-03-{id:02}")})).collect();
    let server = Api::new()
        .table("/customers", rows.clone(), Paging::last_record(10).items("data"))
        .route("/events", move |request| {
            let (from, to) = (request.query("from").unwrap(), request.query("to").unwrap());
            let inside = |row: &&Json| {
                let at = row["at"].as_str().unwrap();
                at >= from.as_str() && at < to.as_str()
            };
            Reply::json(200, json!({"events": rows.iter().filter(inside).collect::<Vec<_>>()}))
        })
        .start();
    let place = Place::new();
    place.run("cursors.yaml", &server, &[]).success();
    assert_eq!(place.one("select count(*)::text from raw.customers"), "25");
    assert_eq!(place.one("select count(*)::text from raw.events"), "19", "up to the end");
    let events: Vec<String> = server.log().into_iter().filter(|line| line.contains("/events")).collect();
    assert_eq!(
        events,
        [
            "GET /events?from=2024-03-01&to=2024-03-08",
            "GET /events?from=2024-03-08&to=2024-03-15",
            "GET /events?from=2024-03-15&to=2024-03-20"
        ]
    );
}

#[test]
fn mistakes_end_with_the_code_for_wrong_usage() {
    let server = Api::new().start();
    let place = Place::new();
    std::fs::write(place.0.path().join("broken.yaml"), "client:\n  base_ur: http://a\nresources: []\n")
        .unwrap();
    let mut command = floe();
    command.current_dir(place.0.path()).args(["run", "broken.yaml"]);
    let outcome = Outcome::of(&mut command);
    let wanted = "error: broken.yaml:2:3 at /client/base_ur: unknown key `base_ur`\n  help: did you mean `base_url`?\n";
    assert_eq!((outcome.code, outcome.stderr.as_str()), (2, wanted));
    let outcome = place.run("github_issues.yaml", &server, &["--select", "isues"]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.stderr.contains("did you mean `issues`?"), "{}", outcome.stderr);
    let outcome = place.run("github_issues.yaml", &server, &[]);
    assert_eq!(outcome.code, 1);
    assert!(
        outcome.stderr.contains("/repos/a/b/issues") && outcome.stderr.contains("404"),
        "{}",
        outcome.stderr
    );
    let mut command = floe();
    let schema = Outcome::of(command.args(["run", "--json-schema"])).success().json();
    assert_eq!(schema["title"], "REST API source of floe");
}

#[test]
fn strict_runs_make_errors_of_warnings() {
    let rows: Vec<Json> = (1..=100).map(|id| json!({"id": id})).collect();
    let server = Api::new().table("/customers", rows, Paging::single()).start();
    let place = Place::new();
    let document =
        format!("client: {{base_url: '{}', paginator: single_page}}\nresources: [customers]\n", server.url());
    std::fs::write(place.0.path().join("api.yaml"), document).unwrap();
    let run = |more: &[&str]| {
        let mut command = floe();
        command.current_dir(place.0.path()).args(["run", "api.yaml", "--pipelines-dir", "work"]).args(more);
        Outcome::of(&mut command)
    };
    let outcome = run(&[]).success();
    assert!(
        outcome.stdout.contains("warning: customers: one page was read, and its 100 items"),
        "{}",
        outcome.stdout
    );
    let outcome = run(&["--strict"]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains("without --strict this is a warning"), "{}", outcome.stderr);
}

#[test]
fn the_document_of_the_readme_is_right() {
    let readme = include_str!("../../../README.md");
    let (_, from) = readme.split_once("```yaml\n").unwrap();
    let (document, _) = from.split_once("```").unwrap();
    let config = floe::Config::default().with("REPO", "a/b").with("sources.github.token", "t");
    let source = Source::parse_with(document, "github.yaml", &config).unwrap();
    let names: Vec<String> = source.resources().iter().map(|resource| resource.name().to_owned()).collect();
    assert_eq!(names, ["issues", "comments"]);
    assert!(document.lines().count() <= 20);
}
