//! Columns and their hints.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::data_type::names;
use crate::json::{Builder, DocumentError, Extra, Object, extra_get, extra_remove, extra_set};
use crate::{DataType, UnknownName};

/// Names of the `x-` properties of columns and tables that have a meaning.
pub mod x {
    /// Column: start of the validity of an scd2 row.
    pub const VALID_FROM: &str = "x-valid-from";
    /// Column: end of the validity of an scd2 row.
    pub const VALID_TO: &str = "x-valid-to";
    /// Column: value of `valid_to` that marks active rows.
    pub const ACTIVE_RECORD_TIMESTAMP: &str = "x-active-record-timestamp";
    /// Column: changes whenever the row changes.
    pub const ROW_VERSION: &str = "x-row-version";
    /// Column: values are about people. The name is dlt's.
    pub const PII: &str = "x-annotation-pii";
    /// Column: names that it had before.
    pub const WAS: &str = "x-was";
    /// Table: how rows are merged.
    pub const MERGE_STRATEGY: &str = "x-merge-strategy";
    /// Table: staged rows are known to be unique.
    pub const DEDUPLICATED: &str = "x-stage-data-deduplicated";
    /// Table: SQL condition on staged rows.
    pub const SOURCE_FILTER: &str = "x-merge-source-filter";
    /// Table: SQL condition on rows that a merge may delete.
    pub const DESTINATION_SCOPE: &str = "x-merge-destination-scope";
    /// Table: equal rows are not updated.
    pub const SKIP_UNCHANGED_ROWS: &str = "x-merge-skip-unchanged-rows";
    /// Table: its rows are the items that contracts kept out of the table of this name.
    pub const REJECTED_OF: &str = "x-rejected-of";
    /// Table: the instant at which scd2 rows change.
    pub const BOUNDARY_TIMESTAMP: &str = "x-boundary-timestamp";
}

/// A yes-or-no property of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hint {
    /// Part of the primary key.
    PrimaryKey,
    /// Part of the merge key.
    MergeKey,
    /// Values are unique.
    Unique,
    /// Identifies the row (`_dlt_id`).
    RowKey,
    /// Points to the parent row (`_dlt_parent_id`).
    ParentKey,
    /// Points to the root row (`_dlt_root_id`).
    RootKey,
    /// The table is sorted by this column where the destination can.
    Sort,
    /// The table is clustered by this column where the destination can.
    Cluster,
    /// The table is partitioned by this column where the destination can.
    Partition,
    /// Made for values that did not fit another column.
    Variant,
    /// Marks rows that a merge deletes.
    HardDelete,
    /// Cursor of an incremental resource.
    Incremental,
}

names!(Hint, "hint", {
    PrimaryKey => "primary_key",
    MergeKey => "merge_key",
    Unique => "unique",
    RowKey => "row_key",
    ParentKey => "parent_key",
    RootKey => "root_key",
    Sort => "sort",
    Cluster => "cluster",
    Partition => "partition",
    Variant => "variant",
    HardDelete => "hard_delete",
    Incremental => "incremental",
});

impl Hint {
    const COUNT: usize = 12;

    /// Whether all columns with the hint together mean one thing, as with keys.
    pub const fn is_compound(self) -> bool {
        matches!(
            self,
            Self::PrimaryKey | Self::MergeKey | Self::Partition | Self::Cluster | Self::Incremental
        )
    }
}

/// Order in which duplicates are sorted before the first one is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortOrder {
    /// Smallest value first.
    Asc,
    /// Largest value first.
    Desc,
}

names!(SortOrder, "sort order", { Asc => "asc", Desc => "desc" });

/// The hints of a column: given as true, given as false, or not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hints([Option<bool>; Hint::COUNT]);

impl Hints {
    /// No hints.
    pub const NONE: Self = Self([None; Hint::COUNT]);

    /// The value as given.
    pub const fn get(&self, hint: Hint) -> Option<bool> {
        self.0[hint as usize]
    }

    /// The same hints with one of them changed.
    pub const fn with(mut self, hint: Hint, value: Option<bool>) -> Self {
        self.0[hint as usize] = value;
        self
    }
}

/// A column as the schema document describes it. A column without data type is incomplete: it
/// carries hints and waits for its first value.
///
/// Columns can be built in constants:
///
/// ```
/// use floe_schema::{Column, DataType, Hint};
/// const ID: Column = Column::new("id", DataType::Bigint).not_null().hint(Hint::PrimaryKey);
/// assert!(ID.is_complete() && ID.has(Hint::PrimaryKey));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Normalised name.
    pub name: Cow<'static, str>,
    /// Absent while unknown.
    pub data_type: Option<DataType>,
    /// Absent counts as nullable.
    pub nullable: Option<bool>,
    /// Digits of decimals, bits of integers, length of texts, fraction digits of timestamps.
    pub precision: Option<i64>,
    /// Digits behind the point.
    pub scale: Option<i64>,
    /// Absent counts as true: instants in UTC.
    pub timezone: Option<bool>,
    /// For people.
    pub description: Option<Cow<'static, str>>,
    /// Yes-or-no properties.
    pub hints: Hints,
    /// How duplicates are sorted before one of them is kept.
    pub dedup_sort: Option<SortOrder>,
    /// Everything else, `x-` hints among it.
    pub extra: Extra,
}

impl Column {
    /// A nullable column whose nullability is not stated.
    pub const fn new(name: &'static str, data_type: DataType) -> Self {
        Self {
            name: Cow::Borrowed(name),
            data_type: Some(data_type),
            nullable: None,
            precision: None,
            scale: None,
            timezone: None,
            description: None,
            hints: Hints::NONE,
            dedup_sort: None,
            extra: Vec::new(),
        }
    }

    /// A column that has only a name yet.
    pub fn incomplete(name: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), data_type: None, ..Self::new("", DataType::Text) }
    }

    /// The same column, stated to be never null.
    pub const fn not_null(mut self) -> Self {
        self.nullable = Some(false);
        self
    }

    /// The same column, stated to be nullable.
    pub const fn null(mut self) -> Self {
        self.nullable = Some(true);
        self
    }

    /// The same column with a hint.
    pub const fn hint(mut self, hint: Hint) -> Self {
        self.hints = self.hints.with(hint, Some(true));
        self
    }

    /// The same column with a precision.
    pub const fn precision(mut self, precision: i64) -> Self {
        self.precision = Some(precision);
        self
    }

    /// The same column with a scale.
    pub const fn scale(mut self, scale: i64) -> Self {
        self.scale = Some(scale);
        self
    }

    /// The same column with a description.
    pub fn describe(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Whether the destination could create it.
    pub fn is_complete(&self) -> bool {
        self.data_type.is_some() && !self.name.is_empty()
    }

    /// Whether nulls are allowed.
    pub fn is_nullable(&self) -> bool {
        self.nullable.unwrap_or(true)
    }

    /// Whether timestamps are instants rather than wall clock times.
    pub fn has_timezone(&self) -> bool {
        self.timezone.unwrap_or(true)
    }

    /// Whether the hint is given as true.
    pub fn has(&self, hint: Hint) -> bool {
        self.hints.get(hint) == Some(true)
    }

    /// Sets a hint.
    pub fn set_hint(&mut self, hint: Hint, value: Option<bool>) {
        self.hints = self.hints.with(hint, value);
    }

    /// An `x-` property.
    pub fn x(&self, key: &str) -> Option<&Value> {
        extra_get(&self.extra, key)
    }

    /// Sets an `x-` property.
    pub fn set_x(&mut self, key: &str, value: Value) {
        extra_set(&mut self.extra, key, value);
    }

    /// Names that the column had before, the newest first.
    pub fn former_names(&self) -> impl Iterator<Item = &str> {
        self.x(x::WAS).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// Whether an `x-` property is there and neither null nor false.
    pub fn has_x(&self, key: &str) -> bool {
        self.x(key).is_some_and(|v| !matches!(v, Value::Null | Value::Bool(false)))
    }

    /// Takes over every property that `other` states, as dlt merges columns.
    pub fn merge(&mut self, other: &Column) {
        fn over<T: Clone>(mine: &mut Option<T>, theirs: &Option<T>, extra: &mut Extra, key: &str) {
            if theirs.is_some() {
                mine.clone_from(theirs);
                extra_remove(extra, key);
            }
        }
        self.name = other.name.clone();
        over(&mut self.data_type, &other.data_type, &mut self.extra, "data_type");
        over(&mut self.nullable, &other.nullable, &mut self.extra, "nullable");
        over(&mut self.precision, &other.precision, &mut self.extra, "precision");
        over(&mut self.scale, &other.scale, &mut self.extra, "scale");
        over(&mut self.timezone, &other.timezone, &mut self.extra, "timezone");
        over(&mut self.description, &other.description, &mut self.extra, "description");
        over(&mut self.dedup_sort, &other.dedup_sort, &mut self.extra, "dedup_sort");
        for &hint in Hint::ALL {
            if let Some(value) = other.hints.get(hint) {
                self.set_hint(hint, Some(value));
                extra_remove(&mut self.extra, hint.as_str());
            }
        }
        for (key, value) in &other.extra {
            self.clear(key);
            extra_set(&mut self.extra, key, value.clone());
        }
    }

    /// Forgets a property that is about to be overwritten by a value of another shape.
    fn clear(&mut self, property: &str) {
        match property {
            "data_type" => self.data_type = None,
            "nullable" => self.nullable = None,
            "precision" => self.precision = None,
            "scale" => self.scale = None,
            "timezone" => self.timezone = None,
            "description" => self.description = None,
            "dedup_sort" => self.dedup_sort = None,
            _ => {
                if let Ok(hint) = property.parse::<Hint>() {
                    self.set_hint(hint, None);
                }
            }
        }
    }

    /// Drops properties that say what holds anyway, as dlt does when two hinted names collide.
    pub fn without_defaults(mut self) -> Self {
        self.nullable = self.nullable.filter(|nullable| !nullable);
        self.timezone = self.timezone.filter(|timezone| !timezone);
        for &hint in Hint::ALL {
            self.set_hint(hint, self.hints.get(hint).filter(|v| *v));
        }
        self.extra.retain(|(key, value)| {
            key == x::ACTIVE_RECORD_TIMESTAMP || !matches!(value, Value::Null | Value::Bool(false))
        });
        self
    }

    /// Drops a mark of older documents; true if nothing but the mark was known of the column.
    pub(crate) fn forget_seen_null_first(&mut self) -> bool {
        let Some((at, (_, value))) =
            self.extra.iter_mut().enumerate().find(|(_, (key, _))| key == "x-normalizer")
        else {
            return false;
        };
        let Some(marks) = value.as_object_mut() else { return false };
        if marks.get("seen-null-first") != Some(&Value::Bool(true)) {
            return false;
        }
        marks.shift_remove("seen-null-first");
        if marks.is_empty() {
            self.extra.remove(at);
        }
        self.data_type.is_none()
    }

    pub(crate) fn read(name: &str, mut object: Object) -> Result<Self, DocumentError> {
        object.text("name");
        let mut column = Self::incomplete(name.to_owned());
        column.data_type = object.name_by("data_type", DataType::from_document)?;
        column.nullable = object.bool("nullable");
        column.precision = object.int("precision");
        column.scale = object.int("scale");
        column.timezone = object.bool("timezone");
        column.description = object.text("description").map(Cow::Owned);
        for &hint in Hint::ALL {
            column.set_hint(hint, object.bool(hint.as_str()));
        }
        if let Some(order) = object.text("dedup_sort") {
            column.dedup_sort = Some(order.parse().map_err(|e: UnknownName| object.error("dedup_sort", e))?);
        }
        column.extra = object.rest();
        Ok(column)
    }

    /// Reads the hints of a column, as a resource description has them.
    pub fn from_json(name: &str, pointer: &str, value: Value) -> Result<Self, DocumentError> {
        Self::read(name, Object::new(pointer, value)?)
    }

    /// The type as people write it: `decimal(12,3)`, `timestamp without time zone`.
    pub fn type_text(&self) -> String {
        let Some(data_type) = self.data_type else { return "unknown".to_owned() };
        let mut text = data_type.to_string();
        match (self.precision, self.scale) {
            (Some(precision), Some(scale)) => text.push_str(&format!("({precision},{scale})")),
            (Some(precision), None) => text.push_str(&format!("({precision})")),
            (None, Some(scale)) => text.push_str(&format!("(,{scale})")),
            (None, None) => {}
        }
        if !self.has_timezone() {
            text.push_str(" without time zone");
        }
        text
    }

    /// The entry of the schema document.
    pub fn to_json(&self) -> Value {
        let mut out = Builder::default();
        out.put("name", Some(self.name.as_ref()))
            .put("data_type", self.data_type.map(DataType::as_str))
            .put("nullable", self.nullable)
            .put("precision", self.precision)
            .put("scale", self.scale)
            .put("timezone", self.timezone);
        for &hint in Hint::ALL {
            out.put(hint.as_str(), self.hints.get(hint));
        }
        out.put("dedup_sort", self.dedup_sort.map(SortOrder::as_str))
            .extra(&self.extra)
            .put("description", self.description.as_deref())
            .build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn column(value: Value) -> Column {
        Column::from_json("c", "/columns/c", value).unwrap()
    }

    #[test]
    fn unknown_and_ill_typed_properties_survive() {
        let document =
            json!({"name": "c", "data_type": "text", "x-custom": {"a": 1}, "precision": "9", "unique": null});
        assert_eq!(column(document.clone()).to_json(), document);
    }

    #[test]
    fn merging_overwrites_what_the_other_states() {
        let mut a = column(json!({"data_type": "text", "unique": true, "precision": null}));
        a.merge(&column(json!({"unique": false, "precision": 5, "x-a": null})));
        assert_eq!(
            a.to_json(),
            json!({"name": "c", "data_type": "text", "precision": 5, "unique": false, "x-a": null})
        );
        a.merge(&column(json!({"unique": null})));
        assert_eq!(a.hints.get(Hint::Unique), None);
        assert_eq!(a.x("unique"), Some(&Value::Null));
    }

    #[test]
    fn a_wrong_type_names_its_place() {
        let error = Column::from_json("c", "/tables/t/columns/c", json!({"data_type": "varchar"}));
        assert!(
            error.unwrap_err().to_string().starts_with(
                "at /tables/t/columns/c/data_type: unknown data type `varchar`, expected one of"
            )
        );
    }

    #[test]
    fn hints_are_counted() {
        assert_eq!(Hint::ALL.len(), Hint::COUNT);
    }
}
