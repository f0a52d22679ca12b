//! Every paginator with every rule by which it stops.

use std::time::Duration;

use floe::rest::{Limits, Paginator, Turn};
use floe::testing::{Api, Paging, Reply};
use serde_json::json;

use super::{Bench, api, ids, load, rows};

/// Loads 5 rows, 2 a page, and gives the log.
fn log(paging: Paging, paginator: Paginator) -> Vec<String> {
    let server = Api::new().table("/items", rows(5), paging).start();
    let loaded = load(api(&server).get("/items").paginate(paginator).resource("items"));
    assert_eq!(loaded, Ok(ids(5)), "{:?}", server.log());
    server.log().into_iter().map(|line| line.replace("GET /items", "")).collect()
}

#[test]
fn links_are_followed() {
    let pages = ["", "?page=2", "?page=3"];
    assert_eq!(log(Paging::header_link(2), Paginator::header_link()), pages);
    assert_eq!(log(Paging::json_link(2), Paginator::json_link("next")), pages);
    assert_eq!(log(Paging::header_link(2), Paginator::auto()), pages);
    assert_eq!(log(Paging::json_link(2), Paginator::auto()), pages);
}

#[test]
fn offsets_end_at_every_rule() {
    let offset =
        |tail: usize| -> Vec<String> { (0..tail).map(|n| format!("?limit=2&offset={}", n * 2)).collect() };
    assert_eq!(log(Paging::offset(2), Paginator::offset(2).total("total")), offset(3));
    assert_eq!(log(Paging::offset(2).silent(), Paginator::offset(2)), offset(4), "empty page");
    assert_eq!(log(Paging::offset(2).silent(), Paginator::offset(2).stop_on_short(2)), offset(3));
    assert_eq!(log(Paging::offset(2).silent(), Paginator::offset(2).maximum(5)), offset(3));
    assert_eq!(log(Paging::offset(2).silent(), Paginator::offset(2).max_pages(3)), offset(3));
}

#[test]
fn page_numbers_end_at_every_rule() {
    let page = |first: usize, count: usize| -> Vec<String> {
        (first..first + count).map(|n| format!("?page={n}")).collect()
    };
    let one = |paginator: Paginator| log(Paging::page_number(2, 1), paginator.first(1));
    assert_eq!(one(Paginator::page_number().total("pages")), page(1, 3));
    assert_eq!(one(Paginator::page_number()), page(1, 4), "empty page");
    assert_eq!(one(Paginator::page_number().stop_on_short(2)), page(1, 3));
    assert_eq!(one(Paginator::page_number().maximum(4)), page(1, 3));
    assert_eq!(one(Paginator::page_number().max_pages(3)), page(1, 3));
    assert_eq!(log(Paging::page_number(2, 0), Paginator::page_number().total("pages")), page(0, 3));
}

#[test]
fn cursors_end_at_every_rule() {
    let pages = ["", "?cursor=c2", "?cursor=c4"];
    assert_eq!(log(Paging::cursor(2), Paginator::cursor("next_cursor")), pages);
    assert_eq!(log(Paging::cursor(2).endless(), Paginator::cursor("next_cursor").max_pages(3)), pages);
    assert_eq!(log(Paging::cursor(2), Paginator::cursor("next_cursor").stop_on_short(2)), pages);
    assert_eq!(log(Paging::header_cursor(2), Paginator::header_cursor("X-Next")), pages);
    assert_eq!(log(Paging::cursor(2), Paginator::auto()), pages);
    let after = ["", "?after=2", "?after=4"];
    let last = || Paginator::last_record("id").param("after");
    assert_eq!(log(Paging::last_record(2), last().has_more("has_more")), after);
    assert_eq!(log(Paging::last_record(2), last()), [&after[..], &["?after=5"]].concat(), "empty page");
}

#[test]
fn a_limit_ends_the_requests() {
    let server = Api::new().table("/items", rows(9), Paging::cursor(2)).start();
    let items = api(&server).get("/items").paginate(Paginator::cursor("next_cursor")).resource("items");
    assert_eq!(load(items.limit(floe::Limit::rows(3))), Ok(ids(3)));
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn cursors_go_into_bodies_and_headers() {
    let server = Api::new().table("/search", rows(5), Paging::body_cursor(2)).start();
    let search = api(&server).post("/search").json(json!({"query": "x", "page": {"size": 2}}));
    let paginator = Paginator::cursor("next_cursor").to_body("page.cursor");
    assert_eq!(load(search.paginate(paginator).resource("items")), Ok(ids(5)));
    let bodies: Vec<_> = server.requests().iter().map(|request| request.json().to_string()).collect();
    assert_eq!(
        bodies,
        [
            r#"{"query":"x","page":{"size":2}}"#,
            r#"{"query":"x","page":{"size":2,"cursor":"c2"}}"#,
            r#"{"query":"x","page":{"size":2,"cursor":"c4"}}"#
        ]
    );
    let server = Api::new()
        .route("/items", |request| match request.header("x-token") {
            None => Reply::json(200, json!({"items": [{"id": 1}], "next": 7})),
            Some(token) => Reply::json(200, json!({"items": [{"id": 2}], "token": token})),
        })
        .start();
    let items = api(&server).get("/items").paginate(Paginator::cursor("next").to_header("X-Token"));
    assert_eq!(load(items.data("items").resource("items")), Ok(ids(2)));
}

#[test]
fn custom_paginators_are_asked_behind_each_page() {
    let server = Api::new().table("/items", rows(5), Paging::offset(2)).start();
    let paginator = Paginator::custom(|page| {
        let next = (page.page() + 1) * 2;
        let total = page.value("total")?.and_then(|total| total.as_u64()).unwrap_or(0);
        Ok(if next < total { Turn::end().query("offset", next).query("limit", 2) } else { Turn::end() })
    });
    assert_eq!(load(api(&server).get("/items").paginate(paginator).resource("items")), Ok(ids(5)));
    assert_eq!(server.log(), ["GET /items", "GET /items?offset=2&limit=2", "GET /items?offset=4&limit=2"]);
}

/// The warnings of a run, and what a strict run says.
fn warned(paging: Paging, paginator: Paginator, count: usize) -> (Vec<i64>, Vec<String>, String) {
    let server = Api::new().table("/items", rows(count), paging).start();
    let api = api(&server);
    let bench = Bench::new();
    bench.run([api.get("/items").paginate(paginator.clone()).resource("items")]).unwrap();
    let clean = |text: String| text.replace(&server.url(), "");
    let strict = api.clone().strict(true).get("/items").paginate(paginator).resource("items");
    let strict = load(strict).err().unwrap_or_default();
    (bench.ids("items"), api.warnings().into_iter().map(clean).collect(), clean(strict))
}

#[test]
fn endless_paging_is_impossible() {
    let (loaded, warnings, strict) = warned(Paging::cursor(2).endless(), Paginator::cursor("next_cursor"), 5);
    assert_eq!(
        loaded,
        [1, 2, 3, 4, 5, 1, 2],
        "the page that closes the circle cannot be told before it came"
    );
    let text = "/items: /items?cursor=c0 leads back to a page that was read already, and this was the end";
    assert_eq!(warnings, [text]);
    assert!(strict.contains(text) && strict.contains("without --strict this is a warning"), "{strict}");

    let (loaded, warnings, _) = warned(Paging::json_link(2).endless(), Paginator::json_link("next"), 5);
    assert_eq!((loaded.len(), warnings.len()), (7, 1));

    // a server that does not know the parameter
    let (loaded, warnings, _) = warned(Paging::single().silent(), Paginator::offset(2), 5);
    assert_eq!(loaded, ids(5), "the same page again is not loaded again");
    assert_eq!(
        warnings,
        [
            "/items: /items?limit=2&offset=2 gave the same items as the page before, and this was the end: does the \
          API know the parameter `offset`?"
        ]
    );
    let (loaded, warnings, _) =
        warned(Paging::page_number(5, 1).silent(), Paginator::page_number().param("pg"), 5);
    assert_eq!((loaded, warnings.len()), (ids(5), 1));
}

#[test]
fn a_full_page_alone_is_suspicious() {
    let (loaded, warnings, strict) = warned(Paging::single(), Paginator::single_page(), 100);
    assert_eq!(loaded.len(), 100);
    let text = "/items: one page was read, and its 100 items look like a full page";
    assert!(warnings[0].starts_with(text) && strict.contains(text), "{warnings:?} {strict}");
    assert_eq!(warned(Paging::single(), Paginator::single_page(), 99).1, Vec::<String>::new());
}

#[test]
fn links_to_other_hosts_are_refused_unless_allowed() {
    let other = Api::new().table("/items", rows(3), Paging::single()).start();
    let link = format!("{}/items", other.url());
    let server = Api::new()
        .route("/items", move |_| Reply::json(200, json!({"items": [{"id": 0}], "next": link})))
        .start();
    let error = load(api(&server).get("/items").resource("items")).unwrap_err();
    assert!(error.contains("the link to the next page leads to another host"), "{error}");
    assert!(
        error.contains("help: if it belongs to the API, allow it: `allow_hosts: [127.0.0.1]`"),
        "{error}"
    );
    assert_eq!(other.log().len(), 0);
    let allowed = api(&server).allow_host("127.0.0.1").get("/items").resource("items");
    assert_eq!(load(allowed), Ok(vec![0, 1, 2, 3]));
}

#[test]
fn relative_links_and_totals_as_text_are_understood() {
    let server = Api::new()
        .route("/v1/items", |request| match request.query("p") {
            None => Reply::json(200, json!({"items": [{"id": 1}], "next": "?p=2"})),
            Some(_) => Reply::json(200, json!({"items": [{"id": 2}], "next": ""})),
        })
        .route("/text", |request| {
            let page: i64 = request.query("page").unwrap().parse().unwrap();
            Reply::json(200, json!({"items": [{"id": page}], "meta": {"pages": "3"}}))
        })
        .start();
    let items = api(&server).get("v1/items").paginate(Paginator::json_link("next")).resource("items");
    assert_eq!(load(items), Ok(ids(2)));
    let paginator = Paginator::page_number().first(1).total("meta.pages");
    assert_eq!(load(api(&server).get("text").paginate(paginator).resource("items")), Ok(ids(3)));
    let paginator = Paginator::page_number().first(1).total("meta.total");
    let error = load(api(&server).get("text").paginate(paginator).resource("items")).unwrap_err();
    assert!(error.contains("`meta.total`, which is to be the total, is missing in"), "{error}");
}

#[test]
fn limits_stop_requests() {
    let server = Api::new().table("/items", rows(100), Paging::header_link(10)).start();
    let items = api(&server).get("/items").paginate(Paginator::header_link()).limit(25).resource("items");
    assert_eq!(load(items), Ok(ids(25)));
    assert_eq!(server.log().len(), 3);
}

#[test]
fn bodies_are_decompressed_and_bounded() {
    for encoding in ["gzip", "zstd", "br", "deflate"] {
        let server = Api::new().table("/items", rows(50), Paging::single()).compression(encoding).start();
        assert_eq!(load(api(&server).get("/items").resource("items")), Ok(ids(50)), "{encoding}");
        let limits = Limits::default().page_bytes(500).read_timeout(Duration::from_secs(1));
        let error = load(api(&server).limits(limits).get("/items").resource("items")).unwrap_err();
        assert!(error.contains("the answer has more than 500 bytes"), "{encoding}: {error}");
        assert_eq!(server.log().len(), 2, "a page that is too large is not asked for again");
    }
}

#[test]
fn lines_and_csv_are_pages_too() {
    let server = Api::new()
        .route("/lines", |_| Reply::text(200, "application/x-ndjson", "{\"id\": 1}\n{\"id\": 2}\n"))
        .route("/csv", |_| Reply::text(200, "text/csv", "id,name\n1,a\n2,b\n"))
        .start();
    for path in ["/lines", "/csv"] {
        assert_eq!(load(api(&server).get(path).resource("items")), Ok(ids(2)), "{path}");
    }
}
