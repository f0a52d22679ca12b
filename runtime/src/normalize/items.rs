//! The items of a page, one after the other.

use super::scan::{Problem, ScanError, Scanner};
use crate::input::{Framing, Page};

/// A walk over the items of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Items {
    at: usize,
    /// Within a line that is a list of items.
    in_list: bool,
    /// A line was an empty list: no item, but a sign that the resource is there.
    pub(crate) empty_list: bool,
    /// Items that were left behind.
    pub(crate) count: u64,
}

impl Items {
    /// Moves the scanner to the next item. False at the end of the page.
    pub(crate) fn enter(&mut self, page: &Page, scanner: &mut Scanner<'_>) -> Result<bool, ScanError> {
        loop {
            scanner.seek(self.at);
            let Some(byte) = scanner.next_byte() else { return Ok(false) };
            if self.in_list {
                return Ok(true);
            }
            if byte == b'[' {
                self.in_list = scanner.open_list()?;
                self.at = scanner.position();
                if self.in_list {
                    return Ok(true);
                }
                self.empty_list = true;
            } else if byte == b'n' && scanner.word("null").is_ok() {
                // a null is no item
                self.at = scanner.position();
            } else {
                return Ok(true);
            }
            self.end_of_item(page, scanner)?;
        }
    }

    /// Notes that the scanner is behind the item.
    pub(crate) fn leave(&mut self, page: &Page, scanner: &mut Scanner<'_>) -> Result<(), ScanError> {
        self.count += 1;
        if self.in_list {
            self.in_list = scanner.more_elements()?;
            self.at = scanner.position();
            if self.in_list {
                return Ok(());
            }
        }
        self.end_of_item(page, scanner)
    }

    /// Whether the item is one of several of its line.
    pub(crate) fn in_list(&self) -> bool {
        self.in_list
    }

    fn end_of_item(&mut self, page: &Page, scanner: &mut Scanner<'_>) -> Result<(), ScanError> {
        let from = scanner.position();
        if page.framing == Framing::Values {
            self.at = from;
            return Ok(());
        }
        let rest = page.bytes.get(from..).unwrap_or_default();
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let tail = rest.get(..end).unwrap_or_default();
        if let Some(junk) = tail.iter().position(|b| !matches!(b, b' ' | b'\t' | b'\r')) {
            return Err(ScanError { at: from + junk, problem: Problem::AfterValue });
        }
        self.at = from + end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Origin;

    fn walk(text: &str, framing: Framing) -> Result<Vec<String>, usize> {
        let page = Page::new(text.into(), framing, Origin::default());
        let mut scanner = Scanner::new(&page.bytes, 0);
        let mut items = Items::default();
        let mut found = Vec::new();
        while items.enter(&page, &mut scanner).map_err(|e| e.at)? {
            let start = scanner.position();
            scanner.skip_value(0).map_err(|e| e.at)?;
            found.push(String::from_utf8_lossy(scanner.slice(start)).into_owned());
            items.leave(&page, &mut scanner).map_err(|e| e.at)?;
        }
        Ok(found)
    }

    #[test]
    fn lines_are_items_and_lists_are_pages_of_items() {
        let text = "{\"a\":1}\n\n [1, null,[2] ]\r\n null \n[]\n\"x\"";
        assert_eq!(walk(text, Framing::Lines).unwrap(), ["{\"a\":1}", "1", "null", "[2]", "\"x\""]);
        assert_eq!(walk("1 2\n", Framing::Lines), Err(2));
        assert_eq!(walk("[1\n2]\n", Framing::Lines), Err(3));
    }

    #[test]
    fn values_may_span_lines() {
        let text = "{\"a\":\n1}\n[2,\n[3]] 4 [] null[\n]";
        assert_eq!(walk(text, Framing::Values).unwrap(), ["{\"a\":\n1}", "2", "[3]", "4"]);
    }
}
