//! JSON that is not cut into lines: one large list, or values that span lines.
//!
//! The text is cut between values, and inside of a list at its commas. The comma before a page
//! becomes a `[`, and a `]` is added behind it, so that every page is valid JSON at the places that
//! the text has in the file.

use std::io::Read;
use std::sync::Arc;

use super::{Framing, Numbering, Origin, PAGE_BYTES, Page, PageSource};
use crate::error::{Error, Result};

const CHUNK: usize = 256 << 10;

/// Cuts a stream of JSON values into pages.
pub(crate) struct DocumentReader<R> {
    reader: R,
    file: Option<Arc<str>>,
    /// What the last page did not take. It begins with `[` if it continues a list.
    rest: Vec<u8>,
    line: u64,
    column: u64,
    limit: usize,
    at_end: bool,
}

/// Follows the structure of JSON text from byte to byte.
#[derive(Debug, Default)]
struct Structure {
    at: usize,
    depth: usize,
    /// The innermost brackets are those of a list on the outermost level.
    outer_list: bool,
    in_text: bool,
    escaped: bool,
    /// An element of the outer list came since its last comma.
    element: bool,
    /// A comma of the outer list, until it is clear that an element follows.
    comma: Option<usize>,
    cut: Option<Cut>,
}

/// A place where a page may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// Between two values.
    Outside(usize),
    /// Before a comma of a list.
    Inside(usize),
}

impl Structure {
    /// Goes on to the end of the text and remembers the last place for a cut.
    fn follow(&mut self, text: &[u8]) {
        while let Some(&byte) = text.get(self.at) {
            let at = self.at;
            self.at += 1;
            if self.in_text {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_text = false,
                    _ => self.skip_plain(text),
                }
                continue;
            }
            if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                if self.depth == 0 && byte == b'\n' && at > 0 {
                    self.cut = Some(Cut::Outside(at));
                }
                continue;
            }
            if let Some(comma) = self.comma.take().filter(|_| byte != b']') {
                self.cut = Some(Cut::Inside(comma));
            }
            if byte == b',' && self.depth == 1 && self.outer_list {
                self.comma = Some(at).filter(|_| self.element);
                self.element = false;
                continue;
            }
            self.element |= self.depth > 0;
            match byte {
                b'"' => self.in_text = true,
                b'{' | b'[' => {
                    self.outer_list |= self.depth == 0 && byte == b'[';
                    self.depth += 1;
                }
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        (self.outer_list, self.element) = (false, false);
                        self.cut = Some(Cut::Outside(at + 1));
                    }
                }
                _ => {}
            }
        }
    }

    /// Skips text without quotes and escapes.
    fn skip_plain(&mut self, text: &[u8]) {
        let rest = text.get(self.at..).unwrap_or_default();
        self.at += memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
    }
}

impl<R: Read> DocumentReader<R> {
    pub(crate) fn new(reader: R, file: Option<Arc<str>>, page_bytes: Option<usize>) -> Self {
        let limit = page_bytes.unwrap_or(PAGE_BYTES).max(1);
        Self { reader, file, rest: Vec::new(), line: 1, column: 0, limit, at_end: false }
    }

    /// Reads until the buffer has the size of a page and can be cut, or to the end.
    fn fill(&mut self, buffer: &mut Vec<u8>) -> std::io::Result<Option<Cut>> {
        let mut structure = Structure::default();
        loop {
            structure.follow(buffer);
            if self.at_end {
                return Ok(None);
            }
            if let Some(cut) = structure.cut.filter(|_| buffer.len() >= self.limit) {
                return Ok(Some(cut));
            }
            let missing = self.limit.saturating_sub(buffer.len()).clamp(self.limit.min(CHUNK), CHUNK);
            let read = self.reader.by_ref().take(missing as u64).read_to_end(buffer)?;
            self.at_end = read == 0;
        }
    }

    /// Counts lines and columns up to the end of the page.
    fn advance(&mut self, bytes: &[u8]) {
        let lines = memchr::memchr_iter(b'\n', bytes).count() as u64;
        match memchr::memrchr(b'\n', bytes) {
            Some(last) => self.column = (bytes.len() - last - 1) as u64,
            None => self.column += bytes.len() as u64,
        }
        self.line += lines;
    }
}

impl<R: Read + Send> PageSource for DocumentReader<R> {
    fn next_page(&mut self, mut buffer: Vec<u8>) -> Result<Option<Page>> {
        buffer.clear();
        buffer.append(&mut self.rest);
        let cut = self.fill(&mut buffer).map_err(|error| {
            let file = self.file.as_deref().unwrap_or("the input");
            Error::io("read", std::path::Path::new(file), error)
        })?;
        let end = match cut {
            None => buffer.len(),
            Some(Cut::Outside(end) | Cut::Inside(end)) => end,
        };
        self.rest.extend_from_slice(buffer.get(end..).unwrap_or_default());
        buffer.truncate(end);
        if buffer.is_empty() {
            return Ok(None);
        }
        let lines = Numbering::Text { line: self.line, column: self.column };
        self.advance(&buffer);
        if matches!(cut, Some(Cut::Inside(_))) {
            buffer.push(b']');
            if let Some(comma) = self.rest.first_mut() {
                *comma = b'[';
            }
        }
        let origin = Origin { file: self.file.clone(), lines };
        Ok(Some(Page::new(buffer, Framing::Values, origin)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value as Json, json};

    fn pages(text: &str, size: usize) -> Vec<Page> {
        let mut reader = DocumentReader::new(text.as_bytes(), None, Some(size));
        std::iter::from_fn(|| reader.next_page(Vec::new()).unwrap()).collect()
    }

    fn elements(pages: &[Page]) -> Vec<Json> {
        let mut found = Vec::new();
        for page in pages {
            for value in serde_json::Deserializer::from_slice(&page.bytes).into_iter::<Json>() {
                match value.unwrap() {
                    Json::Array(items) => found.extend(items),
                    item => found.push(item),
                }
            }
        }
        found
    }

    #[test]
    fn a_list_is_cut_at_its_commas() {
        let text = "[{\"a\": \"],\"},\n {\"a\": [1,\n2]} ,null, \"x\\\"\"\n]\n";
        let cut = pages(text, 1);
        assert!(cut.len() > 3);
        assert_eq!(elements(&cut), [json!({"a": "],"}), json!({"a": [1, 2]}), Json::Null, json!("x\"")]);
        let place = cut[1].place(3);
        assert_eq!((place.line, place.column), (Some(2), Some(2)));
    }

    #[test]
    fn what_is_wrong_stays_wrong() {
        for text in ["[1,]", "[,1]", "[1,2", "[1,,2]", "{\"a\": 1", "[1] ]", "[1}"] {
            let cut = pages(text, 1);
            let valid = |page: &Page| {
                serde_json::Deserializer::from_slice(&page.bytes).into_iter::<Json>().all(|v| v.is_ok())
            };
            assert!(!cut.iter().all(valid), "{text}");
        }
    }

    proptest! {
        #[test]
        fn pages_hold_what_the_text_holds(
            items in proptest::collection::vec("[a-z\\[\\]{},\"\\\\\n ]{0,9}", 0..20),
            size in 1usize..60,
            list: bool,
        ) {
            let items: Vec<Json> = items.into_iter().map(|text| json!({"t": text, "l": [text.len()]})).collect();
            let text = match list {
                true => serde_json::to_string_pretty(&items).unwrap(),
                false => items.iter().map(|i| serde_json::to_string_pretty(i).unwrap()).collect::<Vec<_>>().join("\n"),
            };
            prop_assert_eq!(elements(&pages(&text, size)), items);
        }
    }
}
