//! Rejected items are kept, and can be loaded later.

use serde_json::{Value as Json, json};

use crate::testing::bed::{Bed, DATASET, equal, holds};
use crate::testing::{Fixture, Outcome};
use crate::{Contract, Mode};

fn resource(disposition: &str) -> Json {
    let contract = json!({"columns": "quarantine", "data_type": "quarantine"});
    json!({"name": "items", "schema_contract": contract, "write_disposition": disposition})
}

/// One item of three is rejected for a new column of a nested row, one for a text among numbers.
fn items() -> [Json; 4] {
    [
        json!({"id": 2, "v": 2, "l": [{"x": 2}], "unknown": null}),
        json!({"id": 3, "v": "text", "l": []}),
        json!({"id": 4, "l": [{"x": 1}, {"x": 2, "it is": "new"}]}),
        json!({"id": 5, "v": 3}),
    ]
}

/// The rejected rows: item, path, rule.
fn rejected(fixture: &dyn Fixture) -> Vec<Json> {
    let rows = fixture.rows(DATASET, "items__rejected");
    let read = |item: &Json| item.as_str().and_then(|text| serde_json::from_str(text).ok());
    let row = |row: &crate::testing::Row| {
        let value = |name: &str| row.get(name).cloned().unwrap_or_default();
        json!([read(&value("row")).unwrap_or_else(|| value("row")), value("path"), value("rule")])
    };
    let mut rows: Vec<Json> = rows.iter().map(row).collect();
    rows.sort_by_cached_key(Json::to_string);
    rows
}

pub(crate) fn quarantine(fixture: &dyn Fixture) -> Outcome {
    let bed = Bed::new(fixture)?;
    bed.run(&resource("append"), &[json!({"id": 1, "v": 1, "l": [{"x": 1}]})])?;
    let [passing, of_type, of_column, other] = items();
    // twice, because the second time the rules are known
    let given = [&passing, &of_type, &of_column, &of_type, &of_column, &other].map(Json::clone);
    let report = bed.run(&resource("append"), &given)?;
    bed.has("items", &["id", "v"], json!([[1, 1], [2, 2], [5, 3]]))?;
    bed.has("items__l", &["x"], json!([[1], [2]]))?;
    let of_type = json!([of_type, "$.v", "data_type: quarantine"]);
    let of_column = json!([of_column, "$.l[1].\"it is\"", "columns: quarantine"]);
    let expected = [of_type.clone(), of_type, of_column.clone(), of_column];
    equal("rejected rows", &expected, &rejected(fixture))?;
    let rows = fixture.rows(DATASET, "items__rejected");
    let load = report.load_ids.first().map(|id| json!(id));
    holds("rejected rows name their load", rows.iter().all(|row| row.get("_dlt_load_id") == load.as_ref()))?;
    holds("rejected items are counted", report.resources.first().is_some_and(|r| r.quarantined == 4))?;
    holds("items are counted without them", report.resources.first().is_some_and(|r| r.items == 2))
}

pub(crate) fn quarantined_tables(fixture: &dyn Fixture) -> Outcome {
    let bed = Bed::new(fixture)?;
    let contract = json!({"tables": "quarantine"});
    let resource = json!({"name": "items", "schema_contract": contract});
    let first = [json!({"id": 1}), json!("a text"), json!([])];
    bed.run(&resource, &first)?;
    bed.has("items", &["id"], json!([]))?;
    bed.has(
        "items__rejected",
        &["path", "rule"],
        json!([["$", "tables: quarantine"], ["$", "tables: quarantine"]]),
    )?;
    bed.replay(Contract::All(Mode::Evolve))?;
    bed.has("items", &["id", "value"], json!([[1, null], [null, "a text"]]))?;
    bed.has("items__rejected", &["rule"], json!([]))?;
    bed.run(&resource, &[json!({"id": 2, "l": [1]}), json!({"id": 3, "l": []}), json!({"id": 4, "l": [1]})])?;
    bed.has("items", &["id", "value"], json!([[1, null], [null, "a text"], [3, null]]))?;
    let rule = "tables: quarantine";
    bed.has("items__rejected", &["path", "rule"], json!([["$.l[0]", rule], ["$.l[0]", rule]]))
}

pub(crate) fn replay_rejected(fixture: &dyn Fixture) -> Outcome {
    let bed = Bed::new(fixture)?;
    bed.run(&resource("replace"), &[json!({"id": 1, "v": 1, "l": [{"x": 1}]})])?;
    let report = bed.run(&resource("append"), &items())?;
    holds("two items are rejected", rejected(fixture).len() == 2)?;
    let first = bed.replay(Contract::All(Mode::Quarantine))?;
    holds("nothing is loaded while the contract stays", first.load_ids.is_empty())?;
    holds("what stays is counted", first.resources.first().is_some_and(|r| r.quarantined == 2))?;
    bed.has("items", &["id"], json!([[1], [2], [5]]))?;

    let columns = Contract::from_json("", &json!({"data_type": "quarantine"}));
    bed.replay(columns.map_err(|e| e.to_string())?)?;
    bed.has("items", &["id"], json!([[1], [2], [4], [5]]))?;
    bed.has("items__l", &["x", "it_is"], json!([[1, null], [1, null], [2, null], [2, "new"]]))?;
    let load = report.load_ids.first();
    bed.has("items__rejected", &["path", "_dlt_load_id"], json!([["$.v", load]]))?;

    bed.run(&json!({"name": "items", "write_disposition": "replace"}), &[json!({"id": 9})])?;
    bed.has("items__rejected", &["path"], json!([["$.v"]]))?;
    bed.replay(Contract::All(Mode::Evolve))?;
    bed.has("items", &["id", "v__v_text"], json!([[3, "text"], [9, null]]))?;
    bed.has("items__rejected", &["path"], json!([]))
}
