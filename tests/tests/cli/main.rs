//! What users of the command line see.

mod commands;
#[cfg(unix)]
mod contract;
mod formats;
mod generate;
mod place;
mod quarantine;

use std::fs;

use place::{Place, gzip};
use serde_json::{Value as Json, json};

#[test]
fn wrong_usage_says_what_would_be_right() {
    let place = Place::new();
    place.write("items.jsonl", "{\"id\": 1}\n");
    place.write("broken.json", "{");
    place.write("unknown.json", r#"{"name": "items", "wat": 1}"#);
    let cases: [(&[&str], &str); 13] = [
        (&["--nope"], "error: unexpected argument '--nope' found"),
        (
            &[],
            "error: there is nothing to load\n  help: name files, or - for standard input; `floe load --help` has examples\n",
        ),
        (&["missing.jsonl"], "error: there is no file missing.jsonl\n  help: check the path;"),
        (&["no*.jsonl", "--table", "t"], "error: no file matches no*.jsonl\n"),
        (
            &["*.jsonl"],
            "error: the pattern *.jsonl is no name to take as the table\n  help: name the table with --table\n",
        ),
        (
            &["-"],
            "error: standard input has no name to take as the table\n  help: name the table with --table\n",
        ),
        (&["--resource", "broken.json", "items.jsonl"], "error: broken.json is no JSON: EOF while parsing"),
        (
            &["--resource", "unknown.json", "items.jsonl"],
            "error: unknown.json: at /wat: unknown key\n  help: known keys are name, ",
        ),
        (
            &["--format", "xml", "items.jsonl"],
            "error: there is no format `xml`\n  help: formats are jsonl, json, csv, parquet and arrow\n",
        ),
        (
            &["--destination", "oracle", "items.jsonl"],
            "error: invalid value 'oracle' for '--destination <DESTINATION>'\n  [possible values: duckdb, postgres]\n",
        ),
        (
            &["--schema-contract", "wat", "items.jsonl"],
            "error: at --schema-contract: unknown contract mode `wat`, expected one of evolve, freeze,",
        ),
        (
            &["--replace-strategy", "wat", "items.jsonl"],
            "error: there is no replace strategy `wat`\n  help: it is one of truncate-and-insert, insert-from-",
        ),
        (&["--resource", "unknown.json", "items.jsonl", "--table", "t"], "error: the argument '--resource"),
    ];
    for (arguments, expected) in cases {
        let outcome = place.load(arguments);
        assert!(outcome.stderr.starts_with(expected), "{arguments:?}: {}", outcome.stderr);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{arguments:?}");
    }
    assert!(!place.path("p.duckdb").exists() && !place.path("work").exists(), "something was made");
}

#[test]
fn the_replace_strategy_comes_from_the_environment() {
    let place = Place::new();
    place.write("items.jsonl", "{\"id\": 1}\n");
    let load = |variables: &[(&str, &str)], more: &[&str]| {
        let mut command = place.command(&["load", "--pipelines-dir", "work", "items.jsonl"]);
        floe_tests::Outcome::of(command.args(more).envs(variables.iter().copied()))
    };
    let (general, own) = ("DESTINATION__REPLACE_STRATEGY", "DESTINATION__DUCKDB__REPLACE_STRATEGY");
    let wrong = load(&[(general, "insert-from-staging"), (own, "wat")], &[]);
    assert_eq!(wrong.code, 2);
    let text = "error: destination.duckdb.replace_strategy: there is no replace strategy `wat`\n";
    assert!(wrong.stderr.starts_with(text), "{}", wrong.stderr);
    load(&[(general, "wat"), (own, "truncate-and-insert")], &[]).success();
    load(&[(own, "wat")], &["--replace-strategy", "staging-optimized"]).success();
    assert_eq!(load(&[("REPLACE_STRATEGY", "wat")], &[]).code, 2);
}

#[test]
fn wrong_usage_for_scripts() {
    let place = Place::new();
    let cases: [&[&str]; 2] = [&["--nope"], &["missing.jsonl"]];
    for arguments in cases {
        let outcome = place.load(&[&["--error-format", "json"], arguments].concat());
        let error = outcome.error().unwrap();
        assert_eq!((outcome.code, &error["error"], &error["step"]), (2, &json!("config"), &json!("config")));
    }
}

#[test]
fn a_malformed_line_is_located_and_loads_nothing() {
    let place = Place::new();
    place.write("items.jsonl", "{\"id\": 1}\n{\"id\": 2,}\n");
    let outcome = place.load(&["items.jsonl"]);
    assert_eq!(outcome.code, 1);
    assert_eq!(outcome.stderr, "error: items.jsonl:2:10: this is no JSON: expected a key\n");
    assert_eq!(place.row_counts(), json!({}));

    place.write("cut.jsonl", "{\"id\": 1}\n{\"id\": \n{\"id\": 3}\n{\"id\": 4}\n");
    let outcome = place.load(&["cut.jsonl"]);
    assert_eq!(
        outcome.stderr,
        "error: cut.jsonl:2:7: this is no JSON: the text ends in the middle of a value\n"
    );

    let outcome = place.load(&["items.jsonl", "--error-format", "json"]);
    let error = outcome.error().unwrap();
    assert_eq!((&error["step"], &error["file"]), (&json!("extract"), &json!("items.jsonl")));
    assert_eq!((&error["line"], &error["position"]), (&json!(2), &json!(10)));

    place.write("items.jsonl", "{\"id\": 1}\n{\"id\": 2}\n");
    place.load(&["items.jsonl"]).success();
    assert_eq!(place.row_counts(), json!({"items": 2}));
}

#[test]
fn several_files_and_patterns() {
    let place = Place::new();
    fs::create_dir(place.path("logs")).unwrap();
    place.write("logs/a.jsonl", "{\"id\": 1}\n");
    place.write("logs/b.jsonl.gz", gzip(b"{\"id\": 2}\n"));
    place.write("orders.csv", "id\n3\n4\n5\n");
    place.write("users.v2.json", "[{\"id\": 6}]");
    place.load(&["logs/*", "orders.csv", "--table", "all"]).success();
    place.load(&["orders.csv", "users.v2.json", "logs/b.jsonl.gz"]).success();
    assert_eq!(place.row_counts(), json!({"all": 5, "b": 1, "orders": 3, "users_v2": 1}));
}

#[test]
fn the_result_goes_to_stdout_and_nothing_else() {
    let place = Place::new();
    place.write("items.jsonl", "{\"id\": 1, \"tags\": [\"a\", \"b\"]}\n");
    let outcome = place.load(&["items.jsonl"]).success();
    // progress is for terminals
    assert_eq!(outcome.stderr, "");
    let first = outcome.stdout.lines().next().unwrap();
    assert!(first.starts_with("p: 3 rows into p.duckdb, dataset p_dataset, in 0."), "{first}");
    assert!(outcome.stdout.contains("\n  schema: + table items\n"), "{}", outcome.stdout);
    let outcome = place.load(&["items.jsonl", "--quiet"]).success();
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));

    let report = place.load(&["items.jsonl", "--output", "json"]).success().json();
    assert_eq!((&report["pipeline"], &report["dataset"]), (&json!("p"), &json!("p_dataset")));
    assert_eq!(report["load_ids"].as_array().unwrap().len(), 1);
    let rows = |table: &str| {
        let tables = report["tables"].as_array().unwrap();
        tables.iter().find(|t| t["table"] == table).map(|t| t["rows"].clone())
    };
    assert_eq!((rows("items"), rows("items__tags")), (Some(json!(1)), Some(json!(2))));
    assert_eq!(report["resources"][0]["items"], 1);
}

#[test]
fn pipelines_can_be_looked_at() {
    let place = Place::new();
    let pipeline =
        |arguments: &[&str]| place.run(&[&["pipeline", "--pipelines-dir", "work"], arguments].concat());
    assert_eq!(pipeline(&[]).success().stdout, "no pipelines in work\n");
    place.write("items.jsonl", "{\"id\": 1}\n{\"id\": 2}\n");
    place.load(&["items.jsonl", "--incremental", "id"]).success();
    assert_eq!(pipeline(&[]).success().stdout, "p\n");
    let outcome = pipeline(&["nope"]);
    assert_eq!(outcome.stderr, "error: there is no pipeline nope in work\n  help: there are p\n");
    assert_eq!(outcome.code, 2);

    let info = pipeline(&["p", "info"]).success().stdout;
    let expected = "pipeline     p\nfolder       work/p\ndestination  dlt.destinations.duckdb\n\
                    dataset      p_dataset\nstate        version 1\nschema       p, version 2, 4 tables\nlast run     ";
    assert!(info.starts_with(expected), "{info}");
    let json = pipeline(&["p", "info", "--output", "json"]).success().json();
    assert_eq!((&json["name"], &json["schemas"][0]["tables"]), (&json!("p"), &json!(4)));

    let state = pipeline(&["p", "state"]).success().json();
    let cursor = &state["sources"]["p"]["resources"]["items"]["incremental"]["id"];
    assert_eq!(cursor["last_value"], 2);

    let trace = pipeline(&["p", "trace"]).success().stdout;
    assert!(
        trace.starts_with("started   ")
            && trace.ends_with("  items: 2 rows\n  _dlt_pipeline_state: 1 rows\n"),
        "{trace}"
    );
    let trace = pipeline(&["p", "trace", "--output", "json"]).success().json();
    assert_eq!((&trace["error"], &trace["report"]["pipeline"]), (&Json::Null, &json!("p")));
}

#[test]
fn packages_can_be_kept_and_given_up() {
    let place = Place::new();
    let pipeline = |what: &str, more: &[&str]| {
        place.run(&[&["pipeline", "--pipelines-dir", "work", "p", what], more].concat()).success()
    };
    place.write("items.jsonl", "{\"id\": 1}\n");
    place.load(&["items.jsonl"]).success();
    let none = "no packages on disk; those that are loaded are removed unless --keep-packages is given\n";
    assert_eq!(pipeline("packages", &[]).stdout, none);
    place.load(&["items.jsonl", "--keep-packages"]).success();
    // a contract lets normalising fail, and the items wait
    place.write("items.jsonl", "{\"id\": 2, \"new\": true}\n");
    let outcome = place.load(&["items.jsonl", "--schema-contract", "freeze"]);
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("items.new") || outcome.stderr.contains("column new"),
        "{}",
        outcome.stderr
    );
    let packages = pipeline("packages", &["--output", "json"]).json();
    let mut stages: Vec<&str> =
        packages.as_array().unwrap().iter().map(|p| p["stage"].as_str().unwrap()).collect();
    stages.sort_unstable();
    assert_eq!(stages, ["extracted", "loaded"]);
    assert!(pipeline("packages", &[]).stdout.starts_with("load id "));
    let dropped = pipeline("drop-pending-packages", &[]).stdout;
    assert_eq!(dropped, "1 packages were given up; they are kept among the failed ones\n");
    place.write("items.jsonl", "{\"id\": 2}\n");
    place.load(&["items.jsonl"]).success();
    assert_eq!(place.row_counts(), json!({"items": 3}));
}

#[test]
fn schemas_can_be_looked_at() {
    let place = Place::new();
    let show = |arguments: &[&str]| {
        place.run(&[&["schema", "show", "p", "--pipelines-dir", "work"], arguments].concat())
    };
    place.write("items.jsonl", "{\"id\": 1, \"tags\": [1]}\n");
    place.load(&["items.jsonl", "--primary-key", "id"]).success();
    let text = show(&[]).success().stdout;
    assert!(text.starts_with("schema p, version 2\n\nitems (append)\ncolumn "), "{text}");
    assert!(text.contains("\nitems__tags (below items)\n"), "{text}");
    let table = show(&["--table", "items"]).success().stdout;
    let id = table.lines().nth(2).unwrap();
    assert_eq!(id.split_whitespace().collect::<Vec<_>>(), ["id", "bigint", "no", "primary_key"]);
    let outcome = show(&["--table", "item"]);
    assert_eq!(
        (outcome.code, outcome.stderr.as_str()),
        (2, "error: there is no table item\n  help: did you mean `items`?\n")
    );
    let json = show(&["--output", "json"]).success().json();
    assert_eq!(json["tables"]["items"]["columns"]["id"]["data_type"], "bigint");
    // what it prints it can read
    place.write("p.yaml", show(&["--yaml"]).success().stdout);
    let again = place.run(&["schema", "show", "p.yaml", "--output", "json"]).success().json();
    assert_eq!(again, json);
}

#[test]
fn a_frozen_contract_says_what_it_expected_and_how_much_is_wrong() {
    let place = Place::new();
    place.write("items.jsonl", "{\"id\": 1, \"b\": 2}\n");
    place.load(&["items.jsonl"]).success();
    place.write("items.jsonl", "{\"id\": 2, \"b\": 3}\n{\"id\": 3, \"b\": \"x\"}\n{\"id\": 4, \"c\": 1}\n");
    let frozen = ["items.jsonl", "--schema-contract", "freeze", "--error-format", "json"];
    let outcome = place.load(&frozen);
    let text = "error: items.jsonl:2:16 at /b: text instead of bigint in items.b__v_text violates the frozen contract \
                of schema p; 2 rows violate contracts\n";
    assert!(outcome.stderr.starts_with(text), "{}", outcome.stderr);
    let error = outcome.error().unwrap();
    for (key, value) in [
        ("error", json!("contract")),
        ("schema", json!("p")),
        ("expected_type", json!("bigint")),
        ("found_type", json!("text")),
        ("offending_rows", json!(2)),
        ("line", json!(2)),
    ] {
        assert_eq!(error[key], value, "{key}");
    }
    assert_eq!(place.row_counts(), json!({"items": 1}));
}
