//! Items that a contract with `quarantine` keeps out: they go to a table of their own, whole and as
//! they came, so that they can be loaded later.
//!
//! An item is kept out as a whole, even if only one of its nested rows is at fault: half an item
//! could not be loaded later without the other half.

use floe_schema::{Entity, REJECTED_PATH, REJECTED_ROW, REJECTED_RULE, rejected_table, x};

use super::plan::{Plan, TableId};
use super::rows::PageRows;
use super::tree::{Node as Item, Tree};
use crate::error::{Error, ErrorKind, Result, Step};

/// What a contract has against an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rejection {
    pub(crate) entity: Entity,
    /// Where the offending value is in the page.
    pub(crate) at: usize,
}

impl Plan {
    /// The table for rejected items of a root table, if the plan has it.
    pub(super) fn rejected(&self, root: &str) -> Option<TableId> {
        self.table_id(&self.rejected_name(root))
    }

    fn rejected_name(&self, root: &str) -> String {
        self.naming.join([root, "rejected"])
    }

    /// Adds the table for rejected items of a root table.
    pub(super) fn add_rejected(&mut self, root: &str) -> Result<()> {
        let name = self.rejected_name(root);
        match self.schema.tables.get(&name) {
            Some(known) if known.x(x::REJECTED_OF).is_some() => {}
            Some(_) => {
                let message =
                    format!("rejected items of {root} would go to table {name}, which has other rows");
                return Err(Error::new(ErrorKind::TableConflict, message)
                    .step(Step::Normalize)
                    .table(name)
                    .help(
                        "choose another contract than quarantine, or give the resource another table_name",
                    ));
            }
            None => {
                let resource = self.schema.tables.get(root).and_then(|table| table.resource.as_deref());
                let table = rejected_table(&name, root, resource.unwrap_or(root));
                self.schema.tables.insert(name.clone(), table);
            }
        }
        self.refresh_table(&name);
        self.version += 1;
        Ok(())
    }

    /// Whether a table is one for rejected items.
    pub(super) fn is_rejected(&self, table: &str) -> bool {
        self.schema.tables.get(table).is_some_and(|table| table.x(x::REJECTED_OF).is_some())
    }
}

/// Writes an item to the table for rejected ones.
pub(super) fn write(
    rows: &mut PageRows,
    plan: &Plan,
    table: TableId,
    item: &[u8],
    path: &str,
    rule: &str,
) -> Result<()> {
    rows.extend(plan);
    rows.start_item();
    let row = rows.start_root(table);
    let missing = || Error::internal("the table for rejected items is not as it should be");
    let columns = plan.tables.get(table).ok_or_else(missing)?;
    let values = [(REJECTED_ROW, item), (REJECTED_PATH, path.as_bytes()), (REJECTED_RULE, rule.as_bytes())];
    for (name, value) in values {
        let column = columns.column_id(name).and_then(|column| rows.column(table, column, row));
        let pushed = column.ok_or_else(missing)?.push_text(value);
        if !matches!(pushed, Ok(true)) {
            return Err(missing());
        }
    }
    Ok(())
}

/// What a contract says, for the column `rule`.
pub(super) fn rule(entity: Entity) -> String {
    format!("{}: quarantine", entity.as_str())
}

/// JSON path of the value at a place of the page, such as `$.lines[2]."unit price"`.
pub(super) fn path_to(item: &Item<'_>, at: usize) -> String {
    fn below(item: &Item<'_>, at: usize) -> Option<String> {
        if item.at == at {
            return Some(String::new());
        }
        match &item.tree {
            Tree::Scalar(_) => None,
            Tree::List(items) => items
                .iter()
                .enumerate()
                .find_map(|(index, item)| below(item, at).map(|rest| format!("[{index}]{rest}"))),
            Tree::Object(entries) => entries.iter().find_map(|(key, item)| {
                let rest = below(item, at)?;
                let is_word = |c: char| c == '_' || c.is_ascii_alphanumeric();
                let plain = key.chars().all(is_word) && !key.starts_with(|c: char| c.is_ascii_digit());
                let key = if plain && !key.is_empty() {
                    key.to_string()
                } else {
                    serde_json::Value::from(key.as_ref()).to_string()
                };
                Some(format!(".{key}{rest}"))
            }),
        }
    }
    format!("${}", below(item, at).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::scan::Scanner;

    #[test]
    fn paths_name_the_value() {
        let text = r#"{"a": [1, {"b c": 2, "d": {"": 3}}], "4e": 5, "f": 6}"#;
        for (value, path) in [
            ("1", "$.a[0]"),
            ("2", "$.a[1].\"b c\""),
            ("3", "$.a[1].d.\"\""),
            ("5", "$.\"4e\""),
            ("6", "$.f"),
            ("{\"b", "$.a[1]"),
            ("{\"a", "$"),
        ] {
            let item = Item::read(&mut Scanner::new(text.as_bytes(), 0), 0).unwrap();
            assert_eq!(path_to(&item, text.find(value).unwrap()), path);
        }
    }
}
