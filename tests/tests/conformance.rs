//! Each recorded case ends in the dataset that dlt left.

use floe_tests::conformance::{Case, categories};

fn check(category: &str) {
    let cases = Case::of_category(category);
    let mut failures = Vec::new();
    for case in &cases {
        let report = case.check();
        for note in report.notes {
            println!("note: {}: {note}", case.name());
        }
        if !report.errors.is_empty() {
            failures.push(format!("{}:\n  {}", case.name(), report.errors.join("\n  ")));
        }
    }
    assert!(failures.is_empty(), "{} of {} cases fail\n{}", failures.len(), cases.len(), failures.join("\n"));
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
