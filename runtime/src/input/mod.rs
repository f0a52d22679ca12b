//! Input as pages of bytes.

mod lines;

use std::sync::Arc;

use crate::error::{Place, Result};

pub(crate) use lines::LineReader;

/// How the items of a page follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// One value a line; a list is a page of items.
    Lines,
    /// Values with blanks or commas between them; a list is an item.
    Values,
}

/// A run of whole items.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) bytes: Vec<u8>,
    pub(crate) framing: Framing,
    pub(crate) origin: Origin,
}

/// Where a page comes from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origin {
    pub(crate) file: Option<Arc<str>>,
    /// Line of the first byte, counted from 1.
    pub(crate) line: u64,
    /// Place of the first byte in its line, counted from 0.
    pub(crate) column: u64,
}

impl Page {
    /// The place of a byte in the file.
    pub(crate) fn place(&self, at: usize) -> Place {
        let before = self.bytes.get(..at.min(self.bytes.len())).unwrap_or_default();
        let lines = memchr::memchr_iter(b'\n', before).count() as u64;
        let line_start = memchr::memrchr(b'\n', before).map_or(0, |n| n + 1);
        let column = (before.len() - line_start) as u64;
        Place {
            file: self.origin.file.as_deref().map(str::to_owned),
            line: Some(self.origin.line + lines),
            column: Some(if lines == 0 { self.origin.column + column } else { column } + 1),
            pointer: None,
        }
    }
}

/// Something that gives pages, one after the other.
pub(crate) trait PageSource: Send {
    /// The next page. The buffer of an earlier page may be used again.
    fn next_page(&mut self, buffer: Vec<u8>) -> Result<Option<Page>>;
}
