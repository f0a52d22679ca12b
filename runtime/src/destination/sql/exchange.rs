//! Upserts that exchange whole rows: those that are there go, the staged ones come.
//!
//! In DuckDB that takes a quarter of the time of MERGE. It leaves the same rows, unless something stands in the
//! way: then the merge goes row by row.

use floe_schema::{MergeStrategy, Table};

use super::Statements;
use super::merge::{Merge, equal};
use crate::destination::{Chain, Write, keys};
use crate::error::Result;

/// An upsert by exchanging rows.
pub(crate) struct Exchange {
    /// Queries that find something that stands in the way.
    pub(crate) obstacles: Vec<String>,
    pub(crate) statements: Vec<String>,
}

impl Exchange {
    /// The exchange for a chain of tables, if its strategy allows one.
    pub(crate) fn of(
        main: &Statements<'_>,
        staging: &Statements<'_>,
        chain: &Chain<'_>,
    ) -> Result<Option<Self>> {
        let merge = Merge::new(main, staging, chain)?;
        let is_upsert = chain.write == Write::Merge(MergeStrategy::Upsert);
        if !is_upsert || merge.hard_delete.is_some() || keys::skips_unchanged(merge.root) {
            return Ok(None);
        }
        let mut exchange = Self { obstacles: Vec::new(), statements: Vec::new() };
        exchange.root(&merge);
        for table in merge.nested {
            exchange.nested(&merge, table)?;
        }
        Ok(Some(exchange))
    }

    fn root(&mut self, merge: &Merge<'_>) {
        let (root, source) = (merge.main.table(&merge.root.name), merge.filtered(merge.root));
        let on = equal(&merge.primary_key);
        self.stop_at(merge, merge.root, &merge.primary_key);
        self.statements
            .push(format!("DELETE FROM {root} AS d WHERE EXISTS (SELECT 1 FROM {source} AS s WHERE {on})"));
        self.insert(merge, merge.root, &source);
    }

    fn nested(&mut self, merge: &Merge<'_>, table: &Table) -> Result<()> {
        let (name, staged) = (merge.main.table(&table.name), merge.staging.table(&table.name));
        let (row_key, root_key) = (merge.row_key(table)?, merge.root_key(table)?);
        let roots = merge.filtered_roots(&merge.row_key(merge.root)?);
        let source = match merge.source_filter.is_some() {
            true => format!("(SELECT * FROM {staged} WHERE {root_key} IN ({roots}))"),
            false => staged,
        };
        self.stop_at(merge, table, std::slice::from_ref(&row_key));
        self.statements.push(format!(
            "DELETE FROM {name} WHERE {root_key} IN ({roots}) OR {row_key} IN (SELECT s.{row_key} FROM {source} AS s)"
        ));
        self.insert(merge, table, &source);
        Ok(())
    }

    fn insert(&mut self, merge: &Merge<'_>, table: &Table, source: &str) {
        let (name, columns) = (merge.main.table(&table.name), merge.columns(table).join(", "));
        self.statements.push(format!("INSERT INTO {name} ({columns}) SELECT {columns} FROM {source} AS s"));
    }

    /// Several staged rows with one key, columns that only the database knows, and constraints, which do not see
    /// that a row is deleted before another one with its key comes.
    fn stop_at(&mut self, merge: &Merge<'_>, table: &Table, key: &[String]) {
        let (staged, key) = (merge.staging.table(&table.name), key.join(", "));
        self.obstacles.push(format!("SELECT 1 FROM {staged} GROUP BY {key} HAVING count(*) > 1 LIMIT 1"));
        self.obstacles.push(merge.main.unknown_columns(table));
        self.obstacles.push(merge.main.unique_indexes(&table.name));
    }
}
