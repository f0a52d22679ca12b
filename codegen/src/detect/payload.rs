//! Where the rows are in an answer, and whether there are many.

use super::Links;
use super::envelope::{Envelope, Kind, Part};
use super::paging::Paging;
use crate::finding::{Confidence, Finding};
use crate::operation::Operation;
use crate::read::Node;
use crate::words::{plain, same, singular, snake, words};

/// The rows of an answer.
#[derive(Debug)]
pub(crate) struct Payload<'d> {
    pub(crate) path: String,
    pub(crate) is_list: bool,
    /// The schema of a row, if there is one.
    pub(crate) row: Option<Node<'d>>,
    pub(crate) finding: Finding,
}

/// Names that lists of rows have in answers, whatever the rows are.
const ROWS: &[&str] = &[
    "data",
    "results",
    "items",
    "value",
    "values",
    "records",
    "entries",
    "list",
    "rows",
    "content",
    "objects",
    "elements",
    "hits",
    "docs",
    "resources",
    "result",
    "collection",
    "features",
    "nodes",
    "members",
    "documents",
    "entities",
    "datalist",
    "resultlist",
    "response",
    "body",
    "edges",
    "matches",
    "payload",
    "resultset",
];
/// Names of objects that only wrap.
const WRAPPERS: &[&str] = &[
    "data",
    "response",
    "result",
    "results",
    "body",
    "content",
    "payload",
    "embedded",
    "hits",
    "list",
    "value",
    "output",
    "page",
    "query",
    "collection",
    "resultset",
    "items",
    "responsedata",
    "d",
    "root",
    "search",
    "object",
];
/// Names of lists that are beside the rows.
const BESIDE: &[&str] = &[
    "errors",
    "error",
    "warnings",
    "links",
    "included",
    "facets",
    "fields",
    "filters",
    "sort",
    "sorts",
    "notifications",
    "debug",
    "aggregations",
    "columns",
    "meta",
    "metadata",
    "pagination",
    "paging",
    "suggestions",
    "unreachable",
    "etags",
    "expand",
    "required",
    "headers",
    "warning",
    "info",
    "schema",
    "breadcrumbs",
    "orderby",
];
/// Names of values and objects that tell of the answer and not of a row.
const ABOUT: &[&str] = &[
    "count",
    "total",
    "totalcount",
    "totalresults",
    "totalitems",
    "totalrecords",
    "totalsize",
    "totalelements",
    "size",
    "limit",
    "offset",
    "page",
    "pages",
    "perpage",
    "pagesize",
    "pagenumber",
    "totalpages",
    "pagecount",
    "currentpage",
    "lastpage",
    "next",
    "previous",
    "prev",
    "first",
    "last",
    "nextpage",
    "previouspage",
    "prevpage",
    "nextpagetoken",
    "nexttoken",
    "cursor",
    "nextcursor",
    "prevcursor",
    "previouscursor",
    "hasmore",
    "hasnext",
    "hasnextpage",
    "hasprevious",
    "more",
    "links",
    "meta",
    "metadata",
    "paging",
    "pagination",
    "pageinfo",
    "status",
    "statuscode",
    "code",
    "message",
    "messages",
    "success",
    "ok",
    "error",
    "errors",
    "warnings",
    "warning",
    "kind",
    "etag",
    "self",
    "selflink",
    "object",
    "url",
    "href",
    "type",
    "version",
    "apiversion",
    "requestid",
    "copyright",
    "attribution",
    "included",
    "jsonapi",
    "responsemetadata",
    "timestamp",
    "nextlink",
    "odatanextlink",
    "odatacontext",
    "odatacount",
    "from",
    "to",
    "start",
    "took",
    "timedout",
    "resultcount",
    "numfound",
];

/// What is known of an answer before its schema is looked at.
pub(crate) struct Asked<'a> {
    pub(crate) paging: &'a Paging<'a, 'a>,
    pub(crate) links: &'a Links,
}

pub(crate) fn detect<'d>(
    operation: &Operation<'d>,
    schema: Node<'d>,
    envelope: &Envelope<'d>,
    asked: &Asked<'_>,
) -> Payload<'d> {
    let found = |path: &str, is_list, row, message: &str, evidence: String, confidence| Payload {
        path: path.to_owned(),
        is_list,
        row,
        finding: Finding::new("payload", message, confidence).because(evidence),
    };
    if envelope.top.is_list() {
        return found(
            "$",
            true,
            envelope.top.items,
            "the answer is a list",
            "type: array".into(),
            Confidence::High,
        );
    }
    let detail = ends_in_parameter(operation.path);
    let counted = asked.links.page.is_some() && asked.links.total.is_some();
    let paged = asked.paging.any() || asked.links.any() || (asked.paging.size.is_some() && !detail);
    if let Some((score, part)) = best_list(operation.path, envelope, paged, asked.links.any()) {
        // an answer that counts pages is paged, although its parameters do not say so
        let paged = paged || counted && !ABOUT.contains(&plain(part.name).as_str());
        let needed = match (detail, paged) {
            (false, true) => 1,
            (false, false) => 4,
            (true, true) => 6,
            (true, false) => 9,
        };
        if score >= needed
            && let Kind::List { item, .. } = &part.kind
        {
            let confidence = if score >= needed + 4 { Confidence::High } else { Confidence::Medium };
            let evidence = format!("list `{}`{}", part.path, if paged { ", paged" } else { "" });
            return found(&part.path, true, *item, "rows are in a list of the answer", evidence, confidence);
        }
    }
    if let Some(part) = only_object(envelope) {
        let evidence = format!("object `{}` beside nothing but remarks", part.path);
        return found(
            &part.path,
            false,
            Some(part.node),
            "the row is an object of the answer",
            evidence,
            Confidence::Medium,
        );
    }
    let bare = envelope.top.properties.is_empty()
        || own_values(envelope) == 0 && envelope.parts.iter().all(|p| matches!(p.kind, Kind::Scalar { .. }));
    if envelope.top.is_untyped() && !asked.paging.any() && sounds_like_many(operation.path) {
        let evidence = "the path names many, and the document does not describe them".to_owned();
        return found("$", true, None, "rows are found when it runs", evidence, Confidence::Low);
    }
    if bare && asked.paging.any() && !detail {
        let evidence = "it is paged, and the document does not describe its rows".to_owned();
        return found("$", true, None, "rows are found when it runs", evidence, Confidence::Low);
    }
    let keyed = envelope.top_level().any(|p| plain(p.name) == "id" && matches!(p.kind, Kind::Scalar { .. }));
    if keyed && !detail && asked.paging.page.is_some() && asked.paging.size.is_some() {
        let evidence = "it is paged, although the document describes one row".to_owned();
        return found("$", true, Some(schema), "the answer is a list", evidence, Confidence::Low);
    }
    let confidence = if envelope.top.properties.is_empty() { Confidence::Low } else { Confidence::Medium };
    found(
        "$",
        false,
        Some(schema),
        "the answer is one row",
        "no list that looks like rows".into(),
        confidence,
    )
}

/// Whether a path ends in a parameter, with or without an ending such as `.json`.
pub(crate) fn ends_in_parameter(path: &str) -> bool {
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let last = last.split(['?', '#']).next().unwrap_or_default();
    let last = last.strip_suffix(".json").or_else(|| last.strip_suffix(".{format}")).unwrap_or(last);
    last.ends_with('}')
}

/// Whether the last step of a path is a plural, such as `/boards/{id}/cards`.
pub(crate) fn sounds_like_many(path: &str) -> bool {
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let name = snake(last.strip_suffix(".json").unwrap_or(last));
    let word = name.rsplit('_').next().unwrap_or_default();
    !last.contains(['{', '#', '?', '(', '$']) && singular(word) != word && !SINGLE.contains(&word)
}

/// Plurals that are one thing.
const SINGLE: &[&str] = &[
    "settings",
    "stats",
    "statistics",
    "preferences",
    "details",
    "credentials",
    "options",
    "analytics",
    "docs",
];

/// The last step of a path that is a word.
pub(crate) fn last_word(path: &str) -> &str {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let word = path
        .split('/')
        .rev()
        .find(|s| !s.is_empty() && !s.contains('{') && !s.contains('}'))
        .unwrap_or_default();
    word.split(['.', ':', '(']).next().filter(|w| !w.is_empty()).unwrap_or(word)
}

fn best_list<'e, 'd>(
    path: &str,
    envelope: &'e Envelope<'d>,
    paged: bool,
    linked: bool,
) -> Option<(i32, &'e Part<'d>)> {
    let own = if linked { 0 } else { own_values(envelope) };
    let lists: Vec<&Part<'d>> =
        envelope.parts.iter().filter(|p| matches!(p.kind, Kind::List { .. })).collect();
    let objects = lists.iter().filter(|p| matches!(p.kind, Kind::List { objects: true, .. })).count();
    let mut best: Option<(i32, &Part<'d>)> = None;
    for part in lists.iter().copied() {
        let mut score = score(path, part, own);
        if let Kind::List { objects: true, .. } = part.kind
            && objects == 1
            && part.within.is_empty()
        {
            score += 2;
        }
        if lists.len() == 1 && part.within.is_empty() {
            score += 2;
        }
        if paged {
            score += 1;
        }
        if best.is_none_or(|(known, _)| score > known) {
            best = Some((score, part));
        }
    }
    best
}

/// How much a list looks like the rows of an answer.
fn score(path: &str, part: &Part<'_>, own: i32) -> i32 {
    let Kind::List { item, objects } = &part.kind else { return i32::MIN };
    let name = plain(part.name);
    let mut score = 0;
    score += match (item, objects) {
        (_, true) => 3,
        (None, _) => 2,
        (Some(_), false) => 0,
    };
    if let Some(rank) = ROWS.iter().position(|known| *known == name) {
        score += if rank < 13 { 5 } else { 3 };
    }
    let word = last_word(path);
    if same(part.name, word) {
        score += 5;
    } else if let (Some(a), Some(b)) = (words(part.name).last(), words(word).last())
        && same(a, b)
    {
        score += 3;
    }
    if (BESIDE.contains(&name.as_str()) || name == "responsemetadata") && !same(part.name, word) {
        score -= 8;
    }
    for wrapper in &part.within {
        let wrapper_name = plain(wrapper);
        if BESIDE.contains(&wrapper_name.as_str()) {
            score -= 6;
        } else if WRAPPERS.contains(&wrapper_name.as_str()) || same(wrapper, word) {
            score -= 1;
        } else {
            score -= 4;
        }
    }
    // an object with a life of its own has lists as parts
    score - own * 2
}

/// How many values of an answer are those of a row: an id counts more.
fn own_values(envelope: &Envelope<'_>) -> i32 {
    let mut own = 0;
    for part in envelope.top_level() {
        let name = plain(part.name);
        match &part.kind {
            Kind::Scalar { .. } if ABOUT.contains(&name.as_str()) || is_about(&name) => {}
            Kind::Scalar { .. }
                if matches!(
                    name.as_str(),
                    "id" | "uuid" | "guid" | "name" | "createdat" | "updatedat" | "title" | "slug"
                ) =>
            {
                own += 2;
            }
            Kind::Scalar { .. } => own += 1,
            _ => {}
        }
    }
    own.min(8)
}

fn is_about(name: &str) -> bool {
    [
        "next", "previous", "prev", "total", "page", "odata", "result", "request", "response", "count",
        "has", "max",
    ]
    .iter()
    .any(|start| name.starts_with(start))
        || ["count", "total", "token", "cursor", "link", "status", "url", "size"]
            .iter()
            .any(|end| name.ends_with(end))
}

fn plainly_about(name: &str) -> bool {
    ["next", "previous", "prev", "request", "total"].iter().any(|start| name.starts_with(start))
}

/// The one object in an answer that holds nothing else but remarks.
fn only_object<'e, 'd>(envelope: &'e Envelope<'d>) -> Option<&'e Part<'d>> {
    let mut found = None;
    for part in envelope.top_level() {
        let name = plain(part.name);
        let about = ABOUT.contains(&name.as_str()) || is_about(&name) || BESIDE.contains(&name.as_str());
        match part.kind {
            Kind::Object { described: true }
                if !ABOUT.contains(&name.as_str())
                    && !BESIDE.contains(&name.as_str())
                    && !plainly_about(&name) =>
            {
                if found.replace(part).is_some() {
                    return None;
                }
            }
            // another object is a part of a row unless it clearly is not
            Kind::Object { .. }
                if !matches!(
                    name.as_str(),
                    "meta"
                        | "links"
                        | "pagination"
                        | "paging"
                        | "error"
                        | "errors"
                        | "responsemetadata"
                        | "included"
                ) =>
            {
                return None;
            }
            _ if about => {}
            _ => return None,
        }
    }
    found
}
