//! The plan: which JSON path feeds which column of which table.
//!
//! A plan is data. It starts with the tables of the schema, and grows in page order as values are
//! seen. Identifiers of tables, columns and nodes never change, so that what was decoded with an
//! older plan stays valid while the plan grows, see [`Plan::epoch`].

mod learn;
mod table;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use floe_schema::{DataType, ID, MergeStrategy, Mode, Naming, ROOT_ID, ResolvedContract, Schema, x};
use indexmap::IndexMap;

use super::contract::Filter;
use super::rules::Rules;
use crate::destination::Capabilities;
use crate::error::Result;

pub(super) use learn::list_name;
pub(crate) use table::TablePlan;

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
}
