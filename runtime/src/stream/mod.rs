//! Streams: pages that are made while the run goes on.
//!
//! Each stream is a task of its own and writes its pages into a log, so that streams run side by
//! side while normalising takes one resource after the other: neither how fast they are nor how many
//! there are changes the dataset. A stream that needs the items of another reads that log as it
//! grows. And a log that an interrupted run left is where the next run goes on.

mod log;
mod pages;
mod parent;
mod state;
mod tasks;
#[cfg(test)]
mod tests;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt, stream};
use serde_json::Value as Json;

use crate::error::Result;
use crate::input::Page;
use crate::resource::{Change, Changes};

pub(crate) use log::Log;
pub(crate) use pages::LogPages;
pub use state::ResourceState;
pub(crate) use tasks::{Opening, Streams};

/// Pages, one after the other, as they come.
pub type Pages = Pin<Box<dyn Stream<Item = Result<Page>> + Send>>;

/// What a stream is asked for.
///
/// A stream may use it to ask for less. It does not have to: items that a cursor does not want are dropped
/// in any case.
#[derive(Debug, Clone, Default)]
pub struct Slice {
    pub(crate) start: Option<Json>,
    pub(crate) end: Option<Json>,
    pub(crate) checkpoint: Option<Json>,
    pub(crate) parent: Option<parent::Parent>,
    pub(crate) state: ResourceState,
}

impl Slice {
    /// Where the cursor begins: the last value of the run before, or the initial value, moved back by the
    /// lag.
    pub fn start(&self) -> Option<&Json> {
        self.start.as_ref()
    }

    /// Where the cursor ends.
    pub fn end(&self) -> Option<&Json> {
        self.end.as_ref()
    }

    /// The checkpoint of the last page that an interrupted run kept: go on behind it.
    pub fn checkpoint(&self) -> Option<&Json> {
        self.checkpoint.as_ref()
    }

    /// What the resource remembers between runs besides its cursor.
    ///
    /// ```
    /// use floe::{Memory, Page, Pipeline, Resource};
    /// use futures_util::stream;
    ///
    /// let next = || Resource::new("next").stream(|slice| {
    ///     let page = slice.state().get("page").and_then(|page| page.as_u64()).unwrap_or(1);
    ///     slice.state().set("page", page + 1);
    ///     Box::pin(stream::iter([Ok(Page::json(page.to_string()))]))
    /// });
    /// # let folder = tempfile::tempdir().unwrap();
    /// let pipeline = Pipeline::new("p").destination(Memory::default()).pipelines_dir(folder.path());
    /// pipeline.run_blocking([next()])?;
    /// pipeline.run_blocking([next()])?;
    /// assert_eq!(pipeline.info()?.state["sources"]["p"]["resources"]["next"]["page"], 3);
    /// # Ok::<(), floe::Error>(())
    /// ```
    pub fn state(&self) -> &ResourceState {
        &self.state
    }

    /// The pages of the parent from the first one on, without items that the cursor of the parent drops.
    pub fn parent(&self) -> Option<Pages> {
        self.parent.as_ref().map(parent::Parent::pages)
    }
}

/// Opens a stream.
#[derive(Clone)]
pub(crate) struct Open(Arc<dyn Fn(Slice) -> Pages + Send + Sync>);

impl Open {
    pub(crate) fn new(open: impl Fn(Slice) -> Pages + Send + Sync + 'static) -> Self {
        Self(Arc::new(open))
    }

    fn pages(&self, slice: Slice) -> Pages {
        (self.0)(slice)
    }

    /// The same with changes to the pages. When no more are wanted, the stream is dropped.
    pub(crate) fn changed(self, changes: Vec<Change>) -> Self {
        if changes.is_empty() {
            return self;
        }
        Self::new(move |slice| {
            let changes = Changes::new(&changes);
            let open = self.clone();
            // opened only if something is wanted
            let start = (changes, None::<Pages>, Some(move || open.pages(slice)));
            Box::pin(stream::try_unfold(start, |(mut changes, pages, mut open)| async move {
                if changes.is_done() {
                    return Ok(None);
                }
                let Some(mut pages) = pages.or_else(|| open.take().map(|open| open())) else {
                    return Ok(None);
                };
                let Some(page) = pages.next().await else { return Ok(None) };
                let page = changes.page(page?)?;
                Ok(Some((page, (changes, Some(pages), open))))
            }))
        })
    }
}

impl PartialEq for Open {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Open")
    }
}
