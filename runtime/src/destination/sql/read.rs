//! Queries for rows that are read back.

use floe_schema::{ID, LIST_IDX, LOADS_TABLE, PARENT_ID};

use super::Statements;
use crate::destination::{Read, TableRead};

impl Statements<'_> {
    /// Lets queries find tables of the dataset without qualified names.
    pub(crate) fn enter(&self) -> String {
        format!("USE {}", self.qualified_dataset())
    }

    /// The same in a transaction of Postgres.
    pub(crate) fn search_here(&self) -> String {
        format!("SET LOCAL search_path TO {}", self.qualified_dataset())
    }

    /// The load that was completed last.
    pub(crate) fn last_load(&self) -> String {
        format!("SELECT max(load_id) FROM {}", self.table(LOADS_TABLE))
    }

    /// A query for rows.
    pub(crate) fn read(&self, read: &Read) -> String {
        match read {
            Read::Sql(sql) => sql.clone(),
            Read::Table(table) => self.read_table(table),
        }
    }

    /// Each table on the way is joined with the one above it, so that rows come in the order of the lists
    /// that they are in. The root table is not needed for that: rows below it have its identifier.
    fn read_table(&self, read: &TableRead) -> String {
        let of = |table: usize, column: &str| format!("t{table}.{}", self.quote(column));
        let tables = match read.lineage.split_first() {
            Some((_, below)) if read.keyed && !below.is_empty() => below,
            _ => read.lineage.get(read.lineage.len().saturating_sub(1)..).unwrap_or_default(),
        };
        let mut keys = Vec::new();
        if read.keyed && read.lineage.len() == 1 {
            keys.push(of(0, ID));
        } else if read.keyed {
            keys.push(of(0, PARENT_ID));
            (0..tables.len()).for_each(|table| keys.extend([of(table, LIST_IDX), of(table, ID)]));
        }
        let own = read.columns.iter().map(|column| of(tables.len().saturating_sub(1), column));
        let mut columns: Vec<String> = keys.iter().cloned().chain(own).collect();
        if columns.is_empty() {
            columns.push("*".to_owned());
        }
        let mut sql = format!("SELECT {} FROM ", columns.join(", "));
        for (at, table) in tables.iter().enumerate() {
            let table = self.table(table);
            match at.checked_sub(1) {
                None => sql.push_str(&format!("{table} AS t0")),
                Some(above) => {
                    let (own, above) = (of(at, PARENT_ID), of(above, ID));
                    sql.push_str(&format!(" JOIN {table} AS t{at} ON {own} = {above}"));
                }
            }
        }
        // identifiers stand at even places, places in lists between them
        let order = keys.into_iter().enumerate().map(|(n, key)| {
            let key = if n.is_multiple_of(2) { self.dialect.by_bytes(key) } else { key };
            format!("{key} NULLS FIRST")
        });
        let order: Vec<String> = order.collect();
        if !order.is_empty() {
            sql.push_str(&format!(" ORDER BY {}", order.join(", ")));
        }
        sql
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::duckdb::DuckDbDialect;

    fn sql(lineage: &[&str], keyed: bool) -> String {
        let lineage = lineage.iter().map(|table| (*table).to_owned()).collect();
        let read = TableRead { lineage, columns: vec!["x".to_owned()], keyed };
        Statements::new(&DuckDbDialect, None, "raw").read(&Read::Table(read))
    }

    #[test]
    fn rows_below_come_in_the_order_of_the_rows_above() {
        assert_eq!(sql(&["a", "b"], false), r#"SELECT t0."x" FROM "raw"."b" AS t0"#);
        assert_eq!(
            sql(&["a"], true),
            r#"SELECT t0."_dlt_id", t0."x" FROM "raw"."a" AS t0 ORDER BY t0."_dlt_id" NULLS FIRST"#
        );
        assert_eq!(
            sql(&["a", "b", "c"], true),
            "SELECT t0.\"_dlt_parent_id\", t0.\"_dlt_list_idx\", t0.\"_dlt_id\", t1.\"_dlt_list_idx\", \
             t1.\"_dlt_id\", t1.\"x\" FROM \"raw\".\"b\" AS t0 JOIN \"raw\".\"c\" AS t1 \
             ON t1.\"_dlt_parent_id\" = t0.\"_dlt_id\" ORDER BY t0.\"_dlt_parent_id\" NULLS FIRST, \
             t0.\"_dlt_list_idx\" NULLS FIRST, t0.\"_dlt_id\" NULLS FIRST, t1.\"_dlt_list_idx\" NULLS FIRST, \
             t1.\"_dlt_id\" NULLS FIRST"
        );
    }
}
