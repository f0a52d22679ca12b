//! What the types of the standard library, of chrono, uuid and rust_decimal become.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use floe_schema::DataType;
use floe_schema::typed::Shape;
use serde::Serialize;

use super::{Field, RowWriter};

/// Types that serde writes as floe reads them.
macro_rules! plain {
    ($($data_type:ident: $($type:ty),+;)+) => {$($(
        impl Field for $type {
            const SHAPE: Shape = Shape::of(DataType::$data_type);
            #[inline]
            fn write(&self, out: &mut RowWriter) {
                out.json(self);
            }
        }
    )+)+};
}

plain! {
    Bool: bool;
    Bigint: i8, i16, i32, i64, isize, u16, u32, u64, usize;
    Double: f32, f64;
    Text: String, str, char;
    Json: serde_json::Value, serde_json::Map<String, serde_json::Value>;
}

/// Wider than a number in JSON may be, so they are written as texts.
macro_rules! wide {
    ($($type:ty),+) => {$(
        impl Field for $type {
            const SHAPE: Shape = Shape::of(DataType::Wei);
            fn write(&self, out: &mut RowWriter) {
                out.string(&self.to_string());
            }
        }
    )+};
}

wide!(i128, u128);

/// A number by itself, but a list of them is bytes.
impl Field for u8 {
    const SHAPE: Shape = Shape::of(DataType::Bigint);
    const LIST: Shape = Shape::of(DataType::Binary);

    fn write(&self, out: &mut RowWriter) {
        out.json(self);
    }

    fn write_list(items: &[Self], out: &mut RowWriter) {
        let text = STANDARD.encode(items);
        if text.starts_with("0x") {
            // the engine would read this as hexadecimal digits, so these it gets
            let digits: String = items.iter().map(|byte| format!("{byte:02x}")).collect();
            return out.string(&format!("0x{digits}"));
        }
        out.out.push(b'"');
        out.raw(&text);
        out.out.push(b'"');
    }
}

impl<T: Field> Field for Option<T> {
    const SHAPE: Shape = T::SHAPE.optional();

    #[inline]
    fn write(&self, out: &mut RowWriter) {
        match self {
            Some(value) => value.write(out),
            None => out.raw("null"),
        }
    }

    fn write_fields(&self, out: &mut RowWriter) {
        if let Some(value) = self {
            value.write_fields(out);
        }
    }

    #[inline]
    fn is_absent(&self) -> bool {
        self.as_ref().is_none_or(T::is_absent)
    }
}

/// Types that are what is in them.
macro_rules! transparent {
    ($($type:ty),+) => {$(
        impl<T: Field + ?Sized> Field for $type {
            const SHAPE: Shape = T::SHAPE;
            #[inline]
            fn write(&self, out: &mut RowWriter) {
                (**self).write(out);
            }
            fn write_fields(&self, out: &mut RowWriter) {
                (**self).write_fields(out);
            }
            fn is_absent(&self) -> bool {
                (**self).is_absent()
            }
        }
    )+};
}

transparent!(&T, Box<T>, Rc<T>, Arc<T>);

impl<T: Field + ToOwned + ?Sized> Field for Cow<'_, T> {
    const SHAPE: Shape = T::SHAPE;

    fn write(&self, out: &mut RowWriter) {
        (**self).write(out);
    }
}

impl<T: Field> Field for [T] {
    const SHAPE: Shape = T::LIST;

    #[inline]
    fn write(&self, out: &mut RowWriter) {
        T::write_list(self, out);
    }
}

impl<T: Field> Field for Vec<T> {
    const SHAPE: Shape = T::LIST;

    #[inline]
    fn write(&self, out: &mut RowWriter) {
        T::write_list(self, out);
    }
}

impl<T: Field, const N: usize> Field for [T; N] {
    const SHAPE: Shape = T::LIST;

    fn write(&self, out: &mut RowWriter) {
        T::write_list(self, out);
    }
}

impl<T: Field> Field for BTreeSet<T> {
    const SHAPE: Shape = Shape::list(&T::SHAPE);

    fn write(&self, out: &mut RowWriter) {
        out.list(&self.iter().collect::<Vec<_>>());
    }
}

impl<T: Field, S> Field for HashSet<T, S> {
    const SHAPE: Shape = Shape::list(&T::SHAPE);

    fn write(&self, out: &mut RowWriter) {
        out.list(&self.iter().collect::<Vec<_>>());
    }
}

impl<K: Serialize, V: Serialize> Field for BTreeMap<K, V> {
    const SHAPE: Shape = Shape::of(DataType::Json);

    fn write(&self, out: &mut RowWriter) {
        out.json(self);
    }
}

impl<K: Serialize, V: Serialize, S> Field for HashMap<K, V, S> {
    const SHAPE: Shape = Shape::of(DataType::Json);

    fn write(&self, out: &mut RowWriter) {
        out.json(self);
    }
}

#[cfg(feature = "uuid")]
impl Field for uuid::Uuid {
    const SHAPE: Shape = Shape::of(DataType::Text);

    fn write(&self, out: &mut RowWriter) {
        out.string(self.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()));
    }
}

#[cfg(feature = "rust_decimal")]
impl Field for rust_decimal::Decimal {
    const SHAPE: Shape = Shape::of(DataType::Decimal);

    fn write(&self, out: &mut RowWriter) {
        out.string(&self.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text<T: Field>(value: T) -> String {
        RowWriter::text(&value).unwrap()
    }

    #[test]
    fn values_are_written_exactly() {
        assert_eq!(text(u64::MAX), "18446744073709551615");
        assert_eq!(text(i128::MIN), "\"-170141183460469231731687303715884105728\"");
        assert_eq!(text(0.1f32), "0.1");
        assert_eq!(text(f64::NAN), "null");
        assert_eq!(text("a\"\u{1}\u{2028}"), "\"a\\\"\\u0001\u{2028}\"");
        assert_eq!(text(vec![1u8, 2]), "\"AQI=\"");
        assert_eq!(text(vec![0xd3u8, 0x1d, 0xb4]), "\"0xd31db4\"");
        assert_eq!(text(vec![Some(1), None]), "[1,null]");
        assert_eq!(text(BTreeMap::from([(1, Some("x"))])), r#"{"1":"x"}"#);
        assert_eq!(text(Box::new(Cow::Borrowed("x"))), "\"x\"");
    }

    #[test]
    fn a_value_that_json_cannot_hold_is_an_error() {
        let error = RowWriter::text(&BTreeMap::from([(vec![1], 2)])).unwrap_err();
        assert_eq!(error.to_string(), "a row cannot be written: key must be a string");
    }

    #[test]
    fn lists_of_bytes_are_bytes() {
        let of = |shape: Shape| match shape {
            Shape::Column { of, .. } => Some(of.data_type),
            _ => None,
        };
        assert_eq!(of(<Vec<u8>>::SHAPE), Some(DataType::Binary));
        assert_eq!(of(<[u8; 4]>::SHAPE), Some(DataType::Binary));
        assert_eq!(of(<Vec<serde_json::Value>>::SHAPE), Some(DataType::Json));
        assert_eq!(of(<Vec<u16>>::SHAPE), None);
        assert!(<Option<i32>>::SHAPE.is_nullable());
    }
}
