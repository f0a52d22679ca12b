//! Hashes and identifiers over JSON text, as dlt computes them.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::Value;
use sha3::{Digest, Sha3_256};
use shake::Shake128;
use shake::digest::{ExtendableOutput, Update, XofReader};

/// Bytes behind a row identifier.
pub const ROW_ID_BYTES: usize = 10;
/// Characters of a row identifier.
pub const ROW_ID_LENGTH: usize = 14;
/// Bytes behind a hash for incremental deduplication.
pub const UNIQUE_HASH_BYTES: usize = 9;

/// SHAKE-128 with an output of `bytes`, as base64 without padding.
pub fn shake128_base64(data: &[u8], bytes: usize) -> String {
    let mut hasher = Shake128::default();
    hasher.update(data);
    let mut out = vec![0; bytes];
    hasher.finalize_xof().read(&mut out);
    STANDARD_NO_PAD.encode(out)
}

/// SHA3-256 as base64 with padding, over several pieces.
pub fn sha3_base64<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = Sha3_256::new();
    for piece in pieces {
        Digest::update(&mut hasher, piece);
    }
    STANDARD.encode(hasher.finalize())
}

/// Identifier of a row in a nested table.
///
/// ```
/// assert_eq!(floe_schema::hash::nested_row_id("row-1", "items__children", 0), "j91c1sVBH6cxcQ");
/// ```
pub fn nested_row_id(parent_id: &str, table: &str, index: usize) -> String {
    shake128_base64(format!("{parent_id}_{table}_{index}").as_bytes(), ROW_ID_BYTES)
}

/// Identifier of a row from its content: an object of key columns or the whole item.
pub fn content_row_id(content: &Value) -> String {
    shake128_base64(canonical_json(content).as_bytes(), ROW_ID_BYTES)
}

/// JSON text for hashing: sorted keys, no blanks, floats as orjson writes them.
pub fn canonical_json(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value, true);
    out
}

/// JSON text with keys in their own order, no blanks, floats as orjson writes them.
pub fn compact_json(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value, false);
    out
}

fn write(out: &mut String, value: &Value, sorted: bool) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => write_f64(out, float),
            _ => out.push_str(&number.to_string()),
        },
        Value::String(text) => write_text(out, text),
        Value::Array(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                write(out, item, sorted);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            if sorted {
                // UTF-8 sorts like code points
                entries.sort_by_key(|(key, _)| *key);
            }
            out.push('{');
            for (n, (key, item)) in entries.into_iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                write_text(out, key);
                out.push(':');
                write(out, item, sorted);
            }
            out.push('}');
        }
    }
}

/// A JSON text literal with the escapes that orjson uses.
pub fn write_text(out: &mut String, text: &str) {
    out.push('"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape: &str = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            0x08 => "\\b",
            b'\t' => "\\t",
            b'\n' => "\\n",
            0x0c => "\\f",
            b'\r' => "\\r",
            0..0x20 => "",
            _ => continue,
        };
        out.push_str(text.get(plain..at).unwrap_or_default());
        if escape.is_empty() {
            out.push_str(&format!("\\u{byte:04x}"));
        } else {
            out.push_str(escape);
        }
        plain = at + 1;
    }
    out.push_str(text.get(plain..).unwrap_or_default());
    out.push('"');
}

/// A float in the shortest form that reads back as itself: a fraction always, an exponent from
/// `1e+16` on and up to `1e-6`. Numbers that JSON cannot express become null.
pub fn write_f64(out: &mut String, value: f64) {
    if !value.is_finite() {
        out.push_str("null");
        return;
    }
    let (negative, digits, point) = shortest(value);
    if negative {
        out.push('-');
    }
    layout(out, &digits, point, -5, |out, exponent| {
        out.push_str(&format!("e{}{}", if exponent > 0 { "+" } else { "" }, exponent));
    });
}

/// A float as Python's `str` writes it: `1e+16`, `1e-07`, `100.0`, `nan`, `inf`.
pub fn python_float(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let (negative, digits, point) = shortest(value);
    let mut out = String::from(if negative { "-" } else { "" });
    layout(&mut out, &digits, point, -4, |out, exponent| {
        let sign = if exponent < 0 { '-' } else { '+' };
        out.push_str(&format!("e{sign}{:02}", exponent.abs()));
    });
    out
}

/// Sign, significant digits and the place of the point relative to the first of them.
fn shortest(value: f64) -> (bool, String, i32) {
    let text = format!("{:e}", value.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    (value.is_sign_negative(), digits, exponent.parse::<i32>().unwrap_or(0) + 1)
}

/// Lays digits out. `least` is the smallest decimal exponent that is written without `e`.
fn layout(out: &mut String, digits: &str, point: i32, least: i32, exponent: impl Fn(&mut String, i32)) {
    let count = digits.len() as i32;
    if digits == "0" {
        out.push_str("0.0");
    } else if point - 1 < least || point > 16 {
        let (first, rest) = digits.split_at(1);
        out.push_str(first);
        if !rest.is_empty() {
            out.push('.');
            out.push_str(rest);
        }
        exponent(out, point - 1);
    } else if point <= 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', point.unsigned_abs() as usize));
        out.push_str(digits);
    } else if count <= point {
        out.push_str(digits);
        out.extend(std::iter::repeat_n('0', (point - count) as usize));
        out.push_str(".0");
    } else {
        let (whole, fraction) = digits.split_at(point as usize);
        out.push_str(whole);
        out.push('.');
        out.push_str(fraction);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn row(text: &str) -> String {
        content_row_id(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn identifiers_of_rows() {
        assert_eq!(nested_row_id("AbCdEfGhIjKlMn", "orders__lines", 12), "yMOBZVt4IF/S4Q");
        assert_eq!(nested_row_id("row-1", "Größe__l", 3), "/koqIwXpOpf8MQ");
        assert_eq!(row(r#"{"v":"a","id":1}"#), "lknCZL/MuP9QCg");
        assert_eq!(row(r#"{"v":"ü","id":null,"n":1.0,"d":{"b":1,"a":[true,null]}}"#), "D5DFn8zq/h7N4g");
        assert_eq!(row(r#"{"id":1,"f":1e16,"g":1.5e-7,"h":0.00001}"#), "Iga2kO3AZNFHoA");
        assert_eq!(row(r#"{"id":"2024-01-01T00:00:00Z"}"#), "vmLxXJRYSL5Jqg");
    }

    #[test]
    fn hashes_for_deduplication() {
        let hash = |value: Value| shake128_base64(canonical_json(&value).as_bytes(), UNIQUE_HASH_BYTES);
        assert_eq!(hash(json!({"t": 5, "id": 1})), "6gzl8HL01Eph");
        assert_eq!(hash(json!([1, "x"])), "T2u7rnGEfmXm");
        assert_eq!(hash(json!(null)), "KtLhiM3tliLb");
    }

    #[test]
    fn floats_as_orjson_and_python_write_them() {
        for (value, orjson, python) in [
            (1.0, "1.0", "1.0"),
            (-0.0, "-0.0", "-0.0"),
            (0.1, "0.1", "0.1"),
            (123_456.75, "123456.75", "123456.75"),
            (1e15, "1000000000000000.0", "1000000000000000.0"),
            (1e16, "1e+16", "1e+16"),
            (1.5e22, "1.5e+22", "1.5e+22"),
            (0.00001, "0.00001", "1e-05"),
            (0.0001, "0.0001", "0.0001"),
            (1e-6, "1e-6", "1e-06"),
            (1.5e-7, "1.5e-7", "1.5e-07"),
            (5e-324, "5e-324", "5e-324"),
            (f64::MAX, "1.7976931348623157e+308", "1.7976931348623157e+308"),
        ] {
            let mut out = String::new();
            write_f64(&mut out, value);
            assert_eq!(out, orjson);
            assert_eq!(python_float(value), python);
        }
    }

    #[test]
    fn texts_are_escaped_as_orjson_does() {
        let text = "\"\\\u{8}\t\n\u{c}\r\u{1}\u{7f}ü";
        assert_eq!(compact_json(&json!(text)), "\"\\\"\\\\\\b\\t\\n\\f\\r\\u0001\u{7f}ü\"");
    }

    proptest! {
        #[test]
        fn written_floats_read_back(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            let mut out = String::new();
            write_f64(&mut out, value);
            prop_assert_eq!(out.parse::<f64>().unwrap().to_bits(), bits);
            prop_assert_eq!(python_float(value).parse::<f64>().unwrap().to_bits(), bits);
        }

        #[test]
        fn written_texts_read_back(text in any::<String>()) {
            let written = compact_json(&Value::from(text.clone()));
            prop_assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
        }
    }
}
