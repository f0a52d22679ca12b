//! Tables grow, and rows stay or go.

use serde_json::{Value as Json, json};

use crate::ReplaceStrategy;
use crate::testing::bed::{Bed, holds};
use crate::testing::{Fixture, Outcome};

fn appended() -> Json {
    json!({"name": "items"})
}

pub(crate) fn new_columns(fixture: &dyn Fixture) -> Outcome {
    let bed = Bed::new(fixture)?;
    bed.run(&appended(), &[json!({"id": 1})])?;
    bed.run(&appended(), &[json!({"id": 2, "a": "x"}), json!({"id": 3})])?;
    bed.run(&appended(), &[json!({"b": 1.5, "id": 4}), json!({"id": 5, "a": 7})])?;
    let columns = ["id", "a", "b"];
    let rows = json!([[1, null, null], [2, "x", null], [3, null, null], [4, null, 1.5], [5, "7", null]]);
    bed.has("items", &columns, rows)
}

pub(crate) fn new_tables(fixture: &dyn Fixture) -> Outcome {
    let bed = Bed::new(fixture)?;
    bed.run(&appended(), &[json!({"id": 1})])?;
    bed.run(&appended(), &[json!({"id": 2, "l": [{"x": 1, "m": [7]}, {"x": 2}]})])?;
    bed.run(&json!({"name": "others"}), &[json!({"id": 1, "l": ["a"]})])?;
    bed.has("items__l", &["x", "_dlt_list_idx"], json!([[1, 0], [2, 1]]))?;
    bed.has("items__l__m", &["value"], json!([[7]]))?;
    bed.has("others__l", &["value"], json!([["a"]]))
}

/// A refused row leaves nothing of its package.
pub(crate) fn null_is_refused(fixture: &dyn Fixture) -> Outcome {
    let bed = Bed::new(fixture)?;
    let resource = json!({"name": "items", "columns": {"v": {"data_type": "text", "nullable": false}}});
    bed.run(&resource, &[json!({"id": 1, "v": "x"})])?;
    let outcome = bed.run(&resource, &[json!({"id": 2, "v": "y"}), json!({"id": 3, "v": null})]);
    holds("a null in a column that has none is refused", outcome.is_err())?;
    bed.has("items", &["id", "v"], json!([[1, "x"]]))
}

pub(crate) fn append(fixture: &dyn Fixture) -> Outcome {
    let bed = Bed::new(fixture)?;
    bed.run(&appended(), &[json!({"id": 1, "l": [1]}), json!({"id": 1, "l": [2]})])?;
    bed.run(&appended(), &[json!({"id": 1, "l": [3]})])?;
    bed.has("items", &["id"], json!([[1], [1], [1]]))?;
    bed.has("items__l", &["value"], json!([[1], [2], [3]]))
}

pub(crate) fn replace(fixture: &dyn Fixture) -> Outcome {
    let bed = Bed::new(fixture)?;
    let resource = json!({"name": "items", "write_disposition": "replace"});
    bed.run(&resource, &[json!({"id": 1, "l": [1], "k": [1]}), json!({"id": 2, "l": [2]})])?;
    bed.run(&resource, &[json!({"id": 3, "l": [3]})])?;
    bed.has("items", &["id"], json!([[3]]))?;
    bed.has("items__l", &["value"], json!([[3]]))?;
    bed.has("items__k", &["value"], json!([]))
}

/// All strategies come to the same, and a load that fails leaves the former rows.
pub(crate) fn replace_strategies(fixture: &dyn Fixture) -> Outcome {
    let bed = Bed::new(fixture)?;
    let number = json!({"v": {"data_type": "decimal", "precision": 3, "scale": 0}});
    let resource = json!({"name": "items", "write_disposition": "replace", "columns": number});
    let strategies = [
        ReplaceStrategy::TruncateAndInsert,
        ReplaceStrategy::InsertFromStaging,
        ReplaceStrategy::StagingOptimized,
    ];
    bed.run(&resource, &[json!({"id": 0, "v": 1, "l": [0], "k": [1]})])?;
    for (n, strategy) in strategies.into_iter().enumerate() {
        let replace = |items: &[Json]| bed.replace(strategy, &resource, items);
        replace(&[json!({"id": n, "l": [n]}), json!({"id": 7, "w": "x"})])?;
        bed.has("items", &["id", "v", "w"], json!([[n, null, null], [7, null, "x"]]))?;
        bed.has("items__l", &["value"], json!([[n]]))?;
        bed.has("items__k", &["value"], json!([]))?;
        replace(&[json!({"id": 8})])?;
        bed.has("items", &["id"], json!([[8]]))?;
        bed.has("items__l", &["value"], json!([]))?;
        bed.replace(strategy, &resource, &[])?;
        bed.has("items", &["id"], json!([]))?;
    }
    Ok(())
}

pub(crate) fn replace_by_nothing(fixture: &dyn Fixture) -> Outcome {
    let bed = Bed::new(fixture)?;
    let resource = json!({"name": "items", "write_disposition": "replace"});
    bed.run(&resource, &[json!({"id": 1, "l": [1]})])?;
    bed.run(&resource, &[])?;
    bed.has("items", &["id"], json!([]))?;
    bed.has("items__l", &["value"], json!([]))
}

/// Enough rows for several batches.
pub(crate) fn many_rows(fixture: &dyn Fixture) -> Outcome {
    const ROWS: usize = 20_000;
    let bed = Bed::new(fixture)?;
    let items: Vec<Json> = (0..ROWS).map(|id| json!({"id": id, "l": [id, id]})).collect();
    let report = bed.run(&appended(), &items)?;
    let counts = [report.rows("items"), report.rows("items__l")];
    holds("all rows are reported", counts == [ROWS as u64, 2 * ROWS as u64])?;
    let rows = fixture.rows(crate::testing::bed::DATASET, "items");
    let sum: u64 = rows.iter().filter_map(|row| row.get("id")).filter_map(Json::as_u64).sum();
    holds("each row is there once", rows.len() == ROWS && sum == (ROWS * (ROWS - 1) / 2) as u64)
}
