//! The first half of a run: items become a package.
//!
//! Inputs can be read again, so items are normalised while they are read, and nothing but batches is
//! written. If normalising fails, the inputs are read once more and the items themselves are
//! kept, so that a later run can try again without the inputs.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use floe_schema::{
    BOUNDARY_TABLE, Change, Schema, SchemaDiff, Table, boundary_table, is_internal, state_table,
};
use serde_json::json;
use tokio::runtime::Handle;

use super::local::{self, Names};
use super::run::{Job, Run};
use super::{Progress, load_id, schema_files, versions};
use crate::error::{Error, ErrorKind, Result, Step};
use crate::extract::Extraction;
use crate::incremental::{Crowd, Cursor, stored_boundary};
use crate::input::{Feed, Inferred, Inputs, Page, PageSource};
use crate::normalize::engine::{Extracted, Normalizer};
use crate::normalize::plan::Plan;
use crate::package::{Account, Manifest, Package, Part, PartWriter, Stage};
use crate::report::ResourceReport;
use crate::resource::{Changed, Changes, Resource, TableHints};
use crate::state::{LAST_EXTRACTED_HASH, State};
use crate::stream::{Log, LogPages, Opening, ResourceState, Streams};

/// Hashes that become one page.
const HASHES_AT_ONCE: usize = 10_000;

/// A source of pages whose time is taken.
struct Timed {
    source: Box<dyn PageSource>,
    time: Duration,
}

impl PageSource for Timed {
    fn next_page(&mut self, buffer: Vec<u8>) -> Result<Option<Page>> {
        let started = Instant::now();
        let page = self.source.next_page(buffer);
        self.time += started.elapsed();
        page
    }
}

/// One page and no more.
struct OnePage(Option<Page>);

impl PageSource for OnePage {
    fn next_page(&mut self, _buffer: Vec<u8>) -> Result<Option<Page>> {
        Ok(self.0.take())
    }
}

/// What extraction knows of a resource.
pub(super) struct Source {
    pub(super) extraction: Extraction,
    pub(super) feeds: Vec<Feed>,
    pub(super) resource: Resource,
    /// What a stream writes, in place of feeds.
    pub(super) log: Option<Arc<Log>>,
}

impl Run<'_> {
    /// Makes a package of the resources. `None` if there is nothing to load.
    pub(super) fn extract(&mut self, job: Job) -> Result<Option<Package>> {
        let (load_id, created_at) = load_id::new();
        let folder = self.store.begin(&load_id)?;
        let package = self.fill(job, &load_id, created_at, folder.clone());
        if !matches!(package, Ok(Some(_))) {
            // after a failure to normalise the folder is at another place already
            self.store.discard(&folder)?;
        }
        package
    }

    fn fill(&mut self, job: Job, load_id: &str, created_at: i64, folder: PathBuf) -> Result<Option<Package>> {
        let started = Instant::now();
        let schema_name = self.schema_name();
        let stored = self.local.schemas.get(&schema_name).cloned();
        let mut base = self.base_schema(&schema_name, stored.as_ref())?;
        if let Some(folder) = &self.pipeline.import_schema_path {
            base = schema_files::import(folder, base, stored.is_some())?;
        }
        let before = stored.clone().or_else(|| self.pipeline.source_schema.as_ref().map(|_| base.clone()));
        let names = Names {
            pipeline: &self.pipeline.name,
            dataset: &self.dataset_name,
            schema: &schema_name,
            destination_type: self.destination.dlt_type(),
        };
        let mut state = local::begin(&self.local.state, &names);
        let mut manifest = Manifest::new(load_id, created_at);
        manifest.schema_name = schema_name.clone();
        if stored.is_none() && (job.is_command() || job.replay.is_some()) {
            return Err(Error::config(format!(
                "pipeline {} has not loaded anything yet",
                self.pipeline.name
            )));
        }
        if let Some(stored) = &stored {
            self.refresh(stored, &mut base, &mut state, &job, &mut manifest)?;
        }
        if let Some(edit) = job.edit {
            edit(&mut state, &schema_name)?;
        }
        for resource in job.resources.iter().filter(|r| r.is_plain_replace()) {
            state.forget_resource(&schema_name, resource.name());
        }

        if job.replay.is_some() {
            self.override_contracts(&mut base);
        }
        let known = base.clone();
        let mut plan = Plan::new(base, self.destination.capabilities(), load_id)?;
        plan.replays = job.replay.is_some();
        let mut parts = PartWriter::new(&folder);
        let mut normalizer = Normalizer::new(plan, &mut parts, self.threads());
        let (mut sources, mut reading) = (Vec::new(), Duration::ZERO);
        let mut has_data = false;
        if let Some(tables) = &job.replay {
            self.replay(tables, &known, &mut normalizer, &mut manifest)?;
            has_data = !manifest.replayed.is_empty();
        }
        for resource in &job.resources {
            rename_cursor(resource, &schema_name, &mut state);
        }
        let streams = self.start_streams(&job.resources, &schema_name, &state, job.handle)?;
        for resource in job.resources.into_iter().filter(|resource| resource.selected) {
            let mut source = self.open(resource, &schema_name, &state, &folder)?;
            source.log = streams.log(&source.resource.name).cloned();
            let (mut extracted, time) = self.extract_resource(&mut source, &mut normalizer)?;
            streams.stop(&source.resource.name);
            manifest.accounts.push(account(&mut extracted, source.resource.name()));
            reading += time;
            has_data |= extracted.has_data();
            self.note(source.resource.name(), &extracted);
            let crowd = remember(&mut state, &schema_name, &source, &extracted, load_id)?;
            manifest.warnings.extend(crowded(&source, &crowd));
            manifest.crowds.push(crowd);
            sources.push(source);
        }
        for (resource, values) in streams.states() {
            state.set_resource(&schema_name, resource, values);
        }
        let mut hinted = normalizer.extracted_schema.clone();
        if let Some(folder) = &self.pipeline.import_schema_path
            && let Some(hash) = schema_files::offer(folder, &hinted)?
        {
            hinted.imported_version_hash = Some(hash);
            normalizer.extracted_schema.imported_version_hash = hinted.imported_version_hash.clone();
        }
        state.bump();
        let hash = state.version_hash().unwrap_or_default().to_owned();
        let known = state.local(LAST_EXTRACTED_HASH).and_then(|v| v.as_str());
        manifest.stores_state = known != Some(hash.as_str()) || !manifest.dropped.is_empty();
        let emptied = self.emptied(stored.as_ref(), &hinted, &sources);
        manifest.emptied.extend(emptied.into_iter().filter(|_| manifest.dropped.is_empty()));
        has_data |= !manifest.emptied.is_empty();
        if !has_data && !manifest.stores_state && normalizer.failed.is_none() {
            streams.remove_logs()?;
            return Ok(None);
        }
        extract_crowds(&manifest.crowds, &mut normalizer)?;
        if manifest.stores_state {
            extract_state(&state, load_id, created_at, &mut normalizer)?;
            state.set_local(LAST_EXTRACTED_HASH, hash);
        }
        manifest.state = state.to_json();
        let extracted = versions::extracted(before.as_ref(), &hinted, normalizer.extracted_schema.clone());

        let failed = normalizer.failed.take();
        let discarded = normalizer.discarded_tables();
        let result = normalizer.into_schema();
        let parts = parts.finish()?;
        let outcome = match failed {
            Some(error) => Err(error),
            None => finish_schema(&extracted, result, &parts),
        };
        let reading = reading.as_secs_f64().min(started.elapsed().as_secs_f64());
        let items = self.report.resources.iter().map(|r| r.items).sum();
        let bytes = self.report.resources.iter().map(|r| r.bytes).sum();
        self.report.add_step(Step::Extract, reading, items, bytes);
        match outcome {
            Ok(schema) => {
                manifest.schema_changes = changes(stored.as_ref(), &schema);
                // without them a crash before the commit begins anew, with them one behind it would load twice
                streams.remove_logs()?;
                let package = self.commit_normalized(folder, manifest, schema, parts)?;
                self.report_normalized(&package, started.elapsed().as_secs_f64() - reading);
                Ok(Some(package))
            }
            // rejected items stay where they are
            Err(error) if job.replay.is_some() => Err(error.step(Step::Normalize)),
            Err(error) => {
                let mut error = error.step(Step::Normalize);
                if error.kind() == ErrorKind::Contract {
                    let rows = self.offending_rows(&sources, stored, load_id)?;
                    error = error.offending(rows);
                }
                manifest.schema = extracted.to_json();
                self.keep_items(folder, manifest, (sources, &streams), &discarded, &error)?;
                Err(error)
            }
        }
    }

    pub(super) fn open(
        &mut self,
        mut resource: Resource,
        schema: &str,
        state: &State,
        folder: &std::path::Path,
    ) -> Result<Source> {
        if let Some(contract) = &self.pipeline.contract {
            resource.hints.schema_contract = Some(contract.clone());
        }
        let cursor = match &resource.incremental {
            None => None,
            Some(incremental) => {
                let known = state.cursor(schema, &resource.name, &incremental.path_text);
                let stored = match stored_boundary(known) {
                    Some(boundary) => self.dataset.boundary(boundary)?,
                    None => Vec::new(),
                };
                Some(Cursor::new(incremental, resource.dedup_key.clone(), known, stored)?)
            }
        };
        let feeds = std::mem::take(&mut resource.data.feeds);
        let feeds = feeds.into_iter().map(|feed| feed.replayable(folder)).collect::<Result<_>>()?;
        let naming = self.naming();
        let extraction = Extraction::new(resource.clone(), cursor, naming);
        Ok(Source { extraction, feeds, resource, log: None })
    }

    /// Opens the streams among the resources.
    fn start_streams(
        &mut self,
        resources: &[Resource],
        schema: &str,
        state: &State,
        handle: Option<Handle>,
    ) -> Result<Streams> {
        let folder = self.store.folder().to_owned();
        let mut openings = Vec::new();
        for resource in resources {
            let Some(open) = resource.data.stream.clone() else { continue };
            let open = open.changed(resource.changes());
            let source = self.open(resource.clone(), schema, state, &folder)?;
            let cursor = source.extraction.cursor.as_ref();
            openings.push(Opening {
                open,
                name: resource.name.clone(),
                parent: resource.parent.clone(),
                selected: resource.selected,
                resumable: resource.data.resumable.clone(),
                start: cursor.and_then(|cursor| cursor.start().cloned()),
                end: resource.incremental.as_ref().map(|i| i.end_value.clone()).filter(|v| !v.is_null()),
                extraction: source.extraction,
                state: ResourceState::new(state.resource(schema, &resource.name)),
            });
        }
        Streams::start(openings, &folder.join("streams"), handle)
    }

    /// The pages of a resource from the beginning, and what they are known to hold.
    pub(super) fn inputs(
        &self,
        source: &Source,
        count: Arc<AtomicU64>,
    ) -> Result<(Box<dyn PageSource>, Vec<Inferred>)> {
        let page_bytes = self.pipeline.page_bytes;
        if let Some(log) = &source.log {
            return Ok((Box::new(LogPages::new(log.clone(), page_bytes, count)?), Vec::new()));
        }
        let inputs = Inputs::look(&source.feeds, source.resource.data.format, page_bytes, count)?;
        let inferred = inputs.inferred.clone();
        let changes = source.resource.changes();
        if changes.is_empty() {
            return Ok((Box::new(inputs), inferred));
        }
        // what a file says of its columns need not hold for what the changes leave
        let rewrites = changes.iter().any(|change| change.rewrites());
        let inferred = if rewrites { Vec::new() } else { inferred };
        Ok((Box::new(Changed { source: Box::new(inputs), changes: Changes::new(&changes) }), inferred))
    }

    fn extract_resource(
        &self,
        source: &mut Source,
        normalizer: &mut Normalizer<'_>,
    ) -> Result<(Extracted, Duration)> {
        let started = Instant::now();
        let count = Arc::<AtomicU64>::default();
        let (inputs, inferred) = self.inputs(source, count.clone())?;
        source.extraction.inferred = inferred;
        let total_bytes = source.feeds.iter().map(Feed::bytes).sum::<Option<u64>>();
        let total_bytes = total_bytes.filter(|_| source.log.is_none());
        let resource = source.resource.name.clone();
        let progress = |items: u64| {
            self.pipeline.report(&Progress::Extracting {
                resource: resource.clone(),
                items,
                bytes: count.load(Ordering::Relaxed),
                total_bytes,
            });
        };
        let mut timed = Timed { source: inputs, time: started.elapsed() };
        let extracted = normalizer.resource(&source.extraction, &mut timed, &progress)?;
        Ok((extracted, timed.time))
    }

    pub(super) fn note(&mut self, resource: &str, extracted: &Extracted) {
        self.report.resources.push(ResourceReport {
            resource: resource.to_owned(),
            items: extracted.items,
            not_new: extracted.dropped,
            bytes: extracted.bytes,
            discarded_rows: extracted.discarded.rows,
            discarded_values: extracted.discarded.values,
            quarantined: extracted.quarantined,
        });
    }

    pub(super) fn commit_normalized(
        &self,
        folder: PathBuf,
        mut manifest: Manifest,
        schema: Schema,
        parts: Vec<Part>,
    ) -> Result<Package> {
        manifest.schema = schema.to_json();
        manifest.parts = parts;
        manifest.items = Vec::new();
        // they are rows now
        manifest.crowds.iter_mut().for_each(|crowd| crowd.hashes = Vec::new());
        manifest.failure = None;
        // a copy of standard input has served its purpose
        let copy = folder.join("stdin");
        if copy.exists() {
            std::fs::remove_file(&copy).map_err(|e| Error::io("remove", &copy, e))?;
        }
        self.store.commit(&folder, manifest, Stage::Normalized)
    }

    pub(super) fn report_normalized(&mut self, package: &Package, seconds: f64) {
        let parts = &package.manifest.parts;
        let (rows, bytes) = (parts.iter().map(|p| p.rows).sum(), parts.iter().map(|p| p.bytes).sum());
        self.report.add_step(Step::Normalize, seconds, rows, bytes);
        self.report.schema_changes.extend(package.manifest.schema_changes.iter().cloned());
    }
}

pub(super) fn account(extracted: &mut Extracted, resource: &str) -> Account {
    Account { resource: resource.to_owned(), ..std::mem::take(&mut extracted.account) }
}

/// A cursor at a column with a new name goes on where it was.
fn rename_cursor(resource: &Resource, schema: &str, state: &mut State) -> Option<()> {
    let incremental = resource.incremental.as_ref()?;
    let naming = floe_schema::Naming::snake_case();
    let column = naming.path(incremental.column_name()?);
    let tables = resource.typed.as_ref()?.tables(resource.name(), &naming);
    let former: Vec<&str> = tables.first()?.columns.get(&column)?.former_names().collect();
    let is_former = |path: &str| former.contains(&naming.path(path).as_str());
    state.rename_cursor(schema, resource.name(), &incremental.path_text, is_former)
}

/// A warning about a cursor that tells items badly apart.
fn crowded(source: &Source, crowd: &Crowd) -> Option<String> {
    let incremental = source.resource.incremental.as_ref().filter(|_| !crowd.boundary.is_empty())?;
    Some(format!(
        "{} items of {} have the last value of the cursor `{}`: the hashes that tell them apart are in table \
         {BOUNDARY_TABLE}, where dlt does not look; a finer cursor, an empty primary_key of the incremental \
         or an open range start do without",
        crowd.count, source.resource.name, incremental.path_text
    ))
}

/// Puts the cursor of a resource into the state. Returns what does not fit there.
fn remember(
    state: &mut State,
    schema: &str,
    source: &Source,
    extracted: &Extracted,
    load_id: &str,
) -> Result<Crowd> {
    let (Some(cursor), Some(incremental)) = (&source.extraction.cursor, &source.resource.incremental) else {
        return Ok(Crowd::default());
    };
    let (name, path) = (&source.resource.name, &incremental.path_text);
    let known = state.cursor(schema, name, path).cloned();
    let boundary = format!("{schema}.{name}.{path} {load_id}");
    let Some((new, crowd)) = cursor.new_state(known.as_ref(), &extracted.boundary, &boundary)? else {
        return Ok(Crowd::default());
    };
    state.set_cursor(schema, name, path, new);
    Ok(crowd)
}

/// The hashes of crowds are rows of a table like any other.
pub(super) fn extract_crowds(crowds: &[Crowd], normalizer: &mut Normalizer<'_>) -> Result<()> {
    for crowd in crowds {
        for hashes in crowd.hashes.chunks(HASHES_AT_ONCE) {
            let rows =
                hashes.iter().map(|hash| json!({"boundary": crowd.boundary, "hash": hash}).to_string());
            let lines: Vec<String> = rows.collect();
            extract_rows(boundary_table(), lines.join("\n"), normalizer)?;
        }
    }
    Ok(())
}

/// Rows of a table of the dataset itself, as lines.
fn extract_rows(table: Table, lines: String, normalizer: &mut Normalizer<'_>) -> Result<()> {
    let mut resource = Resource::new(table.name.clone());
    resource.hints = TableHints {
        columns: table.columns,
        disposition: resource.hints.disposition.take(),
        file_format: table.file_format,
        ..TableHints::default()
    };
    let page = Page::lines(lines);
    let extraction = Extraction::new(resource, None, floe_schema::Naming::snake_case());
    normalizer.resource(&extraction, &mut OnePage(Some(page)), &|_| ()).map(drop)
}

/// The state is a row of a table like any other.
pub(super) fn extract_state(
    state: &State,
    load_id: &str,
    now: i64,
    normalizer: &mut Normalizer<'_>,
) -> Result<()> {
    let row = json!({
        "version": state.version(),
        "engine_version": crate::state::STATE_ENGINE_VERSION,
        "pipeline_name": state.get("pipeline_name"),
        "state": state.encode()?,
        // the mark in front says that the text is an instant
        "created_at": format!("\u{f027}{}", crate::value::time::iso_text(now)),
        "version_hash": state.version_hash(),
        "_dlt_load_id": load_id,
    });
    extract_rows(state_table(), row.to_string(), normalizer)
}

/// What normalising a package leaves in the schema.
pub(super) fn finish_schema(extracted: &Schema, mut schema: Schema, parts: &[Part]) -> Result<Schema> {
    let with_rows = |name: &str| parts.iter().any(|part| part.table == name);
    for table in schema.tables.values_mut().filter(|t| with_rows(&t.name)) {
        if let Some(column) = table.columns.values().find(|c| !c.is_complete() && !c.is_nullable()) {
            let message = format!(
                "column {}.{} is not nullable, but no row had a value to tell its type",
                table.name, column.name
            );
            return Err(Error::new(ErrorKind::UnboundColumn, message)
                .step(Step::Normalize)
                .table(table.name.clone())
                .column(column.name.to_string())
                .help("give rows a value for it, or state its type, or make it nullable"));
        }
        let processing = table.processing.get_or_insert_default();
        processing.evolve_columns_once = None;
        processing.seen_data = Some(true);
    }
    Ok(versions::normalized(extracted, schema))
}

/// How a package changes the schema of tables that data feeds.
pub(super) fn changes(stored: Option<&Schema>, schema: &Schema) -> Vec<Change> {
    let empty = Schema::new(schema.name.clone());
    let diff = SchemaDiff::between(stored.unwrap_or(&empty), schema);
    let is_own = |change: &Change| !is_internal(change.table()) && !change.column().is_some_and(is_internal);
    diff.changes.into_iter().filter(is_own).collect()
}
