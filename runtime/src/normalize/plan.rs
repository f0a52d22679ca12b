//! The plan: which JSON path feeds which column of which table.
//!
//! A plan is data. It starts with the tables of the schema, and grows in page order as values are
//! seen. Identifiers of tables, columns and nodes never change, so that what was decoded with an
//! older plan stays valid while the plan grows, see [`Plan::epoch`].

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use floe_schema::{
    Column, DataType, ID, LIST_IDX, LOAD_ID, MergeStrategy, Mode, Naming, PARENT_ID, ROOT_ID,
    ResolvedContract, Schema, x,
};
use indexmap::IndexMap;

use super::column::Storage;
use super::contract::Filter;
use super::rules::Rules;
use super::tree::{Node as Item, Tree};
use crate::destination::Capabilities;
use crate::error::Result;
use crate::value::Value;

pub(crate) type TableId = usize;
pub(crate) type ColumnId = usize;
pub(crate) type NodeId = usize;
pub(crate) type ListId = usize;

/// Nesting limit where none is given.
const NO_LIMIT: i64 = 1000;

/// Where the identifier of a root row comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowIdentity {
    Random,
    /// Hash of the primary key.
    Key,
    /// Hash of the whole item.
    Content,
}

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

/// Where a scalar value goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    /// Not known yet: the first value that is not null teaches it.
    Unknown,
    Column(ColumnId),
    /// A contract drops the value.
    Discard,
    /// The row has to be looked at as a whole.
    Slow,
}

/// Where a nested value goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route<T> {
    Unknown,
    /// Only empty lists were seen, which leave nothing.
    Empty,
    /// It is taken apart.
    Open(T),
    /// It stays whole and goes where scalars go.
    Whole,
    /// A contract drops it.
    Discard,
    Slow,
}

/// What happens to the values of one key.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The key as it comes, without escapes.
    pub(crate) key: Box<[u8]>,
    /// Name of the column.
    name: String,
    pub(crate) scalar: Slot,
    pub(crate) object: Route<NodeId>,
    pub(crate) list: Route<ListId>,
}

/// An object at a JSON path.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) table: TableId,
    pub(crate) entries: Vec<Entry>,
    index: hashbrown::HashMap<Box<[u8]>, usize>,
    /// Names that make up the name of the table.
    fragments: Vec<String>,
    /// Names of the objects between the row and this object.
    path: Vec<String>,
    /// Levels left at this object, and at its row.
    level: i64,
    row_level: i64,
}

impl Node {
    /// The entry of a key. `expected` is where it would be if keys came in the order of the plan.
    #[inline]
    pub(crate) fn find(&self, key: &[u8], expected: usize) -> Option<usize> {
        match self.entries.get(expected) {
            Some(entry) if *entry.key == *key => Some(expected),
            _ => self.index.get(key).copied(),
        }
    }
}

/// A list at a JSON path.
#[derive(Debug, Clone)]
pub(crate) struct ListPlan {
    pub(crate) table: TableId,
    /// For elements that are objects.
    pub(crate) node: NodeId,
    /// For elements that are scalars; the one entry is the column `value`.
    pub(crate) value: Entry,
    /// For elements that are lists; the one entry is the list itself.
    pub(crate) wrapper: NodeId,
}

/// A root table that items go to.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    pub(crate) table: TableId,
    pub(crate) node: NodeId,
    /// For items that are no objects.
    pub(crate) value: Entry,
}

#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) schema: Schema,
    pub(crate) rules: Arc<Rules>,
    pub(crate) naming: Naming,
    pub(crate) capabilities: Capabilities,
    pub(crate) load_id: Arc<str>,
    pub(crate) tables: Vec<TablePlan>,
    table_ids: HashMap<String, TableId>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) lists: Vec<ListPlan>,
    roots: HashMap<String, Root>,
    pub(super) contracts: HashMap<String, ResolvedContract>,
    pub(super) filtered_tables: HashMap<String, Mode>,
    /// Root tables that elements of lists go to.
    pub(super) with_elements: BTreeSet<String>,
    pub(super) filtered_columns: HashMap<String, IndexMap<String, Filter>>,
    /// Items are rejected ones that are tried again: those that a contract still rejects stay where
    /// they are.
    pub(crate) replays: bool,
    /// Counts all changes.
    pub(crate) version: u64,
    /// Counts changes that make rows invalid that an older plan decoded.
    pub(crate) epoch: u64,
}

impl Plan {
    pub(crate) fn new(schema: Schema, capabilities: Capabilities, load_id: &str) -> Result<Self> {
        let rules = Arc::new(Rules::compile(&schema)?);
        Ok(Self {
            rules,
            naming: Naming::with_max_length(capabilities.max_identifier_length),
            capabilities,
            load_id: load_id.into(),
            tables: Vec::new(),
            table_ids: HashMap::new(),
            nodes: Vec::new(),
            lists: Vec::new(),
            roots: HashMap::new(),
            contracts: HashMap::new(),
            filtered_tables: HashMap::new(),
            with_elements: BTreeSet::new(),
            filtered_columns: HashMap::new(),
            replays: false,
            version: 0,
            epoch: 0,
            schema,
        })
    }

    pub(crate) fn root(&self, table: &str) -> Option<&Root> {
        self.roots.get(table)
    }

    pub(crate) fn table_id(&self, name: &str) -> Option<TableId> {
        self.table_ids.get(name).copied()
    }

    /// Levels that items of a root table are taken apart.
    pub(super) fn max_nesting(&self, root_table: &str) -> i64 {
        let own = self.schema.tables.get(root_table).and_then(|t| t.processing.as_ref()?.max_nesting);
        let general = self.schema.normalizers.config().and_then(|c| c.max_nesting);
        own.or(general).unwrap_or(NO_LIMIT)
    }

    /// Whether a nested value under this name stays whole.
    pub(super) fn stays_whole(&self, table: &str, name: &str, level: i64) -> bool {
        if level <= 0 {
            return true;
        }
        let column = self.schema.tables.get(table).and_then(|t| t.columns.get(name));
        let data_type = match column.and_then(|c| c.data_type) {
            Some(data_type) => Some(data_type),
            None => self.rules.preferred_type(name),
        };
        data_type == Some(DataType::Json)
    }

    /// Whether rows of a table belong to rows of another one. Tables that nobody declared do.
    pub(super) fn should_be_nested(&self, table: &str) -> bool {
        self.schema.tables.get(table).is_none_or(floe_schema::Table::is_nested)
    }

    pub(super) fn identity(&self, table: &str) -> RowIdentity {
        match self.schema.merge_strategy(table) {
            Some(MergeStrategy::Upsert | MergeStrategy::InsertOnly | MergeStrategy::Cdc) => RowIdentity::Key,
            Some(MergeStrategy::Scd2) => {
                let columns = self.schema.tables.get(table).map(|t| &t.columns);
                let version = columns.and_then(|c| c.values().find(|c| c.has_x(x::ROW_VERSION)));
                match version {
                    Some(column) if column.name == ID => RowIdentity::Content,
                    _ => RowIdentity::Random,
                }
            }
            _ => RowIdentity::Random,
        }
    }

    /// Columns that rows below a row of this table take over: name here to name there.
    pub(super) fn propagated(&self, table: &str, is_root: bool) -> IndexMap<&str, &str> {
        let mut columns = IndexMap::new();
        let Some(propagation) = self.schema.normalizers.propagation() else { return columns };
        let root = propagation.root.as_ref().filter(|_| is_root);
        let own = propagation.tables.as_ref().and_then(|tables| tables.get(table));
        for (from, to) in root.into_iter().chain(own).flatten() {
            columns.insert(from.as_str(), to.as_str());
        }
        columns
    }

    /// Whether rows below a root table take over nothing but the identifier of the root row.
    fn propagates_only_root_id(&self, root_table: &str) -> bool {
        let columns = self.propagated(root_table, true);
        columns.is_empty() || (columns.len() == 1 && columns.get(ID) == Some(&ROOT_ID))
    }

    /// Brings a table of the plan up to date with the schema.
    pub(super) fn refresh_table(&mut self, name: &str) -> Option<TableId> {
        let table = self.schema.tables.get(name)?;
        let root = self.schema.root_of(name)?;
        let root_id = table.is_nested()
            && table.columns.contains_key(ROOT_ID)
            && self.propagated(&root.name, true).get(ID) == Some(&ROOT_ID);
        let deeper = table.is_nested() && !self.propagated(name, false).is_empty();
        let fast = self.identity(&root.name) == RowIdentity::Random
            && self.identity(name) == RowIdentity::Random
            && self.propagates_only_root_id(&root.name)
            && !deeper
            && !self.rules.has_filters()
            && system_columns_are_usual(table.columns.values());
        let id = *self.table_ids.entry(name.to_owned()).or_insert_with(|| {
            self.tables.push(TablePlan::empty(name, table.is_nested()));
            self.tables.len() - 1
        });
        let has = |column: &str| table.columns.get(column).is_some_and(Column::is_complete);
        let plan = self.tables.get_mut(id)?;
        let ways = (plan.fast, plan.has_root_id);
        plan.nested = table.is_nested();
        plan.has_load_id = !plan.nested && has(LOAD_ID);
        plan.has_parent_id = plan.nested && has(PARENT_ID);
        plan.has_list_idx = plan.nested && has(LIST_IDX);
        plan.has_root_id = root_id;
        plan.fast = fast && has(ID) && (plan.nested || has(LOAD_ID));
        plan.fast &= !plan.nested || (has(PARENT_ID) && has(LIST_IDX));
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
        if self.version > 0 && ways != (plan.fast, plan.has_root_id) {
            self.epoch += 1;
        }
        for name in new_json {
            self.keep_whole(id, &name);
        }
        Some(id)
    }

    /// A column turned out to hold nested values: what was taken apart stays whole from now on.
    fn keep_whole(&mut self, table: TableId, name: &str) {
        let mut changed = false;
        for entry in self.nodes.iter_mut().filter(|n| n.table == table).flat_map(|n| &mut n.entries) {
            if entry.name == name {
                changed |= matches!(entry.object, Route::Open(_)) || matches!(entry.list, Route::Open(_));
                entry.object = Route::Unknown;
                entry.list = Route::Unknown;
            }
        }
        if changed {
            self.epoch += 1;
        }
    }

    /// Learns the ways of everything in an item that goes to a root table. The schema has to know
    /// its tables and columns already.
    pub(crate) fn learn(&mut self, root_table: &str, item: &Item<'_>) {
        self.version += 1;
        let Some(table) = self.refresh_table(root_table) else { return };
        if !self.roots.contains_key(root_table) {
            let level = self.max_nesting(root_table);
            let node = self.new_node(table, vec![root_table.to_owned()], Vec::new(), level, level);
            let value = self.new_entry("value", "value".to_owned());
            self.roots.insert(root_table.to_owned(), Root { table, node, value });
        }
        let Some(root) = self.roots.get(root_table).cloned() else { return };
        match &item.tree {
            Tree::Object(entries) => self.learn_object(root.node, entries),
            _ => {
                let mut value = root.value;
                self.resolve(table, root.node, &mut value, item);
                if let Some(root) = self.roots.get_mut(root_table) {
                    root.value = value;
                }
            }
        }
    }

    fn learn_object(&mut self, node: NodeId, entries: &[(std::borrow::Cow<'_, str>, Item<'_>)]) {
        for (key, item) in entries {
            let known = self.nodes.get(node).and_then(|n| n.index.get(key.as_bytes()).copied());
            let at = known.unwrap_or_else(|| self.add_key(node, key));
            let Some(found) = self.nodes.get(node) else { return };
            let (table, Some(entry)) = (found.table, found.entries.get(at)) else { return };
            let mut entry = entry.clone();
            self.resolve(table, node, &mut entry, item);
            if let Some(slot) = self.nodes.get_mut(node).and_then(|n| n.entries.get_mut(at)) {
                *slot = entry;
            }
        }
    }

    fn add_key(&mut self, node: NodeId, key: &str) -> usize {
        let own = self.naming.key(key);
        let Some(found) = self.nodes.get(node) else { return 0 };
        let name = if found.path.is_empty() {
            own
        } else {
            let parts = found.path.iter().map(String::as_str);
            self.naming.join(parts.chain([own.as_str()]))
        };
        let entry = self.new_entry(key, name);
        let Some(found) = self.nodes.get_mut(node) else { return 0 };
        // of two keys for one column the later one counts, even if its list is empty
        for twin in found.entries.iter_mut().filter(|t| t.name == entry.name && t.list == Route::Empty) {
            twin.list = Route::Unknown;
        }
        found.index.insert(key.as_bytes().into(), found.entries.len());
        found.entries.push(entry);
        found.entries.len() - 1
    }

    fn new_entry(&self, key: &str, name: String) -> Entry {
        Entry {
            key: key.as_bytes().into(),
            name,
            scalar: Slot::Unknown,
            object: Route::Unknown,
            list: Route::Unknown,
        }
    }

    fn new_node(
        &mut self,
        table: TableId,
        fragments: Vec<String>,
        path: Vec<String>,
        level: i64,
        row_level: i64,
    ) -> NodeId {
        let (entries, index) = (Vec::new(), hashbrown::HashMap::new());
        self.nodes.push(Node { table, entries, index, fragments, path, level, row_level });
        self.nodes.len() - 1
    }

    /// Finds out where the values of an entry go, and learns what is below.
    fn resolve(&mut self, table: TableId, node: NodeId, entry: &mut Entry, item: &Item<'_>) {
        entry.scalar = self.slot(table, &entry.name);
        let Some(found) = self.nodes.get(node) else { return };
        let (level, row_level) = (found.level, found.row_level);
        let table_name = self.tables.get(table).map(|t| t.name.clone()).unwrap_or_default();
        match &item.tree {
            Tree::Scalar(_) => {}
            Tree::Object(entries) => {
                if self.stays_whole(&table_name, &entry.name, level) {
                    entry.object = Route::Whole;
                    return;
                }
                let child = match entry.object {
                    Route::Open(child) => child,
                    _ => {
                        let mut path = found.path.clone();
                        let fragments = found.fragments.clone();
                        path.push(self.naming.key(&String::from_utf8_lossy(&entry.key)));
                        self.new_node(table, fragments, path, level - 1, row_level)
                    }
                };
                entry.object = Route::Open(child);
                self.learn_object(child, entries);
            }
            Tree::List(items) => {
                if self.stays_whole(&table_name, &entry.name, level) {
                    entry.list = Route::Whole;
                    return;
                }
                let mut fragments = found.fragments.clone();
                fragments.extend(found.path.iter().cloned());
                let key = String::from_utf8_lossy(&entry.key);
                fragments.push(list_name(&self.naming, &key, found.path.is_empty()));
                let twins = found.entries.iter().filter(|other| other.name == entry.name).count();
                entry.list = self.resolve_list(entry.list, fragments, row_level - 1, items);
                if entry.list == Route::Unknown && twins <= 1 {
                    entry.list = Route::Empty;
                }
            }
        }
    }

    fn slot(&self, table: TableId, name: &str) -> Slot {
        let Some(plan) = self.tables.get(table) else { return Slot::Slow };
        let filter = self.filtered_columns.get(&plan.name).and_then(|columns| columns.get(name));
        match filter.map(|filter| filter.mode) {
            Some(Mode::DiscardValue) => return Slot::Discard,
            Some(_) => return Slot::Slow,
            None => {}
        }
        if plan.is_system(name) || name.starts_with(floe_schema::DLT_PREFIX) {
            return Slot::Slow;
        }
        plan.column_id(name).map_or(Slot::Unknown, Slot::Column)
    }

    fn resolve_list(
        &mut self,
        known: Route<ListId>,
        fragments: Vec<String>,
        level: i64,
        items: &[Item<'_>],
    ) -> Route<ListId> {
        let name = self.naming.join(fragments.iter().map(String::as_str));
        match self.filtered_tables.get(&name) {
            Some(Mode::Quarantine) if items.is_empty() => return known,
            Some(Mode::Quarantine) => return Route::Slow,
            Some(_) => return Route::Discard,
            None => {}
        }
        if items.is_empty() {
            return known;
        }
        let Some(table) = self.refresh_table(&name) else {
            // the table does not exist although there are elements
            return Route::Slow;
        };
        if !self.tables.get(table).is_some_and(|t| t.fast) {
            return Route::Slow;
        }
        let list = match known {
            Route::Open(list) => list,
            _ => {
                let node = self.new_node(table, fragments.clone(), Vec::new(), level, level);
                let wrapper = self.new_node(table, fragments, Vec::new(), level - 1, level - 1);
                let value = self.new_entry("value", "value".to_owned());
                self.lists.push(ListPlan { table, node, value, wrapper });
                self.lists.len() - 1
            }
        };
        for item in items {
            self.learn_element(list, table, item);
        }
        Route::Open(list)
    }

    fn learn_element(&mut self, list: ListId, table: TableId, item: &Item<'_>) {
        let Some(found) = self.lists.get(list) else { return };
        match &item.tree {
            Tree::Object(entries) => self.learn_object(found.node, entries),
            Tree::List(_) => {
                let wrapper = found.wrapper;
                self.learn_object(wrapper, &[("list".into(), item.clone())]);
            }
            Tree::Scalar(Value::Null) => {
                let slot = self.slot(table, "value");
                if let Some(found) = self.lists.get_mut(list) {
                    found.value.scalar = slot;
                }
            }
            Tree::Scalar(_) => {
                let (node, mut value) = (found.node, found.value.clone());
                self.resolve(table, node, &mut value, item);
                if let Some(found) = self.lists.get_mut(list) {
                    found.value = value;
                }
            }
        }
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

/// What a list under a key adds to the name of its table. An empty key adds nothing, unless the
/// list would end up in the table of its own row then.
pub(super) fn list_name(naming: &Naming, key: &str, directly_in_row: bool) -> String {
    let name = naming.path(key);
    if name.is_empty() && directly_in_row { naming.key(key) } else { name }
}

/// Whether the columns that normalising fills have the types it gives them.
fn system_columns_are_usual<'a>(columns: impl Iterator<Item = &'a Column>) -> bool {
    columns.filter(|c| c.is_complete()).all(|column| match column.name.as_ref() {
        ID | LOAD_ID | PARENT_ID | ROOT_ID => column.data_type == Some(DataType::Text),
        LIST_IDX => column.data_type == Some(DataType::Bigint),
        _ => true,
    })
}
