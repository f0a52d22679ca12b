//! Rows as values of a type, by serde.
//!
//! A value is given in the way in which the type asks for it: bytes as bytes, as a list or as base64, spans of
//! time in the form that std and chrono have. Nulls are keys that are not there, as they are not there in JSON
//! that the type writes, so that defaults are taken.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::value::{MapDeserializer, SeqDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::cells::{Cell, Cells, decimal};
use super::plan::Node;

/// A row of a table with the rows of the lists in it.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) cells: Cells,
    pub(super) row: usize,
    /// Columns of keys in front.
    pub(super) keys: usize,
    pub(super) lists: Vec<Vec<Record>>,
}

/// What does not fit, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Misfit {
    /// Keys on the way to the value.
    pub(super) path: Vec<&'static str>,
    pub(super) message: String,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Misfit {}

impl serde::de::Error for Misfit {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { path: Vec::new(), message: message.to_string() }
    }
}

impl Misfit {
    fn below(mut self, key: &'static str) -> Self {
        self.path.insert(0, key);
        self
    }
}

impl Record {
    fn cell(&self, column: usize) -> Option<Cell<'_>> {
        self.cells.get(self.keys + column, self.row)
    }

    /// Whether nothing of a value is there.
    fn is_absent(&self, node: &Node) -> bool {
        match node {
            Node::Column { at, .. } => self.cell(*at).is_none(),
            Node::Row { fields, nullable } => *nullable && fields.iter().all(|(_, node)| self.is_empty(node)),
            Node::List { .. } => false,
            Node::Nothing => true,
        }
    }

    fn is_empty(&self, node: &Node) -> bool {
        match node {
            Node::List { list, .. } => self.lists.get(*list).is_none_or(Vec::is_empty),
            Node::Row { fields, .. } => fields.iter().all(|(_, node)| self.is_empty(node)),
            node => self.is_absent(node),
        }
    }
}

/// A value in a row.
#[derive(Clone, Copy)]
pub(super) struct Value<'r> {
    pub(super) node: &'r Node,
    pub(super) record: &'r Record,
}

impl<'r> Value<'r> {
    fn fields(self) -> Option<&'r [(&'static str, Node)]> {
        match self.node {
            Node::Row { fields, .. } => Some(fields),
            _ => None,
        }
    }

    fn items(self) -> Option<Items<'r>> {
        let Node::List { list, element } = self.node else { return None };
        Some(Items { element, records: self.record.lists.get(*list).map_or(&[], Vec::as_slice) })
    }

    fn cell(self) -> Option<Cell<'r>> {
        let Node::Column { at, .. } = self.node else { return None };
        self.record.cell(*at)
    }

    /// The text of a column of JSON.
    fn json(self) -> Option<&'r str> {
        match (self.node, self.cell()) {
            (Node::Column { json: true, .. }, Some(Cell::Text(text))) => Some(text),
            _ => None,
        }
    }
}

/// Lets serde_json answer for columns of JSON.
macro_rules! whole_json {
    ($self:ident, $($method:tt)+) => {
        if let Some(text) = $self.json() {
            let mut json = serde_json::Deserializer::from_str(text);
            return json.$($method)+.map_err(|e| serde::de::Error::custom(format!("in JSON: {e}")));
        }
    };
}

impl<'de> Deserializer<'de> for Value<'de> {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        whole_json!(self, deserialize_any(visitor));
        if let Some(fields) = self.fields() {
            return visitor.visit_map(Fields { record: self.record, fields: fields.iter(), next: None });
        }
        if let Some(items) = self.items() {
            return visitor.visit_seq(items);
        }
        match self.cell() {
            None => visitor.visit_unit(),
            Some(Cell::Bool(value)) => visitor.visit_bool(value),
            Some(Cell::Int(value)) => visitor.visit_i64(value),
            Some(Cell::Double(value)) => visitor.visit_f64(value),
            Some(Cell::Text(text)) => visitor.visit_borrowed_str(text),
            Some(Cell::Time(text)) => visitor.visit_string(text),
            Some(Cell::Decimal(units, scale)) => match i64::try_from(units) {
                Ok(units) if scale == 0 => visitor.visit_i64(units),
                _ => visitor.visit_string(decimal(units, scale)),
            },
            Some(Cell::Bytes(bytes)) => {
                visitor.visit_seq(SeqDeserializer::<_, Misfit>::new(bytes.iter().copied()))
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        // a list that is empty and one that is absent leave the same rows, which are none
        match self.record.is_absent(self.node) || self.items().is_some_and(|items| items.records.is_empty()) {
            true => visitor.visit_none(),
            false => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        whole_json!(self, deserialize_enum(name, variants, visitor));
        match self.cell() {
            Some(Cell::Text(text)) => visitor.visit_enum(StrDeserializer::<Misfit>::new(text)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.whole() {
            Some(number) => visitor.visit_i128(number),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.whole().map(u128::try_from) {
            Some(Ok(number)) => visitor.visit_u128(number),
            _ => match self.cell() {
                Some(Cell::Text(text)) if let Ok(number) = without_fraction(text).parse() => {
                    visitor.visit_u128(number)
                }
                _ => self.deserialize_any(visitor),
            },
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.cell() {
            Some(Cell::Bytes(bytes)) => visitor.visit_string(STANDARD.encode(bytes)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.cell() {
            Some(Cell::Bytes(bytes)) => visitor.visit_borrowed_bytes(bytes),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_bytes(visitor)
    }

    /// A span of time is whole microseconds; chrono has it as seconds and nanoseconds.
    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Misfit> {
        match self.cell() {
            Some(Cell::Int(micros)) if len == 2 => {
                let parts = [micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000) * 1000];
                visitor.visit_seq(SeqDeserializer::<_, Misfit>::new(parts.into_iter()))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    /// The same for the standard library.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        whole_json!(self, deserialize_struct(name, fields, visitor));
        match self.cell() {
            Some(Cell::Int(micros)) if name == "Duration" => {
                let parts =
                    [("secs", micros.div_euclid(1_000_000)), ("nanos", micros.rem_euclid(1_000_000) * 1000)];
                visitor.visit_map(MapDeserializer::<_, Misfit>::new(parts.into_iter()))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    /// Entries of a map are rows.
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.items() {
            Some(Items { element: Node::Row { fields, .. }, records })
                if let [key, value] = fields.as_slice() =>
            {
                visitor.visit_map(Entries {
                    key: &key.1,
                    value: &value.1,
                    records: records.iter(),
                    next: None,
                })
            }
            // nobody's list is an empty map as well
            Some(items) if items.records.is_empty() => visitor.visit_map(Entries {
                key: Node::NOTHING,
                value: Node::NOTHING,
                records: [].iter(),
                next: None,
            }),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char unit unit_struct seq tuple_struct identifier
    }
}

impl Value<'_> {
    /// A number without digits behind the point.
    fn whole(self) -> Option<i128> {
        match self.cell()? {
            Cell::Int(value) => Some(value.into()),
            Cell::Decimal(units, scale) => {
                let one = 10_i128.checked_pow(scale)?;
                (units % one == 0).then_some(units / one)
            }
            Cell::Text(text) => without_fraction(text).parse().ok(),
            _ => None,
        }
    }
}

/// Digits without a fraction that is zero.
fn without_fraction(text: &str) -> &str {
    match text.split_once('.') {
        Some((whole, part)) if part.bytes().all(|digit| digit == b'0') => whole,
        _ => text,
    }
}

/// The fields of a row that are not null.
struct Fields<'r> {
    record: &'r Record,
    fields: std::slice::Iter<'r, (&'static str, Node)>,
    next: Option<(&'static str, &'r Node)>,
}

impl<'de> MapAccess<'de> for Fields<'de> {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Misfit> {
        let record = self.record;
        let Some((key, node)) = self.fields.find(|(_, node)| !record.is_absent(node)) else {
            return Ok(None);
        };
        self.next = Some((key, node));
        let key: StrDeserializer<'_, Misfit> = (*key).into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Misfit> {
        let (key, node) = self.next.take().unwrap_or(("", Node::NOTHING));
        seed.deserialize(Value { node, record: self.record }).map_err(|e| e.below(key))
    }
}

/// The entries of a map, each of them a row with a key and a value.
struct Entries<'r> {
    key: &'r Node,
    value: &'r Node,
    records: std::slice::Iter<'r, Record>,
    next: Option<&'r Record>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Misfit> {
        self.next = self.records.next();
        let Some(record) = self.next else { return Ok(None) };
        seed.deserialize(Value { node: self.key, record }).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Misfit> {
        let record = self.next.ok_or_else(|| serde::de::Error::custom("a value without a key"))?;
        seed.deserialize(Value { node: self.value, record })
    }
}

/// The elements of a list.
struct Items<'r> {
    element: &'r Node,
    records: &'r [Record],
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Misfit;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Misfit> {
        let Some((record, rest)) = self.records.split_first() else { return Ok(None) };
        self.records = rest;
        seed.deserialize(Value { node: self.element, record }).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.records.len())
    }
}
