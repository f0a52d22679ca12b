//! Values come back as they went in.

use serde_json::{Value as Json, json};

use crate::testing::bed::Bed;
use crate::testing::{Fixture, Outcome};

/// Loads values into a column and expects them back, as they are or as given.
fn come_back(fixture: &dyn Fixture, columns: &[(Json, Vec<(Json, Json)>)]) -> Outcome {
    let bed = Bed::new(fixture)?;
    for (n, (column, values)) in columns.iter().enumerate() {
        let table = format!("items_{n}");
        let items: Vec<Json> =
            values.iter().enumerate().map(|(id, (value, _))| json!({"id": id, "v": value})).collect();
        bed.run(&json!({"name": table, "columns": {"v": column}}), &items)?;
        let expected = values.iter().enumerate().map(|(id, (_, value))| json!([id, value])).collect();
        bed.has(&table, &["id", "v"], expected)?;
    }
    Ok(())
}

fn same(values: Vec<Json>) -> Vec<(Json, Json)> {
    values.into_iter().map(|value| (value.clone(), value)).collect()
}

pub(crate) fn integers(fixture: &dyn Fixture) -> Outcome {
    let of = |bits: i64, least: i64, most: i64| {
        (
            json!({"data_type": "bigint", "precision": bits}),
            same(vec![json!(least), json!(-1), json!(0), json!(most)]),
        )
    };
    let wide = "99999999999999999999999999999999999999";
    let negative = format!("-{wide}");
    let wei = same(vec![json!(wide), json!(negative), json!("0")]);
    come_back(
        fixture,
        &[
            (json!({"data_type": "bigint"}), same(vec![json!(i64::MIN), json!(0), json!(i64::MAX)])),
            of(16, i16::MIN.into(), i16::MAX.into()),
            of(32, i32::MIN.into(), i32::MAX.into()),
            of(64, i64::MIN, i64::MAX),
            (json!({"data_type": "wei"}), wei),
        ],
    )
}

pub(crate) fn decimals(fixture: &dyn Fixture) -> Outcome {
    let texts = |texts: &[&str]| same(texts.iter().map(|text| json!(text)).collect());
    let whole = [
        "99999999999999999999999999999.999999999",
        "-99999999999999999999999999999.999999999",
        "0.000000001",
        "-0.000000001",
        "0.000000000",
    ];
    let small = json!({"data_type": "decimal", "precision": 5, "scale": 2});
    come_back(
        fixture,
        &[
            (json!({"data_type": "decimal"}), texts(&whole)),
            (small, texts(&["999.99", "-999.99", "0.01", "0.00"])),
        ],
    )
}

pub(crate) fn floats(fixture: &dyn Fixture) -> Outcome {
    let values = [f64::MAX, f64::MIN, f64::MIN_POSITIVE, 5e-324, 0.1, 1e16, -2.5, 123_456_789.123];
    let values = values.iter().map(|value| json!(value)).collect();
    come_back(fixture, &[(json!({"data_type": "double"}), same(values))])
}

pub(crate) fn texts(fixture: &dyn Fixture) -> Outcome {
    let long = "é".repeat(100_000);
    let odd = [
        "",
        " ",
        "NULL",
        "null",
        "it's \"quoted\"",
        "back\\slash",
        "\\N",
        "line\nfeed\r\n\ttab",
        "日本\u{10ffff}🦀",
        "\u{1}",
        "; DROP TABLE items",
        &long,
    ];
    let values = odd.iter().map(|text| json!(text)).collect();
    come_back(fixture, &[(json!({"data_type": "text"}), same(values))])
}

pub(crate) fn times(fixture: &dyn Fixture) -> Outcome {
    let instants = [
        "0001-01-01T00:00:00.000000Z",
        "1969-12-31T23:59:59.999999Z",
        "2024-02-29T12:30:45.123456Z",
        "9999-12-31T23:59:59.999999Z",
    ];
    let clocks = instants.map(|text| text.trim_end_matches('Z'));
    let days = ["0001-01-01", "1969-12-31", "2024-02-29", "9999-12-31"];
    let hours = ["00:00:00.000000", "12:30:45.123456", "23:59:59.999999"];
    let texts = |texts: &[&str]| same(texts.iter().map(|text| json!(text)).collect());
    let zone = (json!("2024-01-01T01:00:00+02:00"), json!("2023-12-31T23:00:00.000000Z"));
    let mut zoned = texts(&instants);
    zoned.push(zone);
    come_back(
        fixture,
        &[
            (json!({"data_type": "timestamp"}), zoned),
            (json!({"data_type": "timestamp", "timezone": false}), texts(&clocks)),
            (json!({"data_type": "date"}), texts(&days)),
            (json!({"data_type": "time"}), texts(&hours)),
        ],
    )
}

pub(crate) fn other_types(fixture: &dyn Fixture) -> Outcome {
    let document = json!({"a": [1, null, {"b": "\u{e9}'\""}], "c": {}});
    come_back(
        fixture,
        &[
            (json!({"data_type": "bool"}), same(vec![json!(true), json!(false)])),
            (json!({"data_type": "json"}), same(vec![document, json!([])])),
            (
                json!({"data_type": "binary"}),
                vec![(json!("AP8="), json!("00ff")), (json!("YWJj"), json!("616263"))],
            ),
        ],
    )
}

pub(crate) fn nulls(fixture: &dyn Fixture) -> Outcome {
    let types = ["bigint", "wei", "decimal", "double", "text", "timestamp", "date", "time", "bool", "json"];
    let types = types.into_iter().chain(["binary"]);
    let columns: Vec<_> =
        types.map(|t| (json!({"data_type": t}), same(vec![Json::Null, Json::Null]))).collect();
    come_back(fixture, &columns)
}
