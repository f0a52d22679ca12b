//! Version numbers and content hashes of schemas.

use serde_json::Value;

use crate::Schema;
use crate::hash::{canonical_json, sha3_base64};

/// How many former hashes a schema remembers.
pub const MAX_PREVIOUS_HASHES: usize = 10;

/// Properties that say something about the document, not about the schema.
const NOT_CONTENT: [&str; 4] = ["version", "version_hash", "imported_version_hash", "previous_hashes"];

impl Schema {
    /// The hash of the content, whatever `version_hash` says.
    pub fn content_hash(&self) -> String {
        let mut document = self.to_json();
        if let Value::Object(map) = &mut document {
            for key in NOT_CONTENT {
                map.shift_remove(key);
            }
        }
        let json = canonical_json(&document);
        let mut names: Vec<&str> = Vec::new();
        let mut tables: Vec<_> = self.tables.iter().collect();
        tables.sort_by_key(|(name, _)| *name);
        for (name, table) in tables {
            names.push(name);
            names.extend(table.columns.keys().map(String::as_str));
        }
        sha3_base64(std::iter::once(json.as_bytes()).chain(names.into_iter().map(str::as_bytes)))
    }

    /// Whether the content is another one than when version and hash were set.
    pub fn is_modified(&self) -> bool {
        self.version_hash.as_deref() != Some(self.content_hash().as_str())
    }

    /// Sets version and hash if the content changed. The first call gives version 1.
    pub fn bump_version(&mut self) -> bool {
        let hash = self.content_hash();
        match self.version_hash.take().filter(|hash| !hash.is_empty()) {
            None => self.version = Some(self.version.unwrap_or(1)),
            Some(previous) if previous == hash => {
                self.version_hash = Some(previous);
                return false;
            }
            Some(previous) => {
                self.version = Some(self.version.unwrap_or(0) + 1);
                self.remember_hash(previous);
            }
        }
        self.version_hash = Some(hash);
        true
    }

    /// Puts a hash in front of the former ones.
    pub fn remember_hash(&mut self, hash: String) {
        if !self.previous_hashes.contains(&hash) {
            self.previous_hashes.insert(0, hash);
            self.previous_hashes.truncate(MAX_PREVIOUS_HASHES);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(text: &str) -> Schema {
        Schema::from_json(serde_json::from_str(text).unwrap()).unwrap()
    }

    const EMPTY: &str = r#"{"version":1,"engine_version":11,"name":"t","tables":{},"settings":{},"normalizers":{"names":"snake_case"}}"#;
    const ITEMS: &str = r#"{"version":7,"engine_version":11,"name":"t","tables":{"items":{"name":"items","columns":{"id":{"name":"id","data_type":"bigint","nullable":false},"v":{"name":"v","data_type":"text","nullable":true}}}},"settings":{},"normalizers":{"names":"snake_case"},"previous_hashes":["x"]}"#;

    #[test]
    fn the_hash_is_that_of_dlt() {
        assert_eq!(schema(EMPTY).content_hash(), "qlU+cT6yQuDXfMVwwjY3JNwwRt8Vo898+v+X/e5HJEE=");
        let mut items = schema(ITEMS);
        assert_eq!(items.content_hash(), "CLAnlPo/Bt816zYZbTCOXAwsy3WU/p2QX9gfLDqaKF0=");
        items.tables["items"].columns.reverse();
        assert_eq!(items.content_hash(), "6M8qf07zRXqUIK0cZvOmek8Uhs3Y1ob16WntvWLYPL0=");
    }

    #[test]
    fn versions_count_changes_of_the_content() {
        let mut schema = schema(EMPTY);
        schema.version = None;
        assert!(schema.bump_version());
        assert_eq!((schema.version, schema.previous_hashes.len()), (Some(1), 0));
        assert!(!schema.bump_version());
        let first = schema.version_hash.clone().unwrap();
        for n in 0..12 {
            schema.tables.insert(format!("t{n}"), crate::Table::new(format!("t{n}")));
            assert!(schema.is_modified() && schema.bump_version() && !schema.is_modified());
        }
        assert_eq!(schema.version, Some(13));
        assert_eq!(schema.previous_hashes.len(), MAX_PREVIOUS_HASHES);
        assert!(!schema.previous_hashes.contains(&first));
    }
}
