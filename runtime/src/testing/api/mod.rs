//! An API of tables, for tests: every way of paging, every proof, every failure.
//!
//! The server runs on a thread of its own, on a port of this machine that was free, until it is
//! dropped. It writes down every request and counts how many there were at once.

mod fault;
mod fixtures;
mod http;
mod message;
mod oauth;
mod paging;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value as Json;
use tokio::sync::oneshot;

pub use fault::Fault;
pub use message::{ApiRequest, Reply};
pub use oauth::Tokens;
pub use paging::Paging;

use fault::Rule;

/// An API that is about to be started.
///
/// ```
/// use floe::testing::{Api, Fault, Paging};
/// use serde_json::json;
///
/// let rows = (1..=5).map(|id| json!({"id": id})).collect();
/// let server = Api::new()
///     .table("/items", rows, Paging::header_link(2))
///     .fault(Fault::status(503).on("/items").times(1))
///     .start();
/// assert!(server.url().starts_with("http://127.0.0.1:"));
/// assert_eq!(server.requests().len(), 0);
/// ```
#[derive(Default)]
pub struct Api {
    routes: Vec<(String, Box<Route>)>,
    guards: Vec<Box<Guard>>,
    rules: Vec<Rule>,
    tokens: Option<Tokens>,
    latency: Duration,
    compression: Option<&'static str>,
}

type Route = dyn Fn(&ApiRequest) -> Reply + Send + Sync;
type Guard = dyn Fn(&ApiRequest) -> bool + Send + Sync;

impl Api {
    /// An API with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Rows at a path.
    pub fn table(self, path: impl Into<String>, rows: Vec<Json>, paging: Paging) -> Self {
        let path = path.into();
        self.route(path, move |request| paging.reply(&rows, request))
    }

    /// Answers to requests whose path fits a pattern, in which `*` stands for any text. The first that
    /// fits counts.
    pub fn route(
        mut self,
        pattern: impl Into<String>,
        reply: impl Fn(&ApiRequest) -> Reply + Send + Sync + 'static,
    ) -> Self {
        self.routes.push((pattern.into(), Box::new(reply)));
        self
    }

    /// Refuses requests that a test does not take, with status 401.
    pub fn guard(mut self, takes: impl Fn(&ApiRequest) -> bool + Send + Sync + 'static) -> Self {
        self.guards.push(Box::new(takes));
        self
    }

    /// Gives tokens at `/token`, and wants them everywhere else.
    pub fn tokens(mut self, tokens: Tokens) -> Self {
        self.tokens = Some(tokens);
        self
    }

    /// A failure. The first that fits a request happens.
    pub fn fault(mut self, fault: Fault) -> Self {
        self.rules.push(Rule::new(fault));
        self
    }

    /// The time before each answer.
    pub fn latency(mut self, time: Duration) -> Self {
        self.latency = time;
        self
    }

    /// Compresses bodies with gzip, zstd, br or deflate.
    pub fn compression(mut self, encoding: &'static str) -> Self {
        self.compression = Some(encoding);
        self
    }

    /// Starts the server.
    ///
    /// # Panics
    ///
    /// If the machine has no port left, which ends the test.
    #[expect(clippy::expect_used, reason = "a test that has no server cannot go on")]
    pub fn start(self) -> ApiServer {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket that does not block");
        let address = listener.local_addr().expect("the address of the server");
        let shared = Arc::new(Shared {
            api: self,
            log: Mutex::default(),
            at_once: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        });
        let (stop, stopped) = oneshot::channel();
        let served = shared.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let thread = std::thread::spawn(move || {
            runtime.block_on(async move {
                tokio::select! {
                    _ = stopped => {}
                    () = http::serve(listener, served) => {}
                }
            });
        });
        ApiServer { address, shared, stop: Some(stop), thread: Some(thread) }
    }
}

struct Shared {
    api: Api,
    log: Mutex<Vec<ApiRequest>>,
    at_once: AtomicUsize,
    most: AtomicUsize,
}

impl Shared {
    fn log(&self) -> MutexGuard<'_, Vec<ApiRequest>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to a request, and what goes wrong with it.
    fn reply(&self, request: &ApiRequest) -> (Reply, Option<Fault>) {
        self.log().push(request.clone());
        let fault = self.api.rules.iter().find_map(|rule| rule.strikes(request));
        if let Some(reply) = fault.as_ref().and_then(Fault::in_place) {
            return (reply, fault);
        }
        (self.answer(request), fault)
    }

    fn answer(&self, request: &ApiRequest) -> Reply {
        if let Some(tokens) = &self.api.tokens {
            if request.path() == "/token" {
                return tokens.give(request);
            }
            if !tokens.takes(request) {
                return Reply::json(401, r#"{"error": "invalid_token"}"#);
            }
        }
        if !self.api.guards.iter().all(|takes| takes(request)) {
            return Reply::json(401, r#"{"error": "who are you?"}"#);
        }
        match self.api.routes.iter().find(|(pattern, _)| fits(pattern, request.path())) {
            Some((_, reply)) => reply(request),
            None => Reply::json(404, r#"{"error": "not found"}"#),
        }
    }

    fn begins(&self) {
        let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
    }

    fn ends(&self) {
        self.at_once.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A running API. It ends when it is dropped.
pub struct ApiServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl ApiServer {
    /// The address, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All requests so far, in the order in which they came.
    pub fn requests(&self) -> Vec<ApiRequest> {
        self.shared.log().clone()
    }

    /// Methods and targets of all requests, such as `GET /items?page=2`.
    pub fn log(&self) -> Vec<String> {
        self.shared.log().iter().map(|request| format!("{} {}", request.method, request.target)).collect()
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        self.shared.log().clear();
        self.shared.most.store(0, Ordering::SeqCst);
    }

    /// The most requests at once.
    pub fn most_at_once(&self) -> usize {
        self.shared.most.load(Ordering::SeqCst)
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // it may have ended by itself
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Whether a path fits a pattern with `*` in it.
fn fits(pattern: &str, path: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == path,
        Some((start, rest)) => path.strip_prefix(start).is_some_and(|path| {
            (0..=path.len()).filter_map(|at| path.get(at..)).any(|path| fits(rest, path))
        }),
    }
}
