//! Rows as JSON text.

use serde::Serialize;

use super::Field;
use crate::error::{Error, Result};

/// Writes rows as JSON, one a line.
#[derive(Debug, Default)]
pub struct RowWriter {
    pub(super) out: Vec<u8>,
    problem: Option<String>,
}

impl RowWriter {
    /// The text of one value.
    ///
    /// ```
    /// use floe::RowWriter;
    /// assert_eq!(RowWriter::text(&vec![Some(1), None]).unwrap(), "[1,null]");
    /// ```
    pub fn text<T: Field>(value: &T) -> Result<String> {
        let mut writer = Self::default();
        value.write(&mut writer);
        let bytes = writer.take()?;
        String::from_utf8(bytes).map_err(|_| Error::internal("a row is no UTF-8"))
    }

    /// Adds a line with a row.
    pub(crate) fn line<T: Field>(&mut self, row: &T) {
        row.write(self);
        self.out.push(b'\n');
    }

    pub(crate) fn len(&self) -> usize {
        self.out.len()
    }

    /// What was written, unless something could not be.
    pub(crate) fn take(&mut self) -> Result<Vec<u8>> {
        match self.problem.take() {
            None => Ok(std::mem::take(&mut self.out)),
            Some(problem) => Err(Error::input(format!("a row cannot be written: {problem}"))),
        }
    }

    /// Writes a key, which comes with quotes and colon.
    #[inline]
    pub fn key(&mut self, key: &'static str) {
        if self.out.last() != Some(&b'{') {
            self.out.push(b',');
        }
        self.out.extend_from_slice(key.as_bytes());
    }

    /// Writes an object.
    #[inline]
    pub fn object(&mut self, fields: impl FnOnce(&mut Self)) {
        self.out.push(b'{');
        fields(self);
        self.out.push(b'}');
    }

    /// Writes a list.
    pub fn list<T: Field>(&mut self, items: &[T]) {
        self.out.push(b'[');
        for (n, item) in items.iter().enumerate() {
            if n > 0 {
                self.out.push(b',');
            }
            item.write(self);
        }
        self.out.push(b']');
    }

    /// Writes a text, with escapes where JSON wants them.
    #[inline]
    pub fn string(&mut self, text: &str) {
        self.json(text);
    }

    /// Writes what is JSON already.
    #[inline]
    pub fn raw(&mut self, json: &str) {
        self.out.extend_from_slice(json.as_bytes());
    }

    /// Writes what serde makes of a value.
    #[inline]
    pub fn json<T: Serialize + ?Sized>(&mut self, value: &T) {
        let start = self.out.len();
        if let Err(error) = serde_json::to_writer(&mut self.out, value) {
            self.out.truncate(start);
            self.raw("null");
            self.problem.get_or_insert(error.to_string());
        }
    }
}
