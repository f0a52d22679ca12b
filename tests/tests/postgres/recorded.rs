//! Each recorded case ends in the rows that dlt left in DuckDB.

use floe_tests::conformance::Case;
use floe_tests::postgres::Database;
use serde_json::Value as Json;

/// What Postgres cannot have as DuckDB has it: the case, and what is said of it. Each of the texts
/// begins a difference, and there is no other one.
const DIFFERENCES: &[(&str, &[&str])] = &[
    // names have at most 63 bytes
    ("naming__long_identifiers", &["table items", "unexpected table items", "schema.tables.items.columns."]),
    // jsonb has no NUL
    (
        "special__nul_character",
        &[
            r#"table items: row differs in _dlt_id, j: expected {"_dlt_id":"items#d3bc36","j":{"json":{"k":"x\u0000y"}}}, got {"_dlt_id":"items#61163d","j":{"json":{"k":"xy"}}}"#,
        ],
    ),
    // jsonb holds decimal numbers, which have no exponent and no negative zero
    (
        "special__unicode_in_json",
        &[
            r#"table items: row differs in _dlt_id, j: expected {"_dlt_id":"items#ececa0","j":{"json":{"c":"\u0001","n":[1.0,1e+16,5e-324,-0.0,123456789012345678],"q":"\"'\\","ü":"日本"}}}, got {"_dlt_id":"items#e5f556","j":{"json":{"c":"\u0001","n":[1.0,10000000000000000,5e-324,0.0,123456789012345678],"#,
        ],
    ),
    // seconds have six digits
    (
        "types__timestamp_precision",
        &[
            r#"run 1: unexpected failure (1): {"error":"other","step":"load","table":"items","column":"ns","entity":null,"mode":null,"schema":null,"expected_type":null,"found_type":null,"offending_rows":null,"message":"Postgres has no times with 9 digits, as column ns wants""#,
        ],
    ),
];

fn check(category: &str) {
    let mut failures = Vec::new();
    for mut case in Case::of_category(category) {
        let Some(database) = Database::new() else { return };
        adapt(&mut case.golden);
        let errors = case.check_on(&database).errors;
        let known =
            DIFFERENCES.iter().find(|(name, _)| *name == case.name()).map_or(&[][..], |(_, known)| known);
        let unexpected = errors.iter().any(|error| !known.iter().any(|text| error.starts_with(text)));
        let missing = known.iter().find(|text| !errors.iter().any(|error| error.starts_with(**text)));
        if unexpected || missing.is_some() {
            failures.push(format!("{}: {missing:?}\n  {}", case.name(), errors.join("\n  ")));
        }
    }
    assert!(failures.is_empty(), "{} cases fail\n{}", failures.len(), failures.join("\n"));
}

/// What a dataset says of its destination.
fn adapt(golden: &mut Json) {
    if let Some(state) = golden["dataset"]["state"].get_mut("content") {
        state["destination_type"] = "dlt.destinations.postgres".into();
    }
}

macro_rules! categories {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                check(stringify!($name));
            }
        )*
    };
}

categories! {
    append cdc contracts dynamic evolution incremental insert_only merge multi naming nesting nulls
    refresh replace restore scd2 settings special state types upsert
}
