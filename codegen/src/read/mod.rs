//! Reading documents: one file, a folder, several files that refer to each other.

mod files;
mod limits;
mod pointer;
mod text;

pub use files::Document;
pub use limits::Limits;
pub(crate) use pointer::escape;
pub(crate) use text::parse;

use serde_json::Value;

/// A value of a document and the file that it is in, to which references are relative.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node<'d> {
    pub(crate) value: &'d Value,
    pub(crate) file: usize,
}

/// Which value it is. Values do not move while a document is borrowed.
pub(crate) type Identity = usize;

impl<'d> Node<'d> {
    pub(crate) fn identity(self) -> Identity {
        std::ptr::from_ref(self.value).addr()
    }

    pub(crate) fn with(self, value: &'d Value) -> Self {
        Self { value, file: self.file }
    }

    pub(crate) fn get(self, key: &str) -> Option<Self> {
        self.value.get(key).map(|v| self.with(v))
    }

    /// The text under a key, if it is text and not blank.
    pub(crate) fn text(self, key: &str) -> Option<&'d str> {
        self.value.get(key)?.as_str().map(str::trim).filter(|t| !t.is_empty())
    }

    pub(crate) fn flag(self, key: &str) -> bool {
        match self.value.get(key) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => text == "true",
            _ => false,
        }
    }

    /// Name and value of each member; nothing if it is no object.
    pub(crate) fn members(self) -> impl Iterator<Item = (&'d str, Self)> {
        self.value.as_object().into_iter().flatten().map(move |(k, v)| (k.as_str(), self.with(v)))
    }

    /// The items; nothing if it is no list.
    pub(crate) fn items(self) -> impl Iterator<Item = Self> {
        self.value.as_array().into_iter().flatten().map(move |v| self.with(v))
    }
}
