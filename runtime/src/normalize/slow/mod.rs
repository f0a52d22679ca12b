//! The slow path: an item as a tree, row by row as dlt does it.
//!
//! It decides what the fast path cannot: types of new columns, variants, contracts, rows with
//! identifiers of their own or made of hashes, keys that come twice. It is also the only place where
//! the schema changes, and the only one that reports what is wrong with a value.

mod fit;
mod misfit;

use std::borrow::Cow;

use floe_schema::{DataType, ID, LIST_IDX, LOAD_ID, PARENT_ID, hash, is_internal};
use indexmap::IndexMap;

use super::plan::{Plan, RowIdentity, list_name};
use super::reject::Rejection;
use super::rows::{PageRows, RandomIds};
use super::tree::{Node as Item, Tree};
use crate::error::{Error, ErrorKind, Step};
use crate::value::{Value, coerce};

/// An error with the place of the value in the page.
#[derive(Debug)]
pub(crate) struct Located {
    pub(crate) error: Error,
    pub(crate) at: Option<usize>,
}

/// Why an item was not normalised.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The schema would have to change, or something is wrong, and this is not the time.
    NotNow,
    /// A contract keeps the item out.
    Rejected(Rejection),
    Failed(Located),
}

type Outcome<T = ()> = Result<T, Stop>;

/// The plan, with or without the right to change it.
pub(crate) enum Access<'p> {
    Shared(&'p Plan),
    Exclusive(&'p mut Plan),
}

impl Access<'_> {
    fn plan(&self) -> &Plan {
        match self {
            Self::Shared(plan) => plan,
            Self::Exclusive(plan) => plan,
        }
    }
}

/// What contracts dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Discarded {
    pub(crate) rows: u64,
    pub(crate) values: u64,
}

/// A value of a row before it has a column.
#[derive(Debug, Clone)]
struct Cell<'i> {
    value: Value<'i>,
    at: Option<usize>,
}

type Row<'i> = IndexMap<String, Cell<'i>>;

/// A list below a row: names of the way to it, and its elements.
type Lists<'i> = IndexMap<Vec<String>, &'i [Item<'i>]>;

pub(crate) struct SlowPath<'p> {
    access: Access<'p>,
    rows: &'p mut PageRows,
    ids: &'p mut RandomIds,
    pub(crate) discarded: Discarded,
    /// The item itself has no row.
    pub(crate) root_discarded: bool,
}

/// What a row has from above.
#[derive(Clone, Copy)]
struct Above<'i, 'r> {
    extend: &'r Row<'i>,
    /// Names that make up the name of the parent table.
    path: &'r [String],
    id: Option<&'r str>,
    index: Option<usize>,
}

impl<'p> SlowPath<'p> {
    pub(crate) fn new(access: Access<'p>, rows: &'p mut PageRows, ids: &'p mut RandomIds) -> Self {
        Self { access, rows, ids, discarded: Discarded::default(), root_discarded: false }
    }

    /// Normalises an item into rows of a root table and those below it.
    pub(crate) fn item<'i>(&mut self, root_table: &str, item: &'i Item<'i>) -> Outcome {
        let level = self.plan().max_nesting(root_table);
        let fragments = [root_table.to_owned()];
        let nothing = Row::new();
        let above = Above { extend: &nothing, path: &[], id: None, index: None };
        match &item.tree {
            Tree::Object(entries) => {
                self.row(entries.iter().map(|(k, v)| (k.as_ref(), v)), item, above, &fragments, level, true)
            }
            _ => self.row([("value", item)].into_iter(), item, above, &fragments, level, true),
        }
    }

    fn plan(&self) -> &Plan {
        self.access.plan()
    }

    fn table_name(&self, fragments: &[String]) -> String {
        self.plan().naming.join(fragments.iter().map(String::as_str))
    }

    /// One object: its own row, then the rows of its lists.
    fn row<'i>(
        &mut self,
        entries: impl Iterator<Item = (&'i str, &'i Item<'i>)>,
        item: &'i Item<'i>,
        above: Above<'i, '_>,
        fragments: &[String],
        level: i64,
        is_root: bool,
    ) -> Outcome {
        let table = self.table_name(fragments);
        let (mut row, lists) = self.flatten(&table, entries, level);
        for (name, cell) in above.extend {
            row.insert(name.clone(), cell.clone());
        }
        let is_root = is_root || !self.plan().should_be_nested(&table);
        if is_root {
            let load_id = Cow::Owned(self.plan().load_id.to_string());
            row.insert(LOAD_ID.to_owned(), Cell { value: Value::Text(load_id), at: None });
        }
        let own = row.get(ID).filter(|cell| is_truthy(&cell.value)).map(|cell| text_of(&cell.value));
        let id = match own {
            Some(id) => id,
            None => self.add_row_id(&table, item, &mut row, above, is_root)?,
        };
        let propagated = self.propagated(&table, &row, is_root);
        let extend: Cow<'_, Row<'i>> = match propagated {
            Some(propagated) => {
                let mut extend = above.extend.clone();
                extend.extend(propagated);
                Cow::Owned(extend)
            }
            None => Cow::Borrowed(above.extend),
        };
        let parent_table = self.table_name(above.path);
        if !self.emit(&table, &parent_table, row, item.at)? {
            self.root_discarded |= above.path.is_empty();
            return Ok(());
        }
        for (path, items) in &lists {
            let mut below = fragments.to_vec();
            below.extend(path.iter().cloned());
            self.list(items, &extend, fragments, &below, &id, level - 1)?;
        }
        Ok(())
    }

    /// The elements of a list as rows.
    fn list<'i>(
        &mut self,
        items: &'i [Item<'i>],
        extend: &Row<'i>,
        parent_path: &[String],
        fragments: &[String],
        parent_id: &str,
        level: i64,
    ) -> Outcome {
        let table = self.table_name(fragments);
        if self.plan().is_rejected(&table) && !items.is_empty() {
            let message = format!("a list would go to table {table}, which is for rejected items");
            let error = Error::new(ErrorKind::TableConflict, message).table(&table);
            let error = error.help("give the resource another table_name");
            return Err(self.failed(error, items.first().map(|item| item.at)));
        }
        let is_root = !self.plan().should_be_nested(&table);
        if is_root && !items.is_empty() && !self.plan().with_elements.contains(&table) {
            match &mut self.access {
                Access::Exclusive(plan) => plan.with_elements.insert(table.clone()),
                Access::Shared(_) => return Err(Stop::NotNow),
            };
        }
        for (index, item) in items.iter().enumerate() {
            let above = Above { extend, path: parent_path, id: Some(parent_id), index: Some(index) };
            match &item.tree {
                Tree::Object(entries) => {
                    let entries = entries.iter().map(|(k, v)| (k.as_ref(), v));
                    self.row(entries, item, above, fragments, level, false)?;
                }
                Tree::List(_) => {
                    self.row([("list", item)].into_iter(), item, above, fragments, level - 1, false)?;
                }
                Tree::Scalar(value) => {
                    let cell = Cell { value: value.clone(), at: Some(item.at) };
                    let mut row = Row::from([("value".to_owned(), cell)]);
                    row.extend(extend.iter().map(|(k, v)| (k.clone(), v.clone())));
                    self.add_row_id(&table, item, &mut row, above, is_root)?;
                    let parent_table = self.table_name(parent_path);
                    self.emit(&table, &parent_table, row, item.at)?;
                }
            }
        }
        Ok(())
    }

    /// Scalars of an object and of the objects in it; lists apart. Nested objects come after the
    /// scalars around them, the last one first.
    fn flatten<'i>(
        &self,
        table: &str,
        entries: impl Iterator<Item = (&'i str, &'i Item<'i>)>,
        level: i64,
    ) -> (Row<'i>, Lists<'i>) {
        type Entries<'i> = Vec<(&'i str, &'i Item<'i>)>;
        let plan = self.plan();
        let mut row = Row::new();
        let mut lists = Lists::new();
        let mut stack: Vec<(Entries<'i>, i64, Vec<String>)> = vec![(entries.collect(), level, Vec::new())];
        while let Some((entries, level, path)) = stack.pop() {
            for (key, item) in entries {
                let own = plan.naming.key(key);
                let name = match path.is_empty() {
                    true => own.clone(),
                    false => plan.naming.join(path.iter().map(String::as_str).chain([own.as_str()])),
                };
                let value = match &item.tree {
                    Tree::Object(entries) if !plan.stays_whole(table, &name, level) => {
                        let mut path = path.clone();
                        path.push(own);
                        let entries = entries.iter().map(|(k, v)| (k.as_ref(), v)).collect();
                        stack.push((entries, level - 1, path));
                        continue;
                    }
                    Tree::List(items) if !plan.stays_whole(table, &name, level) => {
                        let mut path = path.clone();
                        path.push(list_name(&plan.naming, key, path.is_empty()));
                        lists.insert(path, items.as_slice());
                        continue;
                    }
                    Tree::Object(_) | Tree::List(_) => Value::Json(item.compact().into()),
                    Tree::Scalar(value) => value.clone(),
                };
                row.insert(name, Cell { value, at: Some(item.at) });
            }
        }
        (row, lists)
    }

    fn add_row_id(
        &mut self,
        table: &str,
        item: &Item<'_>,
        row: &mut Row<'_>,
        above: Above<'_, '_>,
        is_root: bool,
    ) -> Outcome<String> {
        let text = |value: String| Cell { value: Value::Text(Cow::Owned(value)), at: None };
        let id = if !is_root {
            let (parent, index) = (above.id.unwrap_or_default(), above.index.unwrap_or_default());
            row.insert(PARENT_ID.to_owned(), text(parent.to_owned()));
            row.insert(LIST_IDX.to_owned(), Cell { value: Value::Int(index as i128), at: None });
            hash::nested_row_id(parent, table, index)
        } else {
            match self.plan().identity(table) {
                RowIdentity::Random => self.ids.next_text(),
                RowIdentity::Key => self.key_hash(table, row, item)?,
                RowIdentity::Content => content_hash(item),
            }
        };
        row.insert(ID.to_owned(), text(id.clone()));
        Ok(id)
    }

    fn key_hash(&self, table: &str, row: &Row<'_>, item: &Item<'_>) -> Outcome<String> {
        let mut key = serde_json::Map::new();
        let columns = self.plan().schema.tables.get(table);
        for column in columns.into_iter().flat_map(|t| t.with_hint(floe_schema::Hint::PrimaryKey)) {
            let Some(cell) = row.get(column.name.as_ref()) else {
                let error = Error::new(
                    ErrorKind::KeyMissing,
                    format!("the row has no `{}`, which is part of the primary key", column.name),
                )
                .table(table)
                .column(column.name.as_ref())
                .help("rows of this table are identified by their key: give every row one");
                return Err(self.failed(error, Some(item.at)));
            };
            key.insert(column.name.to_string(), json_of(&cell.value));
        }
        Ok(hash::content_row_id(&serde_json::Value::Object(key)))
    }

    /// Columns of this row that all rows below it take over.
    fn propagated<'i>(&self, table: &str, row: &Row<'i>, is_root: bool) -> Option<Row<'i>> {
        let columns = self.plan().propagated(table, is_root);
        let taken: Row<'i> = columns
            .into_iter()
            .filter_map(|(from, to)| row.get(from).map(|cell| (to.to_owned(), cell.clone())))
            .collect();
        (!taken.is_empty()).then_some(taken)
    }

    /// An error counts only when the plan is up to date.
    fn failed(&self, error: Error, at: Option<usize>) -> Stop {
        match self.access {
            Access::Shared(_) => Stop::NotNow,
            Access::Exclusive(_) => Stop::Failed(Located { error: error.step(Step::Normalize), at }),
        }
    }
}

/// Whether Python takes the value for true.
fn is_truthy(value: &Value<'_>) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Text(text) => !text.is_empty(),
        Value::Int(int) => *int != 0,
        Value::Double(double) => *double != 0.0,
        _ => true,
    }
}

fn text_of(value: &Value<'_>) -> String {
    match coerce(DataType::Text, value.clone()) {
        Ok(Value::Text(text)) => text.into_owned(),
        _ => String::new(),
    }
}

fn json_of(value: &Value<'_>) -> serde_json::Value {
    if let Value::Json(text) = value {
        return serde_json::from_str(text).unwrap_or_default();
    }
    Item { at: 0, tree: Tree::Scalar(value.clone()) }.to_json()
}

fn content_hash(item: &Item<'_>) -> String {
    let mut content = match &item.tree {
        Tree::Object(_) => item.to_json(),
        _ => serde_json::json!({ "value": item.to_json() }),
    };
    if let Some(map) = content.as_object_mut() {
        map.retain(|key, _| !is_internal(key));
    }
    hash::content_row_id(&content)
}
