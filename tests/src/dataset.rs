//! A dataset as it is in a database. Here is how DuckDB files are read.

use std::collections::BTreeMap;
use std::path::Path;

use duckdb::types::ValueRef;
use duckdb::{AccessMode, Config, Connection, Result};
use floe_schema::is_internal;
use serde_json::{Value as Json, json};

/// The tables of a dataset.
#[derive(Debug, Clone, Default)]
pub struct Dataset {
    /// By name.
    pub tables: BTreeMap<String, Table>,
}

/// A table as it is.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// In their order.
    pub columns: Vec<Column>,
    /// In any order.
    pub rows: Vec<Row>,
}

/// A column as it is.
#[derive(Debug, Clone)]
pub struct Column {
    /// The name.
    pub name: String,
    /// The type in DuckDB's words.
    pub data_type: String,
    /// Whether it takes nulls.
    pub nullable: bool,
}

/// Values by column, without nulls.
pub type Row = BTreeMap<String, Cell>;

/// A value that is not null.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Microseconds since 1970 in UTC.
    Instant(i64),
    /// Anything else, in the form that documents have it in.
    Value(Json),
}

impl Cell {
    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Value(value) => value.as_str(),
            Self::Instant(_) => None,
        }
    }
}

/// The text of a row in a column.
pub fn text<'r>(row: &'r Row, column: &str) -> Option<&'r str> {
    row.get(column)?.text()
}

impl Dataset {
    /// Reads a dataset, which is empty if it does not exist.
    pub fn read(file: &Path, name: &str) -> Result<Self> {
        // a process that is killed while it makes the file leaves less than its headers
        if !file.metadata().is_ok_and(|file| file.len() >= 3 * 4096) {
            return Ok(Self::default());
        }
        let connection = open(file)?;
        // a dataset may have the name of the database
        let catalog: String = connection.query_row("SELECT current_database()", [], |row| row.get(0))?;
        let mut tables = layout(&connection, &catalog, name)?;
        for (table, contents) in &mut tables {
            let source = [&catalog, name, table].map(quote).join(".");
            contents.rows = rows(&connection, &source, &contents.columns)?;
        }
        Ok(Self { tables })
    }

    /// The tables that hold data of users.
    pub fn user_tables(&self) -> impl Iterator<Item = (&String, &Table)> {
        self.tables.iter().filter(|(name, _)| !is_internal(name))
    }

    /// The rows of a table, none if it does not exist.
    pub fn rows(&self, table: &str) -> &[Row] {
        self.tables.get(table).map_or(&[], |table| &table.rows)
    }

    /// The number of rows of each table of users.
    pub fn row_counts(&self) -> Json {
        self.user_tables().map(|(name, table)| (name.clone(), Json::from(table.rows.len()))).collect()
    }
}

/// Opens a database file to read it. After a crash its log has to be replayed, which takes the right
/// to write.
fn open(file: &Path) -> Result<Connection> {
    let config = Config::default().access_mode(AccessMode::ReadOnly)?.threads(1)?;
    Connection::open_with_flags(file, config).or_else(|_| Connection::open(file))
}

fn layout(connection: &Connection, catalog: &str, dataset: &str) -> Result<BTreeMap<String, Table>> {
    let mut statement = connection.prepare(
        "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns \
         WHERE table_catalog = ? AND table_schema = ? ORDER BY table_name, ordinal_position",
    )?;
    let mut found = statement.query([catalog, dataset])?;
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    while let Some(row) = found.next()? {
        let nullable = row.get::<_, String>(3)? == "YES";
        let column = Column { name: row.get(1)?, data_type: row.get(2)?, nullable };
        tables.entry(row.get(0)?).or_default().columns.push(column);
    }
    Ok(tables)
}

fn rows(connection: &Connection, source: &str, columns: &[Column]) -> Result<Vec<Row>> {
    let selected: Vec<String> = columns.iter().map(expression).collect();
    let sql = format!("SELECT {} FROM {source}", selected.join(", "));
    let mut statement = connection.prepare(&sql)?;
    let mut found = statement.query([])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let mut values = Row::new();
        for (at, column) in columns.iter().enumerate() {
            if let Some(cell) = cell(row.get_ref(at)?, &column.data_type) {
                values.insert(column.name.clone(), cell);
            }
        }
        rows.push(values);
    }
    Ok(rows)
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

const INSTANT: &str = "TIMESTAMP WITH TIME ZONE";

/// Types that JSON does not have are read as text.
fn expression(column: &Column) -> String {
    let name = quote(&column.name);
    let is_text = |prefix: &&str| column.data_type.starts_with(prefix);
    match column.data_type.as_str() {
        INSTANT => format!("epoch_us({name})"),
        "BLOB" => format!("lower(hex({name}))"),
        _ if ["DECIMAL", "TIMESTAMP", "DATE", "TIME", "JSON"].iter().any(is_text) => {
            format!("CAST({name} AS VARCHAR)")
        }
        _ => name,
    }
}

fn cell(value: ValueRef<'_>, data_type: &str) -> Option<Cell> {
    let value = match value {
        ValueRef::Null => return None,
        ValueRef::BigInt(micros) if data_type == INSTANT => return Some(Cell::Instant(micros)),
        ValueRef::Boolean(value) => value.into(),
        ValueRef::TinyInt(value) => value.into(),
        ValueRef::SmallInt(value) => value.into(),
        ValueRef::Int(value) => value.into(),
        ValueRef::BigInt(value) => value.into(),
        ValueRef::HugeInt(value) => value.to_string().into(),
        ValueRef::Double(value) => float(value),
        ValueRef::Text(bytes) => {
            let text = std::str::from_utf8(bytes).expect("texts are UTF-8");
            if data_type == "JSON" { parsed(text) } else { text.into() }
        }
        other => panic!("values of type {data_type} are not read: {other:?}"),
    };
    Some(Cell::Value(value))
}

pub(crate) fn float(value: f64) -> Json {
    match value {
        _ if value.is_nan() => "NaN".into(),
        _ if value.is_infinite() => floe_schema::hash::python_float(value).into(),
        _ => value.into(),
    }
}

pub(crate) fn parsed(text: &str) -> Json {
    match serde_json::from_str::<Json>(text) {
        Ok(value) => json!({ "json": value }),
        Err(_) => json!({ "json_text": text }),
    }
}
