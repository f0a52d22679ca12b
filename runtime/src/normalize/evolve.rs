//! How the schema grows while data is normalised.

use floe_schema::{Column, ResolvedContract, Table};

use super::contract::{Violation, apply};
use super::plan::Plan;

impl Plan {
    /// Adds columns to a table, and the table if it is new. `None` if a contract forbids the
    /// table, true if contracts dropped some of the columns.
    pub(super) fn evolve(
        &mut self,
        table: &str,
        parent_table: &str,
        columns: Vec<Column>,
    ) -> Result<Option<bool>, Violation> {
        let contract = self.contract_of(table, parent_table);
        let (allowed, filtered) = if contract == ResolvedContract::EVOLVE {
            (columns, Vec::new())
        } else {
            let existing = self.schema.tables.get(table);
            match apply(contract, table, existing, None, columns)? {
                Some(outcome) => outcome,
                None => {
                    self.filtered_tables.insert(table.to_owned(), contract.tables);
                    return Ok(None);
                }
            }
        };
        let dropped = !filtered.is_empty();
        if dropped {
            self.filtered_columns.entry(table.to_owned()).or_default().extend(filtered);
        }
        self.add_columns(table, parent_table, allowed);
        Ok(Some(dropped))
    }

    fn contract_of(&mut self, table: &str, parent_table: &str) -> ResolvedContract {
        if let Some(known) = self.contracts.get(table) {
            return *known;
        }
        let known = self.schema.tables.contains_key(table) || parent_table.is_empty();
        let source = if known { table } else { parent_table };
        let contract = self.schema.contract_for(source);
        self.contracts.insert(table.to_owned(), contract);
        contract
    }

    fn add_columns(&mut self, name: &str, parent_table: &str, columns: Vec<Column>) {
        let table = self.schema.tables.entry(name.to_owned()).or_insert_with(|| {
            if parent_table.is_empty() {
                let mut table = Table::new(name);
                table.write_disposition = Some(floe_schema::WriteDisposition::Append);
                table.resource = Some(name.to_owned());
                table
            } else {
                Table::nested(name, parent_table)
            }
        });
        let columns = columns.into_iter().map(|c| (c.name.to_string(), c)).collect();
        table.merge_columns(&columns, false);
        self.schema.extend_propagation(name);
    }
}
