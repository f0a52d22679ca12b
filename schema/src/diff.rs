//! The difference of two schemas as a value.

use std::fmt;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::{Column, Hint, Schema, Table};

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// A table that only the new schema has.
    TableAdded {
        /// The table.
        table: String,
    },
    /// A table that only the old schema has.
    TableRemoved {
        /// The table.
        table: String,
    },
    /// A column that only the new schema has.
    ColumnAdded {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Its type with precision and scale.
        data_type: String,
        /// Whether nulls are allowed.
        nullable: bool,
        /// Whether it was made for values that fit no other column.
        variant: bool,
    },
    /// A column that only the old schema has.
    ColumnRemoved {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// A column with another name.
    Renamed {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Its former name.
        from: String,
    },
    /// A column with another type, precision, scale or zone.
    Retyped {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Former type.
        from: String,
        /// New type.
        to: String,
    },
    /// A column that allows nulls now, or does not any more.
    Nullability {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Whether nulls are allowed now.
        nullable: bool,
    },
    /// A column that became part of a key, or ceased to be.
    Key {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The key.
        hint: Hint,
        /// Whether the column is part of it now.
        present: bool,
    },
}

impl Change {
    /// The table that differs.
    pub fn table(&self) -> &str {
        match self {
            Self::TableAdded { table }
            | Self::TableRemoved { table }
            | Self::ColumnAdded { table, .. }
            | Self::ColumnRemoved { table, .. }
            | Self::Renamed { table, .. }
            | Self::Retyped { table, .. }
            | Self::Nullability { table, .. }
            | Self::Key { table, .. } => table,
        }
    }

    /// The column that differs, unless it is the table.
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::TableAdded { .. } | Self::TableRemoved { .. } => None,
            Self::ColumnAdded { column, .. }
            | Self::ColumnRemoved { column, .. }
            | Self::Renamed { column, .. }
            | Self::Retyped { column, .. }
            | Self::Nullability { column, .. }
            | Self::Key { column, .. } => Some(column),
        }
    }
}

/// The hints that make up keys.
const KEYS: [Hint; 3] = [Hint::PrimaryKey, Hint::MergeKey, Hint::Unique];

/// All differences between two schemas: tables by name, columns in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SchemaDiff {
    /// The differences.
    pub changes: Vec<Change>,
}

impl SchemaDiff {
    /// What turns `old` into `new`. Columns without a type do not count.
    ///
    /// ```
    /// use floe_schema::{Column, DataType, Schema, SchemaDiff, Table};
    /// let old = Schema::new("s");
    /// let mut new = old.clone();
    /// let mut table = Table::new("items");
    /// table.insert(Column::new("id", DataType::Bigint));
    /// new.tables.insert("items".into(), table);
    /// assert_eq!(
    ///     SchemaDiff::between(&old, &new).to_string(),
    ///     "+ table items\n+ items.id bigint"
    /// );
    /// ```
    pub fn between(old: &Schema, new: &Schema) -> Self {
        Self::between_tables(&old.tables, &new.tables)
    }

    /// The same for tables without a schema around them.
    pub fn between_tables(old: &IndexMap<String, Table>, new: &IndexMap<String, Table>) -> Self {
        let mut changes = Vec::new();
        let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
        names.sort();
        names.dedup();
        let empty = Table::default();
        for name in names {
            let exists = |tables: &IndexMap<String, Table>| tables.get(name).is_some_and(|t| !t.is_new());
            match (exists(old), exists(new)) {
                (false, true) => changes.push(Change::TableAdded { table: name.clone() }),
                (true, false) => {
                    changes.push(Change::TableRemoved { table: name.clone() });
                    continue;
                }
                (false, false) => continue,
                (true, true) => {}
            }
            let (old, new) = (old.get(name).unwrap_or(&empty), new.get(name).unwrap_or(&empty));
            compare_tables(name, old, new, &mut changes);
        }
        Self { changes }
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

fn compare_tables(table: &str, old: &Table, new: &Table, changes: &mut Vec<Change>) {
    for column in new.complete_columns() {
        match old.columns.get(column.name.as_ref()).filter(|c| c.is_complete()) {
            Some(former) => compare_columns(table, former, column, changes),
            None => match former(old, new, column) {
                Some(former) => {
                    let (table, column) = (table.to_owned(), column.name.to_string());
                    changes.push(Change::Renamed { table, column, from: former.name.to_string() });
                }
                None => changes.push(Change::ColumnAdded {
                    table: table.to_owned(),
                    column: column.name.to_string(),
                    data_type: column.type_text(),
                    nullable: column.is_nullable(),
                    variant: column.has(Hint::Variant),
                }),
            },
        }
        if let Some(former) = former(old, new, column) {
            compare_columns(table, former, column, changes);
        }
    }
    let renamed =
        |name: &str| new.complete_columns().any(|c| former(old, new, c).is_some_and(|f| f.name == name));
    for column in old.complete_columns().filter(|column| !renamed(&column.name)) {
        if !new.columns.get(column.name.as_ref()).is_some_and(Column::is_complete) {
            let (table, column) = (table.to_owned(), column.name.to_string());
            changes.push(Change::ColumnRemoved { table, column });
        }
    }
}

/// What a column was before it was renamed.
fn former<'o>(old: &'o Table, new: &Table, column: &Column) -> Option<&'o Column> {
    let known = |name: &str| old.columns.get(name).is_some_and(Column::is_complete);
    old.columns.get(new.former_name(column, known)?)
}

fn compare_columns(table: &str, old: &Column, new: &Column, changes: &mut Vec<Change>) {
    let (table, column) = (table.to_owned(), new.name.to_string());
    let (from, to) = (old.type_text(), new.type_text());
    if from != to {
        changes.push(Change::Retyped { table: table.clone(), column: column.clone(), from, to });
    }
    if old.is_nullable() != new.is_nullable() {
        let nullable = new.is_nullable();
        changes.push(Change::Nullability { table: table.clone(), column: column.clone(), nullable });
    }
    for hint in KEYS {
        if old.has(hint) != new.has(hint) {
            let (table, column) = (table.clone(), column.clone());
            changes.push(Change::Key { table, column, hint, present: new.has(hint) });
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TableAdded { table } => write!(f, "+ table {table}"),
            Self::TableRemoved { table } => write!(f, "- table {table}"),
            Self::ColumnAdded { table, column, data_type, nullable, variant } => {
                write!(f, "+ {table}.{column} {data_type}")?;
                f.write_str(if *nullable { "" } else { " not null" })?;
                f.write_str(if *variant { " (variant)" } else { "" })
            }
            Self::ColumnRemoved { table, column } => write!(f, "- {table}.{column}"),
            Self::Renamed { table, column, from } => write!(f, "~ {table}.{column} renamed from {from}"),
            Self::Retyped { table, column, from, to } => write!(f, "~ {table}.{column} {from} -> {to}"),
            Self::Nullability { table, column, nullable } => {
                write!(f, "~ {table}.{column} {}", if *nullable { "nullable" } else { "not null" })
            }
            Self::Key { table, column, hint, present } => {
                write!(f, "~ {table}.{column} {}{hint}", if *present { "" } else { "no " })
            }
        }
    }
}

impl fmt::Display for SchemaDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, change) in self.changes.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            change.fmt(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DataType;

    fn schema(columns: Vec<Column>) -> Schema {
        let mut schema = Schema::new("s");
        let mut table = Table::new("t");
        columns.into_iter().for_each(|c| table.insert(c));
        schema.tables.insert("t".to_owned(), table);
        schema
    }

    #[test]
    fn every_kind_of_change_has_its_line() {
        let old = schema(vec![
            Column::new("a", DataType::Bigint),
            Column::new("b", DataType::Text).hint(Hint::PrimaryKey),
            Column::new("gone", DataType::Text),
        ]);
        let mut wall = Column::new("w", DataType::Timestamp);
        wall.timezone = Some(false);
        let new = schema(vec![
            Column::new("a", DataType::Decimal).precision(12).scale(3).not_null(),
            Column::new("b", DataType::Text),
            Column::new("a__v_text", DataType::Text).hint(Hint::Variant),
            wall,
            Column::incomplete("unknown"),
        ]);
        assert_eq!(
            SchemaDiff::between(&old, &new).to_string(),
            "~ t.a bigint -> decimal(12,3)\n~ t.a not null\n~ t.b no primary_key\n\
             + t.a__v_text text (variant)\n+ t.w timestamp without time zone\n- t.gone"
        );
        for change in SchemaDiff::between(&old, &new).changes {
            let json = serde_json::to_value(&change).unwrap();
            assert_eq!(serde_json::from_value::<Change>(json).unwrap(), change);
        }
        assert_eq!(serde_json::to_value(Hint::PrimaryKey).unwrap(), Hint::PrimaryKey.as_str());
        assert!(SchemaDiff::between(&new, &new).is_empty());
        let gone = SchemaDiff::between(&old, &Schema::new("s"));
        assert_eq!(gone.to_string(), "- table t");
    }
}
