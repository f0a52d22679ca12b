//! JSON lines: pages end where lines end.

use std::io::Read;
use std::sync::Arc;

use super::{Framing, Numbering, Origin, PAGE_BYTES, Page, PageSource};
use crate::error::{Error, Result};

/// The first page is small, so that other threads soon learn what the data looks like.
const FIRST_PAGE: usize = 64 << 10;

/// Cuts a stream of bytes into pages of whole lines.
pub(crate) struct LineReader<R> {
    reader: R,
    file: Option<Arc<str>>,
    /// The beginning of a line that the last page did not take.
    rest: Vec<u8>,
    line: u64,
    size: usize,
    limit: usize,
    at_end: bool,
}

impl<R: Read> LineReader<R> {
    pub(crate) fn new(reader: R, file: Option<Arc<str>>, page_bytes: Option<usize>) -> Self {
        let limit = page_bytes.unwrap_or(PAGE_BYTES).max(1);
        let size = if page_bytes.is_some() { limit } else { FIRST_PAGE };
        Self { reader, file, rest: Vec::new(), line: 1, size, limit, at_end: false }
    }

    /// Reads until the buffer ends with a whole line and has the size of a page.
    fn fill(&mut self, buffer: &mut Vec<u8>) -> std::io::Result<usize> {
        loop {
            let start = buffer.len();
            let want = self.size.saturating_sub(start).max(self.size / 4).max(1);
            buffer.resize(start + want, 0);
            let mut filled = start;
            while filled < buffer.len() && !self.at_end {
                let free = buffer.get_mut(filled..).unwrap_or_default();
                match self.reader.read(free) {
                    Ok(0) => self.at_end = true,
                    Ok(count) => filled += count,
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            buffer.truncate(filled);
            if self.at_end {
                return Ok(buffer.len());
            }
            if let Some(end) = memchr::memrchr(b'\n', buffer) {
                return Ok(end + 1);
            }
        }
    }
}

impl<R: Read + Send> PageSource for LineReader<R> {
    fn next_page(&mut self, mut buffer: Vec<u8>) -> Result<Option<Page>> {
        buffer.clear();
        buffer.append(&mut self.rest);
        let end = self.fill(&mut buffer).map_err(|error| {
            let file = self.file.as_deref().unwrap_or("the input");
            Error::io("read", std::path::Path::new(file), error)
        })?;
        self.rest.extend_from_slice(buffer.get(end..).unwrap_or_default());
        buffer.truncate(end);
        if buffer.is_empty() {
            return Ok(None);
        }
        self.size = (self.size * 4).min(self.limit);
        let lines = Numbering::Text { line: self.line, column: 0 };
        let origin = Origin { file: self.file.clone(), lines };
        self.line += memchr::memchr_iter(b'\n', &buffer).count() as u64;
        Ok(Some(Page::new(buffer, Framing::Lines, origin)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pages_are_the_input_cut_at_line_ends(
            text in "(x{0,9}\n){0,12}y{0,5}",
            size in 1usize..20,
        ) {
            let mut reader = LineReader::new(text.as_bytes(), None, Some(size));
            let mut joined: Vec<u8> = Vec::new();
            while let Some(page) = reader.next_page(Vec::new()).unwrap() {
                let before = joined.iter().filter(|b| **b == b'\n').count() as u64;
                prop_assert_eq!(page.place(0).line, Some(before + 1));
                joined.extend(&page.bytes);
                prop_assert!(joined.len() == text.len() || page.bytes.ends_with(b"\n"));
            }
            prop_assert_eq!(joined, text.into_bytes());
        }
    }
}
