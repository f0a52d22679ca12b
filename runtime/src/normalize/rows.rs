//! The rows of a page, table by table, and how they become batches.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::NullBufferBuilder;
use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::buffer::{Buffer, OffsetBuffer};
use arrow::datatypes::{DataType as ArrowType, Field, Schema as ArrowSchema};
use arrow::record_batch::RecordBatch;
use floe_schema::hash::{ROW_ID_BYTES, ROW_ID_LENGTH};
use floe_schema::{ID, LIST_IDX, PARENT_ID, ROOT_ID};
use shake::Shake128;
use shake::digest::{ExtendableOutput, Update, XofReader};

use super::column::ColumnBuilder;
use super::keccak::{RowId, encode_row_id, nested_row_ids};
use super::key::Key;
use super::plan::{ColumnId, Plan, TableId, TablePlan};
use crate::error::{Error, Result};

/// Marks rows whose parent is not among the rows of the page.
const NO_ROW: u32 = u32::MAX;

/// Values of the columns that normalising fills, where a row has them already.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct System {
    pub(crate) id: String,
    pub(crate) parent_id: Option<String>,
    pub(crate) list_idx: Option<i64>,
    pub(crate) root_id: Option<String>,
}

/// Rows of one table.
#[derive(Debug, Default)]
pub(crate) struct TableRows {
    columns: Vec<ColumnBuilder>,
    rows: usize,
    /// Row of the parent table, of the root table, and place in the list. Empty for root tables.
    parents: Vec<u32>,
    roots: Vec<u32>,
    indexes: Vec<u32>,
    systems: HashMap<usize, System>,
    /// The item whose rows came last, and how many rows there were before it.
    item: u64,
    mark: usize,
    /// The row of the parent whose list was opened last.
    opened: u32,
}

/// Rows of all tables. Table and column numbers are those of the plan.
#[derive(Debug)]
pub(crate) struct PageRows {
    tables: Vec<TableRows>,
    item: u64,
    root_row: u32,
}

impl PageRows {
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut rows = Self { tables: Vec::new(), item: 0, root_row: NO_ROW };
        rows.extend(plan);
        rows
    }

    /// Makes room for tables and columns that the plan has got.
    pub(crate) fn extend(&mut self, plan: &Plan) {
        self.tables.resize_with(plan.tables.len(), TableRows::default);
        for (rows, table) in self.tables.iter_mut().zip(&plan.tables) {
            for column in table.columns.iter().skip(rows.columns.len()) {
                rows.columns.push(ColumnBuilder::new(column.data_type, column.storage));
            }
        }
    }

    /// Starts an item. What [`PageRows::forget_item`] forgets begins here.
    #[inline]
    pub(crate) fn start_item(&mut self) {
        self.item += 1;
        self.root_row = NO_ROW;
    }

    /// A number that no other row of the page has.
    #[inline]
    pub(crate) fn stamp(&self, row: usize) -> u64 {
        self.item << 32 | row as u64
    }

    /// Takes back all rows of the item.
    pub(crate) fn forget_item(&mut self) {
        for table in self.tables.iter_mut().filter(|t| t.item == self.item) {
            table.truncate(table.mark);
            table.opened = NO_ROW;
        }
    }

    /// Starts a row of a root table.
    #[inline]
    pub(crate) fn start_root(&mut self, table: TableId) -> usize {
        let item = self.item;
        let Some(rows) = self.tables.get_mut(table) else { return 0 };
        rows.touch(item);
        rows.rows += 1;
        self.root_row = (rows.rows - 1) as u32;
        rows.rows - 1
    }

    /// Starts a row of a nested table.
    #[inline]
    pub(crate) fn start_nested(&mut self, table: TableId, parent: usize, index: u32) -> usize {
        let (item, root) = (self.item, self.root_row);
        let Some(rows) = self.tables.get_mut(table) else { return 0 };
        rows.touch(item);
        rows.parents.push(parent as u32);
        rows.roots.push(root);
        rows.indexes.push(index);
        rows.rows += 1;
        rows.rows - 1
    }

    /// Starts a row whose system columns are known.
    pub(crate) fn start_explicit(&mut self, plan: &TablePlan, table: TableId, system: System) -> usize {
        let item = self.item;
        let Some(rows) = self.tables.get_mut(table) else { return 0 };
        rows.touch(item);
        if plan.nested {
            rows.parents.push(NO_ROW);
            rows.roots.push(NO_ROW);
            rows.indexes.push(0);
        }
        rows.systems.insert(rows.rows, system);
        rows.rows += 1;
        rows.rows - 1
    }

    /// Notes that a list of a parent row goes to a table. False if one did already.
    #[inline]
    pub(crate) fn open_list(&mut self, table: TableId, parent: usize) -> bool {
        let item = self.item;
        let Some(rows) = self.tables.get_mut(table) else { return false };
        rows.touch(item);
        let first = rows.opened != parent as u32;
        rows.opened = parent as u32;
        first
    }

    /// A column that has no value in the row yet, filled up to it.
    #[inline]
    pub(crate) fn column(
        &mut self,
        table: TableId,
        column: ColumnId,
        row: usize,
    ) -> Option<&mut ColumnBuilder> {
        let builder = self.tables.get_mut(table)?.columns.get_mut(column)?;
        builder.fill(row);
        (builder.len() == row).then_some(builder)
    }

    /// Whether a row has all values of a key.
    pub(crate) fn has_key(&self, table: TableId, row: usize, key: &Key) -> bool {
        self.tables.get(table).is_some_and(|rows| key.is_complete(&rows.columns, row))
    }

    /// One batch for each table that has rows, parents before their children.
    pub(crate) fn finish(self, plan: &Plan, ids: &mut RandomIds) -> Result<Vec<(TableId, RecordBatch)>> {
        let mut finished: Vec<Option<Vec<RowText>>> = vec![None; self.tables.len()];
        let parents = parents_of(plan);
        let mut rows: Vec<Option<TableRows>> = self.tables.into_iter().map(Some).collect();
        let mut batches = Vec::new();
        for table in parents_first(&parents) {
            let Some(table_rows) = rows.get_mut(table).and_then(Option::take) else { continue };
            let Some(table_plan) = plan.tables.get(table).filter(|_| table_rows.rows > 0) else { continue };
            let upper =
                |id: Option<TableId>| id.and_then(|id| finished.get(id)?.as_deref()).unwrap_or_default();
            let parent = parents.get(table).copied().flatten();
            let root = root_of(&parents, table);
            let own = table_rows.row_ids(table_plan, upper(parent), ids)?;
            let batch = table_rows.into_batch(table_plan, &own, upper(parent), upper(root)).map_err(|e| {
                Error::internal(format!("cannot build a batch of {}", table_plan.name)).cause(e)
            })?;
            if let Some(slot) = finished.get_mut(table) {
                *slot = Some(own);
            }
            batches.push((table, batch));
        }
        Ok(batches)
    }
}

/// The identifier of a row: most have a fixed length, those that came with the data need not.
#[derive(Debug, Clone)]
enum RowText {
    Usual(RowId),
    Own(Box<str>),
}

impl RowText {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Usual(id) => id,
            Self::Own(text) => text.as_bytes(),
        }
    }
}

fn parents_of(plan: &Plan) -> Vec<Option<TableId>> {
    let parent = |t: &TablePlan| plan.schema.tables.get(&t.name).and_then(|t| t.parent.clone());
    plan.tables.iter().map(|t| parent(t).and_then(|name| plan.table_id(&name))).collect()
}

fn root_of(parents: &[Option<TableId>], table: TableId) -> Option<TableId> {
    let mut current = table;
    for _ in 0..parents.len() {
        match parents.get(current).copied().flatten() {
            Some(parent) => current = parent,
            None => return Some(current),
        }
    }
    None
}

/// All tables, each behind its parent.
fn parents_first(parents: &[Option<TableId>]) -> Vec<TableId> {
    let depth = |table: TableId| {
        let mut depth = 0;
        let mut current = table;
        while let Some(parent) = parents.get(current).copied().flatten().filter(|_| depth < parents.len()) {
            current = parent;
            depth += 1;
        }
        depth
    };
    let mut order: Vec<TableId> = (0..parents.len()).collect();
    order.sort_by_key(|table| (depth(*table), *table));
    order
}

impl TableRows {
    #[inline]
    fn touch(&mut self, item: u64) {
        if self.item != item {
            self.item = item;
            self.mark = self.rows;
            self.opened = NO_ROW;
        }
    }

    fn truncate(&mut self, rows: usize) {
        self.columns.iter_mut().for_each(|column| column.truncate(rows));
        self.rows = rows;
        self.parents.truncate(rows);
        self.indexes.truncate(rows);
        self.roots.truncate(rows);
        self.systems.retain(|row, _| *row < rows);
    }

    fn row_ids(&self, plan: &TablePlan, parents: &[RowText], random: &mut RandomIds) -> Result<Vec<RowText>> {
        let mut hashed = if plan.nested {
            let parent = |row: &u32| parents.get(*row as usize).map_or(&b""[..], RowText::bytes);
            let links = self.parents.iter().zip(&self.indexes).filter(|(p, _)| **p != NO_ROW);
            let links: Vec<_> = links.map(|(p, i)| (parent(p), u64::from(*i))).collect();
            nested_row_ids(&plan.name, links.into_iter())
        } else {
            Vec::new()
        }
        .into_iter();
        let mut buffer = String::new();
        let mut id = |row: usize| match (self.systems.get(&row), &plan.key) {
            (Some(system), _) => Ok(RowText::Own(system.id.as_str().into())),
            (None, Some(key)) => {
                let id = key.row_id(&self.columns, row, &mut buffer).map(RowText::Usual);
                id.ok_or_else(|| Error::internal(format!("a row of {} has no key", plan.name)))
            }
            (None, None) => Ok(RowText::Usual(hashed.next().unwrap_or_else(|| random.next()))),
        };
        (0..self.rows).map(&mut id).collect()
    }

    fn into_batch(
        self,
        plan: &TablePlan,
        ids: &[RowText],
        parent_ids: &[RowText],
        root_ids: &[RowText],
    ) -> Result<RecordBatch, arrow::error::ArrowError> {
        let rows = self.rows;
        let mut fields = Vec::with_capacity(self.columns.len() + 4);
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.columns.len() + 4);
        let mut add = |name: &str, data_type: ArrowType, array: ArrayRef| {
            fields.push(Field::new(name, data_type, true));
            arrays.push(array);
        };
        add(ID, ArrowType::Utf8, texts(ids.iter().map(|id| Some(id.bytes())), rows)?);
        let system = |row: usize| self.systems.get(&row);
        if plan.has_parent_id {
            let parent = |row: usize| match system(row) {
                Some(system) => system.parent_id.as_deref().map(str::as_bytes),
                None => upper(parent_ids, self.parents.get(row)),
            };
            add(PARENT_ID, ArrowType::Utf8, texts((0..rows).map(parent), rows)?);
        }
        if plan.has_list_idx {
            let index = |row: usize| match system(row) {
                Some(system) => system.list_idx,
                None => self.indexes.get(row).map(|index| i64::from(*index)),
            };
            add(LIST_IDX, ArrowType::Int64, Arc::new((0..rows).map(index).collect::<Int64Array>()));
        }
        if plan.has_root_id {
            let root = |row: usize| match system(row) {
                Some(system) => system.root_id.as_deref().map(str::as_bytes),
                None => upper(root_ids, self.roots.get(row)),
            };
            add(ROOT_ID, ArrowType::Utf8, texts((0..rows).map(root), rows)?);
        }
        for (builder, column) in self.columns.into_iter().zip(&plan.columns) {
            if builder.len() > 0 {
                add(&column.name, column.storage.arrow_type(), builder.finish(rows)?);
            }
        }
        RecordBatch::try_new(Arc::new(ArrowSchema::new(fields)), arrays)
    }
}

fn upper<'a>(ids: &'a [RowText], row: Option<&u32>) -> Option<&'a [u8]> {
    ids.get(*row? as usize).map(RowText::bytes)
}

/// A text column from bytes that are UTF-8.
fn texts<'a>(
    values: impl Iterator<Item = Option<&'a [u8]>>,
    rows: usize,
) -> Result<ArrayRef, arrow::error::ArrowError> {
    let mut data: Vec<u8> = Vec::with_capacity(rows * ROW_ID_LENGTH);
    let mut lengths = Vec::with_capacity(rows);
    let mut nulls = NullBufferBuilder::new(rows);
    for value in values {
        nulls.append(value.is_some());
        let value = value.unwrap_or_default();
        data.extend_from_slice(value);
        lengths.push(value.len());
    }
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(StringArray::try_new(offsets, Buffer::from_vec(data), nulls.finish())?))
}

/// An endless supply of random row identifiers.
pub(crate) struct RandomIds(<Shake128 as ExtendableOutput>::Reader);

impl RandomIds {
    pub(crate) fn new() -> Result<Self> {
        let mut seed = [0u8; 32];
        getrandom::fill(&mut seed)
            .map_err(|e| Error::internal("the system has no random numbers").cause(e))?;
        let mut hasher = Shake128::default();
        hasher.update(&seed);
        Ok(Self(hasher.finalize_xof()))
    }

    pub(crate) fn next(&mut self) -> RowId {
        let mut bytes = [0; ROW_ID_BYTES];
        self.0.read(&mut bytes);
        encode_row_id(bytes)
    }

    pub(crate) fn next_text(&mut self) -> String {
        self.next().iter().map(|byte| char::from(*byte)).collect()
    }
}
