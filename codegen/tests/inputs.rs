//! Other ways in: samples, datasets, build scripts.

// helpers of tests fail like tests
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use floe_codegen::{Api, Generator, Limits, Options, dataset, sample, tables};
use proptest::prelude::*;
use serde_json::{Value, json};

fn columns(api: &Api) -> Vec<String> {
    let columns = api.columns(&api.resources[0]);
    let text = |c: floe_codegen::Column| {
        format!("{} {}{}", c.name, c.data_type.as_str(), if c.nullable { "" } else { " not null" })
    };
    columns.into_iter().map(text).collect()
}

#[test]
fn a_sample_tells_types_nulls_and_keys() {
    let items = [
        json!({"id": 1, "user": {"login": "ada", "age": 3}, "tags": ["a"], "at": "2024-05-01T10:00:00Z", "price": 1, "odd": 1, "any": {}}),
        json!({"id": 2, "user": {"login": "bob"}, "tags": [], "at": "2024-05-01T10:00:00.25+02:00", "price": 1.5, "odd": "x", "lines": [{"sku": "A"}]}),
    ];
    let text = items.map(|i| i.to_string()).join("\n");
    let api = sample("orders", text.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(
        columns(&api),
        [
            "id bigint not null",
            "user__login text not null",
            "user__age bigint",
            "at timestamp not null",
            "price double not null",
            "odd json not null",
            "any json",
        ]
    );
    assert_eq!(
        (api.resources[0].name.as_str(), api.resources[0].primary_key.as_slice()),
        ("orders", &["id".to_owned()][..])
    );
    let files = tables(&api, &Options::default()).unwrap();
    let code = &files.files["src/rows.rs"].text;
    assert!(
        code.contains("pub struct Order ")
            && code.contains("pub lines: Option<Vec<")
            && !code.contains("fn "),
        "{code}"
    );
    assert!(files.files["contracts/orders.contract"].text.contains("[orders__tags]"));
    assert!(!files.files.keys().any(|path| path.contains("source") || path.contains("main")));
    // the same from a list; an id that comes twice is no key
    let twice = sample("orders", b"[{\"id\": 1}, {\"id\": 1}]", &Limits::default()).unwrap();
    assert!(twice.resources[0].primary_key.is_empty());
}

#[test]
fn samples_that_tell_nothing_are_refused_with_a_way_out() {
    let limits = Limits { bytes: 10, ..Limits::default() };
    for (text, limits, expected) in [
        (
            "1 2 3",
            &Limits::default(),
            "orders: the sample holds no objects\nhelp: give one JSON object a line",
        ),
        ("{\"a\": 1}\n{\"a\" 2}", &Limits::default(), "orders:2:6: not valid JSON"),
        ("{\"a\": \"a long text\"}", &limits, "more than the limit of 10"),
    ] {
        let error = sample("orders", text.as_bytes(), limits).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_dataset_gives_its_tables_back() {
    let column = |name: &str, ty: &str| json!({"name": name, "data_type": ty, "nullable": name != "id", "primary_key": name == "id"});
    let table = |name: &str, parent: Option<&str>, columns: &[(&str, &str)]| {
        let columns: serde_json::Map<String, Value> =
            columns.iter().map(|(n, t)| ((*n).to_owned(), column(n, t))).collect();
        let mut table = json!({"name": name, "columns": columns});
        if let Some(parent) = parent {
            table["parent"] = parent.into();
        }
        table
    };
    let document = json!({"name": "shop", "version": 2, "engine_version": 11, "tables": {
        "orders": table("orders", None, &[("id", "bigint"), ("user__login", "text"), ("user__seen", "timestamp"), ("extra", "json"), ("total", "decimal"), ("_dlt_id", "text")]),
        "orders__tags": table("orders__tags", Some("orders"), &[("value", "text"), ("_dlt_id", "text")]),
        "orders__lines": table("orders__lines", Some("orders"), &[("sku", "text"), ("_dlt_parent_id", "text")]),
        "_dlt_loads": table("_dlt_loads", None, &[("load_id", "text")]),
    }});
    let api = dataset(&floe_schema::Schema::from_json(document).unwrap());
    assert_eq!(
        columns(&api),
        ["id bigint not null", "user__login text", "user__seen timestamp", "extra json"]
    );
    assert_eq!((api.resources.len(), api.resources[0].primary_key.as_slice()), (1, &["id".to_owned()][..]));
    assert_eq!(api.findings[0].message, "`orders.total` is left out");
    let files = tables(&api, &Options::default()).unwrap();
    let contract = &files.files["contracts/orders.contract"].text;
    assert!(
        contract.contains("[orders__tags]\nvalue  text") && contract.contains("[orders__lines]\nsku  text"),
        "{contract}"
    );
    assert!(files.files["src/rows.rs"].text.contains("pub tags: Vec<String>"));
}

const PETS: &str = r##"{"openapi": "3.0.0", "info": {"title": "Pets"}, "paths": {"/pets": {"get": {"responses": {"200": {"content": {"application/json": {
    "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Pet"}}}}}}}}},
    "components": {"schemas": {"Pet": {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}}}}"##;

#[test]
fn a_build_script_gets_one_module_and_contracts_that_stay() {
    let folder = tempfile::tempdir().unwrap();
    let spec = folder.path().join("pets.json");
    std::fs::write(&spec, PETS).unwrap();
    let generator = Generator::new(&spec);
    let module = generator.module().unwrap();
    syn::parse_file(&module).unwrap();
    assert!(module.contains("pub mod source {") && module.contains("use super::source::Pets;"), "{module}");
    assert!(module.contains("resources(super::pets::pets)") && !module.contains("crate::"), "{module}");
    assert!(!module.contains("#!["), "inner attributes cannot be included: {module}");

    // as a crate, and only a part of it
    let written = Generator::new(&spec).include("/pets").write(folder.path().join("crate")).unwrap();
    assert!(written.contains(&"src/lib.rs".to_owned()));
    let none = Generator::new(&spec).include("dogs").api().unwrap();
    assert!(none.resources.is_empty());
    let error = Generator::new(folder.path().join("missing.json")).module().unwrap_err().to_string();
    assert!(error.contains("missing.json: cannot be read"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sample_is_understood_or_refused(text in "([\\[\\]{}:,\"ab1e.]|null|\"a\":|\\{\"id\":1\\}){0,30}") {
        if let Ok(api) = sample("any", text.as_bytes(), &Limits::default()) {
            for (path, file) in tables(&api, &Options::default()).unwrap().files {
                prop_assert!(!path.ends_with(".rs") || syn::parse_file(&file.text).is_ok());
            }
        }
    }
}
