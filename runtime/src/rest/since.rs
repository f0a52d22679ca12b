//! Windows of a cursor as parameters.

use std::time::{Duration, SystemTime};

use serde_json::{Value as Json, json};

use super::client::failed;
use crate::error::Result;
use crate::value::time::{self, DAY};

/// How a time is written into a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeFormat {
    /// As the data has it.
    #[default]
    AsIs,
    /// `2024-01-31T10:20:30Z`.
    Iso,
    /// Seconds since 1970.
    UnixSeconds,
    /// Milliseconds since 1970.
    UnixMillis,
    /// `2024-01-31`.
    Date,
}

impl TimeFormat {
    /// A cursor value as the API wants it.
    pub(crate) fn write(self, value: &Json) -> Result<Json> {
        if self == Self::AsIs || value.is_null() {
            return Ok(value.clone());
        }
        let micros = micros(value).ok_or_else(|| {
            failed(format!("the cursor value {value} is no time, so it cannot be converted"))
                .help("leave `convert` out to send values as they are")
        })?;
        Ok(self.of_micros(micros))
    }

    fn of_micros(self, micros: i64) -> Json {
        match self {
            Self::AsIs | Self::Iso => Json::from(iso(micros)),
            Self::UnixSeconds => json!(micros.div_euclid(1_000_000)),
            Self::UnixMillis => json!(micros.div_euclid(1000)),
            Self::Date => Json::from(time::date_text(micros.div_euclid(DAY))),
        }
    }
}

/// Seconds, and fractions only if there are some.
fn iso(micros: i64) -> String {
    let date = time::date_text(micros.div_euclid(DAY));
    let of_day = micros.rem_euclid(DAY);
    let (seconds, fraction) = (of_day / 1_000_000, of_day % 1_000_000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = match fraction {
        0 => String::new(),
        fraction if fraction % 1000 == 0 => format!(".{:03}", fraction / 1000),
        fraction => format!(".{fraction:06}"),
    };
    format!("{date}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// Microseconds since 1970. Numbers are seconds, or milliseconds if they would be too far away.
fn micros(value: &Json) -> Option<i64> {
    match value {
        Json::String(text) => time::timestamp(text),
        Json::Number(number) => {
            let number = number.as_f64()?;
            time::from_seconds(if number.abs() > 1e11 { number / 1000.0 } else { number })
        }
        _ => None,
    }
}

/// A part of the time that is asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Window {
    pub(crate) start: Json,
    pub(crate) end: Json,
}

/// Cuts the time between two values into windows; to now if there is no end.
pub(crate) fn windows(start: &Json, end: &Json, length: Duration, now: SystemTime) -> Result<Vec<Window>> {
    let unusable = |value: &Json| {
        failed(format!("windows of time need times, and {value} is none"))
            .help("give the cursor an initial value that is a time")
    };
    let first = micros(start).ok_or_else(|| unusable(start))?;
    let last = match end {
        Json::Null => {
            i64::try_from(now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_micros())
                .unwrap_or(i64::MAX)
        }
        end => micros(end).ok_or_else(|| unusable(end))?,
    };
    let step = i64::try_from(length.as_micros()).unwrap_or(i64::MAX).max(1);
    let mut windows = Vec::new();
    let mut from = first;
    // numbers stay numbers, texts become ISO texts
    let write = |micros: i64| match start {
        Json::Number(number) if number.as_f64().is_some_and(|n| n.abs() > 1e11) => {
            json!(micros.div_euclid(1000))
        }
        Json::Number(_) => json!(micros.div_euclid(1_000_000)),
        Json::String(text) if text.len() == 10 => Json::from(time::date_text(micros.div_euclid(DAY))),
        _ => Json::from(iso(micros)),
    };
    loop {
        let to = from.saturating_add(step).min(last);
        windows.push(Window { start: write(from), end: write(to) });
        if to >= last {
            return Ok(windows);
        }
        from = to;
    }
}

/// `7d`, `12h`, `30m`, `45s`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let unit = text.chars().last()?;
    let number: u64 = text.strip_suffix(unit)?.trim().parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    number.checked_mul(seconds).filter(|seconds| *seconds > 0).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_every_format() {
        for value in [json!("2024-01-31T10:20:30Z"), json!(1_706_696_430), json!(1_706_696_430_000_i64)] {
            for (format, wanted) in [
                (TimeFormat::Iso, json!("2024-01-31T10:20:30Z")),
                (TimeFormat::UnixSeconds, json!(1_706_696_430)),
                (TimeFormat::UnixMillis, json!(1_706_696_430_000_i64)),
                (TimeFormat::Date, json!("2024-01-31")),
                (TimeFormat::AsIs, value.clone()),
            ] {
                assert_eq!(format.write(&value).unwrap(), wanted, "{value} {format:?}");
            }
        }
        let error = TimeFormat::Iso.write(&json!("yesterday")).unwrap_err().to_string();
        assert!(error.starts_with("the cursor value \"yesterday\" is no time"), "{error}");
        assert_eq!(iso(1_500_000), "1970-01-01T00:00:01.500Z");
    }

    #[test]
    fn windows_cover_the_time() {
        let day = Duration::from_secs(86_400);
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_706_696_430);
        let texts = |start: Json, end: Json| -> Vec<String> {
            let windows = windows(&start, &end, day, now).unwrap();
            windows.iter().map(|window| format!("{}..{}", window.start, window.end)).collect()
        };
        assert_eq!(
            texts(json!("2024-01-30T00:00:00Z"), Json::Null),
            [
                r#""2024-01-30T00:00:00Z".."2024-01-31T00:00:00Z""#,
                r#""2024-01-31T00:00:00Z".."2024-01-31T10:20:30Z""#
            ]
        );
        assert_eq!(texts(json!("2024-01-30"), json!("2024-01-31")), [r#""2024-01-30".."2024-01-31""#]);
        assert_eq!(texts(json!(0), json!(90_000)), ["0..86400", "86400..90000"]);
        assert!(windows(&json!("x"), &Json::Null, day, now).is_err());
        assert_eq!(duration("7d"), Some(day * 7));
        assert_eq!((duration("0d"), duration("7x"), duration("")), (None, None, None));
    }
}
