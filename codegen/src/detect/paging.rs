//! Query parameters by the part that they play in paging, told by their names.

use crate::operation::{Operation, Param};
use crate::words::plain;

/// The paging parameters of an operation.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Paging<'o, 'd> {
    pub(crate) page: Option<&'o Param<'d>>,
    pub(crate) size: Option<&'o Param<'d>>,
    pub(crate) offset: Option<&'o Param<'d>>,
    pub(crate) cursor: Option<&'o Param<'d>>,
}

const PAGE: &[&str] = &[
    "page",
    "pagenumber",
    "pagenum",
    "pageno",
    "pageindex",
    "currentpage",
    "pagenr",
    "pageid",
    "p",
    "pagecount",
    "pg",
    "pagestart",
    "requestedpage",
    "paginationpage",
    "resultpage",
];
const SIZE: &[&str] = &[
    "perpage",
    "pagesize",
    "limit",
    "maxresults",
    "pagelimit",
    "itemsperpage",
    "resultsperpage",
    "recordsperpage",
    "resultlimit",
    "maxitems",
    "maxrecords",
    "maxpagesize",
    "recordlimit",
    "size",
    "top",
    "take",
    "first",
    "rows",
    "max",
    "count",
    "n",
    "results",
    "numresults",
    "numberofresults",
    "maxcount",
    "hitsperpage",
    "pagelength",
    "length",
    "maxkeys",
    "maxentries",
    "batchsize",
    "rpp",
    "num",
    "amount",
    "nb",
    "nbresults",
    "psize",
    "pp",
    "ps",
    "hits",
    "resultsize",
    "totalresults",
    "limitto",
    "entriesperpage",
    "numitems",
    "rowcount",
    "listlimit",
    "paginationlimit",
    "perpagelimit",
];
const OFFSET: &[&str] = &[
    "offset",
    "skip",
    "startindex",
    "startat",
    "start",
    "pageoffset",
    "firstresult",
    "startrow",
    "startposition",
    "startoffset",
    "resultoffset",
    "from",
    "first",
    "recordoffset",
    "skipcount",
    "startrecord",
    "offsetstart",
    "startnum",
    "begin",
    "resultstart",
    "startitem",
    "rowstart",
    "startresult",
    "paginationoffset",
];
const CURSOR: &[&str] = &[
    "cursor",
    "pagetoken",
    "nexttoken",
    "continuationtoken",
    "nextpagetoken",
    "startingafter",
    "pagecursor",
    "nextcursor",
    "aftercursor",
    "pageafter",
    "continuation",
    "continue",
    "marker",
    "scrollid",
    "bookmark",
    "resumetoken",
    "paginationtoken",
    "pagingtoken",
    "exclusivestartkey",
    "startkey",
    "nextmarker",
    "startcursor",
    "after",
    "next",
    "skiptoken",
    "nextpage",
    "nextrecordkey",
    "cursormark",
    "token",
    "pagestarttoken",
    "afterid",
    "maxid",
    "beforeid",
    "sinceid",
    "lastid",
    "offsetid",
    "pagemarker",
    "startingtoken",
    "pageid",
    "position",
    "pagestate",
    "nextkey",
    "startfrom",
    "paginationcursor",
    "listcursor",
    "streamposition",
    "offset",
];

/// Words with which a text says that a value is opaque.
const OPAQUE: &[&str] =
    &["cursor", "token", "opaque", "previous response", "bookmark", "continuation", "returned by"];

impl<'o, 'd> Paging<'o, 'd> {
    pub(crate) fn of(operation: &'o Operation<'d>) -> Self {
        let best = |names: &[&str], fits: &dyn Fn(&Param<'_>, &str) -> bool| {
            operation
                .query()
                .filter_map(|param| {
                    let name = last_word(param.name);
                    let rank = names.iter().position(|known| *known == name)?;
                    fits(param, &name).then_some((rank, param))
                })
                .min_by_key(|(rank, _)| *rank)
                .map(|(_, param)| param)
        };
        let cursor = best(CURSOR, &|param, name| is_cursor(param, name));
        let not_cursor = |param: &Param<'_>| cursor.is_none_or(|c| c.name != param.name);
        let has = |wanted: &str| operation.query().any(|p| last_word(p.name) == wanted);
        let offset = best(OFFSET, &|param, name| {
            not_cursor(param) && is_offset(param, name) && !range(name).is_some_and(has)
        });
        let page = best(PAGE, &|param, name| not_cursor(param) && is_page(param, name));
        let fits = |param: &Param<'_>| {
            !param.types().iter().any(|t| matches!(*t, "array" | "object" | "boolean"))
                && offset.is_none_or(|o| o.name != param.name)
                && !is_time(param)
        };
        let of_pages = best(SIZE, &|param, name| fits(param) && counts_pages(name));
        let of_rows = best(SIZE, &|param, name| fits(param) && !counts_pages(name));
        // `page` goes with `per_page`, `offset` with `limit`; with both there, pages are the plainer way
        let (page, offset, size) = match (page, offset, of_pages, of_rows) {
            (Some(_), Some(_), Some(size), None) => (page, None, Some(size)),
            (_, Some(_), _, Some(size)) => (page, offset, Some(size)),
            (_, _, of_pages, of_rows) => (page, offset, of_pages.or(of_rows)),
        };
        // `first` is both: how many, or from which on
        Self { page, size, offset, cursor }
    }

    pub(crate) fn any(&self) -> bool {
        self.page.is_some() || self.offset.is_some() || self.cursor.is_some()
    }
}

/// Whether a size is that of pages by its name.
fn counts_pages(name: &str) -> bool {
    name.contains("page") || matches!(name, "rpp" | "psize" | "pp" | "ps")
}

/// The other end of what may be a range: with `end` beside it, `start` is no offset.
fn range(name: &str) -> Option<&'static str> {
    match name {
        "start" => Some("end"),
        "from" => Some("to"),
        "begin" => Some("end"),
        _ => None,
    }
}

/// Parameters such as `pagination.limit` and `filter[page]` count by their last words.
fn last_word(name: &str) -> String {
    let name = name.trim_start_matches('$');
    match name.rsplit_once('.') {
        Some((head, tail))
            if ["paging", "pagination", "page", "options", "list"].contains(&plain(head).as_str()) =>
        {
            plain(&if plain(head) == "page" { format!("page{tail}") } else { tail.to_owned() })
        }
        _ => plain(name),
    }
}

fn says(param: &Param<'_>, words: &[&str]) -> bool {
    let text = param.description.to_lowercase();
    words.iter().any(|w| text.contains(w))
}

fn is_time(param: &Param<'_>) -> bool {
    param.schema.text("format").is_some_and(|f| f.starts_with("date"))
        || says(param, &["timestamp", "iso 8601", "iso8601", "iso-8601", "date", "unix time"])
}

fn is_cursor(param: &Param<'_>, name: &str) -> bool {
    let sure = matches!(
        name,
        "cursor"
            | "pagetoken"
            | "nexttoken"
            | "continuationtoken"
            | "nextpagetoken"
            | "startingafter"
            | "pagecursor"
            | "nextcursor"
            | "aftercursor"
            | "scrollid"
            | "paginationtoken"
            | "pagingtoken"
            | "skiptoken"
            | "pageafter"
            | "cursormark"
            | "pagestarttoken"
            | "continuation"
            | "nextmarker"
            | "exclusivestartkey"
            | "resumetoken"
            | "startcursor"
            | "startingtoken"
            | "pagemarker"
            | "paginationcursor"
            | "listcursor"
    );
    if sure {
        return !(param.is_number() && name == "cursor" && says(param, &["offset"]));
    }
    match name {
        "streamposition" | "after" | "marker" | "next" | "nextpage" | "continue" | "bookmark" | "nextkey"
        | "pagestate" | "startkey" | "nextrecordkey" => {
            !is_time(param) && !param.types().contains(&"boolean")
        }
        // a number to most, to some a token
        "offset" => param.types() == ["string"] && says(param, OPAQUE),
        "token" | "pageid" | "position" | "startfrom" => {
            says(param, &["next page", "pagination", "previous response", "cursor"])
        }
        "sinceid" | "afterid" | "lastid" | "offsetid" | "maxid" | "beforeid" => !is_time(param),
        _ => false,
    }
}

fn is_offset(param: &Param<'_>, name: &str) -> bool {
    if param.types().iter().any(|t| matches!(*t, "array" | "object" | "boolean")) || is_time(param) {
        return false;
    }
    match name {
        "from" | "start" | "begin" | "first" => {
            let words = [
                "offset",
                "skip",
                "zero",
                "index",
                "first result",
                "first item",
                "first record",
                "pagination",
                "paging",
                "row",
            ];
            (param.is_number() && name != "first") || says(param, &words) && !says(param, &["first n "])
        }
        "offset" => !(param.types() == ["string"] && says(param, OPAQUE)),
        _ => true,
    }
}

fn is_page(param: &Param<'_>, name: &str) -> bool {
    if param.types().iter().any(|t| matches!(*t, "array" | "object" | "boolean")) {
        return false;
    }
    match name {
        "p" | "pageid" | "pagecount" | "pg" => says(param, &["page"]) && param.is_number(),
        _ => param.is_number() || !says(param, OPAQUE) && !says(param, &["facebook", "web page", "url"]),
    }
}
