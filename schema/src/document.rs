//! The schema document.

use indexmap::IndexMap;
use serde_json::Value;

use crate::json::{Builder, DocumentError, Extra, Object};
use crate::system::{LOADS_TABLE, VERSION_TABLE, loads_table, version_table};
use crate::{
    Contract, Hint, MergeStrategy, Naming, Normalizers, ResolvedContract, Settings, Table, WriteDisposition,
    x,
};

/// The version of the document format that is written.
pub const ENGINE_VERSION: i64 = 11;
/// The oldest version of the document format that is read.
const OLDEST_ENGINE_VERSION: i64 = 9;
/// Longest name of a schema.
const MAX_NAME_LENGTH: usize = 64;

/// The schema of a pipeline: all tables with what is known about them.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    /// Name of the schema.
    pub name: String,
    /// Counts changes of the content. Absent until the schema is stored.
    pub version: Option<i64>,
    /// Hash of the content when the version was set.
    pub version_hash: Option<String>,
    /// Former hashes, newest first.
    pub previous_hashes: Vec<String>,
    /// Hash of the schema file that was imported last.
    pub imported_version_hash: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Tables by name.
    pub tables: IndexMap<String, Table>,
    /// Detections, hints by name, contract.
    pub settings: Settings,
    /// Naming and propagation.
    pub normalizers: Normalizers,
    /// Everything else.
    pub extra: Extra,
}

impl Schema {
    /// A schema with only the bookkeeping tables.
    pub fn new(name: impl Into<String>) -> Self {
        let mut schema = Self {
            name: name.into(),
            version: None,
            version_hash: None,
            previous_hashes: Vec::new(),
            imported_version_hash: None,
            description: None,
            tables: IndexMap::new(),
            settings: Settings::standard(),
            normalizers: Normalizers::default(),
            extra: Vec::new(),
        };
        schema.add_bookkeeping_tables();
        schema
    }

    /// Adds the tables that every stored schema has, where they are missing.
    pub fn add_bookkeeping_tables(&mut self) {
        self.tables.entry(VERSION_TABLE.to_owned()).or_insert_with(version_table);
        self.tables.entry(LOADS_TABLE.to_owned()).or_insert_with(loads_table);
    }

    /// The naming convention for a destination with names of `max_length` characters.
    pub fn naming(&self, max_length: usize) -> Naming {
        Naming::with_max_length(max_length)
    }

    /// Follows parents up to the root table.
    pub fn root_of(&self, table: &str) -> Option<&Table> {
        let mut current = self.tables.get(table)?;
        // a document from outside may have a cycle
        for _ in 0..self.tables.len() {
            match current.parent.as_deref().filter(|p| !p.is_empty()) {
                None => return Some(current),
                Some(parent) => current = self.tables.get(parent)?,
            }
        }
        None
    }

    /// A table and all below it, parents before their children.
    pub fn chain(&self, table: &str) -> Vec<&Table> {
        let mut chain = Vec::new();
        if let Some(root) = self.tables.get(table) {
            self.extend_chain(root, &mut chain);
        }
        chain
    }

    fn extend_chain<'a>(&'a self, table: &'a Table, chain: &mut Vec<&'a Table>) {
        if chain.iter().any(|known| known.name == table.name) {
            return;
        }
        chain.push(table);
        for child in self.tables.values() {
            if child.parent.as_deref() == Some(table.name.as_str()) {
                self.extend_chain(child, chain);
            }
        }
    }

    /// The disposition of a table, which nested tables have from their root.
    pub fn write_disposition(&self, table: &str) -> WriteDisposition {
        let own = |table: &Table| table.write_disposition;
        self.tables
            .get(table)
            .and_then(own)
            .or_else(|| self.root_of(table).and_then(own))
            .unwrap_or(WriteDisposition::Append)
    }

    /// A property of a table, or of the nearest table above that has it.
    fn inherited<'a>(&'a self, table: &str, property: &str) -> Option<&'a Value> {
        let mut current = self.tables.get(table)?;
        for _ in 0..self.tables.len() {
            if let Some(value) = current.x(property) {
                return Some(value);
            }
            current = self.tables.get(current.parent.as_deref()?)?;
        }
        None
    }

    /// How a table is merged; `None` if it is not merged at all.
    pub fn merge_strategy(&self, table: &str) -> Option<MergeStrategy> {
        if self.write_disposition(table) != WriteDisposition::Merge {
            return None;
        }
        let given = self.inherited(table, x::MERGE_STRATEGY).and_then(Value::as_str);
        given.and_then(|name| name.parse().ok()).or(Some(MergeStrategy::DeleteInsert))
    }

    /// The contract of a table: its own, that of the nearest table above, or that of the settings.
    pub fn contract_for(&self, table: &str) -> ResolvedContract {
        if crate::is_internal(table) {
            return ResolvedContract::EVOLVE;
        }
        let mut current = self.tables.get(table);
        for _ in 0..self.tables.len() {
            let Some(found) = current else { break };
            if let Some(contract) = &found.schema_contract {
                return contract.resolve();
            }
            current = found.parent.as_deref().and_then(|parent| self.tables.get(parent));
        }
        let general = self.settings.schema_contract.as_ref();
        general.map_or(ResolvedContract::EVOLVE, Contract::resolve)
    }

    /// Makes nested rows point to their root row where a merge needs that. Called whenever a
    /// table was added or changed.
    pub fn extend_propagation(&mut self, table: &str) {
        let Some(root) = self.root_of(table).map(|root| root.name.clone()) else { return };
        let merges = match self.normalizers.config().and_then(|c| c.root_key_propagation) {
            _ if crate::is_internal(&root) => false,
            Some(always) => always,
            None => self.merge_strategy(&root).is_some_and(|s| s != MergeStrategy::Scd2),
        };
        let has_root_key = |table: &&Table| table.with_hint(Hint::RootKey).next().is_some();
        if merges || self.chain(&root).iter().any(has_root_key) {
            self.normalizers.propagate_root_key(&root);
        }
    }

    /// Reads a document and brings older formats up to date.
    ///
    /// ```
    /// # use floe_schema::Schema;
    /// let error = Schema::from_json(serde_json::json!({"name": "s", "tables": []})).unwrap_err();
    /// assert_eq!(error.to_string(), "at /tables: expected an object, found a list");
    /// ```
    pub fn from_json(document: Value) -> Result<Self, DocumentError> {
        let mut object = Object::new("", document)?;
        let name =
            object.text("name").ok_or_else(|| object.error("name", "a schema document needs a name"))?;
        let engine = object.int("engine_version").unwrap_or(ENGINE_VERSION);
        if !(OLDEST_ENGINE_VERSION..=ENGINE_VERSION).contains(&engine) {
            return Err(object.error(
                "engine_version",
                format!(
                    "version {engine} of the document format is not supported, only \
                     {OLDEST_ENGINE_VERSION} to {ENGINE_VERSION}; let dlt 1.x store the schema once"
                ),
            ));
        }
        let mut schema = Self::new(name);
        schema.version = object.int("version");
        schema.version_hash = object.text("version_hash");
        schema.previous_hashes = object.texts("previous_hashes")?.unwrap_or_default();
        schema.imported_version_hash = object.text("imported_version_hash");
        schema.description = object.text("description");
        schema.tables = IndexMap::new();
        if let Some(tables) = object.object("tables")? {
            for (name, table) in tables.into_objects()? {
                schema.tables.insert(name.clone(), Table::read(&name, table)?);
            }
        }
        schema.settings = match object.object("settings")? {
            None => Settings::default(),
            Some(settings) => Settings::read(settings)?,
        };
        schema.normalizers = match object.object("normalizers")? {
            None => Normalizers::default(),
            Some(normalizers) => Normalizers::read(normalizers)?,
        };
        schema.extra = object.rest();
        schema.check_parents()?;
        schema.migrate(engine);
        Ok(schema)
    }

    fn check_parents(&self) -> Result<(), DocumentError> {
        for (name, table) in &self.tables {
            let parent = table.parent.as_deref().filter(|p| !p.is_empty());
            let message = match parent {
                Some(parent) if !self.tables.contains_key(parent) => {
                    format!("the parent table `{parent}` is not in the schema")
                }
                Some(_) if self.root_of(name).is_none() => "its parents form a circle".to_owned(),
                _ => continue,
            };
            return Err(DocumentError { pointer: format!("/tables/{name}/parent"), message });
        }
        Ok(())
    }

    /// What dlt does to documents of the formats 9 and 10.
    fn migrate(&mut self, engine: i64) {
        if engine == 9 {
            self.migrate_keys();
        }
        if engine < 11 {
            let key = "use_break_path_on_normalize";
            crate::json::extra_set(&mut self.normalizers.extra, key, Value::Bool(false));
        }
        for table in self.tables.values_mut() {
            table.columns.retain(|_, column| !column.forget_seen_null_first());
        }
    }

    /// Keys of system columns were expressed by `unique` and `foreign_key`.
    fn migrate_keys(&mut self) {
        use crate::json::extra_remove;
        use crate::{ID, PARENT_ID};
        for table in self.tables.values_mut() {
            if let Some(id) = table.columns.get_mut(ID) {
                id.set_hint(Hint::RowKey, Some(id.has(Hint::Unique)));
            }
            for (name, column) in &mut table.columns {
                let foreign = extra_remove(&mut column.extra, "foreign_key");
                if name == PARENT_ID {
                    column.set_hint(Hint::ParentKey, Some(foreign == Some(Value::Bool(true))));
                }
            }
        }
        if let Some(hints) = &mut self.settings.default_hints {
            hints.shift_remove("foreign_key");
            hints.insert("row_key".to_owned(), vec![ID.to_owned()]);
            hints.insert("parent_key".to_owned(), vec![PARENT_ID.to_owned()]);
        }
    }

    /// Fills in what a document may leave out, as dlt does when it reads one.
    pub fn apply_defaults(&mut self) {
        for (name, table) in &mut self.tables {
            if !table.is_nested() {
                table.write_disposition.get_or_insert(WriteDisposition::Append);
                table.resource.get_or_insert_with(|| name.clone());
            }
        }
    }

    /// Reads a document from JSON text.
    pub fn from_json_text(text: &str) -> Result<Self, DocumentError> {
        let document = serde_json::from_str(text)
            .map_err(|e| DocumentError { pointer: String::new(), message: e.to_string() })?;
        Self::from_json(document)
    }

    /// The document.
    pub fn to_json(&self) -> Value {
        let tables: serde_json::Map<String, Value> =
            self.tables.iter().map(|(name, table)| (name.clone(), table.to_json())).collect();
        Builder::default()
            .put("version", self.version)
            .put("version_hash", self.version_hash.as_deref())
            .put("engine_version", Some(ENGINE_VERSION))
            .put("name", Some(self.name.as_str()))
            .put("tables", Some(Value::Object(tables)))
            .put("settings", Some(self.settings.to_json()))
            .put("normalizers", Some(self.normalizers.to_json()))
            .put("previous_hashes", Some(self.previous_hashes.clone()))
            .put("imported_version_hash", self.imported_version_hash.as_deref())
            .put("description", self.description.as_deref())
            .extra(&self.extra)
            .build()
    }
}

/// The name of the schema that a pipeline of this name has.
///
/// ```
/// assert_eq!(floe_schema::schema_name("github_pipeline"), "github");
/// ```
pub fn schema_name(pipeline: &str) -> String {
    let stem = pipeline.strip_suffix("_pipeline").filter(|s| !s.is_empty()).unwrap_or(pipeline);
    Naming::with_max_length(MAX_NAME_LENGTH).identifier(stem).unwrap_or_else(|| "_".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn documents_are_not_changed_by_reading() {
        let document = json!({
            "version": 3, "version_hash": "h", "engine_version": 11, "name": "s",
            "tables": {"t": {"name": "t", "columns": {"z": {"name": "z", "data_type": "text"}, "a": {"name": "a"}}, "x-own": [1]}},
            "settings": {"detections": ["iso_date"], "preferred_types": {"re:^zip": "text"}, "schema_contract": "freeze", "own": 1},
            "normalizers": {"names": "snake_case", "json": {"module": "m", "config": {"propagation": {"root": {"a": "b"}, "tables": {"t": {"_dlt_id": "_dlt_root_id"}}}, "max_nesting": 2}}, "own": true},
            "previous_hashes": ["x"], "imported_version_hash": "i", "description": "d", "own": {},
        });
        assert_eq!(Schema::from_json(document.clone()).unwrap().to_json(), document);
    }

    #[test]
    fn parents_must_exist_and_end() {
        let error =
            |tables| Schema::from_json(json!({"name": "s", "tables": tables})).unwrap_err().to_string();
        assert_eq!(
            error(json!({"a": {"parent": "b"}})),
            "at /tables/a/parent: the parent table `b` is not in the schema"
        );
        assert_eq!(
            error(json!({"a": {"parent": "b"}, "b": {"parent": "a"}})),
            "at /tables/a/parent: its parents form a circle"
        );
    }

    #[test]
    fn older_formats_are_brought_up_to_date() {
        let document = json!({"name": "s", "engine_version": 9, "tables": {"t__l": {"parent": "t", "columns": {
            "_dlt_parent_id": {"data_type": "text", "foreign_key": true}, "c": {"data_type": "complex"},
            "n": {"x-normalizer": {"seen-null-first": true}}}}, "t": {"columns": {"_dlt_id": {"data_type": "text", "unique": true}}}}});
        let schema = Schema::from_json(document).unwrap();
        assert!(schema.tables["t"].columns["_dlt_id"].has(crate::Hint::RowKey));
        assert!(schema.tables["t__l"].columns["_dlt_parent_id"].has(crate::Hint::ParentKey));
        assert_eq!(schema.tables["t__l"].columns.len(), 2);
        assert_eq!(schema.to_json()["engine_version"], json!(11));
        let error = Schema::from_json(json!({"name": "s", "engine_version": 4})).unwrap_err();
        assert!(error.to_string().contains("version 4 of the document format is not supported"));
    }

    #[test]
    fn chains_start_at_the_root() {
        let mut schema = Schema::new("s");
        for (name, parent) in [("a__b__c", Some("a__b")), ("a__b", Some("a")), ("a", None)] {
            let table = parent.map_or_else(|| Table::new(name), |p| Table::nested(name, p));
            schema.tables.insert(name.to_owned(), table);
        }
        schema.tables["a"].write_disposition = Some(WriteDisposition::Merge);
        let names: Vec<_> = schema.chain("a").iter().map(|t| t.name.as_str()).collect();
        assert_eq!(names, ["a", "a__b", "a__b__c"]);
        assert_eq!(schema.write_disposition("a__b__c"), WriteDisposition::Merge);
        assert_eq!(schema.root_of("a__b__c").unwrap().name, "a");
    }

    #[test]
    fn merges_make_nested_rows_point_to_their_root() {
        let mut schema = Schema::new("s");
        schema.tables.insert("a".to_owned(), Table::new("a"));
        schema.tables.insert("a__b".to_owned(), Table::nested("a__b", "a"));
        schema.extend_propagation("a__b");
        assert_eq!(schema.normalizers.config(), None);
        schema.tables["a"].write_disposition = Some(WriteDisposition::Merge);
        assert_eq!(schema.merge_strategy("a__b"), Some(MergeStrategy::DeleteInsert));
        schema.tables["a"].set_x(x::MERGE_STRATEGY, json!("scd2"));
        schema.extend_propagation("a__b");
        assert_eq!(schema.normalizers.config(), None);
        schema.tables["a"].set_x(x::MERGE_STRATEGY, json!("upsert"));
        schema.extend_propagation("a__b");
        let tables = schema.normalizers.propagation().and_then(|p| p.tables.clone()).unwrap();
        assert_eq!(tables["a"]["_dlt_id"], "_dlt_root_id");
        schema.normalizers.remove_table("a");
        assert!(schema.normalizers.propagation().unwrap().tables.as_ref().unwrap().is_empty());
    }

    #[test]
    fn names_of_schemas() {
        for (pipeline, name) in [("conf", "conf"), ("My Pipe", "my_pipe"), ("_pipeline", "_pipeline")] {
            assert_eq!(schema_name(pipeline), name);
        }
    }
}
