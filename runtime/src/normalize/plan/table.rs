//! The tables of a plan, which follow those of the schema.

use std::collections::HashMap;

use floe_schema::{Column, DataType, Hint, ID, LIST_IDX, LOAD_ID, Naming, PARENT_ID, ROOT_ID};

use super::{ColumnId, Plan, RowIdentity, TableId};
use crate::destination::Capabilities;
use crate::normalize::column::Storage;
use crate::normalize::key::Key;

/// A table as rows are written to it. Columns that normalising fills by itself are flags.
#[derive(Debug, Clone)]
pub(crate) struct TablePlan {
    pub(crate) name: String,
    pub(crate) columns: Vec<ColumnPlan>,
    by_name: HashMap<String, ColumnId>,
    pub(crate) nested: bool,
    pub(crate) has_load_id: bool,
    pub(crate) has_parent_id: bool,
    pub(crate) has_list_idx: bool,
    pub(crate) has_root_id: bool,
    /// The primary key, where rows are identified by it and its columns tell what the key was.
    pub(crate) key: Option<Key>,
    /// Rows can be appended without looking at them as a whole.
    pub(crate) fast: bool,
}

/// A column that data feeds.
#[derive(Debug, Clone)]
pub(crate) struct ColumnPlan {
    pub(crate) name: String,
    pub(crate) data_type: DataType,
    pub(crate) storage: Storage,
    pub(crate) nullable: bool,
    /// Columns for values that do not fit, by the type of the value.
    variants: [Option<ColumnId>; KINDS.len()],
}

/// Types that JSON values have by themselves.
const KINDS: [DataType; 5] =
    [DataType::Text, DataType::Bigint, DataType::Double, DataType::Bool, DataType::Json];

impl ColumnPlan {
    /// The column for values of a type that do not fit into this one.
    pub(crate) fn variant(&self, kind: DataType) -> Option<ColumnId> {
        let at = KINDS.iter().position(|k| *k == kind)?;
        self.variants.get(at).copied().flatten()
    }
}

impl TablePlan {
    pub(crate) fn column_id(&self, name: &str) -> Option<ColumnId> {
        self.by_name.get(name).copied()
    }

    /// Whether normalising fills the column by itself.
    pub(crate) fn is_system(&self, column: &str) -> bool {
        match column {
            ID => true,
            LOAD_ID => !self.nested,
            PARENT_ID | LIST_IDX => self.nested,
            ROOT_ID => self.has_root_id,
            _ => false,
        }
    }
}

impl Plan {
    /// Brings a table of the plan up to date with the schema.
    pub(in crate::normalize) fn refresh_table(&mut self, name: &str) -> Option<TableId> {
        let table = self.schema.tables.get(name)?;
        let root = self.schema.root_of(name)?;
        let root_id = table.is_nested()
            && table.columns.contains_key(ROOT_ID)
            && self.propagated(&root.name, true).get(ID) == Some(&ROOT_ID);
        let deeper = table.is_nested() && !self.propagated(name, false).is_empty();
        // nested rows are always identified by their parents
        let identity = if table.is_nested() { RowIdentity::Random } else { self.identity(name) };
        let fast = self.propagates_only_root_id(&root.name)
            && !deeper
            && !self.rules.has_filters()
            && system_columns_are_usual(table.columns.values());
        let id = *self.table_ids.entry(name.to_owned()).or_insert_with(|| {
            self.tables.push(TablePlan::empty(name, table.is_nested()));
            self.tables.len() - 1
        });
        let has = |column: &str| table.columns.get(column).is_some_and(Column::is_complete);
        let plan = self.tables.get_mut(id)?;
        let ways = (plan.fast, plan.has_root_id, plan.key.clone());
        plan.nested = table.is_nested();
        plan.has_load_id = !plan.nested && has(LOAD_ID);
        plan.has_parent_id = plan.nested && has(PARENT_ID);
        plan.has_list_idx = plan.nested && has(LIST_IDX);
        plan.has_root_id = root_id;
        plan.fast = fast && has(ID) && (plan.nested || has(LOAD_ID));
        plan.fast &= !plan.nested || (has(PARENT_ID) && has(LIST_IDX));
        let (fast, primary_key) = (plan.fast, table.with_hint(Hint::PrimaryKey));
        let primary_key: Vec<String> = primary_key.map(|column| column.name.to_string()).collect();
        let mut new_json = Vec::new();
        let first_new = plan.columns.len();
        for column in table.complete_columns() {
            let Some(data_type) = column.data_type else { continue };
            if plan.is_system(&column.name) {
                continue;
            }
            match plan.column_id(&column.name).and_then(|id| plan.columns.get_mut(id)) {
                Some(known) => known.nullable = column.is_nullable(),
                None => {
                    plan.add_column(column, data_type, &self.capabilities);
                    if data_type == DataType::Json {
                        new_json.push(column.name.to_string());
                    }
                }
            }
        }
        plan.link_variants(first_new, &self.naming);
        plan.key = if identity == RowIdentity::Key { Key::of(&primary_key, plan) } else { None };
        plan.fast = fast && (identity == RowIdentity::Random || plan.key.is_some());
        if self.version > 0 && ways != (plan.fast, plan.has_root_id, plan.key.clone()) {
            self.epoch += 1;
        }
        for name in new_json {
            self.keep_whole(id, &name);
        }
        Some(id)
    }
}

impl TablePlan {
    fn empty(name: &str, nested: bool) -> Self {
        Self {
            name: name.to_owned(),
            columns: Vec::new(),
            by_name: HashMap::new(),
            nested,
            has_load_id: false,
            has_parent_id: false,
            has_list_idx: false,
            has_root_id: false,
            key: None,
            fast: false,
        }
    }

    fn add_column(&mut self, column: &Column, data_type: DataType, capabilities: &Capabilities) {
        let name = column.name.to_string();
        self.by_name.insert(name.clone(), self.columns.len());
        self.columns.push(ColumnPlan {
            name,
            data_type,
            storage: Storage::of(column, data_type, capabilities),
            nullable: column.is_nullable(),
            variants: [None; KINDS.len()],
        });
    }

    /// Connects the columns from `first_new` on with their variants, and with what they are
    /// variants of.
    fn link_variants(&mut self, first_new: ColumnId, naming: &Naming) {
        let variant_name = |name: &str, kind: &str| naming.join([name, &format!("v_{kind}")]);
        for id in first_new..self.columns.len() {
            let Some(name) = self.columns.get(id).map(|c| c.name.clone()) else { return };
            for (n, kind) in KINDS.into_iter().enumerate() {
                // what dlt called complex before it called it json
                let former = (kind == DataType::Json).then(|| variant_name(&name, "complex"));
                let former = former.and_then(|name| self.column_id(&name));
                let variant = former.or_else(|| self.column_id(&variant_name(&name, kind.as_str())));
                let is_variant_of: Vec<ColumnId> = (0..first_new)
                    .filter(|_| name.contains("v_"))
                    .filter(|base| {
                        let base = self.columns.get(*base).map(|c| c.name.as_str());
                        base.is_some_and(|base| variant_name(base, kind.as_str()) == name)
                    })
                    .collect();
                if let Some(slot) = self.columns.get_mut(id).and_then(|c| c.variants.get_mut(n)) {
                    *slot = variant;
                }
                for base in is_variant_of {
                    if let Some(slot) = self.columns.get_mut(base).and_then(|c| c.variants.get_mut(n)) {
                        *slot = slot.or(Some(id));
                    }
                }
            }
        }
    }
}

/// Whether the columns that normalising fills have the types it gives them.
fn system_columns_are_usual<'a>(columns: impl Iterator<Item = &'a Column>) -> bool {
    columns.filter(|c| c.is_complete()).all(|column| match column.name.as_ref() {
        ID | LOAD_ID | PARENT_ID | ROOT_ID => column.data_type == Some(DataType::Text),
        LIST_IDX => column.data_type == Some(DataType::Bigint),
        _ => true,
    })
}
