//! The order of things in a run.

use std::sync::Arc;
use std::time::Instant;

use floe_schema::{Naming, schema_name};

use super::info::Trace;
use super::local::Local;
use super::{Pipeline, load_id, sync};
use crate::destination::{Dataset, Destination};
use crate::error::{Error, ErrorKind, Result, Step};
use crate::package::{Stage, Store};
use crate::report::RunReport;
use crate::resource::Resource;
use crate::state::State;

/// One run of a pipeline.
pub(super) struct Run<'p> {
    pub(super) pipeline: &'p Pipeline,
    pub(super) destination: Arc<dyn Destination>,
    pub(super) dataset: Box<dyn Dataset>,
    pub(super) dataset_name: String,
    pub(super) store: Store,
    pub(super) local: Local,
    pub(super) report: RunReport,
}

/// What a run is for.
#[derive(Default)]
pub(super) struct Job {
    /// What is loaded.
    pub(super) resources: Vec<Resource>,
    /// Resources that are forgotten besides those that are loaded.
    pub(super) forgotten: Vec<String>,
    /// A change of the state.
    pub(super) edit: Option<Edit>,
    /// Where streams run.
    pub(super) handle: Option<tokio::runtime::Handle>,
    /// Tables whose rejected items are tried again; all tables if there are none.
    pub(super) replay: Option<Vec<String>>,
}

type Edit = Box<dyn FnOnce(&mut State, &str) -> Result<()> + Send>;

impl Job {
    /// Whether the run brings no data but changes what is there.
    pub(super) fn is_command(&self) -> bool {
        self.edit.is_some() || !self.forgotten.is_empty()
    }
}

/// Takes over what the destination knows better, and does nothing else.
pub(super) fn sync(pipeline: &Pipeline) -> Result<RunReport> {
    let store = Store::open(&pipeline.folder()?)?;
    store.remove_unfinished()?;
    Run::begin(pipeline, destination(pipeline)?, store).map(|run| run.report)
}

/// The schema of the source, or that of the pipeline.
pub(super) fn schema_name_of(pipeline: &Pipeline, state: &State) -> String {
    if let Some(source) = &pipeline.source_schema {
        return source.name.clone();
    }
    let known = state.get("default_schema_name").and_then(|name| name.as_str());
    known.map_or_else(|| schema_name(&pipeline.name), str::to_owned)
}

pub(super) fn destination(pipeline: &Pipeline) -> Result<Arc<dyn Destination>> {
    pipeline.destination.clone().ok_or_else(|| {
        Error::config("the pipeline has no destination").help("give it one with `.destination(...)`")
    })
}

/// The name of the dataset at the destination.
pub(super) fn stored_as(naming: &Naming, dataset: &str) -> Result<String> {
    let name = naming.identifier(dataset);
    name.ok_or_else(|| Error::config("the name of the dataset is empty").help("give one with --dataset"))
}

pub(super) fn run(pipeline: &Pipeline, job: Job) -> Result<RunReport> {
    let started = Instant::now();
    let destination = destination(pipeline)?;
    let store = Store::open(&pipeline.folder()?)?;
    store.remove_unfinished()?;
    let trace = Trace::begin(store.folder(), load_id::now());
    let outcome =
        Run::begin(pipeline, destination, store).and_then(|mut run| run.act(job).map(|()| run.report));
    let outcome = outcome.map(|mut report| {
        report.seconds = started.elapsed().as_secs_f64();
        report
    });
    trace.end(&outcome, load_id::now())?;
    outcome
}

impl<'p> Run<'p> {
    fn begin(pipeline: &'p Pipeline, destination: Arc<dyn Destination>, store: Store) -> Result<Self> {
        let started = Instant::now();
        let dataset_name = pipeline.dataset_name();
        let local = Local::read(store.folder())?;
        let longest = destination.capabilities().max_identifier_length;
        let stored_as = stored_as(&Naming::with_max_length(longest), &dataset_name)?;
        let dataset = destination.open(&stored_as).map_err(|e| e.step(Step::Sync))?;
        let report = RunReport {
            pipeline: pipeline.name.clone(),
            destination: destination.location(),
            dataset: stored_as,
            ..RunReport::default()
        };
        let mut run = Self { pipeline, destination, dataset, dataset_name, store, local, report };
        run.sync()?;
        run.report.add_step(Step::Sync, started.elapsed().as_secs_f64(), 0, 0);
        Ok(run)
    }

    fn sync(&mut self) -> Result<()> {
        let dataset = self.dataset.as_mut();
        let warnings = sync::sync(&mut self.local, dataset, &self.pipeline.name, &self.dataset_name)?;
        self.report.warnings.extend(warnings);
        if !self.local.is_empty() {
            return Ok(());
        }
        // without a dataset nothing is known of which the package could be a continuation
        for package in self.store.packages(Stage::Extracted)? {
            let load_id = package.manifest.load_id.clone();
            let package = self.store.advance(package, Stage::Failed)?;
            self.report.warnings.push(format!(
                "package {load_id}, which could not be normalised, was given up because there is no \
                 dataset yet; it is kept in {}",
                package.folder.display()
            ));
        }
        Ok(())
    }

    fn act(&mut self, job: Job) -> Result<()> {
        if self.pipeline.dev_mode {
            self.set_others_aside()?;
        }
        if job.is_command() && self.has_pending()? {
            let message = format!("packages of pipeline {} wait to be loaded", self.pipeline.name);
            return Err(Error::new(ErrorKind::Package, message).help(
                "finish them with a run, or give them up with `floe pipeline NAME drop-pending-packages`",
            ));
        }
        for package in self.store.packages(Stage::Extracted)? {
            self.normalize_again(package)?;
        }
        let pending = self.store.packages(Stage::Normalized)?;
        self.report.finished_earlier = !pending.is_empty();
        for package in pending {
            self.load(package).map_err(super::again::pending)?;
        }
        if self.report.finished_earlier {
            return Ok(());
        }
        match self.extract(job)? {
            Some(package) => self.load(package),
            None => Ok(()),
        }
    }

    /// Gives up the packages that are meant for other datasets.
    fn set_others_aside(&mut self) -> Result<()> {
        for stage in [Stage::Extracted, Stage::Normalized] {
            for package in self.store.packages(stage)? {
                let dataset = package.manifest.state.get("dataset_name").and_then(|name| name.as_str());
                let Some(dataset) = dataset.filter(|name| *name != self.dataset_name) else { continue };
                let (load_id, dataset) = (package.manifest.load_id.clone(), dataset.to_owned());
                let package = self.store.advance(package, Stage::Failed)?;
                self.report.warnings.push(format!(
                    "package {load_id}, which waited to be loaded into {dataset}, was set aside; it is kept in {}",
                    package.folder.display()
                ));
            }
        }
        Ok(())
    }

    fn has_pending(&self) -> Result<bool> {
        let extracted = self.store.packages(Stage::Extracted)?;
        Ok(!extracted.is_empty() || !self.store.packages(Stage::Normalized)?.is_empty())
    }

    /// The schema of the source, or that of the pipeline.
    pub(super) fn schema_name(&self) -> String {
        schema_name_of(self.pipeline, &self.local.state)
    }

    pub(super) fn naming(&self) -> Naming {
        Naming::with_max_length(self.destination.capabilities().max_identifier_length)
    }

    pub(super) fn threads(&self) -> usize {
        let available = || std::thread::available_parallelism().map_or(1, usize::from);
        self.pipeline.threads.unwrap_or_else(available)
    }
}
