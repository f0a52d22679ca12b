//! Texts that are dates and times, read as dlt's parser reads them.

mod common;
mod iso;
mod reader;

use common::common;
use iso::iso8601;

/// Microseconds of a day.
pub(crate) const DAY: i64 = 86_400_000_000;
const SECOND: i64 = 1_000_000;
/// First and last microsecond of the years 1 to 9999.
const YEARS: std::ops::RangeInclusive<i64> = -62_135_596_800 * SECOND..=253_402_300_800 * SECOND - 1;

/// What a text says about time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// A date with a time: microseconds of the wall clock since 1970 and seconds east of UTC.
    DateTime { micros: i64, offset: Option<i32> },
    /// A date: days since 1970.
    Date(i32),
    /// A time of day in microseconds and seconds east of UTC.
    Time { micros: i64, offset: Option<i32> },
}

/// Reads ISO 8601 and a few forms close to it. `None` for everything else.
pub(crate) fn parse(text: &str) -> Option<Moment> {
    let bytes = text.as_bytes();
    rfc3339(bytes).or_else(|| iso8601(bytes)).or_else(|| common(bytes))
}

/// The instant in UTC that a text names; dates are their midnight, numbers are seconds.
pub(crate) fn timestamp(text: &str) -> Option<i64> {
    match parse(text) {
        Some(Moment::DateTime { micros, offset }) => to_utc(micros, offset),
        Some(Moment::Date(days)) => Some(i64::from(days) * DAY),
        Some(Moment::Time { .. }) => None,
        None => from_seconds(super::number::python_float(text)?),
    }
}

/// The day in UTC that a text names.
pub(crate) fn date(text: &str) -> Option<i32> {
    timestamp(text).map(|micros| micros.div_euclid(DAY) as i32)
}

/// The time of day that a text names, in UTC if it has an offset.
pub(crate) fn time_of_day(text: &str) -> Option<i64> {
    match parse(text)? {
        Moment::Time { micros, offset } => {
            Some((micros - i64::from(offset.unwrap_or(0)) * SECOND).rem_euclid(DAY))
        }
        _ => None,
    }
}

/// Seconds since 1970, rounded to microseconds as Python rounds them.
pub(crate) fn from_seconds(seconds: f64) -> Option<i64> {
    if !seconds.is_finite() {
        return None;
    }
    let whole = seconds.floor();
    // the fraction is exact, so rounding it half to even is what Python does
    let micros = ((seconds - whole) * 1e6).round_ties_even();
    let total = (whole as i64).checked_mul(SECOND)?.checked_add(micros as i64)?;
    YEARS.contains(&total).then_some(total)
}

fn to_utc(micros: i64, offset: Option<i32>) -> Option<i64> {
    let utc = micros - i64::from(offset.unwrap_or(0)) * SECOND;
    YEARS.contains(&utc).then_some(utc)
}

/// Days since 1970 of a day in the proleptic Gregorian calendar.
pub(crate) fn days_from_civil(year: i32, month: u32, day: u32) -> Option<i32> {
    if !(1..=9999).contains(&year) || !(1..=12).contains(&month) {
        return None;
    }
    if day == 0 || day > days_in_month(year, month) {
        return None;
    }
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let shifted = (month as i32 + 9) % 12;
    let day_of_year = (153 * shifted + 2) / 5 + day as i32 - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// Year, month and day of days since 1970.
pub(crate) fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * shifted + 2) / 5 + 1) as u32;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 } as u32;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// `2024-03-01T10:20:30.123Z`, by far the most frequent form, without detours.
fn rfc3339(b: &[u8]) -> Option<Moment> {
    let (date, rest) = b.split_at_checked(10)?;
    let (time, rest) = rest.split_at_checked(9)?;
    if date[4] != b'-' || date[7] != b'-' || time[3] != b':' || time[6] != b':' {
        return None;
    }
    if time[0] != b'T' && time[0] != b' ' {
        return None;
    }
    let days = days_from_civil((two(date, 0)? * 100 + two(date, 2)?) as i32, two(date, 5)?, two(date, 8)?)?;
    let (hour, minute, second) = (two(time, 1)?, two(time, 4)?, two(time, 7)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut micros = (i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second)) * SECOND;
    let mut at = 0;
    if rest.first() == Some(&b'.') {
        let (fraction, length) = fraction(rest.get(1..)?)?;
        micros += fraction;
        at = 1 + length;
    }
    let offset = match rest.get(at..)? {
        [] => None,
        b"Z" => Some(0),
        _ => return None,
    };
    Some(Moment::DateTime { micros: i64::from(days) * DAY + micros, offset })
}

fn two(b: &[u8], at: usize) -> Option<u32> {
    let (a, b) = (b.get(at)?.wrapping_sub(b'0'), b.get(at + 1)?.wrapping_sub(b'0'));
    (a < 10 && b < 10).then(|| u32::from(a) * 10 + u32::from(b))
}

/// Microseconds of fraction digits, cut behind the sixth, and the number of digits.
fn fraction(b: &[u8]) -> Option<(i64, usize)> {
    let length = b.iter().take_while(|c| c.is_ascii_digit()).count();
    if length == 0 {
        return None;
    }
    let digit = |n: usize| b.get(n).filter(|c| n < length && c.is_ascii_digit());
    let micros = (0..6).fold(0, |sum, n| sum * 10 + digit(n).map_or(0, |c| i64::from(c - b'0')));
    Some((micros, length))
}

/// `2024-03-01T10:20:30.5+00:00`, as Python's `isoformat` writes an instant in UTC.
pub(crate) fn iso_text(micros: i64) -> String {
    let (days, rest) = (micros.div_euclid(DAY), micros.rem_euclid(DAY));
    format!("{}T{}+00:00", date_text(days), time_text(rest))
}

/// `2024-03-01`.
pub(crate) fn date_text(days: i64) -> String {
    let (year, month, day) = civil_from_days(days);
    format!("{year:04}-{month:02}-{day:02}")
}

/// `10:20:30` or `10:20:30.500000`.
pub(crate) fn time_text(micros: i64) -> String {
    let (seconds, micros) = (micros / SECOND, micros % SECOND);
    let text = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if micros == 0 { text } else { format!("{text}.{micros:06}") }
}

#[cfg(test)]
mod tests;
