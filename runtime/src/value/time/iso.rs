//! ISO 8601.

use super::reader::Reader;
use super::{DAY, Moment, SECOND, days_from_civil, is_leap};

/// A moment in any of the forms of ISO 8601.
pub(super) fn iso8601(bytes: &[u8]) -> Option<Moment> {
    let mut reader = Reader { bytes, at: 0 };
    if reader.eat(b'T') {
        let (micros, offset) = iso_time(&mut reader, Form::Basic)?;
        return Some(Moment::Time { micros, offset });
    }
    if bytes.get(2) == Some(&b':') {
        let (micros, offset) = iso_time(&mut reader, Form::Extended)?;
        return Some(Moment::Time { micros, offset });
    }
    let (days, form) = iso_date(&mut reader)?;
    if reader.at_end() {
        return Some(Moment::Date(days));
    }
    if !reader.at_time() {
        return None;
    }
    reader.at += 1;
    let (micros, offset) = iso_time(&mut reader, form)?;
    Some(Moment::DateTime { micros: i64::from(days) * DAY + micros, offset })
}

/// Whether parts are separated: `2024-03-01T10:20:30` or `20240301T102030`.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Basic,
    Extended,
}

/// Days since 1970, and the form in which they were given.
fn iso_date(reader: &mut Reader<'_>) -> Option<(i32, Form)> {
    let year = reader.number(4)? as i32;
    if reader.eat(b'-') {
        if reader.eat(b'W') {
            let week = reader.number(2)?;
            let day = if reader.at_end() || reader.at_time() {
                1
            } else if reader.eat(b'-') {
                reader.number(1)?
            } else {
                return None;
            };
            return Some((week_date(year, week, day)?, Form::Extended));
        }
        if reader.digits_ahead() == 3 {
            let day = reader.number(3)?;
            return Some((ordinal_date(year, day)?, Form::Extended));
        }
        let month = reader.number(2)?;
        let day = if reader.eat(b'-') { reader.number(2)? } else { 1 };
        return Some((days_from_civil(year, month, day)?, Form::Extended));
    }
    if reader.eat(b'W') {
        let week = reader.number(2)?;
        let day = if reader.digits_ahead() > 0 { reader.number(1)? } else { 1 };
        return Some((week_date(year, week, day)?, Form::Basic));
    }
    match reader.digits_ahead() {
        3 => {
            let day = reader.number(3)?;
            Some((ordinal_date(year, day)?, Form::Basic))
        }
        4 => {
            let (month, day) = (reader.number(2)?, reader.number(2)?);
            Some((days_from_civil(year, month, day)?, Form::Basic))
        }
        _ => None,
    }
}

fn ordinal_date(year: i32, day: u32) -> Option<i32> {
    let first = days_from_civil(year, 1, 1)?;
    (1..=365 + u32::from(is_leap(year))).contains(&day).then(|| first + day as i32 - 1)
}

fn week_date(year: i32, week: u32, day: u32) -> Option<i32> {
    let fourth = days_from_civil(year, 1, 4)?;
    // 1970-01-01 was a Thursday
    let monday = fourth - (fourth + 3).rem_euclid(7);
    // a year has 53 weeks if its last day is in week 53
    let next = days_from_civil(year, 12, 31)? + 1;
    let weeks = if next - monday >= 53 * 7 - 3 { 53 } else { 52 };
    // day 0 is the Sunday before
    if week > weeks || day > 7 {
        return None;
    }
    let first_day = days_from_civil(1, 1, 1)?;
    Some(monday + (week as i32 - 1) * 7 + day as i32 - 1).filter(|days| *days >= first_day)
}

/// Microseconds of the day and the offset; the reader is at the end behind it. The basic form may
/// have a colon between hours and minutes as long as there are no seconds.
fn iso_time(reader: &mut Reader<'_>, form: Form) -> Option<(i64, Option<i32>)> {
    let hour = reader.number(2)?;
    let (mut minute, mut second, mut micros) = (0, 0, 0);
    let colon = reader.eat(b':');
    if colon || reader.digits_ahead() > 0 {
        if !colon && form == Form::Extended {
            return None;
        }
        minute = reader.number(2)?;
        let has_seconds = if colon { reader.eat(b':') } else { reader.digits_ahead() > 0 };
        if has_seconds {
            if colon && form == Form::Basic {
                return None;
            }
            second = reader.number(2)?;
            micros = reader.fraction()?;
        }
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let offset = iso_offset(reader)?;
    let seconds = i64::from(hour * 3600 + minute * 60 + second);
    Some((seconds * SECOND + micros, offset))
}

fn iso_offset(reader: &mut Reader<'_>) -> Option<Option<i32>> {
    if reader.at_end() {
        return Some(None);
    }
    if reader.eat(b'Z') {
        return reader.at_end().then_some(Some(0));
    }
    let sign = match reader.peek()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    reader.at += 1;
    let hours = reader.number(2)? as i32;
    let minutes = if reader.at_end() {
        0
    } else {
        let colon = reader.eat(b':');
        if colon && reader.at_end() { 0 } else { reader.number(2)? as i32 }
    };
    let seconds = hours * 3600 + minutes * 60;
    (reader.at_end() && seconds < 86_400).then_some(Some(sign * seconds))
}
