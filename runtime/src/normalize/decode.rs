//! The fast path: items whose every value the plan knows go straight into the columns.
//!
//! Nothing is allocated for a row. Whenever something is met that the plan does not know, or that
//! only a look at the whole row can decide, the rows of the item are taken back and the item is
//! left to the slow path.

use super::column::{ColumnBuilder, Storage};
use super::plan::{ColumnId, Entry, ListId, NodeId, Plan, Root, Route, Slot, TableId};
use super::rows::PageRows;
use super::scan::{MAX_DEPTH, NumberToken, Peek, Problem, ScanError, Scanner};
use super::tree::Node as Item;
use crate::value::{Misfit, Value, time, typed_text};
use floe_schema::DataType;

/// Why an item was not decoded.
#[derive(Debug, PartialEq)]
pub(crate) enum Stop {
    /// The text is no JSON.
    Broken(ScanError),
    /// The slow path has to look at it.
    Slow,
}

impl From<ScanError> for Stop {
    fn from(error: ScanError) -> Self {
        Self::Broken(error)
    }
}

type Outcome<T = ()> = Result<T, Stop>;

/// First byte of the characters that mark typed texts.
const TYPE_MARK: u8 = 0xef;

/// Which rows have met which keys with nested values, to notice keys that come twice.
#[derive(Debug, Default)]
pub(crate) struct Met(Vec<Vec<u64>>);

impl Met {
    /// Whether the row meets the entry of a node for the first time.
    #[inline]
    fn first(&mut self, node: NodeId, entry: usize, stamp: u64) -> bool {
        if self.0.len() <= node {
            self.0.resize_with(node + 1, Vec::new);
        }
        let Some(entries) = self.0.get_mut(node) else { return false };
        if entries.len() <= entry {
            entries.resize(entry + 1, 0);
        }
        let Some(last) = entries.get_mut(entry) else { return false };
        std::mem::replace(last, stamp) != stamp
    }
}

pub(crate) struct Decoder<'a, 'p> {
    plan: &'p Plan,
    scanner: &'p mut Scanner<'a>,
    rows: &'p mut PageRows,
    met: &'p mut Met,
    /// Set when a null was met for which there is no column.
    pub(crate) unknown_null: bool,
    /// Values that contracts dropped.
    pub(crate) discarded: u64,
}

impl<'a, 'p> Decoder<'a, 'p> {
    pub(crate) fn new(
        plan: &'p Plan,
        scanner: &'p mut Scanner<'a>,
        rows: &'p mut PageRows,
        met: &'p mut Met,
    ) -> Self {
        Self { plan, scanner, rows, met, unknown_null: false, discarded: 0 }
    }

    /// Decodes the item at the scanner into a row of a root table and the rows below it.
    pub(crate) fn item(&mut self, root: &Root) -> Outcome {
        let peek = self.scanner.peek()?;
        if !self.is_fast(root.table) {
            return Err(Stop::Slow);
        }
        let row = self.rows.start_root(root.table);
        match peek {
            Peek::Object => self.object(root.node, row, 0)?,
            peek => self.value(&root.value, root.table, row, peek, 0)?,
        }
        let key = self.plan.tables.get(root.table).and_then(|table| table.key.as_ref());
        match key {
            Some(key) if !self.rows.has_key(root.table, row, key) => Err(Stop::Slow),
            _ => Ok(()),
        }
    }

    fn is_fast(&self, table: TableId) -> bool {
        self.plan.tables.get(table).is_some_and(|t| t.fast)
    }

    fn object(&mut self, node_id: NodeId, row: usize, depth: usize) -> Outcome {
        if depth > MAX_DEPTH {
            return Err(Stop::Broken(self.scanner.error(Problem::TooDeep)));
        }
        let plan = self.plan;
        let node = plan.nodes.get(node_id).ok_or(Stop::Slow)?;
        let mut expected = 0;
        let mut more = self.scanner.open_object()?;
        while more {
            let key = self.scanner.key()?;
            let found = if key.escaped {
                node.find(key.decode()?.as_bytes(), expected)
            } else {
                node.find(key.raw, expected)
            };
            let peek = self.scanner.peek()?;
            match found.and_then(|at| Some((at, node.entries.get(at)?))) {
                Some((at, entry)) => {
                    expected = at + 1;
                    self.member(entry, (node_id, at), node.table, row, peek, depth)?;
                }
                None if peek == Peek::Null => {
                    self.scanner.word("null")?;
                    self.unknown_null = true;
                }
                None => return Err(Stop::Slow),
            }
            more = self.scanner.more_keys()?;
        }
        Ok(())
    }

    /// The value of a key. Values that are taken apart must not come twice in a row.
    #[inline]
    fn member(
        &mut self,
        entry: &Entry,
        place: (NodeId, usize),
        table: TableId,
        row: usize,
        peek: Peek,
        depth: usize,
    ) -> Outcome {
        if matches!(peek, Peek::Object | Peek::List) {
            let stamp = self.rows.stamp(row);
            if !self.met.first(place.0, place.1, stamp) {
                return Err(Stop::Slow);
            }
        }
        self.value(entry, table, row, peek, depth)
    }

    #[inline]
    fn value(&mut self, entry: &Entry, table: TableId, row: usize, peek: Peek, depth: usize) -> Outcome {
        match peek {
            Peek::Object => match entry.object {
                Route::Open(child) => self.object(child, row, depth + 1),
                Route::Whole => self.whole(entry.scalar, table, row, depth),
                Route::Discard => self.discard(depth),
                Route::Unknown | Route::Empty | Route::Slow => Err(Stop::Slow),
            },
            Peek::List => match entry.list {
                Route::Open(list) => self.list(list, row, depth + 1),
                Route::Whole => self.whole(entry.scalar, table, row, depth),
                Route::Discard => self.discard(depth),
                Route::Empty if !self.scanner.open_list()? => Ok(()),
                Route::Unknown | Route::Empty | Route::Slow => Err(Stop::Slow),
            },
            scalar => self.scalar(entry.scalar, table, row, scalar),
        }
    }

    fn discard(&mut self, depth: usize) -> Outcome {
        self.discarded += 1;
        Ok(self.scanner.skip_value(depth)?)
    }

    /// A nested value that stays whole.
    fn whole(&mut self, slot: Slot, table: TableId, row: usize, depth: usize) -> Outcome {
        let Slot::Column(column) = slot else {
            return if slot == Slot::Discard { self.discard(depth) } else { Err(Stop::Slow) };
        };
        let item = Item::read(self.scanner, depth)?;
        self.push(table, column, row, Value::Json(item.compact().into()))
    }

    fn list(&mut self, list: ListId, parent: usize, depth: usize) -> Outcome {
        if depth > MAX_DEPTH {
            return Err(Stop::Broken(self.scanner.error(Problem::TooDeep)));
        }
        let plan = self.plan;
        let list = plan.lists.get(list).ok_or(Stop::Slow)?;
        let table = list.table;
        let nested = plan.tables.get(table).filter(|t| t.fast).ok_or(Stop::Slow)?.nested;
        if !self.rows.open_list(table, parent) {
            return Err(Stop::Slow);
        }
        let mut index = 0;
        let mut more = self.scanner.open_list()?;
        while more {
            let peek = self.scanner.peek()?;
            if !nested {
                return Err(Stop::Slow);
            }
            let row = self.rows.start_nested(table, parent, index);
            match peek {
                Peek::Object => self.object(list.node, row, depth + 1)?,
                Peek::List => {
                    let wrapper = plan.nodes.get(list.wrapper).and_then(|node| node.entries.first());
                    let entry = wrapper.ok_or(Stop::Slow)?;
                    self.value(entry, table, row, peek, depth)?;
                }
                scalar => self.scalar(list.value.scalar, table, row, scalar)?,
            }
            index += 1;
            more = self.scanner.more_elements()?;
        }
        Ok(())
    }

    #[inline]
    fn scalar(&mut self, slot: Slot, table: TableId, row: usize, peek: Peek) -> Outcome {
        let Slot::Column(column) = slot else { return self.without_column(slot, peek) };
        match peek {
            Peek::Text => self.text(table, column, row),
            Peek::Number => self.number(table, column, row),
            Peek::True | Peek::False => {
                let value = peek == Peek::True;
                self.scanner.word(if value { "true" } else { "false" })?;
                if self.builder(table, column, row)?.push_bool(value) {
                    return Ok(());
                }
                self.push(table, column, row, Value::Bool(value))
            }
            Peek::Null | Peek::Object | Peek::List => {
                self.scanner.word("null")?;
                self.null(table, column, row)
            }
        }
    }

    #[cold]
    fn without_column(&mut self, slot: Slot, peek: Peek) -> Outcome {
        match slot {
            Slot::Discard => self.discard(0),
            Slot::Unknown if peek == Peek::Null => {
                self.unknown_null = true;
                Ok(self.scanner.word("null")?)
            }
            _ => Err(Stop::Slow),
        }
    }

    #[inline]
    fn builder(&mut self, table: TableId, column: ColumnId, row: usize) -> Outcome<&mut ColumnBuilder> {
        // a column that has a value in this row already belongs to two keys
        self.rows.column(table, column, row).ok_or(Stop::Slow)
    }

    #[inline]
    fn null(&mut self, table: TableId, column: ColumnId, row: usize) -> Outcome {
        let nullable =
            self.plan.tables.get(table).and_then(|t| t.columns.get(column)).is_some_and(|c| c.nullable);
        if !nullable {
            return Err(Stop::Slow);
        }
        self.builder(table, column, row)?.fill(row + 1);
        Ok(())
    }

    #[inline]
    fn text(&mut self, table: TableId, column: ColumnId, row: usize) -> Outcome {
        let token = self.scanner.text()?;
        if token.escaped || token.raw.first() == Some(&TYPE_MARK) {
            let text = token.decode()?;
            if typed_text(&text).is_some() {
                return Err(Stop::Slow);
            }
            return self.push(table, column, row, Value::Text(text));
        }
        let builder = self.builder(table, column, row)?;
        match builder.storage() {
            Storage::Text => builder.push_text(token.raw).map(|_| ()).map_err(|_| Stop::Slow),
            Storage::Timestamp { .. } => {
                let text = token.decode()?;
                match time::timestamp(&text) {
                    Some(micros) if builder.push_timestamp(micros) => Ok(()),
                    _ => self.push(table, column, row, Value::Text(text)),
                }
            }
            _ => {
                let text = token.decode()?;
                self.push(table, column, row, Value::Text(text))
            }
        }
    }

    #[inline]
    fn number(&mut self, table: TableId, column: ColumnId, row: usize) -> Outcome {
        let value = match self.scanner.number()? {
            NumberToken::Int(int) => {
                let builder = self.builder(table, column, row)?;
                if builder.push_int(int)
                    || builder.data_type() == DataType::Double && builder.push_double(int as f64)
                {
                    return Ok(());
                }
                Value::Int(int.into())
            }
            NumberToken::Double(double) => {
                if self.builder(table, column, row)?.push_double(double) {
                    return Ok(());
                }
                Value::Double(double)
            }
            NumberToken::Large(int) => Value::Int(int.into()),
            NumberToken::NotFinite => return self.null(table, column, row),
        };
        self.push(table, column, row, value)
    }

    /// Any value into a column, or into the variant of the column for its type.
    fn push(&mut self, table: TableId, column: ColumnId, row: usize, value: Value<'_>) -> Outcome {
        let kind = value.data_type();
        let builder = self.builder(table, column, row)?;
        let fits = builder.data_type() == kind;
        if (!fits || may_change(&value)) && self.is_in_key(table, column) {
            return Err(Stop::Slow);
        }
        let builder = self.builder(table, column, row)?;
        if fits {
            return builder.push(value).map_err(|_| Stop::Slow);
        }
        match builder.push(value.clone()) {
            Ok(()) => return Ok(()),
            Err(Misfit::Range(_)) => return Err(Stop::Slow),
            Err(Misfit::Type) => {}
        }
        let plan = self.plan.tables.get(table).and_then(|t| t.columns.get(column));
        let variant = plan.and_then(|c| c.variant(kind)).ok_or(Stop::Slow)?;
        self.builder(table, variant, row)?.push(value).map_err(|_| Stop::Slow)
    }

    /// Whether a row is identified by the value as it comes.
    fn is_in_key(&self, table: TableId, column: ColumnId) -> bool {
        let key = self.plan.tables.get(table).and_then(|table| table.key.as_ref());
        key.is_some_and(|key| key.has(column))
    }
}

/// Whether a column may keep less than the value, although it has its type.
fn may_change(value: &Value<'_>) -> bool {
    match value {
        Value::Text(text) => memchr::memchr(0, text.as_bytes()).is_some(),
        _ => true,
    }
}
