//! How pages of an operation follow each other.

use std::collections::HashMap;

use indexmap::IndexMap;
use serde_json::Value;

use super::Links;
use super::paging::Paging;
use crate::api::{Paginator, Resource};
use crate::finding::{Confidence, Finding};
use crate::operation::Param;
use crate::path;
use crate::words::plain;

/// The largest page that is asked for if the document names no smaller one.
const MAX_PAGE: i64 = 1_000;
/// The size of pages of which a document says nothing.
const USUAL_PAGE: i64 = 100;

/// What a decision about pages rests on.
pub(crate) struct Clues<'a> {
    pub(crate) paging: &'a Paging<'a, 'a>,
    pub(crate) links: &'a Links,
    pub(crate) is_list: bool,
    pub(crate) rows: &'a str,
    /// The key of a row, for cursors that are the key of the last one.
    pub(crate) key: Option<&'a str>,
}

pub(crate) fn detect(clues: &Clues<'_>) -> (Option<Paginator>, Option<Finding>) {
    if !clues.is_list {
        return (None, None);
    }
    let Some((paginator, evidence, confidence)) = decide(clues) else {
        let finding = Finding::new("paginator", "one page", Confidence::Low)
            .because("no parameter, field or header of the answer tells of more");
        return (Some(Paginator::new("single_page")), Some(finding));
    };
    let finding = Finding::new("paginator", paginator.kind, confidence).because(evidence);
    (Some(paginator), Some(finding))
}

fn decide(clues: &Clues<'_>) -> Option<(Paginator, String, Confidence)> {
    let Clues { paging, links, .. } = clues;
    if let Some(path) = &links.next_url {
        let found = Paginator::new("json_link").path("next_url_path", path).sized(paging);
        return Some((found, format!("`{path}` holds the address of the next page"), Confidence::High));
    }
    if links.link_header {
        let found = Paginator::new("header_link").param("links_next_key", "next").sized(paging);
        return Some((found, "answers have a header Link".into(), Confidence::High));
    }
    if let Some(param) = paging.cursor {
        if let Some(header) = &links.cursor_header {
            let found = Paginator::new("header_cursor")
                .param("cursor_key", header.as_str())
                .param("cursor_param", param.name);
            return Some((
                found.sized(paging),
                format!("header `{header}`, parameter `{}`", param.name),
                Confidence::High,
            ));
        }
        let field = links.cursor.as_ref().or(links.next.as_ref());
        if let Some(field) = field {
            let found = Paginator::new("cursor")
                .param("cursor_param", param.name)
                .path("cursor_path", field)
                .more(links);
            return Some((
                found.sized(paging),
                format!("field `{field}`, parameter `{}`", param.name),
                Confidence::High,
            ));
        }
        if let Some(found) = last_row(clues, param) {
            return Some(found);
        }
        if plain(param.name) == "offset" {
            let found = Paginator::new("cursor")
                .param("cursor_param", param.name)
                .path("cursor_path", "next_page.offset");
            let evidence = "`offset` takes a token; where it is in answers is a guess".to_owned();
            return Some((found.sized(paging), evidence, Confidence::Low));
        }
    }
    let counted = paging.offset.is_some() && paging.size.is_some() && links.total.is_some();
    if let Some(path) = links.next.as_ref().filter(|_| !counted)
        && (paging.page.is_none() || links.total.is_some())
    {
        let found = Paginator::new("json_link").path("next_url_path", path).sized(paging);
        return Some((found, format!("`{path}` leads to the next page"), Confidence::Medium));
    }
    by_number(clues)
}

/// Where most paged lists of an API have links in headers, the others are paged alike.
pub(crate) fn headers(resources: &mut [Resource]) {
    let count = |kind: &str| {
        resources.iter().filter(|r| r.paginator.as_ref().is_some_and(|p| p.kind == kind)).count()
    };
    let (links, numbers) = (count("header_link"), count("page_number"));
    if links < 5 || links < 4 * numbers {
        return;
    }
    for resource in resources.iter_mut() {
        let Some(paginator) = resource.paginator.as_mut().filter(|p| p.kind == "page_number") else {
            continue;
        };
        let found = Paginator::new("header_link").param("links_next_key", "next");
        *paginator = Paginator { page_size: paginator.page_size.take(), ..found };
        resource.findings.retain(|f| f.subject != "paginator");
        resource.findings.push(
            Finding::new("paginator", "header_link", Confidence::Medium)
                .because(format!("{links} lists of this API have a header Link"))
                .at(resource.pointer.clone()),
        );
    }
}

/// Operations that take the same cursor as others and do not say where it is in answers: as with the others.
pub(crate) fn agree(resources: &mut [Resource], cursors: &[Option<&str>]) {
    let mut known: HashMap<String, Vec<(Paginator, usize)>> = HashMap::new();
    for resource in resources.iter() {
        if let Some(paginator) = resource.paginator.as_ref().filter(|p| p.kind == "cursor")
            && let Some(param) = paginator.params.get("cursor_param").and_then(Value::as_str)
            && !paginator.paths.values().any(|p| p.contains('[') || p == "next_page.offset")
        {
            let plain = Paginator { page_size: None, ..paginator.clone() };
            let seen = known.entry(param.to_owned()).or_default();
            match seen.iter_mut().find(|(p, _)| *p == plain) {
                Some((_, count)) => *count += 1,
                None => seen.push((plain, 1)),
            }
        }
    }
    for (resource, cursor) in resources.iter_mut().zip(cursors) {
        let Some(others) = cursor.and_then(|c| known.get(c)) else { continue };
        if !resource.is_list || resource.paginator.as_ref().is_some_and(|p| p.kind != "single_page") {
            continue;
        }
        // the first of the most common ones
        let Some((paginator, count)) = others.iter().rev().max_by_key(|(_, count)| *count) else { continue };
        resource.findings.retain(|f| f.subject != "paginator");
        resource.findings.push(
            Finding::new("paginator", paginator.kind, Confidence::Medium)
                .because(format!("{count} operations with the same parameter do it"))
                .at(resource.pointer.clone()),
        );
        resource.paginator = Some(paginator.clone());
    }
}

/// `starting_after` and its like take the key of the last row.
fn last_row(clues: &Clues<'_>, param: &Param<'_>) -> Option<(Paginator, String, Confidence)> {
    let key = clues.key?;
    let name = plain(param.name);
    // the names of some say it all
    let sure = matches!(name.as_str(), "startingafter" | "maxid" | "beforeid" | "afterid" | "lastid");
    if !sure && !matches!(name.as_str(), "after" | "sinceid" | "startkey") {
        return None;
    }
    if !sure && clues.links.has_more.is_none() && !param.description.to_lowercase().contains(" id") {
        return None;
    }
    let rows = if clues.rows == "$" { "$" } else { clues.rows };
    // a key in a nested record is named as its column
    let path = key.split("__").fold(format!("{rows}[-1]"), |at, step| path::join(&at, step));
    let found = Paginator::new("cursor")
        .param("cursor_param", param.name)
        .path("cursor_path", &path)
        .more(clues.links);
    Some((
        found.sized(clues.paging),
        format!("`{}` takes the key of the last row", param.name),
        Confidence::Medium,
    ))
}

fn by_number(clues: &Clues<'_>) -> Option<(Paginator, String, Confidence)> {
    let Clues { paging, links, .. } = clues;
    if let (Some(offset), Some(size)) = (paging.offset, paging.size) {
        let limit = page_size(size);
        let mut found = Paginator::new("offset")
            .param("limit", limit)
            .param("offset_param", offset.name)
            .param("limit_param", size.name);
        if let Some(first) = offset.integer("minimum").or(offset.integer("default")).filter(|n| *n == 1) {
            found = found.param("offset", first);
        }
        if let Some(total) = &links.total {
            found = found.path("total_path", total);
        }
        let evidence = format!("parameters `{}` and `{}`", offset.name, size.name);
        return Some((found.more(links), evidence, Confidence::High));
    }
    if let Some(page) = paging.page {
        let mut found =
            Paginator::new("page_number").param("base_page", first_page(page)).param("page_param", page.name);
        if let Some(pages) = &links.pages {
            found = found.path("total_path", pages);
        }
        return Some((
            found.more(links).sized(paging),
            format!("parameter `{}`", page.name),
            Confidence::High,
        ));
    }
    if let (Some(page), Some(pages), None, "page" | "current_page") =
        (&links.page, &links.pages, paging.offset, links.page.as_deref().map_or("", last_step))
    {
        let found = Paginator::new("page_number").param("base_page", 1).param("page_param", "page");
        let evidence = format!("answers tell `{page}` of `{pages}`; the name of the parameter is a guess");
        return Some((found.path("total_path", pages).sized(paging), evidence, Confidence::Low));
    }
    let offset = paging.offset?;
    // an offset needs the size of pages, which only the number of rows can tell
    let found = Paginator::new("offset").param("limit", USUAL_PAGE).param("offset_param", offset.name);
    let found = match &links.total {
        Some(total) => found.path("total_path", total),
        None => found,
    };
    let evidence = format!("parameter `{}`; the size of pages is a guess", offset.name);
    Some((found.more(links), evidence, Confidence::Low))
}

fn last_step(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

fn first_page(param: &Param<'_>) -> i64 {
    let says = |words: &[&str]| words.iter().any(|w| param.description.to_lowercase().contains(w));
    if let Some(number) = param.integer("default").filter(|n| (0..2).contains(n)) {
        return number;
    }
    if says(&[
        "zero-based",
        "zero based",
        "0-based",
        "0 based",
        "starts at 0",
        "starting at 0",
        "starting from 0",
        "start at 0",
        "starts from 0",
        "0-indexed",
        "zero-indexed",
        "0..n",
        "from 0",
    ]) {
        return 0;
    }
    i64::from(
        param.integer("minimum") != Some(0)
            || says(&["1-based", "starts at 1", "starting at 1", "one-based"]),
    )
}

/// The largest page that the document allows.
fn page_size(param: &Param<'_>) -> i64 {
    let stated = param.integer("maximum").or_else(|| largest_in(param.description));
    match stated.filter(|n| *n > 0) {
        Some(maximum) => maximum.min(MAX_PAGE),
        None => param.integer("default").unwrap_or(USUAL_PAGE).clamp(1, MAX_PAGE),
    }
}

/// `max 100`, `maximum of 100`, `between 1 and 100`, `up to 100` in a description.
fn largest_in(text: &str) -> Option<i64> {
    let text = text.to_lowercase();
    let found =
        ["maximum", "max", "up to", "between 1 and", "between 0 and", "no more than", "at most", "limit is"]
            .iter()
            .find_map(|word| {
                let rest = text.get(text.find(word)? + word.len()..)?;
                let near: String = rest.chars().take(40).collect();
                let digits: String = near
                    .chars()
                    .skip_while(|c| !c.is_ascii_digit())
                    .take_while(|c| c.is_ascii_digit() || *c == ',')
                    .filter(char::is_ascii_digit)
                    .collect();
                digits.parse::<i64>().ok()
            });
    found.filter(|n| *n >= 5)
}

impl Paginator {
    fn new(kind: &'static str) -> Self {
        Self { kind, params: IndexMap::new(), paths: IndexMap::new(), page_size: None }
    }

    fn param(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.params.insert(name, value.into());
        self
    }

    fn path(mut self, name: &'static str, path: &str) -> Self {
        self.paths.insert(name, path.to_owned());
        self
    }

    fn more(self, links: &Links) -> Self {
        match &links.has_more {
            Some(path) => self.path("has_more_path", path),
            None => self,
        }
    }

    fn sized(mut self, paging: &Paging<'_, '_>) -> Self {
        self.page_size = paging.size.map(|p| (p.name.to_owned(), page_size(p)));
        self
    }
}
