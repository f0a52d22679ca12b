//! Reading a dataset back: rows as values of a type, or as batches of Arrow.

mod cells;
mod check;
mod de;
mod join;
mod plan;

use std::marker::PhantomData;
use std::sync::Arc;

use floe_schema::{Naming, Schema};
use serde::de::DeserializeOwned;

use self::de::{Misfit, Value};
use self::join::Join;
use self::plan::{Known, Node, Plan};
use super::Table;
use crate::destination::{Batches, Destination, Read, TableRead};
use crate::error::{Error, ErrorKind, Result};

/// The dataset of a pipeline, to be read. Each call reads what is committed by then. Reading blocks, as
/// [`Pipeline::run_blocking`](crate::Pipeline::run_blocking) does.
///
/// ```
/// use floe::prelude::*;
///
/// #[derive(Table, serde::Deserialize)]
/// struct Order {
///     id: i64,
///     lines: Vec<String>,
/// }
///
/// let folder = tempfile::tempdir().unwrap();
/// let pipeline = Pipeline::new("shop")
///     .destination(DuckDb::file(folder.path().join("shop.duckdb")))
///     .pipelines_dir(folder.path());
/// pipeline.run_blocking([Resource::of::<Order>().rows([Order { id: 1, lines: vec!["a".into(), "b".into()] }])])?;
///
/// let reader = pipeline.reader()?;
/// let orders = reader.table::<Order>()?.collect::<Result<Vec<_>>>()?;
/// assert_eq!((orders[0].id, orders[0].lines.join(" ")), (1, "a b".to_owned()));
/// for batch in reader.sql("SELECT count(*) AS orders FROM \"order\"")? {
///     assert_eq!(batch?.num_rows(), 1);
/// }
/// # Ok::<(), floe::Error>(())
/// ```
pub struct Reader {
    pub(crate) destination: Arc<dyn Destination>,
    pub(crate) dataset: String,
    pub(crate) schema: Schema,
    pub(crate) naming: Naming,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = self.destination.location();
        f.debug_struct("Reader").field("destination", &place).field("dataset", &self.dataset).finish()
    }
}

impl Known for Schema {
    fn has_table(&self, table: &str) -> bool {
        self.tables.get(table).is_some_and(floe_schema::Table::seen_data)
    }

    fn has_column(&self, table: &str, start: &str) -> bool {
        let begins = |name: &str| {
            name.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with("__"))
        };
        self.tables.get(table).is_some_and(|table| table.columns.keys().any(|name| begins(name)))
    }
}

impl Reader {
    /// The rows of a table as values of its type, with what is in the tables below it. They are read as they are
    /// asked for. If the type has lists, rows come in the order of their identifiers, else in any order. A dataset
    /// that is not what the type says is an error that names all differences.
    ///
    /// A list that is absent and one that is empty leave the same dataset, so that both are read as empty, or
    /// as `None`.
    pub fn table<T: Table + DeserializeOwned>(&self) -> Result<TableRows<T>> {
        self.table_named(const { T::TABLE.name })
    }

    /// The same for a table with another name.
    pub fn table_named<T: Table + DeserializeOwned>(&self, table: &str) -> Result<TableRows<T>> {
        self.known(table)?;
        let plan = Plan::new(&const { T::TABLE }, table, &self.naming, &self.schema);
        let reads = self.reads(&plan)?;
        let given: Vec<Read> = reads.iter().flatten().cloned().map(Read::Table).collect();
        let mut streams = self.read(&given)?.into_iter();
        let streams = reads.iter().map(|read| read.as_ref().and_then(|_| streams.next()));
        Ok(TableRows { join: Join::new(&plan, streams), plan, ended: false, of: PhantomData })
    }

    /// The rows of a table as batches of Arrow, with all columns.
    pub fn table_batches(&self, table: &str) -> Result<Batches> {
        self.known(table)?;
        self.one(Read::Table(TableRead {
            lineage: vec![table.to_owned()],
            columns: Vec::new(),
            keyed: false,
        }))
    }

    /// The result of a query as batches of Arrow. Tables of the dataset need no qualified names.
    pub fn sql(&self, query: &str) -> Result<Batches> {
        self.one(Read::Sql(query.to_owned()))
    }

    /// The tables of the dataset that have had rows.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.schema.tables.values().filter(|table| table.seen_data()).map(|table| table.name.as_str())
    }

    fn read(&self, reads: &[Read]) -> Result<Vec<Batches>> {
        self.destination.open(&self.dataset)?.read(reads)
    }

    fn one(&self, read: Read) -> Result<Batches> {
        let streams = self.read(&[read])?;
        streams.into_iter().next().ok_or_else(|| Error::internal("a read without rows"))
    }

    fn known(&self, table: &str) -> Result<()> {
        let is_bookkeeping = floe_schema::is_internal(table) && self.schema.tables.contains_key(table);
        if self.schema.has_table(table) || is_bookkeeping {
            return Ok(());
        }
        let message = format!("dataset {} has no table {table}", self.dataset);
        let error = Error::new(ErrorKind::Schema, message).table(table);
        let known: Vec<&str> = self.tables().collect();
        Err(match crate::nearest(table, &known) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help("load rows into it first; tables without any do not exist"),
        })
    }

    /// What has to be read for a plan: nothing of tables that never had rows.
    fn reads(&self, plan: &Plan) -> Result<Vec<Option<TableRead>>> {
        let mut differences = check::Differences::default();
        let keyed = plan.tables.iter().skip(1).any(|table| self.schema.has_table(table.name()));
        let mut reads = Vec::new();
        for table in &plan.tables {
            if !self.schema.has_table(table.name()) {
                reads.push(None);
                continue;
            }
            let all = self.table_batches(table.name())?;
            differences.compare(table, self.schema.tables.get(table.name()), &all.schema());
            let columns = table.columns.iter().map(|column| column.name.to_string()).collect();
            reads.push(Some(TableRead { lineage: table.lineage.clone(), columns, keyed }));
        }
        differences.into_error(&self.dataset).map_or(Ok(reads), Err)
    }
}

/// Rows of a table as values of its type.
pub struct TableRows<T> {
    join: Join,
    plan: Plan,
    ended: bool,
    of: PhantomData<fn() -> T>,
}

impl<T> std::fmt::Debug for TableRows<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("TableRows").field(&std::any::type_name::<T>()).finish()
    }
}

impl<T: DeserializeOwned> Iterator for TableRows<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        if self.ended {
            return None;
        }
        let row = match self.join.next() {
            Ok(None) => None,
            Err(error) => Some(Err(error)),
            Ok(Some(record)) => {
                let value = Value { node: &self.plan.root, record: &record };
                Some(T::deserialize(value).map_err(|misfit| self.misfit(misfit)))
            }
        };
        self.ended = !matches!(row, Some(Ok(_)));
        row
    }
}

impl<T> TableRows<T> {
    fn misfit(&self, misfit: Misfit) -> Error {
        let table = self.plan.tables.first().map(plan::TablePlan::name).unwrap_or_default();
        let way = misfit.path.join(".");
        let at = if way.is_empty() { String::new() } else { format!(" at `{way}`") };
        let message = format!("a row of table {table} is no {}{at}: {misfit}", std::any::type_name::<T>());
        let error = Error::new(ErrorKind::Coerce, message).table(table);
        let error = if way.is_empty() { error } else { error.column(way.replace('.', "__")) };
        error.help("nulls and absent values are missing fields: make such a field an `Option`, or give it `#[serde(default)]`")
    }
}

impl Node {
    /// What stands for nothing.
    const NOTHING: &'static Self = &Self::Nothing;
}
