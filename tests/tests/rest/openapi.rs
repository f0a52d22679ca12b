//! `floe run` with the OpenAPI document of an API, and documents from addresses and standard input.

use std::io::Write;
use std::process::Stdio;

use floe::testing::{Api, ApiServer, Fault, Paging, Reply};
use floe_tests::{Outcome, floe};
use serde_json::{Value as Json, json};

/// A document of pets with visits, whose server is relative.
fn document(server: &str) -> Json {
    let list = |item: Json| json!({"200": {"headers": {"Link": {}}, "content": {"application/json": {"schema": {"type": "array", "items": item}}}}});
    let object = |properties: Json| json!({"type": "object", "properties": properties});
    let number = json!({"type": "integer"});
    json!({
        "openapi": "3.0.0", "info": {"title": "Pets", "version": "1"}, "servers": [{"url": server}],
        "components": {"securitySchemes": {"login": {"type": "http", "scheme": "bearer"}}},
        "security": [{"login": []}],
        "paths": {
            "/pets": {"get": {"parameters": [
                {"name": "per_page", "in": "query", "schema": {"type": "integer", "maximum": 20}}],
                "responses": list(object(json!({"id": number, "name": {"type": "string"}})))}},
            "/pets/{petId}/visits": {"get": {"parameters": [{"name": "petId", "in": "path", "required": true, "schema": number}],
                "responses": list(object(json!({"id": number, "day": {"type": "string"}})))}},
            "/shops/{shop}": {"get": {"parameters": [{"name": "shop", "in": "path", "required": true, "schema": {"type": "string"}}],
                "responses": {"200": {"content": {"application/json": {"schema": object(json!({"id": number}))}}}}}},
        },
    })
}

fn pets() -> ApiServer {
    let rows = (1..=45).map(|id| json!({"id": id, "name": format!("pet {id}")})).collect();
    Api::new()
        .guard(|request| {
            request.path().starts_with("/docs/")
                || request.header("authorization") == Some("Bearer t0ken-t0ken")
        })
        .table("/v1/pets", rows, Paging::header_link(20))
        .route("/v1/pets/*/visits", |request| {
            let pet: i64 = request.path().split('/').nth(3).unwrap_or_default().parse().unwrap_or_default();
            Reply::json(200, json!([{"id": pet * 10, "day": "2024-01-01"}]))
        })
        .route("/v1/shops/*", |_| Reply::json(200, json!({"id": 7})))
        .route("/docs/openapi.json", |_| Reply::json(200, document("/v1")))
        .route("/docs/old.json", |_| Reply::text(301, "text/plain", "").with("location", "openapi.json"))
        .fault(Fault::status(503).on("/docs/openapi.json").times(1))
        .start()
}

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = floe();
        command.current_dir(self.0.path()).env("TOKEN", "t0ken-t0ken").args(arguments);
        if arguments[0] == "run" {
            command.args(["--pipeline", "p", "--dataset", "raw", "--pipelines-dir", "work"]);
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(&mut self.command(arguments))
    }

    fn count(&self, table: &str) -> i64 {
        let connection = duckdb::Connection::open(self.0.path().join("p.duckdb")).unwrap();
        connection.query_row(&format!("select count(*) from raw.{table}"), [], |row| row.get(0)).unwrap()
    }
}

#[test]
fn an_address_is_enough_to_load_an_api() {
    let (server, place) = (pets(), Place::new());
    let url = format!("{}/docs/old.json", server.url());
    // behind a redirect, and after a failure; its server is on the same host
    place.run(&["run", &url]).success();
    assert_eq!((place.count("pets"), place.count("visits")), (45, 45));
    // what must be told more is not asked for
    assert!(!server.log().iter().any(|line| line.contains("/shops/")), "{:?}", server.log());
    // again, the same rows
    place.run(&["run", &url]).success();
    assert_eq!((place.count("pets"), place.count("visits")), (45, 45));
}

#[test]
fn some_of_an_api_is_loaded_from_a_file() {
    let (server, place) = (pets(), Place::new());
    std::fs::write(place.0.path().join("api.json"), document("https://elsewhere.example").to_string())
        .unwrap();
    let base = format!("{}/v1", server.url());
    place.run(&["run", "api.json", "--base-url", &base, "--select", "pets", "--limit", "3"]).success();
    assert_eq!(place.count("pets"), 3);
    let checked = place.run(&["run", "api.json", "--base-url", &base, "--check"]).success().stdout;
    assert!(checked.contains("pets\n") && checked.contains("visits\n"), "{checked}");

    let shop = ["run", "api.json", "--base-url", &base, "--select", "shop"];
    let missing = place.run(&shop);
    assert_eq!(missing.code, 2);
    assert!(missing.stderr.contains("the environment has no variable PARAM_SHOP"), "{}", missing.stderr);
    Outcome::of(place.command(&shop).env("PARAM_SHOP", "north")).success();
    assert_eq!(server.log().last().unwrap(), "GET /v1/shops/north");
}

#[test]
fn what_cannot_be_run_says_why() {
    let place = Place::new();
    let write =
        |name: &str, value: Json| std::fs::write(place.0.path().join(name), value.to_string()).unwrap();
    write("relative.json", document("/v1"));
    write("api.json", document("https://pets.example"));
    let mut closed = document("https://pets.example");
    closed["paths"] = json!({"/logo": {"get": {"responses": {"200": {"content": {"image/png": {}}}}}}});
    write("logo.json", closed);
    for (arguments, expected) in [
        (
            vec!["run", "relative.json"],
            "error: relative.json does not say where the API is\n  help: name it: --base-url",
        ),
        (
            vec!["run", "api.json", "--select", "dogs"],
            "error: there is no resource `dogs` to select\n  help: `floe inspect api.json`",
        ),
        (
            vec!["run", "logo.json"],
            "error: logo.json has nothing that can be loaded without being told more\n",
        ),
    ] {
        let outcome = place.run(&arguments);
        assert_eq!(outcome.code, 2, "{arguments:?}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(expected), "{arguments:?}: {}", outcome.stderr);
    }
}

#[test]
fn documents_come_from_addresses_and_standard_input() {
    let (server, place) = (pets(), Place::new());
    let url = format!("{}/docs/openapi.json?key=s3cret", server.url());
    let found: Json =
        serde_json::from_str(&place.run(&["inspect", &url, "--json"]).success().stdout).unwrap();
    assert_eq!(found["base_url"], format!("{}/v1", server.url()));
    place.run(&["generate", &url, "--out", "crate"]).success();
    assert!(place.0.path().join("crate/src/lib.rs").is_file());

    let mut child = place
        .command(&["run", "-", "--select", "pets"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let base = format!("{}/v1", server.url());
    child.stdin.take().unwrap().write_all(document(&base).to_string().as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(place.count("pets"), 45);
}
