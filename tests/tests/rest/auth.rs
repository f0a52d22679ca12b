//! Every proof of who asks.

use std::time::Duration;

use floe::rest::{Algorithm, Auth, Hmac, Jwt, OAuth2, Paginator, SigV4};
use floe::testing::{Api, ApiServer, Paging, Reply, Tokens};

use super::{api, ids, load, rows};

fn guarded(takes: fn(&floe::testing::ApiRequest) -> bool) -> ApiServer {
    Api::new().guard(takes).table("/items", rows(5), Paging::header_link(2)).start()
}

fn loads(server: &ApiServer, auth: Auth) -> Result<Vec<i64>, String> {
    load(api(server).auth(auth).get("/items").paginate(Paginator::header_link()).resource("items"))
}

#[test]
fn keys_go_where_they_belong() {
    let server = guarded(|request| request.header("authorization") == Some("Bearer t0ken"));
    assert_eq!(loads(&server, Auth::bearer("t0ken")), Ok(ids(5)));
    let server = guarded(|request| request.header("authorization") == Some("Basic YWRhOnB3"));
    assert_eq!(loads(&server, Auth::basic("ada", "pw")), Ok(ids(5)));
    let server = guarded(|request| request.header("x-api-key") == Some("k3y5"));
    assert_eq!(loads(&server, Auth::header("X-Api-Key", "k3y5")), Ok(ids(5)));
    let server = guarded(|request| request.header("cookie") == Some("session=k3y5"));
    assert_eq!(loads(&server, Auth::cookie("session", "k3y5")), Ok(ids(5)));
    // the server repeats the key in its links, and it is not sent twice
    let server = guarded(|request| request.target.matches("key=k3y5").count() == 1);
    assert_eq!(loads(&server, Auth::query("key", "k3y5")), Ok(ids(5)));
    let server = guarded(|request| request.header("x-mark") == Some("GET"));
    let custom = Auth::custom(|request| {
        let method = request.method().to_owned();
        request.set_header("X-Mark", &method)
    });
    assert_eq!(loads(&server, custom), Ok(ids(5)));
}

#[test]
fn signatures_cover_the_request() {
    let server = guarded(|request| {
        let time = request.header("x-time").unwrap_or_default();
        let signature = request.header("x-signature").unwrap_or_default();
        time.len() == 10 && signature.len() == 64
    });
    let hmac = Hmac::new("k3y5", "{method}{path}{timestamp}{body}", "X-Signature").timestamp_header("X-Time");
    assert_eq!(loads(&server, Auth::hmac(hmac)), Ok(ids(5)));
    let server = guarded(|request| {
        let proof = request.header("authorization").unwrap_or_default();
        proof.starts_with("AWS4-HMAC-SHA256 Credential=AKID12345/") && request.header("x-amz-date").is_some()
    });
    let sigv4 = SigV4::new("AKID12345", "s3cret-k3y", "eu-west-1", "execute-api");
    assert_eq!(loads(&server, Auth::sigv4(sigv4)), Ok(ids(5)));
}

#[test]
fn a_refused_proof_says_so() {
    let server = guarded(|_| false);
    let error = loads(&server, Auth::bearer("t0ken")).unwrap_err();
    assert!(error.contains("/items answered 401: {\"error\": \"who are you?\"}"), "{error}");
    assert!(error.contains("help: check the `auth` of the API"), "{error}");
    assert_eq!(server.log().len(), 1, "it is not tried again");
}

fn with_tokens(tokens: Tokens) -> ApiServer {
    Api::new().tokens(tokens).table("/items", rows(5), Paging::header_link(2)).start()
}

fn token_requests(server: &ApiServer) -> usize {
    server.log().iter().filter(|line| line.starts_with("POST /token")).count()
}

fn client_credentials(server: &ApiServer) -> OAuth2 {
    OAuth2::client_credentials(format!("{}/token", server.url()), "floe", "s3cret-s3cret").scope("read")
}

#[test]
fn client_credentials_go_into_the_body_or_the_header() {
    let server = with_tokens(Tokens::new(|request| {
        request.form("client_id").as_deref() == Some("floe")
            && request.form("client_secret").as_deref() == Some("s3cret-s3cret")
            && request.form("grant_type").as_deref() == Some("client_credentials")
            && request.form("scope").as_deref() == Some("read")
    }));
    assert_eq!(loads(&server, Auth::oauth2(client_credentials(&server))), Ok(ids(5)));
    assert_eq!(token_requests(&server), 1);
    let server = with_tokens(Tokens::new(|request| {
        request.header("authorization") == Some("Basic ZmxvZTpzM2NyZXQtczNjcmV0")
            && request.form("client_secret").is_none()
    }));
    let oauth = client_credentials(&server).secret_in_header();
    assert_eq!(loads(&server, Auth::oauth2(oauth)), Ok(ids(5)));
}

#[test]
fn tokens_are_renewed_before_they_end_and_once_if_refused() {
    let server = with_tokens(Tokens::new(|_| true).uses(2));
    assert_eq!(loads(&server, Auth::oauth2(client_credentials(&server))), Ok(ids(5)));
    assert_eq!(token_requests(&server), 2, "{:?}", server.log());

    let server = with_tokens(Tokens::new(|_| true).lifetime(Some(0.0)));
    assert_eq!(loads(&server, Auth::oauth2(client_credentials(&server))), Ok(ids(5)));
    assert_eq!(token_requests(&server), 3, "one for each request");

    let server = with_tokens(Tokens::new(|_| true).uses(0));
    let error = loads(&server, Auth::oauth2(client_credentials(&server))).unwrap_err();
    assert!(error.contains("answered 401"), "{error}");
    assert_eq!(token_requests(&server), 2, "no more than one renewal");
}

#[test]
fn one_task_renews_for_all() {
    let server = Api::new()
        .tokens(Tokens::new(|_| true).uses(60))
        .table("/parents", rows(100), Paging::single())
        .route("/parents/*/child", |_| Reply::json(200, r#"[{"id": 1}]"#))
        .latency(Duration::from_millis(2))
        .start();
    let api = api(&server).auth(Auth::oauth2(client_credentials(&server)));
    let parents = api.get("/parents").resource("parents");
    let children = api.get("/parents/{id}/child").parent("parents", [("id", "id")]).resource("children");
    let bench = super::Bench::new();
    bench.run([parents, children]).unwrap();
    assert_eq!(bench.ids("children").len(), 100);
    assert_eq!(token_requests(&server), 2, "101 requests with 60 uses a token");
}

#[test]
fn refresh_tokens_rotate_and_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let server = with_tokens(
        Tokens::new(|request| {
            request.form("grant_type").as_deref() == Some("refresh_token")
                && request.form("refresh_token").is_some_and(|token| token.starts_with("refresh-"))
        })
        .rotates()
        .uses(2),
    );
    let oauth = || OAuth2::refresh_token(format!("{}/token", server.url()), "refresh-1").store(&file);
    assert_eq!(loads(&server, Auth::oauth2(oauth())), Ok(ids(5)));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "refresh-3");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // another process goes on with the latest; the first one would be refused
    assert_eq!(loads(&server, Auth::oauth2(oauth())), Ok(ids(5)));
    std::fs::remove_file(&file).unwrap();
    assert!(loads(&server, Auth::oauth2(oauth())).unwrap_err().contains("no token was given"));
}

#[test]
fn passwords_devices_and_statements_get_tokens() {
    let server = with_tokens(Tokens::new(|request| {
        request.form("username").as_deref() == Some("ada")
            && request.form("password").as_deref() == Some("pw")
    }));
    let token_url = || format!("{}/token", server.url());
    assert_eq!(loads(&server, Auth::oauth2(OAuth2::password(token_url(), "ada", "pw"))), Ok(ids(5)));

    let server = with_tokens(Tokens::new(|request| {
        let assertion = request.form("assertion").unwrap_or_default();
        assertion.split('.').count() == 3
    }));
    let jwt = Jwt::new(Algorithm::Hs256, "k3y5-k3y5").issuer("floe");
    let oauth = OAuth2::jwt_bearer(format!("{}/token", server.url()), jwt);
    assert_eq!(loads(&server, Auth::oauth2(oauth)), Ok(ids(5)));
}

#[test]
fn users_agree_on_another_device() {
    let codes = Api::new()
        .route("/device", |_| {
            let answer = r#"{"device_code": "dev1ce-c0de", "user_code": "AB-CD",
                "verification_uri": "http://go", "interval": 0}"#;
            Reply::json(200, answer)
        })
        .start();
    let server = with_tokens(
        Tokens::new(|request| request.form("device_code").as_deref() == Some("dev1ce-c0de")).pending(2),
    );
    let (told, asked) = std::sync::mpsc::channel();
    let oauth = OAuth2::device_code(
        format!("{}/device", codes.url()),
        format!("{}/token", server.url()),
        "floe",
        move |prompt| told.send((prompt.url.clone(), prompt.code.clone())).unwrap(),
    );
    assert_eq!(loads(&server, Auth::oauth2(oauth)), Ok(ids(5)));
    assert_eq!(asked.try_iter().collect::<Vec<_>>(), [("http://go".to_owned(), "AB-CD".to_owned())]);
    assert_eq!(token_requests(&server), 3, "twice the user had not agreed yet");
}

#[test]
fn credentials_do_not_leave_their_host() {
    let other = Api::new().table("/items", rows(2), Paging::single()).start();
    let location = format!("{}/items", other.url());
    let server = Api::new()
        .guard(|request| request.header("authorization").is_some())
        .route("/items", move |_| Reply::json(302, "").with("Location", &location))
        .route("/here", |_| Reply::json(307, "").with("Location", "/there"))
        .table("/there", rows(3), Paging::single())
        .start();
    let api = api(&server).auth(Auth::bearer("t0ken")).header("X-Api-Key", "k3y5");
    assert_eq!(load(api.get("/items").resource("items")), Ok(ids(2)));
    let [request] = other.requests().try_into().unwrap();
    assert_eq!((request.header("authorization"), request.header("x-api-key")), (None, None));
    assert_eq!(load(api.get("/here").resource("items")), Ok(ids(3)), "but they follow on their own host");
}
