//! Each recorded case ends in the dataset that dlt left.

use floe_tests::conformance::{Case, categories, resources};
use serde_json::Value as Json;

/// What the binary cannot do yet. Nothing else keeps a case out, and this has to go.
fn needs_more_than_append(case: &Case) -> bool {
    let disposition = |resource: &&Json| {
        let given = &resource["resource"]["write_disposition"];
        let kind = given.as_str().or(given["disposition"].as_str());
        kind.is_some_and(|kind| kind != "append")
    };
    let runs = case.case["runs"].as_array().unwrap();
    runs.iter()
        .any(|run| !run["refresh"].is_null() || resources(run).iter().any(disposition))
}

fn check(category: &str) {
    let (later, now): (Vec<Case>, Vec<Case>) = Case::of_category(category)
        .into_iter()
        .partition(needs_more_than_append);
    let mut failures = Vec::new();
    for case in &now {
        let report = case.check();
        for note in report.notes {
            println!("note: {}: {note}", case.name());
        }
        if !report.errors.is_empty() {
            failures.push(format!(
                "{}:\n  {}",
                case.name(),
                report.errors.join("\n  ")
            ));
        }
    }
    println!("{category}: {} cases, {} left out", now.len(), later.len());
    assert!(
        failures.is_empty(),
        "{} of {} cases fail\n{}",
        failures.len(),
        now.len(),
        failures.join("\n")
    );
}

macro_rules! categories {
    ($($name:ident)*) => {
        const TESTED: &[&str] = &[$(stringify!($name)),*];
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

#[test]
fn each_category_is_tested() {
    assert_eq!(categories(), TESTED);
}
