//! Names that could be mistaken for something else.

use serde_json::json;

use super::records::{record, schema_of, write};
use crate::testing::bed::{Bed, holds};
use crate::testing::{Fixture, Outcome};

/// Names of tables and columns that only a quoted name can be.
pub(crate) fn odd_names(fixture: &dyn Fixture) -> Outcome {
    let bed = Bed::new(fixture)?;
    let names = ["it's", "a \"b\"", "日本", "semi;colon", "percent%s", "dollar$1", "x.y", "Upper", " "];
    for (n, name) in names.into_iter().enumerate() {
        let (table, load_id) = (format!("t{n} {name}"), format!("{n}.5"));
        let schema = schema_of(&table, name);
        let mut dataset = bed.open()?;
        write(dataset.as_mut(), &schema, &load_id)?;
        dataset.commit(&record(&schema, &load_id))?;
        drop(dataset);
        bed.has(&table, &[name], json!([[7]]))?;
    }
    Ok(())
}

pub(crate) fn reserved_words(fixture: &dyn Fixture) -> Outcome {
    let bed = Bed::new(fixture)?;
    let words = ["select", "from", "order", "group", "table", "user", "values", "null", "s", "d", "staged"];
    for word in words {
        let resource = json!({
            "name": word,
            "primary_key": word,
            "write_disposition": {"disposition": "merge", "strategy": "upsert"},
        });
        for value in ["a", "b"] {
            bed.run(&resource, &[json!({word: 1, "where": value, "in": [value]})])?;
        }
        bed.has(word, &[word, "where"], json!([[1, "b"]]))?;
        bed.has(&format!("{word}__in"), &["value"], json!([["b"]]))?;
    }
    Ok(())
}

/// Names that are longer than the destination takes are shortened, and stay different.
pub(crate) fn long_names(fixture: &dyn Fixture) -> Outcome {
    let bed = Bed::new(fixture)?;
    let long = "very_long_name_".repeat(20);
    let (a, b) = (format!("{long}a"), format!("{long}b"));
    let resource = json!({"name": a, "primary_key": "id", "write_disposition": "merge"});
    for value in [1, 2] {
        let report = bed.run(&resource, &[json!({"id": 1, &a: value, &b: value + 1, "l": [{&b: value}]})])?;
        holds("both tables have a row", report.total_rows() == 2)?;
        let longest = fixture.destination().capabilities().max_identifier_length;
        let is_short = |name: &str| name.chars().count() <= longest;
        holds("names are as short as they must be", report.tables.iter().all(|t| is_short(&t.table)))?;
        for table in report.tables.iter().filter(|t| !t.table.starts_with("_dlt")) {
            let rows = fixture.rows(crate::testing::bed::DATASET, &table.table);
            holds("there is one row", rows.len() == 1)?;
            let values = rows.iter().flat_map(|row| row.iter()).filter(|(name, _)| name.starts_with("very"));
            let sum: i64 = values.filter_map(|(_, value)| value.as_i64()).sum();
            holds("its values are the last ones", sum == value || sum == 2 * value + 1)?;
        }
    }
    Ok(())
}

/// Datasets with names that mean something to the destination.
pub(crate) fn odd_datasets(fixture: &dyn Fixture) -> Outcome {
    let mut names = fixture.odd_datasets();
    names.extend(["select", "main_", "Data Set", "raw_staging"].map(str::to_owned));
    for name in names {
        let bed = Bed::of(fixture, "p", &name)?;
        let resource = json!({"name": "items", "primary_key": "id", "write_disposition": "merge"});
        let mut stored_as = String::new();
        for value in ["a", "b"] {
            stored_as = bed.run(&resource, &[json!({"id": 1, "v": value, "l": [value]})])?.dataset;
        }
        for (table, column) in [("items", "v"), ("items__l", "value")] {
            let rows = fixture.rows(&stored_as, table);
            let values: Vec<_> = rows.iter().map(|row| row.get(column)).collect();
            holds(&format!("dataset {name} has the last value"), values == [Some(&json!("b"))])?;
        }
    }
    Ok(())
}
