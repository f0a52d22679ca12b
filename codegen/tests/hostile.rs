//! Text of documents never becomes code, and no document stops the generator.

// helpers of tests fail like tests
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use floe_codegen::{Document, Files, Limits, Options, connector, declarative, inspect};
use proc_macro2::{Group, TokenStream, TokenTree};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const HOSTILE: &[&str] = &[
    "\"); evil(); (\"",
    "*/ fn evil() {} /*",
    "\n#[evil]\nfn evil() {}\n//",
    "#![evil]",
    "r#\"evil\"#",
    "${HOME}",
    "{{evil}} {evil}",
    "\u{202e}evil\u{2066}",
    "]]\nevil = \"1\"\n[[",
    "- evil: &a !!evil\n",
    "\0\r\t\\u{41}",
    "']; evil(); ['",
    "--><script>evil()</script>",
    "*/ } evil!{} /**",
    "\"\"\"\n[evil]\nx = 1\n\"\"\"",
    "| evil | [evil](javascript:evil) ![evil](http://evil)",
    "```\nevil\n```",
    "# evil\n## evil\n---\nevil: 1",
    "{incremental.evil} {resources.evil.x}",
    "../../evil",
    "[evil]\nevil bigint",
    "evil\u{2028}fn evil() {}",
];

/// A document with lists that are parents, tokens, and keys with odd names.
fn family(evil: &str) -> Value {
    let list = |schema: Value| {
        json!({"200": {"description": evil, "content": {"application/json": {"schema": {"type": "object", "description": evil, "properties": {
            "data": {"type": "array", "items": schema}, "next_cursor": {"type": "string", "description": evil}}}}}}})
    };
    let key = format!("{evil}Id");
    let row = json!({"type": "object", "title": evil, "required": ["id", key], "properties": {
        "id": {"type": "string", "x-primary-key": true, "example": evil}, key.clone(): {"type": "string", "x-primary-key": true, "example": evil},
        "updated_at": {"type": "string", "format": "date-time"},
        "list": {"type": "array", "items": {"type": "object", "title": evil, "properties": {evil: {"type": "array", "items": {"type": "string"}}}}}}});
    let paging = json!([{"name": "cursor", "in": "query", "description": evil}, {"name": "updated_since", "in": "query", "description": evil},
        {"name": evil, "in": "query", "required": true, "description": evil, "schema": {"default": evil, "type": "string"}}]);
    json!({
        "swagger": "2.0", "openapi": "3.0.1", "info": {"title": format!("api {evil}"), "version": evil}, "host": evil, "basePath": evil,
        "components": {"schemas": {evil: row.clone()}, "securitySchemes": {evil: {"type": "oauth2", "description": evil, "flows": {
            "clientCredentials": {"tokenUrl": format!("https://x.example/{evil}"), "scopes": {evil: evil}}}}}},
        "security": [{evil: [evil]}], "tags": [{"name": evil, "description": evil}], "externalDocs": {"url": evil, "description": evil},
        "paths": {
            "/things": {"get": {"operationId": "things", "tags": [evil], "parameters": paging, "responses": list(row.clone()), "deprecated": true}},
            format!("/things/{{{evil}Id}}/parts"): {"get": {"operationId": evil, "description": evil,
                "parameters": [{"name": format!("{evil}Id"), "in": "path", "required": true, "description": evil}], "responses": list(row)}},
            "/logo": {"get": {"operationId": evil, "responses": {"200": {"description": evil, "content": {evil: {}}}}}},
        },
    })
}

/// A small document with a hole in every place where text can be.
fn document(evil: &str) -> Value {
    let schema = json!({"type": "object", "title": evil, "description": evil, "required": [evil, "id"], "properties": {
        "id": {"type": "integer", "description": evil}, evil: {"type": "string", "description": evil, "enum": [evil], "default": evil, "pattern": evil, "format": evil},
        "nested": {"type": "object", "description": evil, "properties": {evil: {"type": "string"}}},
    }});
    let path = format!("/things/{{{evil}}}/{evil}");
    let response = json!({"200": {"description": evil, "headers": {evil: {}}, "content": {"application/json": {"schema": {"type": "object", "properties": {
        evil: {"type": "array", "items": {"$ref": "#/components/schemas/Row"}}, "next": {"type": "string", "description": evil}}}}}}});
    json!({
        "openapi": "3.0.0", "info": {"title": evil, "version": evil, "description": evil},
        "servers": [{"url": evil, "variables": {evil: {"default": evil}}}],
        "components": {"schemas": {"Row": schema.clone(), evil: schema}, "securitySchemes": {evil: {"type": "apiKey", "in": evil, "name": evil}}},
        "security": [{evil: []}],
        "paths": {
            path: {"get": {"operationId": evil, "summary": evil, "description": evil, "tags": [evil], "parameters": [
                {"name": evil, "in": "query", "required": true, "description": evil, "schema": {"type": "string"}},
                {"name": format!("{evil}2"), "in": "query", "required": true, "schema": {"type": "string", "enum": [evil]}},
                {"name": "updated_since", "in": "query", "description": evil, "schema": {"type": "string", "format": "date-time"}}], "responses": response.clone()}},
            evil: {"get": {"responses": response}},
        },
    })
}

fn generate(document: &Value) -> Option<(Files, String)> {
    let read = Document::from_bytes("x.json", document.to_string().as_bytes(), &Limits::default()).ok()?;
    let api = inspect(&read).ok()?;
    Some((connector(&api, &Options::default()).unwrap(), declarative(&api)))
}

/// Code without its literals.
fn without_text(tokens: TokenStream) -> TokenStream {
    tokens
        .into_iter()
        .filter_map(|token| match token {
            TokenTree::Literal(_) => None,
            TokenTree::Group(group) => {
                Some(Group::new(group.delimiter(), without_text(group.stream())).into())
            }
            other => Some(other),
        })
        .collect()
}

#[test]
fn hostile_text_stays_text() {
    for evil in HOSTILE {
        for document in [document(evil), family(evil)] {
            let (files, yaml) = generate(&document).unwrap();
            for (path, file) in &files.files {
                harmless(evil, path, &file.text);
            }
            let read: Value =
                serde_saphyr::from_str(&yaml).unwrap_or_else(|e| panic!("{evil:?}: {e}\n{yaml}"));
            assert!(!yaml.contains("${HOME}"), "{yaml}");
            assert_eq!(read.as_object().unwrap().keys().collect::<Vec<_>>(), ["client", "resources"]);
        }
    }
}

/// Whether a file says what it would have said without the text.
fn harmless(evil: &str, path: &str, text: &str) {
    let is_plain = path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    assert!(!path.contains("..") && is_plain, "{path:?}");
    assert!(!text.contains(['\u{202e}', '\u{2066}', '\u{2028}', '\0']), "{path}");
    match path.rsplit_once('.').map_or("", |(_, end)| end) {
        "rs" => {
            let tokens = text.parse::<TokenStream>().unwrap();
            syn::parse2::<syn::File>(tokens.clone()).unwrap();
            // `evil` may be a name, but never called and no attribute
            let code = without_text(tokens).to_string();
            for call in ["evil ()", "[evil]", "evil !", "HOME"] {
                assert!(!code.contains(call), "{evil:?} in {path}:\n{code}");
            }
        }
        "json" => {
            let fixture: Value = serde_json::from_str(text).unwrap();
            assert_eq!(fixture.as_object().unwrap().keys().collect::<Vec<_>>(), ["about", "path", "answers"]);
        }
        "contract" => contract(text),
        "md" => readme(text),
        "toml" => toml(path, text),
        _ => assert!(path == ".gitignore" || path == "floe.overlay.yaml", "{path}"),
    }
}

fn toml(path: &str, text: &str) {
    let heads: Vec<&str> = text.lines().filter(|l| l.starts_with('[')).collect();
    if path == "Cargo.toml" {
        assert_eq!(heads, ["[package]", "[dependencies]", "[dev-dependencies]", "[workspace]"], "{text}");
        let known = ["name", "version", "edition", "publish", "description", "chrono", "floe", "serde"];
        let keys = text.lines().filter_map(|l| l.split_once(" = ")).map(|(key, _)| key);
        keys.for_each(|key| assert!(known.contains(&key), "{text}"));
        return;
    }
    assert_eq!(heads.len(), 1, "{text}");
    let is_known = |l: &str| l.is_empty() || l.starts_with(['#', '[']) || l.ends_with(" = \"\"");
    assert!(text.lines().all(is_known), "{text}");
}

/// Tables, columns and their types, and nothing else.
fn contract(text: &str) {
    let contract = floe_schema::typed::ContractFile::parse(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let names = contract.tables.iter().flat_map(|(name, table)| table.columns.keys().chain([name]));
    for name in names {
        assert!(name.chars().all(|c| c.is_alphanumeric() || c == '_'), "{name}\n{text}");
    }
}

/// Headings, lists and tables are ours; nothing of the document is a link, an image, code or a tag.
fn readme(text: &str) {
    let headings: Vec<&str> = text.lines().filter(|l| l.starts_with("## ")).collect();
    let known = ["## What was found", "## Guesses", "## Left out"];
    assert!(headings.iter().all(|h| known.contains(h)), "{text}");
    let start = text.find("## What was found").unwrap();
    let own = &text[start..];
    assert!(!own.contains("\n#  ") && !own.contains("\n```") && !own.contains("\n---\n"), "{text}");
    let mut before = ' ';
    for (at, c) in own.char_indices() {
        // what Markdown would take for more than text is escaped; findings quote names in backticks
        if matches!(c, '<' | '[' | '`') && before != '\\' {
            panic!("{c} at {at}: {}", &own[at..].chars().take(60).collect::<String>());
        }
        before = c;
    }
    for line in own.lines().filter(|l| l.starts_with('|')) {
        let bars = line.replace("\\|", "").matches('|').count();
        assert!(bars == 9 || bars == 4, "{line}");
    }
}

#[test]
fn output_is_the_same_each_time() {
    for evil in HOSTILE {
        assert_eq!(generate(&document(evil)), generate(&document(evil)));
        assert_eq!(generate(&family(evil)), generate(&family(evil)));
    }
}

/// A document in which some values were replaced, removed or moved elsewhere.
fn mutated(mut value: Value, seeds: &[u32]) -> Value {
    let odd = [
        json!(null),
        json!(0),
        json!(""),
        json!([]),
        json!({}),
        json!(true),
        json!({"$ref": "#"}),
        json!({"$ref": "#/components/schemas/Row"}),
        json!("type"),
        json!(1e300),
    ];
    for seed in seeds {
        let places = count(&value);
        let mut at = *seed as usize % places.max(1);
        let replacement = odd[*seed as usize / 7 % odd.len()].clone();
        replace(&mut value, &mut at, &replacement);
    }
    value
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(map) => map.values().map(count).sum::<usize>(),
        _ => 0,
    }
}

fn replace(value: &mut Value, at: &mut usize, with: &Value) -> bool {
    if *at == 0 {
        *value = with.clone();
        return true;
    }
    *at -= 1;
    match value {
        Value::Array(items) => items.iter_mut().any(|item| replace(item, at, with)),
        Value::Object(map) => map.values_mut().any(|item| replace(item, at, with)),
        _ => false,
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "type",
        "properties",
        "items",
        "allOf",
        "oneOf",
        "$ref",
        "array",
        "object",
        "string",
        "#",
        "#/paths",
        "paths",
        "get",
        "/a/{b}",
        "id",
        "enum",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        word.clone().prop_map(Value::from)
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((word.clone(), inner), 0..5).prop_map(|entries| Value::Object(
                entries.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<Map<_, _>>()
            )),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_documents_generate(seeds in prop::collection::vec(any::<u32>(), 1..12)) {
        generate(&mutated(document("pets"), &seeds));
    }

    #[test]
    fn any_schema_generates(schema in any_json()) {
        let document = json!({"openapi": "3.1.0", "paths": {"/a/{b}": {"get": {"responses": {"200": {"content": {"application/json": {"schema": schema}}}}}}}, "components": {"schemas": {"Row": schema}}});
        prop_assert!(generate(&document).is_some());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Document::from_bytes("x", &bytes, &Limits::default());
    }
}
