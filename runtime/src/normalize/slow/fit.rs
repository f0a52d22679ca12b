//! How a row gets into its table: contracts, the column for each value, new columns.

use floe_schema::{Column, DataType, Entity, ID, LIST_IDX, Mode, PARENT_ID, ROOT_ID};

use super::misfit::{no_coercion, not_null, out_of_range};
use super::{Access, Cell, Located, Outcome, Row, SlowPath, Stop, text_of};
use crate::error::Error;
use crate::normalize::contract::Filter;
use crate::normalize::plan::{ColumnId, TableId};
use crate::normalize::reject::Rejection;
use crate::normalize::rows::{PageRows, System};
use crate::value::{Misfit, Value, coerce, typed_text};

impl SlowPath<'_> {
    /// Fits a row into its table and writes it. False if a contract or filter dropped it.
    pub(super) fn emit(
        &mut self,
        table: &str,
        parent_table: &str,
        mut row: Row<'_>,
        at: usize,
    ) -> Outcome<bool> {
        match self.plan().filtered_tables.get(table) {
            Some(Mode::Quarantine) => return Err(rejected(Entity::Tables, at)),
            Some(_) => {
                self.discarded.rows += 1;
                return Ok(false);
            }
            None => {}
        }
        if self.plan().rules.has_filters() {
            let rules = self.plan().rules.clone();
            row.retain(|name, _| !rules.is_excluded(table, name));
        }
        if row.is_empty() || !self.drop_filtered(table, &mut row, at)? {
            return Ok(false);
        }
        for cell in row.values_mut() {
            if let Value::Text(text) = &cell.value
                && let Some(typed) = typed_text(text)
            {
                cell.value = typed;
            }
        }
        let (mut row, new_columns) = self.coerce_row(table, row)?;
        if !new_columns.is_empty() {
            // what is known to be rejected needs no change of the plan
            self.check_quarantine(table, &row, at)?;
            let Some(kept) = self.evolve(table, parent_table, new_columns, &row)? else {
                if self.plan().filtered_tables.get(table) == Some(&Mode::Quarantine) {
                    return Err(rejected(Entity::Tables, at));
                }
                self.discarded.rows += 1;
                return Ok(false);
            };
            if kept && !self.drop_filtered(table, &mut row, at)? {
                return Ok(false);
            }
        }
        self.write(table, row)?;
        Ok(true)
    }

    /// Applies what contracts decided before. False if the row is dropped.
    fn drop_filtered(&mut self, table: &str, row: &mut Row<'_>, at: usize) -> Outcome<bool> {
        self.check_quarantine(table, row, at)?;
        let Some(filtered) = self.access.plan().filtered_columns.get(table) else { return Ok(true) };
        for (name, filter) in filtered {
            if !row.contains_key(name) {
                continue;
            }
            match filter.mode {
                Mode::DiscardRow => {
                    self.discarded.rows += 1;
                    return Ok(false);
                }
                // only nulls are left
                Mode::Quarantine => drop(row.shift_remove(name)),
                _ => {
                    row.shift_remove(name);
                    self.discarded.values += 1;
                }
            }
        }
        if row.is_empty() {
            self.discarded.rows += 1;
        }
        Ok(!row.is_empty())
    }

    /// Stops at a value for which a contract keeps the item out.
    fn check_quarantine(&self, table: &str, row: &Row<'_>, at: usize) -> Outcome {
        let Some(filtered) = self.plan().filtered_columns.get(table) else { return Ok(()) };
        let quarantine = |filter: &Filter| filter.mode == Mode::Quarantine;
        for (name, filter) in filtered.iter().filter(|(_, filter)| quarantine(filter)) {
            if let Some(cell) = row.get(name).filter(|cell| !cell.value.is_null()) {
                return Err(rejected(filter.entity, cell.at.unwrap_or(at)));
            }
        }
        Ok(())
    }

    /// Finds the column of each value. Returns the values by column, and the columns that have to
    /// be added for them.
    fn coerce_row<'i>(&self, table: &str, row: Row<'i>) -> Outcome<(Row<'i>, Vec<Column>)> {
        let plan = self.plan();
        let known = plan.schema.tables.get(table);
        let mut coerced = Row::new();
        let mut new_columns: Vec<Column> = Vec::new();
        for (name, cell) in row {
            let existing = known.and_then(|t| t.columns.get(&name));
            if cell.value.is_null() {
                let refused = match existing {
                    Some(column) if column.is_complete() => !column.is_nullable(),
                    Some(_) => false,
                    None => plan.rules.has_hint("not_null", &name),
                };
                if refused {
                    return Err(self.failed(not_null(table, &name), cell.at));
                }
                // a null takes the place of an earlier value for the same column
                coerced.insert(name, cell);
                continue;
            }
            let added = |name: &str| new_columns.iter().find(|c| c.name == name);
            let place = Place { table, name: &name, is_variant: false };
            let (column, new) = self.column_for(place, &cell, |name| {
                added(name).cloned().or_else(|| known.and_then(|t| t.columns.get(name)).cloned())
            })?;
            if let Some(new) = new {
                new_columns.push(new);
            }
            coerced.insert(column, cell);
        }
        Ok((coerced, new_columns))
    }

    /// The column that takes a value, and its definition if it is new.
    fn column_for(
        &self,
        place: Place<'_>,
        cell: &Cell<'_>,
        find: impl Fn(&str) -> Option<Column> + Copy,
    ) -> Outcome<(String, Option<Column>)> {
        let Place { table, name, is_variant } = place;
        let plan = self.plan();
        let existing = find(name);
        let complete = existing.as_ref().filter(|c| c.is_complete());
        let data_type = match complete.and_then(|c| c.data_type) {
            Some(data_type) => data_type,
            None if is_variant => plan.rules.infer_type(&cell.value),
            None => {
                let preferred = plan.rules.preferred_type(name);
                preferred.unwrap_or_else(|| plan.rules.infer_type(&cell.value))
            }
        };
        if coerce(data_type, cell.value.clone()) == Err(Misfit::Type) {
            let kind = cell.value.data_type();
            if is_variant {
                return Err(self.failed(no_coercion(table, name, kind, data_type, &cell.value), cell.at));
            }
            let former = (kind == DataType::Json).then(|| plan.naming.join([name, "v_complex"]));
            let former = former.filter(|n| find(n).is_some_and(|c| c.has(floe_schema::Hint::Variant)));
            let variant = former.unwrap_or_else(|| plan.naming.join([name, &format!("v_{kind}")]));
            let place = Place { table, name: &variant, is_variant: true };
            return self.column_for(place, cell, find);
        }
        if complete.is_some() {
            return Ok((name.to_owned(), None));
        }
        let mut column = plan.rules.new_column(name, data_type);
        if is_variant {
            column.set_hint(floe_schema::Hint::Variant, Some(true));
            column.description = Some(format!("Variant of column {name} generated by dlt").into());
        }
        if let Some(hints) = existing {
            column.merge(&hints);
        }
        Ok((name.to_owned(), Some(column)))
    }

    /// Adds columns to the schema as far as contracts allow. `None` if the table must not exist,
    /// true if contracts dropped some of the columns.
    fn evolve(
        &mut self,
        table: &str,
        parent_table: &str,
        columns: Vec<Column>,
        row: &Row<'_>,
    ) -> Outcome<Option<bool>> {
        let Access::Exclusive(plan) = &mut self.access else { return Err(Stop::NotNow) };
        match plan.evolve(table, parent_table, columns) {
            Ok(outcome) => Ok(outcome),
            Err(violation) => {
                let at = violation.column.as_ref().and_then(|c| row.get(c)).and_then(|cell| cell.at);
                let at = at.or_else(|| row.values().find_map(|cell| cell.at));
                let found = violation.column.as_ref().and_then(|c| row.get(c));
                let error = violation.into_error(&plan.schema, found.map(|c| c.value.data_type()));
                Err(self.failed(error, at))
            }
        }
    }

    /// Puts the values of a row into the columns.
    fn write(&mut self, table: &str, row: Row<'_>) -> Outcome {
        let id = match &mut self.access {
            Access::Exclusive(plan) => plan.refresh_table(table),
            Access::Shared(plan) => plan.table_id(table),
        };
        let Some(id) = id else { return Err(Stop::NotNow) };
        let plan = self.access.plan();
        self.rows.extend(plan);
        let Some(table_plan) = plan.tables.get(id) else { return Err(Stop::NotNow) };
        let text = |name: &str| row.get(name).filter(|c| !c.value.is_null()).map(|c| text_of(&c.value));
        let system = System {
            id: text(ID).unwrap_or_default(),
            parent_id: text(PARENT_ID).filter(|_| table_plan.has_parent_id),
            list_idx: match row.get(LIST_IDX).map(|cell| coerce(DataType::Bigint, cell.value.clone())) {
                Some(Ok(Value::Int(index))) => i64::try_from(index).ok(),
                _ => None,
            },
            root_id: text(ROOT_ID).filter(|_| table_plan.has_root_id),
        };
        let at = self.rows.start_explicit(table_plan, id, system);
        for (name, cell) in row {
            if table_plan.is_system(&name) || cell.value.is_null() {
                continue;
            }
            let Some(column) = table_plan.column_id(&name) else { continue };
            append(self.rows, (table, id), (&name, column), at, cell)
                .map_err(|located| self.failed(located.error, located.at))?;
        }
        Ok(())
    }
}

fn rejected(entity: Entity, at: usize) -> Stop {
    Stop::Rejected(Rejection { entity, at })
}

/// Appends a value to the column that was found for it.
fn append(
    rows: &mut PageRows,
    (table, table_id): (&str, TableId),
    (name, column): (&str, ColumnId),
    row: usize,
    cell: Cell<'_>,
) -> Result<(), Located> {
    let located = |error: Error| Located { error, at: cell.at };
    let Some(builder) = rows.column(table_id, column, row) else {
        return Err(located(Error::internal(format!("{table}.{name} has two values in one row"))));
    };
    let data_type = builder.data_type();
    builder.push(cell.value.clone()).map_err(|misfit| match misfit {
        Misfit::Range(why) => located(out_of_range(table, name, data_type, why, &cell.value)),
        Misfit::Type => {
            let kind = cell.value.data_type();
            located(no_coercion(table, name, kind, data_type, &cell.value))
        }
    })
}

#[derive(Clone, Copy)]
struct Place<'a> {
    table: &'a str,
    name: &'a str,
    is_variant: bool,
}
