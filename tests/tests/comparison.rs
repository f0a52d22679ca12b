//! A comparison that finds nothing proves nothing: damage to a dataset is found.

use duckdb::Connection;
use floe_tests::conformance::{Case, database};

/// What is done to the dataset, and what is said of it.
const DAMAGE: &[(&str, &str)] = &[
    ("UPDATE items SET id = 99 WHERE id = 1", "table items: row differs in _dlt_id, id"),
    ("UPDATE items__l SET x = NULL WHERE x = 1", "table items__l: row differs in x"),
    ("ALTER TABLE items__l DROP COLUMN x", "table items__l: column x is missing"),
    ("ALTER TABLE items ADD COLUMN y BIGINT", "unexpected table items: column y"),
    (
        "ALTER TABLE items ALTER id TYPE VARCHAR",
        "table items: column id: expected \"BIGINT NULL\", got \"VARCHAR NULL\"",
    ),
    ("ALTER TABLE items ALTER _dlt_id DROP NOT NULL", "table items: column _dlt_id: expected"),
    (
        "CREATE TABLE t AS FROM items; DROP TABLE items; \
         CREATE TABLE items (_dlt_id VARCHAR NOT NULL, _dlt_load_id VARCHAR NOT NULL, id BIGINT); \
         INSERT INTO items BY NAME FROM t; DROP TABLE t",
        "table items: order of columns",
    ),
    ("DROP TABLE items__l__m", "table items__l__m is missing"),
    ("CREATE TABLE more (x INTEGER)", "unexpected table more"),
    (
        "INSERT INTO items SELECT 4, _dlt_load_id, 'AAAAAAAAAAAAAA' FROM items WHERE id = 3",
        "table items (4 rows instead of 3): unexpected row: {\"_dlt_id\":\"items#",
    ),
    ("INSERT INTO items SELECT * FROM items WHERE id = 3", "table items (4 rows instead of 3)"),
    ("DELETE FROM items__l__m", "table items__l__m (0 rows instead of 1): row is missing"),
    // the same rows below other parents
    (
        "UPDATE items__l SET _dlt_parent_id = (SELECT _dlt_id FROM items WHERE id = 1) WHERE x = 2",
        "table items__l: row differs in _dlt_id, _dlt_parent_id",
    ),
    (
        "UPDATE items__l__m SET _dlt_parent_id = 'nobody'",
        "table items__l__m: row differs in _dlt_id, _dlt_parent_id",
    ),
    ("UPDATE items__l SET _dlt_list_idx = 1 WHERE x = 2", "table items__l: row differs in _dlt_id"),
    ("UPDATE items__l SET _dlt_id = 'random' WHERE x = 1", "table items__l: row differs in _dlt_id"),
    ("DELETE FROM _dlt_loads WHERE load_id = (SELECT max(load_id) FROM _dlt_loads)", "loads: expected 3"),
    ("INSERT INTO _dlt_loads FROM _dlt_loads LIMIT 1", "loads"),
    ("UPDATE _dlt_loads SET status = 1", "loads[0].status: expected 0, got 1"),
    ("UPDATE _dlt_loads SET schema_version_hash = 'x'", "loads[0].schema_hash_known: expected true"),
    ("UPDATE _dlt_version SET version_hash = 'x'", "versions[0].hash_verifies: expected true"),
    (
        "UPDATE _dlt_version SET \"schema\" = replace(\"schema\", '\"seen-data\"', '\"seen\"')",
        "schema.tables._dlt_pipeline_state: expected \"standard\"",
    ),
    ("DELETE FROM _dlt_version", "versions: expected 3 elements, got 0"),
    ("UPDATE _dlt_pipeline_state SET version_hash = 'x'", "state.rows[0].hash_verifies: expected true"),
    ("DELETE FROM _dlt_pipeline_state", "state: expected {"),
];

#[test]
fn damage_is_found() {
    let cases = Case::of_category("evolution");
    let case = cases.iter().find(|case| case.name() == "evolution__new_nested_table").unwrap();
    let place = tempfile::tempdir().unwrap();
    let windows = case.run_in(place.path(), &database(place.path())).unwrap();
    assert_eq!(case.compare_in(&database(place.path()), &windows).errors, [""; 0]);
    let whole = std::fs::read(database(place.path())).unwrap();
    for (sql, expected) in DAMAGE {
        std::fs::write(database(place.path()), &whole).unwrap();
        let connection = Connection::open(database(place.path())).unwrap();
        connection.execute_batch(&format!("USE conf_data; {sql}")).unwrap();
        drop(connection);
        let errors = case.compare_in(&database(place.path()), &windows).errors;
        assert!(errors.iter().any(|error| error.starts_with(expected)), "{sql}: {errors:#?}");
    }
}

#[test]
fn a_wrong_outcome_is_found() {
    let mut case = Case::of_category("append").remove(0);
    case.golden["runs"][0]["error"] = serde_json::json!({ "error": "contract" });
    let text = case.check().errors.join("\n");
    assert!(text.contains("but succeeded"), "{text}");
    let failing = |case: &Case| case.golden["runs"][0]["error"].is_object();
    let mut case = Case::of_category("contracts").into_iter().find(failing).unwrap();
    case.golden["runs"][0]["error"]["table"] = "other".into();
    let text = case.check().errors.join("\n");
    assert!(text.contains("error table: expected \"other\""), "{text}");
    case.golden["runs"][0]["error"] = serde_json::Value::Null;
    let text = case.check().errors.join("\n");
    assert!(text.contains("unexpected failure (1)"), "{text}");
}
