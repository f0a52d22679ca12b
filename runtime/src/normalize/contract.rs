//! What contracts have to say about a schema that is about to change.

use floe_schema::{Column, DataType, Entity, Hint, Mode, ResolvedContract, Schema, Table, is_internal};

use crate::error::{Error, ErrorKind};

/// What happens to the values of a column that may not be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) entity: Entity,
    pub(crate) mode: Mode,
}

/// Columns that may be added, and what happens to the values of the others.
pub(crate) type Allowed = (Vec<Column>, Vec<(String, Filter)>);

/// What a contract makes of new columns and changed hints. `None` if the table must not exist.
pub(crate) fn apply(
    contract: ResolvedContract,
    table: &str,
    existing: Option<&Table>,
    evolves_once: Option<bool>,
    columns: Vec<Column>,
) -> Result<Option<Allowed>, Violation> {
    let violation = |entity, column: Option<&Column>| Violation {
        entity,
        table: table.to_owned(),
        column: column.map(|c| c.name.to_string()),
    };
    let is_new = existing.is_none_or(Table::is_new);
    if is_new && contract.tables != Mode::Evolve {
        if contract.tables == Mode::Freeze {
            return Err(violation(Entity::Tables, None));
        }
        return Ok(None);
    }
    let remembered = existing.and_then(|t| t.processing.as_ref()?.evolve_columns_once);
    let evolves_once = evolves_once.or(remembered) == Some(true);
    let column_mode = if is_new || evolves_once { Mode::Evolve } else { contract.columns };
    let mut allowed = Vec::new();
    let mut filtered = Vec::new();
    for column in columns {
        let known = existing.and_then(|t| t.columns.get(column.name.as_ref()));
        let known = known.filter(|c| c.is_complete());
        let is_variant = column.has(Hint::Variant);
        let (entity, mode) = if is_internal(&column.name) {
            (Entity::Columns, Mode::Evolve)
        } else if is_variant || known.is_some_and(|known| changes_type(known, &column)) {
            (Entity::DataType, contract.data_type)
        } else if known.is_none() {
            (Entity::Columns, column_mode)
        } else {
            (Entity::Columns, Mode::Evolve)
        };
        match mode {
            Mode::Evolve => allowed.push(column),
            Mode::Freeze => return Err(violation(entity, Some(&column))),
            mode => filtered.push((column.name.to_string(), Filter { entity, mode })),
        }
    }
    Ok(Some((allowed, filtered)))
}

/// Whether a hint states another type for a column that has one.
fn changes_type(known: &Column, hint: &Column) -> bool {
    fn differs<T: PartialEq>(known: Option<T>, hint: Option<T>) -> bool {
        hint.is_some() && hint != known
    }
    differs(known.data_type, hint.data_type)
        || differs(known.nullable, hint.nullable)
        || differs(known.precision, hint.precision)
        || differs(known.scale, hint.scale)
        || differs(known.timezone, hint.timezone)
}

/// What a frozen contract forbids.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) entity: Entity,
    pub(crate) table: String,
    pub(crate) column: Option<String>,
}

impl Violation {
    pub(crate) fn into_error(self, schema: &Schema, found: Option<DataType>) -> Error {
        let expected = self.column.as_deref().and_then(|column| expected_type(schema, &self.table, column));
        let column = self.column.as_deref().unwrap_or_default();
        let kind = |kind: Option<DataType>| kind.map_or("another type", DataType::as_str);
        let what = match self.entity {
            Entity::Tables => format!("new table {}", self.table),
            Entity::Columns => match found {
                Some(found) => format!("new column {}.{column} ({found})", self.table),
                None => format!("new column {}.{column}", self.table),
            },
            Entity::DataType => {
                format!("{} instead of {} in {}.{column}", kind(found), kind(expected), self.table)
            }
        };
        let message = format!("{what} violates the frozen contract of schema {}", schema.name);
        let error = Error::new(ErrorKind::Contract, message)
            .table(self.table)
            .contract(self.entity, Mode::Freeze)
            .types(&schema.name, expected.filter(|_| self.entity == Entity::DataType), found)
            .help("let the contract evolve, or discard or quarantine what it does not know");
        match self.column {
            Some(column) => error.column(column),
            None => error,
        }
    }
}

/// The type of a column, or of the column that a variant column stands beside.
fn expected_type(schema: &Schema, table: &str, column: &str) -> Option<DataType> {
    let columns = &schema.tables.get(table)?.columns;
    let known = |name: &str| columns.get(name).and_then(|c| c.data_type);
    known(column).or_else(|| known(column.rsplit_once("__v_")?.0))
}
