//! What rows look like: schemas of the document as records with typed fields.

mod build;
mod merge;
mod scalar;

pub(crate) use build::Shapes;
pub(crate) use merge::Merged;

use floe_schema::DataType;

/// The type of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// A value of one type.
    Scalar(Scalar),
    /// Anything; it stays JSON in one column.
    Json,
    /// An object with known fields, by its number in [`Api::records`](crate::Api::records).
    Record(usize),
    /// A list.
    List(Box<Shape>),
}

/// Types of single values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Scalar {
    Bool,
    Integer,
    Number,
    Text,
    Timestamp,
    Date,
    Time,
}

impl Scalar {
    /// The type of a column with such values.
    pub fn data_type(self) -> DataType {
        match self {
            Self::Bool => DataType::Bool,
            Self::Integer => DataType::Bigint,
            Self::Number => DataType::Double,
            Self::Text => DataType::Text,
            Self::Timestamp => DataType::Timestamp,
            Self::Date => DataType::Date,
            Self::Time => DataType::Time,
        }
    }
}

/// An object with known fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The name that the document gives it; empty if it gives none.
    pub name: String,
    /// What the document says of it.
    pub description: String,
    /// The fields, in the order of the document.
    pub fields: Vec<Field>,
    /// Columns of a table with such rows, nested objects included.
    pub columns: usize,
}

/// A field of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The name in the data.
    pub name: String,
    /// The type.
    pub shape: Shape,
    /// Whether it may be missing or null.
    pub nullable: bool,
    /// What the document says of it.
    pub description: String,
    /// Whether the document calls it the key.
    pub marked_key: bool,
    /// Whether the document gave it any type.
    pub typed: bool,
}
