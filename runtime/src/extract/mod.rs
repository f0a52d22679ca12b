//! Extraction: which items of a resource are loaded, and into which table.

pub(crate) mod spool;

use std::borrow::Cow;

use floe_schema::Naming;

use crate::error::{Error, Result};
use crate::incremental::{Boundary, Cursor, Look, text_of_key};
use crate::input::{Inferred, Page};
use crate::normalize::items::Items;
use crate::normalize::page::broken;
use crate::normalize::scan::Scanner;
use crate::resource::{Resource, TableName};

/// A resource within a run. It is shared by all threads and never changes.
#[derive(Debug)]
pub(crate) struct Extraction {
    /// Whose hints are merged; `None` if that has happened before.
    pub(crate) resource: Option<Resource>,
    /// What the input knows about columns.
    pub(crate) inferred: Vec<Inferred>,
    target: Target,
    pub(crate) cursor: Option<Cursor>,
    naming: Naming,
}

#[derive(Debug)]
enum Target {
    /// Normalised name.
    Fixed(String),
    Field {
        field: String,
        prefix: String,
    },
}

/// What became of an item.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Destined<'e> {
    /// The root table, or nothing if the item is not loaded.
    pub(crate) table: Option<Cow<'e, str>>,
    /// No later item is loaded.
    pub(crate) stop: bool,
}

impl Extraction {
    pub(crate) fn new(resource: Resource, cursor: Option<Cursor>, naming: Naming) -> Self {
        let target = match &resource.table {
            TableName::Fixed(name) => Target::Fixed(naming.path(name)),
            TableName::Field { field, prefix } => {
                Target::Field { field: field.clone(), prefix: prefix.clone() }
            }
        };
        Self { resource: Some(resource), inferred: Vec::new(), target, cursor, naming }
    }

    /// Items of a table that passed extraction before.
    pub(crate) fn again(table: &str, naming: Naming) -> Self {
        let target = Target::Fixed(table.to_owned());
        Self { resource: None, inferred: Vec::new(), target, cursor: None, naming }
    }

    /// The table of all items, if it is the same for all.
    pub(crate) fn fixed_table(&self) -> Option<&str> {
        match &self.target {
            Target::Fixed(table) => Some(table),
            Target::Field { .. } => None,
        }
    }

    /// Looks at the item at the scanner, which stays where it is.
    pub(crate) fn look(
        &self,
        page: &Page,
        scanner: &mut Scanner<'_>,
        boundary: &mut Boundary,
    ) -> Result<Destined<'_>> {
        let at = scanner.position();
        let mut stop = false;
        if let Some(cursor) = &self.cursor {
            let verdict = cursor.look(scanner, boundary).map_err(|look| match look {
                Look::Broken(error) => broken(page, error),
                Look::Failed(error) => error.at(page.place(at)),
            })?;
            stop = verdict.stop;
            if !verdict.keep {
                return Ok(Destined { table: None, stop });
            }
        }
        let table = match &self.target {
            Target::Fixed(table) => Cow::Borrowed(table.as_str()),
            Target::Field { field, prefix } => {
                let text = text_of_key(scanner, field).map_err(|e| broken(page, e))?;
                let text = text.ok_or_else(|| {
                    Error::input(format!("the item has no `{field}`, which names its table"))
                        .at(page.place(at))
                        .help("give every item the field, or the resource a fixed `table_name`")
                })?;
                Cow::Owned(self.naming.path(&format!("{prefix}{text}")))
            }
        };
        if table.is_empty() {
            return Err(Error::input("the name of the table is empty").at(page.place(at)));
        }
        Ok(Destined { table: Some(table), stop })
    }

    /// Looks at all items of a page without normalising them: reports text that is no JSON and
    /// values that cannot be extracted. Items that are loaded are given to `visit` with the table.
    pub(crate) fn walk(
        &self,
        page: &Page,
        boundary: &mut Boundary,
        visit: &mut dyn FnMut(&str, Item<'_>) -> Result<()>,
    ) -> Result<Walked> {
        crate::normalize::page::validate(page)?;
        let mut stopped = false;
        let mut scanner = Scanner::new(&page.bytes, 0);
        let mut items = Items::default();
        while items.enter(page, &mut scanner).map_err(|e| broken(page, e))? {
            if stopped && !items.in_list() {
                break;
            }
            let destined = self.look(page, &mut scanner, boundary)?;
            stopped |= destined.stop;
            let at = scanner.position();
            scanner.skip_value(0).map_err(|e| broken(page, e))?;
            if let Some(table) = destined.table {
                visit(&table, Item { at, text: scanner.slice(at) })?;
            }
            items.leave(page, &mut scanner).map_err(|e| broken(page, e))?;
        }
        Ok(Walked { stopped, empty_list: items.empty_list })
    }
}

/// An item in its page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item<'p> {
    pub(crate) at: usize,
    pub(crate) text: &'p [u8],
}

/// What else a page has.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Walked {
    /// No item behind the page is loaded.
    pub(crate) stopped: bool,
    /// A line was an empty list.
    pub(crate) empty_list: bool,
}
