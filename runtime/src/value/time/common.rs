//! Forms that are close to ISO 8601.

use super::reader::Reader;
use super::{DAY, Moment, SECOND, days_from_civil, fraction};

/// `2024/03/01 1:2:3`, `2024:03:01`, `2024`, `10:20`. The first reading that takes the whole text
/// counts, even if it names no day.
pub(super) fn common(bytes: &[u8]) -> Option<Moment> {
    let readings = [common_date, common_year, |_: &mut Reader<'_>| Some(None)];
    readings.into_iter().find_map(|date| common_with(bytes, date))?
}

type CivilDate = Option<(i32, u32, u32)>;

/// Outer `None`: the text has another form. Inner `None`: it has the form, but no such day or time.
fn common_with(
    bytes: &[u8],
    date: impl FnOnce(&mut Reader<'_>) -> Option<CivilDate>,
) -> Option<Option<Moment>> {
    let mut reader = Reader { bytes, at: 0 };
    let date = date(&mut reader)?;
    let clock = if reader.at_end() { None } else { Some(common_clock(&mut reader)?) };
    if date.is_none() && clock.is_none() {
        return None;
    }
    let midnight = match date.map(|(year, month, day)| days_from_civil(year, month, day)) {
        Some(None) => return Some(None),
        Some(Some(days)) => Some(days),
        None => None,
    };
    Some(match (midnight, clock) {
        (_, Some(None)) | (None, None) => None,
        (Some(days), None) => Some(Moment::Date(days)),
        (Some(days), Some(Some(micros))) => {
            Some(Moment::DateTime { micros: i64::from(days) * DAY + micros, offset: None })
        }
        (None, Some(Some(micros))) => Some(Moment::Time { micros, offset: None }),
    })
}

fn common_date(reader: &mut Reader<'_>) -> Option<CivilDate> {
    let year = reader.number(4)? as i32;
    let _ = reader.eat(b'/') || reader.eat(b':');
    let month = reader.number(2)?;
    let _ = reader.eat(b'/') || reader.eat(b':');
    Some(Some((year, month, reader.number(2)?)))
}

fn common_year(reader: &mut Reader<'_>) -> Option<CivilDate> {
    Some(Some((reader.number(4)? as i32, 1, 1)))
}

/// The same two layers of `None` as in [`common_with`].
fn common_clock(reader: &mut Reader<'_>) -> Option<Option<i64>> {
    reader.eat(b' ');
    let hour = reader.short_number()?;
    if !reader.eat(b':') {
        return None;
    }
    let minute = reader.short_number()?;
    let second = if reader.eat(b':') { reader.short_number()? } else { 0 };
    let mut micros = 0;
    if reader.eat(b'.') || reader.eat(b'|') || reader.eat(b',') {
        let (fraction, length) = fraction(reader.bytes.get(reader.at..)?).filter(|f| f.1 <= 9)?;
        micros = fraction;
        reader.at += length;
    }
    if !reader.at_end() {
        return None;
    }
    let seconds = i64::from(hour * 3600 + minute * 60 + second);
    Some((hour < 24 && minute < 60 && second < 60).then_some(seconds * SECOND + micros))
}
