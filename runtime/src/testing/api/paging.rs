//! Ways of giving rows page by page.

use serde_json::{Value as Json, json};

use super::{ApiRequest, Reply};

/// How rows are given page by page.
///
/// Items are under `items`, except for header links, which give a bare list.
#[derive(Debug, Clone)]
pub struct Paging {
    kind: Kind,
    size: usize,
    /// Leaves out what says that there is more: totals and flags.
    silent: bool,
    /// Goes on for ever.
    endless: bool,
    /// The list is under this key.
    items: String,
    filter: Option<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Single,
    HeaderLink,
    JsonLink,
    Offset,
    Page(usize),
    Cursor,
    BodyCursor,
    HeaderCursor,
    LastRecord,
}

impl Paging {
    fn new(kind: Kind, size: usize) -> Self {
        let size = size.max(1);
        Self { kind, size, silent: false, endless: false, items: "items".to_owned(), filter: None }
    }

    /// All rows at once.
    pub fn single() -> Self {
        Self::new(Kind::Single, usize::MAX)
    }

    /// `Link: <...?page=2>; rel="next"`, pages from 1 on.
    pub fn header_link(size: usize) -> Self {
        Self::new(Kind::HeaderLink, size)
    }

    /// The address of the next page in `next`, pages from 1 on.
    pub fn json_link(size: usize) -> Self {
        Self::new(Kind::JsonLink, size)
    }

    /// `offset` and `limit`; the number of rows in `total`.
    pub fn offset(size: usize) -> Self {
        Self::new(Kind::Offset, size)
    }

    /// `page`; the number of pages in `pages`.
    pub fn page_number(size: usize, first: usize) -> Self {
        Self::new(Kind::Page(first), size)
    }

    /// A text in `next_cursor`, taken back as `cursor`; `has_more` says whether there is more.
    pub fn cursor(size: usize) -> Self {
        Self::new(Kind::Cursor, size)
    }

    /// The same, taken back in the JSON body as `page.cursor`.
    pub fn body_cursor(size: usize) -> Self {
        Self::new(Kind::BodyCursor, size)
    }

    /// The same in the header `X-Next`.
    pub fn header_cursor(size: usize) -> Self {
        Self::new(Kind::HeaderCursor, size)
    }

    /// The `id` of the last row, taken back as `after`; `has_more` says whether there is more.
    pub fn last_record(size: usize) -> Self {
        Self::new(Kind::LastRecord, size)
    }

    /// Without totals and flags: the client has to see the end by itself.
    pub fn silent(mut self) -> Self {
        self.silent = true;
        self
    }

    /// Behind the last page comes the first one again.
    pub fn endless(mut self) -> Self {
        self.endless = true;
        self
    }

    /// The list is under another key.
    pub fn items(mut self, key: &str) -> Self {
        key.clone_into(&mut self.items);
        self
    }

    /// Gives only rows whose field is not before the parameter of the query.
    pub fn since(mut self, param: &str, field: &str) -> Self {
        self.filter = Some((param.to_owned(), field.to_owned()));
        self
    }

    pub(super) fn reply(&self, rows: &[Json], request: &ApiRequest) -> Reply {
        let rows: Vec<&Json> = rows.iter().filter(|row| self.takes(row, request)).collect();
        let number = |name: &str| request.query(name).and_then(|text| text.parse::<usize>().ok());
        let size = match self.kind {
            Kind::Offset => number("limit").unwrap_or(self.size),
            _ => self.size,
        };
        let cursor = match self.kind {
            Kind::BodyCursor => request.json()["page"]["cursor"].as_str().map(str::to_owned),
            _ => request.query("cursor"),
        };
        let start = match self.kind {
            Kind::Single => 0,
            Kind::HeaderLink | Kind::JsonLink => {
                (number("page").unwrap_or(1).max(1) - 1).saturating_mul(size)
            }
            Kind::Page(first) => number("page").unwrap_or(first).saturating_sub(first).saturating_mul(size),
            Kind::Offset => number("offset").unwrap_or(0),
            Kind::Cursor | Kind::BodyCursor | Kind::HeaderCursor => {
                cursor.and_then(|cursor| cursor.strip_prefix('c')?.parse().ok()).unwrap_or(0)
            }
            Kind::LastRecord => match request.query("after") {
                None => 0,
                Some(after) => {
                    let at = rows.iter().position(|row| row["id"].to_string().trim_matches('"') == after);
                    at.map_or(0, |at| at + 1)
                }
            },
        };
        let end = start.saturating_add(size).min(rows.len());
        let page: Vec<&Json> = rows.get(start.min(end)..end).unwrap_or_default().to_vec();
        let more = end < rows.len();
        let next = if more { end } else { 0 };
        self.write(page, (more || self.endless).then_some(next), rows.len(), size, request)
    }

    fn takes(&self, row: &Json, request: &ApiRequest) -> bool {
        let Some((param, field)) = &self.filter else { return true };
        let since = request.query(param);
        since.is_none_or(|since| row[field].as_str().is_none_or(|value| value >= since.as_str()))
    }

    fn write(
        &self,
        page: Vec<&Json>,
        next: Option<usize>,
        total: usize,
        size: usize,
        request: &ApiRequest,
    ) -> Reply {
        let mut body = json!({self.items.as_str(): page});
        let mut header = None;
        let link = |next: usize| {
            let host = request.header("host").unwrap_or_default();
            let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
            let others = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("page="));
            let page = format!("page={}", next / size + 1);
            let query: Vec<&str> = others.chain([page.as_str()]).collect();
            format!("http://{host}{path}?{}", query.join("&"))
        };
        let mut say = |key: &str, value: Json| {
            if !self.silent {
                body[key] = value;
            }
        };
        match self.kind {
            Kind::Single => {}
            Kind::HeaderLink => {
                header = next.map(|next| ("link", format!("<{}>; rel=\"next\"", link(next))));
                body = json!(page);
            }
            Kind::JsonLink => body["next"] = next.map(link).into(),
            Kind::Offset => say("total", total.into()),
            Kind::Page(_) => say("pages", total.div_ceil(size).into()),
            Kind::Cursor | Kind::BodyCursor => {
                say("has_more", next.is_some().into());
                body["next_cursor"] = next.map(|next| format!("c{next}")).into();
            }
            Kind::HeaderCursor => header = next.map(|next| ("x-next", format!("c{next}"))),
            Kind::LastRecord => say("has_more", next.is_some().into()),
        }
        let reply = Reply::json(200, body);
        match header {
            Some((name, value)) => reply.with(name, value),
            None => reply,
        }
    }
}
