//! Whole connectors of small documents, as people have read them. `FLOE_UPDATE=1 cargo test -p floe-codegen --test golden`
//! writes them anew; they are reviewed like code. tests/tests/golden compiles and runs them.

// helpers of tests fail like tests
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use floe_codegen::{Document, Files, Limits, Options, connector, declarative, inspect};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn cases() -> Vec<String> {
    let entries = std::fs::read_dir(folder()).unwrap();
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// What a document becomes: the connector, and the declarative document.
fn made(case: &str) -> (Files, String) {
    let document =
        Document::from_path(&folder().join(case).join("openapi.yaml"), &Limits::default()).unwrap();
    let api = inspect(&document).unwrap();
    (connector(&api, &Options::default()).unwrap(), declarative(&api))
}

fn known(folder: &Path, prefix: &str, found: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
        let name = format!("{prefix}{}", entry.file_name().into_string().unwrap());
        if entry.path().is_dir() {
            known(&entry.path(), &format!("{name}/"), found);
        } else {
            found.insert(name, std::fs::read_to_string(entry.path()).unwrap());
        }
    }
}

#[test]
fn connectors_are_as_they_were_reviewed() {
    let update = std::env::var_os("FLOE_UPDATE").is_some();
    let cases = cases();
    assert_eq!(cases.len(), 8, "{cases:?}");
    let mut wrong = Vec::new();
    for case in cases {
        let (files, yaml) = made(&case);
        let mut now: BTreeMap<String, String> =
            files.files.into_iter().map(|(path, file)| (path, file.text)).collect();
        now.insert("declarative.yaml".to_owned(), yaml);
        let place = folder().join(&case).join("connector");
        if update {
            let _ = std::fs::remove_dir_all(&place);
            for (path, text) in &now {
                let path = place.join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, text).unwrap();
            }
        }
        let mut before = BTreeMap::new();
        known(&place, "", &mut before);
        for path in now.keys().chain(before.keys()).filter(|path| now.get(*path) != before.get(*path)) {
            wrong.push(format!("{case}/{path}"));
        }
    }
    assert!(wrong.is_empty(), "these differ; FLOE_UPDATE=1 writes them anew: {wrong:#?}");
}

#[test]
fn check_is_content_with_what_was_written_and_says_what_drifted() {
    let (files, _) = made("links");
    let place = tempfile::tempdir().unwrap();
    files.write(place.path(), false).unwrap();
    assert_eq!(files.differences(place.path()), Vec::<String>::new());
    assert!(files.write(place.path(), false).unwrap().is_empty());

    let contract = place.path().join("contracts/issues.contract");
    let text = std::fs::read_to_string(&contract).unwrap();
    let changed = text.replacen("title", "headline", 1).replacen("body", "body_text", 1);
    std::fs::write(&contract, changed).unwrap();
    std::fs::remove_file(place.path().join("src/lib.rs")).unwrap();
    std::fs::write(place.path().join("contracts/gone.contract"), "[gone]\nid bigint\n").unwrap();
    let found = files.differences(place.path());
    assert_eq!(
        found,
        [
            "+ issues.title text not null",
            "+ issues.body text",
            "- issues.headline",
            "- issues.body_text",
            "src/lib.rs: missing",
            "- table gone",
        ]
    );
    // a contract is the user's to accept: writing again leaves it
    let written = files.write(place.path(), false).unwrap();
    assert_eq!(written, ["src/lib.rs"]);
}
