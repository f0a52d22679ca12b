//! Items that a contract rejects, as users see them.

use serde_json::json;

use crate::place::Place;

const CONTRACT: &str = r#"{"columns": "quarantine"}"#;

/// A place where one of three orders was rejected.
fn place() -> Place {
    let place = Place::new();
    place.write("orders.jsonl", "{\"id\": 1}\n");
    place.load(&["orders.jsonl"]).success();
    place.write("orders.jsonl", "{\"id\": 2}\n{\"id\": 3, \"note\": \"new\"}\n");
    let outcome = place.load(&["orders.jsonl", "--schema-contract", CONTRACT]).success();
    assert!(outcome.stdout.contains("\n  orders: the contract rejected 1 items"), "{}", outcome.stdout);
    assert_eq!(place.row_counts(), json!({"orders": 2, "orders__rejected": 1}));
    place
}

#[test]
fn rejected_items_are_loaded_when_they_pass() {
    let place = place();
    let outcome = place.load(&["--replay-rejected"]).success();
    assert!(outcome.stdout.starts_with("p: nothing new for p.duckdb"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("\n  orders: the contract rejected 1 items"), "{}", outcome.stdout);
    let replay = ["--replay-rejected", "--table", "orders", "--schema-contract", "evolve"];
    let outcome = place.load(&replay).success();
    assert!(outcome.stdout.starts_with("p: 1 rows into p.duckdb"), "{}", outcome.stdout);
    assert_eq!(place.row_counts(), json!({"orders": 3, "orders__rejected": 0}));
    place.load(&replay).success();
    assert_eq!(place.row_counts(), json!({"orders": 3, "orders__rejected": 0}));
}

#[test]
fn what_cannot_be_replayed_is_named() {
    let place = place();
    let load = |arguments: &[&str]| place.load(&[&["--replay-rejected"], arguments].concat());
    let cases: [(&[&str], i32, &str); 3] = [
        (&["orders.jsonl"], 2, "error: the argument '--replay-rejected' cannot be used with '[FILE]...'"),
        (&["--table", "items"], 2, "error: no items of items were ever rejected\n"),
        (
            &["--schema-contract", "freeze"],
            1,
            "error: orders__rejected row 1 at /note: new column orders.note (text) violates the frozen contract of schema p\n",
        ),
    ];
    for (arguments, code, text) in cases {
        let outcome = load(arguments);
        assert!(outcome.stderr.starts_with(text), "{arguments:?}: {}", outcome.stderr);
        assert_eq!(outcome.code, code, "{arguments:?}");
    }
    let outcome = place.run(&["load", "--pipeline", "other", "--pipelines-dir", "work", "--replay-rejected"]);
    assert_eq!(outcome.stderr, "error: pipeline other has not loaded anything yet\n");
    assert_eq!(place.row_counts(), json!({"orders": 2, "orders__rejected": 1}));
    // a replay that failed leaves nothing behind
    load(&["--schema-contract", "evolve"]).success();
    assert_eq!(place.row_counts(), json!({"orders": 3, "orders__rejected": 0}));
}

#[test]
fn a_damaged_row_is_named_and_can_be_corrected() {
    let place = place();
    let row = "\"p_dataset\".\"orders__rejected\"";
    place.execute(&format!("UPDATE {row} SET _dlt_id = 'abc', \"row\" = '1, 2'"));
    let outcome = place.load(&["--replay-rejected"]);
    assert_eq!(
        outcome.stderr,
        "error: the item in row abc of orders__rejected is no JSON\n  \
         help: correct its column `row`, or delete it\n"
    );
    place.execute(&format!("UPDATE {row} SET \"row\" = '{{\"id\": 3}}'"));
    place.load(&["--replay-rejected"]).success();
    assert_eq!(place.row_counts(), json!({"orders": 3, "orders__rejected": 0}));
}

#[test]
fn snapshots_are_not_replayed() {
    let place = Place::new();
    let scd2 = json!({"disposition": "merge", "strategy": "scd2"});
    let mut resource = json!({"name": "orders", "write_disposition": scd2});
    place.write("orders.json", resource.to_string());
    place.write("orders.jsonl", "{\"id\": 1}\n");
    place.load(&["--resource", "orders.json", "orders.jsonl"]).success();
    resource["schema_contract"] = json!("quarantine");
    place.write("orders.json", resource.to_string());
    place.write("orders.jsonl", "{\"id\": 1}\n{\"id\": 2, \"note\": \"new\"}\n");
    place.load(&["--resource", "orders.json", "orders.jsonl"]).success();
    let outcome = place.load(&["--replay-rejected"]);
    assert_eq!(
        outcome.stderr,
        "error: rejected items of orders cannot be replayed: scd2 takes what is loaded for all there is\n  \
         help: load the table again from its source\n"
    );
}

#[test]
fn lists_and_rejected_items_do_not_share_a_table() {
    let place = place();
    place.write("orders.jsonl", "{\"id\": 4, \"rejected\": [1]}\n");
    let outcome = place.load(&["orders.jsonl", "--schema-contract", "evolve"]);
    let text = "error: orders.jsonl:1:24 at /rejected/0: a list would go to table orders__rejected, which is for rejected items\n";
    assert!(outcome.stderr.starts_with(text), "{}", outcome.stderr);

    let place = Place::new();
    place.write("orders.jsonl", "{\"id\": 1, \"rejected\": [1]}\n");
    place.load(&["orders.jsonl"]).success();
    place.write("orders.jsonl", "{\"id\": 2, \"note\": \"new\"}\n");
    let outcome = place.load(&["orders.jsonl", "--schema-contract", CONTRACT]);
    let text = "rejected items of orders would go to table orders__rejected, which has other rows";
    assert!(outcome.stderr.contains(text), "{}", outcome.stderr);
}
