//! A value of one type becomes one of another, as dlt coerces.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use floe_schema::{DataType, hash};

use super::number::{self, Decimal, DecimalText, Whole};
use super::{Value, time};

/// Why a value does not go into a column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Misfit {
    /// It is of another type: a variant column takes it.
    Type,
    /// It is of the type, but no destination can hold it.
    Range(&'static str),
}

const NOT_FINITE: Misfit = Misfit::Range("the number is not finite");
const TOO_LARGE: Misfit = Misfit::Range("the number has too many digits");

/// The value as one of type `to`.
pub(crate) fn coerce<'a>(to: DataType, value: Value<'a>) -> Result<Value<'a>, Misfit> {
    if value.data_type() == to || value.is_null() {
        return Ok(value);
    }
    match to {
        DataType::Text => to_text(value).map(Value::Text),
        DataType::Bigint => to_whole(value).map(Value::Int),
        DataType::Double => to_double(value).map(Value::Double),
        DataType::Bool => to_bool(value).map(Value::Bool),
        DataType::Decimal => to_decimal(value).map(Value::Decimal),
        DataType::Wei => to_decimal(value).map(Value::Wei),
        DataType::Timestamp => to_timestamp(value).map(Value::Timestamp),
        DataType::Date => to_date(value).map(Value::Date),
        DataType::Time => match value {
            Value::Text(text) => time::time_of_day(&text).map(Value::Time).ok_or(Misfit::Type),
            _ => Err(Misfit::Type),
        },
        DataType::Binary => to_binary(value).map(|bytes| Value::Binary(bytes.into())),
        DataType::Json => match value {
            Value::Text(text) => json_of_text(&text),
            _ => Err(Misfit::Type),
        },
    }
}

fn to_text(value: Value<'_>) -> Result<Cow<'_, str>, Misfit> {
    Ok(match value {
        Value::Json(json) => json,
        Value::Int(int) => int.to_string().into(),
        Value::Double(double) => hash::python_float(double).into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Decimal(decimal) | Value::Wei(decimal) => decimal.to_string().into(),
        Value::Timestamp(micros) => time::iso_text(micros).into(),
        Value::Date(days) => time::date_text(days.into()).into(),
        Value::Time(micros) => time::time_text(micros).into(),
        Value::Binary(bytes) => STANDARD.encode(bytes).into(),
        Value::Text(text) => text,
        Value::Null => return Err(Misfit::Type),
    })
}

fn to_whole(value: Value<'_>) -> Result<i128, Misfit> {
    let whole = match value {
        Value::Text(text) => number::python_int(&text),
        Value::Double(double) if double.is_finite() && double.fract() == 0.0 => {
            // a float of this size is exact in 128 bits
            let fits = double.abs() < 1e38;
            Some(if fits { Whole::Fits(double as i128) } else { Whole::TooLarge })
        }
        Value::Decimal(decimal) | Value::Wei(decimal) => decimal.to_whole(),
        _ => None,
    };
    match whole {
        Some(Whole::Fits(value)) => Ok(value),
        Some(Whole::TooLarge) => Err(TOO_LARGE),
        None => Err(Misfit::Type),
    }
}

fn to_double(value: Value<'_>) -> Result<f64, Misfit> {
    let double = match value {
        Value::Text(text) => number::float_of_text(&text).ok_or(Misfit::Type)?,
        Value::Int(int) => int as f64,
        Value::Decimal(decimal) | Value::Wei(decimal) => decimal.to_f64(),
        _ => return Err(Misfit::Type),
    };
    if double.is_finite() { Ok(double) } else { Err(NOT_FINITE) }
}

fn to_bool(value: Value<'_>) -> Result<bool, Misfit> {
    match value {
        Value::Text(text) => match text.to_lowercase().as_str() {
            "yes" | "true" | "t" | "y" | "1" => Ok(true),
            "no" | "false" | "f" | "n" | "0" => Ok(false),
            _ => Err(Misfit::Type),
        },
        Value::Int(int) => Ok(int != 0),
        Value::Double(double) => Ok(double != 0.0),
        Value::Decimal(decimal) | Value::Wei(decimal) => Ok(!decimal.is_zero()),
        _ => Err(Misfit::Type),
    }
}

fn to_decimal(value: Value<'_>) -> Result<Decimal, Misfit> {
    match value {
        Value::Text(text) => decimal_of_text(&text),
        Value::Int(int) => Ok(Decimal::from_whole(int)),
        // the shortest text is the most stable form of a float
        Value::Double(double) => decimal_of_text(&hash::python_float(double)),
        Value::Decimal(decimal) | Value::Wei(decimal) => Ok(decimal),
        _ => Err(Misfit::Type),
    }
}

fn decimal_of_text(text: &str) -> Result<Decimal, Misfit> {
    match number::python_decimal(text) {
        Some(DecimalText::Finite(decimal)) => Ok(decimal),
        Some(DecimalText::NotFinite) => Err(NOT_FINITE),
        None => Err(Misfit::Type),
    }
}

fn to_timestamp(value: Value<'_>) -> Result<i64, Misfit> {
    match value {
        Value::Text(text) => time::timestamp(&text),
        Value::Int(seconds) => time::from_seconds(seconds as f64),
        Value::Double(seconds) => time::from_seconds(seconds),
        Value::Date(days) => Some(i64::from(days) * time::DAY),
        _ => None,
    }
    .ok_or(Misfit::Type)
}

fn to_date(value: Value<'_>) -> Result<i32, Misfit> {
    match value {
        Value::Text(text) => time::date(&text).ok_or(Misfit::Type),
        Value::Timestamp(micros) => Ok(micros.div_euclid(time::DAY) as i32),
        seconds @ (Value::Int(_) | Value::Double(_)) => {
            to_timestamp(seconds).map(|micros| micros.div_euclid(time::DAY) as i32)
        }
        _ => Err(Misfit::Type),
    }
}

fn to_binary(value: Value<'_>) -> Result<Vec<u8>, Misfit> {
    match value {
        Value::Text(text) => match text.strip_prefix("0x") {
            Some(digits) => hex(digits),
            None => base64(&text),
        },
        // as many bytes as the number needs, the lowest first
        Value::Int(int) if int >= 0 => {
            let bits = i128::BITS - int.leading_zeros();
            Some(int.to_le_bytes().into_iter().take(bits.div_ceil(8) as usize).collect())
        }
        _ => None,
    }
    .ok_or(Misfit::Type)
}

/// Pairs of hexadecimal digits; blanks between pairs are skipped, as in Python.
pub(super) fn hex(digits: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(digits.len() / 2);
    let mut chars = digits.chars();
    while let Some(first) = chars.next() {
        if matches!(first, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}') {
            continue;
        }
        let byte = first.to_digit(16)? * 16 + chars.next()?.to_digit(16)?;
        out.push(byte as u8);
    }
    Some(out)
}

pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    // Python ignores bits behind the last whole byte
    const LENIENT: base64::engine::GeneralPurpose = base64::engine::GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        base64::engine::GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
    );
    LENIENT.decode(text).ok()
}

fn json_of_text(text: &str) -> Result<Value<'static>, Misfit> {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(serde_json::Value::Null) => Ok(Value::Null),
        Ok(json) => Ok(Value::Json(hash::compact_json(&json).into())),
        Err(_) => Err(Misfit::Type),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value<'_> {
        Value::Text(text.into())
    }

    /// The table of the dataset format, cell by cell.
    #[test]
    fn every_cell_of_the_table() {
        use DataType::*;
        let json = || Value::Json("{\"a\":1}".into());
        let cases: Vec<(DataType, Value<'_>, Option<Value<'_>>)> = vec![
            (Text, Value::Int(5), Some(text("5"))),
            (Text, Value::Double(1e16), Some(text("1e+16"))),
            (Text, Value::Bool(true), Some(text("True"))),
            (Text, json(), Some(text("{\"a\":1}"))),
            (Bigint, text(" 0x1F "), Some(Value::Int(31))),
            (Bigint, text("1.0"), None),
            (Bigint, Value::Double(3.0), Some(Value::Int(3))),
            (Bigint, Value::Double(3.5), None),
            (Bigint, Value::Bool(true), None),
            (Bigint, json(), None),
            (Double, text("0xff"), Some(Value::Double(255.0))),
            (Double, Value::Int(9_007_199_254_740_993), Some(Value::Double(9_007_199_254_740_992.0))),
            (Double, Value::Bool(true), None),
            (Bool, text("YES"), Some(Value::Bool(true))),
            (Bool, text("2"), None),
            (Bool, Value::Int(2), Some(Value::Bool(true))),
            (Bool, Value::Double(0.0), Some(Value::Bool(false))),
            (Timestamp, text("1970-01-02"), Some(Value::Timestamp(time::DAY))),
            (Timestamp, text("86400"), Some(Value::Timestamp(time::DAY))),
            (Timestamp, text("10:20"), None),
            (Timestamp, Value::Int(86_400), Some(Value::Timestamp(time::DAY))),
            (Timestamp, Value::Bool(true), None),
            (Date, text("1970-01-02T23:30:00-02:00"), Some(Value::Date(2))),
            (Date, Value::Double(-0.5), Some(Value::Date(-1))),
            (Time, text("00:00:01+00:00"), Some(Value::Time(1_000_000))),
            (Time, Value::Int(1), None),
            (Binary, text("0x 0a ff"), Some(Value::Binary(vec![10, 255].into()))),
            (Binary, text("aGk="), Some(Value::Binary(b"hi".to_vec().into()))),
            (Binary, text("abc"), None),
            (Binary, Value::Int(256), Some(Value::Binary(vec![0, 1].into()))),
            (Binary, Value::Int(0), Some(Value::Binary(vec![].into()))),
            (Binary, Value::Int(-1), None),
            (Binary, Value::Double(1.0), None),
            (Json, text("[1, 2]"), Some(Value::Json("[1,2]".into()))),
            (Json, text("null"), Some(Value::Null)),
            (Json, text("NaN"), None),
            (Json, Value::Int(5), None),
        ];
        for (to, from, expected) in cases {
            let got = coerce(to, from.clone());
            assert_eq!(got, expected.ok_or(Misfit::Type), "{from:?} to {to}");
        }
    }

    #[test]
    fn numbers_that_nothing_can_hold() {
        let digits = "9".repeat(50);
        assert_eq!(coerce(DataType::Bigint, text(&digits)), Err(TOO_LARGE));
        assert_eq!(coerce(DataType::Bigint, Value::Double(1e300)), Err(TOO_LARGE));
        assert_eq!(coerce(DataType::Double, text("inf")), Err(NOT_FINITE));
        assert_eq!(coerce(DataType::Decimal, text("NaN")), Err(NOT_FINITE));
    }
}
