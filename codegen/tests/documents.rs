//! Documents of all kinds: what is understood of them, and that nothing stops the reader.

// helpers of tests fail like tests
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use floe_codegen::{Api, Document, Limits, Options, Overlay, connector, declarative, inspect};
use serde_json::{Value, json};

fn api(document: Value) -> Api {
    read(&document.to_string())
}

fn read(text: &str) -> Api {
    inspect(&Document::from_bytes("api.json", text.as_bytes(), &Limits::default()).unwrap()).unwrap()
}

/// A document with one list, whose parts may be given.
fn with(path: &str, get: Value, schema: Value) -> Api {
    let mut get = get;
    get["responses"] =
        json!({"200": {"description": "ok", "content": {"application/json": {"schema": schema}}}});
    api(json!({"openapi": "3.0.0", "info": {"title": "Test", "version": "1"}, "paths": {path: {"get": get}}}))
}

fn query(names: &[&str]) -> Value {
    json!({"parameters": names.iter().map(|n| json!({"name": n, "in": "query", "schema": {"type": "integer"}})).collect::<Vec<_>>()})
}

fn rows() -> Value {
    json!({"type": "array", "items": {"type": "object", "properties": {"id": {"type": "integer"}, "updated_at": {"type": "string", "format": "date-time"}}}})
}

fn object(properties: Value) -> Value {
    json!({"type": "object", "properties": properties})
}

#[test]
fn rows_are_found_in_envelopes() {
    let cases = [
        ("/pets", rows(), "$", true),
        ("/pets", object(json!({"data": rows(), "total": {"type": "integer"}})), "data", true),
        (
            "/pets",
            object(json!({"errors": {"type": "array", "items": {"type": "object"}}, "pets": rows()})),
            "pets",
            true,
        ),
        (
            "/pets",
            object(json!({"response": object(json!({"docs": rows(), "numFound": {"type": "integer"}}))})),
            "response.docs",
            true,
        ),
        (
            "/orders",
            object(json!({"_embedded": object(json!({"orders": rows()}))})),
            "_embedded.orders",
            true,
        ),
        (
            "/pets/{id}",
            object(json!({"id": {"type": "integer"}, "name": {"type": "string"}, "tags": rows()})),
            "$",
            false,
        ),
        ("/pets/{id}", object(json!({"pet": object(json!({"id": {"type": "integer"}}))})), "pet", false),
        ("/odata", object(json!({"@odata.context": {"type": "string"}, "value": rows()})), "value", true),
    ];
    for (path, schema, data_path, is_list) in cases {
        let api = with(path, json!({}), schema);
        assert_eq!(
            (api.resources[0].data_path.as_str(), api.resources[0].is_list),
            (data_path, is_list),
            "{path}"
        );
    }
}

#[test]
fn pages_follow_each_other_in_seven_ways() {
    let text = || json!({"type": "string"});
    let cases = [
        (query(&["page", "per_page"]), rows(), "page_number"),
        (
            query(&["offset", "limit"]),
            object(json!({"items": rows(), "total": {"type": "integer"}})),
            "offset",
        ),
        (query(&["$top", "$skip"]), object(json!({"value": rows(), "@odata.nextLink": text()})), "json_link"),
        (
            query(&["limit"]),
            object(
                json!({"data": rows(), "_links": object(json!({"next": object(json!({"href": text()}))}))}),
            ),
            "json_link",
        ),
        (query(&["pageToken"]), object(json!({"items": rows(), "nextPageToken": text()})), "cursor"),
        (
            query(&["starting_after", "limit"]),
            object(json!({"data": rows(), "has_more": {"type": "boolean"}})),
            "cursor",
        ),
        (query(&["q"]), rows(), "single_page"),
    ];
    for (get, schema, kind) in cases {
        let api = with("/things", get, schema);
        assert_eq!(api.resources[0].paginator.as_ref().unwrap().kind, kind, "{}", api.to_json());
    }
    let stripe = with(
        "/charges",
        query(&["starting_after"]),
        object(json!({"data": rows(), "has_more": {"type": "boolean"}})),
    );
    assert_eq!(stripe.resources[0].paginator.as_ref().unwrap().paths["cursor_path"], "data[-1].id");
    let odata = with("/users", query(&["$top"]), object(json!({"value": rows(), "@odata.nextLink": text()})));
    assert_eq!(odata.resources[0].paginator.as_ref().unwrap().paths["next_url_path"], "['@odata.nextLink']");
}

#[test]
fn link_and_cursor_headers_are_pages_too() {
    let document = |header: &str, param: &str| {
        api(json!({"openapi": "3.1.0", "paths": {"/a": {"get": {
            "parameters": [{"name": param, "in": "query", "schema": {"type": "string"}}],
            "responses": {"200": {"headers": {header: {"schema": {"type": "string"}}}, "content": {"application/json": {"schema": rows()}}}}
        }}}}))
    };
    assert_eq!(document("Link", "x").resources[0].paginator.as_ref().unwrap().kind, "header_link");
    let found = document("X-Next-Cursor", "cursor");
    let paginator = found.resources[0].paginator.as_ref().unwrap();
    assert_eq!(
        (paginator.kind, paginator.params["cursor_key"].as_str()),
        ("header_cursor", Some("x-next-cursor"))
    );
}

#[test]
fn newer_rows_are_asked_for_by_times_only() {
    let since = |name: &str, schema: Value, description: &str| {
        let get = json!({"parameters": [{"name": name, "in": "query", "description": description, "schema": schema}]});
        with("/issues", get, rows()).resources[0].incremental.clone()
    };
    let found = since("updated_after", json!({"type": "string", "format": "date-time"}), "").unwrap();
    assert_eq!(
        (found.cursor_path.as_str(), found.start_param.as_str(), found.format),
        ("updated_at", "updated_after", "iso")
    );
    assert_eq!(
        since("since", json!({"type": "string"}), "Only those updated after this time, ISO 8601")
            .unwrap()
            .format,
        "iso"
    );
    assert_eq!(
        since("modifiedSince", json!({"type": "integer"}), "Unix time in milliseconds").unwrap().format,
        "unix_ms"
    );
    assert_eq!(since("since", json!({"type": "integer"}), "A user ID. Only users with a greater ID"), None);
    assert_eq!(since("status", json!({"type": "string"}), ""), None);
    let created = json!({"anyOf": [{"type": "object", "properties": {"gte": {"type": "integer"}, "lte": {"type": "integer"}}}, {"type": "integer"}]});
    let rows = json!({"type": "array", "items": object(json!({"id": {"type": "string"}, "created": {"type": "integer"}}))});
    let get =
        json!({"parameters": [{"name": "created", "in": "query", "style": "deepObject", "schema": created}]});
    let found = with("/charges", get, rows).resources[0].incremental.clone().unwrap();
    assert_eq!(
        (found.start_param.as_str(), found.end_param.as_deref(), found.format),
        ("created[gte]", Some("created[lte]"), "unix")
    );
}

#[test]
fn children_know_their_parents_and_grandparents() {
    let list =
        || json!({"get": {"responses": {"200": {"content": {"application/json": {"schema": rows()}}}}}});
    let api = api(json!({"openapi": "3.0.0", "paths": {
        "/orgs": list(), "/orgs/{org_id}/teams": list(), "/orgs/{org_id}/teams/{team_id}/members": list(), "/{a}/{b}": list(),
    }}));
    let parent = |path: &str| api.resources.iter().find(|r| r.path == path).unwrap().parent.clone();
    assert_eq!(parent("/orgs/{org_id}/teams").unwrap().bindings["org_id"], "id");
    let members = parent("/orgs/{org_id}/teams/{team_id}/members").unwrap();
    assert_eq!(
        (
            members.resource.as_str(),
            members.bindings["team_id"].as_str(),
            members.bindings["org_id"].as_str()
        ),
        ("teams", "id", "_orgs_id")
    );
    let teams = api.resources.iter().find(|r| r.name == "teams").unwrap();
    assert_eq!(teams.include_from_parent, ["id"]);
    assert_eq!(parent("/{a}/{b}"), None);
}

#[test]
fn swagger_2_is_read_like_the_others() {
    let api = read(
        r##"{"swagger": "2.0", "info": {"title": "Old", "version": "1"}, "host": "api.example.com", "basePath": "/v1", "schemes": ["http", "https"],
        "produces": ["application/json"],
        "securityDefinitions": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}, "login": {"type": "oauth2", "flow": "application", "tokenUrl": "https://t"}},
        "security": [{"key": []}],
        "paths": {"/pets": {"get": {"parameters": [{"$ref": "#/parameters/page"}], "responses": {"200": {"description": "", "schema": {"type": "array", "items": {"$ref": "#/definitions/Pet"}}}}}},
                  "/logo": {"get": {"produces": ["image/png"], "responses": {"200": {"schema": {"type": "file"}}}}}},
        "parameters": {"page": {"name": "page", "in": "query", "type": "integer", "default": 1}},
        "definitions": {"Pet": {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}, "tags": {"type": "array", "items": {"$ref": "#/definitions/Pet"}}, "note": {"type": "string", "x-nullable": true}}}}}"##,
    );
    assert_eq!(api.base_url, "https://api.example.com/v1");
    assert_eq!(
        api.auth.iter().map(|a| a.type_name()).collect::<Vec<_>>(),
        ["api_key", "oauth2_client_credentials"]
    );
    assert_eq!(api.resources.len(), 1);
    assert_eq!(api.resources[0].paginator.as_ref().unwrap().kind, "page_number");
    assert_eq!(api.records[0].name, "Pet");
    assert_eq!(api.skipped[0].reason, "answers with image/png, which is not JSON");
}

#[test]
fn compositions_are_merged() {
    let api = api(
        json!({"openapi": "3.1.0", "paths": {"/a": {"get": {"responses": {"200": {"content": {"application/json": {"schema": {"type": "array", "items": {
        "allOf": [{"$ref": "#/components/schemas/Base"}, {"properties": {"extra": {"type": ["string", "null"]}}}],
        "properties": {
            "either": {"oneOf": [{"type": "object", "properties": {"a": {"type": "string"}}}, {"type": "object", "properties": {"b": {"type": "integer"}}}]},
            "maybe": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
            "mixed": {"oneOf": [{"type": "string"}, {"type": "object", "properties": {"x": {"type": "string"}}}]},
            "number": {"oneOf": [{"type": "integer"}, {"type": "number"}]},
            "either_scalar": {"oneOf": [{"type": "integer"}, {"type": "string", "format": "date"}]},
            "some": {"enum": [1, "auto", null]},
            "any": true, "map": {"type": "object", "additionalProperties": {"type": "string"}},
            "dangling": {"$ref": "#/components/schemas/Nowhere"},
        },
    }}}}}}}}}, "components": {"schemas": {"Base": {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}, "self": {"$ref": "#/components/schemas/Base"}}}}}}),
    );
    let columns: Vec<String> = api
        .columns(&api.resources[0])
        .iter()
        .map(|c| format!("{} {}{}", c.name, c.data_type, if c.nullable { "" } else { "!" }))
        .collect();
    assert_eq!(
        columns,
        [
            "either__a text",
            "either__b bigint",
            "maybe date",
            "mixed json",
            "number double",
            "either_scalar text",
            "some text",
            "any json",
            "map json",
            "dangling json",
            "id bigint!",
            "self__id bigint",
            "self__self json",
            "extra text",
        ]
    );
}

#[test]
fn json_schema_gives_tables() {
    let api = api(json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": {
        "order": {"type": "object", "properties": {"order_id": {"type": "integer"}, "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}}}},
        "line": {"type": "object", "properties": {"sku": {"type": "string"}}},
    }}));
    let names: Vec<&str> = api.resources.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["order", "line"]);
    assert_eq!(api.resources[0].primary_key, ["order_id"]);
}

#[test]
fn files_refer_to_each_other_within_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join("api").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    std::fs::write(
        folder.path().join("secret.yaml"),
        "Pet: {type: object, properties: {leaked: {type: string}}}",
    )
    .unwrap();
    write(
        "openapi.yaml",
        "openapi: 3.0.0\npaths:\n  /pets: {$ref: 'paths/pets.yaml'}\n  /evil: {get: {responses: {200: {content: {application/json: {schema: {$ref: '../secret.yaml#/Pet'}}}}}}}\n",
    );
    write(
        "paths/pets.yaml",
        "get:\n  responses:\n    200:\n      content:\n        application/json:\n          schema: {type: array, items: {$ref: '../schemas.json#/Pet'}}\n",
    );
    write(
        "schemas.json",
        r#"{"Pet": {"type": "object", "properties": {"id": {"type": "integer"}, "kin": {"$ref": "schemas.json#/Pet"}}}}"#,
    );
    let api = inspect(&Document::from_path(&folder.path().join("api"), &Limits::default()).unwrap()).unwrap();
    let names: Vec<String> = api.columns(&api.resources[0]).into_iter().map(|c| c.name).collect();
    assert_eq!(names, ["id", "kin"]);
    assert!(!api.to_json().to_string().contains("leaked"));
    assert!(
        api.findings.iter().any(|f| f.message.contains("`../secret.yaml` was not read")),
        "{:?}",
        api.findings
    );
}

#[test]
fn what_is_no_document_is_refused_with_a_way_out() {
    let refuse = |text: &str| match Document::from_bytes("x.yaml", text.as_bytes(), &Limits::default()) {
        Ok(document) => inspect(&document).unwrap_err().to_string(),
        Err(error) => error.to_string(),
    };
    assert!(refuse("hello: world").starts_with("the document is neither OpenAPI nor JSON Schema\nhelp: "));
    assert!(refuse("[1, 2]").starts_with("x.yaml: the document is not an object\nhelp: "));
    assert!(refuse("{}").starts_with("x.yaml: the document is empty"));
    assert!(refuse("{\"a\": ").contains("x.yaml:1:"));
}

#[test]
fn wrong_types_anywhere_cost_only_what_they_are_about() {
    for odd in [json!(null), json!(1), json!("x"), json!([]), json!([1]), json!({}), json!(true)] {
        let api = api(
            json!({"openapi": odd, "info": odd, "servers": odd, "components": odd, "security": odd, "tags": odd, "paths": {
                "/odd": odd, "/get": {"get": odd}, "/params": {"parameters": odd, "get": {"parameters": odd, "responses": odd, "tags": odd, "security": odd}},
                "/schema": {"get": {"responses": {"200": {"content": {"application/json": {"schema": odd}}}}}},
                "/parts": {"get": {"responses": {"200": {"content": {"application/json": {"schema": {"type": odd, "allOf": odd, "oneOf": odd, "properties": odd, "items": odd, "required": odd, "enum": odd, "format": odd}}}}}}},
                "/good": {"get": {"responses": {"200": {"content": {"application/json": {"schema": rows()}}}}}},
            }}),
        );
        let good = api.resources.iter().find(|r| r.path == "/good").unwrap();
        assert_eq!(good.primary_key, ["id"]);
        connector(&api, &Options::default()).unwrap();
    }
}

#[test]
fn overlays_correct_decisions() {
    let mut found = with("/pets", query(&["page"]), rows());
    let overlay = Overlay::read(
        "o.yaml",
        b"resources:\n  pets: {name: animals, primary_key: [id, updated_at], paginator: {type: cursor, cursor_path: next, cursor_param: after}}\n",
    );
    overlay.unwrap().apply(&mut found).unwrap();
    assert_eq!((found.resources[0].name.as_str(), found.resources[0].primary_key.len()), ("animals", 2));
    assert!(declarative(&found).contains("cursor_path: next"));
    let error = Overlay::read("o.yaml", b"resources: {pets: {tabel: x}}").unwrap_err().to_string();
    assert!(
        error.starts_with("o.yaml: resources.pets: `tabel` cannot be corrected\nhelp: there are name, table"),
        "{error}"
    );
    let error = Overlay::read("o.yaml", b"resources: {dogs: {skip: true}}")
        .unwrap()
        .apply(&mut found)
        .unwrap_err()
        .to_string();
    assert!(error.contains("there is no resource `dogs`"), "{error}");
}

#[test]
fn what_documents_leave_out_is_concluded() {
    // answers that count pages, without a parameter for them
    let meta = object(json!({"page": {"type": "integer"}, "last_page": {"type": "integer"}}));
    let counted = with(
        "/servers",
        json!({}),
        object(json!({"servers": rows(), "meta": object(json!({"pagination": meta}))})),
    );
    let paginator = counted.resources[0].paginator.clone().unwrap();
    assert_eq!((paginator.kind, paginator.params["page_param"].as_str()), ("page_number", Some("page")));
    assert_eq!(paginator.paths["total_path"], "meta.pagination.last_page");
    // no schema, and a plural
    let undescribed = with("/boards/{id}/cards", json!({}), json!({}));
    assert!(undescribed.resources[0].is_list);
    assert!(!with("/account/settings", json!({}), json!({})).resources[0].is_list);
    // a key inside of what the rows wrap, also as a cursor
    let wrapped =
        object(json!({"data": object(json!({"id": {"type": "string"}})), "uri": {"type": "string"}}));
    let students = with(
        "/students",
        query(&["limit", "starting_after"]),
        object(json!({"data": {"type": "array", "items": wrapped}})),
    );
    assert_eq!(students.resources[0].primary_key, ["data__id"]);
    assert_eq!(students.resources[0].paginator.clone().unwrap().paths["cursor_path"], "data[-1].data.id");
    // the newest rows first
    let statuses = with("/timeline", query(&["limit", "max_id", "since_id"]), rows());
    assert_eq!(statuses.resources[0].paginator.clone().unwrap().params["cursor_param"], "max_id");
    // lists as plain text
    let text = api(
        json!({"openapi": "3.0.0", "paths": {"/cards": {"get": {"responses": {"200": {"content": {"text/plain": {"schema": rows()}}}}}}}}),
    );
    assert_eq!((text.resources.len(), text.skipped.len()), (1, 0));
}

#[test]
fn parameters_of_pages_go_together() {
    let paginator =
        |names: &[&str]| with("/pets", query(names), rows()).resources[0].paginator.clone().unwrap();
    let rows_and_pages = paginator(&["page", "page_size", "limit", "offset"]);
    assert_eq!(
        (rows_and_pages.kind, rows_and_pages.params["limit_param"].as_str()),
        ("offset", Some("limit"))
    );
    assert_eq!(paginator(&["page", "per_page", "offset"]).kind, "page_number");
    // with `end` beside it, `start` is a time
    assert_eq!(paginator(&["start", "end", "limit", "page"]).kind, "page_number");
    assert_eq!(paginator(&["start", "limit"]).kind, "offset");
}

#[test]
fn keys_belong_to_the_rows() {
    let one = |description: &str, ty: Value| {
        let mut field = ty;
        field["description"] = description.into();
        field
    };
    let committee = one("Unique identifier assigned to each committee", json!({"type": "string"}));
    let list = |item: Value| json!({"200": {"content": {"application/json": {"schema": {"type": "array", "items": item}}}}});
    let found = api(json!({"openapi": "3.0.0", "paths": {
        "/committees": {"get": {"responses": list(object(json!({"committee_id": committee.clone()})))}},
        "/totals/by_size": {"get": {"responses": list(object(json!({"committee_id": committee, "size": {"type": "integer"}})))}},
        "/months": {"get": {"responses": list(object(json!({"month": {"type": "string", "format": "date"}})))}},
        "/months/{month}": {"get": {"responses": {"200": {"content": {"application/json": {"schema": object(json!({"month": {"type": "string", "format": "date"}}))}}}}}},
    }}));
    let keys: Vec<&[String]> = found.resources.iter().map(|r| r.primary_key.as_slice()).collect();
    assert_eq!(keys[0], ["committee_id"]);
    assert!(keys[1].is_empty());
    assert_eq!((keys[2], keys[3]), (&["month".to_owned()][..], &["month".to_owned()][..]));
}

#[test]
fn logins_that_are_told_in_words_or_never_asked_for() {
    let get = json!({"get": {"responses": {"200": {"content": {"application/json": {"schema": rows()}}}}}});
    let described = api(
        json!({"openapi": "3.0.0", "info": {"title": "T", "description": "Send `Authorization: Bearer KEY`."}, "paths": {"/pets": get}}),
    );
    assert_eq!(
        (described.auth[0].type_name(), described.resources[0].auth.as_slice()),
        ("bearer", &["bearer".to_owned()][..])
    );
    let declared = api(json!({"openapi": "3.0.0", "paths": {"/pets": get},
        "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}}}}));
    assert_eq!(declared.resources[0].auth, ["key"]);
}
