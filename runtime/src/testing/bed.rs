//! Where a check runs: a pipeline with a folder of its own.

use std::collections::BTreeMap;

use floe_schema::{ID, LOAD_ID, PARENT_ID, ROOT_ID};
use serde_json::{Value as Json, json};

use super::{Fixture, Outcome, Row};
use crate::destination::Dataset;
use crate::{Contract, Pipeline, Refresh, ReplaceStrategy, Resource, Result, RunReport};

/// The dataset of most checks.
pub(super) const DATASET: &str = "raw";

pub(super) struct Bed<'f> {
    pub(super) fixture: &'f dyn Fixture,
    /// Removed at the end.
    _folder: tempfile::TempDir,
    pipeline: Pipeline,
}

impl<'f> Bed<'f> {
    pub(super) fn new(fixture: &'f dyn Fixture) -> Result<Self> {
        Self::of(fixture, "p", DATASET)
    }

    pub(super) fn of(fixture: &'f dyn Fixture, pipeline: &str, dataset: &str) -> Result<Self> {
        let folder = tempfile::tempdir().map_err(|e| crate::Error::io("create", "a folder".as_ref(), e))?;
        let pipeline = Pipeline::new(pipeline)
            .destination(fixture.destination())
            .dataset(dataset)
            .pipelines_dir(folder.path())
            .threads(1);
        Ok(Self { fixture, _folder: folder, pipeline })
    }

    /// The same pipeline on a machine that has never seen it.
    pub(super) fn elsewhere(self) -> Result<Self> {
        Self::new(self.fixture)
    }

    /// Loads items by a resource that is described in JSON.
    pub(super) fn run(&self, resource: &Json, items: &[Json]) -> Result<RunReport> {
        self.pipeline.run_blocking([self.resource(resource, items)?])
    }

    pub(super) fn refresh(&self, refresh: Refresh, resource: &Json, items: &[Json]) -> Result<RunReport> {
        self.pipeline.clone().refresh(refresh).run_blocking([self.resource(resource, items)?])
    }

    pub(super) fn replace(
        &self,
        strategy: ReplaceStrategy,
        resource: &Json,
        items: &[Json],
    ) -> Result<RunReport> {
        self.pipeline.clone().replace_strategy(strategy).run_blocking([self.resource(resource, items)?])
    }

    /// Tries all rejected items again.
    pub(super) fn replay(&self, contract: Contract) -> Result<RunReport> {
        self.pipeline.clone().schema_contract(contract).replay_rejected([""; 0])
    }

    fn resource(&self, resource: &Json, items: &[Json]) -> Result<Resource> {
        let lines: String = items.iter().map(|item| format!("{item}\n")).collect();
        Ok(Resource::from_json(resource)?.json_lines(lines))
    }

    /// The dataset, opened by hand.
    pub(super) fn open(&self) -> Result<Box<dyn Dataset>> {
        self.fixture.destination().open(DATASET)
    }

    /// Compares columns of a table with a list of rows, in any order. Nulls are written out.
    pub(super) fn has(&self, table: &str, columns: &[&str], expected: Json) -> Outcome {
        let expected = sorted(expected.as_array().cloned().unwrap_or_default());
        let rows = self.fixture.rows(DATASET, table);
        let value = |row: &Row, column: &str| row.get(column).cloned().unwrap_or_default();
        let found = rows.iter().map(|row| columns.iter().map(|column| value(row, column)).collect());
        equal(&format!("table {table}, columns {columns:?}"), &expected, &sorted(found.collect()))
    }

    /// Tables in a form that is the same for the same content: what links rows is replaced by what
    /// it leads to, and loads and instants of loads by their number.
    pub(super) fn canonical(&self, tables: &[&str]) -> Vec<Json> {
        let mut paths: BTreeMap<String, Json> = BTreeMap::new();
        let mut canonical = Vec::new();
        for table in tables {
            let mut rows = self.fixture.rows(DATASET, table);
            number(&mut rows, LOAD_ID);
            number(&mut rows, "_dlt_valid_from");
            number(&mut rows, "_dlt_valid_to");
            let mut plain = Vec::new();
            for mut row in rows {
                let id = row.remove(ID).unwrap_or_default();
                for key in [PARENT_ID, ROOT_ID] {
                    if let Some(known) = row.get_mut(key) {
                        *known = paths.get(&known.to_string()).cloned().unwrap_or_default();
                    }
                }
                let row = json!(row);
                paths.insert(id.to_string(), row.clone());
                plain.push(row);
            }
            canonical.push(json!({ *table: sorted(plain) }));
        }
        canonical
    }
}

/// Replaces values of a column by their number among all of them.
fn number(rows: &mut [Row], column: &str) {
    let mut known: Vec<String> = rows.iter().filter_map(|row| row.get(column)).map(Json::to_string).collect();
    known.sort();
    known.dedup();
    for value in rows.iter_mut().filter_map(|row| row.get_mut(column)) {
        let text = value.to_string();
        *value = known.iter().position(|k| *k == text).into();
    }
}

fn sorted(mut rows: Vec<Json>) -> Vec<Json> {
    rows.sort_by_cached_key(Json::to_string);
    rows
}

/// Compares lists of rows.
pub(super) fn equal(what: &str, expected: &[Json], found: &[Json]) -> Outcome {
    if expected == found {
        return Ok(());
    }
    let list = |rows: &[Json], others: &[Json]| {
        let only: Vec<String> = rows.iter().filter(|r| !others.contains(r)).map(Json::to_string).collect();
        only.join("\n    ")
    };
    let (missing, more) = (list(expected, found), list(found, expected));
    let (wanted, got) = (expected.len(), found.len());
    Err(format!(
        "{what}: {got} rows, {wanted} expected\n  missing:\n    {missing}\n  unexpected:\n    {more}"
    )
    .into())
}

/// That something is so.
pub(super) fn holds(what: &str, is_so: bool) -> Outcome {
    if is_so { Ok(()) } else { Err(format!("it does not hold that {what}").into()) }
}
