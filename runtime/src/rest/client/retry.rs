//! When a request is tried again, and how long to wait before.

use std::time::{Duration, SystemTime};

use super::message::Response;

/// When failed requests are sent again.
///
/// ```
/// use std::time::Duration;
/// let patient = floe::rest::Retry::default().attempts(8).longest_wait(Duration::from_secs(900));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    pub(crate) attempts: u32,
    pub(crate) first_wait: Duration,
    pub(crate) longest_wait: Duration,
    pub(crate) budget: u32,
}

impl Default for Retry {
    /// Six attempts, waits from half a second on, and no more than 1000 retries in all.
    fn default() -> Self {
        Self {
            attempts: 6,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(300),
            budget: 1000,
        }
    }
}

impl Retry {
    /// How often a request is sent at most.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// How long to wait before the second attempt; each further wait is twice as long.
    pub fn first_wait(mut self, wait: Duration) -> Self {
        self.first_wait = wait;
        self
    }

    /// Servers that ask for a longer wait are not waited for.
    pub fn longest_wait(mut self, wait: Duration) -> Self {
        self.longest_wait = wait;
        self
    }

    /// How many attempts may be spent on all requests to one host.
    pub fn budget(mut self, retries: u32) -> Self {
        self.budget = retries;
        self
    }

    /// The wait before the attempt behind this one, if the server says nothing: between half and all
    /// of what doubles each time, so that many tasks do not come back at once.
    pub(crate) fn backoff(&self, attempt: u32) -> Duration {
        let whole = self.first_wait.saturating_mul(1 << attempt.saturating_sub(1).min(16));
        let whole = whole.min(self.longest_wait).min(Duration::from_secs(60));
        let random = getrandom::u32().unwrap_or(0);
        whole / 2 + (whole / 2).mul_f64(f64::from(random) / f64::from(u32::MAX))
    }
}

/// Whether an answer may be better another time.
pub(crate) fn is_passing(response: &Response) -> bool {
    matches!(response.status, 408 | 425 | 429 | 500 | 502 | 503 | 504 | 520..=524)
        || (response.status == 403 && remaining(response) == Some(0))
        || (response.status == 403 && response.header("retry-after").is_some())
}

/// Whether the server says that there are too many requests.
pub(crate) fn is_too_many(response: &Response) -> bool {
    response.status == 429 || (response.status == 403 && is_passing(response))
}

/// How long the server asks to wait.
pub(crate) fn asked_wait(response: &Response, now: SystemTime) -> Option<Duration> {
    if let Some(text) = response.header("retry-after") {
        let text = text.trim();
        if let Ok(seconds) = text.parse::<f64>() {
            return Duration::try_from_secs_f64(seconds.max(0.0)).ok();
        }
        let date = httpdate::parse_http_date(text).ok()?;
        return Some(date.duration_since(now).unwrap_or_default());
    }
    if remaining(response) == Some(0) { reset(response, now) } else { None }
}

const REMAINING: [&str; 4] = [
    "x-ratelimit-remaining",
    "x-rate-limit-remaining",
    "ratelimit-remaining",
    "x-ratelimit-requests-remaining",
];
const RESET: [&str; 4] =
    ["x-ratelimit-reset", "x-rate-limit-reset", "ratelimit-reset", "x-ratelimit-requests-reset"];

/// How many more requests the server would take now.
pub(crate) fn remaining(response: &Response) -> Option<u64> {
    let number = |name: &&str| response.header(name)?.trim().parse::<f64>().ok();
    let plain = REMAINING.iter().find_map(number).map(|number| number as u64);
    plain.or_else(|| field(response, "remaining", "r").map(|number| number as u64))
}

/// When it takes more: seconds from now, or of the clock, or a date.
fn reset(response: &Response, now: SystemTime) -> Option<Duration> {
    /// Numbers above are times and not waits.
    const CLOCK: f64 = 1e9;
    let text = RESET.iter().find_map(|name| response.header(name));
    let Some(text) = text else {
        return Duration::try_from_secs_f64(field(response, "reset", "t")?.max(0.0)).ok();
    };
    let Ok(mut number) = text.trim().parse::<f64>() else {
        let micros = crate::value::time::timestamp(text.trim())?;
        let at = SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(micros).ok()?);
        return Some(at.duration_since(now).unwrap_or_default());
    };
    if number < CLOCK {
        return Duration::try_from_secs_f64(number.max(0.0)).ok();
    }
    if number > CLOCK * 1000.0 {
        number /= 1000.0;
    }
    let at = SystemTime::UNIX_EPOCH + Duration::try_from_secs_f64(number).ok()?;
    Some(at.duration_since(now).unwrap_or_default())
}

/// A number of the header `RateLimit`, as the drafts have it: `limit=10, remaining=0, reset=5`, or
/// `"default";r=0;t=5`.
fn field(response: &Response, long: &str, short: &str) -> Option<f64> {
    let text = response.header("ratelimit")?;
    let pairs = text.split([',', ';']).filter_map(|part| part.trim().split_once('='));
    pairs.filter(|(key, _)| *key == long || *key == short).find_map(|(_, value)| value.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::Url;
    use reqwest::header::{HeaderMap, HeaderName};

    fn answer(status: u16, headers: &[(&'static str, &str)]) -> Response {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        Response { status, headers, url: Url::parse("http://a/").unwrap(), body: Vec::new() }
    }

    #[test]
    fn the_server_says_how_long_to_wait() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let wait = |headers: &[(&'static str, &str)]| {
            asked_wait(&answer(429, headers), now).map(|w| w.as_secs_f64())
        };
        assert_eq!(wait(&[("retry-after", "7")]), Some(7.0));
        assert_eq!(wait(&[("retry-after", "0.5")]), Some(0.5));
        assert_eq!(wait(&[("retry-after", "Tue, 14 Nov 2023 22:13:30 GMT")]), Some(10.0));
        assert_eq!(wait(&[("retry-after", "Tue, 14 Nov 2000 22:13:30 GMT")]), Some(0.0));
        assert_eq!(wait(&[("retry-after", "soon")]), None);
        assert_eq!(wait(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1700000030")]), Some(30.0));
        assert_eq!(
            wait(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1700000030000")]),
            Some(30.0)
        );
        assert_eq!(wait(&[("ratelimit-remaining", "0"), ("ratelimit-reset", "12")]), Some(12.0));
        assert_eq!(wait(&[("ratelimit", "limit=10, remaining=0, reset=5")]), Some(5.0));
        assert_eq!(wait(&[("ratelimit", "\"default\";r=0;t=6")]), Some(6.0));
        assert_eq!(wait(&[("x-ratelimit-remaining", "3"), ("x-ratelimit-reset", "12")]), None);
        assert_eq!(
            wait(&[("x-rate-limit-remaining", "0"), ("x-rate-limit-reset", "2023-11-14T22:13:21Z")]),
            Some(1.0)
        );
        assert_eq!(wait(&[("retry-after", "-1")]), Some(0.0));
        assert_eq!(wait(&[("retry-after", "1e300")]), None);
    }

    #[test]
    fn some_answers_may_be_better_another_time() {
        assert!(is_passing(&answer(503, &[])) && is_passing(&answer(429, &[])));
        assert!(is_passing(&answer(403, &[("x-ratelimit-remaining", "0")])));
        assert!(
            !is_passing(&answer(403, &[]))
                && !is_passing(&answer(404, &[]))
                && !is_passing(&answer(501, &[]))
        );
    }

    #[test]
    fn waits_double_up_to_a_limit() {
        let retry = Retry::default();
        for (attempt, whole) in [(1, 0.5), (2, 1.0), (3, 2.0), (30, 60.0)] {
            let wait = retry.backoff(attempt).as_secs_f64();
            assert!((whole / 2.0..=whole).contains(&wait), "{attempt}: {wait}");
        }
    }
}
