//! Schemas of Rust types, as constants: what a derive writes down, what the compiler compares with a
//! contract, and what a run gives to the engine as hints.
//!
//! A constant says what a type is, not how values of it are read: there is one decoder for all.

mod check;
mod contract_file;
mod text;

use crate::{Column, DataType, Hint, Hints, MergeStrategy, Mode, SortOrder, WriteDisposition};

pub use check::{Drift, check};
pub use contract_file::{ContractError, ContractFile};

/// Type of a column with everything that decides how the destination stores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnType {
    /// The data type.
    pub data_type: DataType,
    /// Digits of decimals, fraction digits of timestamps.
    pub precision: Option<u16>,
    /// Digits behind the point.
    pub scale: Option<u16>,
    /// False for wall clock times.
    pub timezone: bool,
}

impl ColumnType {
    /// A type without precision.
    pub const fn of(data_type: DataType) -> Self {
        Self { data_type, precision: None, scale: None, timezone: true }
    }

    /// A decimal with a number of digits, some of them behind the point.
    pub const fn decimal(precision: u16, scale: u16) -> Self {
        Self { data_type: DataType::Decimal, precision: Some(precision), scale: Some(scale), timezone: true }
    }
}

/// What a value of a Rust type becomes in a dataset.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// One column.
    Column {
        /// Its type.
        of: ColumnType,
        /// Whether nulls are allowed.
        nullable: bool,
    },
    /// Columns of the row it stands in, named after it.
    Row {
        /// The fields.
        fields: &'static [FieldDef],
        /// Whether all of it may be absent.
        nullable: bool,
    },
    /// Rows of a table below.
    List(&'static Shape),
    /// A shape that contains itself; it is looked at when the program runs.
    Again(fn() -> Shape),
}

impl Shape {
    /// A column that is never null.
    pub const fn column(of: ColumnType) -> Self {
        Self::Column { of, nullable: false }
    }

    /// A column of a type without precision that is never null.
    pub const fn of(data_type: DataType) -> Self {
        Self::column(ColumnType::of(data_type))
    }

    /// The same shape for values that may be absent.
    pub const fn optional(self) -> Self {
        match self {
            Self::Column { of, .. } => Self::Column { of, nullable: true },
            Self::Row { fields, .. } => Self::Row { fields, nullable: true },
            list => list,
        }
    }

    /// Whether the value may be absent.
    pub const fn is_nullable(self) -> bool {
        matches!(self, Self::Column { nullable: true, .. } | Self::Row { nullable: true, .. })
    }

    /// The shape of a list of these. Lists of what stays whole stay whole.
    pub const fn list(element: &'static Self) -> Self {
        match element {
            Self::Column { of: ColumnType { data_type: DataType::Json, .. }, .. } => Self::of(DataType::Json),
            element => Self::List(element),
        }
    }
}

/// The column with the keys of a map whose entries are rows.
const ENTRY_KEY: &str = "key";

/// What happens to values about people, before anything is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Their SHA-256 takes their place: equal values stay equal.
    Hash,
    /// `***` takes their place.
    Mask,
    /// They are left out.
    Drop,
}

crate::data_type::names!(Policy, "policy", { Hash => "hash", Mask => "mask", Drop => "drop" });

/// A field of a struct.
#[derive(Debug, Clone, Copy)]
pub struct FieldDef {
    /// The key in JSON. Empty if the fields of the value stand in its place.
    pub key: &'static str,
    /// The key as a name of a column.
    pub name: &'static str,
    /// What becomes of the value.
    pub shape: Shape,
    /// Yes-or-no properties of the column.
    pub hints: Hints,
    /// Names that the column had before.
    pub was: &'static [&'static str],
    /// Other keys under which the value may stand in JSON.
    pub alias: &'static [&'static str],
    /// What happens to values about people.
    pub policy: Option<Policy>,
    /// How duplicates are sorted before one of them is kept.
    pub dedup_sort: Option<SortOrder>,
    /// For people.
    pub description: Option<&'static str>,
}

impl FieldDef {
    /// A field without hints.
    pub const fn new(key: &'static str, name: &'static str, shape: Shape) -> Self {
        Self {
            key,
            name,
            shape,
            hints: Hints::NONE,
            was: &[],
            alias: &[],
            policy: None,
            dedup_sort: None,
            description: None,
        }
    }

    /// A field whose fields stand in its place.
    pub const fn inline(shape: Shape) -> Self {
        assert!(
            matches!(shape, Shape::Row { .. } | Shape::Again(_)),
            "`flatten` is for structs: give a map a field of its own, it becomes a column of JSON"
        );
        Self::new("", "", shape)
    }

    /// The same field with a hint.
    pub const fn hint(mut self, hint: Hint) -> Self {
        self.hints = self.hints.with(hint, Some(true));
        self
    }

    /// The same field for a column that had other names before. They stand where the name stands.
    pub const fn was(mut self, names: &'static [&'static str]) -> Self {
        assert!(
            matches!(self.shape, Shape::Column { .. }),
            "`was` is for fields that are one column: say it at the fields of the struct, and load a list into a new table"
        );
        self.was = names;
        self
    }

    /// The same field for a value that may stand under other keys.
    pub const fn alias(mut self, keys: &'static [&'static str]) -> Self {
        self.alias = keys;
        self
    }

    /// The same field for a value about people. What is hashed or masked is text.
    pub const fn pii(mut self, policy: Policy) -> Self {
        let nullable = self.shape.is_nullable();
        self.shape = match policy {
            // no column
            Policy::Drop => Shape::Row { fields: &[], nullable: true },
            Policy::Hash | Policy::Mask => {
                assert!(
                    matches!(self.shape, Shape::Column { .. }),
                    "only a field that is one column can be hashed or masked: say it at the fields of the struct, or drop all of it"
                );
                Shape::Column { of: ColumnType::of(DataType::Text), nullable }
            }
        };
        self.policy = Some(policy);
        self
    }

    /// The keys of a map whose entries are rows.
    pub const fn entry_key() -> Self {
        Self::new(ENTRY_KEY, ENTRY_KEY, Shape::of(DataType::Text)).alias(&[ENTRY_KEY])
    }

    /// Whether it has the keys of a map whose entries are rows.
    pub const fn is_entry_key(&self) -> bool {
        // nobody else has an alias that is the key
        self.alias.len() == 1 && text::same(self.alias[0].as_bytes(), self.key.as_bytes())
    }

    /// The same field with an order of duplicates.
    pub const fn dedup_sort(mut self, order: SortOrder) -> Self {
        self.dedup_sort = Some(order);
        self
    }

    /// The same field with a description.
    pub const fn describe(mut self, text: &'static str) -> Self {
        self.description = Some(text);
        self
    }

    /// The same field, absent from some rows.
    pub const fn optional(mut self) -> Self {
        self.shape = self.shape.optional();
        self
    }

    /// The same field as one column of JSON.
    pub const fn json(mut self) -> Self {
        let nullable = self.shape.is_nullable();
        self.shape = Shape::Column { of: ColumnType::of(DataType::Json), nullable };
        self
    }

    /// The same field as a decimal or timestamp with this precision.
    pub const fn precision(self, digits: u16) -> Self {
        self.change(Some(digits), None, true)
    }

    /// The same field as a decimal with digits behind the point.
    pub const fn scale(self, digits: u16) -> Self {
        self.change(None, Some(digits), true)
    }

    /// The same field as a wall clock time.
    pub const fn without_timezone(self) -> Self {
        self.change(None, None, false)
    }

    const fn change(mut self, precision: Option<u16>, scale: Option<u16>, timezone: bool) -> Self {
        assert!(
            matches!(self.shape, Shape::Column { .. }),
            "precision, scale and timezone are for fields that are one column"
        );
        let Shape::Column { mut of, nullable } = self.shape else { return self };
        let Type { has_precision, has_scale, has_timezone } = Type::of(of.data_type);
        if precision.is_some() {
            assert!(has_precision, "columns of this type have no precision");
            of.precision = precision;
        }
        if scale.is_some() {
            assert!(has_scale, "columns of this type have no scale");
            of.scale = scale;
        }
        if !timezone {
            assert!(has_timezone, "columns of this type have no time zone");
            of.timezone = false;
        }
        self.shape = Shape::Column { of, nullable };
        self
    }
}

/// What a column type can have besides its name.
struct Type {
    has_precision: bool,
    has_scale: bool,
    has_timezone: bool,
}

impl Type {
    const fn of(data_type: DataType) -> Self {
        use DataType as T;
        Self {
            has_precision: !matches!(data_type, T::Bool | T::Json | T::Double | T::Date),
            has_scale: matches!(data_type, T::Decimal | T::Wei),
            has_timezone: matches!(data_type, T::Timestamp),
        }
    }
}

/// A root table.
#[derive(Debug, Clone, Copy)]
pub struct TableDef {
    /// The name, normalised.
    pub name: &'static str,
    /// The name of the resource, if it is another one.
    pub resource: Option<&'static str>,
    /// The columns.
    pub fields: &'static [FieldDef],
    /// Columns of the primary key.
    pub primary_key: &'static [&'static str],
    /// Columns of the merge key.
    pub merge_key: &'static [&'static str],
    /// What happens to the rows that are there.
    pub write: Option<WriteDisposition>,
    /// How rows are merged.
    pub strategy: Option<MergeStrategy>,
    /// Columns that say from when and until when a version of a row is valid, for scd2.
    pub validity: Option<(&'static str, &'static str)>,
    /// The end of validity of rows that are valid now; null if there is none.
    pub active_record_timestamp: Option<&'static str>,
    /// The instant at which versions of rows change; that of the load if there is none.
    pub boundary_timestamp: Option<&'static str>,
    /// The column that says what is new.
    pub cursor: Option<&'static str>,
    /// How deep nested values are taken apart.
    pub max_nesting: Option<u32>,
    /// What happens to data that the schema does not allow, if it may not grow.
    pub contract: Option<Mode>,
    /// For people.
    pub description: Option<&'static str>,
}

impl TableDef {
    /// A table that appends and has no keys.
    pub const fn new(name: &'static str, shape: Shape) -> Self {
        let fields = if let Shape::Row { fields, .. } = shape { fields } else { &[] };
        assert!(matches!(shape, Shape::Row { .. }), "a table is made of a struct with named fields");
        Self {
            name,
            resource: None,
            fields,
            primary_key: &[],
            merge_key: &[],
            write: None,
            strategy: None,
            validity: None,
            active_record_timestamp: None,
            boundary_timestamp: None,
            cursor: None,
            max_nesting: None,
            contract: None,
            description: None,
        }
    }

    /// The type of a root column, if it is known when the program is built.
    pub const fn column(&self, name: &str) -> Option<ColumnType> {
        find(self.fields, name.as_bytes(), 0)
    }
}

/// Looks for a column whose name continues at `from` in the fields of a row.
const fn find(fields: &[FieldDef], name: &[u8], from: usize) -> Option<ColumnType> {
    let mut at = 0;
    while at < fields.len() {
        let field = &fields[at];
        at += 1;
        let own = field.name.as_bytes();
        let Some(after) = text::after(name, from, own) else { continue };
        match field.shape {
            Shape::Column { of, .. } if after == name.len() => return Some(of),
            Shape::Row { fields, .. } => {
                let below = if own.is_empty() { Some(after) } else { text::after(name, after, b"__") };
                if let Some(below) = below
                    && let Some(found) = find(fields, name, below)
                {
                    return Some(found);
                }
            }
            _ => {}
        }
    }
    None
}

/// Whether values of a type can be put in order, so that a cursor can follow them.
pub const fn is_ordered(of: ColumnType) -> bool {
    !matches!(of.data_type, DataType::Json | DataType::Bool | DataType::Binary)
}

impl From<ColumnType> for Column {
    fn from(of: ColumnType) -> Self {
        let mut column = Column::new("", of.data_type);
        column.precision = of.precision.map(i64::from);
        column.scale = of.scale.map(i64::from);
        column.timezone = (!of.timezone).then_some(false);
        column
    }
}

#[cfg(test)]
mod tests;
