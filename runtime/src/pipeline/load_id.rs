//! Load identifiers: the time, told as dlt tells it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use floe_schema::hash::python_float;

static LAST: AtomicI64 = AtomicI64::new(0);

/// Microseconds since 1970 in UTC.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// The identifier of a package made now, and its time. Later ones are larger, also as text.
pub(super) fn new() -> (String, i64) {
    let now = now();
    let last = LAST.fetch_max(now, Ordering::Relaxed);
    let mut micros = now.max(last + 1);
    loop {
        LAST.fetch_max(micros, Ordering::Relaxed);
        let text = python_float(micros as f64 / 1e6);
        // dlt reads the identifier as a number with a fraction
        if text.contains('.') && !text.ends_with(".0") {
            return (text, micros);
        }
        micros += 1;
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn identifiers_grow() {
        let ids: Vec<String> = (0..1000).map(|_| super::new().0).collect();
        let number = |text: &String| text.parse::<f64>().unwrap();
        assert!(ids.windows(2).all(|pair| number(&pair[0]) < number(&pair[1])));
        assert!(ids.iter().all(|id| id.split('.').nth(1).is_some_and(|f| f != "0")));
    }
}
