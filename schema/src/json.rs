//! Reading JSON objects without losing what is not known.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::UnknownName;

/// Properties that this crate gives no field of their own, kept as they came.
pub type Extra = Vec<(Cow<'static, str>, Value)>;

/// A schema document that cannot be read, with the place in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentError {
    /// JSON pointer to the offending value.
    pub pointer: String,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pointer = if self.pointer.is_empty() { "/" } else { &self.pointer };
        write!(f, "at {pointer}: {}", self.message)
    }
}

impl std::error::Error for DocumentError {}

/// A JSON object that is taken apart key by key, knowing its place in the document.
pub(crate) struct Object {
    pointer: String,
    map: Map<String, Value>,
}

impl Object {
    pub(crate) fn new(pointer: impl Into<String>, value: Value) -> Result<Self, DocumentError> {
        let pointer = pointer.into();
        match value {
            Value::Object(map) => Ok(Self { pointer, map }),
            other => Err(wrong_type(pointer, "an object", &other)),
        }
    }

    pub(crate) fn pointer_of(&self, key: &str) -> String {
        format!("{}/{}", self.pointer, key.replace('~', "~0").replace('/', "~1"))
    }

    pub(crate) fn error(&self, key: &str, message: impl fmt::Display) -> DocumentError {
        DocumentError { pointer: self.pointer_of(key), message: message.to_string() }
    }

    /// Takes a value out if `convert` accepts it; what it refuses stays and ends up in `rest`.
    fn take_if<T>(&mut self, key: &str, convert: impl FnOnce(&Value) -> Option<T>) -> Option<T> {
        let taken = convert(self.map.get(key)?)?;
        self.map.shift_remove(key);
        Some(taken)
    }

    pub(crate) fn bool(&mut self, key: &str) -> Option<bool> {
        self.take_if(key, Value::as_bool)
    }

    pub(crate) fn int(&mut self, key: &str) -> Option<i64> {
        self.take_if(key, Value::as_i64)
    }

    pub(crate) fn text(&mut self, key: &str) -> Option<String> {
        self.take_if(key, |v| v.as_str().map(str::to_owned))
    }

    /// A text of a fixed vocabulary. Null counts as absent but is kept.
    pub(crate) fn name<T: FromStr<Err = UnknownName>>(
        &mut self,
        key: &str,
    ) -> Result<Option<T>, DocumentError> {
        self.name_by(key, T::from_str)
    }

    pub(crate) fn name_by<T>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, UnknownName>,
    ) -> Result<Option<T>, DocumentError> {
        match self.map.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => {
                let parsed = parse(text).map_err(|e| self.error(key, e))?;
                self.map.shift_remove(key);
                Ok(Some(parsed))
            }
            Some(other) => Err(wrong_type(self.pointer_of(key), "a text", other)),
        }
    }

    /// An object, absent when missing or null.
    pub(crate) fn object(&mut self, key: &str) -> Result<Option<Object>, DocumentError> {
        match self.map.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(_) => {
                let pointer = self.pointer_of(key);
                let value = self.map.shift_remove(key).unwrap_or_default();
                Object::new(pointer, value).map(Some)
            }
        }
    }

    /// A list of texts, absent when missing or null.
    pub(crate) fn texts(&mut self, key: &str) -> Result<Option<Vec<String>>, DocumentError> {
        match self.map.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(items)) => {
                let texts = items
                    .iter()
                    .map(|v| v.as_str().map(str::to_owned))
                    .collect::<Option<Vec<_>>>()
                    .ok_or_else(|| self.error(key, "expected a list of texts"))?;
                self.map.shift_remove(key);
                Ok(Some(texts))
            }
            Some(other) => Err(wrong_type(self.pointer_of(key), "a list of texts", other)),
        }
    }

    pub(crate) fn value(&mut self, key: &str) -> Option<Value> {
        self.map.shift_remove(key)
    }

    /// The entries as objects of their own, in document order.
    pub(crate) fn into_objects(self) -> Result<Vec<(String, Object)>, DocumentError> {
        let pointer = self.pointer.clone();
        self.map
            .into_iter()
            .map(|(key, value)| {
                let at = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                Object::new(at, value).map(|object| (key, object))
            })
            .collect()
    }

    pub(crate) fn into_texts(self) -> Result<Vec<(String, String)>, DocumentError> {
        let pointer = self.pointer.clone();
        self.map
            .into_iter()
            .map(|(key, value)| match value {
                Value::String(text) => Ok((key, text)),
                other => Err(wrong_type(format!("{pointer}/{key}"), "a text", &other)),
            })
            .collect()
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.map.keys().cloned().collect()
    }

    /// What was not taken.
    pub(crate) fn rest(self) -> Extra {
        self.map.into_iter().map(|(k, v)| (Cow::Owned(k), v)).collect()
    }
}

pub(crate) fn wrong_type(pointer: String, expected: &str, found: &Value) -> DocumentError {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    DocumentError { pointer, message: format!("expected {expected}, found {found}") }
}

/// Builds a JSON object, leaving out what is absent.
#[derive(Default)]
pub(crate) struct Builder(Map<String, Value>);

impl Builder {
    pub(crate) fn put<T: Into<Value>>(&mut self, key: &str, value: Option<T>) -> &mut Self {
        if let Some(value) = value {
            self.0.insert(key.to_owned(), value.into());
        }
        self
    }

    pub(crate) fn extra(&mut self, extra: &Extra) -> &mut Self {
        for (key, value) in extra {
            self.0.insert(key.to_string(), value.clone());
        }
        self
    }

    pub(crate) fn build(&mut self) -> Value {
        Value::Object(std::mem::take(&mut self.0))
    }
}

/// Value of an extra property.
pub(crate) fn extra_get<'a>(extra: &'a Extra, key: &str) -> Option<&'a Value> {
    extra.iter().find(|(k, _)| k == key).map(|(_, v)| v)
}

/// Sets an extra property, keeping its place if it exists.
pub(crate) fn extra_set(extra: &mut Extra, key: &str, value: Value) {
    match extra.iter_mut().find(|(k, _)| k == key) {
        Some((_, slot)) => *slot = value,
        None => extra.push((Cow::Owned(key.to_owned()), value)),
    }
}

pub(crate) fn extra_remove(extra: &mut Extra, key: &str) -> Option<Value> {
    let at = extra.iter().position(|(k, _)| k == key)?;
    Some(extra.remove(at).1)
}
