//! Schema contracts: what may change, and what happens to data that would change it.

use serde_json::Value;

use crate::data_type::names;
use crate::json::{Builder, DocumentError, Object};

/// What a contract speaks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Entity {
    /// New tables.
    Tables,
    /// New columns of known tables.
    Columns,
    /// Other types for known columns.
    DataType,
}

names!(Entity, "contract entity", {
    Tables => "tables",
    Columns => "columns",
    DataType => "data_type",
});

/// What happens when data would change the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// The schema changes.
    Evolve,
    /// The run fails.
    Freeze,
    /// The row is dropped.
    DiscardRow,
    /// The value is dropped.
    DiscardValue,
}

names!(Mode, "contract mode", {
    Evolve => "evolve",
    Freeze => "freeze",
    DiscardRow => "discard_row",
    DiscardValue => "discard_value",
});

/// A contract as it is written down: one mode for everything, or some entities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contract {
    /// The same mode for all entities.
    All(Mode),
    /// Modes by entity; the others evolve.
    Each {
        /// For new tables.
        tables: Option<Mode>,
        /// For new columns.
        columns: Option<Mode>,
        /// For other types.
        data_type: Option<Mode>,
    },
}

/// A contract with every entity decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResolvedContract {
    /// For new tables.
    pub tables: Mode,
    /// For new columns.
    pub columns: Mode,
    /// For other types.
    pub data_type: Mode,
}

impl ResolvedContract {
    /// Everything may change.
    pub const EVOLVE: Self = Self { tables: Mode::Evolve, columns: Mode::Evolve, data_type: Mode::Evolve };
}

impl Contract {
    /// Fills in what is not said.
    pub fn resolve(&self) -> ResolvedContract {
        match *self {
            Self::All(mode) => ResolvedContract { tables: mode, columns: mode, data_type: mode },
            Self::Each { tables, columns, data_type } => ResolvedContract {
                tables: tables.unwrap_or(Mode::Evolve),
                columns: columns.unwrap_or(Mode::Evolve),
                data_type: data_type.unwrap_or(Mode::Evolve),
            },
        }
    }

    /// The same contract, but rows that would be refused are only dropped.
    pub fn without_freeze(&self) -> Self {
        let thaw = |mode: Mode| if mode == Mode::Freeze { Mode::DiscardRow } else { mode };
        match *self {
            Self::All(mode) => Self::All(thaw(mode)),
            Self::Each { tables, columns, data_type } => Self::Each {
                tables: tables.map(thaw),
                columns: columns.map(thaw),
                data_type: data_type.map(thaw),
            },
        }
    }

    /// Reads a contract: a text such as `"freeze"` or an object of entities.
    ///
    /// ```
    /// use floe_schema::{Contract, Mode};
    /// let contract = Contract::from_json("", &serde_json::json!({"columns": "freeze"})).unwrap();
    /// assert_eq!(contract.resolve().columns, Mode::Freeze);
    /// assert_eq!(contract.resolve().tables, Mode::Evolve);
    /// ```
    pub fn from_json(pointer: &str, value: &Value) -> Result<Self, DocumentError> {
        match value {
            Value::String(mode) => mode
                .parse()
                .map(Self::All)
                .map_err(|e| DocumentError { pointer: pointer.to_owned(), message: format!("{e}") }),
            other => {
                let mut object = Object::new(pointer, other.clone())?;
                let contract = Self::Each {
                    tables: object.name(Entity::Tables.as_str())?,
                    columns: object.name(Entity::Columns.as_str())?,
                    data_type: object.name(Entity::DataType.as_str())?,
                };
                for key in object.keys() {
                    if let Err(unknown) = key.parse::<Entity>() {
                        return Err(object.error(&key, unknown));
                    }
                }
                Ok(contract)
            }
        }
    }

    /// The form in the schema document.
    pub fn to_json(&self) -> Value {
        match self {
            Self::All(mode) => Value::from(mode.as_str()),
            Self::Each { tables, columns, data_type } => Builder::default()
                .put("tables", tables.map(Mode::as_str))
                .put("columns", columns.map(Mode::as_str))
                .put("data_type", data_type.map(Mode::as_str))
                .build(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_and_objects_round_trip() {
        for value in [json!("freeze"), json!({"tables": "evolve", "data_type": "discard_row"})] {
            assert_eq!(Contract::from_json("", &value).unwrap().to_json(), value);
        }
    }

    #[test]
    fn wrong_words_are_named() {
        let message = |value| Contract::from_json("/c", &value).unwrap_err().to_string();
        assert_eq!(
            message(json!("frozen")),
            "at /c: unknown contract mode `frozen`, expected one of evolve, freeze, discard_row, discard_value"
        );
        assert!(message(json!({"column": "freeze"})).starts_with("at /c/column: unknown contract entity"));
        assert_eq!(message(json!(5)), "at /c: expected an object, found a number");
    }
}
