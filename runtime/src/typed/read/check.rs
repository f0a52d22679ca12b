//! Whether a dataset is what a type says.

use arrow::datatypes::Schema as ArrowSchema;
use floe_schema::{Column, Table};

use super::cells::fits;
use super::plan::TablePlan;
use crate::error::{Error, ErrorKind};

/// What is otherwise than the type says.
#[derive(Debug, Default)]
pub(super) struct Differences {
    lines: String,
    first: Option<(String, String)>,
}

impl Differences {
    /// Compares a table of a plan with what the schema of the dataset says of it and with what is there.
    pub(super) fn compare(&mut self, says: &TablePlan, stored: Option<&Table>, there: &ArrowSchema) {
        let stored =
            |name: &str| stored.and_then(|table| table.columns.get(name)).filter(|c| c.is_complete());
        for column in &says.columns {
            let name = &*column.name;
            let Some(data_type) = column.data_type else { continue };
            let variant = format!("{name}__v_");
            let has = match there.fields().iter().find(|field| field.name().eq_ignore_ascii_case(name)) {
                None => "no such column".to_owned(),
                Some(field) => match stored(name) {
                    Some(known) if known.type_text() != column.type_text() => known.type_text(),
                    _ if !fits(data_type, field.data_type()) => format!("{} in Arrow", field.data_type()),
                    _ => match there.fields().iter().find(|field| field.name().starts_with(&variant)) {
                        Some(other) => format!("some of the values in {}", other.name()),
                        None => continue,
                    },
                },
            };
            self.add(says.name(), column, &has);
        }
    }

    fn add(&mut self, table: &str, column: &Column, has: &str) {
        let null = if column.is_nullable() { "" } else { " not null" };
        let (name, says) = (&column.name, column.type_text());
        self.lines
            .push_str(&format!("\n  {table}.{name}: the struct says {says}{null}, the dataset has {has}"));
        self.first.get_or_insert_with(|| (table.to_owned(), name.to_string()));
    }

    pub(super) fn into_error(self, dataset: &str) -> Option<Error> {
        let (table, column) = self.first?;
        let message = format!("dataset {dataset} is not what the struct says{}", self.lines);
        let help = "load with the struct once, which adds columns, or give the struct what is there; \
                    a column of another type has to be dropped first, with a refresh";
        Some(Error::new(ErrorKind::Contract, message).table(table).column(column).help(help))
    }
}
