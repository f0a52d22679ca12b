//! What another reader of OpenAPI 3.0 accepts, floe accepts, with the same paths and operations.

// helpers of tests fail like tests
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use floe_codegen::{Document, Limits, inspect};
use openapiv3::{OpenAPI, ReferenceOr};

/// The documents of version 3.0 in this repository.
fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let golden = std::fs::read_dir(root.join("tests/golden")).unwrap();
    let mut paths: Vec<PathBuf> = golden.map(|entry| entry.unwrap().path().join("openapi.yaml")).collect();
    paths.push(root.join("../specs/pokeapi/openapi.yaml"));
    paths.retain(|path| std::fs::read_to_string(path).is_ok_and(|text| text.contains("openapi: 3.0")));
    assert!(paths.len() > 5, "{paths:?}");
    paths
}

/// The paths with a GET.
fn gets(document: &OpenAPI) -> BTreeSet<String> {
    let item = |(path, item): (&String, &ReferenceOr<openapiv3::PathItem>)| {
        item.as_item().filter(|item| item.get.is_some()).map(|_| path.clone())
    };
    document.paths.paths.iter().filter_map(item).collect()
}

#[test]
fn both_find_the_same_operations() {
    for path in documents() {
        let text = std::fs::read_to_string(&path).unwrap();
        let other: OpenAPI =
            serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let api = inspect(&Document::from_path(&path, &Limits::default()).unwrap()).unwrap();
        let read =
            api.resources.iter().filter(|r| r.method.eq_ignore_ascii_case("get")).map(|r| r.path.clone());
        let found: BTreeSet<String> = read.chain(api.skipped.iter().map(|s| s.path.clone())).collect();
        let expected = gets(&other);
        assert!(!expected.is_empty());
        assert_eq!(found, expected, "{}", path.display());
        assert_eq!(api.title, other.info.title);
    }
}
