//! Upserts that exchange whole rows: those that are there go, the staged ones come.
//!
//! That takes a quarter of the time of MERGE in DuckDB, and half of it in Postgres. It leaves the same rows, unless
//! something stands in the way: then the merge goes row by row.

use floe_schema::{MergeStrategy, Table};

use super::merge::{DELETED, Merge, equal};
use crate::destination::keys;
use crate::error::Result;

/// An upsert by exchanging rows.
pub(super) struct Exchange {
    /// Queries that find something that stands in the way.
    pub(super) obstacles: Vec<String>,
    pub(super) statements: Vec<String>,
}

impl Exchange {
    /// The exchange for a merge, if its strategy allows one.
    pub(super) fn of(merge: &Merge<'_>, strategy: MergeStrategy) -> Option<Result<Self>> {
        let possible = merge.hard_delete.is_none() && !keys::skips_unchanged(merge.root);
        (strategy == MergeStrategy::Upsert && possible).then(|| Self::new(merge))
    }

    fn new(merge: &Merge<'_>) -> Result<Self> {
        let mut exchange = Self { obstacles: Vec::new(), statements: Vec::new() };
        exchange.root(merge);
        for table in merge.nested {
            exchange.nested(merge, table)?;
        }
        Ok(exchange)
    }

    fn root(&mut self, merge: &Merge<'_>) {
        let source = merge.filtered(merge.root);
        let matched = format!("EXISTS (SELECT 1 FROM {source} AS s WHERE {})", equal(&merge.primary_key));
        self.stop_at(merge, merge.root, &merge.primary_key);
        merge.delete(&mut self.statements, merge.root, DELETED, &[matched]);
        self.insert(merge, merge.root, &source);
    }

    fn nested(&mut self, merge: &Merge<'_>, table: &Table) -> Result<()> {
        let staged = merge.staging.table(&table.name);
        let (row_key, root_key) = (merge.row_key(table)?, merge.root_key(table)?);
        let roots = merge.filtered_roots(&merge.row_key(merge.root)?);
        let source = match merge.source_filter.is_some() {
            true => format!("(SELECT * FROM {staged} WHERE {root_key} IN ({roots}))"),
            false => staged,
        };
        self.stop_at(merge, table, std::slice::from_ref(&row_key));
        let below = format!("d.{root_key} IN ({roots})");
        let same = format!("EXISTS (SELECT 1 FROM {source} AS s WHERE d.{row_key} = s.{row_key})");
        merge.delete(&mut self.statements, table, DELETED, &[below, same]);
        self.insert(merge, table, &source);
        Ok(())
    }

    fn insert(&mut self, merge: &Merge<'_>, table: &Table, source: &str) {
        let (name, columns) = (merge.main.table(&table.name), merge.columns(table).join(", "));
        self.statements.push(format!("INSERT INTO {name} ({columns}) SELECT {columns} FROM {source} AS s"));
    }

    /// Several staged rows with one key, and columns that only the database knows.
    fn stop_at(&mut self, merge: &Merge<'_>, table: &Table, key: &[String]) {
        let (staged, key) = (merge.staging.table(&table.name), key.join(", "));
        self.obstacles.push(format!("SELECT 1 FROM {staged} GROUP BY {key} HAVING count(*) > 1 LIMIT 1"));
        self.obstacles.push(merge.main.unknown_columns(table));
    }
}
