//! Inputs: how bytes from files, standard input and memory become pages of whole items.
//!
//! A page is JSON text, whatever the input was: CSV, Parquet and Arrow rows are written as JSON
//! lines, so that there is one way into tables. What those formats know of types travels beside
//! the pages, as [`Inferred`] columns.

mod arrow;
mod csv;
mod document;
mod feed;
mod format;
mod inputs;
mod lines;

use std::sync::Arc;

use floe_schema::Column;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::error::{Place, Result};

pub(crate) use document::DocumentReader;
pub(crate) use feed::{Feed, expand};
pub use format::Format;
pub(crate) use inputs::Inputs;
pub(crate) use lines::LineReader;

/// Bytes of a page, unless a single item is larger.
pub(crate) const PAGE_BYTES: usize = 2 << 20;

/// How the items of a page follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// One value a line.
    Lines,
    /// Values one after the other, with blanks between them.
    Values,
}

/// A run of items as JSON text. A value that is a list is itself a run of items.
///
/// ```
/// use floe::Page;
/// let page = Page::json(r#"[{"id": 1}, {"id": 2}]"#).checkpoint("page 2");
/// assert_eq!(page.bytes().len(), 22);
/// ```
#[derive(Debug, Clone)]
pub struct Page {
    pub(crate) bytes: Vec<u8>,
    pub(crate) framing: Framing,
    pub(crate) origin: Origin,
    pub(crate) checkpoint: Option<Json>,
}

impl Page {
    pub(crate) fn new(bytes: Vec<u8>, framing: Framing, origin: Origin) -> Self {
        Self { bytes, framing, origin, checkpoint: None }
    }

    /// Values with nothing but blanks between them. The items of a list are items of the page.
    pub fn json(text: impl Into<Vec<u8>>) -> Self {
        Self::new(text.into(), Framing::Values, Origin::default())
    }

    /// One value a line.
    pub fn lines(text: impl Into<Vec<u8>>) -> Self {
        Self::new(text.into(), Framing::Lines, Origin::default())
    }

    /// The rows of an Arrow batch, with the types that they have there.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use arrow::array::{ArrayRef, Int64Array};
    /// use floe::{Page, RecordBatch};
    /// let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    /// let page = Page::arrow(&RecordBatch::try_from_iter([("id", ids)]).unwrap())?;
    /// assert_eq!(page.bytes(), b"{\"id\":1}\n{\"id\":2}\n");
    /// # Ok::<(), floe::Error>(())
    /// ```
    pub fn arrow(batch: &::arrow::record_batch::RecordBatch) -> Result<Self> {
        arrow::lines(batch).map(Self::lines)
    }

    /// The same page with what its stream has to know to go on behind it. See
    /// [`Resource::resumable`](crate::Resource::resumable).
    pub fn checkpoint(mut self, checkpoint: impl Into<Json>) -> Self {
        self.checkpoint = Some(checkpoint.into());
        self
    }

    /// The text.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Where a page comes from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origin {
    pub(crate) file: Option<Arc<str>>,
    pub(crate) lines: Numbering,
}

/// What the lines of a page are in the file.
#[derive(Debug, Clone)]
pub(crate) enum Numbering {
    /// The text of the file itself: line of the first byte, counted from 1, and its place in that
    /// line, counted from 0.
    Text { line: u64, column: u64 },
    /// Each line of the page was made from the line or row of the file with this number.
    Listed { numbers: Vec<u64>, unit: Unit },
}

/// What a file is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unit {
    Line,
    Row,
}

impl Default for Numbering {
    fn default() -> Self {
        Self::Text { line: 1, column: 0 }
    }
}

/// What an input knows about a column. It counts only where the schema knows nothing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Inferred {
    /// Keys on the way to the value.
    pub(crate) path: Vec<String>,
    pub(crate) column: Column,
}

impl Page {
    /// The place of a byte in the file.
    pub(crate) fn place(&self, at: usize) -> Place {
        let before = self.bytes.get(..at.min(self.bytes.len())).unwrap_or_default();
        let lines = memchr::memchr_iter(b'\n', before).count();
        let line_start = memchr::memrchr(b'\n', before).map_or(0, |n| n + 1);
        let mut place = Place { file: self.origin.file.as_deref().map(str::to_owned), ..Place::default() };
        match &self.origin.lines {
            Numbering::Text { column, .. } => {
                let skipped = if lines == 0 { *column } else { 0 };
                place.line = self.number(lines);
                place.column = Some(skipped + (before.len() - line_start) as u64 + 1);
            }
            Numbering::Listed { unit: Unit::Line, .. } => place.line = self.number(lines),
            Numbering::Listed { unit: Unit::Row, .. } => place.row = self.number(lines),
        }
        place
    }

    /// The line or row of the file behind so many lines of the page.
    pub(crate) fn number(&self, lines: usize) -> Option<u64> {
        match &self.origin.lines {
            Numbering::Text { line, .. } => Some(line + lines as u64),
            Numbering::Listed { numbers, .. } => numbers.get(lines).copied(),
        }
    }

    pub(crate) fn unit(&self) -> Unit {
        match &self.origin.lines {
            Numbering::Text { .. } => Unit::Line,
            Numbering::Listed { unit, .. } => *unit,
        }
    }
}

/// Something that gives pages, one after the other.
pub(crate) trait PageSource: Send {
    /// The next page. The buffer of an earlier page may be used again.
    fn next_page(&mut self, buffer: Vec<u8>) -> Result<Option<Page>>;
}
