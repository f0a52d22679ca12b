//! Schema contracts: what may change, and what happens to data that would change it.
//!
//! dlt has no `quarantine`. A stored document says `discard_row` in its place, which comes nearest, and
//! names the entities that are meant in `x-quarantine` beside it.

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
    /// The item with the row goes to the table of rejected items.
    Quarantine,
}

names!(Mode, "contract mode", {
    Evolve => "evolve",
    Freeze => "freeze",
    DiscardRow => "discard_row",
    DiscardValue => "discard_value",
    Quarantine => "quarantine",
});

/// Where a stored document names the entities whose rows are quarantined.
const QUARANTINE: &str = "x-quarantine";

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

    /// The mode for an entity.
    pub fn mode(&self, entity: Entity) -> Mode {
        match entity {
            Entity::Tables => self.tables,
            Entity::Columns => self.columns,
            Entity::DataType => self.data_type,
        }
    }
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
        self.map(|_, mode| if mode == Mode::Freeze { Mode::DiscardRow } else { mode })
    }

    /// The same contract with other modes.
    fn map(&self, change: impl Fn(Entity, Mode) -> Mode) -> Self {
        match *self {
            // the entities of a contract in one word share a mode, so they change alike
            Self::All(mode) => Self::All(change(Entity::Tables, mode)),
            Self::Each { tables, columns, data_type } => Self::Each {
                tables: tables.map(|mode| change(Entity::Tables, mode)),
                columns: columns.map(|mode| change(Entity::Columns, mode)),
                data_type: data_type.map(|mode| change(Entity::DataType, mode)),
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

    /// Reads the contract of a table or of the settings in a stored document.
    pub(crate) fn read_stored(object: &mut Object) -> Result<Option<Self>, DocumentError> {
        let pointer = object.pointer_of("schema_contract");
        let contract = match object.value("schema_contract") {
            None | Some(Value::Null) => return Ok(None),
            Some(value) => Self::from_json(&pointer, &value)?,
        };
        let quarantined = object.texts(QUARANTINE)?.unwrap_or_default();
        let contract = match contract {
            Self::All(mode @ Mode::DiscardRow) if (1..Entity::ALL.len()).contains(&quarantined.len()) => {
                Self::Each { tables: Some(mode), columns: Some(mode), data_type: Some(mode) }
            }
            contract => contract,
        };
        // dlt may have changed the contract since
        let is_meant = |entity: Entity, mode| {
            mode == Mode::DiscardRow && quarantined.iter().any(|name| name == entity.as_str())
        };
        let restore = |entity, mode| if is_meant(entity, mode) { Mode::Quarantine } else { mode };
        Ok(Some(contract.map(restore)))
    }

    /// The properties of a table or of the settings in a stored document.
    pub(crate) fn put_stored<'b>(contract: Option<&Self>, builder: &'b mut Builder) -> &'b mut Builder {
        let Some(contract) = contract else { return builder };
        let resolved = contract.resolve();
        let is_quarantined = |entity: &Entity| resolved.mode(*entity) == Mode::Quarantine;
        let quarantined: Vec<&str> =
            Entity::ALL.iter().copied().filter(is_quarantined).map(Entity::as_str).collect();
        let known = |_, mode| if mode == Mode::Quarantine { Mode::DiscardRow } else { mode };
        builder
            .put("schema_contract", Some(contract.map(known).to_json()))
            .put(QUARANTINE, (!quarantined.is_empty()).then_some(quarantined))
    }

    /// The contract as [`Contract::from_json`] reads it.
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
    fn a_stored_quarantine_is_a_word_that_dlt_knows() {
        let stored =
            |contract: &Contract| Contract::put_stored(Some(contract), &mut Builder::default()).build();
        let read = |document| Contract::read_stored(&mut Object::new("", document).unwrap()).unwrap();
        for (given, expected) in [
            (
                json!("quarantine"),
                json!({"schema_contract": "discard_row", "x-quarantine": ["tables", "columns", "data_type"]}),
            ),
            (
                json!({"columns": "quarantine", "data_type": "discard_row"}),
                json!({
                    "schema_contract": {"columns": "discard_row", "data_type": "discard_row"},
                    "x-quarantine": ["columns"],
                }),
            ),
            (json!("freeze"), json!({"schema_contract": "freeze"})),
        ] {
            let contract = Contract::from_json("", &given).unwrap();
            assert_eq!(stored(&contract), expected);
            assert_eq!(read(expected), Some(contract));
        }
        let changed = json!({"schema_contract": "freeze", "x-quarantine": ["columns"]});
        assert_eq!(read(changed), Some(Contract::All(Mode::Freeze)));
        let partly = json!({"schema_contract": "discard_row", "x-quarantine": ["columns"]});
        assert_eq!(read(partly).map(|c| c.resolve().columns), Some(Mode::Quarantine));
    }

    #[test]
    fn wrong_words_are_named() {
        let message = |value| Contract::from_json("/c", &value).unwrap_err().to_string();
        assert_eq!(
            message(json!("frozen")),
            "at /c: unknown contract mode `frozen`, expected one of evolve, freeze, discard_row, \
             discard_value, quarantine"
        );
        assert!(message(json!({"column": "freeze"})).starts_with("at /c/column: unknown contract entity"));
        assert_eq!(message(json!(5)), "at /c: expected an object, found a number");
    }
}
