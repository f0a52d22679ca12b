//! The eleven data types of a column.

use std::fmt;
use std::str::FromStr;

/// A name that is not part of a fixed vocabulary; the message lists what is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    /// What the name should have been, such as "data type".
    pub what: &'static str,
    /// The name that was given.
    pub name: String,
    /// The names that would have been accepted.
    pub known: Vec<&'static str>,
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown {} `{}`, expected one of {}", self.what, self.name, self.known.join(", "))
    }
}

impl std::error::Error for UnknownName {}

/// Gives an enum of unit variants its names in the schema document, both ways.
macro_rules! names {
    ($type:ident, $what:literal, { $($variant:ident => $name:literal),+ $(,)? }) => {
        impl $type {
            /// All values in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in the schema document.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }

        impl ::std::fmt::Display for $type {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::std::str::FromStr for $type {
            type Err = $crate::UnknownName;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                match name {
                    $($name => Ok(Self::$variant),)+
                    _ => Err($crate::UnknownName {
                        what: $what,
                        name: name.to_owned(),
                        known: vec![$($name),+],
                    }),
                }
            }
        }
    };
}
pub(crate) use names;

/// Type of a column, as the schema document names it.
///
/// ```
/// use floe_schema::DataType;
/// assert_eq!("timestamp".parse::<DataType>().unwrap(), DataType::Timestamp);
/// assert_eq!(DataType::Wei.to_string(), "wei");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DataType {
    /// UTF-8 text.
    Text,
    /// A whole number, 64 bits unless a precision says otherwise.
    Bigint,
    /// A binary floating point number of 64 bits.
    Double,
    /// True or false.
    Bool,
    /// A date with a time, in UTC unless the column has `timezone: false`.
    Timestamp,
    /// A calendar day.
    Date,
    /// A time of day without zone.
    Time,
    /// An exact number with precision and scale.
    Decimal,
    /// An exact number large enough for 256-bit integers where the destination allows.
    Wei,
    /// Bytes.
    Binary,
    /// A nested value that stays whole.
    Json,
}

names!(DataType, "data type", {
    Text => "text",
    Bigint => "bigint",
    Double => "double",
    Bool => "bool",
    Timestamp => "timestamp",
    Date => "date",
    Time => "time",
    Decimal => "decimal",
    Wei => "wei",
    Binary => "binary",
    Json => "json",
});

impl DataType {
    /// Reads a name from a document; `complex` is what older versions called `json`.
    pub fn from_document(name: &str) -> Result<Self, UnknownName> {
        if name == "complex" { Ok(Self::Json) } else { Self::from_str(name) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for data_type in DataType::ALL {
            assert_eq!(data_type.as_str().parse::<DataType>().unwrap(), *data_type);
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let text = "varchar".parse::<DataType>().unwrap_err().to_string();
        assert!(text.starts_with("unknown data type `varchar`, expected one of text, bigint"));
        assert_eq!(DataType::from_document("complex").unwrap(), DataType::Json);
    }
}
