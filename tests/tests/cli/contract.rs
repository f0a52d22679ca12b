//! `floe contract` and `floe config`. What cargo would say is said by a script.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use floe_tests::Outcome;
use serde_json::json;

use crate::place::Place;

const WANTED: &str =
    "[orders]\nid     bigint  not null primary_key\ntotal  decimal(12,2)\n\n[orders__lines]\nsku  text\n";

/// A crate with one struct that has a contract, in a place where cargo is a script.
fn crate_with(wanted: &str) -> Place {
    let place = Place::new();
    fs::create_dir(place.path("src")).unwrap();
    place.write("src/lib.rs", "#[derive(Table)] #[table(contract)] struct Orders;");
    let package = json!({
        "name": "shop",
        "manifest_path": place.path("Cargo.toml"),
        "dependencies": [],
        "targets": [{"name": "shop", "kind": ["lib"], "test": true}, {"name": "b", "kind": ["bench"], "test": true}],
    });
    place.write("metadata.json", json!({ "packages": [package] }).to_string());
    let file = place.path("contracts/orders.contract");
    place.write("wanted.txt", format!("{}\n{wanted}", file.display()));
    place.write(
        "cargo",
        "#!/bin/sh\ncd \"$(dirname \"$0\")\"\ncase \"$1\" in\n\
         metadata) cat metadata.json ;;\n\
         test) echo \"$@\" >> log; cp wanted.txt \"$FLOE_CONTRACTS/orders.contract\" ;;\nesac\n",
    );
    fs::set_permissions(place.path("cargo"), fs::Permissions::from_mode(0o755)).unwrap();
    place
}

fn run(place: &Place, arguments: &[&str]) -> Outcome {
    let mut command = place.command(&[&["contract"], arguments].concat());
    Outcome::of(command.env("CARGO", place.path("cargo")))
}

#[test]
fn contracts_are_accepted_compared_and_checked() {
    let place = crate_with(WANTED);
    let checked = run(&place, &["check"]);
    assert_eq!(checked.code, 1);
    assert_eq!(
        checked.stderr,
        "error: schema drift: orders changed\n  help: if the new schema is meant, `floe contract accept` writes it down\n"
    );
    let accepted = run(&place, &["accept"]).success().stdout;
    assert!(accepted.contains("+ table orders\n") && accepted.contains("accepted "), "{accepted}");
    let file = place.path("contracts/orders.contract");
    assert_eq!(fs::read_to_string(&file).unwrap(), WANTED);
    let agreed = "all contracts are what the structs say\n";
    assert_eq!(run(&place, &["accept"]).success().stdout, agreed);
    assert_eq!(run(&place, &["check"]).success().stdout, agreed);

    let old = WANTED
        .replace("total  decimal(12,2)", "total  decimal(12,4)\ngone  text")
        .replace(" primary_key", "");
    fs::write(&file, &old).unwrap();
    let text = run(&place, &["diff", "orders"]).success().stdout;
    for line in ["  ~ orders.total decimal(12,4) -> decimal(12,2)", "  - orders.gone", "primary_key"] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert_eq!(run(&place, &["diff", "--check"]).code, 1);
    assert_eq!(fs::read_to_string(&file).unwrap(), old, "only accepting writes");
    let log = fs::read_to_string(place.path("log")).unwrap();
    assert_eq!(log.lines().next().unwrap(), "test --quiet --package shop --lib -- contract_of_");
}

#[test]
fn wrong_tables_and_files_are_named() {
    let place = crate_with(WANTED);
    let wrong = run(&place, &["diff", "order"]);
    assert_eq!(wrong.stderr, "error: no table order has a contract\n  help: did you mean `orders`?\n");
    fs::create_dir(place.path("contracts")).unwrap();
    place.write("contracts/orders.contract", "[orders]\nid integer");
    let broken = run(&place, &["check"]).stderr;
    assert!(broken.contains("orders.contract: line 2: unknown data type `integer`"), "{broken}");
    let none = run(&place, &["check", "--package", "other"]).stderr;
    assert!(none.contains("no package other has contracts"), "{none}");
}

#[test]
fn contracts_come_from_what_is_loaded() {
    let place = Place::new();
    place.write("orders.jsonl", r#"{"id": 1, "at": "2024-01-01T00:00:00Z", "lines": [{"sku": "a"}]}"#);
    place.load(&["orders.jsonl", "--primary-key", "id"]).success();
    let import = ["contract", "import", "p", "--pipelines-dir", "work"];
    assert_eq!(place.run(&import).success().stdout, "wrote contracts/orders.contract\n");
    let text = fs::read_to_string(place.path("contracts/orders.contract")).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    let expected =
        ["[orders]", "id  bigint     not null primary_key", "at  timestamp", "[orders__lines]", "sku  text"];
    assert_eq!(lines, expected);
}
