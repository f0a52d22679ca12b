//! A dataset as it is in Postgres.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::Client;
use crate::dataset::{Cell, Column, Dataset, Row, Table, float, parsed};

const INSTANT: &str = "TIMESTAMP WITH TIME ZONE";

pub(super) fn read(client: &Client, name: &str) -> Dataset {
    let mut tables = layout(client, name);
    for (table, contents) in &mut tables {
        contents.rows = rows(client, name, table, &contents.columns);
    }
    Dataset { tables }
}

fn layout(client: &Client, dataset: &str) -> BTreeMap<String, Table> {
    let sql = format!(
        "SELECT table_name, column_name, is_nullable, data_type, numeric_precision, numeric_scale \
         FROM information_schema.columns WHERE table_schema = '{}' \
         ORDER BY table_name, ordinal_position",
        dataset.replace('\'', "''")
    );
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    for row in client.query(&sql).unwrap() {
        let value = |at: usize| row[at].clone().unwrap_or_default();
        let data_type = duckdb_type(&value(3), &value(4), &value(5));
        let column = Column { name: value(1), data_type, nullable: value(2) == "YES" };
        tables.entry(value(0)).or_default().columns.push(column);
    }
    tables
}

/// What DuckDB calls a type.
fn duckdb_type(name: &str, precision: &str, scale: &str) -> String {
    match (name, precision, scale) {
        ("character varying", ..) => "VARCHAR".to_owned(),
        ("double precision", ..) => "DOUBLE".to_owned(),
        ("timestamp without time zone", ..) => "TIMESTAMP".to_owned(),
        ("time without time zone", ..) => "TIME".to_owned(),
        ("bytea", ..) => "BLOB".to_owned(),
        ("jsonb", ..) => "JSON".to_owned(),
        // large whole numbers have a type of their own there, and one that is large enough here
        ("numeric", "156", "78") => "DECIMAL(38,0)".to_owned(),
        ("numeric", "39", "0") => "HUGEINT".to_owned(),
        ("numeric", ..) => format!("DECIMAL({precision},{scale})"),
        _ => name.to_uppercase(),
    }
}

fn rows(client: &Client, dataset: &str, table: &str, columns: &[Column]) -> Vec<Row> {
    let selected: Vec<String> = columns.iter().map(expression).collect();
    let sql = format!("SELECT {} FROM {}.{}", selected.join(", "), quote(dataset), quote(table));
    let row = |values: super::Row| {
        let cells = columns.iter().zip(values);
        let cells =
            cells.filter_map(|(column, text)| Some((column.name.clone(), cell(text?, &column.data_type))));
        cells.collect()
    };
    client.query(&sql).unwrap().into_iter().map(row).collect()
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn expression(column: &Column) -> String {
    let name = quote(&column.name);
    match column.data_type.as_str() {
        INSTANT => format!("(EXTRACT(EPOCH FROM {name}) * 1000000)::bigint"),
        "BLOB" => format!("encode({name}, 'hex')"),
        "DECIMAL(38,0)" => format!("trim_scale({name})"),
        _ => name,
    }
}

fn cell(text: String, data_type: &str) -> Cell {
    Cell::Value(match data_type {
        INSTANT => return Cell::Instant(text.parse().unwrap()),
        "BOOLEAN" => Json::from(text == "t"),
        "BIGINT" | "INTEGER" | "SMALLINT" => json!(text.parse::<i64>().unwrap()),
        "DOUBLE" => float(text.parse().unwrap()),
        "JSON" => parsed(&text),
        _ => text.into(),
    })
}
