//! The engine: pages in parallel, effects in page order.
//!
//! Every worker takes the next page and decodes it with the plan as it is. Then it waits for its
//! turn, which comes in page order. In its turn it may change the plan, and its batches are written.
//! So the result is the same for any number of workers and any size of pages:
//!
//! * a page whose every value was known is the same whenever it was decoded, unless the plan has
//!   changed in between in a way that [`PageWork::is_valid`] notices: then it is decoded again;
//! * a page with something new is decoded up to there, and the rest in its turn.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};

use arrow::record_batch::RecordBatch;
use floe_schema::{Mode, Schema};

use super::page::{PageWork, Progress};
use super::plan::Plan;
use super::rows::RandomIds;
use super::slow::Discarded;
use crate::error::{Error, Result, Step};
use crate::extract::Extraction;
use crate::incremental::Boundary;
use crate::input::{Page, PageSource};
use crate::package::Account;
use crate::resource::apply_hints;

/// Takes the batches, in order.
pub(crate) trait BatchSink: Send {
    /// Rows of a table.
    fn write(&mut self, table: &str, batch: RecordBatch) -> Result<()>;
}

/// What a resource brought.
#[derive(Debug, Default, Clone)]
pub(crate) struct Extracted {
    pub(crate) boundary: Boundary,
    pub(crate) items: u64,
    pub(crate) dropped: u64,
    pub(crate) bytes: u64,
    pub(crate) discarded: Discarded,
    /// Items that a contract keeps out.
    pub(crate) quarantined: u64,
    /// Of rejected items that are tried again, the numbers of those that stay.
    pub(crate) staying: Vec<u64>,
    pub(crate) account: Account,
    /// A page was an empty list.
    pub(crate) empty_list: bool,
}

impl Extracted {
    /// Whether the resource gave a sign of life.
    pub(crate) fn has_data(&self) -> bool {
        self.items > 0 || self.quarantined > 0 || self.empty_list
    }
}

/// What changes in turns.
pub(crate) struct Normalizer<'s> {
    plan: Arc<Plan>,
    /// The schema as extraction leaves it: with hints, without what data taught.
    pub(crate) extracted_schema: Schema,
    hinted: Vec<String>,
    sink: &'s mut dyn BatchSink,
    /// The first error of normalising. What follows is only checked.
    pub(crate) failed: Option<Error>,
    threads: usize,
}

impl<'s> Normalizer<'s> {
    pub(crate) fn new(plan: Plan, sink: &'s mut dyn BatchSink, threads: usize) -> Self {
        let extracted_schema = plan.schema.clone();
        let (plan, hinted, failed) = (Arc::new(plan), Vec::new(), None);
        Self { plan, extracted_schema, hinted, sink, failed, threads: threads.max(1) }
    }

    /// Tables whose items contracts discard.
    pub(crate) fn discarded_tables(&self) -> Vec<String> {
        let tables = self.plan.filtered_tables.iter();
        tables.filter(|(_, mode)| **mode != Mode::Quarantine).map(|(name, _)| name.clone()).collect()
    }

    fn prepare(&mut self, extraction: &Extraction, table: &str) -> Result<()> {
        let plan = Arc::make_mut(&mut self.plan);
        prepare(plan, &mut self.extracted_schema, &mut self.hinted, extraction, table)
    }

    /// The schema with everything that data taught.
    pub(crate) fn into_schema(self) -> Schema {
        Arc::try_unwrap(self.plan).map_or_else(|plan| plan.schema.clone(), |plan| plan.schema)
    }

    /// Loads all pages of a resource. An error of extraction ends the run at once. An error of
    /// normalising is kept, and the remaining pages are checked for errors of extraction.
    pub(crate) fn resource(
        &mut self,
        extraction: &Extraction,
        source: &mut dyn PageSource,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Extracted> {
        let snapshot = RwLock::new(self.plan.clone());
        let boundary = extraction.cursor.as_ref().map(|c| c.boundary()).unwrap_or_default();
        let extracted = Extracted { boundary, ..Extracted::default() };
        let threads = self.threads;
        let run = Run {
            extraction,
            source: Mutex::new(Pages { source, next: 0, ended: false }),
            snapshot,
            turn: Mutex::new(0),
            turned: Condvar::new(),
            state: Mutex::new(State { normalizer: self, extracted, error: None, stopped: false }),
            progress,
        };
        std::thread::scope(|scope| {
            for _ in 1..threads {
                // if the system has no thread to give, fewer do the work
                let _ = std::thread::Builder::new().spawn_scoped(scope, || run.work());
            }
            run.work();
        });
        let state = run.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        match state.error {
            Some(error) => Err(error),
            None => {
                let mut extracted = state.extracted;
                extracted.account.with_elements = self.plan.with_elements.iter().cloned().collect();
                Ok(extracted)
            }
        }
    }
}

/// One resource while its pages are read.
struct Run<'r, 's> {
    extraction: &'r Extraction,
    source: Mutex<Pages<'r>>,
    /// The plan with which workers begin.
    snapshot: RwLock<Arc<Plan>>,
    /// The page whose turn it is.
    turn: Mutex<u64>,
    turned: Condvar,
    /// Used by the worker whose turn it is.
    state: Mutex<State<'r, 's>>,
    progress: &'r (dyn Fn(u64) + Sync),
}

struct Pages<'r> {
    source: &'r mut dyn PageSource,
    next: u64,
    ended: bool,
}

struct State<'r, 's> {
    normalizer: &'r mut Normalizer<'s>,
    extracted: Extracted,
    error: Option<Error>,
    /// No later item is loaded.
    stopped: bool,
}

/// A page that was decoded before its turn.
enum Ahead {
    /// All rows are known, and how the batches look.
    Batches(PageWork, Vec<(String, RecordBatch)>),
    Work(PageWork, Result<Progress>),
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // a worker that panicked has left its own page behind, nothing else
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Run<'_, '_> {
    /// Works on pages until there are no more.
    fn work(&self) {
        let mut buffer = Vec::new();
        let ids = RandomIds::new();
        let mut ids = match ids {
            Ok(ids) => ids,
            Err(error) => return self.fail(error),
        };
        while let Some((number, page)) = self.next_page(std::mem::take(&mut buffer)) {
            let page = match page {
                Ok(page) => page,
                Err(error) => {
                    self.in_turn(number, |state| state.error = Some(error));
                    return;
                }
            };
            let ahead = self.decode_ahead(&page, &mut ids);
            self.in_turn(number, |state| {
                let loaded = state.error.is_none() && !state.stopped;
                if loaded {
                    let result = self.finish_page(state, &page, ahead, &mut ids);
                    state.error = result.err();
                    state.extracted.bytes += page.bytes.len() as u64;
                    (self.progress)(state.extracted.items);
                }
                if state.error.is_some() || state.stopped {
                    lock(&self.source).ended = true;
                }
            });
            buffer = page.bytes;
        }
    }

    fn fail(&self, error: Error) {
        lock(&self.state).error.get_or_insert(error);
        lock(&self.source).ended = true;
    }

    fn next_page(&self, buffer: Vec<u8>) -> Option<(u64, Result<Page>)> {
        let mut pages = lock(&self.source);
        if pages.ended {
            return None;
        }
        let page = pages.source.next_page(buffer);
        let page = match page {
            Ok(Some(page)) => Ok(page),
            Ok(None) => {
                pages.ended = true;
                return None;
            }
            Err(error) => {
                pages.ended = true;
                Err(error)
            }
        };
        pages.next += 1;
        Some((pages.next - 1, page))
    }

    /// Waits until all pages before this one are finished, then lets `act` finish this one.
    fn in_turn(&self, number: u64, act: impl FnOnce(&mut State<'_, '_>)) {
        let mut turn = lock(&self.turn);
        while *turn != number {
            turn = self.turned.wait(turn).unwrap_or_else(PoisonError::into_inner);
        }
        drop(turn);
        // whatever happens, the turn goes on
        let pass_on = PassOn(self);
        act(&mut lock(&self.state));
        drop(pass_on);
    }

    fn plan(&self) -> Arc<Plan> {
        self.snapshot.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn decode_ahead(&self, page: &Page, ids: &mut RandomIds) -> Ahead {
        let plan = self.plan();
        let mut work = PageWork::new(&plan);
        if let Err(error) = super::page::validate(page) {
            return Ahead::Work(work, Err(error));
        }
        match work.decode(page, &plan, self.extraction, ids) {
            Ok(Progress::Done) => match finish_rows(&mut work, &plan, ids) {
                Ok(batches) => Ahead::Batches(work, batches),
                Err(error) => Ahead::Work(work, Err(error)),
            },
            other => Ahead::Work(work, other),
        }
    }

    /// In the turn of a page: makes sure that its rows are right, and writes them.
    fn finish_page(
        &self,
        state: &mut State<'_, '_>,
        page: &Page,
        ahead: Ahead,
        ids: &mut RandomIds,
    ) -> Result<()> {
        if state.normalizer.failed.is_some() {
            return self.check_page(state, page);
        }
        let plan = state.normalizer.plan.clone();
        let (work, batches) = match ahead {
            Ahead::Batches(work, batches) if work.is_valid(&plan) => (work, Ok(batches)),
            Ahead::Work(work, progress) if work.is_valid(&plan) => {
                drop(plan);
                self.decode_in_turn(state, page, work, progress, ids)
            }
            _ => {
                let mut work = PageWork::new(&plan);
                let progress =
                    super::page::validate(page).and_then(|()| work.decode(page, &plan, self.extraction, ids));
                drop(plan);
                self.decode_in_turn(state, page, work, progress, ids)
            }
        };
        let batches = match batches {
            Ok(batches) => batches,
            Err(error) if error.in_step() == Some(Step::Extract) => return Err(error),
            Err(error) => {
                state.normalizer.failed = Some(error);
                return self.check_page(state, page);
            }
        };
        if work.has_empty_list() {
            if let Some(table) = self.extraction.fixed_table() {
                state.normalizer.prepare(self.extraction, table)?;
            }
            state.extracted.empty_list = true;
        }
        self.publish(state);
        for (table, batch) in batches {
            state.normalizer.sink.write(&table, batch)?;
        }
        let extracted = &mut state.extracted;
        extracted.items += work.kept;
        extracted.dropped += work.dropped;
        extracted.discarded.rows += work.discarded.rows;
        extracted.discarded.values += work.discarded.values;
        extracted.quarantined += work.quarantined;
        let before = extracted.account.items;
        extracted.staying.extend(work.staying.iter().map(|number| before + number));
        extracted.account.add(&work.account());
        if let Some(cursor) = &self.extraction.cursor {
            cursor.merge(&mut extracted.boundary, work.boundary)?;
        }
        state.stopped |= work.stopped;
        Ok(())
    }

    /// Decodes a page with the right to change the plan.
    fn decode_in_turn(
        &self,
        state: &mut State<'_, '_>,
        page: &Page,
        mut work: PageWork,
        mut progress: Result<Progress>,
        ids: &mut RandomIds,
    ) -> (PageWork, Result<Vec<(String, RecordBatch)>>) {
        let normalizer = &mut *state.normalizer;
        loop {
            match progress {
                Err(error) => return (work, Err(error)),
                Ok(Progress::Done) => break,
                Ok(Progress::Stuck) => {}
            }
            let plan = Arc::make_mut(&mut normalizer.plan);
            let (schema, hinted) = (&mut normalizer.extracted_schema, &mut normalizer.hinted);
            let extraction = self.extraction;
            let learned = work.learn(page, plan, extraction, ids, |plan, table| {
                prepare(plan, schema, hinted, extraction, table)
            });
            progress = learned.and_then(|()| work.decode(page, plan, self.extraction, ids));
        }
        let batches = finish_rows(&mut work, &normalizer.plan, ids);
        (work, batches)
    }

    /// After normalising has failed: looks for errors of extraction, which go first.
    fn check_page(&self, state: &mut State<'_, '_>, page: &Page) -> Result<()> {
        let mut boundary = Boundary::default();
        let normalizer = &mut *state.normalizer;
        let mut meet = |table: &str| normalizer.prepare(self.extraction, table);
        let walked = self.extraction.walk(page, &mut boundary, &mut |table, _| meet(table))?;
        if let Some(table) = self.extraction.fixed_table().filter(|_| walked.empty_list) {
            meet(table)?;
        }
        if let Some(cursor) = &self.extraction.cursor {
            cursor.merge(&mut state.extracted.boundary, boundary)?;
        }
        state.stopped |= walked.stopped;
        Ok(())
    }

    /// Lets the other workers begin with what was learned.
    fn publish(&self, state: &State<'_, '_>) {
        let plan = &state.normalizer.plan;
        if self.plan().version != plan.version {
            *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = plan.clone();
        }
    }
}

/// Passes the turn on, also when the work on a page panics.
struct PassOn<'r, 'p, 's>(&'r Run<'p, 's>);

impl Drop for PassOn<'_, '_, '_> {
    fn drop(&mut self) {
        *lock(&self.0.turn) += 1;
        self.0.turned.notify_all();
    }
}

fn finish_rows(work: &mut PageWork, plan: &Plan, ids: &mut RandomIds) -> Result<Vec<(String, RecordBatch)>> {
    let rows = std::mem::replace(&mut work.rows, super::rows::PageRows::new(plan));
    let batches = rows.finish(plan, ids)?;
    let named = batches
        .into_iter()
        .filter_map(|(table, batch)| plan.tables.get(table).map(|t| (t.name.clone(), batch)));
    Ok(named.collect())
}

/// Merges the hints of a resource for a table when the table gets its first item in a run.
fn prepare(
    plan: &mut Plan,
    extracted_schema: &mut Schema,
    hinted: &mut Vec<String>,
    extraction: &Extraction,
    table: &str,
) -> Result<()> {
    let Some(resource) = &extraction.resource else { return Ok(()) };
    if hinted.iter().any(|known| known == table) {
        return Ok(());
    }
    let inferred = &extraction.inferred;
    let outcome = apply_hints(resource, inferred, table, extracted_schema, &plan.naming)?;
    apply_hints(resource, inferred, table, &mut plan.schema, &plan.naming)?;
    plan.filtered_tables.extend(outcome.filtered_tables);
    plan.version += 1;
    hinted.push(table.to_owned());
    Ok(())
}
