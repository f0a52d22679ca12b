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
];

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
        let (files, yaml) = generate(&document(evil)).unwrap();
        for (path, file) in &files.files {
            assert!(
                !path.contains("..") && path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c)),
                "{path:?}"
            );
            if path.ends_with(".rs") {
                let tokens = file.text.parse::<TokenStream>().unwrap();
                syn::parse2::<syn::File>(tokens.clone()).unwrap();
                // `evil` may be a name, but never called and no attribute
                let code = without_text(tokens).to_string();
                for call in ["evil ()", "[evil]", "HOME"] {
                    assert!(!code.contains(call), "{evil:?} in {path}:\n{code}");
                }
            }
            assert!(!file.text.contains(['\u{202e}', '\u{2066}', '\0']), "{path}");
        }
        let read: Value = serde_saphyr::from_str(&yaml).unwrap_or_else(|e| panic!("{evil:?}: {e}\n{yaml}"));
        assert!(!yaml.contains("${HOME}"), "{yaml}");
        assert_eq!(read.as_object().unwrap().keys().collect::<Vec<_>>(), ["client", "resources"]);
        let toml = &files.files["Cargo.toml"].text;
        assert_eq!(
            toml.lines().filter(|l| l.starts_with('[')).collect::<Vec<_>>(),
            ["[package]", "[dependencies]", "[dev-dependencies]", "[workspace]"],
            "{toml}"
        );
        for name in [".floe/config.toml", ".floe/secrets.toml"] {
            let text = &files.files[name].text;
            assert_eq!(text.lines().filter(|l| l.starts_with('[')).count(), 1, "{text}");
            assert!(
                text.lines().all(|l| l.is_empty() || l.starts_with(['#', '[']) || l.ends_with(" = \"\"")),
                "{text}"
            );
        }
    }
}

#[test]
fn output_is_the_same_each_time() {
    for evil in HOSTILE {
        assert_eq!(generate(&document(evil)), generate(&document(evil)));
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
