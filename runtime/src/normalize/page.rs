//! A page of items on its way through the plan.

use floe_schema::{Entity, Mode};

use super::decode::{self, Decoder, Met};
use super::items::Items;
use super::plan::Plan;
use super::reject::{self, Rejection};
use super::rows::{PageRows, RandomIds};
use super::scan::{ScanError, Scanner};
use super::slow::{self, Access, Discarded, Located, SlowPath};
use super::tree::{Node as Item, Tree};
use crate::error::{Error, ErrorKind, Result, Step};
use crate::extract::Extraction;
use crate::incremental::Boundary;
use crate::input::{Framing, Page};
use crate::package::Account;

/// What is known about a page while it is decoded.
pub(crate) struct PageWork {
    pub(crate) rows: PageRows,
    met: Met,
    items: Items,
    /// The plan with which the rows were decoded first.
    version: u64,
    epoch: u64,
    /// Nulls without a column were met, for which a newer plan could have one.
    unknown_null: bool,
    pub(crate) boundary: Boundary,
    /// No item behind this page is loaded.
    pub(crate) stopped: bool,
    /// Items that were loaded, and items that were not.
    pub(crate) kept: u64,
    pub(crate) dropped: u64,
    pub(crate) discarded: Discarded,
    /// Items that a contract keeps out.
    pub(crate) quarantined: u64,
    /// Of rejected items that are tried again, the numbers of those that stay.
    pub(crate) staying: Vec<u64>,
    /// By table; the items of the page are counted while they are met.
    account: Account,
}

/// How far a page was decoded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Done,
    /// The next item needs the right to change the plan.
    Stuck,
}

impl PageWork {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            rows: PageRows::new(plan),
            met: Met::default(),
            items: Items::default(),
            version: plan.version,
            epoch: plan.epoch,
            unknown_null: false,
            boundary: Boundary::default(),
            stopped: false,
            kept: 0,
            dropped: 0,
            discarded: Discarded::default(),
            quarantined: 0,
            staying: Vec::new(),
            account: Account::default(),
        }
    }

    /// Whether the rows are what `plan` would have made of them.
    pub(crate) fn is_valid(&self, plan: &Plan) -> bool {
        self.epoch == plan.epoch && (self.version == plan.version || !self.unknown_null)
    }

    /// What became of the items.
    pub(crate) fn account(&self) -> Account {
        let kept_out = self.dropped + self.staying.len() as u64;
        Account { items: self.items.count, kept_out, ..self.account.clone() }
    }

    /// Whether a line of the page was an empty list.
    pub(crate) fn has_empty_list(&self) -> bool {
        self.items.empty_list
    }

    /// Decodes items from where the work stopped, as far as the plan knows them.
    pub(crate) fn decode(
        &mut self,
        page: &Page,
        plan: &Plan,
        extraction: &Extraction,
        ids: &mut RandomIds,
    ) -> Result<Progress> {
        self.rows.extend(plan);
        let mut scanner = Scanner::new(&page.bytes, 0);
        loop {
            let before = self.items;
            if !self.enter(page, &mut scanner)? {
                return Ok(Progress::Done);
            }
            let mut boundary = std::mem::take(&mut self.boundary);
            let known = boundary.clone_if(extraction.cursor.is_some());
            let destined = extraction.look(page, &mut scanner, &mut boundary);
            self.boundary = boundary;
            let destined = destined?;
            match &destined.table {
                None => {
                    scanner.skip_value(0).map_err(|e| broken(page, e))?;
                    self.dropped += 1;
                }
                Some(table) if self.known_item(page, plan, table, &mut scanner, ids)? => {}
                Some(_) => {
                    // the item comes again when the plan may change
                    self.items = before;
                    if let Some(known) = known {
                        self.boundary = known;
                    }
                    return Ok(Progress::Stuck);
                }
            }
            self.stopped |= destined.stop;
            self.items.leave(page, &mut scanner).map_err(|e| broken(page, e))?;
        }
    }

    /// Decodes the next item and changes the plan as far as it has to. `prepare` is called with the
    /// table before.
    pub(crate) fn learn(
        &mut self,
        page: &Page,
        plan: &mut Plan,
        extraction: &Extraction,
        ids: &mut RandomIds,
        prepare: impl FnOnce(&mut Plan, &str) -> Result<()>,
    ) -> Result<()> {
        let mut scanner = Scanner::new(&page.bytes, 0);
        if !self.enter(page, &mut scanner)? {
            return Ok(());
        }
        let destined = extraction.look(page, &mut scanner, &mut self.boundary)?;
        let Some(table) = destined.table else {
            return Err(Error::internal("an item was dropped that had to be learned"));
        };
        let start = scanner.position();
        let item = Item::read(&mut scanner, 0).map_err(|e| broken(page, e))?;
        prepare(plan, &table).map_err(|e| e.at(page.place(start)))?;
        let text = page.bytes.get(start..scanner.position()).unwrap_or_default();
        match plan.filtered_tables.get(table.as_ref()) {
            Some(Mode::Quarantine) => {
                let rejection = Rejection { entity: Entity::Tables, at: start };
                self.reject_learned(plan, &table, &item, text, rejection)?;
            }
            Some(_) => {
                self.discarded.rows += 1;
                self.account.count(&table, 1, 1);
            }
            None => {
                self.rows.extend(plan);
                self.rows.start_item();
                let mut path = SlowPath::new(Access::Exclusive(plan), &mut self.rows, ids);
                let outcome = path.item(&table, &item);
                let (discarded, root_discarded) = (path.discarded, path.root_discarded);
                match outcome {
                    Ok(()) => {
                        plan.learn(&table, &item);
                        self.rows.extend(plan);
                        self.note(discarded);
                        self.account.count(&table, 1, root_discarded.into());
                        self.kept += 1;
                    }
                    Err(stop) => {
                        self.rows.forget_item();
                        match stop {
                            slow::Stop::Rejected(rejection) => {
                                self.reject_learned(plan, &table, &item, text, rejection)?;
                            }
                            slow::Stop::NotNow => {
                                return Err(Error::internal("an item was refused without a reason"));
                            }
                            slow::Stop::Failed(located) => return Err(locate(page, &item, start, located)),
                        }
                    }
                }
            }
        }
        self.stopped |= destined.stop;
        self.items.leave(page, &mut scanner).map_err(|e| broken(page, e))
    }

    /// Writes an item to the table for rejected ones, which is made if it does not exist.
    fn reject_learned(
        &mut self,
        plan: &mut Plan,
        root_table: &str,
        item: &Item<'_>,
        text: &[u8],
        rejection: Rejection,
    ) -> Result<()> {
        if !plan.replays && plan.rejected(root_table).is_none() {
            plan.add_rejected(root_table)?;
        }
        // others may know now what is rejected
        plan.version += 1;
        self.reject(plan, root_table, item, text, rejection).map(drop)
    }

    /// Writes an item to the table for rejected ones. False if there is no such table yet.
    fn reject(
        &mut self,
        plan: &Plan,
        root_table: &str,
        item: &Item<'_>,
        text: &[u8],
        rejection: Rejection,
    ) -> Result<bool> {
        if plan.replays {
            // it is in the table already
            self.staying.push(self.items.count);
        } else {
            let Some(table) = plan.rejected(root_table) else { return Ok(false) };
            let (path, rule) = (reject::path_to(item, rejection.at), reject::rule(rejection.entity));
            reject::write(&mut self.rows, plan, table, text, &path, &rule)?;
            self.account.quarantine(root_table);
        }
        self.quarantined += 1;
        Ok(true)
    }

    /// Moves to the next item that may be loaded.
    fn enter(&mut self, page: &Page, scanner: &mut Scanner<'_>) -> Result<bool> {
        let more = self.items.enter(page, scanner).map_err(|e| broken(page, e))?;
        // a line is finished, even if no item behind it is loaded
        Ok(more && (!self.stopped || self.items.in_list()))
    }

    /// Decodes an item with the plan as it is. False if the plan does not know enough.
    fn known_item<'a>(
        &mut self,
        page: &'a Page,
        plan: &Plan,
        root_table: &str,
        scanner: &mut Scanner<'a>,
        ids: &mut RandomIds,
    ) -> Result<bool> {
        self.rows.start_item();
        match plan.filtered_tables.get(root_table) {
            Some(Mode::Quarantine) => {
                let start = scanner.position();
                let item = Item::read(scanner, 0).map_err(|e| broken(page, e))?;
                let text = page.bytes.get(start..scanner.position()).unwrap_or_default();
                let rejection = Rejection { entity: Entity::Tables, at: start };
                self.reject(plan, root_table, &item, text, rejection)
            }
            Some(_) => {
                scanner.skip_value(0).map_err(|e| broken(page, e))?;
                self.discarded.rows += 1;
                self.account.count(root_table, 1, 1);
                Ok(true)
            }
            None => self.decode_item(page, plan, root_table, scanner, ids),
        }
    }

    fn decode_item<'a>(
        &mut self,
        page: &'a Page,
        plan: &Plan,
        root_table: &str,
        scanner: &mut Scanner<'a>,
        ids: &mut RandomIds,
    ) -> Result<bool> {
        let start = scanner.position();
        let Some(root) = plan.root(root_table) else { return Ok(false) };
        let mut decoder = Decoder::new(plan, scanner, &mut self.rows, &mut self.met);
        match decoder.item(root) {
            Ok(()) => {
                self.unknown_null |= decoder.unknown_null;
                self.discarded.values += decoder.discarded;
                self.account.count(root_table, 1, 0);
                self.kept += 1;
                return Ok(true);
            }
            Err(decode::Stop::Broken(error)) => return Err(broken(page, error)),
            Err(decode::Stop::Slow) => self.rows.forget_item(),
        }
        scanner.seek(start);
        let item = Item::read(scanner, 0).map_err(|e| broken(page, e))?;
        self.rows.start_item();
        let mut path = SlowPath::new(Access::Shared(plan), &mut self.rows, ids);
        let outcome = path.item(root_table, &item);
        let (discarded, root_discarded) = (path.discarded, path.root_discarded);
        if let Err(stop) = outcome {
            self.rows.forget_item();
            let slow::Stop::Rejected(rejection) = stop else { return Ok(false) };
            let text = page.bytes.get(start..scanner.position()).unwrap_or_default();
            return self.reject(plan, root_table, &item, text, rejection);
        }
        // a tree does not tell which nulls had no column
        self.unknown_null = true;
        self.note(discarded);
        self.account.count(root_table, 1, root_discarded.into());
        self.kept += 1;
        Ok(true)
    }

    fn note(&mut self, discarded: Discarded) {
        self.discarded.rows += discarded.rows;
        self.discarded.values += discarded.values;
    }
}

fn locate(page: &Page, item: &Item<'_>, start: usize, located: Located) -> Error {
    let at = located.at.unwrap_or(start);
    let mut place = page.place(at);
    place.pointer = pointer_to(item, at);
    located.error.at(place)
}

/// Checks that a page is UTF-8.
pub(crate) fn validate(page: &Page) -> Result<()> {
    match simdutf8::compat::from_utf8(&page.bytes) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::input("the text is not UTF-8")
            .at(page.place(error.valid_up_to()))
            .help("convert the file to UTF-8, for example with iconv")),
    }
}

/// The error for a page that is no JSON.
pub(crate) fn broken(page: &Page, error: ScanError) -> Error {
    let error = match page.framing {
        Framing::Lines => first_broken_line(&page.bytes, error),
        _ => error,
    };
    let message = error.problem.message();
    let error_at = page.place(error.at);
    if error.problem.is_unsupported_value() {
        return Error::new(ErrorKind::UnsupportedValue, message).step(Step::Extract).at(error_at);
    }
    Error::input(format!("this is no JSON: {message}")).at(error_at)
}

/// The error of the line that is at fault. An item that its line does not finish is read on into the
/// next lines, so the scanner may be far behind it.
fn first_broken_line(bytes: &[u8], error: ScanError) -> ScanError {
    let mut start = 0;
    for line in bytes.split(|byte| *byte == b'\n') {
        if start > error.at {
            break;
        }
        if !line.trim_ascii().is_empty()
            && let Err(own) = Scanner::new(line, 0).skip_value(0)
        {
            let at = start + own.at.min(line.trim_ascii_end().len());
            return ScanError { at, ..own };
        }
        start += line.len() + 1;
    }
    error
}

/// JSON pointer of the value at a place of the page.
fn pointer_to(item: &Item<'_>, at: usize) -> Option<String> {
    if item.at == at {
        return Some(String::new());
    }
    match &item.tree {
        Tree::Scalar(_) => None,
        Tree::List(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| pointer_to(item, at).map(|below| format!("/{index}{below}"))),
        Tree::Object(entries) => entries.iter().find_map(|(key, item)| {
            let key = key.replace('~', "~0").replace('/', "~1");
            pointer_to(item, at).map(|below| format!("/{key}{below}"))
        }),
    }
}
