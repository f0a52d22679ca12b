//! Every failure: it passes, or it is told.

use std::time::{Duration, Instant};

use floe::rest::{Limits, Paginator, Retry};
use floe::testing::{Api, Fault, Paging, Reply};
use proptest::prelude::*;

use super::{Bench, api, ids, load, quick, rows};

/// Loads 5 rows of 3 pages with a fault at the second page; gives how often that was asked for.
fn with_fault(fault: Fault) -> (Result<Vec<i64>, String>, usize) {
    let server = Api::new().fault(fault).table("/items", rows(5), Paging::header_link(2)).start();
    let loaded = load(api(&server).get("/items").paginate(Paginator::header_link()).resource("items"));
    let asked = server.log().iter().filter(|line| line.ends_with("page=2")).count();
    (loaded.map_err(|error| error.replace(&server.url(), "")), asked)
}

fn passing() -> Vec<Fault> {
    vec![
        Fault::status(429).header("Retry-After", 0),
        Fault::status(429),
        Fault::status(403).header("X-RateLimit-Remaining", 0).header("X-RateLimit-Reset", 0),
        Fault::status(500),
        Fault::status(503),
        Fault::reset(),
        Fault::hangup(),
        Fault::truncated(),
        Fault::html(),
        Fault::silence(Duration::from_millis(600)),
    ]
}

#[test]
fn failures_that_pass_are_waited_for() {
    for fault in passing() {
        let (loaded, asked) = with_fault(fault.clone().after(1).times(2));
        assert_eq!((loaded, asked), (Ok(ids(5)), 3), "{fault:?}");
    }
}

#[test]
fn failures_that_stay_are_told() {
    let cases = [
        (Fault::status(404), "GET /items?page=2 answered 404: {\"error\": \"status 404\"}", 1),
        (Fault::status(403), "GET /items?page=2 answered 403", 1),
        (
            Fault::status(500),
            "GET /items?page=2 answered 500: {\"error\": \"status 500\"}\n  help: it was tried 6 times",
            6,
        ),
        (Fault::reset(), "GET /items?page=2: the answer broke off: ", 6),
        (Fault::hangup(), "GET /items?page=2: the request failed: ", 6),
        (
            Fault::truncated(),
            "GET /items?page=2 answered 200 with what is no JSON: the text ends in the middle",
            6,
        ),
        (Fault::html(), "it calls itself text/html and begins with `<html><body>Please come back later", 6),
        (Fault::silence(Duration::from_secs(2)), "GET /items?page=2: the server was silent for 0.3 s", 6),
        (
            Fault::status(429).header("Retry-After", 3600),
            "help: the server asks to wait 3600 s, and 2 s is the most; run again then",
            1,
        ),
    ];
    for (fault, wanted, attempts) in cases {
        let (loaded, asked) = with_fault(fault.after(1));
        let error = loaded.unwrap_err();
        assert!(error.contains(wanted), "{error}\nshould have: {wanted}");
        assert_eq!(asked, attempts, "{error}");
    }
}

#[test]
fn slow_servers_are_waited_for_up_to_a_limit() {
    let drip = Fault::drip(40, Duration::from_millis(20));
    assert_eq!(with_fault(drip.clone()).0, Ok(ids(5)));
    let server = Api::new().fault(drip).table("/items", rows(50), Paging::single()).start();
    let limits = Limits::default().total_timeout(Duration::from_millis(100));
    let api = api(&server).limits(limits).retry(quick().attempts(2));
    let error = load(api.get("/items").resource("items")).unwrap_err();
    assert!(error.contains("the answer took longer than 0.1 s"), "{error}");
}

#[test]
fn the_wait_that_is_asked_for_is_kept_by_all() {
    let server = Api::new()
        .fault(Fault::status(429).header("Retry-After", 1).times(1))
        .table("/items", rows(5), Paging::single())
        .start();
    let start = Instant::now();
    assert_eq!(load(api(&server).get("/items").resource("items")), Ok(ids(5)));
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert_eq!(server.log().len(), 2);
}

#[test]
fn retries_have_a_budget() {
    let server = Api::new().fault(Fault::status(500)).start();
    let retry = Retry::default().first_wait(Duration::from_millis(1)).budget(3);
    let error = load(api(&server).retry(retry).get("/items").resource("items")).unwrap_err();
    assert!(error.contains("3 retries were spent on this host"), "{error}");
    assert_eq!(server.log().len(), 4);
}

#[test]
fn a_schema_that_changes_between_pages_is_followed() {
    let server = Api::new()
        .route("/items", |request| match request.query("page").as_deref() {
            Some("1") => Reply::json(200, r#"[{"id": 1, "a": 1}]"#),
            Some("2") => Reply::json(200, r#"[{"id": 2, "a": "text", "b": [{"c": 1}]}]"#),
            _ => Reply::json(200, "[]"),
        })
        .start();
    let bench = Bench::new();
    let items = api(&server).get("/items").paginate(Paginator::page_number().first(1)).resource("items");
    bench.run([items]).unwrap();
    assert_eq!(bench.ids("items"), [1, 2]);
    assert_eq!(bench.rows("items")[1]["a__v_text"], "text");
    assert_eq!(bench.rows("items__b").len(), 1);
}

#[test]
fn exchanges_are_recorded_and_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let tape = folder.path().join("tape");
    let server = Api::new()
        .fault(Fault::status(503).after(1).times(1))
        .table("/items", rows(5), Paging::header_link(2))
        .compression("gzip")
        .start();
    let items = |api: floe::rest::Api| api.get("/items").paginate(Paginator::header_link()).resource("items");
    assert_eq!(load(items(api(&server).record(&tape))), Ok(ids(5)));
    assert_eq!(std::fs::read_dir(&tape).unwrap().count(), 3);
    let asked = server.log().len();
    assert_eq!(load(items(api(&server).replay(&tape))), Ok(ids(5)));
    assert_eq!(server.log().len(), asked, "nobody was asked");
    let error = load(api(&server).replay(&tape).get("/others").resource("items")).unwrap_err();
    assert!(error.contains("no answer is recorded for GET") && error.contains("record again"), "{error}");
}

fn faults() -> impl Strategy<Value = Vec<Fault>> {
    let fault = (0..passing().len() - 1, 0..12usize, 1..4usize);
    let fault = fault.prop_map(|(kind, after, times)| passing().swap_remove(kind).after(after).times(times));
    proptest::collection::vec(fault, 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_fails_for_a_while_all_rows_are_loaded(
        faults in faults(),
        kind in 0..6usize,
        count in 0..25usize,
        size in 1..6usize,
    ) {
        let (paging, paginator) = match kind {
            0 => (Paging::header_link(size), Paginator::header_link()),
            1 => (Paging::json_link(size), Paginator::json_link("next")),
            2 => (Paging::offset(size), Paginator::offset(size as u64).total("total")),
            3 => (Paging::page_number(size, 1).silent(), Paginator::page_number().first(1)),
            4 => (Paging::cursor(size), Paginator::cursor("next_cursor")),
            _ => (Paging::last_record(size), Paginator::last_record("id").param("after")),
        };
        let mut server = Api::new().table("/items", rows(count), paging);
        for fault in &faults {
            server = server.fault(fault.clone());
        }
        let server = server.start();
        // five faults of three times each may fall on one request
        let api = api(&server).retry(quick().attempts(16));
        let items = api.get("/items").paginate(paginator).resource("items");
        prop_assert_eq!(load(items), Ok(ids(count)), "{:?} {:?}", faults, server.log());
    }
}
