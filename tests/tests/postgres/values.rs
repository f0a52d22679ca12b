//! Values arrive as they are.

use floe_tests::postgres::Database;
use serde_json::json;

use crate::place::Place;

/// A type, what else is said of the column, and values with the texts that Postgres has for them.
type Case = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// A type with its hints, values as they come, and as Postgres prints them.
const VALUES: &[Case] = &[
    (
        "i",
        r#"{"data_type": "bigint"}"#,
        &[("9223372036854775807", "9223372036854775807"), ("-9223372036854775808", "-9223372036854775808")],
    ),
    ("i2", r#"{"data_type": "bigint", "precision": 16}"#, &[("32767", "32767"), ("-32768", "-32768")]),
    (
        "i4",
        r#"{"data_type": "bigint", "precision": 32}"#,
        &[("2147483647", "2147483647"), ("-2147483648", "-2147483648")],
    ),
    (
        "wide",
        r#"{"data_type": "bigint", "precision": 128}"#,
        &[
            ("\"99999999999999999999999999999999999999\"", "99999999999999999999999999999999999999"),
            ("\"-99999999999999999999999999999999999999\"", "-99999999999999999999999999999999999999"),
        ],
    ),
    (
        "f",
        r#"{"data_type": "double"}"#,
        &[("1.7976931348623157e308", "1.7976931348623157e+308"), ("5e-324", "5e-324"), ("0.1", "0.1")],
    ),
    (
        "n",
        r#"{"data_type": "decimal"}"#,
        &[
            ("\"99999999999999999999999999999.999999999\"", "99999999999999999999999999999.999999999"),
            ("\"-99999999999999999999999999999.999999999\"", "-99999999999999999999999999999.999999999"),
            ("\"0.000000001\"", "0.000000001"),
            ("\"10000.0001\"", "10000.000100000"),
            ("0", "0.000000000"),
        ],
    ),
    (
        "n5",
        r#"{"data_type": "decimal", "precision": 5, "scale": 2}"#,
        &[("\"999.99\"", "999.99"), ("\"-0.01\"", "-0.01")],
    ),
    (
        "w",
        r#"{"data_type": "wei"}"#,
        &[(
            "\"115792089237316195423570985008687907853269984665640564039457584007913129639935\"",
            "115792089237316195423570985008687907853269984665640564039457584007913129639935.\
             000000000000000000000000000000000000000000000000000000000000000000000000000000",
        )],
    ),
    (
        "at",
        r#"{"data_type": "timestamp"}"#,
        &[
            ("\"9999-12-31T23:59:59.999999Z\"", "9999-12-31 23:59:59.999999+00"),
            ("\"0001-01-01T00:00:00Z\"", "0001-01-01 00:00:00+00"),
            ("\"1999-12-31T23:59:59.999999+02:00\"", "1999-12-31 21:59:59.999999+00"),
        ],
    ),
    (
        "wall",
        r#"{"data_type": "timestamp", "timezone": false, "precision": 3}"#,
        &[("\"2024-02-29T12:00:00.1236\"", "2024-02-29 12:00:00.124")],
    ),
    (
        "d",
        r#"{"data_type": "date"}"#,
        &[
            ("\"0001-01-01\"", "0001-01-01"),
            ("\"9999-12-31\"", "9999-12-31"),
            ("\"2000-01-01\"", "2000-01-01"),
        ],
    ),
    (
        "t",
        r#"{"data_type": "time"}"#,
        &[("\"00:00:00\"", "00:00:00"), ("\"23:59:59.999999\"", "23:59:59.999999")],
    ),
    ("b", r#"{"data_type": "bool"}"#, &[("true", "t"), ("false", "f")]),
    ("x", r#"{"data_type": "binary"}"#, &[("\"AP/+\"", "\\x00fffe"), ("\"\"", "\\x")]),
    ("s", r#"{"data_type": "text"}"#, &[("\"\"", ""), ("\"ü \\ud83d\\ude00 \\\\ \\t\"", "ü 😀 \\ \t")]),
    ("s3", r#"{"data_type": "text", "precision": 3}"#, &[("\"äöü\"", "äöü")]),
    ("j", r#"{"data_type": "json"}"#, &[("{\"a\": [1, null]}", "{\"a\": [1, null]}"), ("[]", "[]")]),
];

#[test]
fn types_at_their_ends() {
    let Some(database) = Database::new() else { return };
    let place = Place::new(&database);
    let columns = VALUES.iter().map(|(name, hints, _)| {
        (name.to_string(), serde_json::from_str::<serde_json::Value>(hints).unwrap())
    });
    let columns: serde_json::Map<_, _> = columns.collect();
    place.write("items.json", &json!({"name": "items", "columns": columns}).to_string());
    let rows = VALUES.iter().map(|(.., values)| values.len()).max().unwrap();
    let mut lines = String::new();
    for row in 0..rows {
        let present = VALUES.iter().filter_map(|(name, _, values)| Some((name, values.get(row)?.0)));
        let fields: Vec<String> = present.map(|(name, value)| format!("\"{name}\": {value}")).collect();
        lines.push_str(&format!("{{\"row\": {row}, {}}}\n", fields.join(", ")));
    }
    place.write("items.jsonl", &lines);
    place.load(&["--resource", "items.json", "items.jsonl"]).success();
    for (name, _, values) in VALUES {
        let found =
            database.query(&format!("SET TimeZone = 'UTC'; SELECT {name} FROM raw.items ORDER BY \"row\""));
        let expected = (0..rows).map(|row| values.get(row).map(|(_, printed)| (*printed).to_owned()));
        assert_eq!(found.into_iter().flatten().collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let Some(database) = Database::new() else { return };
    for (hints, value, message) in [
        (r#"{"data_type": "bigint", "precision": 16}"#, "32768", "does not fit into the type of the column"),
        (
            r#"{"data_type": "text", "precision": 3}"#,
            "\"four\"",
            "value too long for type character varying(3)",
        ),
        (r#"{"data_type": "bigint", "precision": 200}"#, "1", "Postgres has no whole numbers of 200 bits"),
    ] {
        let place = Place::new(&database);
        let resource = format!(r#"{{"name": "items", "columns": {{"v": {hints}}}}}"#);
        place.write("items.json", &resource);
        place.write("items.jsonl", &format!("{{\"v\": {value}}}\n"));
        let outcome = place.load(&["--error-format", "json", "--resource", "items.json", "items.jsonl"]);
        let error = outcome.error().unwrap();
        assert_eq!((&error["table"], &error["column"]), (&"items".into(), &"v".into()), "{error}");
        assert!(error["message"].as_str().unwrap().contains(message), "{error}");
        assert!(database.dataset("raw").tables.is_empty(), "something of a failed load is there");
    }
}

#[test]
fn characters_that_postgres_has_not_fail_nothing() {
    let Some(database) = Database::new() else { return };
    let place = Place::new(&database);
    let resource =
        json!({"name": "items", "columns": {"j": {"data_type": "json"}, "t\0": {"data_type": "text"}}});
    place.write("items.json", &resource.to_string());
    place.write(
        "items.jsonl",
        "{\"id\": \"a\\u0000b\", \"j\": {\"k\\u0000\": [\"\\u0000x\", \"\\ud83d\\ude00\"]}, \"t\\u0000\": \"\\u0000\"}\n",
    );
    let outcome = place.load(&["--resource", "items.json", "items.jsonl"]).success();
    assert!(outcome.stdout.contains("items.j: 2 characters that Postgres cannot hold"), "{}", outcome.stdout);
    let rows = database.query("SELECT id, j FROM raw.items");
    assert_eq!(rows, [[Some("ab".to_owned()), Some(r#"{"k": ["x", "😀"]}"#.to_owned())]]);
}

#[test]
fn tables_keep_their_types() {
    let Some(database) = Database::new() else { return };
    let place = Place::new(&database);
    database.query(
        "CREATE SCHEMA raw; CREATE TABLE raw.items (n integer, t text, \"N\" boolean, j json, price numeric, \
         _dlt_load_id text NOT NULL, _dlt_id char(14) NOT NULL)",
    );
    place.write("items.json", r#"{"name": "items", "columns": {"j": {"data_type": "json"}}}"#);
    place.write("items.jsonl", "{\"n\": 7, \"t\": \"x\", \"j\": {\"b\": 1, \"a\": 2}, \"price\": 3}\n");
    place.load(&["--resource", "items.json", "items.jsonl"]).success();
    let rows = database.query("SELECT n, t, \"N\", j, price FROM raw.items");
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(rows, [[text("7"), text("x"), None, text(r#"{"b":1,"a":2}"#), text("3")]]);
}
