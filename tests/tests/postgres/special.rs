//! Merges into tables that are no ordinary ones.

use floe_tests::postgres::Database;

use crate::place::Place;

const RESOURCE: &str = r#"{"name": "users", "primary_key": "id", "write_disposition": STRATEGY}"#;

/// Merges two runs, between which somebody changes the tables. Returns names and notes.
fn merge(strategy: &str, between: &str, result: &str) -> Option<Vec<String>> {
    let database = Database::new()?;
    let place = Place::new(&database);
    let disposition = format!(r#"{{"disposition": "merge", "strategy": "{strategy}"}}"#);
    place.write("users.json", &RESOURCE.replace("STRATEGY", &disposition));
    let load = |items: &str| {
        place.write("users.jsonl", items);
        place.load(&["--resource", "users.json", "users.jsonl"]).success();
    };
    load(
        "{\"id\": 1, \"name\": \"a\", \"tags\": [\"x\"]}\n{\"id\": 2, \"name\": \"b\", \"tags\": [\"y\"]}\n",
    );
    database.query(between);
    load("{\"id\": 1, \"name\": \"A\", \"tags\": [\"z\"]}\n{\"id\": 3, \"name\": \"c\"}\n");
    Some(database.query(result).into_iter().flatten().flatten().collect())
}

const NAMES: &str = "SELECT concat(id, ' ', name) FROM raw.users ORDER BY id";
const TAGS: &str = "SELECT concat(u.id, ' ', t.value) FROM raw.users__tags AS t \
                    JOIN raw.users AS u ON u._dlt_id = t._dlt_root_id ORDER BY 1";

#[test]
fn rows_are_found_by_their_places() {
    for strategy in ["delete-insert", "upsert"] {
        let Some(names) = merge(strategy, "SELECT 1", NAMES) else { return };
        assert_eq!(names, ["1 A", "2 b", "3 c"]);
        assert_eq!(merge(strategy, "SELECT 1", TAGS).unwrap(), ["1 z", "2 y"]);
    }
}

#[test]
fn rows_that_others_refer_to_stay() {
    let refer = "ALTER TABLE raw.users ADD UNIQUE (id); \
                 CREATE TABLE raw.notes (user_id bigint REFERENCES raw.users (id) ON DELETE CASCADE, note text); \
                 INSERT INTO raw.notes VALUES (1, 'kept')";
    let Some(notes) = merge("upsert", refer, "SELECT note FROM raw.notes") else { return };
    assert_eq!(notes, ["kept"]);
    assert_eq!(merge("upsert", refer, NAMES).unwrap(), ["1 A", "2 b", "3 c"]);
}

#[test]
fn columns_that_only_the_database_has_keep_their_values() {
    let note = "ALTER TABLE raw.users ADD COLUMN note text; UPDATE raw.users SET note = 'kept'";
    let Some(notes) = merge("upsert", note, "SELECT concat(id, ' ', note) FROM raw.users ORDER BY id") else {
        return;
    };
    assert_eq!(notes, ["1 kept", "2 kept", "3 "]);
}

/// Rows of two partitions can have the same place.
#[test]
fn partitions_are_no_hindrance() {
    let partitions = "CREATE TABLE raw.parts (LIKE raw.users) PARTITION BY LIST (id); \
                      CREATE TABLE raw.one PARTITION OF raw.parts FOR VALUES IN (1); \
                      CREATE TABLE raw.others PARTITION OF raw.parts DEFAULT; \
                      INSERT INTO raw.parts SELECT * FROM raw.users; \
                      DROP TABLE raw.users; ALTER TABLE raw.parts RENAME TO users";
    for strategy in ["delete-insert", "upsert"] {
        let Some(names) = merge(strategy, partitions, NAMES) else { return };
        assert_eq!(names, ["1 A", "2 b", "3 c"], "{strategy}");
        assert_eq!(merge(strategy, partitions, TAGS).unwrap(), ["1 z", "2 y"], "{strategy}");
    }
}
