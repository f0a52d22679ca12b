//! The `normalizers` section: naming convention and what is propagated to nested rows.

use indexmap::IndexMap;
use serde_json::Value;

use crate::json::{Builder, DocumentError, Extra, Object};
use crate::{ID, ROOT_ID};

/// The module that dlt names for relational normalising.
pub const RELATIONAL: &str = "dlt.common.normalizers.json.relational";

/// The `normalizers` of the schema document.
#[derive(Debug, Clone, PartialEq)]
pub struct Normalizers {
    /// Naming convention.
    pub names: String,
    /// How items become rows.
    pub json: Option<JsonNormalizer>,
    /// Everything else.
    pub extra: Extra,
}

/// How items become rows.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonNormalizer {
    /// Python module of dlt.
    pub module: String,
    /// Absent until something is configured.
    pub config: Option<NormalizerConfig>,
    /// Everything else.
    pub extra: Extra,
}

/// Configuration of relational normalising.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NormalizerConfig {
    /// How deep nested values are taken apart.
    pub max_nesting: Option<i64>,
    /// Whether nested rows of all tables point to their root row.
    pub root_key_propagation: Option<bool>,
    /// Columns that nested rows take over.
    pub propagation: Option<Propagation>,
    /// Everything else.
    pub extra: Extra,
}

/// Columns that nested rows take over: name in the upper row to name in the nested row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Propagation {
    /// From every root row.
    pub root: Option<IndexMap<String, String>>,
    /// From the rows of single tables.
    pub tables: Option<IndexMap<String, IndexMap<String, String>>>,
    /// Everything else.
    pub extra: Extra,
}

impl Default for Normalizers {
    fn default() -> Self {
        let json = JsonNormalizer { module: RELATIONAL.to_owned(), config: None, extra: Vec::new() };
        Self { names: "snake_case".to_owned(), json: Some(json), extra: Vec::new() }
    }
}

impl Normalizers {
    /// The configuration, if there is one.
    pub fn config(&self) -> Option<&NormalizerConfig> {
        self.json.as_ref()?.config.as_ref()
    }

    /// The propagation, if there is one.
    pub fn propagation(&self) -> Option<&Propagation> {
        self.config()?.propagation.as_ref()
    }

    /// Makes nested rows below `root_table` point to their root row.
    pub fn propagate_root_key(&mut self, root_table: &str) {
        let json = self.json.get_or_insert_with(|| JsonNormalizer {
            module: RELATIONAL.to_owned(),
            config: None,
            extra: Vec::new(),
        });
        let config = json.config.get_or_insert_default();
        let tables = config.propagation.get_or_insert_default().tables.get_or_insert_default();
        let columns = tables.entry(root_table.to_owned()).or_default();
        columns.insert(ID.to_owned(), ROOT_ID.to_owned());
    }

    /// Forgets a dropped table.
    pub fn remove_table(&mut self, table: &str) {
        let tables = self
            .json
            .as_mut()
            .and_then(|json| json.config.as_mut())
            .and_then(|config| config.propagation.as_mut())
            .and_then(|propagation| propagation.tables.as_mut());
        if let Some(tables) = tables {
            tables.shift_remove(table);
        }
    }

    pub(crate) fn read(mut object: Object) -> Result<Self, DocumentError> {
        let names = object.text("names").unwrap_or_else(|| "snake_case".to_owned());
        let json = match object.object("json")? {
            None => None,
            Some(mut json) => {
                let module = json.text("module").unwrap_or_else(|| RELATIONAL.to_owned());
                let config = json.object("config")?.map(NormalizerConfig::read).transpose()?;
                Some(JsonNormalizer { module, config, extra: json.rest() })
            }
        };
        Ok(Self { names, json, extra: object.rest() })
    }

    pub(crate) fn to_json(&self) -> Value {
        let json = self.json.as_ref().map(|json| {
            Builder::default()
                .put("module", Some(json.module.as_str()))
                .put("config", json.config.as_ref().map(NormalizerConfig::to_json))
                .extra(&json.extra)
                .build()
        });
        Builder::default()
            .put("names", Some(self.names.as_str()))
            .put("json", json)
            .extra(&self.extra)
            .build()
    }
}

impl NormalizerConfig {
    fn read(mut object: Object) -> Result<Self, DocumentError> {
        Ok(Self {
            max_nesting: object.int("max_nesting"),
            root_key_propagation: object.bool("root_key_propagation"),
            propagation: object.object("propagation")?.map(Propagation::read).transpose()?,
            extra: object.rest(),
        })
    }

    fn to_json(&self) -> Value {
        Builder::default()
            .put("propagation", self.propagation.as_ref().map(Propagation::to_json))
            .put("max_nesting", self.max_nesting)
            .put("root_key_propagation", self.root_key_propagation)
            .extra(&self.extra)
            .build()
    }
}

impl Propagation {
    fn read(mut object: Object) -> Result<Self, DocumentError> {
        let names = |object: Object| -> Result<IndexMap<String, String>, DocumentError> {
            Ok(object.into_texts()?.into_iter().collect())
        };
        let root = object.object("root")?.map(names).transpose()?;
        let tables = match object.object("tables")? {
            None => None,
            Some(tables) => {
                let mut read = IndexMap::new();
                for (table, columns) in tables.into_objects()? {
                    read.insert(table, names(columns)?);
                }
                Some(read)
            }
        };
        Ok(Self { root, tables, extra: object.rest() })
    }

    fn to_json(&self) -> Value {
        let texts = |map: &IndexMap<String, String>| {
            Value::Object(map.iter().map(|(k, v)| (k.clone(), v.as_str().into())).collect())
        };
        let tables = self.tables.as_ref().map(|tables| {
            Value::Object(tables.iter().map(|(name, map)| (name.clone(), texts(map))).collect())
        });
        Builder::default()
            .put("root", self.root.as_ref().map(texts))
            .put("tables", tables)
            .extra(&self.extra)
            .build()
    }
}
