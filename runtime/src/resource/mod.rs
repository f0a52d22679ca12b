//! Resources: what is loaded, into which table, and how.

mod change;
mod hints;
mod json;

use floe_schema::{Column, Contract, WriteDisposition};
use indexmap::IndexMap;
use serde_json::Value as Json;

use crate::error::Result;
use crate::incremental::{DedupKey, Incremental};
use crate::input::{Feed, Format};
use crate::secret::Secret;
use crate::stream::{Open, Pages, Slice};
use crate::typed::Typed;

pub use change::Limit;
pub(crate) use change::{Change, Changed, Changes};
pub(crate) use hints::{apply_hints, merge_table};
pub(crate) use json::{refuse_unknown, wrong};

/// The table that items go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableName {
    /// All items go to one table.
    Fixed(String),
    /// A field of the item names the table.
    Field {
        /// The field.
        field: String,
        /// What is put in front of its text.
        prefix: String,
    },
}

/// What happens to the rows that a table has.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Disposition {
    /// The kind.
    pub kind: WriteDisposition,
    /// Options of a merge as they were given, `strategy` among them.
    pub options: IndexMap<String, Json>,
    /// Whether only the word was given.
    pub shorthand: bool,
}

impl Disposition {
    /// A disposition without options.
    pub(crate) fn new(kind: WriteDisposition) -> Self {
        Self { kind, options: IndexMap::new(), shorthand: true }
    }
}

/// Hints for a table.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct TableHints {
    /// Columns with what is known of them.
    pub columns: IndexMap<String, Column>,
    /// Names of the primary key; an empty list takes back the hints of the columns.
    pub primary_key: Option<Vec<String>>,
    /// Names of the merge key.
    pub merge_key: Option<Vec<String>>,
    /// What happens to the rows that the table has.
    pub disposition: Option<Disposition>,
    /// What may change.
    pub schema_contract: Option<Contract>,
    /// Format of load files.
    pub file_format: Option<String>,
    /// References to other tables, as the schema document has them.
    pub references: Option<Json>,
}

/// A stream of items with a name, and where and how it is loaded.
///
/// ```
/// use floe::{Resource, WriteDisposition};
/// let users = Resource::new("Users").primary_key(["id"]).write_disposition(WriteDisposition::Merge);
/// assert_eq!(users.name(), "Users");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    pub(crate) name: String,
    pub(crate) table: TableName,
    pub(crate) hints: TableHints,
    pub(crate) max_table_nesting: Option<i64>,
    pub(crate) nested: Vec<(Vec<String>, TableHints)>,
    pub(crate) incremental: Option<Incremental>,
    /// The primary key as it was given: dlt hashes a name and a list of one name differently.
    pub(crate) dedup_key: Option<DedupKey>,
    pub(crate) data: Data,
    /// What is known of the items before the first one.
    pub(crate) typed: Option<Typed>,
    /// The resource whose items the stream needs.
    pub(crate) parent: Option<String>,
    pub(crate) selected: bool,
}

/// Where the items of a resource come from.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Data {
    pub(crate) feeds: Vec<Feed>,
    /// `None`: the content tells.
    pub(crate) format: Option<Format>,
    /// Pages that are made while the run goes on, in place of feeds.
    pub(crate) stream: Option<Open>,
    /// What the stream is, if it can go on where an earlier one stopped.
    pub(crate) resumable: Option<String>,
    /// What happens to the items before anything else.
    pub(crate) changes: Vec<Change>,
    /// In front of values about people before they are hashed.
    pub(crate) salt: Option<Secret>,
}

impl Resource {
    /// A resource that appends to the table of its own name.
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        let disposition = Some(Disposition::new(WriteDisposition::Append));
        Self {
            table: TableName::Fixed(name.clone()),
            name,
            hints: TableHints { disposition, ..TableHints::default() },
            max_table_nesting: None,
            nested: Vec::new(),
            incremental: None,
            dedup_key: None,
            data: Data::default(),
            typed: None,
            parent: None,
            selected: true,
        }
    }

    /// The same resource with items from a file, or from all files that match a pattern such as
    /// `data/*.jsonl`. Format and compression are found by looking at the content.
    ///
    /// ```
    /// # use floe::Resource;
    /// let error = Resource::new("items").files("no/such/*.csv").unwrap_err();
    /// assert_eq!(error.to_string(), "no file matches no/such/*.csv");
    /// ```
    pub fn files(mut self, pattern: &str) -> Result<Self> {
        self.data.feeds.extend(crate::input::expand(pattern)?);
        Ok(self)
    }

    /// The same resource with items from standard input.
    pub fn stdin(mut self) -> Self {
        self.data.feeds.push(Feed::Stdin);
        self
    }

    /// The same resource with items from text, one JSON value a line.
    pub fn json_lines(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.data.feeds.push(Feed::Text(text.into().into()));
        self.data.format = Some(Format::JsonLines);
        self
    }

    /// The same resource with items from pages that are made while the run goes on. Streams of several
    /// resources run at the same time.
    ///
    /// ```
    /// use floe::{Memory, Page, Pipeline, Resource};
    /// use futures_util::stream;
    ///
    /// let numbers = Resource::new("numbers").stream(|_slice| {
    ///     let pages = (1..=3).map(|page| Ok(Page::json(format!("[{page}0, {page}1]"))));
    ///     Box::pin(stream::iter(pages))
    /// });
    /// # let folder = tempfile::tempdir().unwrap();
    /// let pipeline = Pipeline::new("p").destination(Memory::default()).pipelines_dir(folder.path());
    /// assert_eq!(pipeline.run_blocking([numbers])?.rows("numbers"), 6);
    /// # Ok::<(), floe::Error>(())
    /// ```
    pub fn stream(mut self, open: impl Fn(Slice) -> Pages + Send + Sync + 'static) -> Self {
        self.data.stream = Some(Open::new(open));
        self
    }

    /// The same resource with a stream that needs the items of another stream of the run, which
    /// [`Slice::parent`] gives. They are those that the cursor of the parent lets through.
    ///
    /// ```
    /// use floe::{Memory, Page, Pipeline, Resource};
    /// use futures_util::{StreamExt, stream};
    ///
    /// let orders = Resource::new("orders").stream(|_| {
    ///     Box::pin(stream::iter([Ok(Page::json(r#"[{"id": 1}, {"id": 2}]"#))]))
    /// });
    /// let lines = Resource::new("lines").parent("orders").stream(|slice| {
    ///     let orders = slice.parent().unwrap_or_else(|| Box::pin(stream::empty()));
    ///     Box::pin(orders.map(|page| Ok(Page::lines(page?.bytes().len().to_string()))))
    /// });
    /// # let folder = tempfile::tempdir().unwrap();
    /// let pipeline = Pipeline::new("p").destination(Memory::default()).pipelines_dir(folder.path());
    /// let report = pipeline.run_blocking([orders.selected(false), lines])?;
    /// assert_eq!((report.rows("orders"), report.rows("lines")), (0, 1));
    /// # Ok::<(), floe::Error>(())
    /// ```
    pub fn parent(mut self, resource: impl Into<String>) -> Self {
        self.parent = Some(resource.into());
        self
    }

    /// Whether the resource is loaded. One that is not is read only if another needs its items.
    pub fn selected(mut self, selected: bool) -> Self {
        self.selected = selected;
        self
    }

    /// The same resource with a stream that can go on behind the last [checkpoint](crate::Page::checkpoint) of an
    /// interrupted run. The text tells apart what it reads: if it is another one in the next run, that run
    /// begins anew.
    pub fn resumable(mut self, what: impl Into<String>) -> Self {
        self.data.resumable = Some(what.into());
        self
    }

    /// The same resource with items that a function changes. Changes happen in the order in which they are given,
    /// before cursors and tables see the items. Whole numbers from 2^64 on lose digits in a [`serde_json::Value`].
    ///
    /// ```
    /// # use floe::{Memory, Pipeline, Resource};
    /// let doubled = Resource::new("n").json_lines("1\n2\n").map(|n| Ok((n.as_i64().unwrap_or(0) * 2).into()));
    /// # let (folder, memory) = (tempfile::tempdir().unwrap(), Memory::default());
    /// let pipeline = Pipeline::new("p").destination(memory.clone()).dataset("raw").pipelines_dir(folder.path());
    /// pipeline.run_blocking([doubled])?;
    /// assert_eq!(memory.table("raw", "n").unwrap().to_json()[1]["value"], 4);
    /// # Ok::<(), floe::Error>(())
    /// ```
    pub fn map(self, change: impl Fn(Json) -> Result<Json> + Send + Sync + 'static) -> Self {
        self.change(Change::map(change))
    }

    /// The same resource with the items that a test takes. Those stay as they came.
    ///
    /// ```
    /// # use floe::{Memory, Pipeline, Resource};
    /// let paid = Resource::new("orders")
    ///     .json_lines("{\"id\": 1, \"paid\": true}\n{\"id\": 2, \"paid\": false}\n")
    ///     .filter(|order| order["paid"] == true);
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let pipeline = Pipeline::new("p").destination(Memory::default()).pipelines_dir(folder.path());
    /// assert_eq!(pipeline.run_blocking([paid])?.rows("orders"), 1);
    /// # Ok::<(), floe::Error>(())
    /// ```
    pub fn filter(self, test: impl Fn(&Json) -> bool + Send + Sync + 'static) -> Self {
        self.change(Change::filter(test))
    }

    /// The same resource with any number of items in the place of each.
    pub fn flat_map<I>(self, change: impl Fn(Json) -> Result<I> + Send + Sync + 'static) -> Self
    where
        I: IntoIterator<Item = Json>,
    {
        self.change(Change::flat_map(change))
    }

    /// The same as [`Resource::map`] with values of types: one that an item is read as, and one that is written.
    ///
    /// ```
    /// use floe::prelude::*;
    /// #[derive(serde::Deserialize)]
    /// struct Raw { cents: i64 }
    /// #[derive(Table)]
    /// struct Price { price: Decimal<12, 2> }
    ///
    /// let prices = Resource::of::<Price>()
    ///     .json_lines("{\"cents\": 1990}")
    ///     .map_rows(|raw: Raw| Ok(Price { price: Decimal::from_units(raw.cents.into()).unwrap_or_default() }));
    /// # let (folder, memory) = (tempfile::tempdir().unwrap(), floe::Memory::default());
    /// # let pipeline = Pipeline::new("p").destination(memory.clone()).dataset("raw").pipelines_dir(folder.path());
    /// pipeline.run_blocking([prices])?;
    /// assert_eq!(memory.table("raw", "price").unwrap().to_json()[0]["price"], "19.90");
    /// # Ok::<(), floe::Error>(())
    /// ```
    pub fn map_rows<A, B>(self, change: impl Fn(A) -> Result<B> + Send + Sync + 'static) -> Self
    where
        A: serde::de::DeserializeOwned,
        B: crate::Field,
    {
        self.change(Change::map_rows(change))
    }

    /// The same as [`Resource::filter`] with values of a type.
    pub fn filter_rows<T>(self, test: impl Fn(&T) -> bool + Send + Sync + 'static) -> Self
    where
        T: serde::de::DeserializeOwned,
    {
        self.change(Change::filter(test))
    }

    /// The same resource up to a limit. Nothing is asked for beyond it: a stream is dropped, a file not read
    /// further. Several limits hold together; a limit of items counts what the changes before it leave.
    pub fn limit(self, limit: Limit) -> Self {
        self.change(Change::Limit(limit))
    }

    /// The same resource with a text in front of values that `#[table(pii = hash)]` hashes, which makes them hard to
    /// guess.
    pub fn hash_salt(mut self, salt: impl Into<Secret>) -> Self {
        self.data.salt = Some(salt.into());
        self
    }

    /// Everything that happens to the items before anything else sees them.
    pub(crate) fn changes(&self) -> Vec<Change> {
        let refit = self.typed.as_ref().and_then(|typed| typed.refit(self.data.salt.clone()));
        self.data.changes.iter().cloned().chain(refit.map(Change::refit)).collect()
    }

    fn change(mut self, change: Change) -> Self {
        self.data.changes.push(change);
        self
    }

    /// The same resource with inputs of this format, whatever they look like.
    pub fn format(mut self, format: Format) -> Self {
        self.data.format = Some(format);
        self
    }

    /// The name, under which its state is kept.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether all rows are replaced, said by the plain word. Then dlt starts its cursor anew.
    pub(crate) fn is_plain_replace(&self) -> bool {
        let given = self.hints.disposition.as_ref();
        given.is_some_and(|given| given.kind == WriteDisposition::Replace && given.shorthand)
    }

    /// The same resource with another table.
    pub fn table(mut self, table: impl Into<String>) -> Self {
        self.table = TableName::Fixed(table.into());
        self
    }

    /// The same resource with a primary key.
    pub fn primary_key<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        let columns: Vec<String> = columns.into_iter().map(Into::into).collect();
        self.dedup_key = Some(match columns.as_slice() {
            [one] => DedupKey::One(one.clone()),
            many => DedupKey::Many(many.to_vec()),
        });
        self.hints.primary_key = Some(columns);
        self
    }

    /// The same resource with a merge key.
    pub fn merge_key<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.hints.merge_key = Some(columns.into_iter().map(Into::into).collect());
        self
    }

    /// The same resource with another disposition.
    pub fn write_disposition(mut self, kind: WriteDisposition) -> Self {
        self.hints.disposition = Some(Disposition::new(kind));
        self
    }

    /// The same resource with a hint for a column.
    pub fn column(mut self, column: Column) -> Self {
        self.hints.columns.insert(column.name.to_string(), column);
        self
    }

    /// The same resource with a contract for its tables.
    pub fn schema_contract(mut self, contract: Contract) -> Self {
        self.hints.schema_contract = Some(contract);
        self
    }

    /// The same resource with a limit to how deep nested values are taken apart.
    pub fn max_table_nesting(mut self, levels: u32) -> Self {
        self.max_table_nesting = Some(levels.into());
        self
    }

    /// The same resource, loading only what is new.
    pub fn incremental(mut self, incremental: Incremental) -> Self {
        self.incremental = Some(incremental);
        self
    }
}
