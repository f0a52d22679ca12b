//! Documents with the places of their values.

use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;
use serde_saphyr::Spanned;

use crate::error::{Error, Place, Result};

/// A value and where its parts are.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) value: Json,
    file: String,
    /// Line and column by JSON pointer.
    places: HashMap<String, (u64, u64)>,
}

enum Tree {
    Scalar(Json),
    List(Vec<Spanned<Tree>>),
    Object(Vec<(Spanned<String>, Spanned<Tree>)>),
}

impl Placed {
    /// Reads YAML, of which JSON is a part.
    pub(super) fn read(text: &str, file: &str) -> Result<Self> {
        let tree: Spanned<Tree> = serde_saphyr::from_str(text).map_err(|error| {
            let at = error.location().map(|at| (at.line(), at.column()));
            let whole = error.to_string();
            let first = whole.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
            let first = first.trim_start_matches("error:").trim();
            Error::config(format!("the document cannot be read: {first}")).at(Place {
                file: Some(file.to_owned()),
                line: at.map(|(line, _)| line),
                column: at.map(|(_, column)| column),
                ..Place::default()
            })
        })?;
        let mut placed = Self { value: Json::Null, file: file.to_owned(), places: HashMap::new() };
        placed.value = placed.take(tree, String::new());
        Ok(placed)
    }

    fn take(&mut self, tree: Spanned<Tree>, pointer: String) -> Json {
        let at = (tree.referenced.line(), tree.referenced.column());
        self.places.entry(pointer.clone()).or_insert(at);
        match tree.value {
            Tree::Scalar(value) => value,
            Tree::List(list) => {
                let items = list.into_iter().enumerate();
                items.map(|(n, item)| self.take(item, format!("{pointer}/{n}"))).collect()
            }
            Tree::Object(entries) => {
                let mut map = serde_json::Map::new();
                for (key, value) in entries {
                    let pointer = format!("{pointer}/{}", escaped(&key.value));
                    self.places.insert(pointer.clone(), (key.referenced.line(), key.referenced.column()));
                    let value = self.take(value, pointer);
                    map.insert(key.value, value);
                }
                Json::Object(map)
            }
        }
    }

    /// An error with its place in the document.
    pub(super) fn place(&self, error: Error, pointer: &str) -> Error {
        let mut known = pointer;
        let at = loop {
            match (self.places.get(known), known.rsplit_once('/')) {
                (Some(at), _) => break Some(*at),
                (None, Some((above, _))) => known = above,
                (None, None) => break None,
            }
        };
        error.at(Place {
            file: Some(self.file.clone()),
            line: at.map(|(line, _)| line),
            column: at.map(|(_, column)| column),
            pointer: Some(pointer.to_owned()),
            ..Place::default()
        })
    }
}

/// A key as a part of a JSON pointer.
pub(super) fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Tree;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_bool<E>(self, value: bool) -> std::result::Result<Tree, E> {
                Ok(Tree::Scalar(value.into()))
            }

            fn visit_i64<E>(self, value: i64) -> std::result::Result<Tree, E> {
                Ok(Tree::Scalar(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> std::result::Result<Tree, E> {
                Ok(Tree::Scalar(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> std::result::Result<Tree, E> {
                Ok(Tree::Scalar(value.into()))
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Tree, E> {
                Ok(Tree::Scalar(value.into()))
            }

            fn visit_unit<E>(self) -> std::result::Result<Tree, E> {
                Ok(Tree::Scalar(Json::Null))
            }

            fn visit_none<E>(self) -> std::result::Result<Tree, E> {
                Ok(Tree::Scalar(Json::Null))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Tree, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    items.push(item);
                }
                Ok(Tree::List(items))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Tree, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Tree::Object(entries))
            }
        }

        deserializer.deserialize_any(Reader)
    }
}
