//! Tables that are Rust types.
//!
//! A type says two things: its [`Shape`], a constant that the compiler can look at, and how a value of it is
//! written as JSON. Rows take the same way into tables as everything else, with the whole
//! schema as hints, so that a table does not depend on whether its rows were structs.

mod decimal;
mod entries;
mod fields;
#[cfg(feature = "jiff")]
mod jiff;
mod json;
mod json_schema;
mod pages;
mod read;
mod refit;
mod rows;
mod schema;
mod source;
mod time;
mod write;

pub use decimal::{Decimal, DecimalError};
pub use entries::Entries;
pub use json::Json;
pub use json_schema::json_schema;
pub use pages::{Cursor, IntoPages, row_stream, rows};
pub use read::{Reader, TableRows};
pub use rows::Rows;
pub use source::Source;
pub use write::RowWriter;

pub(crate) use refit::Refit;
pub(crate) use schema::{Typed, keys_of, stored_otherwise};

use floe_schema::typed::{ContractFile, Shape, TableDef};
use floe_schema::{Contract, Schema, WriteDisposition};

use std::sync::{Mutex, PoisonError};

use crate::Resource;
use crate::error::Error;
use crate::incremental::DedupKey;

/// What a field of a [`Table`] may be. `#[derive(Table)]` implements it for structs, newtypes and enums.
///
/// ```
/// use floe::{Field, RowWriter};
/// use floe::schema::{DataType, typed::Shape};
///
/// struct Celsius(f64);
///
/// impl Field for Celsius {
///     const SHAPE: Shape = Shape::of(DataType::Double);
///     fn write(&self, out: &mut RowWriter) {
///         self.0.write(out);
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of a table",
    label = "what becomes of this in a dataset is not known",
    note = "derive `Table` for the type, wrap the value in `floe::Json`, or leave the field out with `#[serde(skip)]`"
)]
pub trait Field {
    /// What becomes of it in a dataset.
    const SHAPE: Shape;
    /// What becomes of a list of them.
    const LIST: Shape = Shape::list(&Self::SHAPE);

    /// Writes the value as JSON.
    fn write(&self, out: &mut RowWriter) {
        out.object(|out| self.write_fields(out));
    }

    /// Writes a key with the value, or nothing if there is nothing to write. The key comes with quotes and colon.
    #[inline]
    fn write_field(&self, key: &'static str, out: &mut RowWriter) {
        if !self.is_absent() {
            out.key(key);
            self.write(out);
        }
    }

    /// Writes keys and values of a struct without the brackets.
    fn write_fields(&self, _out: &mut RowWriter) {}

    /// Writes a list of values.
    fn write_list(items: &[Self], out: &mut RowWriter)
    where
        Self: Sized,
    {
        out.list(items);
    }

    /// Whether there is nothing to write.
    fn is_absent(&self) -> bool {
        false
    }
}

/// A struct whose values are rows of a table. `#[derive(Table)]` implements it.
///
/// ```
/// use floe::prelude::*;
///
/// #[derive(Table)]
/// #[table(primary_key = "id", write = merge)]
/// struct Order {
///     id: i64,
///     customer: Option<String>,
///     lines: Vec<Line>, // a table below, orders__lines
/// }
///
/// #[derive(Table)]
/// struct Line {
///     sku: String,
///     count: u32,
/// }
///
/// let orders = Resource::of::<Order>().rows([Order { id: 1, customer: None, lines: vec![] }]);
/// assert_eq!(orders.name(), "order");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a table",
    label = "rows of this type have no schema",
    note = "add `#[derive(floe::Table)]` to the struct"
)]
pub trait Table: Field {
    /// The schema.
    const TABLE: TableDef;
}

impl Resource {
    /// A resource with the name, the columns, the keys and the disposition of a type.
    pub fn of<T: Table>() -> Self {
        let name = const { if let Some(name) = T::TABLE.resource { name } else { T::TABLE.name } };
        Self::new(name).table(T::TABLE.name).typed::<T>()
    }

    /// The same resource with items that are as the type says, whatever brings them. Keys and disposition
    /// are those of the type if it has some, and the contract freezes the tables.
    ///
    /// ```
    /// # use floe::prelude::*;
    /// #[derive(Table)]
    /// struct Reading { sensor: String, at: chrono::DateTime<chrono::Utc> }
    /// let readings = Resource::new("readings").typed::<Reading>().json_lines("");
    /// assert_eq!(readings.name(), "readings");
    /// ```
    pub fn typed<T: Table>(mut self) -> Self {
        let table = const { T::TABLE };
        if !table.primary_key.is_empty() {
            self = self.primary_key(table.primary_key.iter().copied());
            self.dedup_key = dedup_key(&table);
        }
        if !table.merge_key.is_empty() {
            self = self.merge_key(table.merge_key.iter().copied());
        }
        if let Some(kind) = table.write {
            self = self.write_disposition(kind);
        }
        if let (Some(strategy), Some(disposition)) = (table.strategy, &mut self.hints.disposition)
            && disposition.kind == WriteDisposition::Merge
        {
            let mut set = |key: &str, value: Option<serde_json::Value>| {
                value.and_then(|value| disposition.options.insert(key.to_owned(), value))
            };
            set("strategy", Some(strategy.as_str().into()));
            set("validity_column_names", table.validity.map(|(from, to)| vec![from, to].into()));
            set("active_record_timestamp", table.active_record_timestamp.map(Into::into));
            set("boundary_timestamp", table.boundary_timestamp.map(Into::into));
            disposition.shorthand = false;
        }
        if let Some(mode) = table.contract {
            self.hints.schema_contract = Some(Contract::All(mode));
        }
        if let Some(levels) = table.max_nesting {
            self = self.max_table_nesting(levels);
        }
        if let Some(cursor) = table.cursor.filter(|_| self.incremental.is_none()) {
            self = self.incremental(crate::Incremental::at_keys(&keys_of(&table, cursor)));
        }
        self.typed = Some(Typed(table));
        self
    }
}

impl Resource {
    /// The same resource with rows of a type, which is its type from now on if it has none. They are taken
    /// from the iterator while the run goes on.
    ///
    /// ```
    /// # use floe::prelude::*;
    /// #[derive(Table)]
    /// struct Square { of: u64, is: u64 }
    ///
    /// let squares = Resource::new("squares").rows((0..1000).map(|of| Square { of, is: of * of }));
    /// # let folder = tempfile::tempdir().unwrap();
    /// let pipeline = Pipeline::new("p").destination(floe::Memory::default()).pipelines_dir(folder.path());
    /// assert_eq!(pipeline.run_blocking([squares])?.rows("squares"), 1000);
    /// # Ok::<(), floe::Error>(())
    /// ```
    pub fn rows<T, I>(self, rows: I) -> Self
    where
        T: Table + 'static,
        I: IntoIterator<Item = T>,
        I::IntoIter: Send + 'static,
    {
        let typed = if self.typed.is_some() { self } else { self.typed::<T>() };
        let rows = Mutex::new(Some(rows.into_iter()));
        typed.stream(move |_| match rows.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(rows) => pages::rows(rows),
            None => pages::failed(
                Error::config("the rows of the resource were read already")
                    .help("make the resource anew for each run, or give it a stream"),
            ),
        })
    }
}

/// The key as items have it, by which those with equal cursors are told apart; all of the item where the key is
/// further down.
fn dedup_key(table: &TableDef) -> Option<DedupKey> {
    let mut names = Vec::new();
    for column in table.primary_key {
        match keys_of(table, column).as_slice() {
            [name] => names.push(name.clone()),
            _ => return None,
        }
    }
    Some(match names.as_slice() {
        [one] => DedupKey::One(one.clone()),
        _ => DedupKey::Many(names),
    })
}

/// The schema of a type, with its root table and all tables below it.
///
/// ```
/// # use floe::prelude::*;
/// #[derive(Table)]
/// struct Order { id: i64, lines: Vec<String> }
/// let schema = floe::schema_of::<Order>();
/// assert_eq!(schema.tables["order__lines"].parent.as_deref(), Some("order"));
/// ```
pub fn schema_of<T: Table>() -> Schema {
    let table = const { T::TABLE };
    let mut schema = Schema::new(table.name);
    for table in schema::tables(&table) {
        schema.tables.insert(table.name.clone(), table);
    }
    schema
}

/// The text of a contract file for a type.
pub(crate) fn contract_text<T: Table>() -> String {
    ContractFile::of(&schema::tables(&const { T::TABLE })).to_string()
}
