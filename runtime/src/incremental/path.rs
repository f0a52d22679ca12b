//! Paths to the cursor of an item: a subset of JSONPath.

use crate::error::{Error, Result};
use crate::normalize::tree::{Node, Tree};

/// Where the cursor of an item is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CursorPath {
    steps: Vec<PathStep>,
    simple: Option<String>,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PathStep {
    /// The value of a key.
    Key(String),
    /// An element of a list, counted from the end if negative.
    Index(i64),
    /// All elements of a list, or all values of an object.
    All,
}

impl CursorPath {
    /// Reads `updated_at`, `meta.updated`, `events[0].at`, `$['updated at']` or `items[*].at`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let parser = Parser { what: "cursor path", text, rest: text };
        let (steps, from_root) = parser.steps()?;
        let simple = match steps.as_slice() {
            [PathStep::Key(key)] if !from_root => Some(key.clone()),
            _ => None,
        };
        Ok(Self { steps, simple })
    }

    /// The path of one key after the other.
    pub(crate) fn of_keys(keys: &[String]) -> Self {
        let simple = match keys {
            [key] => Some(key.clone()),
            _ => None,
        };
        Self { steps: keys.iter().cloned().map(PathStep::Key).collect(), simple }
    }

    /// The steps of any path; `$` alone has none.
    #[cfg(feature = "rest")]
    pub(crate) fn steps(what: &'static str, text: &str) -> Result<Vec<PathStep>> {
        if text.trim() == "$" {
            return Ok(Vec::new());
        }
        Parser { what, text, rest: text }.steps().map(|(steps, _)| steps)
    }

    /// The key, if the path is nothing but a key.
    pub(crate) fn simple(&self) -> Option<&str> {
        self.simple.as_deref()
    }

    /// The first value that the path leads to.
    pub(crate) fn find<'n, 'a>(&self, item: &'n Node<'a>) -> Option<&'n Node<'a>> {
        find(item, &self.steps)
    }
}

fn find<'n, 'a>(node: &'n Node<'a>, steps: &[PathStep]) -> Option<&'n Node<'a>> {
    let Some((step, rest)) = steps.split_first() else { return Some(node) };
    match (step, &node.tree) {
        (PathStep::Key(key), _) => find(node.get(key)?, rest),
        (PathStep::Index(index), Tree::List(items)) => {
            let at = if *index < 0 { items.len() as i64 + index } else { *index };
            find(items.get(usize::try_from(at).ok()?)?, rest)
        }
        (PathStep::All, Tree::List(items)) => items.iter().find_map(|item| find(item, rest)),
        (PathStep::All, Tree::Object(entries)) => entries.iter().find_map(|(_, item)| find(item, rest)),
        _ => None,
    }
}

struct Parser<'t> {
    /// What the path is for, for errors.
    what: &'static str,
    text: &'t str,
    rest: &'t str,
}

impl Parser<'_> {
    fn error(&self, what: &str) -> Error {
        let at = self.text.len() - self.rest.len();
        Error::config(format!("{} `{}`: {what} at position {}", self.what, self.text, at + 1))
            .help("a path is a key, keys joined by dots, [0], [*] or ['a key']")
    }

    fn steps(mut self) -> Result<(Vec<PathStep>, bool)> {
        let mut steps = Vec::new();
        let from_root = self.eat("$");
        let mut first = !from_root;
        while !self.rest.is_empty() {
            if self.rest.starts_with('[') {
                steps.push(self.bracket()?);
            } else {
                if !first && !self.eat(".") {
                    return Err(self.error("expected `.` or `[`"));
                }
                steps.push(self.member()?);
            }
            first = false;
        }
        if steps.is_empty() {
            return Err(self.error("expected a key"));
        }
        Ok((steps, from_root))
    }

    fn eat(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn member(&mut self) -> Result<PathStep> {
        if self.eat("*") {
            return Ok(PathStep::All);
        }
        if self.rest.starts_with(['"', '\'']) {
            return self.quoted().map(PathStep::Key);
        }
        if self.rest.starts_with('[') {
            return self.bracket();
        }
        let end = self.rest.find(['.', '[', ']', '*', '$', '"', '\'']).unwrap_or(self.rest.len());
        let (key, rest) = self.rest.split_at(end);
        if key.is_empty() {
            return Err(self.error("expected a key"));
        }
        self.rest = rest;
        Ok(PathStep::Key(key.trim().to_owned()))
    }

    fn bracket(&mut self) -> Result<PathStep> {
        self.eat("[");
        let step = if self.eat("*") {
            PathStep::All
        } else if self.rest.starts_with(['"', '\'']) {
            PathStep::Key(self.quoted()?)
        } else {
            let end = self.rest.find(']').unwrap_or(self.rest.len());
            let (inside, rest) = self.rest.split_at(end);
            let step = match inside.trim().parse() {
                Ok(index) => PathStep::Index(index),
                Err(_) if inside.chars().all(|c| c.is_alphanumeric() || c == '_') && !inside.is_empty() => {
                    PathStep::Key(inside.to_owned())
                }
                Err(_) => return Err(self.error("expected an index, `*` or a quoted key")),
            };
            self.rest = rest;
            step
        };
        if self.eat("]") { Ok(step) } else { Err(self.error("expected `]`")) }
    }

    fn quoted(&mut self) -> Result<String> {
        let quote = self.rest.chars().next().unwrap_or('"');
        let mut key = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => key.extend(chars.next().map(|(_, c)| c)),
                c if c == quote => {
                    self.rest = self.rest.get(at + c.len_utf8()..).unwrap_or_default();
                    return Ok(key);
                }
                c => key.push(c),
            }
        }
        Err(self.error("the quote is not closed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::scan::Scanner;
    use proptest::prelude::*;

    const ITEM: &str = r#"{"t":1,"meta":{"updated":2,"a b":{"c":3}},"ev":[{"t":4},{"t":5}],"na.me":6}"#;

    fn found(path: &str) -> Option<String> {
        let item = Node::read(&mut Scanner::new(ITEM.as_bytes(), 0), 0).unwrap();
        CursorPath::parse(path).unwrap().find(&item).map(Node::compact)
    }

    #[test]
    fn paths_lead_to_values() {
        for (path, value) in [
            ("t", "1"),
            ("$.t", "1"),
            ("meta.updated", "2"),
            ("$.meta['a b'].c", "3"),
            ("ev[0].t", "4"),
            ("ev[-1].t", "5"),
            ("$.ev[*].t", "4"),
            ("\"na.me\"", "6"),
            ("$['na.me']", "6"),
            ("meta.*", "2"),
        ] {
            assert_eq!(found(path).as_deref(), Some(value), "{path}");
        }
        for path in ["x", "t.x", "ev[7].t", "meta[0]"] {
            assert_eq!(found(path), None, "{path}");
        }
        assert_eq!(CursorPath::parse("\"na.me\"").unwrap().simple(), Some("na.me"));
        assert_eq!(CursorPath::parse("$.t").unwrap().simple(), None);
    }

    #[test]
    fn broken_paths_name_the_position() {
        let text = CursorPath::parse("a..b").unwrap_err().to_string();
        assert!(text.starts_with("cursor path `a..b`: expected a key at position 3"), "{text}");
        for path in ["", "a[", "a['x", "a[1", "$", "a b]"] {
            assert!(CursorPath::parse(path).is_err(), "{path}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(path in "[a-c.\\[\\]*'\"$0-9 \\\\ü]{0,12}") {
            let _ = CursorPath::parse(&path);
        }
    }
}
