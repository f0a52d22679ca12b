//! Rejected items are tried again: those that pass now are loaded, and removed from the table for
//! rejected ones in the same transaction.

use floe_schema::{MergeStrategy, Schema, Table, x};

use super::extract::account;
use super::run::Run;
use crate::destination::{Dataset, RejectedRow};
use crate::error::{Error, ErrorKind, Result, Step};
use crate::extract::Extraction;
use crate::fault::{self, Action};
use crate::input::{Framing, Numbering, Origin, Page, PageSource, Unit};
use crate::normalize::engine::Normalizer;
use crate::normalize::scan::Scanner;
use crate::package::{Manifest, Replayed};

/// Rows that are read at once.
const ROWS: usize = 1000;

/// The rows of a rejected table, in the order of their loads, as pages of items.
struct RejectedPages<'d> {
    dataset: &'d mut dyn Dataset,
    table: String,
    last: Option<RejectedRow>,
    /// Identifiers of the rows in the order of their items.
    ids: Vec<String>,
}

impl PageSource for RejectedPages<'_> {
    fn next_page(&mut self, mut buffer: Vec<u8>) -> Result<Option<Page>> {
        let rows = self.dataset.rejected_rows(&self.table, self.last.as_ref(), ROWS)?;
        if rows.is_empty() {
            return Ok(None);
        }
        // in a list, an item that is a list itself stays one item
        buffer.clear();
        for row in &rows {
            check_item(&self.table, row)?;
            buffer.extend_from_slice(if buffer.is_empty() { b"[" } else { b"\n," });
            // what breaks lines between values is blank
            buffer.extend(row.item.bytes().map(|byte| if byte == b'\n' { b' ' } else { byte }));
        }
        buffer.push(b']');
        let first = self.ids.len() as u64 + 1;
        self.ids.extend(rows.iter().map(|row| row.id.clone()));
        self.last = rows.into_iter().last();
        let lines = Numbering::Listed { numbers: (first..=self.ids.len() as u64).collect(), unit: Unit::Row };
        let origin = Origin { file: Some(self.table.as_str().into()), lines };
        Ok(Some(Page::new(buffer, Framing::Values, origin)))
    }
}

/// The tables for rejected items, with the tables that the items are meant for.
fn rejected_tables<'s>(schema: &'s Schema, wanted: &'s [String]) -> impl Iterator<Item = (&'s str, &'s str)> {
    let of = |table: &'s Table| Some((table.name.as_str(), table.x(x::REJECTED_OF)?.as_str()?));
    let is_wanted = move |of: &str| wanted.is_empty() || wanted.iter().any(|name| name == of);
    schema.tables.values().filter_map(of).filter(move |(_, of)| is_wanted(of))
}

impl Run<'_> {
    /// Normalises the rejected items of some tables, or of all. What still is rejected stays.
    pub(super) fn replay(
        &mut self,
        wanted: &[String],
        schema: &Schema,
        normalizer: &mut Normalizer<'_>,
        manifest: &mut Manifest,
    ) -> Result<()> {
        let tables: Vec<_> = rejected_tables(schema, wanted).collect();
        if let Some(unknown) = wanted.iter().find(|name| !tables.iter().any(|(_, of)| of == name)) {
            return Err(Error::config(format!("no items of {unknown} were ever rejected")).table(unknown));
        }
        for (rejected, of) in tables {
            check_strategy(schema, of)?;
            let extraction = Extraction::again(of, self.naming());
            let dataset = self.dataset.as_mut();
            let mut pages =
                RejectedPages { dataset, table: rejected.to_owned(), last: None, ids: Vec::new() };
            let mut extracted = normalizer.resource(&extraction, &mut pages, &|_| ())?;
            let ids = passed(pages.ids, &extracted.staying);
            manifest.accounts.push(account(&mut extracted, of));
            self.note(of, &extracted);
            if !ids.is_empty() {
                manifest.replayed.push(Replayed { table: rejected.to_owned(), ids });
            }
        }
        Ok(())
    }

    /// Removes the rows whose items a package loads.
    pub(super) fn remove_replayed(&mut self, replayed: &Replayed) -> Result<()> {
        let Replayed { table, ids } = replayed;
        let remove = || self.dataset.remove_rejected(table, ids);
        let removed = fault::around(Action::RemoveRejected, remove)?;
        if removed == ids.len() as u64 {
            return Ok(());
        }
        let message = format!(
            "of {} rows of {table} that are loaded only {removed} are left: another run has replayed them",
            ids.len()
        );
        Err(Error::new(ErrorKind::Package, message).step(Step::Load).table(table))
    }
}

/// Strategies that take what is loaded for all there is would give up all other rows.
fn check_strategy(schema: &Schema, table: &str) -> Result<()> {
    match schema.merge_strategy(table) {
        Some(strategy @ (MergeStrategy::Scd2 | MergeStrategy::Cdc)) => {
            let message = format!(
                "rejected items of {table} cannot be replayed: {} takes what is loaded for all there is",
                strategy.as_str()
            );
            Err(Error::config(message).table(table).help("load the table again from its source"))
        }
        _ => Ok(()),
    }
}

/// The identifiers whose items do not stay.
fn passed(ids: Vec<String>, staying: &[u64]) -> Vec<String> {
    let mut staying = staying.iter().copied().peekable();
    let stays = |at: usize, staying: &mut std::iter::Peekable<_>| {
        staying.next_if(|number| *number == at as u64).is_some()
    };
    ids.into_iter().enumerate().filter(|(at, _)| !stays(*at, &mut staying)).map(|(_, id)| id).collect()
}

/// Checks that a row holds one item, so that all items of a page have their numbers.
fn check_item(table: &str, row: &RejectedRow) -> Result<()> {
    let mut scanner = Scanner::new(row.item.as_bytes(), 0);
    let outcome = scanner.skip_value(0);
    let rest = row.item.as_bytes().get(scanner.position()..).unwrap_or_default();
    if outcome.is_ok() && rest.trim_ascii().is_empty() {
        return Ok(());
    }
    let message = format!("the item in row {} of {table} is no JSON", row.id);
    Err(Error::input(message).table(table).help("correct its column `row`, or delete it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_is_left_out() {
        let ids = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
        assert_eq!(passed(ids("abcde"), &[1, 4]), ids("acd"));
        assert_eq!(passed(ids("ab"), &[]), ids("ab"));
        assert_eq!(passed(ids("ab"), &[0, 1]), ids(""));
    }

    #[test]
    fn rows_that_hold_no_item_are_named() {
        let row = |item: &str| RejectedRow { load_id: "1.5".into(), id: "abc".into(), item: item.into() };
        assert!(check_item("t", &row(" {\"a\": [1]}\n")).is_ok());
        for item in ["1, 2", "{\"a\": ", ""] {
            let error = check_item("t", &row(item)).unwrap_err();
            assert_eq!(error.message(), "the item in row abc of t is no JSON", "{item}");
        }
    }
}
