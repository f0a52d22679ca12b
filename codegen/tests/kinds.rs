//! Documents of kinds that collections of well-kept ones lack: Swagger 2.0, several files, names used twice.

// helpers of tests fail like tests
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashSet;
use std::path::Path;

use floe_codegen::{Api, Document, Limits, Options, connector, declarative, inspect};

/// Reads files that begin with a line `--- name`; the first one is the main one.
fn api(files: &str) -> Api {
    let folder = tempfile::tempdir().unwrap();
    let mut main = None;
    for file in files.split("--- ").filter(|f| !f.trim().is_empty()) {
        let (name, text) = file.split_once('\n').unwrap();
        let path = folder.path().join("spec").join(name.trim());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        main.get_or_insert(path);
    }
    std::fs::write(
        folder.path().join("secret.yaml"),
        "Row: {type: object, properties: {secret: {type: string}}}\n",
    )
    .unwrap();
    understood(&main.unwrap())
}

fn understood(path: &Path) -> Api {
    let api = inspect(&Document::from_path(path, &Limits::default()).unwrap()).unwrap();
    let files = connector(&api, &Options::default()).unwrap();
    for (path, file) in files.files.iter().filter(|(path, _)| path.ends_with(".rs")) {
        syn::parse_file(&file.text).unwrap_or_else(|e| panic!("{path}: {e}"));
    }
    assert!(declarative(&api).contains("resources"));
    api
}

/// Path, rows, key, pages, parent and columns of each resource.
fn lines(api: &Api) -> Vec<String> {
    let line = |r: &floe_codegen::Resource| {
        let columns: Vec<String> = api.columns(r).into_iter().map(|c| c.name).collect();
        format!(
            "{} {} [{}] {} {} ({})",
            r.path,
            r.data_path,
            r.primary_key.join(","),
            r.paginator.as_ref().map_or("-", |p| p.kind),
            r.parent.as_ref().map_or("-", |p| &p.resource),
            columns.join(" ")
        )
    };
    api.resources.iter().map(line).collect()
}

#[test]
fn swagger_with_definitions_parameters_and_keys() {
    let found = api(r##"--- swagger.yaml
swagger: "2.0"
info: {title: Bike hire, version: "3"}
host: bikes.example
basePath: /api/v3
schemes: [http, https]
produces: [application/json]
securityDefinitions:
  key: {type: apiKey, in: header, name: X-Key}
security: [{key: []}]
parameters:
  page: {name: page, in: query, type: integer, default: 1}
  size: {name: per_page, in: query, type: integer, maximum: 50}
paths:
  /stations:
    get:
      operationId: listStations
      parameters: [{$ref: "#/parameters/page"}, {$ref: "#/parameters/size"}]
      responses:
        200: {description: ok, schema: {type: array, items: {$ref: "#/definitions/Station"}}}
  /stations/{stationId}/bikes:
    get:
      parameters: [{name: stationId, in: path, required: true, type: integer}]
      responses:
        200: {description: ok, schema: {type: object, properties: {bikes: {type: array, items: {$ref: "#/definitions/Bike"}}, total: {type: integer}}}}
  /map.png:
    get: {produces: [image/png], responses: {200: {description: ok, schema: {type: file}}}}
definitions:
  Station: {type: object, required: [id], properties: {id: {type: integer, format: int64}, name: {type: string}, at: {$ref: "#/definitions/Point"}}}
  Point: {type: object, properties: {lat: {type: number}, lon: {type: number}}}
  Bike: {type: object, properties: {bike_id: {type: string, format: uuid}, electric: {type: boolean, x-nullable: true}}}
"##);
    assert_eq!(
        lines(&found),
        [
            "/stations $ [id] page_number - (id name at__lat at__lon)",
            "/stations/{stationId}/bikes bikes [bike_id] single_page stations (bike_id electric)",
        ]
    );
    assert_eq!(
        (found.base_url.as_str(), found.auth[0].type_name()),
        ("https://bikes.example/api/v3", "api_key")
    );
    assert_eq!(found.skipped.len(), 1);
}

#[test]
fn swagger_in_json_with_inheritance_and_files_beside_it() {
    let found = api(r##"--- swagger.json
{"swagger": "2.0", "info": {"title": "Zoo"}, "host": "zoo.example", "consumes": ["application/xml"],
 "paths": {"/animals": {"get": {"responses": {"default": {"description": "animals", "schema": {"$ref": "models/lists.json#/definitions/Animals"}}}}},
           "/keepers": {"$ref": "paths/keepers.json"}}}
--- models/lists.json
{"definitions": {"Animals": {"type": "array", "items": {"$ref": "animal.json"}}}}
--- models/animal.json
{"allOf": [{"$ref": "base.json#/definitions/Named"}, {"type": "object", "discriminator": "kind", "properties": {"kind": {"type": "string", "enum": ["cat", "dog"]}}}]}
--- models/base.json
{"definitions": {"Named": {"type": "object", "properties": {"uuid": {"type": "string"}, "mother": {"$ref": "animal.json"}}}}}
--- paths/keepers.json
{"get": {"responses": {"200": {"description": "ok", "schema": {"type": "array", "items": {"type": "object", "properties": {"keeperId": {"type": "integer"}}}}}}}}
"##);
    assert_eq!(
        lines(&found),
        [
            "/animals $ [uuid] single_page - (uuid mother kind)",
            "/keepers $ [keeperId] single_page - (keeper_id)"
        ]
    );
}

#[test]
fn operation_ids_that_come_twice_or_are_no_names() {
    let list = "{responses: {'200': {content: {application/json: {schema: {type: array, items: {type: object, properties: {id: {type: integer}}}}}}}}}";
    let mut text = String::from("--- a.yaml\nopenapi: 3.0.3\ninfo: {title: Twice}\npaths:\n");
    for (path, id) in [
        ("/a/items", "list"),
        ("/b/items", "list"),
        ("/c/items", "LIST"),
        ("/d/items", "1 list!"),
        ("/e/items", "fn"),
        ("/f/{x}/items", "''"),
        ("/f/{y}/items", "list"),
    ] {
        text.push_str(&format!(
            "  {path}:\n    get: {}\n",
            list.replacen('{', &format!("{{operationId: {id}, "), 1)
        ));
    }
    let found = api(&text);
    let names: HashSet<&String> = found.resources.iter().map(|r| &r.name).collect();
    assert_eq!((found.resources.len(), names.len()), (7, 7), "{names:?}");
}

#[test]
fn files_outside_of_the_folder_and_elsewhere_are_not_read() {
    let found = api(r##"--- main.yaml
openapi: 3.1.0
info: {title: Outside}
paths:
  /rows: {get: {responses: {"200": {content: {application/json: {schema: {type: array, items: {$ref: "../secret.yaml#/Row"}}}}}}}}
  /more: {get: {responses: {"200": {content: {application/json: {schema: {type: array, items: {$ref: "sub/../../secret.yaml#/Row"}}}}}}}}
  /far: {get: {responses: {"200": {content: {application/json: {schema: {type: array, items: {$ref: "https://example.com/row.json"}}}}}}}}
  /gone: {get: {responses: {"200": {content: {application/json: {schema: {type: array, items: {$ref: "gone.yaml#/Row"}}}}}}}}
  /wild: {get: {responses: {"200": {content: {application/json: {schema: {type: array, items: {$ref: "sub/%2e%2e/%2e%2e/secret.yaml#/Row"}}}}}}}}
"##);
    assert_eq!(found.resources.len(), 5);
    assert!(found.resources.iter().all(|r| found.columns(r).is_empty()), "{:?}", lines(&found));
    assert_eq!(found.findings.iter().filter(|f| f.subject == "reference").count(), 5, "{:?}", found.findings);
}

#[test]
fn files_that_refer_to_each_other_in_circles() {
    let found = api(r##"--- openapi.yaml
openapi: 3.0.0
info: {title: Circles}
paths:
  /nodes: {get: {responses: {"200": {$ref: "responses.yaml#/nodes"}}}}
  /self: {$ref: "openapi.yaml#/paths/~1self"}
--- responses.yaml
nodes: {content: {application/json: {schema: {$ref: "schemas/node.yaml"}}}}
--- schemas/node.yaml
type: object
properties:
  data: {type: array, items: {$ref: "#/definitions/Node"}}
  next_cursor: {type: string}
definitions:
  Node: {type: object, properties: {id: {type: string}, parent: {$ref: "#/definitions/Node"}, children: {type: array, items: {$ref: "../schemas/node.yaml#/definitions/Node"}}}}
"##);
    assert_eq!(lines(&found), ["/nodes data [id] single_page - (id parent)"]);
}

#[test]
fn one_wrong_thing_costs_only_itself() {
    // each line breaks one schema in another way; the others stay
    for broken in [
        "{$ref: '#/components/schemas/Missing'}",
        "{type: 7}",
        "[]",
        "'text'",
        "{enum: wrong}",
        "{type: object, properties: [a]}",
        "{allOf: {a: 1}}",
        "{oneOf: [1, null]}",
        "{$ref: 7}",
        "{type: [string, 'null', 3]}",
        "{type: string, default: {}, pattern: '('}",
        "false",
    ] {
        let found = api(&format!(
            "--- x.yaml\nopenapi: 3.1.0\ninfo: {{title: Broken}}\npaths:\n  /rows:\n    get:\n      responses:\n        200:\n          content: {{application/json: {{schema: {{type: array, items: {{type: object, properties: {{id: {{type: integer}}, odd: {broken}}}}}}}}}}}\n"
        ));
        assert_eq!(found.resources[0].primary_key, ["id"], "{broken}");
    }
}

#[test]
fn a_folder_with_one_document_of_an_unusual_name() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("shop-v2.yml"), "swagger: '2.0'\ninfo: {title: S}\npaths: {/a: {get: {responses: {200: {schema: {type: array, items: {type: string}}}}}}}\n").unwrap();
    assert_eq!(lines(&understood(folder.path())), ["/a $ [] single_page - (value)"]);
    std::fs::write(folder.path().join("other.yml"), "a: 1\n").unwrap();
    let error = Document::from_path(folder.path(), &Limits::default()).unwrap_err().to_string();
    assert!(
        error
            .contains("the folder has 2 documents and none of the usual names\nhelp: give the main document"),
        "{error}"
    );
}
