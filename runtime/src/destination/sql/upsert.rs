//! Merges that leave rows in place: upsert, insert-only, cdc and scd2.

use floe_schema::{Hint, MergeStrategy, Table};

use super::merge::{Merge, equal};
use crate::destination::keys::{self, Versions};
use crate::error::Result;

impl Merge<'_> {
    /// Rows are matched by key, nested rows by identifier.
    pub(super) fn upsert(&self, strategy: MergeStrategy) -> Result<Vec<String>> {
        let mut sql = Vec::new();
        if strategy == MergeStrategy::Cdc {
            let conditions = self.partition().into_iter();
            let conditions: Vec<String> = conditions.chain([self.absent(&self.primary_key)]).collect();
            self.delete_chain(&mut sql, &conditions.join(" AND "))?;
        }
        sql.push(self.merge_root(strategy));
        for table in self.nested {
            self.merge_nested(&mut sql, table, strategy)?;
        }
        Ok(sql)
    }

    fn merge_root(&self, strategy: MergeStrategy) -> String {
        let columns = self.columns(self.root);
        let insert_only = strategy == MergeStrategy::InsertOnly;
        let staged = self.staging.table(&self.root.name);
        let conditions: Vec<String> = match insert_only {
            true => self.not_deleted("").into_iter().collect(),
            false => self.source_filter.iter().map(|f| format!("({f})")).collect(),
        };
        let source = match conditions.is_empty() {
            true => staged,
            false => format!("(SELECT * FROM {staged} WHERE {})", conditions.join(" AND ")),
        };
        let mut branches = Vec::new();
        if !insert_only {
            branches.extend(
                self.is_deleted("s.").map(|deleted| format!("WHEN MATCHED AND {deleted} THEN DELETE")),
            );
            branches.push(self.update(self.root, &columns));
        }
        let arrives_deleted = self.not_deleted("s.").filter(|_| strategy == MergeStrategy::Cdc);
        let not_matched = match arrives_deleted {
            Some(alive) => format!("WHEN NOT MATCHED AND {alive}"),
            None => "WHEN NOT MATCHED".to_owned(),
        };
        branches.push(format!("{not_matched} THEN {}", insert(&columns)));
        let (root, on) = (self.main.table(&self.root.name), equal(&self.primary_key));
        format!("MERGE INTO {root} AS d USING {source} AS s ON {on} {}", branches.join(" "))
    }

    /// The branch for rows that are there already.
    fn update(&self, table: &Table, columns: &[String]) -> String {
        let set: Vec<String> = columns.iter().map(|c| format!("{c} = s.{c}")).collect();
        let compared = if keys::skips_unchanged(self.root) { self.compared(table) } else { Vec::new() };
        let changed: Vec<String> = compared.iter().map(|c| format!("s.{c} IS DISTINCT FROM d.{c}")).collect();
        let when = match changed.is_empty() {
            true => "WHEN MATCHED".to_owned(),
            false => format!("WHEN MATCHED AND ({})", changed.join(" OR ")),
        };
        format!("{when} THEN UPDATE SET {}", set.join(", "))
    }

    fn merge_nested(&self, sql: &mut Vec<String>, table: &Table, strategy: MergeStrategy) -> Result<()> {
        let (name, staged) = (self.main.table(&table.name), self.staging.table(&table.name));
        let (row_key, columns) = (self.row_key(table)?, self.columns(table));
        let on = equal(std::slice::from_ref(&row_key));
        if strategy == MergeStrategy::InsertOnly {
            let insert = insert(&columns);
            sql.push(format!(
                "MERGE INTO {name} AS d USING {staged} AS s ON {on} WHEN NOT MATCHED THEN {insert}"
            ));
            return Ok(());
        }
        let (root_row_key, root_key) = (self.row_key(self.root)?, self.root_key(table)?);
        let roots = self.filtered_roots(&root_row_key);
        let source = match self.source_filter.is_some() {
            true => format!("(SELECT * FROM {staged} WHERE {root_key} IN ({roots}))"),
            false => staged.clone(),
        };
        sql.push(format!(
            "MERGE INTO {name} AS d USING {source} AS s ON {on} {} WHEN NOT MATCHED THEN {}",
            self.update(table, &columns),
            insert(&columns)
        ));
        // elements that the lists have no longer
        sql.push(format!(
            "DELETE FROM {name} AS d WHERE d.{root_key} IN ({roots}) \
             AND NOT EXISTS (SELECT 1 FROM {staged} AS s WHERE {on})"
        ));
        if let Some(deleted) = self.is_deleted("") {
            let staged_root = self.staging.table(&self.root.name);
            let filter = self.and_filter();
            sql.push(format!(
                "DELETE FROM {name} WHERE {root_key} IN \
                 (SELECT {root_row_key} FROM {staged_root} WHERE {deleted}{filter})"
            ));
        }
        Ok(())
    }

    /// That a row is not among the staged ones. The row's table has no other name, because
    /// conditions of users may name it.
    fn absent(&self, key: &[String]) -> String {
        let root = self.main.table(&self.root.name);
        let equal: Vec<String> = key.iter().map(|column| format!("s.{column} = {root}.{column}")).collect();
        let source = self.filtered(self.root);
        format!("NOT EXISTS (SELECT 1 FROM {source} AS s WHERE {})", equal.join(" AND "))
    }

    /// The part of the table in which rows may be deleted or retired.
    fn partition(&self) -> Option<String> {
        if let Some(scope) = &self.scope {
            return Some(format!("({scope})"));
        }
        let key = match self.merge_key.as_slice() {
            [] => return None,
            [one] => one.clone(),
            several => format!("CONCAT({})", several.join(", ")),
        };
        Some(format!("{key} IN ({})", self.filtered_roots(&key)))
    }

    /// Rows that changed or vanished are retired, new versions come.
    pub(super) fn scd2(&self) -> Result<Vec<String>> {
        let versions = Versions::of(self.root, self.created_at)?;
        let (from, to) = (self.main.quote(&versions.from.name), self.main.quote(&versions.to.name));
        let version = self.main.quote(&versions.version.name);
        let boundary = self.main.timestamp(versions.boundary);
        let active = versions.active.map(|active| self.main.timestamp(active));
        let is_active = match &active {
            Some(active) => format!("{to} = {active}"),
            None => format!("{to} IS NULL"),
        };
        let (root, staged) = (self.main.table(&self.root.name), self.staging.table(&self.root.name));
        let retired: Vec<String> = [is_active.clone(), self.absent(std::slice::from_ref(&version))]
            .into_iter()
            .chain(self.partition())
            .collect();
        let mut sql = vec![format!("UPDATE {root} SET {to} = {boundary} WHERE {}", retired.join(" AND "))];
        let columns = self.columns(self.root).into_iter().filter(|c| *c != from && *c != to);
        let columns = columns.collect::<Vec<_>>().join(", ");
        let ends = active.unwrap_or_else(|| "NULL".to_owned());
        sql.push(format!(
            "INSERT INTO {root} ({columns}, {from}, {to}) SELECT {columns}, {boundary}, {ends} FROM {staged} \
             AS s WHERE NOT EXISTS (SELECT 1 FROM {root} AS d WHERE d.{version} = s.{version} AND d.{is_active}){}",
            self.and_filter()
        ));
        self.scd2_nested(&mut sql, &version)?;
        Ok(sql)
    }

    /// Nested rows are only ever added.
    fn scd2_nested(&self, sql: &mut Vec<String>, version: &str) -> Result<()> {
        let has_row_key = self.root.with_hint(Hint::RowKey).next().is_some();
        let root_row_key = if has_row_key { self.row_key(self.root)? } else { version.to_owned() };
        // without a root key, each level is told by the level above it
        let mut taking_part: Vec<(&str, String)> =
            vec![(self.root.name.as_str(), self.filtered_roots(&root_row_key))];
        for table in self.nested {
            let (name, staged) = (self.main.table(&table.name), self.staging.table(&table.name));
            let row_key = self.row_key(table)?;
            let columns = self.columns(table).join(", ");
            let mut condition =
                format!("NOT EXISTS (SELECT 1 FROM {name} AS d WHERE d.{row_key} = s.{row_key})");
            if self.source_filter.is_some() {
                let parent_key = table.with_hint(Hint::ParentKey).next().map(|c| self.main.quote(&c.name));
                let parent = table.parent.as_deref().unwrap_or_default();
                let parents = taking_part.iter().find(|(name, _)| *name == parent).map(|(_, rows)| rows);
                if let (Some(key), Some(parents)) = (parent_key, parents) {
                    let belongs = format!("{key} IN ({parents})");
                    taking_part
                        .push((&table.name, format!("SELECT {row_key} FROM {staged} WHERE {belongs}")));
                    condition.push_str(&format!(" AND {belongs}"));
                }
            }
            sql.push(format!(
                "INSERT INTO {name} ({columns}) SELECT {columns} FROM {staged} AS s WHERE {condition}"
            ));
        }
        Ok(())
    }
}

fn insert(columns: &[String]) -> String {
    let values: Vec<String> = columns.iter().map(|c| format!("s.{c}")).collect();
    format!("INSERT ({}) VALUES ({})", columns.join(", "), values.join(", "))
}
