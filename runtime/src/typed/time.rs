//! Dates and times of chrono, with all their digits.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Timelike};
use floe_schema::DataType;
use floe_schema::typed::{ColumnType, Shape};

use super::{Field, RowWriter};

/// An instant; the column holds it in UTC.
impl<Z: TimeZone> Field for DateTime<Z> {
    const SHAPE: Shape = Shape::of(DataType::Timestamp);

    fn write(&self, out: &mut RowWriter) {
        quoted(out, |out| {
            date_time(out, &self.naive_utc());
            out.raw("Z");
        });
    }
}

/// A wall clock time.
impl Field for NaiveDateTime {
    const SHAPE: Shape = Shape::column(ColumnType { timezone: false, ..ColumnType::of(DataType::Timestamp) });

    fn write(&self, out: &mut RowWriter) {
        quoted(out, |out| date_time(out, self));
    }
}

impl Field for NaiveDate {
    const SHAPE: Shape = Shape::of(DataType::Date);

    fn write(&self, out: &mut RowWriter) {
        quoted(out, |out| date(out, *self));
    }
}

impl Field for NaiveTime {
    const SHAPE: Shape = Shape::of(DataType::Time);

    fn write(&self, out: &mut RowWriter) {
        quoted(out, |out| time(out, *self));
    }
}

/// Whole microseconds.
impl Field for TimeDelta {
    const SHAPE: Shape = Shape::of(DataType::Bigint);

    fn write(&self, out: &mut RowWriter) {
        let micros = i128::from(self.num_seconds()) * 1_000_000 + i128::from(self.subsec_micros());
        out.json(&micros);
    }
}

/// Whole microseconds.
impl Field for std::time::Duration {
    const SHAPE: Shape = Shape::of(DataType::Bigint);

    fn write(&self, out: &mut RowWriter) {
        out.json(&self.as_micros());
    }
}

fn quoted(out: &mut RowWriter, write: impl FnOnce(&mut RowWriter)) {
    out.out.push(b'"');
    write(out);
    out.out.push(b'"');
}

fn date_time(out: &mut RowWriter, value: &NaiveDateTime) {
    date(out, value.date());
    out.out.push(b'T');
    time(out, value.time());
}

fn date(out: &mut RowWriter, value: NaiveDate) {
    match u32::try_from(value.year()) {
        Ok(year) if year <= 9999 => digits(out, year, 4),
        // no destination has such years; the engine says so
        _ => out.raw(&value.year().to_string()),
    }
    out.out.push(b'-');
    digits(out, value.month(), 2);
    out.out.push(b'-');
    digits(out, value.day(), 2);
}

fn time(out: &mut RowWriter, value: NaiveTime) {
    digits(out, value.hour(), 2);
    out.out.push(b':');
    digits(out, value.minute(), 2);
    out.out.push(b':');
    // chrono counts a leap second as the second before it; no destination knows them
    digits(out, value.second(), 2);
    let nanos = value.nanosecond().min(999_999_999);
    if nanos > 0 {
        out.out.push(b'.');
        if nanos.is_multiple_of(1000) { digits(out, nanos / 1000, 6) } else { digits(out, nanos, 9) }
    }
}

/// The last digits of a number.
fn digits(out: &mut RowWriter, number: u32, count: u32) {
    for place in (0..count).rev() {
        out.out.push(b'0' + (number / 10_u32.pow(place) % 10) as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{FixedOffset, Utc};

    fn text<T: Field>(value: T) -> String {
        RowWriter::text(&value).unwrap()
    }

    #[test]
    fn instants_are_written_in_utc() {
        let east = FixedOffset::east_opt(3600).unwrap();
        let at = east.with_ymd_and_hms(2024, 3, 1, 0, 20, 30).unwrap();
        assert_eq!(text(at), r#""2024-02-29T23:20:30Z""#);
        assert_eq!(text(DateTime::<Utc>::from_timestamp(0, 120_000_000)), r#""1970-01-01T00:00:00.120000Z""#);
        assert_eq!(text(DateTime::<Utc>::from_timestamp(0, 1)), r#""1970-01-01T00:00:00.000000001Z""#);
    }

    #[test]
    fn days_times_and_spans() {
        assert_eq!(text(NaiveDate::from_ymd_opt(33, 1, 9)), r#""0033-01-09""#);
        assert_eq!(text(NaiveTime::from_hms_milli_opt(1, 2, 3, 4)), r#""01:02:03.004000""#);
        assert_eq!(
            text(NaiveDate::from_ymd_opt(2024, 1, 2).unwrap().and_hms_opt(3, 4, 5)),
            r#""2024-01-02T03:04:05""#
        );
        assert_eq!(text(TimeDelta::microseconds(-1_500_001)), "-1500001");
        assert_eq!(text(std::time::Duration::from_nanos(1_999)), "1");
    }
}
