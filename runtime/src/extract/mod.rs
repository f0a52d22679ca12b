//! Extraction: which items of a resource are loaded, and into which table.

pub(crate) mod spool;

use std::borrow::Cow;

use floe_schema::Naming;

use crate::error::{Error, Result};
use crate::incremental::{Boundary, Cursor, Look, text_of_key};
use crate::input::Page;
use crate::normalize::items::Items;
use crate::normalize::page::broken;
use crate::normalize::scan::Scanner;
use crate::resource::{Resource, TableName};

/// A resource within a run. It is shared by all threads and never changes.
#[derive(Debug)]
pub(crate) struct Extraction {
    pub(crate) resource: Resource,
    target: Target,
    pub(crate) cursor: Option<Cursor>,
    naming: Naming,
}

#[derive(Debug)]
enum Target {
    /// Normalised name.
    Fixed(String),
    Field { field: String, prefix: String },
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
        Self { resource, target, cursor, naming }
    }

    /// The table of all items, if it is the same for all.
    pub(crate) fn fixed_table(&self) -> Option<&str> {
        match &self.target {
            Target::Fixed(table) => Some(table),
            Target::Field { .. } => None,
        }
    }

    /// Whether every item is loaded into the same table.
    pub(crate) fn takes_all(&self) -> bool {
        self.cursor.is_none() && self.fixed_table().is_some()
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
    /// values that cannot be extracted, and tells the tables.
    pub(crate) fn check(&self, page: &Page, boundary: &mut Boundary) -> Result<Checked> {
        crate::normalize::page::validate(page)?;
        let mut checked = Checked::default();
        let mut scanner = Scanner::new(&page.bytes, 0);
        let mut items = Items::default();
        while items.enter(page, &mut scanner).map_err(|e| broken(page, e))? {
            if checked.stopped && !items.in_list() {
                break;
            }
            let destined = self.look(page, &mut scanner, boundary)?;
            checked.stopped |= destined.stop;
            if let Some(table) = destined.table {
                if !checked.tables.iter().any(|known| *known == table) {
                    checked.tables.push(table.into_owned());
                }
            }
            scanner.skip_value(0).map_err(|e| broken(page, e))?;
            items.leave(page, &mut scanner).map_err(|e| broken(page, e))?;
        }
        checked.empty_list = items.empty_list;
        Ok(checked)
    }
}

/// What a page has, as far as extraction is concerned.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Checked {
    pub(crate) tables: Vec<String>,
    pub(crate) stopped: bool,
    pub(crate) empty_list: bool,
}
