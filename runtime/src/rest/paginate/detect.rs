//! What a first answer tells about items and pages.

use serde_json::Value as Json;

use super::{Expected, Paginator, Place, link};
use crate::normalize::scan::{Peek, ScanError, Scanner};
use crate::rest::client::message::Response;

/// The outer levels of a page: objects, single values, and where the lists are.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outline {
    Value(Json),
    List,
    Object(Vec<(String, Outline)>),
    /// Deeper than anyone looks.
    Deep,
}

/// Levels of objects that are looked at.
const DEPTH: usize = 3;
/// Keys under which APIs have their items.
const ITEM_KEYS: [&str; 11] = [
    "data", "items", "results", "entries", "records", "rows", "entities", "payload", "content", "objects",
    "values",
];
const TOTAL_PAGES_KEYS: [&str; 3] = ["total_pages", "pages", "totalpages"];

/// A paginator that was found, and why.
pub(super) struct Detected {
    pub(super) paginator: Paginator,
    pub(super) evidence: String,
    /// The parameters that it needs are a guess.
    pub(super) is_guess: bool,
}

impl Outline {
    pub(crate) fn of(page: &[u8]) -> Result<Self, ScanError> {
        Self::read(&mut Scanner::new(page, 0), page, 0)
    }

    fn read(scanner: &mut Scanner<'_>, page: &[u8], depth: usize) -> Result<Self, ScanError> {
        let peek = scanner.peek()?;
        let start = scanner.position();
        match peek {
            Peek::Object if depth < DEPTH => {
                let mut entries = Vec::new();
                let mut more = scanner.open_object()?;
                while more {
                    let key = scanner.key()?.decode()?.into_owned();
                    entries.push((key, Self::read(scanner, page, depth + 1)?));
                    more = scanner.more_keys()?;
                }
                Ok(Self::Object(entries))
            }
            _ => {
                scanner.skip_value(depth)?;
                Ok(match peek {
                    Peek::List => Self::List,
                    Peek::Object => Self::Deep,
                    _ => {
                        let text = page.get(start..scanner.position()).unwrap_or_default();
                        Self::Value(serde_json::from_slice(text).unwrap_or_default())
                    }
                })
            }
        }
    }

    fn entries(&self) -> &[(String, Outline)] {
        match self {
            Self::Object(entries) => entries,
            _ => &[],
        }
    }

    /// Where the items are: the list under a usual key, else the first list, else the whole.
    pub(crate) fn items_path(&self) -> String {
        let mut lists = Vec::new();
        self.lists(&mut Vec::new(), &mut lists);
        let usual =
            lists.iter().find(|path| path.last().is_some_and(|key| ITEM_KEYS.contains(&key.as_str())));
        usual.or(lists.first()).map_or_else(|| "$".to_owned(), |path| path_text(path))
    }

    fn lists(&self, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
        for (key, value) in self.entries() {
            path.push(key.clone());
            match value {
                Self::List => found.push(path.clone()),
                value => value.lists(path, found),
            }
            path.pop();
        }
    }

    /// The first single value, in the order of the text, that a test takes.
    fn find(&self, path: &mut Vec<String>, test: &dyn Fn(&[String], &Json) -> bool) -> Option<Json> {
        for (key, value) in self.entries() {
            path.push(key.clone());
            match value {
                Self::Value(value) if test(path, value) => return Some(value.clone()),
                Self::Object(_) => {
                    if let Some(found) = value.find(path, test) {
                        return Some(found);
                    }
                }
                _ => {}
            }
            path.pop();
        }
        None
    }

    fn found(&self, test: &dyn Fn(&[String], &Json) -> bool) -> Option<(String, Json)> {
        let mut path = Vec::new();
        let value = self.find(&mut path, test)?;
        Some((path_text(&path), value))
    }

    /// The value of a key that begins with `next`, or of its `href` or `url`.
    fn next(&self) -> Option<(String, Json)> {
        self.found(&|path, value| {
            let is = |at: usize, test: &dyn Fn(&str) -> bool| {
                let key = path.len().checked_sub(at).and_then(|at| path.get(at));
                key.is_some_and(|key| test(&key.to_lowercase()))
            };
            let next = |key: &str| key.starts_with("next");
            let link = |key: &str| key.starts_with("href") || key.starts_with("url");
            matches!(value, Json::String(_) | Json::Number(_))
                && (is(1, &next) || (is(1, &link) && is(2, &next)))
        })
    }

    fn total_pages(&self) -> Option<(String, Json)> {
        self.found(&|path, value| {
            let key = path.last().map(|key| key.to_lowercase()).unwrap_or_default();
            let number = match value {
                Json::Number(number) => number.as_i64(),
                Json::String(text) => text.parse().ok(),
                _ => None,
            };
            TOTAL_PAGES_KEYS.contains(&key.as_str()) && number.is_some()
        })
    }
}

fn path_text(path: &[String]) -> String {
    let mut text = String::new();
    for key in path {
        let plain = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
        match plain {
            true if text.is_empty() => text.push_str(key),
            true => text.push_str(&format!(".{key}")),
            false => text.push_str(&format!("['{}']", key.replace('\\', "\\\\").replace('\'', "\\'"))),
        }
    }
    if text.starts_with('[') { format!("${text}") } else { text }
}

/// Finds the paginator from the first answer.
pub(super) fn detect(response: &Response) -> Detected {
    let links = response.headers.get_all("link").iter().filter_map(|value| value.to_str().ok());
    if link::target(links, "next").is_some() {
        let evidence = "the header Link has a next page".to_owned();
        return Detected { paginator: Paginator::header_link(), evidence, is_guess: false };
    }
    let outline = Outline::of(&response.body).unwrap_or(Outline::Deep);
    let next = outline.next();
    if let Some((path, Json::String(link))) = &next
        && (link.starts_with("http") || link.starts_with('/'))
    {
        let evidence = format!("`{path}` is a link");
        return Detected { paginator: Paginator::json_link(path), evidence, is_guess: false };
    }
    if let Some((path, pages)) = outline.total_pages() {
        let evidence = format!("`{path}` says that there are {pages} pages");
        let mut paginator = Paginator::page_number();
        paginator.total = Some(Expected { path, required: true });
        // the first page was asked for without a number: it is 0 or 1, and what the answer calls
        // itself tells
        paginator.first = outline.page_number().unwrap_or(0);
        return Detected { paginator, evidence, is_guess: true };
    }
    if let Some((path, _)) = next {
        let evidence = format!("`{path}` could be a cursor");
        return Detected { paginator: Paginator::cursor(path), evidence, is_guess: true };
    }
    let evidence = "nothing in the answer tells of further pages".to_owned();
    Detected { paginator: Paginator::single_page(), evidence, is_guess: false }
}

impl Outline {
    fn page_number(&self) -> Option<i64> {
        let keys = ["page", "current_page", "currentpage", "page_number", "pagenumber"];
        let test = |path: &[String], value: &Json| {
            path.last().is_some_and(|key| keys.contains(&key.to_lowercase().as_str())) && value.is_i64()
        };
        self.found(&test)?.1.as_i64().filter(|number| (0..=1).contains(number))
    }
}

/// Whether a path ends with a placeholder, which usually means a single thing.
pub(crate) fn single_entity(path: &str) -> bool {
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let inside = last.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(inside, _)| inside);
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+');
    inside.is_some_and(|inside| !inside.is_empty() && inside.chars().all(allowed))
}

/// Whether a page without successor looks as if it had one: it is as full as was asked for, or as
/// full as pages usually are.
pub(super) fn looks_full(items: u64, asked: &reqwest::Url) -> bool {
    const USUAL: [u64; 10] = [10, 20, 25, 30, 50, 100, 200, 250, 500, 1000];
    const NAMES: [&str; 8] =
        ["limit", "per_page", "page_size", "pagesize", "size", "count", "max_results", "maxresults"];
    let name = |name: &str| NAMES.contains(&name.to_lowercase().as_str());
    let asked: Option<u64> =
        asked.query_pairs().find(|(key, _)| name(key)).and_then(|(_, size)| size.parse().ok());
    match asked {
        Some(size) => items > 0 && items == size,
        None => USUAL.contains(&items),
    }
}

impl Place {
    /// For messages.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Query(name) => format!("parameter `{name}`"),
            Self::Header(name) => format!("header `{name}`"),
            Self::Body(path) => format!("`{path}` of the body"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detected(body: &str, headers: &[(&'static str, &str)]) -> (&'static str, String) {
        let headers = headers
            .iter()
            .map(|(name, value)| (reqwest::header::HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        let url = reqwest::Url::parse("http://a/").unwrap();
        let response = Response { status: 200, headers, url, body: body.into() };
        let found = detect(&response);
        (found.paginator.name(), found.evidence)
    }

    #[test]
    fn paginators_are_found_from_the_first_answer() {
        for (body, name, evidence) in [
            (r#"{"results": [], "next": "http://a/?page=2"}"#, "json_link", "`next` is a link"),
            (r#"{"links": {"next": {"href": "/b"}}}"#, "json_link", "`links.next.href` is a link"),
            (r#"{"meta": {"next_cursor": "x"}}"#, "cursor", "`meta.next_cursor` could be a cursor"),
            (
                r#"{"total_pages": "7", "next": 2}"#,
                "page_number",
                "`total_pages` says that there are \"7\" pages",
            ),
            (
                r#"{"items": [{"next": "http://a"}]}"#,
                "single_page",
                "nothing in the answer tells of further pages",
            ),
            (r#"{"next": null}"#, "single_page", "nothing in the answer tells of further pages"),
            ("[1, 2]", "single_page", "nothing in the answer tells of further pages"),
        ] {
            assert_eq!(detected(body, &[]), (name, evidence.to_owned()), "{body}");
        }
        let link = ("link", "<http://a/?page=2>; rel=\"next\"");
        assert_eq!(detected("[]", &[link]).0, "header_link");
    }

    #[test]
    fn items_are_found_under_usual_keys_first() {
        for (body, path) in [
            ("[1]", "$"),
            ("7", "$"),
            (r#"{"errors": [], "data": [1]}"#, "data"),
            (r#"{"response": {"rows": []}}"#, "response.rows"),
            (r#"{"things": [], "others": []}"#, "things"),
            (r#"{"a b": {"items": []}}"#, "$['a b'].items"),
            (r#"{"a": {"b": {"c": {"items": []}}}}"#, "$"),
            (r#"{"id": 1}"#, "$"),
        ] {
            assert_eq!(Outline::of(body.as_bytes()).unwrap().items_path(), path, "{body}");
        }
    }

    #[test]
    fn paths_with_a_placeholder_at_the_end_are_single() {
        for path in ["users/{id}", "users/{resources.users.id}/", "{+url}", "a/{b}.json"] {
            assert!(single_entity(path), "{path}");
        }
        for path in ["users", "users/{id}/posts", "a/{}"] {
            assert!(!single_entity(path), "{path}");
        }
    }
}
