//! What became of the items of a package: none is lost on the way without a word.

use floe_schema::{Schema, Table, x};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result, Step};

/// The items of one resource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) resource: String,
    /// Items that were met in the input.
    pub(crate) items: u64,
    /// Items that a cursor kept out.
    pub(crate) kept_out: u64,
    /// All other items, by the root table that they belong to.
    pub(crate) tables: Vec<TableAccount>,
    /// Root tables that elements of lists went to: those with the name of a nested one, or of a list whose
    /// key adds nothing to the name of the table around it.
    #[serde(default)]
    pub(crate) with_elements: Vec<String>,
}

/// The items that belong to one root table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TableAccount {
    pub(crate) table: String,
    pub(crate) items: u64,
    /// Items whose row a contract discarded.
    pub(crate) discarded: u64,
    /// Items that are in the table for rejected ones.
    #[serde(default)]
    pub(crate) quarantined: u64,
}

impl Account {
    /// Counts items of a table, and how many of them were discarded.
    #[inline]
    pub(crate) fn count(&mut self, table: &str, items: u64, discarded: u64) {
        self.add_to(table, (items, discarded, 0));
    }

    /// Counts an item that goes to the table for rejected ones.
    pub(crate) fn quarantine(&mut self, table: &str) {
        self.add_to(table, (1, 0, 1));
    }

    #[inline]
    fn add_to(&mut self, table: &str, (items, discarded, quarantined): (u64, u64, u64)) {
        match self.tables.iter_mut().find(|t| t.table == table) {
            Some(known) => {
                known.items += items;
                known.discarded += discarded;
                known.quarantined += quarantined;
            }
            None => {
                let table = table.to_owned();
                self.tables.push(TableAccount { table, items, discarded, quarantined });
            }
        }
    }

    /// Adds what a page brought.
    pub(crate) fn add(&mut self, other: &Account) {
        self.items += other.items;
        self.kept_out += other.kept_out;
        self.with_elements.extend(other.with_elements.iter().cloned());
        for table in &other.tables {
            self.add_to(&table.table, (table.items, table.discarded, table.quarantined));
        }
    }
}

/// Checks that each item is a row, was kept out, was discarded, or is quarantined. `loaded` gives the rows that
/// went into a table.
pub(crate) fn check_accounts(
    accounts: &[Account],
    schema: &Schema,
    loaded: &dyn Fn(&str) -> u64,
) -> Result<()> {
    let mut total = Account::default();
    for account in accounts {
        let accounted = account.kept_out + account.tables.iter().map(|t| t.items).sum::<u64>();
        if account.items != accounted {
            let (resource, items) = (&account.resource, account.items);
            let message =
                format!("resource {resource} had {items} items, of which {accounted} are accounted for");
            return Err(Error::new(ErrorKind::Internal, message).step(Step::Load));
        }
        total.add(account);
    }
    for TableAccount { table, items, discarded, quarantined } in &total.tables {
        let (rows, expected) = (loaded(table), items.saturating_sub(discarded + quarantined));
        if rows < expected || (rows > expected && !total.with_elements.contains(table)) {
            let message = format!(
                "{rows} rows went into table {table}, but of {items} items {discarded} were discarded and \
                 {quarantined} quarantined, so there should be {expected}"
            );
            return Err(Error::new(ErrorKind::Internal, message).step(Step::Load).table(table));
        }
        let rows = rejected_rows(schema, table, loaded);
        if rows < *quarantined {
            let message =
                format!("{quarantined} items of {table} were rejected, but {rows} rows tell of them");
            return Err(Error::new(ErrorKind::Internal, message).step(Step::Load).table(table));
        }
    }
    Ok(())
}

/// The rows that went into the table for rejected items of a root table.
fn rejected_rows(schema: &Schema, root: &str, loaded: &dyn Fn(&str) -> u64) -> u64 {
    let is_meant = |table: &&Table| table.x(x::REJECTED_OF).and_then(|of| of.as_str()) == Some(root);
    schema.tables.values().filter(is_meant).map(|table| loaded(&table.name)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(items: u64, kept_out: u64, of_table: (u64, u64)) -> Account {
        let (in_table, discarded) = of_table;
        let table = TableAccount { table: "events".into(), items: in_table, discarded, quarantined: 0 };
        Account { resource: "r".into(), items, kept_out, tables: vec![table], ..Account::default() }
    }

    #[test]
    fn every_item_is_accounted_for() {
        let schema = Schema::new("s");
        let check = |accounts: &[Account], rows| {
            check_accounts(accounts, &schema, &|_| rows).map_err(|e| e.message().to_owned())
        };
        assert_eq!(check(&[account(10, 3, (7, 2))], 5), Ok(()));
        assert_eq!(check(&[account(10, 3, (7, 2)), account(1, 0, (1, 0))], 6), Ok(()));
        let text = "4 rows went into table events, but of 7 items 2 were discarded and 0 quarantined, \
                    so there should be 5";
        assert_eq!(check(&[account(10, 3, (7, 2))], 4), Err(text.to_owned()));
        assert!(check(&[account(10, 3, (7, 2))], 6).is_err());
        let text = "resource r had 11 items, of which 10 are accounted for";
        assert_eq!(check(&[account(11, 3, (7, 2))], 5), Err(text.to_owned()));
    }

    #[test]
    fn lists_may_add_rows_to_a_root_table() {
        let schema = Schema::new("s");
        let mut account = Account { items: 1, ..Account::default() };
        account.count("a__b", 1, 0);
        assert!(check_accounts(&[account.clone()], &schema, &|_| 2).is_err());
        let lists = Account { with_elements: vec!["a__b".into()], ..Account::default() };
        assert!(check_accounts(&[account.clone(), lists.clone()], &schema, &|_| 2).is_ok());
        assert!(check_accounts(&[account, lists], &schema, &|_| 0).is_err());
    }
}
