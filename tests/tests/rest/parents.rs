//! Resources of resources.

use std::time::Duration;

use floe::rest::{Action, Limits, Paginator, TimeFormat};
use floe::testing::{Api, Fault, Paging, Reply};
use serde_json::{Value as Json, json};

use super::{Bench, api, rows};

/// Parents 1 to n; each has as many children as its number says, two a page.
fn family(parents: usize) -> Api {
    Api::new().table("/parents", rows(parents), Paging::header_link(10)).route(
        "/parents/*/children",
        |request| {
            let parent: usize = request.path().split('/').nth(2).unwrap().parse().unwrap();
            let children: Vec<Json> = (0..parent).map(|n| json!({"id": parent * 100 + n})).collect();
            let page: usize = request.query("page").map_or(1, |page| page.parse().unwrap());
            let part: Vec<Json> = children.iter().skip((page - 1) * 2).take(2).cloned().collect();
            let reply = Reply::json(200, json!(part));
            if page * 2 < children.len() {
                let next = format!("<{}?page={}>; rel=\"next\"", request.path(), page + 1);
                return reply.with("Link", next);
            }
            reply
        },
    )
}

fn children_of(parents: usize) -> Vec<i64> {
    let of = |parent: i64| (0..parent).map(move |n| parent * 100 + n);
    (1..=parents as i64).flat_map(of).collect()
}

fn children(api: &floe::rest::Api) -> floe::rest::Endpoint {
    api.get("/parents/{id}/children").parent("parents", [("id", "id")]).paginate(Paginator::header_link())
}

#[test]
fn children_come_in_the_order_of_their_parents() {
    let server = family(30).latency(Duration::from_millis(1)).start();
    let api = api(&server).limits(Limits::default().concurrency(4));
    let bench = Bench::new();
    let parents = api.get("/parents").resource("parents");
    bench.run([parents, children(&api).include_from_parent(["name"]).resource("children")]).unwrap();
    assert_eq!(bench.ids("children"), children_of(30));
    let rows = bench.rows("children");
    assert_eq!(rows[0]["_parents_name"], "row 1");
    assert_eq!(rows[464]["_parents_name"], "row 30");
    assert!((2..=4).contains(&server.most_at_once()), "{}", server.most_at_once());
}

#[test]
fn parents_that_are_not_loaded_are_read() {
    let server = family(3).start();
    let api = api(&server);
    let bench = Bench::new();
    let parents = api.get("/parents").resource("parents").selected(false);
    bench.run([parents, children(&api).resource("children")]).unwrap();
    assert_eq!(bench.ids("children"), children_of(3));
    assert!(bench.rows("parents").is_empty());
}

#[test]
fn any_number_of_fields_goes_anywhere() {
    let server = Api::new()
        .route("/repos", |_| Reply::json(200, r#"[{"name": "x y", "owner": {"login": "a/b"}, "stars": 7}]"#))
        .route("/repos/*", |_| Reply::json(200, r#"[{"id": 1}, {}]"#))
        .start();
    let api = api(&server);
    let repos = api.get("/repos").resource("repos");
    let child = api
        .post("/repos/{owner}/{name}/things")
        .query("q", "{name}!")
        .header("X-Owner", "{owner}")
        .json(json!({"stars": "{stars}", "text": "{stars} stars"}))
        .parent("repos", [("owner", "owner.login"), ("name", "name"), ("stars", "stars")])
        .include_from_parent_as("owner.login", "owner")
        .resource("things");
    let bench = Bench::new();
    bench.run([repos, child]).unwrap();
    let request = &server.requests()[1];
    assert_eq!(request.target, "/repos/a%2Fb/x%20y/things?q=x+y%21");
    assert_eq!(request.header("x-owner"), Some("a/b"));
    assert_eq!(request.json(), json!({"stars": 7, "text": "7 stars"}));
    let owners: Vec<Json> = bench.rows("things").iter().map(|row| row["owner"].clone()).collect();
    assert_eq!(owners, ["a/b", "a/b"]);
}

#[test]
fn missing_and_null_fields_of_parents_are_errors() {
    let server = Api::new().route("/a", |_| Reply::json(200, r#"[{"id": null, "x": 1}]"#)).start();
    let api = api(&server);
    for (field, wanted) in [
        ("key", "/b/{v}: an item of `a` has no `key`\n  help: it has id, x"),
        ("id", "/b/{v}: `id` of an item of `a` is null\n  help: leave such items out with a filter"),
    ] {
        let child = api.get("/b/{v}").parent("a", [("v", field)]).resource("b");
        let error = Bench::new().run([api.get("/a").resource("a"), child]).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn answers_out_of_the_ordinary_have_actions() {
    let server = Api::new()
        .table("/parents", rows(4), Paging::single())
        .route("/parents/1/x", |_| Reply::json(200, r#"[{"id": 1}]"#))
        .route("/parents/2/x", |_| Reply::json(404, r#"{"message": "gone"}"#))
        .route("/parents/3/x", |_| Reply::json(200, r#"{"error": "no data"}"#))
        .route("/parents/4/x", |_| Reply::json(200, r#"[{"id": 4}]"#))
        .start();
    let api = api(&server);
    let run = |actions: Vec<Action>| {
        let mut child = api.get("/parents/{id}/x").parent("parents", [("id", "id")]);
        for action in actions {
            child = child.on(action);
        }
        let bench = Bench::new();
        let outcome = bench.run([api.get("/parents").resource("parents"), child.resource("x")]);
        outcome.map(|_| bench.ids("x")).map_err(|error| error.to_string())
    };
    let error = run(Vec::new()).unwrap_err();
    assert!(error.contains("/parents/2/x answered 404: {\"message\": \"gone\"}"), "{error}");
    assert!(error.contains("to do without what is not there, ignore status 404"), "{error}");
    let ignored = run(vec![Action::ignore().status_class(4), Action::empty().content("no data")]);
    assert_eq!(ignored, Ok(vec![1, 4]));
    let error = run(vec![Action::ignore().status(404), Action::fail().content("no data")]).unwrap_err();
    assert!(error.contains("/parents/3/x answered 200: {\"error\": \"no data\"}"), "{error}");
}

#[test]
fn windows_of_a_cursor_are_asked_for() {
    let server = Api::new()
        .route("/events", |request| {
            let from: u64 = request.query("from").unwrap().parse().unwrap();
            let to: u64 = request.query("to").unwrap().parse().unwrap();
            let at = |id: &u64| (from..to).contains(&(id * 86_400));
            let rows: Vec<Json> = (1..=9).filter(at).map(|id| json!({"id": id, "at": id * 86_400})).collect();
            Reply::json(200, json!(rows))
        })
        .start();
    let bench = Bench::new();
    let events = api(&server)
        .get("/events")
        .since("at", "from", TimeFormat::UnixSeconds)
        .until("to")
        .initial_value(86_400)
        .end_value(86_400 * 6)
        .window(Duration::from_secs(2 * 86_400))
        .resource("events");
    bench.run([events]).unwrap();
    assert_eq!(bench.ids("events"), [1, 2, 3, 4, 5]);
    assert_eq!(
        server.log(),
        [
            "GET /events?from=86400&to=259200",
            "GET /events?from=259200&to=432000",
            "GET /events?from=432000&to=518400"
        ]
    );
}

#[test]
fn the_second_run_asks_for_what_is_new() {
    let rows =
        vec![json!({"id": 1, "at": "2024-01-01T00:00:00Z"}), json!({"id": 2, "at": "2024-02-01T00:00:00Z"})];
    let server = Api::new().table("/items", rows, Paging::single().since("since", "at")).start();
    let items = || {
        let items = api(&server).get("/items").since("at", "since", TimeFormat::UnixSeconds);
        items.query("from", "{incremental.start_value}").resource("items").primary_key(["id"])
    };
    let bench = Bench::new();
    bench.run([items()]).unwrap();
    bench.run([items()]).unwrap();
    assert_eq!(server.log(), ["GET /items", "GET /items?from=1706745600&since=1706745600"]);
    assert_eq!(bench.ids("items"), [1, 2]);
}

#[test]
fn an_interrupted_run_goes_on_where_it_stopped() {
    let server = family(12)
        .fault(Fault::status(500).on("/parents/7/children").after(1).times(1))
        .table("/pages", rows(10), Paging::header_link(2))
        .fault(Fault::status(500).on("/pages").after(3).times(1))
        .start();
    let api = api(&server).retry(super::quick().attempts(1)).limits(Limits::default().concurrency(1));
    let bench = Bench::new();
    let pages = || api.get("/pages").paginate(Paginator::header_link()).resource("pages");
    assert!(bench.run([pages()]).is_err());
    bench.run([pages()]).unwrap();
    assert_eq!(bench.ids("pages"), super::ids(10));
    let pages = ["", "?page=2", "?page=3", "?page=4", "?page=4", "?page=5"];
    assert_eq!(server.log(), pages.map(|query| format!("GET /pages{query}")));

    server.forget();
    let family = || [api.get("/parents").resource("parents"), children(&api).fan_out(1).resource("children")];
    assert!(bench.run(family()).is_err());
    let first = server.log().len();
    bench.run(family()).unwrap();
    assert_eq!(bench.ids("children"), children_of(12));
    let second = server.log().split_off(first);
    assert_eq!(second[0], "GET /parents/7/children?page=2", "{second:?}");
    assert!(!second.contains(&"GET /parents".to_owned()), "{second:?}");
}
