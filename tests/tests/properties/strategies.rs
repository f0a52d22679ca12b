//! Data to try.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

/// Keys that are hard to turn into names, some of which become the same name.
fn keys() -> impl Strategy<Value = String> {
    let odd = [
        "",
        " ",
        "_",
        "__",
        "a",
        "A",
        "aB",
        "a_b",
        "a__b",
        "ab ",
        "ä",
        "日本",
        "🦀",
        "1",
        "0a",
        "a.b",
        "a/b",
        "a\"b",
        "\\",
        "\n",
        "\u{0}",
        "_dlt_id",
        "_dlt_load_id",
        "_dlt_parent_id",
        "_dlt_list_idx",
        "value",
        "list",
        "select",
        "v_text",
        "a__v_text",
    ];
    prop_oneof![4 => select(odd.to_vec()).prop_map(str::to_owned), 1 => ".{0,12}", 1 => Just("long".repeat(100))]
}

/// JSON text of values that are no containers.
fn scalars() -> impl Strategy<Value = String> {
    let odd = [
        "null",
        "true",
        "false",
        "0",
        "-0",
        "-0.0",
        "1e400",
        "-1E-400",
        "1e16",
        "0.1",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775809",
        "18446744073709551615",
        "18446744073709551616",
        "1e-7",
        "\"\"",
        "\"2024-02-30T00:00:00Z\"",
        "\"2024-01-01\"",
        "\"2024-01-01T00:00:00+25:00\"",
        "\"0001-01-01T00:00:00Z\"",
        "\"9999-12-31T23:59:59.999999999Z\"",
        "\"\\u0000\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "\"\u{f027}2024\"",
        "\"nan\"",
        "\"1.5\"",
        "\"true\"",
    ];
    prop_oneof![
        4 => select(odd.to_vec()).prop_map(str::to_owned),
        1 => any::<i64>().prop_map(|n| n.to_string()),
        1 => any::<f64>().prop_filter("JSON has finite numbers", |f| f.is_finite()).prop_map(|f| json!(f).to_string()),
        1 => "-?[1-9][0-9]{0,50}(\\.[0-9]{1,40})?",
        1 => ".*".prop_map(|text| json!(text).to_string()),
    ]
}

/// JSON text of any value.
pub(crate) fn values() -> impl Strategy<Value = String> {
    scalars().prop_recursive(5, 40, 6, |inner| {
        let entry = (keys(), inner.clone()).prop_map(|(key, value)| format!("{}:{value}", json!(key)));
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec(entry, 0..6).prop_map(|entries| format!("{{{}}}", entries.join(","))),
        ]
    })
}

/// Values that floe takes, in objects of which several have the same keys.
pub(crate) fn tame_items() -> impl Strategy<Value = Vec<String>> {
    let scalar = select(vec![
        "null",
        "1",
        "-7",
        "2.5",
        "true",
        "\"x\"",
        "\"2024-01-01T00:00:00Z\"",
        "\"12\"",
        "\"é\"",
    ]);
    let value = scalar.prop_map(str::to_owned).prop_recursive(3, 12, 3, |inner| {
        let entry =
            (select(vec!["a", "b", "C", "d e"]), inner.clone()).prop_map(|(k, v)| format!("\"{k}\":{v}"));
        prop_oneof![
            prop::collection::vec(inner, 0..3).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec(entry, 0..3).prop_map(|entries| format!("{{{}}}", entries.join(","))),
        ]
    });
    let item = prop::collection::vec((select(vec!["a", "b", "c", "A b"]), value), 0..5).prop_map(|entries| {
        let entries: Vec<String> =
            entries.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
        format!("{{{}}}", entries.join(","))
    });
    prop::collection::vec(item, 1..40)
}

/// A value of each type.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) int: i64,
    pub(crate) wide: i128,
    /// Digits that a decimal with 9 of them behind the point holds.
    pub(crate) decimal: (i64, u32),
    pub(crate) float: f64,
    pub(crate) text: String,
    pub(crate) bool: bool,
    pub(crate) micros: i64,
    pub(crate) list: Vec<String>,
}

pub(crate) fn rows() -> impl Strategy<Value = Row> {
    let edges = vec![i64::MIN, -1, 0, 1, (1 << 53) + 1, i64::MAX];
    let wide_edges = vec![u64::MAX.into(), i128::from(i64::MAX) + 1, i64::MIN.into()];
    let year_1_to_9999 = -62_135_596_800_000_000i64..=253_402_300_799_999_999;
    (
        prop_oneof![any::<i64>(), select(edges)],
        prop_oneof![select(wide_edges), any::<u64>().prop_map(i128::from)],
        (any::<i64>(), 0..1_000_000_000u32),
        prop_oneof![
            prop::num::f64::ANY,
            select(vec![0.1, -0.0, 5e-324, f64::MAX, 1e16, 1e22, 123_456_789.123])
        ],
        prop_oneof![
            any::<String>(),
            select(vec!["", " ", "\0", "a\0b", "NaN", "null", "\u{10ffff}"]).prop_map(str::to_owned)
        ],
        any::<bool>(),
        year_1_to_9999,
        prop::collection::vec(any::<String>(), 0..4),
    )
        .prop_filter("JSON has finite numbers", |row| row.3.is_finite())
        .prop_map(|(int, wide, decimal, float, text, bool, micros, list)| {
            // so that no text looks like an instant
            let list = list.into_iter().map(|text| format!("x{text}")).collect();
            Row { int, wide, decimal, float, text: format!("x{text}"), bool, micros, list }
        })
}
