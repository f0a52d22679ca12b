//! What a dataset remembers, and how that is given up.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use arrow::record_batch::{RecordBatch, RecordBatchIterator};
use floe_schema::{Column, DataType, LOADS_TABLE, Schema, Table};
use serde_json::json;

use crate::destination::{Dataset, LoadRecord};
use crate::testing::bed::{Bed, DATASET, holds};
use crate::testing::{Fixture, Outcome};
use crate::{Error, Refresh, Result};

/// A table of one column, and the schema with it.
pub(super) fn schema_of(table: &str, column: &str) -> Schema {
    let mut table = Table::new(table);
    let mut column_ = Column::incomplete(column.to_owned());
    column_.data_type = Some(DataType::Bigint);
    table.insert(column_);
    let mut schema = Schema::new("by_hand");
    schema.tables.insert(table.name.clone(), table);
    schema.bump_version();
    schema
}

/// Begins a package and puts a row into each table.
pub(super) fn write(dataset: &mut dyn Dataset, schema: &Schema, load_id: &str) -> Result<()> {
    dataset.begin()?;
    let tables: Vec<&Table> = schema.tables.values().filter(|t| !t.name.starts_with("_dlt")).collect();
    dataset.migrate(schema, &tables, 0)?;
    for table in tables {
        let column = table.columns.keys().next().cloned().unwrap_or_default();
        let array: ArrayRef = Arc::new(Int64Array::from(vec![7]));
        let unmade = |e| Error::internal("cannot make a batch").cause(e);
        let batch = RecordBatch::try_from_iter([(column, array)]).map_err(unmade)?;
        let rows = RecordBatchIterator::new([Ok(batch.clone())], batch.schema());
        dataset.append(table, false, load_id, Box::new(rows))?;
    }
    Ok(())
}

pub(super) fn record(schema: &Schema, load_id: &str) -> LoadRecord {
    LoadRecord {
        load_id: load_id.to_owned(),
        schema_name: schema.name.clone(),
        schema_hash: schema.version_hash.clone().unwrap_or_default(),
        inserted_at: 0,
    }
}

pub(crate) fn rollback_leaves_nothing(fixture: &dyn Fixture) -> Outcome {
    let bed = Bed::new(fixture)?;
    let schema = schema_of("items", "id");
    let mut dataset = bed.open()?;
    write(dataset.as_mut(), &schema, "1.5")?;
    dataset.rollback()?;
    holds("the load is not recorded", !dataset.is_loaded("1.5")?)?;
    holds("the schema is not stored", dataset.stored_schema("by_hand")?.is_none())?;
    drop(dataset);
    bed.has("items", &["id"], json!([]))?;
    // what was not committed is taken back by closing as well
    let mut dataset = bed.open()?;
    write(dataset.as_mut(), &schema, "1.5")?;
    drop(dataset);
    bed.has("items", &["id"], json!([]))?;
    let mut dataset = bed.open()?;
    write(dataset.as_mut(), &schema, "1.5")?;
    dataset.commit(&record(&schema, "1.5"))?;
    holds("the load is recorded", dataset.is_loaded("1.5")?)?;
    drop(dataset);
    bed.has("items", &["id"], json!([[7]]))
}

pub(crate) fn loads_are_recorded(fixture: &dyn Fixture) -> Outcome {
    let bed = Bed::new(fixture)?;
    let mut loads = Vec::new();
    for id in 0..3 {
        loads.extend(bed.run(&json!({"name": "items"}), &[json!({ "id": id })])?.load_ids);
    }
    bed.has(LOADS_TABLE, &["load_id", "status"], loads.iter().map(|id| json!([id, 0])).collect())?;
    bed.has(
        "items",
        &["_dlt_load_id", "id"],
        loads.iter().enumerate().map(|(n, id)| json!([id, n])).collect(),
    )?;
    let mut dataset = bed.open()?;
    for id in &loads {
        holds("each load is known", dataset.is_loaded(id)?)?;
    }
    holds("no other load is known", !dataset.is_loaded("0.1")?)
}

pub(crate) fn state_and_schema_come_back(fixture: &dyn Fixture) -> Outcome {
    let bed = Bed::new(fixture)?;
    let resource = json!({"name": "items", "incremental": {"cursor_path": "id"}});
    holds("there is no dataset yet", !bed.open()?.exists()?)?;
    bed.run(&resource, &[json!({"id": 1}), json!({"id": 2, "v": "x"})])?;
    let stored = bed.open()?.stored_state("p")?;
    holds("the state is stored", stored.is_some_and(|state| state.pipeline == "p"))?;
    holds("the state of no other pipeline is", bed.open()?.stored_state("q")?.is_none())?;
    let document = bed.open()?.stored_schema("p")?.unwrap_or_default();
    holds("the schema is stored", Schema::from_json_text(&document).is_ok())?;
    let bed = bed.elsewhere()?;
    let report = bed.run(&resource, &[json!({"id": 2, "v": "x"}), json!({"id": 3})])?;
    holds("only what is new was loaded", report.rows("items") == 1)?;
    bed.has("items", &["id", "v"], json!([[1, null], [2, "x"], [3, null]]))
}

/// Items at one cursor value that are too many for a state are told apart all the same.
pub(crate) fn crowded_cursor(fixture: &dyn Fixture) -> Outcome {
    const ITEMS: u64 = 10_050;
    let bed = Bed::new(fixture)?;
    let resource = json!({"name": "items", "incremental": {"cursor_path": "at"}});
    let items = |from: u64, to: u64, at: u64| (from..to).map(move |id| json!({"id": id, "at": at}));
    let run = |bed: &Bed<'_>, items: &[serde_json::Value]| bed.run(&resource, items);
    let all: Vec<_> = items(0, ITEMS, 7).collect();
    let report = run(&bed, &all)?;
    holds("a crowd is pointed out", report.warnings.iter().any(|w| w.contains("_dlt_boundary")))?;
    let state = bed.open()?.stored_state("p")?.map(|stored| stored.state).unwrap_or_default();
    holds("the state stays small", state.len() < 2000)?;
    let more: Vec<_> = items(5, ITEMS + 3, 7).collect();
    holds("only new items are loaded", run(&bed, &more)?.rows("items") == 3)?;
    let bed = bed.elsewhere()?;
    let more: Vec<_> = items(0, ITEMS + 4, 7).collect();
    holds("it is known elsewhere as well", run(&bed, &more)?.rows("items") == 1)?;
    holds("nothing is loaded twice", run(&bed, &more)?.rows("items") == 0)?;
    let next: Vec<_> = items(0, 3, 8).collect();
    holds("later items are loaded", run(&bed, &next)?.rows("items") == 3)?;
    bed.has("_dlt_boundary", &["hash"], json!([]))?;
    holds("nothing is loaded again", run(&bed, &next)?.rows("items") == 0)
}

pub(crate) fn refresh_drops(fixture: &dyn Fixture) -> Outcome {
    let bed = Bed::new(fixture)?;
    let merged = json!({"name": "items", "primary_key": "id", "write_disposition": "merge"});
    let kept = json!({"name": "kept"});
    bed.run(&merged, &[json!({"id": 1, "old": "x", "l": [1]})])?;
    bed.run(&kept, &[json!({"id": 1})])?;
    bed.refresh(Refresh::DropResources, &merged, &[json!({"id": 2, "l": [2]})])?;
    bed.has("items", &["id", "old"], json!([[2, null]]))?;
    bed.has("items__l", &["value"], json!([[2]]))?;
    bed.has("kept", &["id"], json!([[1]]))?;
    bed.refresh(Refresh::DropSources, &merged, &[json!({"id": 3})])?;
    bed.has("items", &["id"], json!([[3]]))?;
    bed.has("items__l", &["value"], json!([]))?;
    bed.has("kept", &["id"], json!([]))
}

pub(crate) fn refresh_empties(fixture: &dyn Fixture) -> Outcome {
    let bed = Bed::new(fixture)?;
    let resource = json!({"name": "items"});
    bed.run(&resource, &[json!({"id": 1, "old": "x", "l": [1]})])?;
    bed.refresh(Refresh::DropData, &resource, &[json!({"id": 2})])?;
    bed.has("items", &["id", "old"], json!([[2, null]]))?;
    bed.has("items__l", &["value"], json!([]))
}

/// Several pipelines write into one dataset.
pub(crate) fn concurrent_writers(fixture: &dyn Fixture) -> Outcome {
    if !fixture.takes_concurrent_writers() {
        return Ok(());
    }
    const WRITERS: usize = 3;
    let write = |n: usize| -> Result<()> {
        let bed = Bed::of(fixture, &format!("p{n}"), DATASET)?;
        let resource = json!({"name": "items", "primary_key": "id", "write_disposition": "merge"});
        let own = json!({"name": format!("own_{n}")});
        for run in 0..3 {
            bed.run(&own, &[json!({"id": run})])?;
            bed.run(&resource, &[json!({"id": n, "v": run})])?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS).map(|n| scope.spawn(move || write(n))).collect();
        let mut ended = writers.into_iter().map(std::thread::ScopedJoinHandle::join);
        ended.try_for_each(|ended| ended.unwrap_or_else(|_| Err(Error::internal("a writer panicked"))))
    })?;
    let bed = Bed::new(fixture)?;
    bed.has("items", &["id", "v"], (0..WRITERS).map(|n| json!([n, 2])).collect())?;
    for n in 0..WRITERS {
        bed.has(&format!("own_{n}"), &["id"], json!([[0], [1], [2]]))?;
    }
    Ok(())
}
