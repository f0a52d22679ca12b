//! Settings of a schema: how types are detected, which hints columns get by their name.

use indexmap::IndexMap;
use serde_json::Value;

use crate::json::{Builder, DocumentError, Extra, Object};
use crate::{Contract, DataType, ID, LIST_IDX, LOAD_ID, PARENT_ID, ROOT_ID};

/// The hints that every schema gives its own columns, in dlt's order.
const STANDARD_HINTS: [(&str, &[&str]); 5] = [
    ("not_null", &[ID, ROOT_ID, PARENT_ID, LIST_IDX, LOAD_ID]),
    ("parent_key", &[PARENT_ID]),
    ("root_key", &[ROOT_ID]),
    ("unique", &[ID]),
    ("row_key", &[ID]),
];

/// The `settings` of the schema document.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings {
    /// Names of the detections that are tried on texts and numbers, in order.
    pub detections: Option<Vec<String>>,
    /// Hint to patterns of column names. `re:` introduces a regular expression.
    pub default_hints: Option<IndexMap<String, Vec<String>>>,
    /// Pattern of column names to type; the first match counts.
    pub preferred_types: Option<IndexMap<String, DataType>>,
    /// Contract of tables without one of their own.
    pub schema_contract: Option<Contract>,
    /// Everything else.
    pub extra: Extra,
}

impl Settings {
    /// What a fresh schema has.
    pub fn standard() -> Self {
        let mut settings = Self { detections: Some(vec!["iso_timestamp".to_owned()]), ..Self::default() };
        settings.add_standard_hints();
        settings
    }

    /// Adds the hints for the columns that normalising adds, where they are missing.
    pub fn add_standard_hints(&mut self) {
        let hints = self.default_hints.get_or_insert_default();
        for (hint, columns) in STANDARD_HINTS {
            let patterns = hints.entry(hint.to_owned()).or_default();
            for column in columns {
                let exact = format!("re:^{column}$");
                if !patterns.iter().any(|p| p == column || *p == exact) {
                    patterns.push((*column).to_owned());
                }
            }
        }
    }

    pub(crate) fn read(mut object: Object) -> Result<Self, DocumentError> {
        let default_hints = match object.object("default_hints")? {
            None => None,
            Some(mut hints) => {
                let mut read = IndexMap::new();
                for hint in hints.keys() {
                    let patterns = hints.texts(&hint)?.unwrap_or_default();
                    read.insert(hint, patterns);
                }
                Some(read)
            }
        };
        let preferred_types = match object.object("preferred_types")? {
            None => None,
            Some(types) => {
                let mut read = IndexMap::new();
                for (pattern, name) in types.into_texts()? {
                    let data_type =
                        DataType::from_document(&name).map_err(|e| object.error("preferred_types", e))?;
                    read.insert(pattern, data_type);
                }
                Some(read)
            }
        };
        let schema_contract = Contract::read_stored(&mut object)?;
        Ok(Self {
            detections: object.texts("detections")?,
            default_hints,
            preferred_types,
            schema_contract,
            extra: object.rest(),
        })
    }

    pub(crate) fn to_json(&self) -> Value {
        let hints = self.default_hints.as_ref().map(|hints| {
            Value::Object(hints.iter().map(|(k, v)| (k.clone(), Value::from(v.clone()))).collect())
        });
        let types = self
            .preferred_types
            .as_ref()
            .map(|types| Value::Object(types.iter().map(|(k, v)| (k.clone(), v.as_str().into())).collect()));
        let mut builder = Builder::default();
        builder
            .put("detections", self.detections.clone())
            .put("default_hints", hints)
            .put("preferred_types", types);
        Contract::put_stored(self.schema_contract.as_ref(), &mut builder).extra(&self.extra).build()
    }
}
