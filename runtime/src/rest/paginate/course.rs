//! A paginator at work: what the first request gets, and how to go on from each page.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use reqwest::Url;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::{CursorFrom, Kind, Next, PageView, Paginator, Place, Turn, detect, link};
use crate::error::{Error, Result};
use crate::rest::client::message::{Request, Response};
use crate::rest::client::{Client, failed};
use crate::rest::select::{Items, Selector};

/// Even an API that gives a new cursor with each answer comes to an end.
const MAX_PAGES: u64 = 1_000_000;
/// So many pages without items in a row are taken for the end, by paginators that go on behind one.
const EMPTY_PAGES: u32 = 100;

/// A paginator with its paths read.
#[derive(Clone)]
pub(crate) struct Course {
    paginator: Paginator,
    /// Of the link or the cursor.
    reference: Option<Selector>,
    total: Option<Selector>,
    has_more: Option<Selector>,
    /// Other hosts to which links may lead.
    hosts: Vec<String>,
}

/// How far a chain of pages came.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Pages that were read.
    #[serde(default, rename = "p")]
    pub(crate) pages: u64,
    /// How to ask for the next one; `None` asks for the first.
    #[serde(default, rename = "t")]
    turn: Option<Turn>,
    /// The last page number or offset.
    #[serde(default, rename = "n", skip_serializing_if = "Option::is_none")]
    number: Option<i64>,
    #[serde(default, rename = "e", skip_serializing_if = "is_zero")]
    empty: u32,
    /// Hashes of the ways in which pages were asked for.
    #[serde(skip)]
    seen: HashSet<u64>,
    /// The hash of the items of the last page.
    #[serde(skip)]
    last_items: Option<u64>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Progress {
    /// Asks for no further page.
    pub(crate) fn end(&mut self) {
        self.turn = Some(Turn::end());
    }

    /// Whether there is no further page.
    pub(crate) fn is_at_end(&self) -> bool {
        self.turn == Some(Turn::end())
    }
}

/// What is told about a page.
pub(crate) struct Seen<'r> {
    pub(crate) response: &'r Response,
    pub(crate) request: &'r Url,
    pub(crate) items: &'r Items,
}

impl Course {
    pub(crate) fn new(paginator: &Paginator, hosts: &[String]) -> Result<Self> {
        let selector = |what, path: &str| Selector::parse(what, path).map(Some);
        let reference = match &paginator.kind {
            Kind::JsonLink(path) => selector("path of the next link", path)?,
            Kind::Cursor(CursorFrom::Body(path)) => selector("path of the cursor", path)?,
            Kind::Cursor(CursorFrom::LastRecord(path)) => selector("field of the cursor", path)?,
            _ => None,
        };
        let total = paginator.total.as_ref().map(|total| Selector::parse("path of the total", &total.path));
        let has_more = paginator.has_more.as_ref().map(|path| Selector::parse("path of has_more", path));
        Ok(Self {
            paginator: paginator.clone(),
            reference,
            total: total.transpose()?,
            has_more: has_more.transpose()?,
            hosts: hosts.to_vec(),
        })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.paginator.name()
    }

    pub(crate) fn is_auto(&self) -> bool {
        matches!(self.paginator.kind, Kind::Auto)
    }

    /// The course that the first answer asks for, and why.
    pub(crate) fn detect(&self, response: &Response, client: &Client, what: &str) -> Result<(Self, String)> {
        let found = detect::detect(response);
        if found.is_guess {
            client.warn(format!(
                "{what}: the paginator {} is a guess, because {}; state it with `paginator`",
                found.paginator.name(),
                found.evidence
            ))?;
        }
        let mut paginator = found.paginator;
        paginator.max_pages = self.paginator.max_pages;
        Ok((Self::new(&paginator, &self.hosts)?, found.evidence))
    }

    /// Changes a request into the one for the page that is next.
    pub(crate) fn prepare(&self, progress: &mut Progress, request: &mut Request) -> Result<()> {
        let paginator = &self.paginator;
        if let (Kind::Offset(limit), Some(place)) = (&paginator.kind, &paginator.limit_place) {
            put(request, place, &json!(limit))?;
        }
        match &progress.turn {
            None => {
                if let (Kind::Offset(_) | Kind::PageNumber, Some(place)) = (&paginator.kind, &paginator.place)
                {
                    let start = paginator.start.unwrap_or(paginator.first);
                    progress.number = Some(start);
                    put(request, place, &json!(start))?;
                }
            }
            Some(Turn(Next::End)) => {}
            Some(Turn(Next::Link(url))) => {
                request.url = Url::parse(url)
                    .map_err(|e| failed(format!("the link to the next page, `{url}`, is no URL")).cause(e))?;
            }
            Some(Turn(Next::Set(changes))) => {
                changes.iter().try_for_each(|(place, value)| put(request, place, value))?;
            }
        }
        Ok(())
    }

    /// Goes on from a page. Says whether the page is a new one, whose items count.
    pub(crate) fn advance(
        &self,
        progress: &mut Progress,
        seen: &Seen<'_>,
        client: &Client,
        what: &str,
    ) -> Result<bool> {
        let page = progress.pages;
        if page == 0 {
            progress.seen.insert(hash(&Turn::link(seen.request.as_str())));
        }
        progress.pages += 1;
        progress.empty = if seen.items.count == 0 { progress.empty + 1 } else { 0 };
        let repeats = repeats(progress, seen);
        let turn = if self.stops(progress, seen, client, what)? {
            Turn::end()
        } else {
            self.turn(progress, seen, page, client, what)?
        };
        let turn = match turn.0 {
            Next::Link(link) => Turn::link(self.join(seen, &link, client)?),
            _ => turn,
        };
        let before = progress.turn.replace(turn.clone());
        let mut is_new = true;
        if turn != Turn::end() {
            let known = !progress.seen.insert(hash(&turn));
            let guesses = progress.number.is_some() && self.total.is_none() && self.has_more.is_none();
            if known || (guesses && repeats) {
                progress.turn = Some(Turn::end());
                is_new = !repeats;
                // a cursor that stays where it is is how some APIs end
                if repeats || before.as_ref() != Some(&turn) {
                    client.warn(self.looping(seen, repeats, client, what))?;
                }
            }
        }
        self.limit(progress, what)?;
        Ok(is_new)
    }

    fn looping(&self, seen: &Seen<'_>, repeats: bool, client: &Client, what: &str) -> String {
        let url = client.redactor.url(seen.request);
        let place = self.paginator.place.as_ref().filter(|_| repeats);
        match place {
            Some(place) => format!(
                "{what}: {url} gave the same items as the page before, and this was the end: does the API know \
                 the {}?",
                place.text()
            ),
            None => format!("{what}: {url} leads back to a page that was read already, and this was the end"),
        }
    }

    fn limit(&self, progress: &mut Progress, what: &str) -> Result<()> {
        if self.paginator.max_pages.is_some_and(|most| progress.pages >= most) {
            progress.turn = Some(Turn::end());
        }
        if progress.pages >= MAX_PAGES && self.paginator.max_pages.is_none() && !progress.is_at_end() {
            return Err(failed(format!("{what}: there are more than {MAX_PAGES} pages"))
                .help("allow more, or fewer, with `max_pages` of the paginator"));
        }
        Ok(())
    }

    /// The rules that count whatever the paginator says.
    fn stops(&self, progress: &mut Progress, seen: &Seen<'_>, client: &Client, what: &str) -> Result<bool> {
        let paginator = &self.paginator;
        let count = seen.items.count;
        if (paginator.stop_on_empty && count == 0) || paginator.stop_on_short.is_some_and(|size| count < size)
        {
            return Ok(true);
        }
        if progress.empty >= EMPTY_PAGES {
            client.warn(format!("{what}: {EMPTY_PAGES} pages without items are taken for the end"))?;
            return Ok(true);
        }
        if let Some(selector) = &self.has_more
            && !self.says_more(selector, seen, client)?
        {
            return Ok(true);
        }
        let Some(number) = progress.number else { return Ok(false) };
        let (step, base) = match paginator.kind {
            Kind::Offset(limit) => (i64::try_from(limit).unwrap_or(i64::MAX), 0),
            _ => (1, paginator.first),
        };
        let next = number.saturating_add(step);
        let total = self.total_of(seen, client)?;
        if total.is_some_and(|total| next >= total.saturating_add(base))
            || paginator.maximum.is_some_and(|maximum| next >= maximum)
        {
            return Ok(true);
        }
        Ok(false)
    }

    /// How many requests there are, if an answer says it.
    pub(crate) fn requests(&self, seen: &Seen<'_>, client: &Client) -> Option<u64> {
        let total = u64::try_from(self.total_of(seen, client).ok()??).ok()?;
        match self.paginator.kind {
            Kind::Offset(limit) => Some(total.div_ceil(limit.max(1)).max(1)),
            Kind::PageNumber => Some(total.max(1)),
            _ => None,
        }
    }

    fn total_of(&self, seen: &Seen<'_>, client: &Client) -> Result<Option<i64>> {
        let Some(selector) = &self.total else { return Ok(None) };
        let required = self.paginator.total.as_ref().is_some_and(|total| total.required);
        let wrong = |what: &str| {
            let url = client.redactor.url(&seen.response.url);
            failed(format!("`{}`, which is to be the total, {what} in {url}", selector.text()))
                .help("correct `total_path`, or set it to null to end at an empty page")
        };
        match selector.first(&seen.response.body) {
            None | Some(Json::Null) if required => Err(wrong("is missing")),
            None | Some(Json::Null) => Ok(None),
            Some(Json::Number(number)) => {
                match number.as_i64().or(number.as_f64().map(|number| number as i64)) {
                    Some(total) => Ok(Some(total)),
                    None => Err(wrong("is no whole number")),
                }
            }
            Some(Json::String(text)) => {
                text.trim().parse().map(Some).map_err(|_| wrong(&format!("is the text `{text}`")))
            }
            Some(_) if required => Err(wrong("is no number")),
            Some(_) => Ok(None),
        }
    }

    fn says_more(&self, selector: &Selector, seen: &Seen<'_>, client: &Client) -> Result<bool> {
        let value = selector.first(&seen.response.body);
        match &value {
            Some(Json::Bool(more)) => return Ok(*more),
            Some(Json::Number(number)) => return Ok(number.as_f64() != Some(0.0)),
            Some(Json::String(text)) => match text.to_lowercase().as_str() {
                "true" | "yes" | "1" => return Ok(true),
                "false" | "no" | "0" | "" => return Ok(false),
                _ => {}
            },
            Some(Json::Null) => return Ok(false),
            _ => {}
        }
        let what = value.map_or_else(|| "is missing".to_owned(), |value| format!("is {value}"));
        let url = client.redactor.url(&seen.response.url);
        Err(failed(format!("`{}`, which is to say whether there is more, {what} in {url}", selector.text()))
            .help("correct `has_more_path`"))
    }

    fn turn(
        &self,
        progress: &mut Progress,
        seen: &Seen<'_>,
        page: u64,
        client: &Client,
        what: &str,
    ) -> Result<Turn> {
        let paginator = &self.paginator;
        let reference = match &paginator.kind {
            Kind::Auto => None,
            Kind::Single => {
                if page == 0 && detect::looks_full(seen.items.count, seen.request) {
                    client.warn(format!(
                        "{what}: one page was read, and its {} items look like a full page; if there are more, \
                         state the `paginator`",
                        seen.items.count
                    ))?;
                }
                None
            }
            Kind::HeaderLink(relation) => {
                let links =
                    seen.response.headers.get_all("link").iter().filter_map(|value| value.to_str().ok());
                return Ok(link::target(links, relation).map_or(Turn::end(), Turn::link));
            }
            Kind::JsonLink(_) => {
                return Ok(match self.reference.as_ref().and_then(|path| path.first(&seen.response.body)) {
                    Some(Json::String(url)) if !url.is_empty() => Turn::link(url),
                    None | Some(Json::Null | Json::Bool(false) | Json::String(_)) => Turn::end(),
                    Some(other) => {
                        return Err(failed(format!("{what}: the link to the next page is {other}")));
                    }
                });
            }
            Kind::PageNumber | Kind::Offset(_) => {
                let step = match paginator.kind {
                    Kind::Offset(limit) => i64::try_from(limit).unwrap_or(i64::MAX),
                    _ => 1,
                };
                let next = progress.number.unwrap_or(paginator.first).saturating_add(step);
                progress.number = Some(next);
                Some(json!(next))
            }
            Kind::Cursor(CursorFrom::Header(name)) => {
                seen.response.header(name).filter(|value| !value.is_empty()).map(Json::from)
            }
            Kind::Cursor(CursorFrom::Body(_)) => {
                self.reference.as_ref().and_then(|path| path.first(&seen.response.body))
            }
            Kind::Cursor(CursorFrom::LastRecord(field)) => {
                let last = seen.items.last.clone().and_then(|range| seen.response.body.get(range));
                let cursor = last.and_then(|item| self.reference.as_ref()?.first(item));
                if last.is_some() && cursor.is_none() {
                    return Err(failed(format!("{what}: the last item has no `{field}` to go on from"))
                        .help("correct the field of the paginator"));
                }
                cursor
            }
            Kind::Custom(next) => {
                return next(&PageView { response: seen.response, items: seen.items.count, page });
            }
        };
        let nothing =
            |value: &Json| matches!(value, Json::Null | Json::Bool(false)) || value.as_str() == Some("");
        Ok(match (reference.filter(|value| !nothing(value)), &paginator.place) {
            (Some(value), Some(place)) => Turn(Next::Set(vec![(place.clone(), value)])),
            _ => Turn::end(),
        })
    }

    /// The whole address of a link, if it leads to where it may.
    fn join(&self, seen: &Seen<'_>, link: &str, client: &Client) -> Result<String> {
        let shown = client.redactor.text(link);
        let from = &seen.response.url;
        let mut url = from
            .join(link)
            .map_err(|e| failed(format!("the link to the next page, `{shown}`, is no URL")).cause(e))?;
        client.redactor.strip(&mut url);
        if url.origin() == seen.request.origin() || is_allowed(&url, &self.hosts) {
            return Ok(url.into());
        }
        // servers behind a proxy often call themselves http
        if seen.request.scheme() == "https"
            && url.host_str() == seen.request.host_str()
            && url.scheme() == "http"
        {
            let mut secure = seen.request.clone();
            secure.set_path(url.path());
            secure.set_query(url.query());
            return Ok(secure.into());
        }
        Err(elsewhere("the link to the next page", &url, client))
    }
}

/// Whether a URL is one of the hosts that were allowed.
pub(crate) fn is_allowed(url: &Url, hosts: &[String]) -> bool {
    let host = url.host_str().unwrap_or_default();
    let with_port = url.port().map(|port| format!("{host}:{port}"));
    matches!(url.scheme(), "http" | "https")
        && hosts.iter().any(|known| known == host || Some(known) == with_port.as_ref())
}

/// Refuses a URL of another host: it would get the credentials.
pub(crate) fn elsewhere(what: &str, url: &Url, client: &Client) -> Error {
    let host = url.host_str().unwrap_or_default();
    failed(format!("{what} leads to another host: {}", client.redactor.url(url)))
        .help(format!("if it belongs to the API, allow it: `allow_hosts: [{host}]` of the client"))
}

/// Whether the items are those of the page before.
fn repeats(progress: &mut Progress, seen: &Seen<'_>) -> bool {
    let mut hasher = DefaultHasher::new();
    for found in &seen.items.found {
        seen.response.body.get(found.range.clone()).hash(&mut hasher);
    }
    let items = hasher.finish();
    progress.last_items.replace(items) == Some(items) && seen.items.count > 0
}

fn hash(turn: &Turn) -> u64 {
    let mut hasher = DefaultHasher::new();
    serde_json::to_string(turn).unwrap_or_default().hash(&mut hasher);
    hasher.finish()
}

fn put(request: &mut Request, place: &Place, value: &Json) -> Result<()> {
    let text = || match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    match place {
        Place::Query(name) => {
            request.set_query(name, &text());
            Ok(())
        }
        Place::Header(name) => request.set_header(name, &text()),
        Place::Body(path) => request.set_body(path, value.clone()),
    }
}
