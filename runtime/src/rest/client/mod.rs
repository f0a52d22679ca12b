//! The one HTTP client of all sources: sends requests, tries again, keeps limits and secrets.

mod compression;
mod connect;
pub(crate) mod limit;
pub(crate) mod message;
mod record;
pub(crate) mod redact;
pub(crate) mod retry;
mod trace;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use reqwest::{Method, Url, header};
use tokio::time::Instant;

use super::auth::{Auth, Proof};
use crate::error::{Error, ErrorKind, Result, Step};
use limit::{Gate, Limits};
use message::{Request, Response};
use record::Cassette;
use redact::Redactor;
use retry::Retry;
pub use trace::Exchange;
use trace::Observer;

/// What a client is made of.
#[derive(Clone, Default)]
pub(crate) struct Settings {
    pub(crate) limits: Limits,
    pub(crate) retry: Retry,
    pub(crate) proxy: Option<String>,
    /// Files with certificates of authorities that are trusted besides those of the system.
    pub(crate) authorities: Vec<PathBuf>,
    pub(crate) user_agent: Option<String>,
    pub(crate) record: Option<PathBuf>,
    pub(crate) replay: Option<PathBuf>,
    pub(crate) strict: bool,
    pub(crate) observers: Vec<Observer>,
}

/// Sends requests. Clones of an API share one.
pub(crate) struct Client {
    http: reqwest::Client,
    settings: Settings,
    gate: Gate,
    hosts: Mutex<Vec<(String, Arc<AtomicU32>)>>,
    pub(crate) redactor: Redactor,
    cassette: Option<Cassette>,
    warnings: Mutex<BTreeSet<String>>,
}

/// What becomes of an answer.
pub(crate) enum Verdict<T> {
    Take(T),
    /// It may be better another time.
    Again(Error),
    Fail(Error),
}

impl Client {
    pub(crate) fn new(settings: Settings) -> Result<Self> {
        let cassette = Cassette::open(settings.record.as_deref(), settings.replay.as_deref())?;
        Ok(Self {
            http: connect::http(&settings)?,
            gate: Gate::new(&settings.limits),
            hosts: Mutex::default(),
            redactor: Redactor::default(),
            cassette,
            warnings: Mutex::default(),
            settings,
        })
    }

    /// How many requests may be on their way at once.
    pub(crate) fn concurrency(&self) -> usize {
        self.settings.limits.concurrency
    }

    /// Sends a request until the answer can be taken, and reads it.
    pub(crate) async fn send<T>(
        &self,
        request: &Request,
        auth: &Auth,
        mut read: impl FnMut(&Client, Response) -> Verdict<T>,
    ) -> Result<T> {
        if let Some(cassette) = self.cassette.as_ref().filter(|cassette| cassette.replays()) {
            let response = cassette.replay(request, &self.redactor)?;
            return match read(self, response) {
                Verdict::Take(taken) => Ok(taken),
                Verdict::Again(error) | Verdict::Fail(error) => Err(error),
            };
        }
        auth.secrets(&mut |secret| self.redactor.learn(secret));
        let mut attempt = 0;
        let mut renewed = false;
        loop {
            attempt += 1;
            let outcome = self.attempt(request, auth, attempt).await;
            let (error, wait) = match outcome {
                Err(failed) if failed.passing => (failed.error, None),
                Err(failed) => return Err(failed.error),
                Ok((response, proof)) => {
                    if response.status == 401 && !renewed && auth.renews(&proof).await {
                        // a token may have ended before its time
                        renewed = true;
                        attempt -= 1;
                        continue;
                    }
                    let wait = self.heed(&response);
                    let kept = self.cassette.as_ref().map(|_| response.clone());
                    let verdict = read(self, response);
                    if let (Some(cassette), Some(kept)) = (&self.cassette, &kept)
                        && !matches!(verdict, Verdict::Again(_))
                    {
                        cassette.record(request, kept, &self.redactor)?;
                    }
                    match verdict {
                        Verdict::Take(taken) => {
                            self.gate.went_well();
                            return Ok(taken);
                        }
                        Verdict::Fail(error) => return Err(error),
                        Verdict::Again(error) => (error, wait),
                    }
                }
            };
            self.wait(&request.url, attempt, wait, error).await?;
        }
    }

    /// Sends a request for a token. It waits for no other request, because another waits for it, and
    /// it is not recorded.
    pub(crate) async fn token_request<T>(
        &self,
        request: &Request,
        mut read: impl FnMut(Response) -> Verdict<T>,
    ) -> Result<T> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let (error, wait) = match self.exchange(self.build(request)?, attempt).await {
                Err(failed) if failed.passing => (failed.error, None),
                Err(failed) => return Err(failed.error),
                Ok(response) => {
                    let wait = retry::asked_wait(&response, SystemTime::now());
                    match read(response) {
                        Verdict::Take(taken) => return Ok(taken),
                        Verdict::Fail(error) => return Err(error),
                        Verdict::Again(error) => (error, wait),
                    }
                }
            };
            self.wait(&request.url, attempt, wait, error).await?;
        }
    }

    /// Waits before the next attempt, or gives up.
    async fn wait(&self, url: &Url, attempt: u32, asked: Option<Duration>, error: Error) -> Result<()> {
        let retry = &self.settings.retry;
        if attempt >= retry.attempts {
            let tried = if attempt == 1 { "once".to_owned() } else { format!("{attempt} times") };
            return Err(error.help(format!("it was tried {tried}; the next run goes on from here")));
        }
        let spent = self.spent(url);
        if spent.fetch_add(1, Ordering::Relaxed) >= retry.budget {
            return Err(error.help(format!(
                "{} retries were spent on this host, which is all that a run has",
                retry.budget
            )));
        }
        if let Some(asked) = asked.filter(|asked| *asked > retry.longest_wait) {
            return Err(error.help(format!(
                "the server asks to wait {} s, and {} s is the most; run again then",
                asked.as_secs(),
                retry.longest_wait.as_secs()
            )));
        }
        tokio::time::sleep(asked.unwrap_or_else(|| retry.backoff(attempt))).await;
        Ok(())
    }

    /// The retries that were spent on a host.
    fn spent(&self, url: &Url) -> Arc<AtomicU32> {
        let host = url.host_str().unwrap_or_default();
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, spent)) = hosts.iter().find(|(known, _)| known == host) {
            return spent.clone();
        }
        let spent = Arc::new(AtomicU32::new(0));
        hosts.push((host.to_owned(), spent.clone()));
        spent
    }

    /// Does what an answer says about too many requests; gives the time that it asks to wait.
    fn heed(&self, response: &Response) -> Option<Duration> {
        let asked = retry::asked_wait(response, SystemTime::now());
        let heeded = asked.unwrap_or_default().min(self.settings.retry.longest_wait);
        if retry::is_too_many(response) {
            self.gate.slow_down(heeded);
        } else if response.is_success() && !heeded.is_zero() {
            self.gate.pause(heeded);
        }
        asked
    }

    /// Sends once, and follows redirects.
    async fn attempt(
        &self,
        request: &Request,
        auth: &Auth,
        attempt: u32,
    ) -> std::result::Result<(Response, Option<Proof>), Failed> {
        const REDIRECTS: usize = 10;
        let mut request = std::borrow::Cow::Borrowed(request);
        let home = request.url.origin();
        let mut proof = None;
        for _ in 0..=REDIRECTS {
            let pass = self.gate.pass(request.url.path()).await;
            let mut http = self.build(&request)?;
            if request.url.origin() == home {
                proof = auth.prove(&mut http, self).await?;
            }
            let response = self.exchange(http, attempt).await?;
            drop(pass);
            match self.redirect(&request, &response, home == request.url.origin())? {
                Some(next) => request = std::borrow::Cow::Owned(next),
                None => return Ok((response, proof)),
            }
        }
        Err(Failed::ever(failed(format!(
            "{} leads to more than {REDIRECTS} redirects",
            self.redactor.url(&request.url)
        ))))
    }

    fn build(&self, request: &Request) -> Result<reqwest::Request> {
        let mut http = reqwest::Request::new(request.method.clone(), request.url.clone());
        let headers = http.headers_mut();
        headers.extend(request.headers.clone());
        let mut default = |name, value: &str| -> Result<()> {
            if !request.headers.contains_key(&name) {
                let value = value.parse().map_err(|_| Error::internal("a header cannot be written"))?;
                headers.insert(name, value);
            }
            Ok(())
        };
        default(header::ACCEPT, "application/json, */*;q=0.5")?;
        default(header::ACCEPT_ENCODING, compression::ACCEPTED)?;
        let agent = self.settings.user_agent.as_deref();
        default(header::USER_AGENT, agent.unwrap_or(concat!("floe/", env!("CARGO_PKG_VERSION"))))?;
        if let Some((body, kind)) = request.encoded_body() {
            default(header::CONTENT_TYPE, kind)?;
            *http.body_mut() = Some(body.into());
        }
        Ok(http)
    }

    /// The request that an answer redirects to.
    fn redirect(&self, request: &Request, response: &Response, at_home: bool) -> Result<Option<Request>> {
        if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
            return Ok(None);
        }
        let Some(location) = response.header("location") else { return Ok(None) };
        let shown = || self.redactor.url(&request.url);
        let url = response.url.join(location).map_err(|e| {
            failed(format!("{} redirects to `{}`", shown(), self.redactor.text(location))).cause(e)
        })?;
        if !matches!(url.scheme(), "http" | "https")
            || (request.url.scheme() == "https" && url.scheme() == "http")
        {
            return Err(failed(format!("{} redirects to {}", shown(), self.redactor.url(&url)))
                .help("redirects from https to anything else are not followed"));
        }
        let mut next = Request { url, ..request.clone() };
        if response.status == 303 || (response.status <= 302 && request.method == Method::POST) {
            (next.method, next.body) = (Method::GET, message::Body::None);
        }
        if !at_home || next.url.origin() != request.url.origin() {
            // whatever the caller put there is not for others
            let secret = |name: &header::HeaderName| redact::is_sensitive(name.as_str());
            let names: Vec<_> = next.headers.keys().filter(|name| secret(name)).cloned().collect();
            names.iter().for_each(|name| drop(next.headers.remove(name)));
            if next.body != message::Body::None {
                return Err(failed(format!("{} redirects to {}", shown(), self.redactor.url(&next.url)))
                    .help("a body is not sent to another host"));
            }
        }
        Ok(Some(next))
    }

    /// Sends once and reads the whole answer.
    async fn exchange(&self, http: reqwest::Request, attempt: u32) -> std::result::Result<Response, Failed> {
        let start = Instant::now();
        let (method, url) = (http.method().clone(), http.url().clone());
        let limit = self.settings.limits.total;
        let outcome = match tokio::time::timeout(limit, self.receive(http)).await {
            Ok(outcome) => outcome,
            Err(_) => {
                Err(Failed::now(failed(format!("the answer took longer than {} s", limit.as_secs_f64()))))
            }
        };
        let shown = self.redactor.url(&url);
        let outcome = outcome.map_err(|failed| failed.about(&method, &shown));
        let exchange = Exchange {
            method: method.to_string(),
            url: shown,
            status: outcome.as_ref().ok().map(|response| response.status),
            bytes: outcome.as_ref().map_or(0, |response| response.body.len() as u64),
            attempt,
            time: start.elapsed(),
            error: outcome.as_ref().err().map(|failed| failed.error.message().to_owned()),
        };
        self.settings.observers.iter().for_each(|observer| observer.see(&exchange));
        outcome
    }

    async fn receive(&self, http: reqwest::Request) -> std::result::Result<Response, Failed> {
        let limits = &self.settings.limits;
        let silent =
            |_| Failed::now(failed(format!("the server was silent for {} s", limits.read.as_secs_f64())));
        let sent = tokio::time::timeout(limits.read, self.http.execute(http)).await;
        let mut response = sent.map_err(silent)?.map_err(|e| self.broken("the request failed", e))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let url = response.url().clone();
        let too_large = || {
            Failed::ever(
                failed(format!("the answer has more than {} bytes", limits.body))
                    .help("ask for smaller pages, or allow larger ones with `page_bytes`"),
            )
        };
        let promised = response.content_length().unwrap_or(0);
        if promised > limits.body {
            return Err(too_large());
        }
        let mut body = Vec::with_capacity(usize::try_from(promised).unwrap_or(0).min(64 << 20));
        loop {
            let chunk = tokio::time::timeout(limits.read, response.chunk()).await.map_err(silent)?;
            match chunk.map_err(|e| self.broken("the answer broke off", e))? {
                None => break,
                Some(chunk) => body.extend_from_slice(&chunk),
            }
            if body.len() as u64 > limits.body {
                return Err(too_large());
            }
        }
        let encoding = headers.get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok());
        let body = match encoding {
            None => body,
            Some(encoding) => match compression::decompress(encoding, body, limits.body) {
                Ok(body) => body,
                Err(compression::Wrong::TooLarge) => return Err(too_large()),
                Err(compression::Wrong::Broken(why)) => return Err(Failed::now(failed(why))),
            },
        };
        Ok(Response { status, headers, url, body })
    }

    /// An error of the connection. Its own text has the URL with all that is in it, so it goes without.
    fn broken(&self, what: &str, error: reqwest::Error) -> Failed {
        let mut text = what.to_owned();
        let error = error.without_url();
        let mut cause: Option<&dyn std::error::Error> = Some(&error);
        while let Some(error) = cause {
            let more = error.to_string();
            if !text.contains(&more) {
                text = format!("{text}: {more}");
            }
            cause = error.source();
        }
        let never = error.is_builder() || error.is_redirect();
        Failed { error: failed(self.redactor.text(&text)), passing: !never }
    }

    /// An error about an answer, by its status and what it says.
    pub(crate) fn refused(&self, method: &Method, response: &Response) -> Error {
        let shown = self.redactor.url(&response.url);
        let said = self.redactor.text(&response.excerpt());
        let said = if said.is_empty() { String::new() } else { format!(": {said}") };
        let error = failed(format!("{method} {shown} answered {}{said}", response.status));
        match response.status {
            401 => error.help("check the `auth` of the API: the server does not accept who asks"),
            403 => error.help("the server knows who asks, but does not allow this"),
            404 => error.help("check the path; to do without what is not there, ignore status 404"),
            _ => error,
        }
    }

    /// Something that deserves attention; an error if the source is strict.
    pub(crate) fn warn(&self, warning: impl Into<String>) -> Result<()> {
        let warning = warning.into();
        if self.settings.strict {
            return Err(failed(warning).help("without --strict this is a warning"));
        }
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).insert(warning);
        Ok(())
    }

    /// What deserves attention so far.
    pub(crate) fn warnings(&self) -> Vec<String> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// An attempt that failed.
pub(crate) struct Failed {
    error: Error,
    passing: bool,
}

impl Failed {
    fn now(error: Error) -> Self {
        Self { error, passing: true }
    }

    fn ever(error: Error) -> Self {
        Self { error, passing: false }
    }

    fn about(self, method: &Method, url: &str) -> Self {
        let mut error = failed(format!("{method} {url}: {}", self.error.message()));
        if let Some(help) = self.error.way_out() {
            error = error.help(help);
        }
        Self { error, ..self }
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::ever(error)
    }
}

/// Someone who is told about requests.
pub(crate) fn observer(see: impl Fn(&Exchange) + Send + Sync + 'static) -> Observer {
    Observer::new(see)
}

/// An error of an API.
pub(crate) fn failed(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Input, message).step(Step::Extract)
}
