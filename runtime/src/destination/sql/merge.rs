//! The statements that merge staged rows into the tables of a chain.

use floe_schema::{Column, DataType, Hint, MergeStrategy, Table, x};
use serde_json::Value as Json;

use super::Statements;
use super::exchange::Exchange;
use crate::destination::{Chain, Write, keys};
use crate::error::{Error, ErrorKind, Result, Step};

/// Identifiers of the root rows that a merge deletes.
pub(super) const DELETED: &str = "_dlt_floe_deleted";
/// Identifiers of the root rows that it inserts.
const INSERTED: &str = "_dlt_floe_inserted";
/// Where a row is that is deleted.
const PLACE: &str = "floe_place";

/// What is merged into what.
pub(super) struct Merging<'a> {
    pub(super) main: &'a Statements<'a>,
    pub(super) staging: &'a Statements<'a>,
    pub(super) chain: &'a Chain<'a>,
    /// None of the tables is a special one.
    pub(super) plain: bool,
}

/// The statements that bring staged rows into the tables of a chain. `finds` says whether a query has a result.
pub(crate) fn statements(
    main: &Statements<'_>,
    staging: &Statements<'_>,
    chain: &Chain<'_>,
    mut finds: impl FnMut(&str) -> Result<bool>,
) -> Result<Vec<String>> {
    let mut any = |queries: &[String]| -> Result<bool> {
        for query in queries {
            if finds(query)? {
                return Ok(true);
            }
        }
        Ok(false)
    };
    let strategy = match chain.write {
        Write::Append => return Ok(Vec::new()),
        Write::Replace(_) => return Ok(replace(main, staging, chain)),
        Write::Merge(strategy) => strategy,
    };
    let special: Vec<String> = chain.tables.iter().map(|table| main.special(&table.name)).collect();
    let merging = Merging { main, staging, chain, plain: !any(&special)? };
    let mut merge = Merge::new(&merging)?;
    if strategy == MergeStrategy::DeleteInsert && !merge.is_unique {
        merge.is_unique = !any(&merge.duplicates()?)?;
    }
    // rows that are deleted by their places must not be moved from there
    let locked = merge.place.map(|_| main.lock_tables(&chain.tables));
    let exchange = Exchange::of(&merge, strategy).filter(|_| merging.plain);
    let statements = match exchange.transpose()? {
        Some(exchange) if !any(&exchange.obstacles)? => exchange.statements,
        _ => merge.statements(strategy)?,
    };
    Ok(locked.into_iter().chain(statements).collect())
}

/// Staged rows take the place of all rows.
fn replace(main: &Statements<'_>, staging: &Statements<'_>, chain: &Chain<'_>) -> Vec<String> {
    let of_table = |table: &&Table| {
        let columns: Vec<String> = table.complete_columns().map(|c| main.quote(&c.name)).collect();
        let columns = columns.join(", ");
        let (name, staged) = (main.table(&table.name), staging.table(&table.name));
        [main.empty(&table.name), format!("INSERT INTO {name} ({columns}) SELECT {columns} FROM {staged}")]
    };
    chain.tables.iter().flat_map(of_table).collect()
}

/// A merge of one chain of tables.
pub(super) struct Merge<'a> {
    pub(super) main: &'a Statements<'a>,
    pub(super) staging: &'a Statements<'a>,
    pub(super) root: &'a Table,
    pub(super) nested: &'a [&'a Table],
    pub(super) created_at: i64,
    /// Quoted names.
    pub(super) primary_key: Vec<String>,
    pub(super) merge_key: Vec<String>,
    /// Only staged rows that meet it take part.
    pub(super) source_filter: Option<String>,
    /// Only rows that meet it may be deleted or retired.
    pub(super) scope: Option<String>,
    pub(super) hard_delete: Option<&'a Column>,
    /// The column by which rows are deleted.
    place: Option<&'static str>,
    /// No key is staged twice.
    is_unique: bool,
}

impl<'a> Merge<'a> {
    pub(super) fn new(merging: &Merging<'a>) -> Result<Self> {
        let Merging { main, staging, chain, plain } = *merging;
        let (root, nested) =
            chain.tables.split_first().ok_or_else(|| Error::internal("a chain without tables"))?;
        let names = |hint| root.with_hint(hint).map(|c| main.quote(&c.name)).collect();
        let mut merge = Self {
            main,
            staging,
            root,
            nested,
            created_at: chain.created_at,
            primary_key: names(Hint::PrimaryKey),
            merge_key: names(Hint::MergeKey),
            source_filter: None,
            scope: None,
            hard_delete: root.with_hint(Hint::HardDelete).find(|c| c.is_complete()),
            place: main.row_place().filter(|_| plain),
            is_unique: keys::is_deduplicated(root),
        };
        merge.source_filter = merge.condition(x::SOURCE_FILTER, &[])?;
        let tables = [("table", main.table(&root.name)), ("staging_table", staging.table(&root.name))];
        merge.scope = merge.condition(x::DESTINATION_SCOPE, &tables)?;
        Ok(merge)
    }

    /// A condition of the user with its placeholders filled in.
    fn condition(&self, hint: &str, placeholders: &[(&str, String)]) -> Result<Option<String>> {
        let Some(given) = self.root.x(hint).and_then(Json::as_str) else { return Ok(None) };
        let name = hint.trim_start_matches("x-merge-").replace('-', "_");
        fill(given, placeholders).map(Some).map_err(|why| {
            let known: Vec<String> = placeholders.iter().map(|(name, _)| format!("{{{name}}}")).collect();
            let error = Error::new(ErrorKind::Schema, format!("{name} of table {}: {why}", self.root.name))
                .step(Step::Load)
                .table(&self.root.name);
            match known.is_empty() {
                true => error.help("braces are written twice: {{ and }}"),
                false => error.help(format!("known placeholders are {}", known.join(" and "))),
            }
        })
    }

    fn statements(&self, strategy: MergeStrategy) -> Result<Vec<String>> {
        match strategy {
            MergeStrategy::DeleteInsert => self.delete_insert(),
            MergeStrategy::Upsert | MergeStrategy::InsertOnly | MergeStrategy::Cdc => self.upsert(strategy),
            MergeStrategy::Scd2 => self.scd2(),
        }
    }

    /// Rows with the same key go, then the staged rows come.
    fn delete_insert(&self) -> Result<Vec<String>> {
        let mut sql = Vec::new();
        if let Some(scope) = &self.scope {
            self.delete_chain(&mut sql, scope)?;
        } else if !self.primary_key.is_empty() || !self.merge_key.is_empty() {
            self.delete_matched(&mut sql)?;
        }
        match self.nested {
            [] => sql.push(self.insert_root(self.inserted_rows()?)),
            _ => self.insert_chain(&mut sql)?,
        }
        Ok(sql)
    }

    /// Deletes the rows that meet a condition, and what is below them.
    pub(super) fn delete_chain(&self, sql: &mut Vec<String>, condition: &str) -> Result<()> {
        let root = self.main.table(&self.root.name);
        for table in self.nested {
            let (name, root_key) = (self.main.table(&table.name), self.root_key(table)?);
            let row_key = self.row_key(self.root)?;
            sql.push(format!(
                "DELETE FROM {name} WHERE {root_key} IN (SELECT {row_key} FROM {root} WHERE {condition})"
            ));
        }
        sql.push(format!("DELETE FROM {root} WHERE {condition}"));
        Ok(())
    }

    /// Deletes the rows that have a key in common with a staged row.
    fn delete_matched(&self, sql: &mut Vec<String>) -> Result<()> {
        let (root, staged) = (self.main.table(&self.root.name), self.staging.table(&self.root.name));
        let filter = self.and_filter();
        // one key at a time, because an OR of two conditions may be looked up row by row
        let matched = [&self.primary_key, &self.merge_key]
            .into_iter()
            .filter(|key| !key.is_empty())
            .map(|key| format!("EXISTS (SELECT 1 FROM {staged} AS s WHERE {}{filter})", equal(key)));
        if self.nested.is_empty() {
            self.delete(sql, self.root, DELETED, &matched.collect::<Vec<_>>());
            return Ok(());
        }
        let row_key = self.row_key(self.root)?;
        let place = self.place.map(|place| format!(", d.{place} AS {PLACE}")).unwrap_or_default();
        let found: Vec<String> = matched
            .map(|matched| format!("SELECT d.{row_key}{place} FROM {root} AS d WHERE {matched}"))
            .collect();
        let deleted = self.keep(sql, DELETED, &found.join(" UNION "));
        for table in self.nested {
            let below = format!("d.{} IN (SELECT {row_key} FROM {deleted})", self.root_key(table)?);
            self.delete(sql, table, &format!("{DELETED}_below"), &[below]);
        }
        sql.push(match self.place {
            Some(place) => at_places(&root, place, &deleted),
            None => format!("DELETE FROM {root} WHERE {row_key} IN (SELECT {row_key} FROM {deleted})"),
        });
        sql.push(format!("DROP TABLE {deleted}"));
        Ok(())
    }

    /// Deletes the rows `d` of a table that meet one of some conditions. Where they are is found out first, if
    /// that helps: a query can be worked on by several processes, and a DELETE cannot.
    pub(super) fn delete(&self, sql: &mut Vec<String>, table: &Table, kept: &str, conditions: &[String]) {
        let name = self.main.table(&table.name);
        let Some(place) = self.place else {
            sql.extend(
                conditions.iter().map(|condition| format!("DELETE FROM {name} AS d WHERE {condition}")),
            );
            return;
        };
        let found = conditions
            .iter()
            .map(|condition| format!("SELECT d.{place} AS {PLACE} FROM {name} AS d WHERE {condition}"));
        let kept = self.keep(sql, kept, &found.collect::<Vec<_>>().join(" UNION "));
        sql.push(at_places(&name, place, &kept));
        sql.push(format!("DROP TABLE {kept}"));
    }

    /// Queries that find keys which are staged twice: to ask is cheaper than to choose.
    fn duplicates(&self) -> Result<Vec<String>> {
        let twice = |table: &Table, key: &str| {
            let staged = self.staging.table(&table.name);
            format!("SELECT 1 FROM {staged} GROUP BY {key} HAVING count(*) > 1 LIMIT 1")
        };
        let root = (!self.primary_key.is_empty()).then(|| twice(self.root, &self.primary_key.join(", ")));
        let nested = self.nested.iter().map(|table| Ok(twice(table, &self.row_key(table)?)));
        root.into_iter().map(Ok).chain(nested).collect()
    }

    fn insert_chain(&self, sql: &mut Vec<String>) -> Result<()> {
        let row_key = self.row_key(self.root)?;
        // which row of several with one key it is must not be decided twice
        let takes_all = self.primary_key.is_empty() || self.is_unique;
        let chosen = match takes_all && self.hard_delete.is_none() {
            true => None,
            false => {
                let rows = self.chosen_rows()?;
                Some(self.keep(sql, INSERTED, &format!("SELECT {row_key} FROM {rows}")))
            }
        };
        let among = |key: &str| match &chosen {
            Some(chosen) => format!("{key} IN (SELECT * FROM {chosen})"),
            None => "1 = 1".to_owned(),
        };
        let staged = self.staging.table(&self.root.name);
        let filter = self.and_filter();
        sql.push(self.insert_root(format!("{staged} WHERE {}{filter}", among(&row_key))));
        for table in self.nested {
            let (staged, root_key) = (self.staging.table(&table.name), self.root_key(table)?);
            let mut condition = among(&root_key);
            if self.source_filter.is_some() {
                condition.push_str(&format!(" AND {root_key} IN ({})", self.filtered_roots(&row_key)));
            }
            let rows = match self.is_unique {
                true => format!("{staged} WHERE {condition}"),
                false => format!("{} WHERE {condition}", first_of(&staged, &[self.row_key(table)?], None)),
            };
            let columns = self.columns(table).join(", ");
            let name = self.main.table(&table.name);
            sql.push(format!("INSERT INTO {name} ({columns}) SELECT {columns} FROM {rows}"));
        }
        if let Some(chosen) = chosen {
            sql.push(format!("DROP TABLE {chosen}"));
        }
        Ok(())
    }

    fn insert_root(&self, rows: String) -> String {
        let columns = self.columns(self.root).join(", ");
        format!("INSERT INTO {} ({columns}) SELECT {columns} FROM {rows}", self.main.table(&self.root.name))
    }

    /// The staged root rows that are inserted.
    fn inserted_rows(&self) -> Result<String> {
        Ok(format!("{}{}", self.chosen_rows()?, self.and_filter()))
    }

    /// One staged root row for each key, without those that say that the row is deleted.
    fn chosen_rows(&self) -> Result<String> {
        let staged = self.staging.table(&self.root.name);
        let condition = self.not_deleted("").unwrap_or_else(|| "1 = 1".to_owned());
        if self.primary_key.is_empty() || self.is_unique {
            return Ok(format!("{staged} WHERE {condition}"));
        }
        let order = self
            .root
            .with_dedup_sort()
            .map(|(column, order)| format!("{} {order} NULLS LAST", self.main.quote(&column.name)));
        Ok(format!("{} WHERE {condition}", first_of(&staged, &self.primary_key, order)))
    }

    /// Makes a table of a query, which is to be dropped.
    fn keep(&self, sql: &mut Vec<String>, name: &str, query: &str) -> String {
        let (table, create) = self.staging.keep(name, query);
        sql.push(create);
        table
    }

    pub(super) fn columns(&self, table: &Table) -> Vec<String> {
        table.complete_columns().map(|c| self.main.quote(&c.name)).collect()
    }

    pub(super) fn and_filter(&self) -> String {
        self.source_filter.as_ref().map(|f| format!(" AND ({f})")).unwrap_or_default()
    }

    /// The staged rows of the root table that take part.
    pub(super) fn filtered(&self, root: &Table) -> String {
        let staged = self.staging.table(&root.name);
        match &self.source_filter {
            Some(filter) => format!("(SELECT * FROM {staged} WHERE {filter})"),
            None => staged,
        }
    }

    /// Identifiers of the staged root rows that take part.
    pub(super) fn filtered_roots(&self, row_key: &str) -> String {
        let staged = self.staging.table(&self.root.name);
        let filter = self.source_filter.as_ref().map(|f| format!(" WHERE {f}")).unwrap_or_default();
        format!("SELECT {row_key} FROM {staged}{filter}")
    }

    /// That a staged row says that the row is deleted.
    pub(super) fn is_deleted(&self, alias: &str) -> Option<String> {
        let column = self.hard_delete?;
        let name = format!("{alias}{}", self.main.quote(&column.name));
        Some(match column.data_type {
            Some(DataType::Bool) => format!("{name} = TRUE"),
            _ => format!("{name} IS NOT NULL"),
        })
    }

    pub(super) fn not_deleted(&self, alias: &str) -> Option<String> {
        let column = self.hard_delete?;
        let name = format!("{alias}{}", self.main.quote(&column.name));
        Some(match column.data_type {
            Some(DataType::Bool) => format!("({name} IS NULL OR {name} = FALSE)"),
            _ => format!("{name} IS NULL"),
        })
    }

    /// The column that identifies rows of a table.
    pub(super) fn row_key(&self, table: &Table) -> Result<String> {
        keys::row_key(table).map(|c| self.main.quote(&c.name))
    }

    /// The column that names the root row of nested rows.
    pub(super) fn root_key(&self, table: &Table) -> Result<String> {
        keys::root_key(table, self.root).map(|c| self.main.quote(&c.name))
    }

    /// Columns whose values tell that a row has changed.
    pub(super) fn compared(&self, table: &Table) -> Vec<String> {
        keys::compared(table).into_iter().map(|c| self.main.quote(&c.name)).collect()
    }
}

/// Deletes the rows whose places are in a table.
fn at_places(table: &str, place: &str, kept: &str) -> String {
    format!("DELETE FROM {table} WHERE {place} = ANY(ARRAY(SELECT {PLACE} FROM {kept}))")
}

/// That rows `d` and `s` have the same key.
pub(super) fn equal(key: &[String]) -> String {
    let parts: Vec<String> = key.iter().map(|column| format!("d.{column} = s.{column}")).collect();
    parts.join(" AND ")
}

/// The first row for each key, as something to select from with a condition.
fn first_of(table: &str, key: &[String], order: Option<String>) -> String {
    let order = order.map(|order| format!(" ORDER BY {order}")).unwrap_or_default();
    format!(
        "(SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY {}{order}) AS floe_rank FROM {table}) AS ranked \
         WHERE floe_rank = 1) AS firsts",
        key.join(", ")
    )
}

/// Fills placeholders in braces; a double brace is a brace.
fn fill(text: &str, placeholders: &[(&str, String)]) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, after) = rest.split_at(at);
        filled.push_str(before);
        if let Some(tail) = after.strip_prefix("{{") {
            filled.push('{');
            rest = tail;
        } else if let Some(tail) = after.strip_prefix("}}") {
            filled.push('}');
            rest = tail;
        } else {
            let (name, tail) = after
                .strip_prefix('{')
                .and_then(|inner| inner.split_once('}'))
                .ok_or_else(|| format!("there is a single brace in `{text}`"))?;
            let value = placeholders.iter().find(|(known, _)| *known == name);
            let (_, value) = value.ok_or_else(|| format!("`{{{name}}}` is no placeholder"))?;
            filled.push_str(value);
            rest = tail;
        }
    }
    filled.push_str(rest);
    Ok(filled)
}
