//! Pipelines: what a run does, and what is known of earlier runs.

mod again;
mod base;
mod extract;
mod info;
mod load;
mod load_id;
mod local;
mod reader;
mod refresh;
mod replay;
mod run;
mod schema_files;
mod sync;
mod versions;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use floe_schema::{Contract, Schema};

use self::run::Job;
use crate::destination::{Destination, ReplaceStrategy};
use crate::error::{Error, Result};
use crate::report::RunReport;
use crate::resource::Resource;
use crate::state::State;
use crate::typed::Reader;

pub use info::{PackageInfo, PipelineInfo};
pub use refresh::Refresh;

/// How far a run has come, for progress bars.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// Items of a resource are read and normalised.
    Extracting {
        /// The resource.
        resource: String,
        /// Items so far.
        items: u64,
        /// Bytes of all inputs that were read so far, as they are on disk.
        bytes: u64,
        /// Bytes of all inputs, where that is known.
        total_bytes: Option<u64>,
    },
    /// Rows are written to the destination.
    Loading {
        /// The table.
        table: String,
        /// Rows of all tables that are written already.
        rows: u64,
        /// Rows of all tables.
        total_rows: u64,
    },
}

type OnProgress = Arc<dyn Fn(&Progress) + Send + Sync>;

/// A pipeline loads resources into a dataset and remembers how far it came.
///
/// ```
/// use floe::{DuckDb, Pipeline, Resource};
///
/// let folder = tempfile::tempdir().unwrap();
/// let report = Pipeline::new("shop")
///     .destination(DuckDb::file(folder.path().join("shop.duckdb")))
///     .dataset("raw")
///     .pipelines_dir(folder.path())
///     .run_blocking([Resource::new("orders").json_lines(r#"{"id": 1, "tags": ["new", "paid"]}"#)])?;
/// assert_eq!(report.rows("orders"), 1);
/// assert_eq!(report.rows("orders__tags"), 2);
/// # Ok::<(), floe::Error>(())
/// ```
#[derive(Clone)]
pub struct Pipeline {
    name: String,
    destination: Option<Arc<dyn Destination>>,
    dataset: Option<String>,
    dev_mode: bool,
    pipelines_dir: Option<PathBuf>,
    contract: Option<Contract>,
    source_schema: Option<Schema>,
    threads: Option<usize>,
    page_bytes: Option<usize>,
    keep_packages: bool,
    keep_staged: bool,
    replace_strategy: ReplaceStrategy,
    refresh: Option<Refresh>,
    import_schema_path: Option<PathBuf>,
    export_schema_path: Option<PathBuf>,
    on_progress: Option<OnProgress>,
}

impl std::fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pipeline")
            .field("name", &self.name)
            .field("destination", &self.destination.as_ref().map(|d| d.location()))
            .field("dataset", &self.dataset)
            .field("pipelines_dir", &self.pipelines_dir)
            .finish_non_exhaustive()
    }
}

impl Pipeline {
    /// A pipeline of this name. State is kept under the name, here and at the destination.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            destination: None,
            dataset: None,
            dev_mode: false,
            pipelines_dir: None,
            contract: None,
            source_schema: None,
            threads: None,
            page_bytes: None,
            keep_packages: false,
            keep_staged: false,
            replace_strategy: ReplaceStrategy::default(),
            refresh: None,
            import_schema_path: None,
            export_schema_path: None,
            on_progress: None,
        }
    }

    /// Where datasets are stored.
    pub fn destination(mut self, destination: impl Destination + 'static) -> Self {
        self.destination = Some(Arc::new(destination));
        self
    }

    /// The dataset, `<name>_dataset` by default.
    pub fn dataset(mut self, dataset: impl Into<String>) -> Self {
        self.dataset = Some(dataset.into());
        self
    }

    /// The folder in which pipelines keep packages and state. By default it is a folder `floe` in
    /// the place where the system keeps data of applications.
    pub fn pipelines_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.pipelines_dir = Some(folder.into());
        self
    }

    /// A contract for all tables of this run, which takes the place of the contracts of the
    /// resources and stays in force.
    pub fn schema_contract(mut self, contract: Contract) -> Self {
        self.contract = Some(contract);
        self
    }

    /// The schema of the source: settings and tables that the run starts with.
    pub fn source_schema(mut self, schema: Schema) -> Self {
        self.source_schema = Some(schema);
        self
    }

    /// The threads that normalise; as many as the system has by default.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// The bytes that are normalised at once. The dataset does not depend on it.
    pub fn page_bytes(mut self, bytes: usize) -> Self {
        self.page_bytes = Some(bytes);
        self
    }

    /// Whether packages stay on disk when they are loaded.
    pub fn keep_packages(mut self, keep: bool) -> Self {
        self.keep_packages = keep;
        self
    }

    /// Whether the rows of merges stay in the staging dataset, `<dataset>_staging`, until the next run.
    pub fn keep_staged(mut self, keep: bool) -> Self {
        self.keep_staged = keep;
        self
    }

    /// How tables that are replaced get their new rows.
    pub fn replace_strategy(mut self, strategy: ReplaceStrategy) -> Self {
        self.replace_strategy = strategy;
        self
    }

    /// A folder with schema documents that are yours. The first run puts `<schema>.schema.yaml` there;
    /// whenever you change it, it takes the place of the schema that the pipeline knows.
    pub fn import_schema_path(mut self, folder: impl Into<PathBuf>) -> Self {
        self.import_schema_path = Some(folder.into());
        self
    }

    /// A folder in which every load leaves the schema as it is then, in `<schema>.schema.yaml`.
    pub fn export_schema_path(mut self, folder: impl Into<PathBuf>) -> Self {
        self.export_schema_path = Some(folder.into());
        self
    }

    /// A new dataset for this value, `<dataset>_<time>`, which earlier state does not reach. Packages
    /// that an earlier run has left for another dataset are set aside.
    pub fn dev_mode(mut self) -> Self {
        let stamp: String = crate::value::time::iso_text(load_id::now())
            .chars()
            .take_while(|c| *c != '.' && *c != '+')
            .filter(char::is_ascii_digit)
            .collect();
        self.dataset = Some(format!("{}_{stamp}", self.dataset_name()));
        self.dev_mode = true;
        self
    }

    /// What is forgotten before new data is loaded.
    pub fn refresh(mut self, refresh: Refresh) -> Self {
        self.refresh = Some(refresh);
        self
    }

    /// Is told how far the run has come, from several threads.
    pub fn on_progress(mut self, act: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        self.on_progress = Some(Arc::new(act));
        self
    }

    /// Loads resources: one run makes one package.
    ///
    /// A package that an earlier run left behind is finished first, and the run ends with it.
    pub fn run_blocking(&self, resources: impl IntoIterator<Item = Resource>) -> Result<RunReport> {
        run::run(self, Job { resources: resources.into_iter().collect(), ..Job::default() })
    }

    /// The same as [`Pipeline::run_blocking`] on a thread where waiting is allowed.
    ///
    /// ```
    /// # use floe::{Memory, Pipeline, Resource};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let folder = tempfile::tempdir().unwrap();
    /// let pipeline = Pipeline::new("p").destination(Memory::default()).pipelines_dir(folder.path());
    /// let report = pipeline.run([Resource::new("numbers").json_lines("1\n2\n3\n")]).await?;
    /// assert_eq!(report.rows("numbers"), 3);
    /// # Ok::<(), floe::Error>(()) }).unwrap();
    /// ```
    pub async fn run(&self, resources: impl IntoIterator<Item = Resource>) -> Result<RunReport> {
        let pipeline = self.clone();
        let handle = tokio::runtime::Handle::try_current().ok();
        let job = Job { resources: resources.into_iter().collect(), handle, ..Job::default() };
        let run = tokio::task::spawn_blocking(move || run::run(&pipeline, job));
        run.await.unwrap_or_else(|e| Err(Error::internal("the run ended early").cause(e)))
    }

    /// Takes over state and schemas from the destination where they are newer there.
    pub fn sync(&self) -> Result<RunReport> {
        run::sync(self)
    }

    /// Forgets resources without loading anything: their tables or rows and their state, as the way to
    /// [refresh](Pipeline::refresh) says (tables by default). [`Refresh::DropSources`] takes all
    /// resources, and no names.
    ///
    /// ```
    /// use floe::{DuckDb, Pipeline, Resource};
    /// # let folder = tempfile::tempdir().unwrap();
    /// let pipeline = Pipeline::new("shop")
    ///     .destination(DuckDb::file(folder.path().join("shop.duckdb")))
    ///     .pipelines_dir(folder.path());
    /// pipeline.run_blocking([Resource::new("orders").json_lines("{\"id\": 1}")])?;
    /// pipeline.forget(["orders"])?;
    /// assert!(!pipeline.info()?.schemas[0].tables.contains_key("orders"));
    /// # Ok::<(), floe::Error>(())
    /// ```
    pub fn forget<S: Into<String>>(&self, resources: impl IntoIterator<Item = S>) -> Result<RunReport> {
        let mut pipeline = self.clone();
        let refresh = *pipeline.refresh.get_or_insert(Refresh::DropResources);
        let mut forgotten: Vec<String> = resources.into_iter().map(Into::into).collect();
        match (refresh, forgotten.is_empty()) {
            (Refresh::DropSources, true) => forgotten.push(String::new()),
            (Refresh::DropSources, false) => {
                return Err(Error::config("all resources are dropped, so none is named"));
            }
            (_, true) => return Err(Error::config("no resource is named")),
            _ => {}
        }
        run::run(&pipeline, Job { forgotten, ..Job::default() })
    }

    /// Changes the state of the source, and stores it with the dataset. The state is an object in which
    /// `resources` has that of every resource, their cursors under `incremental`; other keys are free
    /// to use.
    pub fn edit_state(
        &self,
        edit: impl FnOnce(&mut serde_json::Map<String, serde_json::Value>) -> Result<()> + Send + 'static,
    ) -> Result<RunReport> {
        let edit = move |state: &mut State, schema: &str| state.edit_source(schema, edit);
        run::run(self, Job { edit: Some(Box::new(edit)), ..Job::default() })
    }

    /// The state of the source as the last run has left it: an object in which `resources` has that of
    /// every resource. It is empty before the first run.
    ///
    /// ```
    /// use floe::{Memory, Pipeline, Resource};
    /// # let folder = tempfile::tempdir().unwrap();
    /// let pipeline = Pipeline::new("shop").destination(Memory::default()).pipelines_dir(folder.path());
    /// assert!(pipeline.source_state()?.is_empty());
    /// pipeline.run_blocking([Resource::new("orders").json_lines("{\"id\": 1}")])?;
    /// pipeline.edit_state(|state| Ok(drop(state.insert("token".to_owned(), "abc".into()))))?;
    /// assert_eq!(pipeline.source_state()?["token"], "abc");
    /// # Ok::<(), floe::Error>(())
    /// ```
    pub fn source_state(&self) -> Result<serde_json::Map<String, serde_json::Value>> {
        let folder = self.folder()?;
        let state = if folder.is_dir() { local::Local::read(&folder)?.state } else { State::new() };
        Ok(state.source(&run::schema_name_of(self, &state)))
    }

    /// The part of the [state of the source](Pipeline::source_state) that belongs to a resource. Its
    /// cursors are under `incremental`; other keys are free to use.
    pub fn resource_state(&self, resource: &str) -> Result<serde_json::Map<String, serde_json::Value>> {
        let mut source = self.source_state()?;
        let of_resource = source.get_mut("resources").and_then(|all| all.get_mut(resource));
        Ok(of_resource.and_then(|state| state.as_object_mut()).map(std::mem::take).unwrap_or_default())
    }

    /// Changes the state of a resource, and stores it with the dataset.
    ///
    /// ```
    /// use floe::{Memory, Pipeline, Resource};
    /// # let folder = tempfile::tempdir().unwrap();
    /// let pipeline = Pipeline::new("shop").destination(Memory::default()).pipelines_dir(folder.path());
    /// pipeline.run_blocking([Resource::new("orders").json_lines("{\"id\": 1}")])?;
    /// pipeline.edit_resource_state("orders", |state| Ok(drop(state.insert("page".to_owned(), 7.into()))))?;
    /// assert_eq!(pipeline.resource_state("orders")?["page"], 7);
    /// # Ok::<(), floe::Error>(())
    /// ```
    pub fn edit_resource_state(
        &self,
        resource: impl Into<String>,
        edit: impl FnOnce(&mut serde_json::Map<String, serde_json::Value>) -> Result<()> + Send + 'static,
    ) -> Result<RunReport> {
        let resource = resource.into();
        let edit = move |state: &mut State, schema: &str| state.edit_resource(schema, &resource, edit);
        run::run(self, Job { edit: Some(Box::new(edit)), ..Job::default() })
    }

    /// Tries items again that a contract with `quarantine` has rejected: those of some root tables, or of
    /// all if none is named. What passes now is loaded and removed from the tables for rejected items,
    /// both in one transaction; the rest stays there. Cursors do not move, and tables that are
    /// replaced by their loads keep their rows.
    ///
    /// ```
    /// use floe::{Contract, Memory, Mode, Pipeline, Resource};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let memory = Memory::default();
    /// let pipeline = Pipeline::new("shop").destination(memory.clone()).dataset("raw").pipelines_dir(folder.path());
    /// pipeline.run_blocking([Resource::new("orders").json_lines("{\"id\": 1}")])?;
    /// let careful = pipeline.clone().schema_contract(Contract::All(Mode::Quarantine));
    /// careful.run_blocking([Resource::new("orders").json_lines("{\"id\": 2, \"note\": \"new\"}")])?;
    /// assert_eq!(memory.table("raw", "orders__rejected").unwrap().rows(), 1);
    ///
    /// let report = pipeline.schema_contract(Contract::All(Mode::Evolve)).replay_rejected(["orders"])?;
    /// assert_eq!(report.rows("orders"), 1);
    /// assert_eq!(memory.table("raw", "orders__rejected").unwrap().rows(), 0);
    /// # Ok::<(), floe::Error>(())
    /// ```
    pub fn replay_rejected<S: Into<String>>(&self, tables: impl IntoIterator<Item = S>) -> Result<RunReport> {
        let replay = Some(tables.into_iter().map(Into::into).collect());
        run::run(self, Job { replay, ..Job::default() })
    }

    /// The dataset as the last load has left it, to be read as values of types, as batches of Arrow, or by SQL.
    pub fn reader(&self) -> Result<Reader> {
        reader::open(self)
    }

    /// What is on disk about this pipeline.
    pub fn info(&self) -> Result<PipelineInfo> {
        PipelineInfo::read(&self.folder()?)
    }

    /// Gives up the packages that wait to be normalised or loaded. They are kept among the failed
    /// ones. Returns how many there were.
    pub fn drop_pending_packages(&self) -> Result<usize> {
        info::drop_pending(&self.folder()?)
    }

    fn folder(&self) -> Result<PathBuf> {
        let name = &self.name;
        let is_plain =
            !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', ':', '\0', '\n']);
        if !is_plain {
            return Err(Error::config(format!("`{}` is no name for a pipeline", name.escape_debug()))
                .help("the name becomes the name of a folder"));
        }
        let folder = match &self.pipelines_dir {
            Some(folder) => folder.clone(),
            None => default_pipelines_dir()?,
        };
        Ok(folder.join(name))
    }

    fn dataset_name(&self) -> String {
        self.dataset.clone().unwrap_or_else(|| format!("{}_dataset", self.name))
    }

    fn report(&self, progress: &Progress) {
        if let Some(act) = &self.on_progress {
            act(progress);
        }
    }
}

/// The folder for pipelines of this user.
pub fn default_pipelines_dir() -> Result<PathBuf> {
    let data = dirs::data_dir().ok_or_else(|| {
        Error::config("the system has no folder for data of applications")
            .help("say where pipelines are kept with --pipelines-dir")
    })?;
    Ok(data.join("floe").join("pipelines"))
}

/// The names of the pipelines in a folder.
pub fn pipeline_names(pipelines_dir: &Path) -> Result<Vec<String>> {
    info::pipeline_names(pipelines_dir)
}
