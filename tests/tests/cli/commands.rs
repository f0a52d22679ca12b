//! Commands that change what a pipeline remembers, and options that say where a run starts.

use std::fs;

use floe_tests::Outcome;
use serde_json::{Value as Json, json};

use crate::place::Place;

const ORDERS: &str = r#"{"name": "orders", "primary_key": "id", "incremental": {"cursor_path": "at"}}"#;
const USERS: &str = r#"{"name": "users", "write_disposition": {"disposition": "merge", "strategy": "upsert"}, "primary_key": "id"}"#;

/// A pipeline that has loaded two orders with three lines, and one user.
fn loaded() -> Place {
    let place = Place::new();
    place.write("orders.json", ORDERS);
    place.write("users.json", USERS);
    place.write(
        "orders.jsonl",
        "{\"id\": 1, \"at\": 5, \"lines\": [1, 2]}\n{\"id\": 2, \"at\": 7, \"lines\": [3]}\n",
    );
    place.write("users.jsonl", "{\"id\": 1}\n");
    load(&place, &[]).success();
    place
}

fn load(place: &Place, more: &[&str]) -> floe_tests::Outcome {
    let both = ["--resource", "orders.json", "orders.jsonl", "--resource", "users.json", "users.jsonl"];
    place.load(&[&both, more].concat())
}

fn pipeline(place: &Place, arguments: &[&str]) -> floe_tests::Outcome {
    place.run(&[&["pipeline", "--pipelines-dir", "work", "p"], arguments].concat())
}

fn cursor(place: &Place) -> Json {
    let state = pipeline(place, &["state"]).success().json();
    state["sources"]["p"]["resources"]["orders"]["incremental"]["at"]["last_value"].clone()
}

#[test]
fn a_dropped_resource_starts_anew() {
    let place = loaded();
    assert_eq!(place.row_counts(), json!({"orders": 2, "orders__lines": 3, "users": 1}));
    pipeline(&place, &["drop", "orders"]).success();
    assert_eq!(place.row_counts(), json!({"users": 1}));
    assert_eq!(cursor(&place), Json::Null);
    load(&place, &[]).success();
    assert_eq!(place.row_counts(), json!({"orders": 2, "orders__lines": 3, "users": 1}));

    pipeline(&place, &["drop", "orders", "--data"]).success();
    assert_eq!(place.row_counts(), json!({"orders": 0, "orders__lines": 0, "users": 1}));
    pipeline(&place, &["drop", "--all"]).success();
    assert_eq!(place.row_counts(), json!({}));
}

#[test]
fn nothing_is_dropped_by_a_wrong_name() {
    let place = loaded();
    let outcome = pipeline(&place, &["drop", "order"]);
    let expected = "error: there is no resource order in schema p\n  help: did you mean `orders`?\n";
    assert_eq!((outcome.code, outcome.stderr.as_str()), (2, expected));
    assert_eq!(pipeline(&place, &["drop"]).code, 2);
    assert_eq!(place.row_counts(), json!({"orders": 2, "orders__lines": 3, "users": 1}));
}

#[test]
fn a_cursor_can_be_set_back() {
    let place = loaded();
    let at = "/resources/orders/incremental/at";
    pipeline(&place, &["state", "set", &format!("{at}/last_value"), "6"]).success();
    pipeline(&place, &["state", "set", &format!("{at}/unique_hashes"), "[]"]).success();
    assert_eq!(cursor(&place), json!(6));
    load(&place, &[]).success();
    assert_eq!(place.row_counts()["orders"], 3, "the second order again");

    let outcome = pipeline(&place, &["state", "set", at, "yesterday"]);
    assert!(outcome.stderr.starts_with("error: `yesterday` is no JSON: "), "{}", outcome.stderr);
    assert_eq!(outcome.code, 2);
    pipeline(&place, &["state", "reset", "orders"]).success();
    assert_eq!(cursor(&place), Json::Null);
    let outcome = pipeline(&place, &["state", "reset", "orders"]);
    assert!(outcome.stderr.contains("there is no state of a resource orders"), "{}", outcome.stderr);
}

#[test]
fn sync_brings_back_what_the_destination_knows() {
    let place = loaded();
    fs::remove_dir_all(place.path("work")).unwrap();
    let sync = ["sync", "--credentials", "p.duckdb", "--dataset", "p_dataset"];
    pipeline(&place, &sync).success();
    assert_eq!(cursor(&place), json!(7));
    let tables = place.run(&["schema", "show", "p", "--pipelines-dir", "work"]).success().stdout;
    assert!(tables.contains("orders__lines"), "{tables}");
}

#[test]
fn commands_wait_for_what_is_pending() {
    let place = loaded();
    place.write("orders.jsonl", "{\"id\": 3, \"at\": 9}\n");
    let strict = ["--schema-contract", r#"{"data_type": "freeze"}"#];
    place.write("users.jsonl", "{\"id\": \"x\"}\n");
    assert_eq!(load(&place, &strict).code, 1);
    let outcome = pipeline(&place, &["drop", "users"]);
    assert!(
        outcome.stderr.starts_with("error: packages of pipeline p wait to be loaded\n"),
        "{}",
        outcome.stderr
    );
    assert_eq!(outcome.code, 1);
    pipeline(&place, &["drop-pending-packages"]).success();
    pipeline(&place, &["drop", "users"]).success();
    assert_eq!(place.row_counts(), json!({"orders": 2, "orders__lines": 3}));
}

#[test]
fn resources_can_be_selected() {
    let place = loaded();
    place.write("users.jsonl", "{\"id\": 2}\n");
    place.write("orders.jsonl", "{\"id\": 3, \"at\": 9}\n");
    load(&place, &["--select", "users"]).success();
    assert_eq!(place.row_counts(), json!({"orders": 2, "orders__lines": 3, "users": 2}));
    let outcome = load(&place, &["--select", "user"]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.stderr.contains("there is no resource user to select"), "{}", outcome.stderr);
}

#[test]
fn a_schema_in_the_import_folder_is_the_users() {
    let place = loaded();
    let folders = ["--import-schema-path", "mine", "--export-schema-path", "theirs"];
    load(&place, &folders).success();
    let file = place.path("mine/p.schema.yaml");
    let offered = fs::read_to_string(&file).unwrap();
    assert!(!offered.contains("x-normalizer"), "{offered}");
    let exported = fs::read_to_string(place.path("theirs/p.schema.yaml")).unwrap();
    assert!(exported.contains("orders__lines"), "{exported}");

    // a column for the table of users, which no row has
    let table = "  users:\n    name: users\n    columns:\n";
    let column = "      age:\n        data_type: bigint\n";
    let changed = offered.replacen(table, &format!("{table}{column}"), 1);
    assert!(changed.contains(column), "{offered}");
    fs::write(&file, &changed).unwrap();
    place.write("users.jsonl", "{\"id\": 3}\n");
    load(&place, &folders).success();
    let columns = &place.dataset().tables["users"].columns;
    assert!(columns.iter().any(|c| c.name == "age" && c.data_type == "BIGINT"), "{columns:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), changed);
}

#[test]
fn development_loads_into_a_dataset_of_its_own() {
    let place = loaded();
    let report = load(&place, &["--dev-mode", "--output", "json"]).success().json();
    let dataset = report["dataset"].as_str().unwrap();
    assert!(
        dataset.len() == "p_dataset_20260101000000".len() && dataset.starts_with("p_dataset_20"),
        "{dataset}"
    );
    assert_eq!(report["resources"][0]["items"], 2, "the cursor began anew");
    assert_eq!(place.row_counts(), json!({"orders": 2, "orders__lines": 3, "users": 1}));
}

#[test]
fn an_explanation_says_which_layer_wins() {
    let place = Place::new();
    fs::create_dir(place.path(".floe")).unwrap();
    place.write(".floe/config.toml", "[sources.shop]\npages = 3\n");
    place.write(".floe/secrets.toml", "[sources.shop]\ntoken = \"hush\"\n");
    let explain = |key: &str| {
        let mut command = place.command(&["config", "explain", key]);
        floe_tests::Outcome::of(command.env("SOURCES__SHOP__PAGES", "5"))
    };
    let pages = explain("sources.shop.pages").success().stdout;
    assert_eq!(pages, "environment  \"5\"\n.floe/config.toml:2  3  (not used)\n");
    assert_eq!(explain("sources.shop.token").success().stdout, ".floe/secrets.toml:2  ***\n");
    let nothing = explain("sources.shop.owner").stderr;
    assert_eq!(
        nothing,
        "error: nothing is configured for sources.shop.owner\n  help: set the variable \
         SOURCES__SHOP__OWNER, or the key in .floe/config.toml or .floe/secrets.toml\n"
    );
}

#[test]
fn dev_mode_leaves_the_packages_of_other_datasets_alone() {
    let place = Place::new();
    place.write("items.jsonl", "{\"id\": 1}\n");
    let arguments = ["load", "--pipeline", "p", "--pipelines-dir", "work", "items.jsonl"];
    let killed = Outcome::of(place.command(&arguments).env("FLOE_FAULT", "before-begin"));
    assert_eq!(killed.code, -1);
    place.write("items.jsonl", "{\"id\": 2}\n{\"id\": 3}\n");
    let outcome = place.run(&[&arguments[..], &["--dev-mode"]].concat()).success();
    assert!(outcome.stdout.starts_with("p: 2 rows into p.duckdb, dataset p_dataset_"), "{}", outcome.stdout);
    let warning = "which waited to be loaded into p_dataset, was set aside; it is kept in ";
    assert!(outcome.stdout.contains(warning), "{}", outcome.stdout);
    assert_eq!(place.row_counts(), json!({}));
}
