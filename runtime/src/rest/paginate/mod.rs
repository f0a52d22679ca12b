//! How an API is asked for the next page, and when there is none.
//!
//! A [`Paginator`] is data. [`Course`](course::Course) is the same made ready for one resource, and
//! [`Progress`](course::Progress) is how far one chain of pages came: it goes into checkpoints.

pub(crate) mod course;
mod detect;
mod link;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::client::message::Response;
use crate::error::Result;

pub(crate) use detect::{Outline, single_entity};

/// How an API is asked for the next page.
///
/// Every paginator ends at any of its stop rules: an empty page, a short page, a total, a flag, a
/// cursor or page that repeats, or the number of pages.
///
/// ```
/// use floe::rest::Paginator;
/// let github = Paginator::header_link();
/// let pages = Paginator::page_number().param("p").first(1).total("meta.pages");
/// let stripe = Paginator::last_record("id").param("starting_after").has_more("has_more");
/// let search = Paginator::cursor("next").to_body("search.after");
/// ```
#[derive(Debug, Clone)]
pub struct Paginator {
    pub(crate) kind: Kind,
    /// Where the cursor, number or offset goes.
    pub(crate) place: Option<Place>,
    /// Where the size of a page goes.
    pub(crate) limit_place: Option<Place>,
    /// The first page or offset.
    pub(crate) first: i64,
    /// The page to begin with, if it is not the first.
    pub(crate) start: Option<i64>,
    pub(crate) total: Option<Expected>,
    pub(crate) has_more: Option<String>,
    pub(crate) stop_on_empty: bool,
    pub(crate) stop_on_short: Option<u64>,
    pub(crate) max_pages: Option<u64>,
    /// The page or offset before which it ends.
    pub(crate) maximum: Option<i64>,
}

#[derive(Clone)]
pub(crate) enum Kind {
    Auto,
    Single,
    HeaderLink(String),
    JsonLink(String),
    PageNumber,
    Offset(u64),
    Cursor(CursorFrom),
    Custom(Arc<Custom>),
}

/// Where a cursor comes from.
#[derive(Debug, Clone)]
pub(crate) enum CursorFrom {
    Body(String),
    Header(String),
    LastRecord(String),
}

/// A path that may be missing in answers.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    pub(crate) path: String,
    /// It was asked for, and is not only a guess.
    pub(crate) required: bool,
}

/// Where a value goes in a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Place {
    Query(String),
    Header(String),
    Body(String),
}

type Custom = dyn Fn(&PageView<'_>) -> Result<Turn> + Send + Sync;

/// How to go on from a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct Turn(pub(crate) Next);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Next {
    End,
    /// The address of the next page.
    Link(String),
    /// What changes in the request.
    Set(Vec<(Place, Json)>),
}

impl Turn {
    /// There are no more pages.
    pub fn end() -> Self {
        Self(Next::End)
    }

    /// The next page has this address; relative ones are of the page at hand.
    pub fn link(url: impl Into<String>) -> Self {
        Self(Next::Link(url.into()))
    }

    /// The next page is asked for with this parameter.
    pub fn query(self, name: impl Into<String>, value: impl Into<Json>) -> Self {
        self.set(Place::Query(name.into()), value.into())
    }

    /// The next page is asked for with this header.
    pub fn header(self, name: impl Into<String>, value: impl Into<Json>) -> Self {
        self.set(Place::Header(name.into()), value.into())
    }

    /// The next page is asked for with this value in the JSON body.
    pub fn body(self, path: impl Into<String>, value: impl Into<Json>) -> Self {
        self.set(Place::Body(path.into()), value.into())
    }

    fn set(self, place: Place, value: Json) -> Self {
        let mut changes = match self.0 {
            Next::Set(changes) => changes,
            Next::End | Next::Link(_) => Vec::new(),
        };
        changes.push((place, value));
        Self(Next::Set(changes))
    }
}

/// A page as a paginator of one's own sees it.
#[derive(Debug)]
pub struct PageView<'r> {
    pub(crate) response: &'r Response,
    pub(crate) items: u64,
    pub(crate) page: u64,
}

impl PageView<'_> {
    /// The status of the answer.
    pub fn status(&self) -> u16 {
        self.response.status
    }

    /// A header of the answer.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.response.header(name)
    }

    /// The body as it came.
    pub fn body(&self) -> &[u8] {
        &self.response.body
    }

    /// The first value of the body that a path leads to.
    pub fn value(&self, path: &str) -> Result<Option<Json>> {
        Ok(super::select::Selector::parse("path", path)?.first(&self.response.body))
    }

    /// The number of items.
    pub fn items(&self) -> u64 {
        self.items
    }

    /// Which page it is, from 0 on.
    pub fn page(&self) -> u64 {
        self.page
    }
}

impl Paginator {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            place: None,
            limit_place: None,
            first: 0,
            start: None,
            total: None,
            has_more: None,
            stop_on_empty: false,
            stop_on_short: None,
            max_pages: None,
            maximum: None,
        }
    }

    /// Found from the first answer.
    pub fn auto() -> Self {
        Self::new(Kind::Auto)
    }

    /// There is one page.
    pub fn single_page() -> Self {
        Self::new(Kind::Single)
    }

    /// The header `Link` has the address of the page whose relation is `next`.
    pub fn header_link() -> Self {
        Self::new(Kind::HeaderLink("next".to_owned()))
    }

    /// The body has the address of the next page.
    pub fn json_link(path: impl Into<String>) -> Self {
        Self::new(Kind::JsonLink(path.into()))
    }

    /// Pages have numbers, which go into the parameter `page`, from 0 on.
    pub fn page_number() -> Self {
        let mut paginator = Self::new(Kind::PageNumber).param("page");
        paginator.stop_on_empty = true;
        paginator
    }

    /// Pages begin at an item, which goes into the parameter `offset`, and have a size, which goes into
    /// `limit`.
    pub fn offset(limit: u64) -> Self {
        let mut paginator = Self::new(Kind::Offset(limit.max(1))).param("offset").limit_param("limit");
        paginator.stop_on_empty = true;
        paginator
    }

    /// The body has a cursor, which goes into the parameter `cursor`.
    pub fn cursor(path: impl Into<String>) -> Self {
        Self::new(Kind::Cursor(CursorFrom::Body(path.into()))).param("cursor")
    }

    /// A header has a cursor, which goes into the parameter `cursor`.
    pub fn header_cursor(header: impl Into<String>) -> Self {
        Self::new(Kind::Cursor(CursorFrom::Header(header.into()))).param("cursor")
    }

    /// A field of the last item is the cursor, which goes into the parameter `cursor`.
    pub fn last_record(field: impl Into<String>) -> Self {
        Self::new(Kind::Cursor(CursorFrom::LastRecord(field.into()))).param("cursor").stop_on_empty(true)
    }

    /// Told by a function, which is asked behind each page.
    pub fn custom(next: impl Fn(&PageView<'_>) -> Result<Turn> + Send + Sync + 'static) -> Self {
        Self::new(Kind::Custom(Arc::new(next)))
    }

    /// The relation of the link, for header links.
    pub fn rel(mut self, rel: impl Into<String>) -> Self {
        if let Kind::HeaderLink(known) = &mut self.kind {
            *known = rel.into();
        }
        self
    }

    /// The parameter of the query that takes the cursor, number or offset.
    pub fn param(mut self, name: impl Into<String>) -> Self {
        self.place = Some(Place::Query(name.into()));
        self
    }

    /// The header that takes it.
    pub fn to_header(mut self, name: impl Into<String>) -> Self {
        self.place = Some(Place::Header(name.into()));
        self
    }

    /// The place in the JSON body that takes it, such as `search.after`.
    pub fn to_body(mut self, path: impl Into<String>) -> Self {
        self.place = Some(Place::Body(path.into()));
        self
    }

    /// The parameter that takes the size of a page.
    pub fn limit_param(mut self, name: impl Into<String>) -> Self {
        self.limit_place = Some(Place::Query(name.into()));
        self
    }

    /// The place in the JSON body that takes the size of a page.
    pub fn limit_to_body(mut self, path: impl Into<String>) -> Self {
        self.limit_place = Some(Place::Body(path.into()));
        self
    }

    /// The size of a page is not sent.
    pub fn without_limit_param(mut self) -> Self {
        self.limit_place = None;
        self
    }

    /// The number of the first page, or the first offset.
    pub fn first(mut self, first: i64) -> Self {
        self.first = first;
        self
    }

    /// Where the body has the total: of pages for page numbers, of items for offsets. It may be text.
    pub fn total(mut self, path: impl Into<String>) -> Self {
        self.total = Some(Expected { path: path.into(), required: true });
        self
    }

    /// Where the body says whether there is more.
    pub fn has_more(mut self, path: impl Into<String>) -> Self {
        self.has_more = Some(path.into());
        self
    }

    /// Whether an empty page is the last one.
    pub fn stop_on_empty(mut self, stop: bool) -> Self {
        self.stop_on_empty = stop;
        self
    }

    /// A page with fewer items than this is the last one.
    pub fn stop_on_short(mut self, items: u64) -> Self {
        self.stop_on_short = Some(items);
        self
    }

    /// So many pages are read at most.
    pub fn max_pages(mut self, pages: u64) -> Self {
        self.max_pages = Some(pages);
        self
    }

    /// The page number or offset at which to stop.
    pub fn maximum(mut self, number: i64) -> Self {
        self.maximum = Some(number);
        self
    }

    /// The name of the kind, as the document has it.
    pub(crate) fn name(&self) -> &'static str {
        match &self.kind {
            Kind::Auto => "auto",
            Kind::Single => "single_page",
            Kind::HeaderLink(_) => "header_link",
            Kind::JsonLink(_) => "json_link",
            Kind::PageNumber => "page_number",
            Kind::Offset(_) => "offset",
            Kind::Cursor(CursorFrom::Body(_)) => "cursor",
            Kind::Cursor(CursorFrom::Header(_)) => "header_cursor",
            Kind::Cursor(CursorFrom::LastRecord(_)) => "last_record",
            Kind::Custom(_) => "custom",
        }
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("Auto"),
            Self::Single => f.write_str("Single"),
            Self::HeaderLink(rel) => write!(f, "HeaderLink({rel:?})"),
            Self::JsonLink(path) => write!(f, "JsonLink({path:?})"),
            Self::PageNumber => f.write_str("PageNumber"),
            Self::Offset(limit) => write!(f, "Offset({limit})"),
            Self::Cursor(from) => write!(f, "Cursor({from:?})"),
            Self::Custom(_) => f.write_str("Custom(..)"),
        }
    }
}
