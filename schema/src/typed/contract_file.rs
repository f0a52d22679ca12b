//! Contract files: the frozen schema of a root table and the tables below it, one column a line.
//!
//! ```text
//! # What issues look like. `floe contract accept` writes this file.
//!
//! [issues]
//! id           bigint         not null primary_key
//! user__login  text           not null
//! price        decimal(12,2)
//!
//! [issues__labels]
//! name         text           not null
//! ```

use std::fmt;

use indexmap::IndexMap;

use crate::{Column, DataType, Hint, Table, is_internal, x};

/// The hints that a contract speaks of.
const KEYS: [Hint; 3] = [Hint::PrimaryKey, Hint::MergeKey, Hint::Unique];

/// In front of a name that a column had before.
const WAS: &str = "was:";

/// Tables of a contract, the root first.
///
/// ```
/// use floe_schema::typed::ContractFile;
/// let contract = ContractFile::parse("[issues]\nid bigint not null primary_key\n").unwrap();
/// assert_eq!(contract.tables["issues"].columns["id"].type_text(), "bigint");
/// let error = ContractFile::parse("[issues]\nid integer\n").unwrap_err();
/// assert!(error.to_string().starts_with("line 2: unknown data type `integer`"));
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ContractFile {
    /// Tables by name, with what the contract says of their columns.
    pub tables: IndexMap<String, Table>,
}

/// A line of a contract file that says nothing that can be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for ContractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for ContractError {}

impl ContractFile {
    /// The contract for tables as they are, the root first. Columns that every table has, and
    /// those without a type, are left out.
    pub fn of<'t>(tables: impl IntoIterator<Item = &'t Table>) -> Self {
        let mut file = Self::default();
        for table in tables {
            let mut kept = match &table.parent {
                Some(parent) => Table::nested(&*table.name, &**parent),
                None => Table::new(&*table.name),
            };
            for column in table.complete_columns().filter(|c| !is_internal(&c.name)) {
                let mut own = Column::incomplete(column.name.clone());
                own.data_type = column.data_type;
                own.nullable = Some(column.is_nullable());
                (own.precision, own.scale) = (column.precision, column.scale);
                own.timezone = (!column.has_timezone()).then_some(false);
                set_former(&mut own, column.former_names().map(str::to_owned).collect());
                for hint in KEYS {
                    own.set_hint(hint, column.has(hint).then_some(true));
                }
                kept.insert(own);
            }
            file.tables.insert(kept.name.clone(), kept);
        }
        file
    }

    /// Reads a file.
    pub fn parse(text: &str) -> Result<Self, ContractError> {
        let mut file = Self::default();
        let mut table: Option<&mut Table> = None;
        for (n, line) in text.lines().enumerate() {
            let error = |message: String| ContractError { line: n + 1, message };
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                if file.tables.contains_key(name) {
                    return Err(error(format!("table {name} is there twice")));
                }
                table = Some(file.tables.entry(name.to_owned()).or_insert(Table::new(name)));
                continue;
            }
            let Some(table) = table.as_mut() else {
                return Err(error("a column before the first table, such as `[issues]`".to_owned()));
            };
            let column = column(line).map_err(error)?;
            if table.columns.contains_key(&*column.name) {
                return Err(error(format!("column {} is there twice", column.name)));
            }
            table.insert(column);
        }
        Ok(file)
    }
}

fn column(line: &str) -> Result<Column, String> {
    let (name, rest) = line.split_once(char::is_whitespace).ok_or("a column needs a name and a type")?;
    let words: Vec<&str> = rest.split_whitespace().collect();
    let (first, mut words) = words.split_first().ok_or("a column needs a name and a type")?;
    let (data_type, numbers) = match first.split_once('(') {
        None => (*first, None),
        Some((data_type, numbers)) => {
            (data_type, Some(numbers.strip_suffix(')').ok_or("a bracket is not closed")?))
        }
    };
    let mut column = Column::incomplete(name.to_owned());
    column.data_type = Some(data_type.parse().map_err(|e| format!("{e}"))?);
    column.nullable = Some(true);
    if let Some(numbers) = numbers {
        let number = |text: &str| match text.trim() {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| format!("`{text}` is no number")),
        };
        let (precision, scale) = numbers.split_once(',').unwrap_or((numbers, ""));
        (column.precision, column.scale) = (number(precision)?, number(scale)?);
    }
    let mut former = Vec::new();
    while let Some((word, rest)) = words.split_first() {
        words = rest;
        if let Some(name) = word.strip_prefix(WAS) {
            former.push(name.to_owned());
            continue;
        }
        match (*word, rest) {
            ("not", ["null", rest @ ..]) => (column.nullable, words) = (Some(false), rest),
            ("without", ["time", "zone", rest @ ..]) if column.data_type == Some(DataType::Timestamp) => {
                (column.timezone, words) = (Some(false), rest);
            }
            _ => match KEYS.iter().find(|hint| hint.as_str() == *word) {
                Some(hint) => column.set_hint(*hint, Some(true)),
                None => {
                    let known =
                        "`not null`, `primary_key`, `merge_key`, `unique`, `was:name` or `without time zone`";
                    return Err(format!("`{word}` is none of {known}"));
                }
            },
        }
    }
    set_former(&mut column, former);
    Ok(column)
}

fn set_former(column: &mut Column, names: Vec<String>) {
    if !names.is_empty() {
        column.set_x(x::WAS, names.into());
    }
}

impl fmt::Display for ContractFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(root) = self.tables.keys().next() {
            writeln!(
                f,
                "# What {root} looks like. `floe contract accept` writes this file, people review it."
            )?;
        }
        for table in self.tables.values() {
            write!(f, "\n[{}]\n", table.name)?;
            let rows: Vec<[String; 3]> = table.columns.values().map(cells).collect();
            let width = |n: usize| rows.iter().map(|row| row[n].chars().count()).max().unwrap_or(0);
            let (name, kind) = (width(0), width(1));
            for [column, data_type, rest] in &rows {
                let line = format!("{column:name$}  {data_type:kind$}  {rest}");
                writeln!(f, "{}", line.trim_end())?;
            }
        }
        Ok(())
    }
}

fn cells(column: &Column) -> [String; 3] {
    let mut rest: Vec<String> = Vec::new();
    if !column.is_nullable() {
        rest.push("not null".to_owned());
    }
    rest.extend(KEYS.iter().filter(|hint| column.has(**hint)).map(ToString::to_string));
    rest.extend(column.former_names().map(|name| format!("{WAS}{name}")));
    [column.name.to_string(), column.type_text(), rest.join(" ")]
}
