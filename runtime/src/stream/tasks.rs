//! All streams of a run.

use std::fs;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::Crc;
use futures_util::{FutureExt, StreamExt};
use indexmap::IndexMap;
use serde_json::{Map, Value as Json, json};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

use super::parent::Parent;
use super::{Log, Open, ResourceState, Slice};
use crate::error::{Error, Result, Step};
use crate::extract::Extraction;

/// Streams without parent that run at once.
const AT_ONCE: usize = 16;

/// A stream that is about to be opened.
pub(crate) struct Opening {
    pub(crate) name: String,
    pub(crate) open: Open,
    pub(crate) parent: Option<String>,
    pub(crate) selected: bool,
    /// What the stream is, if it can go on where an earlier one stopped.
    pub(crate) resumable: Option<String>,
    pub(crate) start: Option<Json>,
    pub(crate) end: Option<Json>,
    /// Which items are loaded.
    pub(crate) extraction: Extraction,
    pub(crate) state: ResourceState,
}

/// The streams of a run. They end with it.
#[derive(Default)]
pub(crate) struct Streams {
    logs: IndexMap<String, Arc<Log>>,
    parents: Vec<String>,
    states: Vec<(String, ResourceState)>,
    tasks: Vec<(String, AbortHandle)>,
    /// Only if the run was not begun by a program that has one.
    runtime: Option<Runtime>,
}

impl Streams {
    /// Opens the streams that the run needs. Their logs are kept in the folder.
    pub(crate) fn start(openings: Vec<Opening>, folder: &Path, handle: Option<Handle>) -> Result<Self> {
        let mut streams = Self::default();
        let needed = in_order(openings)?;
        if needed.is_empty() {
            return Ok(streams);
        }
        fs::create_dir_all(folder).map_err(|e| Error::io("create", folder, e))?;
        let handle = match handle {
            Some(handle) => handle,
            None => {
                let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
                let runtime = runtime.map_err(|e| Error::internal("cannot start tasks").cause(e))?;
                streams.runtime.insert(runtime).handle().clone()
            }
        };
        let at_once = Arc::new(Semaphore::new(AT_ONCE));
        let mut extractions: IndexMap<String, Arc<Extraction>> = IndexMap::new();
        for opening in needed {
            let request = json!({"stream": opening.resumable, "start": opening.start, "end": opening.end});
            let path = log_path(folder, &opening.name, opening.resumable.is_some());
            let (log, checkpoint) = Log::open(path, &opening.name, &request, opening.resumable.is_some())?;
            let log = Arc::new(log);
            let parent = opening.parent.as_ref().and_then(|name| {
                Some(Parent::new(streams.logs.get(name)?.clone(), extractions.get(name)?.clone()))
            });
            let permit = parent.is_none().then(|| at_once.clone());
            let slice = Slice {
                start: opening.start,
                end: opening.end,
                checkpoint,
                parent,
                state: opening.state.clone(),
            };
            streams.states.push((opening.name.clone(), opening.state));
            extractions.insert(opening.name.clone(), Arc::new(opening.extraction));
            streams.logs.insert(opening.name.clone(), log.clone());
            streams.parents.extend(opening.parent);
            if !log.has_ended() {
                let task = handle.spawn(feed(log, opening.open, slice, permit));
                streams.tasks.push((opening.name, task.abort_handle()));
            }
        }
        Ok(streams)
    }

    pub(crate) fn log(&self, name: &str) -> Option<&Arc<Log>> {
        self.logs.get(name)
    }

    /// What streams want to be remembered.
    pub(crate) fn states(&self) -> impl Iterator<Item = (&str, Map<String, Json>)> {
        self.states.iter().filter_map(|(name, state)| Some((name.as_str(), state.changed()?)))
    }

    /// Ends a stream of which nothing more is wanted.
    pub(crate) fn stop(&self, name: &str) {
        if !self.parents.iter().any(|parent| parent == name) {
            self.tasks.iter().filter(|(task, _)| task == name).for_each(|(_, task)| task.abort());
        }
    }

    /// Removes the logs, because what they have is now elsewhere.
    pub(crate) fn remove_logs(&self) -> Result<()> {
        for log in self.logs.values() {
            match fs::remove_file(log.path()) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::io("remove", log.path(), e));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Drop for Streams {
    fn drop(&mut self) {
        self.tasks.iter().for_each(|(_, task)| task.abort());
        if let Some(runtime) = self.runtime.take() {
            // dropping it would wait, which is not allowed everywhere
            runtime.shutdown_background();
        }
        for log in self.logs.values().filter(|log| !is_resumable(log.path())) {
            // nobody reads it again, and the next run would overwrite it
            let _ = fs::remove_file(log.path());
        }
    }
}

/// Streams that are selected and those that they need, parents first.
fn in_order(openings: Vec<Opening>) -> Result<Vec<Opening>> {
    let mut waiting: IndexMap<String, Opening> = IndexMap::new();
    for opening in openings {
        let name = opening.name.clone();
        if waiting.insert(name.clone(), opening).is_some() {
            return Err(Error::config(format!("two resources are called {name}"))
                .help("give one of them another name; two resources may have the same table"));
        }
    }
    let mut needed: Vec<String> = Vec::new();
    for (name, opening) in waiting.iter().filter(|(_, opening)| opening.selected) {
        let (mut chain, mut parent) = (vec![name.clone()], opening.parent.as_ref());
        while let Some(next) = parent.filter(|next| !needed.contains(next)) {
            let Some(opening) = waiting.get(next) else {
                let child = chain.last().unwrap_or(name);
                return Err(Error::config(format!(
                    "resource {child} needs the items of {next}, which is not among the streams of this run"
                ))
                .help(format!("run {next} as well; it does not have to be selected")));
            };
            if chain.contains(next) {
                return Err(Error::config(format!("resource {next} needs its own items")));
            }
            chain.push(next.clone());
            parent = opening.parent.as_ref();
        }
        for name in chain.into_iter().rev() {
            if !needed.contains(&name) {
                needed.push(name);
            }
        }
    }
    Ok(needed.iter().filter_map(|name| waiting.swap_remove(name)).collect())
}

const RESUMABLE: &str = "resume";

fn log_path(folder: &Path, name: &str, resumable: bool) -> PathBuf {
    let kind = if resumable { RESUMABLE } else { "pages" };
    let tag: String = name.chars().filter(char::is_ascii_alphanumeric).take(32).collect();
    let mut crc = Crc::new();
    crc.update(name.as_bytes());
    // names of resources are not names of files
    folder.join(format!("{tag}-{:08x}.{kind}", crc.sum()))
}

fn is_resumable(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == RESUMABLE)
}

/// Ends a log in any case: a reader must not wait for a task that is gone.
struct Ending(Arc<Log>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end(Err(Error::input(format!("the stream of {} was interrupted", self.0.name))));
    }
}

async fn feed(log: Arc<Log>, open: Open, slice: Slice, at_once: Option<Arc<Semaphore>>) {
    let ending = Ending(log);
    let log = &ending.0;
    let _permit = match &at_once {
        Some(at_once) => at_once.acquire().await.ok(),
        None => None,
    };
    let work = async {
        let mut pages = open.pages(slice);
        while let Some(page) = pages.next().await {
            log.add(&page?)?;
        }
        Ok(())
    };
    let outcome = AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Err(Error::input(format!("the stream of {} panicked: {text}", log.name)).step(Step::Extract))
    });
    log.end(outcome);
}
