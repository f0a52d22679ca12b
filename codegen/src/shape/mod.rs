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
    /// How large tables with such rows are.
    pub extent: Extent,
}

/// How large a table is, and the tables below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extent {
    /// Columns, nested objects included.
    pub columns: usize,
    /// Tables that lists become.
    pub tables: usize,
    /// Columns of all tables together.
    pub size: usize,
}

impl Extent {
    /// That of a value.
    pub(crate) const VALUE: Self = Self { columns: 1, tables: 0, size: 1 };

    /// That of a value of a shape.
    pub(crate) fn of(shape: &Shape, records: &[Record]) -> Self {
        match shape {
            Shape::Record(index) => records.get(*index).map_or(Self::VALUE, |record| record.extent),
            Shape::List(item) => {
                let inner = Self::of(item, records);
                Self { columns: 0, tables: inner.tables + 1, size: inner.size + 1 }
            }
            Shape::Scalar(_) | Shape::Json => Self::VALUE,
        }
    }

    /// That of a record with some fields.
    pub(crate) fn of_fields(fields: &[Field], records: &[Record]) -> Self {
        fields.iter().fold(Self::default(), |sum, field| sum.and(Self::of(&field.shape, records)))
    }

    pub(crate) fn and(self, other: Self) -> Self {
        let (columns, tables) = (self.columns + other.columns, self.tables + other.tables);
        Self { columns, tables, size: self.size + other.size }
    }
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
