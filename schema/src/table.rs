//! Tables, root and nested.

use indexmap::IndexMap;
use serde_json::Value;

use crate::data_type::names;
use crate::json::{Builder, DocumentError, Extra, Object, extra_get, extra_remove, extra_set};
use crate::{Column, Contract, Hint, SortOrder};

/// What a run does with the rows that a table already has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WriteDisposition {
    /// Not written by runs, as the bookkeeping tables.
    Skip,
    /// New rows are added.
    Append,
    /// New rows take the place of all rows.
    Replace,
    /// New rows take the place of rows with the same key.
    Merge,
}

names!(WriteDisposition, "write disposition", {
    Skip => "skip",
    Append => "append",
    Replace => "replace",
    Merge => "merge",
});

/// How rows of a merge meet the rows that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MergeStrategy {
    /// Rows with equal keys are deleted, then all new rows are inserted.
    DeleteInsert,
    /// Former versions of a row are kept with the time of their validity.
    Scd2,
    /// Rows with equal keys are updated, others inserted.
    Upsert,
    /// Only rows with new keys are inserted.
    InsertOnly,
    /// As upsert, and rows that did not come are deleted.
    Cdc,
}

names!(MergeStrategy, "merge strategy", {
    DeleteInsert => "delete-insert",
    Scd2 => "scd2",
    Upsert => "upsert",
    InsertOnly => "insert-only",
    Cdc => "cdc",
});

/// What normalising remembers about a table (`x-normalizer`).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Processing {
    /// The table received rows.
    pub seen_data: Option<bool>,
    /// How deep nested values are taken apart.
    pub max_nesting: Option<i64>,
    /// New columns are allowed until the first package is normalised.
    pub evolve_columns_once: Option<bool>,
    /// Everything else.
    pub extra: Extra,
}

impl Processing {
    fn read(mut object: Object) -> Self {
        Self {
            seen_data: object.bool("seen-data"),
            max_nesting: object.int("max_nesting"),
            evolve_columns_once: object.bool("evolve-columns-once"),
            extra: object.rest(),
        }
    }

    fn to_json(&self) -> Value {
        Builder::default()
            .put("max_nesting", self.max_nesting)
            .put("evolve-columns-once", self.evolve_columns_once)
            .put("seen-data", self.seen_data)
            .extra(&self.extra)
            .build()
    }
}

/// A table as the schema document describes it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// Normalised name.
    pub name: String,
    /// Columns by name, in the order in which the destination has them.
    pub columns: IndexMap<String, Column>,
    /// The table whose rows this one's rows belong to. Absent for root tables.
    pub parent: Option<String>,
    /// The resource that fills it. Absent for nested tables.
    pub resource: Option<String>,
    /// Absent for nested tables, which follow their root.
    pub write_disposition: Option<WriteDisposition>,
    /// Contract of this table and those below it.
    pub schema_contract: Option<Contract>,
    /// For people.
    pub description: Option<String>,
    /// Format of load files, where a resource asks for one.
    pub file_format: Option<String>,
    /// What normalising remembers.
    pub processing: Option<Processing>,
    /// Everything else, such as `references`, `filters` and `x-` hints.
    pub extra: Extra,
}

impl Table {
    /// A root table without columns.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// The former name under which `known` finds a column, unless it is there under its own name. A name that
    /// another column has by now is nobody's former name.
    pub fn former_name<'c>(&self, column: &'c Column, known: impl Fn(&str) -> bool) -> Option<&'c str> {
        let is_free = |name: &&str| !self.columns.get(*name).is_some_and(Column::is_complete);
        column.former_names().filter(|_| !known(&column.name)).filter(is_free).find(|name| known(name))
    }

    /// Whether one of the columns had another name.
    pub fn has_former_names(&self) -> bool {
        self.columns.values().any(|column| column.former_names().next().is_some())
    }

    /// Gives columns the names that `new` has for them, where they are. Returns the former names and the new ones.
    pub fn rename_columns(&mut self, new: &Table) -> Vec<(String, String)> {
        let known = |name: &str| self.columns.get(name).is_some_and(Column::is_complete);
        let renames = new.complete_columns().filter_map(|column| {
            let former = new.former_name(column, known)?;
            Some((former.to_owned(), column.name.to_string()))
        });
        let renames: Vec<(String, String)> = renames.collect();
        for (former, name) in &renames {
            // hints without a type may wait under the new name
            self.columns.shift_remove(name);
            let Some(at) = self.columns.get_index_of(former) else { continue };
            if let Some((_, mut column)) = self.columns.shift_remove_index(at) {
                column.name = name.clone().into();
                self.columns.shift_insert(at.min(self.columns.len()), name.clone(), column);
            }
        }
        renames
    }

    /// A table below another one.
    pub fn nested(name: impl Into<String>, parent: impl Into<String>) -> Self {
        Self { name: name.into(), parent: Some(parent.into()), ..Self::default() }
    }

    /// Adds a column at the end or replaces the one of the same name.
    pub fn insert(&mut self, column: Column) {
        self.columns.insert(column.name.to_string(), column);
    }

    /// Whether its rows belong to rows of another table.
    pub fn is_nested(&self) -> bool {
        self.parent.as_deref().is_some_and(|p| !p.is_empty())
    }

    /// Whether it ever received rows.
    pub fn seen_data(&self) -> bool {
        self.processing.as_ref().is_some_and(|p| p.seen_data == Some(true))
    }

    /// Columns that have a type.
    pub fn complete_columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.values().filter(|c| c.is_complete())
    }

    /// Whether no column has a type, so that the destination cannot have the table.
    pub fn is_new(&self) -> bool {
        self.complete_columns().next().is_none()
    }

    /// Columns with a hint, with or without a type.
    pub fn with_hint(&self, hint: Hint) -> impl Iterator<Item = &Column> {
        self.columns.values().filter(move |c| c.has(hint))
    }

    /// The column that decides which of several rows with one key stays, and its direction.
    pub fn with_dedup_sort(&self) -> Option<(&Column, SortOrder)> {
        self.complete_columns().find_map(|column| Some((column, column.dedup_sort?)))
    }

    /// An extra property, such as an `x-` hint.
    pub fn x(&self, key: &str) -> Option<&Value> {
        extra_get(&self.extra, key)
    }

    /// Sets an extra property.
    pub fn set_x(&mut self, key: &str, value: Value) {
        extra_set(&mut self.extra, key, value);
    }

    /// Removes an extra property.
    pub fn remove_x(&mut self, key: &str) -> Option<Value> {
        extra_remove(&mut self.extra, key)
    }

    /// The property in which the two cannot be one table, if there is one.
    pub fn conflict_with(&self, partial: &Table) -> Option<&'static str> {
        if self.parent != partial.parent {
            Some("parent")
        } else if self.is_nested() && partial.resource.is_some() {
            Some("resource")
        } else {
            None
        }
    }

    /// Takes over what `partial` states. A column that was incomplete and gets its type moves to
    /// the end. With `replace_keys`, keys that `partial` gives take the place of the former ones.
    pub fn merge(&mut self, partial: &Table, replace_keys: bool) {
        self.merge_columns(&partial.columns, replace_keys);
        self.merge_references(partial.x("references"));
        fn over<T: Clone>(mine: &mut Option<T>, theirs: &Option<T>) {
            if theirs.is_some() {
                mine.clone_from(theirs);
            }
        }
        over(&mut self.parent, &partial.parent);
        over(&mut self.resource, &partial.resource);
        over(&mut self.write_disposition, &partial.write_disposition);
        over(&mut self.schema_contract, &partial.schema_contract);
        over(&mut self.description, &partial.description);
        over(&mut self.file_format, &partial.file_format);
        over(&mut self.processing, &partial.processing);
        for (key, value) in partial.extra.iter().filter(|(key, _)| key != "references") {
            extra_set(&mut self.extra, key, value.clone());
        }
    }

    /// Merges columns one by one, see [`Table::merge`].
    pub fn merge_columns(&mut self, columns: &IndexMap<String, Column>, replace_keys: bool) {
        if replace_keys {
            let given = |hint: &&Hint| hint.is_compound() && columns.values().any(|c| c.has(**hint));
            let given: Vec<Hint> = Hint::ALL.iter().filter(given).copied().collect();
            for column in self.columns.values_mut() {
                for &hint in &given {
                    column.set_hint(hint, None);
                }
            }
        }
        for (name, theirs) in columns {
            match self.columns.get_mut(name) {
                None => {
                    self.columns.insert(name.clone(), theirs.clone());
                }
                Some(mine) => {
                    let becomes_complete = !mine.is_complete() && theirs.is_complete();
                    mine.merge(theirs);
                    if becomes_complete && let Some(merged) = self.columns.shift_remove(name) {
                        self.columns.insert(name.clone(), merged);
                    }
                }
            }
        }
    }

    /// References are known by the table they point to.
    fn merge_references(&mut self, references: Option<&Value>) {
        let Some(Value::Array(theirs)) = references else { return };
        let mut mine = match self.x("references") {
            Some(Value::Array(mine)) => mine.clone(),
            _ => Vec::new(),
        };
        for reference in theirs {
            let same = |r: &&mut Value| r.get("referenced_table") == reference.get("referenced_table");
            match mine.iter_mut().find(same) {
                Some(known) if same_reference(known, reference) => {}
                Some(known) => *known = reference.clone(),
                None => mine.push(reference.clone()),
            }
        }
        self.set_x("references", Value::Array(mine));
    }

    pub(crate) fn read(name: &str, mut object: Object) -> Result<Self, DocumentError> {
        object.text("name");
        let mut table = Self::new(name);
        if let Some(columns) = object.object("columns")? {
            for (name, column) in columns.into_objects()? {
                table.insert(Column::read(&name, column)?);
            }
        }
        table.parent = object.text("parent");
        table.resource = object.text("resource");
        table.write_disposition = object.name("write_disposition")?;
        table.schema_contract = Contract::read_stored(&mut object)?;
        table.description = object.text("description");
        table.file_format = object.text("file_format");
        table.processing = object.object("x-normalizer")?.map(Processing::read);
        table.extra = object.rest();
        Ok(table)
    }

    /// The entry of the schema document.
    pub fn to_json(&self) -> Value {
        let columns: serde_json::Map<String, Value> =
            self.columns.iter().map(|(name, column)| (name.clone(), column.to_json())).collect();
        let mut builder = Builder::default();
        builder
            .put("name", Some(self.name.as_str()))
            .put("columns", Some(Value::Object(columns)))
            .put("write_disposition", self.write_disposition.map(WriteDisposition::as_str));
        Contract::put_stored(self.schema_contract.as_ref(), &mut builder)
            .put("file_format", self.file_format.as_deref())
            .put("resource", self.resource.as_deref())
            .put("parent", self.parent.as_deref())
            .put("description", self.description.as_deref())
            .extra(&self.extra)
            .put("x-normalizer", self.processing.as_ref().map(Processing::to_json))
            .build()
    }
}

/// Whether two references pair the same columns, whatever their order.
fn same_reference(a: &Value, b: &Value) -> bool {
    let pairs = |r: &Value| -> Vec<(String, String)> {
        let side = |key: &str| -> Vec<String> {
            let items = r.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
            items.iter().map(|v| v.as_str().unwrap_or_default().to_owned()).collect()
        };
        let mut pairs: Vec<_> = side("columns").into_iter().zip(side("referenced_columns")).collect();
        pairs.sort();
        pairs
    };
    pairs(a) == pairs(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DataType;
    use serde_json::json;

    fn table(value: Value) -> Table {
        Table::read("t", Object::new("/tables/t", value).unwrap()).unwrap()
    }

    #[test]
    fn everything_round_trips() {
        let document = json!({
            "name": "t",
            "columns": {"b": {"name": "b", "nullable": false}, "a": {"name": "a", "data_type": "text"}},
            "write_disposition": "merge",
            "schema_contract": {"columns": "freeze"},
            "file_format": "parquet",
            "resource": "R",
            "description": "about",
            "references": [{"referenced_table": "u", "columns": ["a"], "referenced_columns": ["x"]}],
            "x-merge-strategy": "upsert",
            "x-normalizer": {"max_nesting": 2, "seen-data": true, "other": 1},
        });
        assert_eq!(table(document.clone()).to_json(), document);
    }

    #[test]
    fn a_column_that_gets_its_type_moves_to_the_end() {
        let mut known = table(json!({"columns": {"id": {"nullable": false}, "v": {"data_type": "text"}}}));
        let mut partial = Table::new("t");
        partial.insert(Column::new("id", DataType::Bigint));
        known.merge(&partial, false);
        assert_eq!(known.columns.keys().collect::<Vec<_>>(), ["v", "id"]);
        assert_eq!(known.columns["id"].nullable, Some(false));
    }

    #[test]
    fn given_keys_replace_former_ones() {
        let mut known = table(json!({"columns": {"a": {"primary_key": true}, "b": {"merge_key": true}}}));
        let partial = table(json!({"columns": {"c": {"primary_key": true}}}));
        known.merge(&partial, true);
        assert!(!known.columns["a"].has(Hint::PrimaryKey));
        assert!(known.columns["b"].has(Hint::MergeKey) && known.columns["c"].has(Hint::PrimaryKey));
    }

    #[test]
    fn references_are_known_by_their_table() {
        let reference =
            |column: &str| json!({"referenced_table": "u", "columns": [column], "referenced_columns": ["x"]});
        let mut known = table(json!({"references": [reference("a")]}));
        known.merge(&table(json!({"references": [reference("b")]})), false);
        assert_eq!(known.x("references"), Some(&json!([reference("b")])));
    }
}
