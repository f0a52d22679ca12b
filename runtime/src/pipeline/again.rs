//! Packages that could not be normalised: their items are kept, and later runs try again.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use arrow::record_batch::RecordBatch;
use floe_schema::{Contract, Schema};

use super::extract::{Source, account, changes, extract_crowds, extract_state, finish_schema};
use super::load_id;
use super::run::Run;
use crate::error::{Error, ErrorKind, Result, Step};
use crate::extract::Extraction;
use crate::extract::spool::{SpoolReader, SpoolWriter};
use crate::normalize::engine::{BatchSink, Normalizer};
use crate::normalize::plan::Plan;
use crate::package::{Failure, Manifest, Package, PartWriter, Stage};
use crate::state::State;
use crate::stream::Streams;

/// Takes batches that nobody needs.
struct Nowhere;

impl BatchSink for Nowhere {
    fn write(&mut self, _table: &str, _batch: RecordBatch) -> Result<()> {
        Ok(())
    }
}

impl Run<'_> {
    /// How many rows frozen contracts refuse. The inputs are read again with contracts that drop such
    /// rows instead.
    pub(super) fn offending_rows(
        &self,
        sources: &[Source],
        stored: Option<Schema>,
        load_id: &str,
    ) -> Result<u64> {
        let thaw = |contract: &mut Option<Contract>| {
            *contract = contract.as_ref().map(Contract::without_freeze);
        };
        let mut base = self.base_schema(&self.schema_name(), stored.as_ref())?;
        thaw(&mut base.settings.schema_contract);
        base.tables.values_mut().for_each(|table| thaw(&mut table.schema_contract));
        let mut nowhere = Nowhere;
        let plan = Plan::new(base, self.destination.capabilities(), load_id)?;
        let mut normalizer = Normalizer::new(plan, &mut nowhere, self.threads());
        let mut rows = 0;
        for source in sources {
            let mut resource = source.resource.clone();
            thaw(&mut resource.hints.schema_contract);
            resource.nested.iter_mut().for_each(|(_, hints)| thaw(&mut hints.schema_contract));
            let mut extraction = Extraction::new(resource, source.extraction.cursor.clone(), self.naming());
            extraction.inferred = source.extraction.inferred.clone();
            let (mut inputs, _) = self.inputs(source, Arc::default())?;
            rows += normalizer.resource(&extraction, inputs.as_mut(), &|_| ())?.discarded.rows;
        }
        Ok(rows)
    }

    /// Writes the items themselves into the package.
    pub(super) fn keep_items(
        &self,
        folder: PathBuf,
        mut manifest: Manifest,
        (sources, streams): (Vec<Source>, &Streams),
        filtered: &[String],
        error: &Error,
    ) -> Result<()> {
        let mut spool = SpoolWriter::new(&folder);
        let takes = |table: &str| !filtered.iter().any(|f| f == table);
        for source in sources {
            let (mut inputs, _) = self.inputs(&source, Arc::default())?;
            let mut buffer = Vec::new();
            while let Some(page) = inputs.next_page(std::mem::take(&mut buffer))? {
                if spool.add(&page, &source.extraction, &takes)?.stopped {
                    break;
                }
                buffer = page.bytes;
            }
        }
        manifest.items = spool.finish()?;
        manifest.failure = Some(failure(error, 1));
        streams.remove_logs()?;
        self.store.commit(&folder, manifest, Stage::Extracted).map(drop)
    }

    /// Normalises a package that an earlier run could not.
    pub(super) fn normalize_again(&mut self, mut package: Package) -> Result<Package> {
        let started = Instant::now();
        let manifest = package.manifest.clone();
        let folder = self.store.begin(&manifest.load_id)?;
        let extracted = Schema::from_json(manifest.schema.clone()).map_err(|e| {
            Error::new(
                ErrorKind::Package,
                format!("the schema of package {} is damaged: {e}", manifest.load_id),
            )
        })?;
        let plan = Plan::new(extracted.clone(), self.destination.capabilities(), &manifest.load_id)?;
        let mut parts = PartWriter::new(&folder);
        let mut normalizer = Normalizer::new(plan, &mut parts, self.threads());
        let mut accounts = Vec::new();
        for items in &manifest.items {
            let extraction = Extraction::again(&items.table, self.naming());
            let mut reader = SpoolReader::open(&package.folder, items)?;
            let mut extracted = normalizer.resource(&extraction, &mut reader, &|_| ())?;
            accounts.push(account(&mut extracted, &items.table));
        }
        extract_crowds(&manifest.crowds, &mut normalizer)?;
        if manifest.stores_state {
            let state = State::from_json(manifest.state.clone())?;
            extract_state(&state, &manifest.load_id, manifest.created_at, &mut normalizer)?;
        }
        let failed = normalizer.failed.take();
        let result = normalizer.into_schema();
        let parts = parts.finish()?;
        let outcome = match failed {
            Some(error) => Err(error),
            None => finish_schema(&extracted, result, &parts),
        };
        match outcome {
            Ok(schema) => {
                let stored = self.local.schemas.get(&manifest.schema_name).cloned();
                let mut manifest = manifest;
                manifest.accounts = accounts;
                manifest.schema_changes = changes(stored.as_ref(), &schema);
                let normalized = self.commit_normalized(folder, manifest, schema, parts)?;
                self.store.remove(package)?;
                self.report_normalized(&normalized, started.elapsed().as_secs_f64());
                Ok(normalized)
            }
            Err(error) => {
                self.store.discard(&folder)?;
                let error = error.step(Step::Normalize);
                let attempts = package.manifest.failure.as_ref().map_or(0, |f| f.attempts);
                package.manifest.failure = Some(failure(&error, attempts + 1));
                self.store.update(&package)?;
                Err(pending(error))
            }
        }
    }
}

/// The error of a package that an earlier run left.
pub(super) fn pending(error: Error) -> Error {
    let way_out = "this package is from an earlier run and is tried first; \
                   `floe pipeline NAME drop-pending-packages` gives it up";
    match error.way_out().map(str::to_owned) {
        Some(help) => error.help(format!("{help}; {way_out}")),
        None => error.help(way_out),
    }
}

pub(super) fn failure(error: &Error, attempts: u32) -> Failure {
    let step = error.in_step().unwrap_or(Step::Load).as_str().to_owned();
    Failure { step, message: error.to_string(), at: load_id::now(), attempts }
}
