//! An incremental resource within a run: which items pass, and what is remembered.

use std::collections::HashSet;

use floe_schema::hash::{UNIQUE_HASH_BYTES, canonical_json, shake128_base64};
use indexmap::IndexSet;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::{DedupKey, Incremental, OnMissing, RowOrder, lag};
use crate::error::{Error, ErrorKind, Result, Step};
use crate::normalize::scan::{ScanError, Scanner};
use crate::normalize::tree::Node;

/// Hashes of this length were made by older versions of dlt.
const LEGACY_HASH_LENGTH: usize = 20;
const LEGACY_HASH_BYTES: usize = 15;
/// More hashes than that are a burden for a state: they go to a table of the dataset.
const MANY_HASHES: usize = 10_000;
/// Where the state of a cursor names the rows of that table. dlt does not know it: where dlt goes on,
/// it finds no hashes and loads the items at the last value once more.
const BOUNDARY: &str = "floe_boundary";

/// What is known before the first item is read. It never changes during a run.
#[derive(Debug, Clone)]
pub(crate) struct Cursor {
    incremental: Incremental,
    key: Option<DedupKey>,
    /// Last value of the state, or the initial value, moved back by the lag.
    start: Json,
    /// The same without the lag.
    last: Json,
    hashes: HashSet<String>,
    /// The rows of the table of boundaries with some of the hashes.
    stored: Option<String>,
    /// Others are in the state, because dlt has run since.
    mixed: bool,
    legacy: bool,
    deduplicates: bool,
}

/// What a cursor remembers in the table of boundaries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Crowd {
    /// What the rows are called. Empty if there are none.
    pub(crate) boundary: String,
    /// What is added to them.
    pub(crate) hashes: Vec<String>,
    /// How many there are then.
    pub(crate) count: usize,
    /// Rows that nothing refers to any more.
    pub(crate) obsolete: Option<String>,
}

/// The rows of the table of boundaries that a state of a cursor names.
pub(crate) fn stored_boundary(state: Option<&Json>) -> Option<&str> {
    let stored = state?.get(BOUNDARY)?;
    // whoever moved the cursor since knew nothing of them
    let is_current = stored.get("last_value") == state?.get("last_value");
    stored.get("name").and_then(Json::as_str).filter(|_| is_current)
}

/// Whether an item is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) keep: bool,
    /// No later item can be new.
    pub(crate) stop: bool,
}

/// How far a run came, for a page or for all of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Boundary {
    last: Option<Json>,
    hashes: IndexSet<String>,
    /// An item was looked at, and one was kept.
    called: bool,
    kept: bool,
}

impl Boundary {
    /// A copy, where there is something to copy.
    pub(crate) fn clone_if(&self, wanted: bool) -> Option<Self> {
        wanted.then(|| self.clone())
    }
}

impl Cursor {
    /// Takes up where the state of a resource left.
    pub(crate) fn new(
        incremental: &Incremental,
        resource_key: Option<DedupKey>,
        state: Option<&Json>,
        stored: Vec<String>,
    ) -> Result<Self> {
        incremental.check()?;
        let state = state.filter(|_| incremental.end_value.is_null());
        let field = |name: &str| state.and_then(|s| s.get(name)).filter(|v| !v.is_null());
        let last = match state {
            Some(_) => field("last_value").cloned().unwrap_or_default(),
            None => incremental.initial_value.clone(),
        };
        let in_state = field("unique_hashes").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
        let hashes: HashSet<String> =
            in_state.iter().filter_map(|hash| hash.as_str().map(str::to_owned)).chain(stored).collect();
        let start = start_value(incremental, &last)?;
        let key = incremental.primary_key.clone().or(resource_key);
        let no_key = matches!(&key, Some(DedupKey::Many(names)) if names.is_empty());
        Ok(Self {
            legacy: hashes.iter().any(|hash| hash.len() == LEGACY_HASH_LENGTH),
            deduplicates: !incremental.open_start
                && incremental.end_value.is_null()
                && incremental.lag.is_none_or(|lag| lag == 0.0)
                && !no_key,
            stored: stored_boundary(state).map(str::to_owned),
            mixed: !in_state.is_empty(),
            incremental: incremental.clone(),
            key,
            start,
            last,
            hashes,
        })
    }

    /// Where the run begins.
    pub(crate) fn start(&self) -> Option<&Json> {
        Some(&self.start).filter(|start| !start.is_null())
    }

    /// The boundary of a run that has seen nothing.
    pub(crate) fn boundary(&self) -> Boundary {
        let last = Some(self.start.clone()).filter(|v| !v.is_null());
        Boundary { last, hashes: self.hashes.iter().cloned().collect(), ..Boundary::default() }
    }

    /// Looks at the item at the scanner, which stays where it is.
    pub(crate) fn look(&self, scanner: &mut Scanner<'_>, page: &mut Boundary) -> Result<Verdict, Look> {
        let at = scanner.position();
        let value = self.cursor_value(scanner);
        scanner.seek(at);
        page.called = true;
        let Some(value) = value? else {
            let keep = self.incremental.on_missing == OnMissing::Include;
            page.kept |= keep;
            return Ok(Verdict { keep, stop: false });
        };
        let verdict = self.verdict(&value, scanner, page);
        scanner.seek(at);
        let verdict = verdict?;
        page.kept |= verdict.keep;
        Ok(verdict)
    }

    fn cursor_value(&self, scanner: &mut Scanner<'_>) -> Result<Option<Json>, Look> {
        let found = match self.incremental.path.simple() {
            Some(key) => value_of_key(scanner, key)?,
            None => {
                let item = Node::read(scanner, 0)?;
                self.incremental.path.find(&item).map(Node::to_json)
            }
        };
        if let Some(value) = found.as_ref().filter(|v| !v.is_null()) {
            return Ok(Some(value.clone()));
        }
        if self.incremental.on_missing != OnMissing::Raise {
            return Ok(None);
        }
        let path = &self.incremental.path_text;
        let help = "let `on_cursor_value_missing` include or exclude such items";
        let error = match found {
            Some(_) => Error::new(ErrorKind::CursorNull, format!("the cursor `{path}` is null")),
            None => Error::new(ErrorKind::CursorMissing, format!("the item has no cursor `{path}`")),
        };
        Err(Look::Failed(error.step(Step::Extract).help(help)))
    }

    fn verdict(&self, value: &Json, scanner: &mut Scanner<'_>, page: &mut Boundary) -> Result<Verdict, Look> {
        let function = self.incremental.last_value;
        let end = &self.incremental.end_value;
        let order = self.incremental.row_order;
        let drop = |stop: bool| Ok(Verdict { keep: false, stop });
        if !end.is_null() {
            let beyond = function.is_later(value, end)?;
            let at_end = !self.incremental.closed_end && function.is_same(value, end);
            if beyond || at_end {
                return drop(order == Some(RowOrder::Ascending));
            }
        }
        if !self.start.is_null() {
            let at_start = function.is_same(value, &self.start);
            let out = if at_start {
                self.incremental.open_start || self.deduplicates && self.hashes.contains(&self.hash(scanner)?)
            } else {
                !function.is_later(value, &self.start)?
            };
            if out {
                return drop(order == Some(RowOrder::Descending));
            }
        }
        self.remember(value, scanner, page)?;
        Ok(Verdict { keep: true, stop: false })
    }

    fn remember(&self, value: &Json, scanner: &mut Scanner<'_>, page: &mut Boundary) -> Result<(), Look> {
        let later = match &page.last {
            None => true,
            Some(last) => self.incremental.last_value.is_later(value, last)?,
        };
        if later {
            page.last = Some(value.clone());
            page.hashes.clear();
        } else if !page.last.as_ref().is_some_and(|last| self.incremental.last_value.is_same(value, last)) {
            return Ok(());
        }
        if self.deduplicates {
            let hash = self.hash(scanner)?;
            page.hashes.insert(hash);
        }
        Ok(())
    }

    /// The hash of the item at the scanner.
    fn hash(&self, scanner: &mut Scanner<'_>) -> Result<String, Look> {
        let at = scanner.position();
        let item = Node::read(scanner, 0);
        scanner.seek(at);
        let item = item?;
        let field = |name: &str| match item.get(name) {
            Some(value) => Ok(value.to_json()),
            None => Err(Look::Failed(
                Error::new(
                    ErrorKind::DedupKeyMissing,
                    format!("the item has no `{name}`, by which items with equal cursors are told apart"),
                )
                .step(Step::Extract)
                .help("give another `primary_key` to the incremental, or an empty list for none"),
            )),
        };
        let content = match &self.key {
            None => item.to_json(),
            Some(DedupKey::One(name)) => field(name)?,
            Some(DedupKey::Many(names)) => names.iter().map(|n| field(n)).collect::<Result<_, _>>()?,
        };
        let bytes = if self.legacy { LEGACY_HASH_BYTES } else { UNIQUE_HASH_BYTES };
        Ok(shake128_base64(canonical_json(&content).as_bytes(), bytes))
    }

    /// Adds what a later page brought.
    pub(crate) fn merge(&self, all: &mut Boundary, page: Boundary) -> Result<()> {
        all.called |= page.called;
        all.kept |= page.kept;
        let Some(value) = page.last else { return Ok(()) };
        match &all.last {
            Some(last) if self.incremental.last_value.is_same(last, &value) => {
                all.hashes.extend(page.hashes);
            }
            Some(last) if !self.incremental.last_value.is_later(&value, last)? => {}
            _ => {
                all.last = Some(value);
                all.hashes = page.hashes;
            }
        }
        Ok(())
    }

    /// What the table of boundaries is to hold after the run. `name` is for new rows.
    fn crowd(&self, all: &Boundary, name: &str) -> Crowd {
        let count = all.hashes.len();
        if !self.deduplicates || count <= MANY_HASHES {
            return Crowd { obsolete: self.stored.clone(), ..Crowd::default() };
        }
        let goes_on = all.last.as_ref().is_some_and(|last| *last == self.last);
        match self.stored.clone().filter(|_| goes_on && !self.mixed) {
            Some(boundary) => {
                let hashes = all.hashes.iter().filter(|hash| !self.hashes.contains(*hash)).cloned().collect();
                Crowd { boundary, hashes, count, obsolete: None }
            }
            None => {
                let hashes = all.hashes.iter().cloned().collect();
                Crowd { boundary: name.to_owned(), hashes, count, obsolete: self.stored.clone() }
            }
        }
    }

    /// The state of the resource after the run, or `None` if nothing is remembered, and what goes to
    /// the table of boundaries.
    pub(crate) fn new_state(
        &self,
        known: Option<&Json>,
        all: &Boundary,
        name: &str,
    ) -> Result<Option<(Json, Crowd)>> {
        if !self.incremental.end_value.is_null() {
            return Ok(None);
        }
        let initial = &self.incremental.initial_value;
        let mut state = known.cloned().unwrap_or_else(|| {
            json!({"initial_value": initial, "last_value": initial, "unique_hashes": [], "start_value": initial})
        });
        if !all.called {
            return Ok(Some((state, Crowd::default())));
        }
        let reached = all.last.clone().unwrap_or_default();
        // with a lag the run may have ended before the last value of the state
        let last = match (reached.is_null(), self.last.is_null()) {
            (false, false) => self.incremental.last_value.of(&reached, &self.last)?.clone(),
            (true, _) => self.last.clone(),
            (false, true) => reached,
        };
        let crowd = self.crowd(all, name);
        if let Some(state) = state.as_object_mut() {
            state.shift_remove(BOUNDARY);
        }
        state["unique_hashes"] = json!([]);
        if !crowd.boundary.is_empty() {
            state[BOUNDARY] = json!({"name": crowd.boundary, "last_value": last});
        } else if self.deduplicates {
            state["unique_hashes"] = all.hashes.iter().cloned().collect::<Vec<_>>().into();
        }
        state["last_value"] = last;
        if all.kept {
            state["start_value"] = self.last.clone();
        }
        Ok(Some((state, crowd)))
    }
}

/// Why an item could not be looked at.
#[derive(Debug)]
pub(crate) enum Look {
    Broken(ScanError),
    Failed(Error),
}

impl From<ScanError> for Look {
    fn from(error: ScanError) -> Self {
        Self::Broken(error)
    }
}

impl From<Error> for Look {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

fn start_value(incremental: &Incremental, last: &Json) -> Result<Json> {
    let Some(lag) = incremental.lag.filter(|lag| *lag != 0.0) else { return Ok(last.clone()) };
    if last.is_null() || !incremental.end_value.is_null() {
        return Ok(last.clone());
    }
    lag::apply_lag(lag, &incremental.initial_value, last, incremental.last_value).ok_or_else(|| {
        Error::new(ErrorKind::CursorType, format!("a lag cannot be applied to the cursor value {last}"))
            .step(Step::Extract)
            .help("a lag needs numbers, dates or timestamps such as 2024-01-31T10:20:30Z")
    })
}

/// The last value of a key of the object at the scanner.
fn value_of_key(scanner: &mut Scanner<'_>, wanted: &str) -> Result<Option<Json>, ScanError> {
    if scanner.next_byte() != Some(b'{') {
        scanner.skip_value(0)?;
        return Ok(None);
    }
    let mut found = None;
    let mut more = scanner.open_object()?;
    while more {
        let key = scanner.key()?;
        let same = match key.escaped {
            true => key.decode()? == wanted,
            false => key.raw == wanted.as_bytes(),
        };
        if same {
            found = Some(Node::read(scanner, 1)?.to_json());
        } else {
            scanner.skip_value(1)?;
        }
        more = scanner.more_keys()?;
    }
    Ok(found)
}

/// The value of a key of the item at the scanner as Python's `str` writes it.
pub(crate) fn text_of_key(scanner: &mut Scanner<'_>, wanted: &str) -> Result<Option<String>, ScanError> {
    let at = scanner.position();
    let value = value_of_key(scanner, wanted);
    scanner.seek(at);
    Ok(value?.map(|value| match value {
        Json::String(text) => text,
        Json::Null => "None".to_owned(),
        Json::Bool(true) => "True".to_owned(),
        Json::Bool(false) => "False".to_owned(),
        Json::Number(number) if number.is_f64() => {
            floe_schema::hash::python_float(number.as_f64().unwrap_or_default())
        }
        other => other.to_string(),
    }))
}

#[cfg(test)]
mod tests;
