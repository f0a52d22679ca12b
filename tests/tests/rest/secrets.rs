//! No secret shows anywhere.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use floe::rest::{Algorithm, Auth, Hmac, Jwt, OAuth2, Paginator, SigV4};
use floe::testing::{Api, Fault, Paging, Reply, Tokens};

use super::{Bench, api, rows};

const PLANTED: &str = "pl4nted/s3cret+42";

fn proofs(url: &str) -> Vec<(&'static str, Auth)> {
    let token = format!("{url}/token");
    vec![
        ("bearer", Auth::bearer(PLANTED)),
        ("header", Auth::header("X-Key", PLANTED)),
        ("query", Auth::query("k", PLANTED)),
        ("cookie", Auth::cookie("sid", PLANTED)),
        ("basic", Auth::basic("ada", PLANTED)),
        ("hmac", Auth::hmac(Hmac::new(PLANTED, "{method}{path}", "X-Signature"))),
        ("sigv4", Auth::sigv4(SigV4::new(PLANTED, PLANTED, "r", "s").session_token(PLANTED))),
        ("client", Auth::oauth2(OAuth2::client_credentials(&token, "floe", PLANTED))),
        (
            "client in header",
            Auth::oauth2(OAuth2::client_credentials(&token, "floe", PLANTED).secret_in_header()),
        ),
        ("refresh", Auth::oauth2(OAuth2::refresh_token(&token, PLANTED))),
        ("password", Auth::oauth2(OAuth2::password(&token, "ada", PLANTED))),
        ("jwt", Auth::oauth2(OAuth2::jwt_bearer(&token, Jwt::new(Algorithm::Hs256, PLANTED)))),
    ]
}

/// Everything in a folder, as one text.
fn contents(folder: &Path) -> String {
    let mut all = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.push_str(&contents(&path));
        } else {
            all.push_str(&String::from_utf8_lossy(&fs::read(&path).unwrap()));
        }
    }
    all
}

fn look(what: &str, text: &str) {
    use base64::Engine;
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("ada:{PLANTED}"));
    let forms = [PLANTED, "pl4nted%2Fs3cret%2B42", "pl4nted%2Fs3cret+42", "access-1", &encoded];
    for form in forms {
        assert!(!text.contains(form), "{what} shows {form}:\n{text}");
    }
}

#[test]
fn secrets_show_nowhere() {
    let mut failures: Vec<Option<Fault>> = vec![None];
    for status in [401, 404, 500] {
        failures.push(Some(Fault::status(status)));
    }
    failures.extend([
        Some(Fault::reset()),
        Some(Fault::hangup()),
        Some(Fault::html()),
        Some(Fault::truncated()),
    ]);
    for fault in failures {
        for with_tokens in [false, true] {
            let mut server = Api::new();
            if let Some(fault) = &fault {
                server = server.fault(fault.clone().on("/*").after(2));
            }
            if with_tokens {
                server = server.tokens(Tokens::new(|_| true));
            }
            // a server that tells everyone what it was told
            let server = server
                .route("/echo", |request| {
                    let told = format!("{:?} {}", request.headers, request.target);
                    Reply::json(if request.query("page").is_some() { 400 } else { 200 }, "[]")
                        .with("X-Told", told)
                })
                .table("/items", rows(9), Paging::header_link(2))
                .start();
            for (name, auth) in proofs(&server.url()) {
                if with_tokens != format!("{auth:?}").contains("oauth2") {
                    continue;
                }
                let what = format!("{name} with {fault:?}");
                look(&what, &format!("{auth:?}"));
                let bench = Bench::new();
                let tape = bench.folder.path().join("tape");
                let seen = Arc::new(Mutex::new(String::new()));
                let log = seen.clone();
                let api = api(&server).auth(auth).record(&tape).retry(super::quick().attempts(2)).on_request(
                    move |exchange| {
                        log.lock().unwrap().push_str(&format!("{exchange} {exchange:?}\n"));
                    },
                );
                look(&what, &format!("{api:?}"));
                let items = api.get("/items").paginate(Paginator::header_link()).resource("items");
                let echo = api.get("/echo").data("$").resource("echo");
                look(&what, &format!("{items:?}"));
                match bench.pipeline().keep_packages(true).run_blocking([items, echo]) {
                    Ok(report) => look(&what, &format!("{report} {report:?}")),
                    Err(error) => look(&what, &format!("{error} {error:?} {}", error.to_json())),
                }
                look(&what, &seen.lock().unwrap());
                look(&what, &contents(bench.folder.path()));
                look(&what, &api.warnings().join("\n"));
            }
        }
    }
}
