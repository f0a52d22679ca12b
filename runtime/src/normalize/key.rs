//! Identifiers of rows that are hashes of their primary key, without a look at the row as a whole.

use floe_schema::hash::{ROW_ID_BYTES, write_text};
use shake::Shake128;
use shake::digest::{ExtendableOutput, Update, XofReader};

use super::column::{ColumnBuilder, Storage};
use super::keccak::{RowId, encode_row_id};
use super::plan::{ColumnId, TablePlan};

/// The columns of a primary key, in the order in which they are hashed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Key {
    /// What stands before each value in the text that is hashed, which is a JSON object.
    parts: Vec<(String, ColumnId)>,
}

impl Key {
    /// The key of a table, if the hash of its values as they come is that of its values as they are kept: that
    /// is so for texts and whole numbers, unless they had to be made to fit.
    pub(super) fn of(columns: &[String], table: &TablePlan) -> Option<Self> {
        let mut names: Vec<&String> = columns.iter().collect();
        names.sort();
        let part = |(n, name): (usize, &String)| {
            let column = table.column_id(name)?;
            let storage = table.columns.get(column)?.storage;
            let mut before = String::from(if n == 0 { "{" } else { "," });
            write_text(&mut before, name);
            before.push(':');
            matches!(storage, Storage::Text | Storage::Int).then_some((before, column))
        };
        let parts = names.into_iter().enumerate().map(part).collect::<Option<Vec<_>>>()?;
        (!parts.is_empty()).then_some(Self { parts })
    }

    /// Whether a column is part of the key.
    pub(super) fn has(&self, column: ColumnId) -> bool {
        self.parts.iter().any(|(_, part)| *part == column)
    }

    /// Whether a row has all values of the key.
    pub(super) fn is_complete(&self, columns: &[ColumnBuilder], row: usize) -> bool {
        self.parts.iter().all(|(_, column)| columns.get(*column).is_some_and(|c| c.has_value(row)))
    }

    /// The identifier of a row. `buffer` is for the text, so that it is not allocated for each row.
    pub(super) fn row_id(&self, columns: &[ColumnBuilder], row: usize, buffer: &mut String) -> Option<RowId> {
        buffer.clear();
        for (before, column) in &self.parts {
            buffer.push_str(before);
            columns.get(*column)?.write_json(row, buffer)?;
        }
        buffer.push('}');
        let mut hasher = Shake128::default();
        hasher.update(buffer.as_bytes());
        let mut bytes = [0; ROW_ID_BYTES];
        hasher.finalize_xof().read(&mut bytes);
        Some(encode_row_id(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::Capabilities;
    use crate::value::Value;
    use floe_schema::hash::content_row_id;
    use floe_schema::{Column, DataType};
    use proptest::prelude::*;
    use serde_json::json;

    fn builder(data_type: DataType) -> ColumnBuilder {
        let column = Column::new("c", data_type);
        ColumnBuilder::new(data_type, Storage::of(&column, data_type, &Capabilities::default()))
    }

    proptest! {
        #[test]
        fn keys_are_hashed_as_objects(rows in prop::collection::vec((".{0,8}", any::<i64>()), 1..10)) {
            let key = Key { parts: vec![("{\"a\":".to_owned(), 1), (",\"b\":".to_owned(), 0)] };
            let mut columns = [builder(DataType::Bigint), builder(DataType::Text)];
            for (text, int) in &rows {
                prop_assert!(!key.is_complete(&columns, columns[0].len()));
                columns[0].push_int(*int);
                columns[1].push(Value::Text(text.replace('\0', "").into())).unwrap();
            }
            let mut buffer = String::new();
            for (row, (text, int)) in rows.iter().enumerate() {
                prop_assert!(key.is_complete(&columns, row));
                let id = key.row_id(&columns, row, &mut buffer).unwrap();
                let expected = content_row_id(&json!({"a": text.replace('\0', ""), "b": int}));
                prop_assert_eq!(std::str::from_utf8(&id).unwrap(), expected);
            }
        }
    }

    #[test]
    fn a_null_is_no_key() {
        let key = Key { parts: vec![("{\"a\":".to_owned(), 0)] };
        let mut columns = [builder(DataType::Bigint)];
        columns[0].fill(1);
        assert!(!key.is_complete(&columns, 0) && key.row_id(&columns, 0, &mut String::new()).is_none());
    }
}
