//! Merges in plain words: what the SQL of other destinations is to do, done with rows.

use std::collections::BTreeSet;

use floe_schema::{Column, Hint, MergeStrategy, SortOrder, Table, x};

use super::value::{Row, Value};
use super::{Contents, MemoryTable, Tables};
use crate::destination::keys::{self, Versions};
use crate::destination::{Chain, Write};
use crate::error::{Error, ErrorKind, Result, Step};

type Key = Vec<Value>;

/// Merges the staged rows of a chain into its tables.
pub(super) fn merge(contents: &mut Contents, chain: &Chain<'_>) -> Result<()> {
    let strategy = match chain.write {
        Write::Append => return Ok(()),
        Write::Replace(_) => {
            replace(contents, chain);
            return Ok(());
        }
        Write::Merge(strategy) => strategy,
    };
    let (root, nested) =
        chain.tables.split_first().ok_or_else(|| Error::internal("a chain without tables"))?;
    refuse_conditions(root)?;
    let (tables, staged) = (&mut contents.tables, &contents.staged);
    let mut merge = Merge {
        tables,
        staged,
        root,
        nested,
        primary_key: names(root, Hint::PrimaryKey),
        merge_key: names(root, Hint::MergeKey),
        hard_delete: root.with_hint(Hint::HardDelete).find(|c| c.is_complete()),
    };
    match strategy {
        MergeStrategy::DeleteInsert => merge.delete_insert(),
        MergeStrategy::Upsert => merge.upsert(),
        MergeStrategy::InsertOnly => merge.insert_only(),
        MergeStrategy::Cdc => merge.cdc(),
        MergeStrategy::Scd2 => merge.scd2(chain.created_at),
    }
}

/// Staged rows take the place of all rows.
fn replace(contents: &mut Contents, chain: &Chain<'_>) {
    for table in &chain.tables {
        let staged = contents.staged.get(&table.name).map(|table| table.rows.clone());
        if let (Some(known), Some(rows)) = (contents.tables.get_mut(&table.name), staged) {
            known.rows = rows;
        }
    }
}

/// Conditions are SQL, which nobody understands here.
fn refuse_conditions(root: &Table) -> Result<()> {
    for (hint, name) in [(x::SOURCE_FILTER, "source_filter"), (x::DESTINATION_SCOPE, "destination_scope")] {
        if root.x(hint).is_some() {
            let message = format!("table {} has a {name}, which is SQL and not known in memory", root.name);
            let error = Error::new(ErrorKind::Unsupported, message).step(Step::Load).table(&root.name);
            return Err(error.help("load into a database, or leave the condition out"));
        }
    }
    Ok(())
}

fn names(table: &Table, hint: Hint) -> Vec<String> {
    table.with_hint(hint).map(|c| c.name.to_string()).collect()
}

/// The key of a row. `None` if a part is null, which equals nothing.
fn key(row: &Row, columns: &[String]) -> Option<Key> {
    columns.iter().map(|column| row.get(column).cloned()).collect()
}

/// The keys of rows.
fn key_set<'r>(rows: impl IntoIterator<Item = &'r Row>, columns: &[String]) -> BTreeSet<Key> {
    rows.into_iter().filter_map(|row| key(row, columns)).collect()
}

/// Values of a column.
fn value_set<'r>(rows: impl IntoIterator<Item = &'r Row>, column: &str) -> BTreeSet<Value> {
    rows.into_iter().filter_map(|row| row.get(column).cloned()).collect()
}

fn is_among(row: &Row, column: &str, values: &BTreeSet<Value>) -> bool {
    row.get(column).is_some_and(|value| values.contains(value))
}

struct Merge<'a> {
    tables: &'a mut Tables,
    staged: &'a Tables,
    root: &'a Table,
    nested: &'a [&'a Table],
    primary_key: Vec<String>,
    merge_key: Vec<String>,
    hard_delete: Option<&'a Column>,
}

impl<'a> Merge<'a> {
    fn staged(&self, table: &Table) -> &'a [Row] {
        self.staged.get(&table.name).map_or(&[], |staged| &staged.rows)
    }

    fn rows(&self, table: &Table) -> &[Row] {
        self.tables.get(&table.name).map_or(&[], |table| &table.rows)
    }

    fn table(&mut self, table: &Table) -> &mut MemoryTable {
        self.tables.entry(table.name.clone()).or_default()
    }

    fn insert<'r>(&mut self, table: &Table, rows: impl IntoIterator<Item = &'r Row>) {
        self.table(table).rows.extend(rows.into_iter().cloned());
    }

    /// Rows with the same key go, then the staged rows come.
    fn delete_insert(&mut self) -> Result<()> {
        let staged = self.staged(self.root);
        let keys: Vec<(Vec<String>, BTreeSet<Key>)> = [&self.primary_key, &self.merge_key]
            .into_iter()
            .filter(|columns| !columns.is_empty())
            .map(|columns| (columns.clone(), key_set(staged, columns)))
            .collect();
        self.delete_roots(&|row| {
            keys.iter().any(|(columns, known)| key(row, columns).is_some_and(|key| known.contains(&key)))
        })?;
        let chosen = self.chosen();
        if self.nested.is_empty() {
            self.insert(self.root, chosen);
            return Ok(());
        }
        let row_key = &keys::row_key(self.root)?.name;
        let all = self.primary_key.is_empty() && self.hard_delete.is_none();
        let roots = value_set(chosen, row_key);
        self.insert(self.root, staged.iter().filter(|row| all || is_among(row, row_key, &roots)));
        for table in self.nested {
            let (root_key, row_key) = (&keys::root_key(table, self.root)?.name, &keys::row_key(table)?.name);
            let mut seen = BTreeSet::new();
            let is_first = |row: &&Row| {
                keys::is_deduplicated(self.root) || seen.insert(row.get(row_key.as_ref()).cloned())
            };
            let rows = self.staged(table).iter().filter(is_first);
            let rows: Vec<&Row> = rows.filter(|row| all || is_among(row, root_key, &roots)).collect();
            self.insert(table, rows);
        }
        Ok(())
    }

    /// Deletes rows of the root table and what is below them.
    fn delete_roots(&mut self, is_meant: &dyn Fn(&Row) -> bool) -> Result<()> {
        if !self.nested.is_empty() {
            let row_key = &keys::row_key(self.root)?.name;
            let doomed = self.rows(self.root).iter().filter(|row| is_meant(row));
            let doomed = value_set(doomed, row_key);
            for table in self.nested {
                let root_key = &keys::root_key(table, self.root)?.name;
                self.table(table).rows.retain(|row| !is_among(row, root_key, &doomed));
            }
        }
        self.table(self.root).rows.retain(|row| !is_meant(row));
        Ok(())
    }

    /// One staged root row for each key, without those that say that the row is deleted.
    fn chosen(&self) -> Vec<&'a Row> {
        let mut rows: Vec<&Row> = self.staged(self.root).iter().collect();
        if !self.primary_key.is_empty() && !keys::is_deduplicated(self.root) {
            if let Some((column, order)) = self.root.with_dedup_sort() {
                rows.sort_by(|a, b| compare(a.get(column.name.as_ref()), b.get(column.name.as_ref()), order));
            }
            let mut seen = BTreeSet::new();
            let parts = |row: &Row| self.primary_key.iter().map(|c| row.get(c).cloned()).collect::<Vec<_>>();
            rows.retain(|row| seen.insert(parts(row)));
        }
        rows.retain(|row| !self.is_deleted(row));
        rows
    }

    /// Whether a staged row says that the row is deleted.
    fn is_deleted(&self, row: &Row) -> bool {
        let value = self.hard_delete.and_then(|column| row.get(column.name.as_ref()));
        value.is_some_and(|value| *value != Value::Bool(false))
    }

    /// Rows are updated by key, and inserted if there are none.
    fn upsert(&mut self) -> Result<()> {
        self.update_roots(|_, _| true);
        self.update_nested()
    }

    /// As upsert, but rows that did not come are deleted, and none arrives deleted.
    fn cdc(&mut self) -> Result<()> {
        let staged = self.staged(self.root);
        let known = key_set(staged, &self.primary_key);
        let (primary_key, merge_key) = (self.primary_key.clone(), self.merge_key.clone());
        let partition = partition(staged, &merge_key);
        self.delete_roots(&|row| {
            partition(row) && key(row, &primary_key).is_none_or(|key| !known.contains(&key))
        })?;
        self.update_roots(|merge, row| !merge.is_deleted(row));
        self.update_nested()
    }

    /// Matched rows take the values of the first staged row with their key, or go if it says so.
    fn update_roots(&mut self, arrives: impl Fn(&Self, &Row) -> bool) {
        let staged = self.staged(self.root);
        let key_columns = self.primary_key.clone();
        let known = key_set(self.rows(self.root), &key_columns);
        let is_known = |row: &Row| key(row, &key_columns).is_some_and(|key| known.contains(&key));
        let new: Vec<&Row> = staged.iter().filter(|row| !is_known(row) && arrives(self, row)).collect();
        self.update(self.root, &key_columns);
        self.insert(self.root, new);
    }

    /// Gives rows that are there the values of the staged rows.
    fn update(&mut self, table: &Table, key_columns: &[String]) {
        let mut staged = std::collections::BTreeMap::new();
        for row in self.staged(table) {
            if let Some(key) = key(row, key_columns) {
                staged.entry(key).or_insert(row);
            }
        }
        let compared = if keys::skips_unchanged(self.root) { keys::compared(table) } else { Vec::new() };
        let is_root = table.name == self.root.name;
        let mut rows = std::mem::take(&mut self.table(table).rows);
        rows.retain_mut(|row| {
            let Some(new) = key(row, key_columns).and_then(|key| staged.get(&key).copied()) else {
                return true;
            };
            let changed = |c: &&Column| row.get(c.name.as_ref()) != new.get(c.name.as_ref());
            if is_root && self.is_deleted(new) {
                return false;
            }
            if compared.is_empty() || compared.iter().any(changed) {
                row.clone_from(new);
            }
            true
        });
        self.table(table).rows = rows;
    }

    fn update_nested(&mut self) -> Result<()> {
        let staged_roots = self.staged(self.root);
        for table in self.nested {
            let (row_key, root_key) = (&keys::row_key(table)?.name, &keys::root_key(table, self.root)?.name);
            let staged = self.staged(table);
            let known = value_set(self.rows(table), row_key);
            self.update(table, &[row_key.to_string()]);
            self.insert(table, staged.iter().filter(|row| !is_among(row, row_key, &known)));
            let root_row_key = &keys::row_key(self.root)?.name;
            let roots = value_set(staged_roots, root_row_key);
            let deleted = value_set(staged_roots.iter().filter(|row| self.is_deleted(row)), root_row_key);
            let elements = value_set(staged, row_key);
            self.table(table).rows.retain(|row| {
                let has_gone = is_among(row, root_key, &roots) && !is_among(row, row_key, &elements);
                !has_gone && !is_among(row, root_key, &deleted)
            });
        }
        Ok(())
    }

    /// Only rows with new keys are inserted.
    fn insert_only(&mut self) -> Result<()> {
        let key_columns = self.primary_key.clone();
        let known = key_set(self.rows(self.root), &key_columns);
        let is_new = |row: &&Row| key(row, &key_columns).is_none_or(|key| !known.contains(&key));
        let staged = self.staged(self.root).iter();
        let rows: Vec<&Row> = staged.filter(|row| !self.is_deleted(row)).filter(is_new).collect();
        self.insert(self.root, rows);
        self.insert_new_nested()
    }

    fn insert_new_nested(&mut self) -> Result<()> {
        for table in self.nested {
            let row_key = &keys::row_key(table)?.name;
            let known = value_set(self.rows(table), row_key);
            self.insert(table, self.staged(table).iter().filter(|row| !is_among(row, row_key, &known)));
        }
        Ok(())
    }

    /// Rows that changed or vanished are retired, new versions come.
    fn scd2(&mut self, created_at: i64) -> Result<()> {
        let Versions { from, to, version, boundary, active } = Versions::of(self.root, created_at)?;
        let (boundary, active) = (Value::Instant(boundary), active.map(Value::Instant));
        let staged = self.staged(self.root);
        let partition = partition(staged, &self.merge_key);
        let present = value_set(staged, &version.name);
        let is_active = |row: &Row| row.get(to.name.as_ref()) == active.as_ref();
        for row in &mut self.table(self.root).rows {
            if is_active(row) && !is_among(row, &version.name, &present) && partition(row) {
                row.insert(to.name.to_string(), boundary.clone());
            }
        }
        let known = value_set(self.rows(self.root).iter().filter(|row| is_active(row)), &version.name);
        let new = staged.iter().filter(|row| !is_among(row, &version.name, &known));
        let new: Vec<Row> = new
            .cloned()
            .map(|mut row| {
                row.insert(from.name.to_string(), boundary.clone());
                row.extend(active.clone().map(|active| (to.name.to_string(), active)));
                row
            })
            .collect();
        self.insert(self.root, &new);
        self.insert_new_nested()
    }
}

/// Whether a row belongs to what the staged rows are about, which the merge key tells. The parts of a
/// key of several columns are compared as one text.
fn partition(staged: &[Row], merge_key: &[String]) -> impl Fn(&Row) -> bool + use<> {
    let columns = merge_key.to_vec();
    let part = move |row: &Row| match columns.as_slice() {
        [one] => row.get(one).cloned(),
        several => Some(Value::Text(several.iter().filter_map(|c| row.get(c)).map(Value::text).collect())),
    };
    let parts: BTreeSet<Value> = staged.iter().filter_map(&part).collect();
    let everything = merge_key.is_empty();
    move |row| everything || part(row).is_some_and(|part| parts.contains(&part))
}

/// Nulls come last in both directions.
fn compare(a: Option<&Value>, b: Option<&Value>, order: SortOrder) -> std::cmp::Ordering {
    match (a, b) {
        (Some(a), Some(b)) if order == SortOrder::Desc => b.cmp(a),
        (Some(a), Some(b)) => a.cmp(b),
        (a, b) => a.is_none().cmp(&b.is_none()),
    }
}
