//! Values: what they are, what texts mean, and how a value of one type becomes one of another.

mod coerce;
pub(crate) mod number;
pub(crate) mod time;

use std::borrow::Cow;

use floe_schema::DataType;

pub(crate) use coerce::{Misfit, coerce};
use number::{Decimal, DecimalText};

/// A value on its way into a column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Text(Cow<'a, str>),
    /// A whole number literal of JSON, or a whole number that was read from something else.
    Int(i128),
    Double(f64),
    Bool(bool),
    /// A nested value as compact JSON text.
    Json(Cow<'a, str>),
    Decimal(Decimal),
    Wei(Decimal),
    /// Microseconds since 1970 in UTC.
    Timestamp(i64),
    /// Days since 1970.
    Date(i32),
    /// Microseconds since midnight.
    Time(i64),
    Binary(Cow<'a, [u8]>),
}

impl Value<'_> {
    /// The type that a new column for the value has without detections and hints.
    pub(crate) fn data_type(&self) -> DataType {
        match self {
            Self::Null | Self::Text(_) => DataType::Text,
            Self::Int(_) => DataType::Bigint,
            Self::Double(_) => DataType::Double,
            Self::Bool(_) => DataType::Bool,
            Self::Json(_) => DataType::Json,
            Self::Decimal(_) => DataType::Decimal,
            Self::Wei(_) => DataType::Wei,
            Self::Timestamp(_) => DataType::Timestamp,
            Self::Date(_) => DataType::Date,
            Self::Time(_) => DataType::Time,
            Self::Binary(_) => DataType::Binary,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

/// First of the characters with which dlt marks texts that stand for other types.
const TYPED_START: u32 = 0xf026;

/// The type a text stands for, if it is dlt's internal form of a typed value.
pub(crate) fn typed_text(text: &str) -> Option<Value<'static>> {
    let mut chars = text.chars();
    let mark = (chars.next()? as u32).checked_sub(TYPED_START)?;
    let rest = chars.as_str();
    if rest.is_empty() {
        return None;
    }
    let decimal = |wrap: fn(Decimal) -> Value<'static>| match number::python_decimal(rest)? {
        DecimalText::Finite(decimal) => Some(wrap(decimal)),
        DecimalText::NotFinite => None,
    };
    match mark {
        0 => decimal(Value::Decimal),
        1 => match time::parse(rest)? {
            time::Moment::DateTime { .. } => time::timestamp(rest).map(Value::Timestamp),
            _ => None,
        },
        2 => match time::parse(rest)? {
            time::Moment::Date(days) => Some(Value::Date(days)),
            _ => None,
        },
        3 if is_uuid(rest) => Some(Value::Text(Cow::Owned(rest.to_owned()))),
        4 => coerce::hex(rest.strip_prefix("0x").unwrap_or(rest)).map(|b| Value::Binary(b.into())),
        5 => coerce::base64(rest).map(|bytes| Value::Binary(bytes.into())),
        6 => decimal(Value::Wei),
        7 => time::time_of_day(rest).map(Value::Time),
        _ => None,
    }
}

/// The text without the mark of a typed value, as nested values are stored.
pub(crate) fn without_type_mark(text: &str) -> &str {
    match typed_text(text) {
        Some(_) => text.get('\u{f026}'.len_utf8()..).unwrap_or_default(),
        None => text,
    }
}

fn is_uuid(text: &str) -> bool {
    let hex = text.bytes().filter(u8::is_ascii_hexdigit).count();
    hex == 32 && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marked_texts_stand_for_other_types() {
        let typed = |mark: char, rest: &str| typed_text(&format!("{mark}{rest}"));
        assert!(matches!(typed('\u{f026}', "1.5"), Some(Value::Decimal(_))));
        assert_eq!(typed('\u{f027}', "1970-01-01T00:00:01+00:00"), Some(Value::Timestamp(1_000_000)));
        assert_eq!(typed('\u{f028}', "1970-01-02"), Some(Value::Date(1)));
        assert_eq!(typed('\u{f02a}', "0x0aff"), Some(Value::Binary(vec![10, 255].into())));
        assert_eq!(typed('\u{f02b}', "aGk="), Some(Value::Binary(b"hi".to_vec().into())));
        assert_eq!(typed('\u{f02d}', "00:00:01"), Some(Value::Time(1_000_000)));
        assert_eq!(typed('\u{f026}', "no number"), None);
        assert_eq!(typed('\u{f02e}', "1"), None);
        assert_eq!(typed_text("\u{f026}"), None);
        assert_eq!(without_type_mark("\u{f026}1.50"), "1.50");
        assert_eq!(without_type_mark("\u{f026}x"), "\u{f026}x");
    }
}
