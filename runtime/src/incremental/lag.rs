//! Cursor values moved back by a lag, in the text form that they have.

use serde_json::Value as Json;

use super::LastValue;
use crate::value::time::{self, DAY};

/// The value moved by `lag` against the direction of the cursor, but not past `initial`. `None` if
/// the value has no form that can be moved.
pub(crate) fn apply_lag(lag: f64, initial: &Json, value: &Json, function: LastValue) -> Option<Json> {
    let lagged = match value {
        Json::Number(_) => lag_number(lag, value, function)?,
        Json::String(text) => lag_text(lag, initial, text, function)?.into(),
        _ => return None,
    };
    let wins = !initial.is_null() && function.of(initial, &lagged).ok()? == initial;
    Some(if wins { initial.clone() } else { lagged })
}

fn lag_number(lag: f64, value: &Json, function: LastValue) -> Option<Json> {
    let signed = if function != LastValue::Min { -lag } else { lag };
    match value.as_i64() {
        Some(int) if signed.fract() == 0.0 => Some(Json::from(int.checked_add(signed as i64)?)),
        Some(int) => Some(Json::from((int as f64 + signed) as i64)),
        None => Some(Json::from(value.as_f64()? + signed)),
    }
}

/// How a cursor text is written.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Shape {
    kind: Kind,
    /// `T` or none.
    seconds: Seconds,
    zone: Zone,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Date { dashes: bool },
    Year,
    Month { dashes: bool },
    Week { day: bool },
    Ordinal,
    DateTime,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Seconds {
    Hour,
    Minute,
    Whole,
    Micros,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Zone {
    None,
    Z,
    /// `+02:00` or `+0200`.
    Offset {
        colon: bool,
    },
}

impl Shape {
    fn of(text: &str) -> Option<Self> {
        let plain = |kind| Some(Self { kind, seconds: Seconds::Whole, zone: Zone::None });
        let pattern: String = text.chars().map(|c| if c.is_ascii_digit() { 'd' } else { c }).collect();
        match pattern.as_str() {
            "dddd-dd-dd" => return plain(Kind::Date { dashes: true }),
            "dddddddd" => return plain(Kind::Date { dashes: false }),
            "dddd" => return plain(Kind::Year),
            "dddd-dd" => return plain(Kind::Month { dashes: true }),
            "dddddd" => return plain(Kind::Month { dashes: false }),
            "dddd-Wdd" => return plain(Kind::Week { day: false }),
            "dddd-Wdd-d" => return plain(Kind::Week { day: true }),
            "dddd-ddd" => return plain(Kind::Ordinal),
            _ => {}
        }
        let rest = pattern.strip_prefix("dddd-dd-ddT")?;
        let at = rest.find(['Z', '+', '-']).unwrap_or(rest.len());
        let (clock, zone) = rest.split_at(at);
        let zone = match zone {
            "" => Zone::None,
            "Z" => Zone::Z,
            "+dd:dd" | "-dd:dd" => Zone::Offset { colon: true },
            "+dddd" | "-dddd" => Zone::Offset { colon: false },
            _ => return None,
        };
        let seconds = match clock {
            "dd" if zone == Zone::None => Seconds::Hour,
            "dd:dd" if zone == Zone::None => Seconds::Minute,
            "dd:dd:dd" => Seconds::Whole,
            _ => {
                let fraction = clock.strip_prefix("dd:dd:dd.")?;
                let digits = !fraction.is_empty() && fraction.chars().all(|c| c == 'd');
                (digits && zone != Zone::None).then_some(Seconds::Micros)?
            }
        };
        Some(Self { kind: Kind::DateTime, seconds, zone })
    }

    fn is_date(self) -> bool {
        matches!(self.kind, Kind::Date { .. })
    }

    fn write(self, micros: i64, offset: i32) -> String {
        let local = micros + i64::from(offset) * 1_000_000;
        let (days, rest) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        let (year, month, day) = time::civil_from_days(days);
        match self.kind {
            Kind::Date { dashes: true } => return time::date_text(days),
            Kind::Date { dashes: false } => return format!("{year:04}{month:02}{day:02}"),
            Kind::Year => return format!("{year:04}"),
            Kind::Month { dashes } => {
                return format!("{year:04}{}{month:02}", if dashes { "-" } else { "" });
            }
            Kind::Week { day } => return week_text(days, day),
            Kind::Ordinal => {
                let first = time::days_from_civil(year as i32, 1, 1).unwrap_or_default();
                return format!("{year:04}-{:03}", days - i64::from(first) + 1);
            }
            Kind::DateTime => {}
        }
        let seconds = rest / 1_000_000;
        let clock = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        let clock = match self.seconds {
            Seconds::Hour => clock.get(..2).unwrap_or_default().to_owned(),
            Seconds::Minute => clock.get(..5).unwrap_or_default().to_owned(),
            Seconds::Whole => clock,
            Seconds::Micros => format!("{clock}.{:06}", rest % 1_000_000),
        };
        let zone = match self.zone {
            Zone::None => String::new(),
            Zone::Z => "Z".to_owned(),
            Zone::Offset { colon } => {
                let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.abs() / 60);
                let colon = if colon { ":" } else { "" };
                format!("{sign}{:02}{colon}{:02}", minutes / 60, minutes % 60)
            }
        };
        format!("{}T{clock}{zone}", time::date_text(days))
    }
}

fn week_text(days: i64, with_day: bool) -> String {
    let weekday = (days + 3).rem_euclid(7);
    let thursday = days - weekday + 3;
    let (year, _, _) = time::civil_from_days(thursday);
    let first = time::days_from_civil(year as i32, 1, 1).unwrap_or_default();
    let week = (thursday - i64::from(first)) / 7 + 1;
    let text = format!("{year:04}-W{week:02}");
    if with_day { format!("{text}-{}", weekday + 1) } else { text }
}

fn lag_text(lag: f64, initial: &Json, text: &str, function: LastValue) -> Option<String> {
    let shape = Shape::of(text)?;
    let (micros, offset) = match time::parse(text)? {
        time::Moment::DateTime { offset, .. } => (time::timestamp(text)?, offset.unwrap_or(0)),
        time::Moment::Date(days) => (i64::from(days) * DAY, 0),
        time::Moment::Time { .. } => return None,
    };
    // the initial value tells whether days or seconds are meant
    let declared = initial.as_str().and_then(Shape::of);
    let in_days = declared.unwrap_or(shape).is_date();
    let signed = if function != LastValue::Min { -lag } else { lag };
    let moved = if in_days && !shape.is_date() {
        let day = micros.div_euclid(DAY) + signed as i64;
        // the whole day stays in range
        day * DAY + if function != LastValue::Min { 0 } else { DAY - 1 }
    } else if in_days {
        (micros.div_euclid(DAY) + signed.trunc() as i64) * DAY
    } else {
        let base = if shape.is_date() { micros.div_euclid(DAY) * DAY } else { micros };
        base + (signed * 1e6).round_ties_even() as i64
    };
    Some(shape.write(moved, offset))
}

/// Whether a value lies beyond another one in the direction of the cursor.
#[cfg(test)]
fn is_less(a: &Json, b: &Json) -> bool {
    super::compare::compare(a, b) == Some(std::cmp::Ordering::Less)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn lagged(lag: f64, initial: Json, value: Json) -> Json {
        apply_lag(lag, &initial, &value, LastValue::Max).unwrap()
    }

    #[test]
    fn texts_keep_their_form() {
        for (value, expected) in [
            ("2024-03-01T10:20:30Z", "2024-03-01T10:20:20Z"),
            ("2024-03-01T10:20:30+02:00", "2024-03-01T10:20:20+02:00"),
            ("2024-03-01T10:20:30-0530", "2024-03-01T10:20:20-0530"),
            ("2024-03-01T10:20:30.5Z", "2024-03-01T10:20:20.500000Z"),
            ("2024-03-01T00:00", "2024-02-29T23:59"),
            ("2024-03-01", "2024-02-20"),
            ("20240301", "20240220"),
        ] {
            assert_eq!(lagged(10.0, json!(null), json!(value)), json!(expected));
        }
        assert_eq!(apply_lag(1.0, &json!(null), &json!("x"), LastValue::Max), None);
    }

    #[test]
    fn the_initial_value_is_the_limit_and_tells_the_unit() {
        assert_eq!(lagged(10.0, json!(95), json!(100)), json!(95));
        assert_eq!(lagged(10.0, json!(5), json!(100)), json!(90));
        assert_eq!(lagged(0.5, json!(null), json!(100)), json!(99));
        assert_eq!(lagged(0.5, json!(null), json!(1.5)), json!(1.0));
        let start = lagged(1.0, json!("2024-01-01"), json!("2024-03-01T10:20:30Z"));
        assert_eq!(start, json!("2024-02-29T00:00:00Z"));
        assert!(is_less(&start, &json!("2024-03-01T10:20:30Z")));
        let min = apply_lag(10.0, &json!(null), &json!(100), LastValue::Min).unwrap();
        assert_eq!(min, json!(110));
    }
}
