//! Selectors: paths that cut values out of the bytes of a page.
//!
//! A selector walks over the text once and builds nothing on the way: what it finds are ranges of
//! bytes. Only single values, such as the link to the next page, become JSON values.

use std::ops::Range;

use serde_json::Value as Json;

use crate::error::Result;
use crate::incremental::{CursorPath, PathStep};
use crate::normalize::scan::{MAX_DEPTH, Peek, Problem, ScanError, Scanner};

/// A path to values of a page: `items`, `data.rows`, `results[*].node`, `$`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selector {
    text: String,
    steps: Vec<PathStep>,
}

/// The items of a page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Items {
    /// What was found: a list, whose elements are items, or a value, which is an item.
    pub(crate) found: Vec<Found>,
    /// How many items these are.
    pub(crate) count: u64,
    /// The last of them.
    pub(crate) last: Option<Range<usize>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) range: Range<usize>,
    pub(crate) is_list: bool,
}

impl Selector {
    /// Reads a path; `what` it is for is shown in errors.
    pub(crate) fn parse(what: &'static str, text: &str) -> Result<Self> {
        Ok(Self { text: text.to_owned(), steps: CursorPath::steps(what, text)? })
    }

    /// The whole page.
    pub(crate) fn whole() -> Self {
        Self { text: "$".to_owned(), steps: Vec::new() }
    }

    /// The path as it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The items, of a page that has been found to be UTF-8. Null stands for no items.
    pub(crate) fn items(&self, page: &[u8]) -> Result<Items, ScanError> {
        let mut items = Items::default();
        let mut scanner = Scanner::new(page, 0);
        walk(&mut scanner, &self.steps, 0, &mut |scanner| items.add(scanner))?;
        match scanner.next_byte() {
            None => Ok(items),
            Some(_) => Err(scanner.error(Problem::AfterValue)),
        }
    }

    /// The first value that the path leads to.
    pub(crate) fn first(&self, page: &[u8]) -> Option<Json> {
        let mut found: Option<Range<usize>> = None;
        let mut scanner = Scanner::new(page, 0);
        // a page that is broken behind the value was refused before
        let _ = walk(&mut scanner, &self.steps, 0, &mut |scanner| {
            let start = begin(scanner)?;
            scanner.skip_value(0)?;
            found.get_or_insert(start..scanner.position());
            Ok(())
        });
        serde_json::from_slice(page.get(found?)?).ok()
    }
}

impl Items {
    fn add(&mut self, scanner: &mut Scanner<'_>) -> Result<(), ScanError> {
        let peek = scanner.peek()?;
        let start = scanner.position();
        match peek {
            Peek::Null => return scanner.word("null"),
            Peek::List => {
                let mut more = scanner.open_list()?;
                while more {
                    let element = begin(scanner)?;
                    scanner.skip_value(1)?;
                    self.count += 1;
                    self.last = Some(element..scanner.position());
                    more = scanner.more_elements()?;
                }
            }
            _ => {
                scanner.skip_value(0)?;
                self.count += 1;
                self.last = Some(start..scanner.position());
            }
        }
        self.found.push(Found { range: start..scanner.position(), is_list: peek == Peek::List });
        Ok(())
    }

    /// The items alone, as a page: a list, or several values with line ends between. The buffer of
    /// the answer is used again.
    pub(crate) fn cut(&self, mut page: Vec<u8>) -> Vec<u8> {
        let [only] = self.found.as_slice() else {
            let parts = self.found.iter().filter_map(|found| page.get(found.range.clone()));
            return parts.collect::<Vec<_>>().join(&b'\n');
        };
        page.truncate(only.range.end);
        page.drain(..only.range.start.min(page.len()));
        page
    }
}

/// Calls a function with each item of a page: of lists each element, else each value.
pub(crate) fn each_item<'p>(page: &'p [u8], visit: &mut dyn FnMut(&'p [u8]) -> Result<()>) -> Result<()> {
    let broken = |error: ScanError| {
        crate::rest::client::failed(format!(
            "a page is broken at byte {}: {}",
            error.at,
            error.problem.message()
        ))
    };
    let mut scanner = Scanner::new(page, 0);
    let mut one = |scanner: &mut Scanner<'p>| -> Result<()> {
        let start = begin(scanner).map_err(broken)?;
        scanner.skip_value(1).map_err(broken)?;
        visit(scanner.slice(start))
    };
    while scanner.next_byte().is_some() {
        if scanner.peek().map_err(broken)? != Peek::List {
            one(&mut scanner)?;
            continue;
        }
        let mut more = scanner.open_list().map_err(broken)?;
        while more {
            one(&mut scanner)?;
            more = scanner.more_elements().map_err(broken)?;
        }
    }
    Ok(())
}

/// Where the value at the scanner begins.
fn begin(scanner: &mut Scanner<'_>) -> Result<usize, ScanError> {
    scanner.peek()?;
    Ok(scanner.position())
}

type Visit<'v> = dyn FnMut(&mut Scanner<'_>) -> Result<(), ScanError> + 'v;

/// Goes over a value and stops at what the path leads to; `visit` has to go over that.
fn walk(
    scanner: &mut Scanner<'_>,
    steps: &[PathStep],
    depth: usize,
    visit: &mut Visit<'_>,
) -> Result<(), ScanError> {
    let Some((step, rest)) = steps.split_first() else { return visit(scanner) };
    let peek = scanner.peek()?;
    if depth > MAX_DEPTH {
        return Err(scanner.error(Problem::TooDeep));
    }
    match (peek, step) {
        (Peek::Object, PathStep::Key(_) | PathStep::All) => {
            let mut more = scanner.open_object()?;
            while more {
                let token = scanner.key()?;
                let takes = match step {
                    PathStep::Key(key) => token.decode()? == key.as_str(),
                    _ => true,
                };
                go(takes, scanner, rest, depth + 1, visit)?;
                more = scanner.more_keys()?;
            }
            Ok(())
        }
        (Peek::List, PathStep::Index(_) | PathStep::All) => {
            let wanted = match step {
                PathStep::Index(index) => Some(position(scanner, *index, depth)?),
                _ => None,
            };
            let mut more = scanner.open_list()?;
            let mut at = 0;
            while more {
                go(wanted.is_none_or(|wanted| wanted == at), scanner, rest, depth + 1, visit)?;
                at += 1;
                more = scanner.more_elements()?;
            }
            Ok(())
        }
        _ => scanner.skip_value(depth),
    }
}

fn go(
    takes: bool,
    scanner: &mut Scanner<'_>,
    steps: &[PathStep],
    depth: usize,
    visit: &mut Visit<'_>,
) -> Result<(), ScanError> {
    if takes { walk(scanner, steps, depth, visit) } else { scanner.skip_value(depth) }
}

/// The place of an index from the start; those from the end need the length of the list.
fn position(scanner: &mut Scanner<'_>, index: i64, depth: usize) -> Result<i64, ScanError> {
    if index >= 0 {
        return Ok(index);
    }
    let start = scanner.position();
    let mut length = 0;
    let mut more = scanner.open_list()?;
    while more {
        scanner.skip_value(depth + 1)?;
        length += 1;
        more = scanner.more_elements()?;
    }
    scanner.seek(start);
    Ok(length + index)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const PAGE: &str = r#" {"meta": {"next": "b", "n": [1, 2]}, "it\u0065ms": [ {"id": 1}, {"id": 2} ], "none": null,
        "edges": [{"node": {"id": 3}}, {"node": {"id": 4}}]} "#;

    fn selected(path: &str) -> (String, u64) {
        let items = Selector::parse("data selector", path).unwrap().items(PAGE.as_bytes()).unwrap();
        (String::from_utf8(items.cut(PAGE.into())).unwrap(), items.count)
    }

    #[test]
    fn items_are_cut_out() {
        assert_eq!(selected("items"), (r#"[ {"id": 1}, {"id": 2} ]"#.into(), 2));
        assert_eq!(selected("items[-1]"), (r#"{"id": 2}"#.into(), 1));
        assert_eq!(selected("edges[*].node"), ("{\"id\": 3}\n{\"id\": 4}".into(), 2));
        assert_eq!(selected("meta"), (r#"{"next": "b", "n": [1, 2]}"#.into(), 1));
        assert_eq!(selected("$").1, 1);
        for path in ["none", "nothing", "items.id", "meta[0]", "edges[7]"] {
            assert_eq!(selected(path), (String::new(), 0), "{path}");
        }
    }

    #[test]
    fn single_values_are_read() {
        let first = |path: &str| Selector::parse("path", path).unwrap().first(PAGE.as_bytes());
        assert_eq!(first("meta.next"), Some(json!("b")));
        assert_eq!(first("meta.n[-1]"), Some(json!(2)));
        assert_eq!(first("edges[*].node.id"), Some(json!(3)));
        assert_eq!(first("none"), Some(Json::Null));
        assert_eq!(first("meta.prev"), None);
    }

    #[test]
    fn broken_text_is_an_error() {
        let items = |text: &str| Selector::parse("path", "a").unwrap().items(text.as_bytes());
        for text in ["", "{", r#"{"a": [1, 2"#, r#"{"a": [1]} x"#, "{\"a\": [1 2]}"] {
            assert!(items(text).is_err(), "{text}");
        }
    }

    fn json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<i64>().prop_map(Json::from),
            "[a-c\"\\\\é ]{0,3}".prop_map(Json::from)
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                proptest::collection::btree_map("[a-c]", inner, 0..4)
                    .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
            ]
        })
    }

    /// What the path leads to, by the tree.
    fn reference<'j>(value: &'j Json, steps: &[PathStep]) -> Vec<&'j Json> {
        let Some((step, rest)) = steps.split_first() else { return vec![value] };
        let next: Vec<&Json> = match (step, value) {
            (PathStep::Key(key), Json::Object(map)) => map.get(key).into_iter().collect(),
            (PathStep::All, Json::Object(map)) => map.values().collect(),
            (PathStep::All, Json::Array(list)) => list.iter().collect(),
            (PathStep::Index(index), Json::Array(list)) => {
                let at = if *index < 0 { list.len() as i64 + index } else { *index };
                usize::try_from(at).ok().and_then(|at| list.get(at)).into_iter().collect()
            }
            _ => Vec::new(),
        };
        next.into_iter().flat_map(|value| reference(value, rest)).collect()
    }

    proptest! {
        #[test]
        fn bytes_lead_where_the_tree_leads(
            value in json(),
            path in r"(\$|[a-c]|\*)(\.[a-c]|\[[-0-2]\]|\[\*\]){0,3}",
            pretty: bool,
        ) {
            let Ok(selector) = Selector::parse("path", &path) else { return Ok(()) };
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            let text = text.unwrap();
            let wanted = reference(&value, &selector.steps);
            let rows: Vec<&Json> = wanted.iter().flat_map(|found| match found {
                Json::Null => Vec::new(),
                Json::Array(list) => list.iter().collect(),
                other => vec![*other],
            }).collect();
            let items = selector.items(text.as_bytes()).unwrap();
            prop_assert_eq!(items.count, rows.len() as u64);
            let last = items.last.clone().map(|range| serde_json::from_str::<Json>(&text[range]).unwrap());
            prop_assert_eq!(last.as_ref(), rows.last().copied());
            let cut = items.cut(text.clone().into_bytes());
            let values: Vec<Json> = serde_json::Deserializer::from_slice(&cut).into_iter().map(Result::unwrap).collect();
            let read: Vec<&Json> = values.iter().flat_map(|found| match found {
                Json::Array(list) => list.iter().collect(),
                other => vec![other],
            }).collect();
            prop_assert_eq!(read, rows);
            prop_assert_eq!(selector.first(text.as_bytes()), wanted.first().copied().cloned());
        }

        #[test]
        fn anything_is_read_without_panic(text in "[\\[\\]{}\",:a1 .\\\\-]{0,40}", path in "[a\\[\\]*.0$-]{0,6}") {
            if let Ok(selector) = Selector::parse("path", &path) {
                let _ = selector.items(text.as_bytes());
                let _ = selector.first(text.as_bytes());
            }
        }
    }
}
