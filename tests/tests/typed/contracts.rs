//! Contracts at run time: they freeze tables for data, and let the struct lead.

use floe::prelude::*;
use floe::{Contract, Mode};
use floe_tests::frozen::Frozen;

use crate::{columns, dataset, load};

#[test]
fn data_that_the_struct_does_not_know_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (line, what) in [
        (r#"{"id": 1, "more": 5}"#, "new column frozen.more (bigint)"),
        (r#"{"id": 1, "tags": [], "lists": [1]}"#, "new table frozen__lists"),
        (r#"{"id": "x"}"#, "text instead of bigint in frozen.id__v_text"),
    ] {
        let error = load(folder.path(), Resource::of::<Frozen>().json_lines(line)).unwrap_err().to_string();
        assert!(error.contains(&format!("{what} violates the frozen contract")), "{error}");
    }
    let rows = [Frozen { id: 1, price: Decimal::from_units(5), tags: vec!["a".into()] }];
    load(folder.path(), Resource::of::<Frozen>().rows(rows)).unwrap();
    assert_eq!(columns(&dataset(folder.path()), "frozen"), ["id BIGINT not null", "price DECIMAL(12,2)"]);
}

/// An accepted change of the struct migrates the dataset, frozen or not.
#[test]
fn a_struct_that_grew_migrates_the_dataset() {
    #[derive(Table)]
    #[table(name = "frozen", primary_key = "id")]
    struct Grown {
        id: i64,
        note: Option<String>,
    }

    let folder = tempfile::tempdir().unwrap();
    load(folder.path(), Resource::of::<Frozen>().rows([Frozen { id: 1, price: None, tags: vec![] }]))
        .unwrap();
    let lines = r#"{"id": 2, "note": "x", "unknown": 1}"#;
    let discard = Contract::All(Mode::DiscardValue);
    load(folder.path(), Resource::of::<Grown>().schema_contract(discard).json_lines(lines)).unwrap();
    load(folder.path(), Resource::of::<Grown>().rows([Grown { id: 3, note: None }])).unwrap();
    let expected = ["id BIGINT not null", "price DECIMAL(12,2)", "note VARCHAR"];
    assert_eq!(columns(&dataset(folder.path()), "frozen"), expected);
    assert_eq!(dataset(folder.path()).rows("frozen").len(), 3);
}

/// What `floe contract accept` would write is what is there.
#[test]
fn what_would_be_accepted_is_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut test = std::process::Command::new(std::env::current_exe().unwrap());
    test.args(["contract_of_", "--quiet"]).env("FLOE_CONTRACTS", folder.path());
    assert!(test.output().unwrap().status.success());
    let file = here.join("contracts/sample.contract");
    let exported = std::fs::read_to_string(folder.path().join("sample.contract")).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(exported, format!("{}/contracts/sample.contract\n{text}", here.display()));
}

/// In a test, its contract is compared by a test.
#[derive(Table)]
#[table(primary_key = "id", contract)]
struct Sample {
    id: i64,
    at: Option<chrono::NaiveDateTime>,
    words: Vec<String>,
}
