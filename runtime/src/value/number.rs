//! Texts that are numbers, read as Python's `int`, `float` and `Decimal` read them.

use floe_schema::{ascii_digits, python_strip};

/// A whole number that was read, as far as it can be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whole {
    /// It fits.
    Fits(i128),
    /// It has more than 38 digits.
    TooLarge,
}

/// A whole number in decimal notation or with `0x`.
pub(crate) fn python_int(text: &str) -> Option<Whole> {
    let text = python_strip(text);
    match text.strip_prefix("0x") {
        Some(digits) => whole(digits, 16),
        None => whole(text, 10),
    }
}

/// Digits with an optional sign; one underscore may stand between two digits.
fn whole(text: &str, radix: u32) -> Option<Whole> {
    let text = ascii_digits(python_strip(text));
    let (negative, digits) = split_sign(&text);
    let digits = match (radix, digits.get(..2)) {
        (16, Some("0x" | "0X")) => digits.get(2..)?.trim_start_matches('_'),
        _ => digits,
    };
    let mut value: Option<i128> = Some(0);
    let mut after_digit = false;
    for c in digits.chars() {
        if c == '_' && after_digit {
            after_digit = false;
            continue;
        }
        let digit = i128::from(c.to_digit(radix)?);
        value = value.and_then(|v| v.checked_mul(i128::from(radix))?.checked_add(digit));
        after_digit = true;
    }
    if !after_digit {
        return None;
    }
    Some(value.map_or(Whole::TooLarge, |v| Whole::Fits(if negative { -v } else { v })))
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (true, text.get(1..).unwrap_or_default()),
        Some(b'+') => (false, text.get(1..).unwrap_or_default()),
        _ => (false, text),
    }
}

/// A float as Python's `float` takes it: underscores between digits, `nan`, `inf`.
pub(crate) fn python_float(text: &str) -> Option<f64> {
    let text = ascii_digits(python_strip(text));
    let (negative, magnitude) = split_sign(&text);
    let sign = if negative { -1.0 } else { 1.0 };
    match magnitude.to_ascii_lowercase().as_str() {
        "nan" => return Some(f64::NAN),
        "inf" | "infinity" => return Some(sign * f64::INFINITY),
        _ => {}
    }
    if !magnitude.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let bytes = magnitude.as_bytes();
    let digit = |n: usize| bytes.get(n).is_some_and(u8::is_ascii_digit);
    let lonely = |n: usize| bytes[n] == b'_' && !(n > 0 && digit(n - 1) && digit(n + 1));
    if (0..bytes.len()).any(lonely) {
        return None;
    }
    magnitude.replace('_', "").parse::<f64>().ok().map(|value| sign * value)
}

/// A float of a text column, where `0x` introduces a whole number.
pub(crate) fn float_of_text(text: &str) -> Option<f64> {
    let text = python_strip(text);
    match text.strip_prefix("0x") {
        Some(digits) => match whole(digits, 16)? {
            Whole::Fits(value) => Some(value as f64),
            Whole::TooLarge => None,
        },
        None => python_float(text),
    }
}

/// An exact decimal number: digits and the power of ten of the last one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    /// ASCII digits without leading zeros.
    digits: String,
    exponent: i64,
}

/// Numbers that a decimal text can name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DecimalText {
    /// A number.
    Finite(Decimal),
    /// Infinity or not a number.
    NotFinite,
}

/// A decimal as Python's `Decimal` takes it; `0x` introduces a whole number.
pub(crate) fn python_decimal(text: &str) -> Option<DecimalText> {
    let text = python_strip(text);
    if let Some(digits) = text.strip_prefix("0x") {
        return Some(match whole(digits, 16)? {
            Whole::Fits(value) => DecimalText::Finite(Decimal::from_whole(value)),
            Whole::TooLarge => DecimalText::NotFinite,
        });
    }
    let text = ascii_digits(text).replace('_', "");
    let (negative, magnitude) = split_sign(&text);
    let lower = magnitude.to_ascii_lowercase();
    let is_nan = |rest: &str| rest.chars().all(|c| c.is_ascii_digit());
    if matches!(lower.as_str(), "inf" | "infinity")
        || lower.strip_prefix("nan").is_some_and(is_nan)
        || lower.strip_prefix("snan").is_some_and(is_nan)
    {
        return Some(DecimalText::NotFinite);
    }
    let (mantissa, exponent) = match lower.split_once('e') {
        Some((mantissa, exponent)) => (mantissa, decimal_exponent(exponent)?),
        None => (lower.as_str(), 0),
    };
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: String = [integer, fraction].concat();
    if digits.is_empty() || !digits.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0').to_owned();
    Some(DecimalText::Finite(Decimal { negative, digits, exponent: exponent - fraction.len() as i64 }))
}

/// A limit beyond which no digit of a column is left.
const LARGEST_EXPONENT: i64 = 1_000_000;

fn decimal_exponent(text: &str) -> Option<i64> {
    let (negative, digits) = split_sign(text);
    if digits.is_empty() || !digits.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let size = digits.parse::<i64>().unwrap_or(LARGEST_EXPONENT).min(LARGEST_EXPONENT);
    Some(if negative { -size } else { size })
}

impl Decimal {
    /// A whole number.
    pub(crate) fn from_whole(value: i128) -> Self {
        let digits = value.unsigned_abs().to_string();
        let digits = digits.trim_start_matches('0').to_owned();
        Self { negative: value < 0, digits, exponent: 0 }
    }

    /// The number as a multiple of `10^-scale`, rounded half away from zero. `None` if it has
    /// more than `precision` digits then.
    pub(crate) fn scaled(&self, precision: u32, scale: i32) -> Option<i128> {
        if self.digits.is_empty() {
            return Some(0);
        }
        let shift = self.exponent + i64::from(scale);
        let unsigned: i128 = if shift >= 0 {
            if self.digits.len() as i64 + shift > 39 {
                return None;
            }
            self.digits.parse::<i128>().ok()?.checked_mul(10i128.checked_pow(shift as u32)?)?
        } else {
            let keep = self.digits.len() as i64 + shift;
            if keep < 0 {
                return Some(0);
            }
            let (kept, cut) = self.digits.split_at(keep as usize);
            let kept: i128 = if kept.is_empty() { 0 } else { kept.parse().ok()? };
            kept.checked_add(i128::from(cut.as_bytes().first().is_some_and(|c| *c >= b'5')))?
        };
        let limit = 10i128.checked_pow(precision)?;
        (unsigned < limit).then_some(if self.negative { -unsigned } else { unsigned })
    }

    /// Whether it is zero.
    pub(crate) fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// The whole number it is, unless it has a fraction.
    pub(crate) fn to_whole(&self) -> Option<Whole> {
        let significant = self.digits.trim_end_matches('0');
        let zeros = (self.digits.len() - significant.len()) as i64;
        if !significant.is_empty() && self.exponent + zeros < 0 {
            return None;
        }
        Some(self.scaled(38, 0).map_or(Whole::TooLarge, Whole::Fits))
    }

    /// The nearest float.
    pub(crate) fn to_f64(&self) -> f64 {
        self.to_string().parse().unwrap_or(f64::NAN)
    }
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        let digits = if self.digits.is_empty() { "0" } else { &self.digits };
        let fraction = usize::try_from(-self.exponent).unwrap_or(0);
        if self.exponent == 0 {
            write!(f, "{sign}{digits}")
        } else if self.exponent < 0 && fraction <= digits.len() + 6 {
            let padded = format!("{digits:0>width$}", width = fraction + 1);
            let (whole, rest) = padded.split_at(padded.len() - fraction);
            write!(f, "{sign}{whole}.{rest}")
        } else {
            write!(f, "{sign}{digits}E{:+}", self.exponent)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decimal(text: &str) -> Decimal {
        match python_decimal(text) {
            Some(DecimalText::Finite(decimal)) => decimal,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn whole_numbers_as_python_reads_them() {
        for (text, value) in [
            (" 42 ", 42),
            ("+4", 4),
            ("-3", -3),
            ("1_000", 1000),
            ("٣", 3),
            ("0x1F", 31),
            ("0x_1f", 31),
            ("007", 7),
        ] {
            let expected = if text == "0x_1f" { None } else { Some(Whole::Fits(value)) };
            assert_eq!(python_int(text), expected, "{text}");
        }
        for text in ["", " ", "1.0", "1e3", "_1", "1_", "1__0", "abc", "0x", "--1"] {
            assert_eq!(python_int(text), None, "{text}");
        }
        assert_eq!(python_int(&"9".repeat(50)), Some(Whole::TooLarge));
    }

    #[test]
    fn floats_as_python_reads_them() {
        for (text, value) in
            [("1.5", 1.5), ("1e300", 1e300), (".5", 0.5), ("5.", 5.0), (" -1_0.2_5 ", -10.25), ("٣.٥", 3.5)]
        {
            assert_eq!(python_float(text), Some(value), "{text}");
        }
        for text in ["", "x", "1__0.5", "_1.5", "1_.5", "1._5", "1e", "0x1p3", "infin", "."] {
            assert_eq!(python_float(text), None, "{text}");
        }
        assert_eq!(python_float("-Infinity"), Some(f64::NEG_INFINITY));
        assert!(python_float("NaN").unwrap().is_nan());
        assert_eq!(float_of_text("0xff"), Some(255.0));
    }

    #[test]
    fn decimals_are_exact_and_round_half_away_from_zero() {
        assert_eq!(decimal("1.005").scaled(5, 2), Some(101));
        assert_eq!(decimal("-0.005").scaled(10, 2), Some(-1));
        assert_eq!(decimal("0.1234567894999").scaled(38, 9), Some(123_456_789));
        assert_eq!(
            decimal("12345678901234567890123456789.123456789").scaled(38, 9),
            Some(12_345_678_901_234_567_890_123_456_789_123_456_789)
        );
        assert_eq!(decimal("1e3").scaled(38, 2), Some(100_000));
        assert_eq!(decimal("999.995").scaled(5, 2), None);
        assert_eq!(decimal("1e-50").scaled(38, 9), Some(0));
        assert_eq!(decimal("1e999999999999").scaled(38, 9), None);
        assert_eq!(decimal("0e5").scaled(38, 9), Some(0));
        assert_eq!(python_decimal("NaN12"), Some(DecimalText::NotFinite));
        for text in ["", "abc", "1.2.3", "1e", "e5", ".", "1-2"] {
            assert_eq!(python_decimal(text), None, "{text}");
        }
        assert_eq!(decimal("2.0").to_whole(), Some(Whole::Fits(2)));
        assert_eq!(decimal("2.5").to_whole(), None);
        assert_eq!(decimal("-1.50").to_string(), "-1.50");
    }

    proptest! {
        #[test]
        fn whole_numbers_survive(value in any::<i64>()) {
            prop_assert_eq!(python_int(&value.to_string()), Some(Whole::Fits(value.into())));
            prop_assert_eq!(decimal(&value.to_string()).scaled(38, 9), Some(i128::from(value) * 1_000_000_000));
        }

        #[test]
        fn nothing_panics(text in ".{0,20}", numeric in "[-+0-9_.eExX]{0,12}") {
            for text in [text, numeric] {
                let _ = (python_int(&text), float_of_text(&text));
                if let Some(DecimalText::Finite(decimal)) = python_decimal(&text) {
                    let _ = (decimal.scaled(38, 9), decimal.to_whole(), decimal.to_string());
                }
            }
        }
    }
}
