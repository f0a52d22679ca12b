//! Fields of answers that tell of more pages: links, cursors, totals.

use serde_json::Value;

use super::envelope::{Envelope, Kind, Part};
use crate::path;
use crate::words::plain;

/// Where an answer tells of more.
#[derive(Debug, Default, Clone)]
pub(crate) struct Links {
    /// The address of the next page.
    pub(crate) next_url: Option<String>,
    /// The cursor of the next page.
    pub(crate) cursor: Option<String>,
    /// A field that is called `next` and may be either.
    pub(crate) next: Option<String>,
    /// How many rows there are.
    pub(crate) total: Option<String>,
    /// How many pages there are.
    pub(crate) pages: Option<String>,
    /// Which page it is.
    pub(crate) page: Option<String>,
    /// Whether there is more.
    pub(crate) has_more: Option<String>,
    /// A header with links.
    pub(crate) link_header: bool,
    /// A header with a cursor.
    pub(crate) cursor_header: Option<String>,
}

const NEXT_URL: &[&str] = &[
    "nextlink",
    "nexturl",
    "nextpageurl",
    "nexthref",
    "nextpagelink",
    "odatanextlink",
    "nexturi",
    "nextpageuri",
    "nextpageurl",
    "nextpagehref",
    "linknext",
    "urlnext",
    "nextresultsurl",
    "nextrecordsurl",
    "nextresultslink",
    "nextpath",
    "nextcollectionlink",
    "nextresultset",
    "nextset",
    "nextlinkurl",
    "nextpagefullurl",
    "nextlinkuri",
];
const CURSOR: &[&str] = &[
    "nextpagetoken",
    "nextstreamposition",
    "nextcursor",
    "nexttoken",
    "nextcontinuationtoken",
    "continuationtoken",
    "cursor",
    "nextmarker",
    "nextpagecursor",
    "endcursor",
    "pagetoken",
    "nextpageid",
    "nextstartkey",
    "lastevaluatedkey",
    "scrollid",
    "bookmark",
    "nextpagemarker",
    "nextid",
    "continue",
    "cursornext",
    "cursormark",
    "nextcursormark",
    "nextkey",
    "nextafter",
    "nextstart",
    "nextpagestarttoken",
    "continuation",
    "paginationtoken",
    "after",
    "nextoffsetid",
    "nextstartingtoken",
    "marker",
    "nextpagestate",
    "nextpage",
    "resumetoken",
    "skiptoken",
];
const TOTAL: &[&str] = &[
    "totalcount",
    "totalresults",
    "totalitems",
    "totalrecords",
    "totalsize",
    "totalelements",
    "total",
    "count",
    "numfound",
    "totalhits",
    "totalrows",
    "resultcount",
    "recordcount",
    "itemcount",
    "totalnumber",
    "totalentries",
    "odatacount",
    "totalrecordcount",
    "totalresultcount",
    "totalnumberofresults",
    "totalobjects",
    "totaldocs",
    "totalitemcount",
    "nbhits",
    "results",
    "totalrecordscount",
    "numberofresults",
    "totalnum",
];
const PAGES: &[&str] = &[
    "totalpages",
    "pagecount",
    "lastpage",
    "pages",
    "pagestotal",
    "numpages",
    "totalpagecount",
    "numberofpages",
    "totalpage",
    "pagetotal",
    "lastpagenumber",
    "nbpages",
    "maxpage",
    "totalnumberofpages",
];
const MORE: &[&str] = &[
    "hasmore",
    "hasnext",
    "hasnextpage",
    "more",
    "moreresults",
    "hasmoreresults",
    "hasmoreitems",
    "moreavailable",
    "morepages",
    "hasmorepages",
    "hasmoredata",
    "moreitems",
    "morerecords",
    "moreitemsincollection",
    "hasmorerecords",
    "hasmoreentries",
];
const CURSOR_HEADERS: &[&str] = &[
    "x-next-cursor",
    "x-next-page-token",
    "x-continuation-token",
    "x-ms-continuation",
    "x-next-token",
    "x-cursor",
    "next-cursor",
    "x-pagination-next-cursor",
    "x-ms-continuationtoken",
];
const PAGE: &[&str] = &["page", "currentpage", "pagenumber", "pageindex"];
/// Objects in which a field `next` is an address.
const LINKS: &[&str] = &["links", "link", "halinks", "pagelinks"];

impl Links {
    pub(crate) fn of(envelope: &Envelope<'_>, headers: &[String], rows: &str) -> Self {
        let mut links = Self {
            link_header: headers.iter().any(|h| h == "link"),
            cursor_header: headers.iter().find(|h| CURSOR_HEADERS.contains(&h.as_str())).cloned(),
            ..Self::default()
        };
        let mut ranks = [usize::MAX; 5];
        for part in envelope.scalars_outside(rows) {
            let Kind::Scalar { types, .. } = &part.kind else { continue };
            let name = plain(part.name);
            let text = types.is_empty() || types.contains(&"string");
            let number =
                types.is_empty() || types.iter().any(|t| matches!(*t, "integer" | "number" | "string"));
            let boolean = types.is_empty() || types.contains(&"boolean");
            if text && links.address(part, &name) {
                continue;
            }
            let depth = part.within.len() * 100;
            let mut better = |slot: usize, names: &[&str], fits: bool| {
                let rank = names.iter().position(|known| *known == name).map(|r| r + depth);
                let Some((rank, known)) =
                    rank.zip(ranks.get_mut(slot)).filter(|(rank, known)| fits && *rank < **known)
                else {
                    return false;
                };
                *known = rank;
                true
            };
            let cursor_fits = text || number && name.contains("next") && name != "nextpage";
            if better(0, CURSOR, cursor_fits && is_cursor(part, &name)) {
                links.cursor = Some(part.path.clone());
            }
            if better(1, TOTAL, number) {
                links.total = Some(part.path.clone());
            }
            if better(2, PAGES, number) {
                links.pages = Some(part.path.clone());
            }
            if better(4, PAGE, number && !types.is_empty()) {
                links.page = Some(part.path.clone());
            }
            if better(3, MORE, boolean) {
                links.has_more = Some(part.path.clone());
            }
        }
        links.hal(envelope, rows);
        links
    }

    pub(crate) fn any(&self) -> bool {
        self.next_url.is_some()
            || self.cursor.is_some()
            || self.next.is_some()
            || self.link_header
            || self.has_more.is_some()
    }

    /// Whether it is the address of the next page, or a field called `next`.
    fn address(&mut self, part: &Part<'_>, name: &str) -> bool {
        let Kind::Scalar { format, example, description, .. } = &part.kind else { return false };
        let in_links = part.within.last().is_some_and(|w| LINKS.contains(&plain(w).as_str()));
        let looks = matches!(*format, "uri" | "url" | "uri-reference" | "iri-reference")
            || example.and_then(Value::as_str).is_some_and(|e| e.starts_with("http") || e.starts_with('/'))
            || {
                let text = description.to_lowercase();
                text.contains("url") || text.contains("link") || text.contains("http") || text.contains("uri")
            };
        let in_next = part.within.last().is_some_and(|w| matches!(plain(w).as_str(), "nextpage" | "next"));
        match name {
            _ if NEXT_URL.contains(&name) => {}
            "uri" | "href" | "url" | "link" if in_next => {}
            "next" if in_links || looks => {}
            "nextpage" if looks => {}
            "next" => {
                self.next.get_or_insert_with(|| part.path.clone());
                return true;
            }
            _ => return false,
        }
        self.next_url.get_or_insert_with(|| part.path.clone());
        true
    }

    /// `_links.next.href`, `paging.next.link` and the like.
    fn hal(&mut self, envelope: &Envelope<'_>, rows: &str) {
        if self.next_url.is_some() {
            return;
        }
        let found = envelope.scalars_outside(rows).find(|part| {
            matches!(plain(part.name).as_str(), "href" | "url" | "link" | "uri")
                && part.within.last().is_some_and(|w| plain(w) == "next" || plain(w) == "nextpage")
        });
        self.next_url = found.map(|part| part.path.clone()).or_else(|| {
            // an object that is called next and not described any further
            let next = envelope.parts.iter().find(|p| {
                matches!(p.kind, Kind::Object { described: false })
                    && plain(p.name) == "next"
                    && p.within.last().is_some_and(|w| plain(w) == "links")
            })?;
            Some(path::join(&next.path, "href"))
        });
    }
}

fn is_cursor(part: &Part<'_>, name: &str) -> bool {
    if part
        .within
        .last()
        .is_some_and(|w| matches!(plain(w).as_str(), "self" | "previous" | "prev" | "first" | "last"))
    {
        return false;
    }
    let within_cursors = part.within.iter().any(|w| {
        matches!(
            plain(w).as_str(),
            "cursors" | "cursor" | "paging" | "pagination" | "meta" | "page" | "pageinfo"
        )
    });
    match name {
        // a token may also be the one that was sent
        "pagetoken" | "marker" | "bookmark" => part.within.len() < 2,
        "after" => within_cursors,
        "nextpage" | "continue" | "nextid" | "nextstart" => true,
        _ => true,
    }
}
