//! The one error of the runtime: what went wrong, in which step, at which place, and the way out.

use std::fmt;
use std::sync::Arc;

use floe_schema::{DataType, Entity, Mode};
use serde::Serialize;

/// Result of everything that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of thing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Arguments that make no sense.
    Config,
    /// Input that is no JSON, no readable file or of an unknown format.
    Input,
    /// Data violates a schema contract.
    Contract,
    /// A null in a column that is not nullable.
    NotNull,
    /// A column that is not nullable got no data and therefore no type.
    UnboundColumn,
    /// A value that does not even fit the variant column.
    Coerce,
    /// A row without the cursor field.
    CursorMissing,
    /// A row whose cursor is null.
    CursorNull,
    /// Cursor values that cannot be compared.
    CursorType,
    /// A row without the key for incremental deduplication.
    DedupKeyMissing,
    /// A row without the primary key that its identifier is made of.
    KeyMissing,
    /// A value that cannot be extracted.
    UnsupportedValue,
    /// Hints for a table whose parent is not known.
    ParentNotFound,
    /// Hints that do not fit the table as it is.
    TableConflict,
    /// A schema that cannot be read, or that the destination cannot load.
    Schema,
    /// The destination refuses.
    Destination,
    /// The destination has no such type or ability.
    Unsupported,
    /// A load package or the pipeline's folder is damaged.
    Package,
    /// The operating system refuses.
    Io,
    /// Something that should not happen.
    Internal,
}

impl ErrorKind {
    /// The word for scripts, as `--error-format json` prints it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Contract => "contract",
            Self::NotNull => "not_null",
            Self::UnboundColumn => "unbound_column",
            Self::Coerce => "coerce",
            Self::CursorMissing => "cursor_missing",
            Self::CursorNull => "cursor_null",
            Self::CursorType => "cursor_type",
            Self::DedupKeyMissing => "dedup_key_missing",
            Self::KeyMissing => "key_missing",
            Self::UnsupportedValue => "unsupported_value",
            Self::ParentNotFound => "parent_not_found",
            Self::TableConflict => "table_conflict",
            Self::Schema => "schema",
            Self::Destination => "destination",
            Self::Input | Self::Unsupported | Self::Package | Self::Io | Self::Internal => "other",
        }
    }
}

/// A part of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Arguments were read, nothing else.
    Config,
    /// State and schema were read from the destination.
    Sync,
    /// Items were read.
    Extract,
    /// Items became rows.
    Normalize,
    /// Rows went to the destination.
    Load,
}

impl Step {
    /// The name of the step.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Sync => "sync",
            Self::Extract => "extract",
            Self::Normalize => "normalize",
            Self::Load => "load",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where in the input something is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// File, or `-` for standard input.
    pub file: Option<String>,
    /// Line, counted from 1.
    pub line: Option<u64>,
    /// Column in bytes, counted from 1.
    pub column: Option<u64>,
    /// Row of a file that has no lines, counted from 1.
    pub row: Option<u64>,
    /// JSON pointer within the item.
    pub pointer: Option<String>,
}

impl Place {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.file.as_deref().unwrap_or("input"))?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
            if let Some(column) = self.column {
                write!(f, ":{column}")?;
            }
        }
        if let Some(row) = self.row {
            write!(f, " row {row}")?;
        }
        if let Some(pointer) = self.pointer.as_deref().filter(|p| !p.is_empty()) {
            write!(f, " at {pointer}")?;
        }
        Ok(())
    }
}

/// What went wrong, with everything that helps to find and mend it.
#[derive(Debug, Clone)]
pub struct Error(Box<Details>);

#[derive(Debug, Clone)]
struct Details {
    kind: ErrorKind,
    step: Option<Step>,
    message: String,
    help: Option<String>,
    place: Place,
    table: Option<String>,
    column: Option<String>,
    entity: Option<Entity>,
    mode: Option<Mode>,
    schema: Option<String>,
    expected: Option<DataType>,
    found: Option<DataType>,
    /// Rows that violate contracts.
    offending: Option<u64>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of a kind with a message.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Details {
            kind,
            step: None,
            message: message.into(),
            help: None,
            place: Place::default(),
            table: None,
            column: None,
            entity: None,
            mode: None,
            schema: None,
            expected: None,
            found: None,
            offending: None,
            source: None,
        }))
    }

    /// An error about arguments or configuration.
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message).step(Step::Config)
    }

    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Input, message).step(Step::Extract)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
            .help("this is a bug in floe; please report it with the command and the input")
    }

    /// A failed operation on a file or folder.
    pub(crate) fn io(doing: impl fmt::Display, path: &std::path::Path, error: std::io::Error) -> Self {
        Self::new(ErrorKind::Io, format!("cannot {doing} {}", path.display())).cause(error)
    }

    /// The file that it is about, unless one is known already.
    pub fn in_file(self, file: impl Into<String>) -> Self {
        self.at(Place { file: Some(file.into()), ..Place::default() })
    }

    /// The way out.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// The step, unless one is known already.
    pub fn step(mut self, step: Step) -> Self {
        self.0.step.get_or_insert(step);
        self
    }

    /// The table.
    pub fn table(mut self, table: impl Into<String>) -> Self {
        self.0.table = Some(table.into());
        self
    }

    /// The column.
    pub fn column(mut self, column: impl Into<String>) -> Self {
        self.0.column = Some(column.into());
        self
    }

    /// The entity and mode of the contract that was violated.
    pub(crate) fn contract(mut self, entity: Entity, mode: Mode) -> Self {
        self.0.entity = Some(entity);
        self.0.mode = Some(mode);
        self
    }

    /// The schema, the type that it has and the type that the data has.
    pub(crate) fn types(mut self, schema: &str, expected: Option<DataType>, found: Option<DataType>) -> Self {
        self.0.schema = Some(schema.to_owned());
        (self.0.expected, self.0.found) = (expected, found);
        self
    }

    /// The number of rows that violate contracts.
    pub(crate) fn offending(mut self, rows: u64) -> Self {
        self.0.offending = Some(rows);
        if rows > 1 {
            self.0.message.push_str(&format!("; {rows} rows violate contracts"));
        }
        self
    }

    /// What caused it.
    pub fn cause(mut self, error: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(error));
        self
    }

    /// The place, as far as it is not known already.
    pub(crate) fn at(mut self, place: Place) -> Self {
        let mine = &mut self.0.place;
        mine.file = mine.file.take().or(place.file);
        mine.row = mine.row.or(place.row);
        if mine.line.is_none() {
            mine.line = place.line;
            mine.column = place.column;
        }
        mine.pointer = mine.pointer.take().or(place.pointer);
        self
    }

    /// What kind of thing went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The step in which it went wrong.
    pub fn in_step(&self) -> Option<Step> {
        self.0.step
    }

    /// Where in the input it went wrong.
    pub fn place(&self) -> &Place {
        &self.0.place
    }

    /// The table it is about.
    pub fn in_table(&self) -> Option<&str> {
        self.0.table.as_deref()
    }

    /// The column it is about.
    pub fn in_column(&self) -> Option<&str> {
        self.0.column.as_deref()
    }

    /// The message alone, without place and way out.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The way out, if there is one.
    pub fn way_out(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// The object for scripts: `error`, `step`, `table`, `column`, `entity`, `mode` and more.
    pub fn to_json(&self) -> serde_json::Value {
        let details = &self.0;
        serde_json::json!({
            "error": details.kind.as_str(),
            "step": details.step.map(Step::as_str),
            "table": details.table,
            "column": details.column,
            "entity": details.entity.map(Entity::as_str),
            "mode": details.mode.map(Mode::as_str),
            "schema": details.schema,
            "expected_type": details.expected.map(DataType::as_str),
            "found_type": details.found.map(DataType::as_str),
            "offending_rows": details.offending,
            "message": self.message_with_causes(),
            "help": details.help,
            "file": details.place.file,
            "line": details.place.line,
            "row": details.place.row,
            "position": details.place.column,
            "pointer": details.place.pointer,
        })
    }

    fn message_with_causes(&self) -> String {
        let mut text = self.0.message.clone();
        let mut cause = self.0.source.as_deref().map(|e| e as &dyn std::error::Error);
        while let Some(error) = cause {
            let more = error.to_string();
            if !text.contains(&more) {
                text.push_str(": ");
                text.push_str(&more);
            }
            cause = error.source();
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.place.is_empty() {
            write!(f, "{}: ", self.0.place)?;
        }
        f.write_str(&self.message_with_causes())?;
        match &self.0.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|e| e as &(dyn std::error::Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_place_cause_and_way_out() {
        let place = Place {
            file: Some("items.jsonl".into()),
            line: Some(3),
            column: Some(17),
            pointer: Some("/user/age".into()),
            ..Place::default()
        };
        let error = Error::new(ErrorKind::NotNull, "no value")
            .at(place)
            .at(Place { file: Some("other".into()), ..Place::default() })
            .cause(std::io::Error::other("deep down"))
            .help("give it one");
        assert_eq!(
            error.to_string(),
            "items.jsonl:3:17 at /user/age: no value: deep down\n  help: give it one"
        );
        let json = error.step(Step::Normalize).step(Step::Load).table("t").to_json();
        assert_eq!((&json["error"], &json["step"]), (&"not_null".into(), &"normalize".into()));
    }
}
