//! Dates and times of jiff, with all their digits.

use floe_schema::DataType;
use floe_schema::typed::{ColumnType, Shape};
use jiff::civil::{Date, DateTime, Time};
use jiff::{Timestamp, Zoned};

use super::{Field, RowWriter};

/// Types whose text is what the engine reads.
macro_rules! texts {
    ($($(#[$about:meta])* $type:ty: $shape:expr;)+) => {$(
        $(#[$about])*
        impl Field for $type {
            const SHAPE: Shape = $shape;

            fn write(&self, out: &mut RowWriter) {
                out.string(&self.to_string());
            }
        }
    )+};
}

texts! {
    /// An instant; the column holds it in UTC.
    Timestamp: Shape::of(DataType::Timestamp);
    /// A wall clock time.
    DateTime: Shape::column(ColumnType { timezone: false, ..ColumnType::of(DataType::Timestamp) });
    Date: Shape::of(DataType::Date);
    Time: Shape::of(DataType::Time);
}

/// The instant, without the zone.
impl Field for Zoned {
    const SHAPE: Shape = Timestamp::SHAPE;

    fn write(&self, out: &mut RowWriter) {
        self.timestamp().write(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text<T: Field>(value: T) -> String {
        RowWriter::text(&value).unwrap()
    }

    #[test]
    fn times_are_written_as_the_engine_reads_them() {
        let at: Timestamp = "2024-03-01T00:20:30.5+01:00".parse().unwrap();
        assert_eq!(text(at), r#""2024-02-29T23:20:30.5Z""#);
        assert_eq!(text(at.to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(5)))), text(at));
        assert_eq!(text(Date::constant(33, 1, 9)), r#""0033-01-09""#);
        assert_eq!(text(Time::constant(1, 2, 3, 4_000)), r#""01:02:03.000004""#);
        assert_eq!(text(DateTime::constant(2024, 1, 2, 3, 4, 5, 0)), r#""2024-01-02T03:04:05""#);
    }
}
