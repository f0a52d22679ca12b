//! How many requests may be on their way, and how many may be sent in a time.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// Limits of an API.
///
/// ```
/// use std::time::Duration;
/// use floe::rest::Limits;
/// let limits = Limits::default()
///     .concurrency(8)
///     .rate("core", "/*", 5000, Duration::from_secs(3600))
///     .rate("search", "/search/*", 30, Duration::from_secs(60));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    pub(crate) concurrency: usize,
    pub(crate) rates: Vec<Rate>,
    pub(crate) body: u64,
    pub(crate) connect: Duration,
    pub(crate) read: Duration,
    pub(crate) total: Duration,
}

/// So many requests in a time, for paths of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) name: String,
    pub(crate) pattern: String,
    pub(crate) requests: u32,
    pub(crate) period: Duration,
}

impl Default for Limits {
    /// Ten requests at once, answers of up to 1 GiB, 10 s to connect, 60 s without a byte and 10
    /// minutes for an answer.
    fn default() -> Self {
        Self {
            concurrency: 10,
            rates: Vec::new(),
            body: 1 << 30,
            connect: Duration::from_secs(10),
            read: Duration::from_secs(60),
            total: Duration::from_secs(600),
        }
    }
}

impl Limits {
    /// How many requests may be on their way at once.
    pub fn concurrency(mut self, requests: usize) -> Self {
        self.concurrency = requests.max(1);
        self
    }

    /// At most so many requests in any such time, of all whose path fits the pattern. In a pattern `*`
    /// stands for any text. A request has to keep all limits that it fits.
    pub fn rate(
        mut self,
        name: impl Into<String>,
        pattern: impl Into<String>,
        requests: u32,
        period: Duration,
    ) -> Self {
        let (name, pattern) = (name.into(), pattern.into());
        self.rates.push(Rate { name, pattern, requests: requests.max(1), period });
        self
    }

    /// The size of a page, decompressed.
    pub fn page_bytes(mut self, bytes: u64) -> Self {
        self.body = bytes;
        self
    }

    /// How long connecting may take.
    pub fn connect_timeout(mut self, time: Duration) -> Self {
        self.connect = time;
        self
    }

    /// How long a server may be silent.
    pub fn read_timeout(mut self, time: Duration) -> Self {
        self.read = time;
        self
    }

    /// How long an answer may take as a whole.
    pub fn total_timeout(mut self, time: Duration) -> Self {
        self.total = time;
        self
    }
}

/// Where requests wait for their turn.
pub(crate) struct Gate {
    most: usize,
    rates: Vec<Rate>,
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    active: usize,
    /// Less than the most after a server complained; grows again with what goes well.
    allowed: usize,
    well: usize,
    paused_until: Option<Instant>,
    /// When requests were sent, for each rate, as far back as its period.
    sent: Vec<VecDeque<Instant>>,
}

/// What a request has to wait for.
enum Turn {
    Now,
    /// Another request has to end.
    Later,
    At(Instant),
}

/// A request on its way.
pub(crate) struct Pass<'g>(&'g Gate);

impl Gate {
    pub(crate) fn new(limits: &Limits) -> Self {
        let sent = vec![VecDeque::new(); limits.rates.len()];
        let state = State { active: 0, allowed: limits.concurrency, well: 0, paused_until: None, sent };
        Self {
            most: limits.concurrency,
            rates: limits.rates.clone(),
            state: Mutex::new(state),
            changed: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a request to this path may go.
    pub(crate) async fn pass(&self, path: &str) -> Pass<'_> {
        loop {
            let changed = self.changed.notified();
            match self.turn(path) {
                Turn::Now => return Pass(self),
                Turn::Later => changed.await,
                Turn::At(time) => tokio::time::sleep_until(time).await,
            }
        }
    }

    /// Takes the turn if it is there.
    fn turn(&self, path: &str) -> Turn {
        let now = Instant::now();
        let state = &mut *self.state();
        if let Some(until) = state.paused_until.filter(|until| *until > now) {
            return Turn::At(until);
        }
        let mut free = now;
        let fitting = |(rate, _): &(&Rate, &mut VecDeque<Instant>)| fits(&rate.pattern, path);
        for (rate, sent) in self.rates.iter().zip(&mut state.sent).filter(fitting) {
            while sent.front().is_some_and(|at| now.duration_since(*at) >= rate.period) {
                sent.pop_front();
            }
            if let Some(first) = sent.front().filter(|_| sent.len() >= rate.requests as usize) {
                free = free.max(*first + rate.period);
            }
        }
        if free > now {
            return Turn::At(free);
        }
        if state.active >= state.allowed {
            return Turn::Later;
        }
        state.active += 1;
        self.rates.iter().zip(&mut state.sent).filter(fitting).for_each(|(_, sent)| sent.push_back(now));
        Turn::Now
    }

    /// Nothing is sent for a while, and less at once afterwards.
    pub(crate) fn slow_down(&self, wait: Duration) {
        let mut state = self.state();
        state.allowed = (state.allowed / 2).max(1);
        state.well = 0;
        drop(state);
        self.pause(wait);
    }

    /// Nothing is sent for a while.
    pub(crate) fn pause(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut state = self.state();
        state.paused_until = Some(state.paused_until.map_or(until, |known| known.max(until)));
    }

    /// Says that a request went well.
    pub(crate) fn went_well(&self) {
        let mut state = self.state();
        if state.allowed < self.most {
            state.well += 1;
            if state.well >= state.allowed {
                (state.well, state.allowed) = (0, state.allowed + 1);
                drop(state);
                self.changed.notify_one();
            }
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.0.state().active -= 1;
        self.0.changed.notify_one();
    }
}

/// Whether a path fits a pattern, in which `*` stands for any text.
pub(crate) fn fits(pattern: &str, path: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == path };
    let Some(mut path) = path.strip_prefix(start) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return path.ends_with(part);
        }
        match path.find(part) {
            Some(at) => path = path.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_paths() {
        for (pattern, path, wanted) in [
            ("/*", "/search/code", true),
            ("/search/*", "/search/code", true),
            ("/search/*", "/users", false),
            ("/a/*/c", "/a/b/c", true),
            ("/a/*/c", "/a/b/d", false),
            ("/a/*/c/*", "/a/b/c/d", true),
            ("/users", "/users", true),
            ("/users", "/users/1", false),
            ("*", "", true),
        ] {
            assert_eq!(fits(pattern, path), wanted, "{pattern} {path}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn rates_are_kept_in_any_period() {
        let second = Duration::from_secs(1);
        let gate = Gate::new(&Limits::default().rate("few", "/few/*", 3, second));
        let start = Instant::now();
        let mut at = Vec::new();
        for _ in 0..7 {
            drop(gate.pass("/few/1").await);
            at.push(start.elapsed().as_millis());
        }
        assert_eq!(at, [0, 0, 0, 1000, 1000, 1000, 2000]);
        drop(gate.pass("/many").await);
        assert_eq!(start.elapsed().as_millis(), 2000);
    }

    #[tokio::test(start_paused = true)]
    async fn complaints_slow_down_for_a_while() {
        let gate = Gate::new(&Limits::default().concurrency(4));
        gate.slow_down(Duration::from_secs(5));
        let start = Instant::now();
        let first = gate.pass("/").await;
        assert_eq!(start.elapsed().as_secs(), 5);
        let _second = gate.pass("/").await;
        assert!(tokio::time::timeout(Duration::from_secs(1), gate.pass("/")).await.is_err());
        drop(first);
        let _third = gate.pass("/").await;
        (0..9).for_each(|_| gate.went_well());
        assert_eq!(gate.state().allowed, 4);
    }
}
