//! What goes wrong.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::{ApiRequest, Reply, fits};

/// Something that goes wrong with some requests.
#[derive(Debug, Clone)]
pub struct Fault {
    pub(super) what: What,
    pattern: String,
    skip: usize,
    times: usize,
    headers: Vec<(String, String)>,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    Status(u16),
    /// The connection ends in the middle of the body.
    Reset,
    /// The connection ends before the answer.
    Hangup,
    /// The body is cut, and the length says that it is whole.
    Truncated,
    /// A page for people, with status 200.
    Html,
    /// Nothing comes for a while.
    Silence(Duration),
    /// A few bytes at a time.
    Drip(usize, Duration),
}

impl Fault {
    fn new(what: What) -> Self {
        Self { what, pattern: "*".to_owned(), skip: 0, times: usize::MAX, headers: Vec::new() }
    }

    /// An answer with a status.
    pub fn status(status: u16) -> Self {
        Self::new(What::Status(status))
    }

    /// The connection ends in the middle of the body.
    pub fn reset() -> Self {
        Self::new(What::Reset)
    }

    /// The connection ends before the answer.
    pub fn hangup() -> Self {
        Self::new(What::Hangup)
    }

    /// JSON that ends in the middle, in a complete answer.
    pub fn truncated() -> Self {
        Self::new(What::Truncated)
    }

    /// A page for people in place of JSON.
    pub fn html() -> Self {
        Self::new(What::Html)
    }

    /// The server says nothing for this time.
    pub fn silence(time: Duration) -> Self {
        Self::new(What::Silence(time))
    }

    /// The body comes so many bytes at a time, with pauses.
    pub fn drip(bytes: usize, pause: Duration) -> Self {
        Self::new(What::Drip(bytes.max(1), pause))
    }

    /// Only on paths that fit a pattern.
    pub fn on(mut self, pattern: &str) -> Self {
        pattern.clone_into(&mut self.pattern);
        self
    }

    /// Only behind the first requests that fit.
    pub fn after(mut self, requests: usize) -> Self {
        self.skip = requests;
        self
    }

    /// Only so many times.
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// With a header, such as `Retry-After`.
    pub fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    /// The answer in the place of the true one.
    pub(super) fn in_place(&self) -> Option<Reply> {
        let mut reply = match self.what {
            What::Status(status) => Reply::json(status, format!(r#"{{"error": "status {status}"}}"#)),
            What::Html => Reply::text(200, "text/html", "<html><body>Please come back later</body></html>"),
            _ => return None,
        };
        reply.headers.extend(self.headers.clone());
        Some(reply)
    }
}

/// A fault with the number of requests that it has seen.
pub(super) struct Rule {
    fault: Fault,
    seen: AtomicUsize,
}

impl Rule {
    pub(super) fn new(fault: Fault) -> Self {
        Self { fault, seen: AtomicUsize::new(0) }
    }

    pub(super) fn strikes(&self, request: &ApiRequest) -> Option<Fault> {
        if !fits(&self.fault.pattern, request.path()) {
            return None;
        }
        let seen = self.seen.fetch_add(1, Ordering::SeqCst);
        let strikes = seen >= self.fault.skip && seen - self.fault.skip < self.fault.times;
        strikes.then(|| self.fault.clone())
    }
}
