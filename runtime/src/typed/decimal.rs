//! Decimals whose digits are part of the type.

use std::fmt;
use std::str::FromStr;

use floe_schema::typed::{ColumnType, Shape};
use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Field, RowWriter};

/// An exact number with up to `P` digits, `S` of them behind the point. `P` is 38 at most, which is what
/// DuckDB and Postgres hold alike.
///
/// ```
/// use floe::Decimal;
/// let price: Decimal<12, 2> = "19.90".parse().unwrap();
/// assert_eq!(price.units(), 1990);
/// assert_eq!(price.to_string(), "19.90");
/// assert!("19.901".parse::<Decimal<12, 2>>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Decimal<const P: u16, const S: u16>(i128);

/// Why a text is no decimal of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecimalError(String);

impl fmt::Display for DecimalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DecimalError {}

impl<const P: u16, const S: u16> Decimal<P, S> {
    const TYPE: ColumnType = {
        assert!(P >= 1 && P <= 38, "a decimal has from 1 to 38 digits");
        assert!(S <= P, "a decimal cannot have more digits behind the point than digits");
        ColumnType::decimal(P, S)
    };

    /// The number of `units` of the last digit, unless it has too many digits.
    pub const fn from_units(units: i128) -> Option<Self> {
        // looking at the type checks the number of digits
        let _ = Self::TYPE;
        let limit = 10_i128.pow(P as u32);
        if units > -limit && units < limit { Some(Self(units)) } else { None }
    }

    /// How many units of the last digit it is.
    pub const fn units(self) -> i128 {
        self.0
    }
}

impl<const P: u16, const S: u16> FromStr for Decimal<P, S> {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let wrong =
            || DecimalError(format!("`{text}` is no decimal with {P} digits, {S} of them behind the point"));
        let (negative, digits) = match text.as_bytes().first() {
            Some(b'-') => (true, text.get(1..)),
            Some(b'+') => (false, text.get(1..)),
            _ => (false, Some(text)),
        };
        let (whole, fraction) = digits.map(|d| d.split_once('.').unwrap_or((d, ""))).ok_or_else(wrong)?;
        let kept = fraction.trim_end_matches('0');
        let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let is_number =
            !(whole.is_empty() && fraction.is_empty()) && all_digits(whole) && all_digits(fraction);
        if !is_number || kept.len() > S.into() {
            return Err(wrong());
        }
        let padding = std::iter::repeat_n(b'0', usize::from(S) - kept.len());
        let mut units = 0_i128;
        for digit in whole.bytes().chain(kept.bytes()).chain(padding) {
            let next = units.checked_mul(10).and_then(|u| u.checked_add((digit - b'0').into()));
            units = next.ok_or_else(wrong)?;
        }
        Self::from_units(if negative { -units } else { units }).ok_or_else(wrong)
    }
}

impl<const P: u16, const S: u16> fmt::Display for Decimal<P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let one = 10_u128.pow(S.into());
        let units = self.0.unsigned_abs();
        match S {
            0 => write!(f, "{sign}{units}"),
            _ => write!(f, "{sign}{}.{:0width$}", units / one, units % one, width = S.into()),
        }
    }
}

impl<const P: u16, const S: u16> Field for Decimal<P, S> {
    const SHAPE: Shape = Shape::column(Self::TYPE);

    fn write(&self, out: &mut RowWriter) {
        out.string(&self.to_string());
    }
}

/// As a text, because numbers in JSON are often read as floats.
impl<const P: u16, const S: u16> Serialize for Decimal<P, S> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        serializer.collect_str(self)
    }
}

/// From a text or a number.
impl<'de, const P: u16, const S: u16> Deserialize<'de> for Decimal<P, S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Digits<const P: u16, const S: u16>;
        impl<const P: u16, const S: u16> Visitor<'_> for Digits<P, S> {
            type Value = Decimal<P, S>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a decimal as text or number")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Self::Value, E> {
                self.visit_str(&value.to_string())
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Self::Value, E> {
                self.visit_str(&value.to_string())
            }

            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Self::Value, E> {
                // the shortest text of a float is what was written in JSON, as far as a float tells
                self.visit_str(&value.to_string())
            }
        }
        deserializer.deserialize_any(Digits::<P, S>).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_that_fit_are_read() {
        let read = |text: &str| text.parse::<Decimal<5, 2>>().map(|d| d.units()).ok();
        let cases =
            [("1", 100), ("-1.5", -150), ("+.25", 25), ("7.", 700), ("999.99", 99_999), ("0.100", 10)];
        for (text, units) in cases {
            assert_eq!(read(text), Some(units), "{text}");
        }
        for text in ["", "-", ".", "1000", "1.234", "1e2", "NaN", "1_0", "--1", "1.2.3", &"9".repeat(60)] {
            assert_eq!(read(text), None, "{text}");
        }
        let error = "x".parse::<Decimal<5, 2>>().unwrap_err();
        assert_eq!(error.to_string(), "`x` is no decimal with 5 digits, 2 of them behind the point");
    }

    #[test]
    fn numbers_in_json_are_read() {
        let read = |text: &str| serde_json::from_str::<Decimal<30, 2>>(text).map(|d| d.units()).ok();
        assert_eq!(read("1.1"), Some(110));
        assert_eq!(read("\"-2.50\""), Some(-250));
        assert_eq!(read("18446744073709551615"), Some(1_844_674_407_370_955_161_500));
        assert_eq!(read("true"), None);
    }

    proptest! {
        #[test]
        fn every_number_round_trips(units in -(10_i128.pow(38) - 1)..10_i128.pow(38)) {
            let decimal = Decimal::<38, 9>::from_units(units).unwrap();
            prop_assert_eq!(decimal.to_string().parse(), Ok(decimal));
        }
    }
}
