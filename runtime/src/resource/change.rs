//! Changes to the items of a resource, and limits to how many of them there are.
//!
//! They work on pages, before anything else looks at the items: cursors, tables, and the resources that need
//! the items see what the changes leave. A page that is not changed stays the bytes that came.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::error::{Error, Result};
use crate::input::{Framing, Numbering, Origin, Page, PageSource};
use crate::normalize::items::Items;
use crate::normalize::page::{broken, validate};
use crate::normalize::scan::Scanner;
use crate::typed::{Field, Refit, RowWriter};

/// How much of a resource is wanted.
///
/// ```
/// use floe::{Limit, Resource};
/// let some = Resource::new("items").json_lines("1\n2\n3\n").limit(Limit::rows(2));
/// # let folder = tempfile::tempdir().unwrap();
/// # let pipeline = floe::Pipeline::new("p").destination(floe::Memory::default()).pipelines_dir(folder.path());
/// assert_eq!(pipeline.run_blocking([some])?.rows("items"), 2);
/// # Ok::<(), floe::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(Most);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Most {
    Pages(u64),
    Rows(u64),
    Time(Duration),
}

impl Limit {
    /// So many pages, as the stream gives them; of a file they are of some megabytes.
    pub const fn pages(pages: u64) -> Self {
        Self(Most::Pages(pages))
    }

    /// So many items, however many rows of tables they become.
    pub const fn rows(rows: u64) -> Self {
        Self(Most::Rows(rows))
    }

    /// The pages that begin within this time.
    pub const fn time(time: Duration) -> Self {
        Self(Most::Time(time))
    }
}

/// Makes lines of an item, or none.
type Lines = dyn Fn(&[u8], &mut Vec<u8>) -> Result<()> + Send + Sync;
type Rewrite = Arc<Lines>;

/// One step on the way of the items.
#[derive(Clone)]
pub(crate) enum Change {
    Rewrite(Rewrite),
    Limit(Limit),
}

impl PartialEq for Change {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Rewrite(a), Self::Rewrite(b)) => Arc::ptr_eq(a, b),
            (Self::Limit(a), Self::Limit(b)) => a == b,
            _ => false,
        }
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rewrite(_) => f.write_str("Rewrite"),
            Self::Limit(limit) => limit.fmt(f),
        }
    }
}

impl Change {
    /// Whether items may become others.
    pub(crate) fn rewrites(&self) -> bool {
        matches!(self, Self::Rewrite(_))
    }

    pub(super) fn map(change: impl Fn(Json) -> Result<Json> + Send + Sync + 'static) -> Self {
        Self::flat_map(move |item| Ok([change(item)?]))
    }

    pub(super) fn flat_map<I>(change: impl Fn(Json) -> Result<I> + Send + Sync + 'static) -> Self
    where
        I: IntoIterator<Item = Json>,
    {
        Self::Rewrite(Arc::new(move |text, out| {
            for item in change(read(text)?)? {
                serde_json::to_writer(&mut *out, &item)
                    .map_err(|e| Error::input("an item is no JSON").cause(e))?;
                out.push(b'\n');
            }
            Ok(())
        }))
    }

    pub(super) fn filter<T: DeserializeOwned>(test: impl Fn(&T) -> bool + Send + Sync + 'static) -> Self {
        Self::Rewrite(Arc::new(move |text, out| {
            if test(&read(text)?) {
                line(text, out)?;
            }
            Ok(())
        }))
    }

    /// Items as their type wants them.
    pub(super) fn refit(refit: Refit) -> Self {
        Self::Rewrite(Arc::new(move |text, out| {
            let mut item = Vec::with_capacity(text.len());
            refit.item(text, &mut item)?;
            line(&item, out)
        }))
    }

    pub(super) fn map_rows<A, B>(change: impl Fn(A) -> Result<B> + Send + Sync + 'static) -> Self
    where
        A: DeserializeOwned,
        B: Field,
    {
        Self::Rewrite(Arc::new(move |text, out| {
            let mut writer = RowWriter::default();
            writer.line(&change(read(text)?)?);
            out.extend_from_slice(&writer.take()?);
            Ok(())
        }))
    }
}

fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T> {
    serde_json::from_slice(text).map_err(|e| {
        let kind = std::any::type_name::<T>();
        let why = without_value(&e.to_string());
        Error::input(format!("an item is no {kind}: {why}")).help("give the type only what every item has")
    })
}

/// What serde says, without the value: it may be about people.
fn without_value(text: &str) -> String {
    match text.rsplit_once(", expected ") {
        Some((found, expected)) => {
            let kind = found.split(['"', '`']).next().unwrap_or_default().trim_end();
            format!("{kind}, expected {expected}")
        }
        None => text.to_owned(),
    }
}

/// An item as it came, on a line of its own.
fn line(text: &[u8], out: &mut Vec<u8>) -> Result<()> {
    if memchr::memchr2(b'\n', b'\r', text).is_none() {
        out.extend_from_slice(text);
    } else {
        // a line break in JSON is a blank between values
        out.extend(text.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
    }
    out.push(b'\n');
    Ok(())
}

/// The changes of a resource at work in a run.
pub(crate) struct Changes {
    steps: Vec<(Change, u64)>,
    began: Instant,
}

impl Changes {
    pub(crate) fn new(changes: &[Change]) -> Self {
        Self { steps: changes.iter().map(|change| (change.clone(), 0)).collect(), began: Instant::now() }
    }

    /// Whether no further page is wanted, so that none is asked for.
    pub(crate) fn is_done(&self) -> bool {
        self.steps.iter().any(|(change, used)| match change {
            Change::Limit(Limit(Most::Pages(most) | Most::Rows(most))) => used >= most,
            Change::Limit(Limit(Most::Time(time))) => self.began.elapsed() >= *time,
            Change::Rewrite(_) => false,
        })
    }

    /// What is left of a page.
    pub(crate) fn page(&mut self, mut page: Page) -> Result<Page> {
        for (change, used) in &mut self.steps {
            match change {
                Change::Rewrite(rewrite) => page = rewritten(page, u64::MAX, &**rewrite)?.0,
                Change::Limit(Limit(Most::Rows(most))) => {
                    let count;
                    (page, count) = first(page, most.saturating_sub(*used))?;
                    *used += count;
                }
                Change::Limit(Limit(Most::Pages(_))) => *used += 1,
                Change::Limit(Limit(Most::Time(_))) => {}
            }
        }
        Ok(page)
    }
}

/// The first items of a page, and how many they are.
fn first(page: Page, most: u64) -> Result<(Page, u64)> {
    let mut count = 0;
    each(&page, &mut |_, _| {
        count += 1;
        Ok(count <= most)
    })?;
    if count <= most { Ok((page, count)) } else { rewritten(page, most, &line) }
}

fn rewritten(page: Page, most: u64, rewrite: &Lines) -> Result<(Page, u64)> {
    let (mut out, mut numbers, mut count) = (Vec::new(), Vec::new(), 0);
    // lines of the page in front of the item, and how far they are counted
    let (mut lines, mut counted) = (0, 0);
    let empty_list = each(&page, &mut |at, text| {
        if count == most {
            return Ok(false);
        }
        count += 1;
        let before = out.len();
        rewrite(text, &mut out).map_err(|e| e.at(page.place(at)))?;
        lines += breaks(page.bytes.get(counted..at));
        counted = at;
        let number = page.number(lines).unwrap_or_default();
        numbers.extend(std::iter::repeat_n(number, breaks(out.get(before..))));
        Ok(true)
    })?;
    if empty_list && out.is_empty() {
        out.extend_from_slice(b"[]\n");
    }
    let lines = Numbering::Listed { numbers, unit: page.unit() };
    let mut new = Page::new(out, Framing::Lines, Origin { file: page.origin.file, lines });
    new.checkpoint = page.checkpoint;
    Ok((new, count))
}

fn breaks(text: Option<&[u8]>) -> usize {
    memchr::memchr_iter(b'\n', text.unwrap_or_default()).count()
}

/// Visits the items of a page until a visit says that it is enough. Returns whether there was an empty list.
fn each(page: &Page, visit: &mut dyn FnMut(usize, &[u8]) -> Result<bool>) -> Result<bool> {
    validate(page)?;
    let mut scanner = Scanner::new(&page.bytes, 0);
    let mut items = Items::default();
    while items.enter(page, &mut scanner).map_err(|e| broken(page, e))? {
        let at = scanner.position();
        scanner.skip_value(0).map_err(|e| broken(page, e))?;
        if !visit(at, scanner.slice(at))? {
            break;
        }
        items.leave(page, &mut scanner).map_err(|e| broken(page, e))?;
    }
    Ok(items.empty_list)
}

/// Pages of a source with changes.
pub(crate) struct Changed {
    pub(crate) source: Box<dyn PageSource>,
    pub(crate) changes: Changes,
}

impl PageSource for Changed {
    fn next_page(&mut self, buffer: Vec<u8>) -> Result<Option<Page>> {
        if self.changes.is_done() {
            return Ok(None);
        }
        match self.source.next_page(buffer)? {
            Some(page) => self.changes.page(page).map(Some),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kept(page: Page, limit: Limit) -> String {
        let page = Changes::new(&[Change::Limit(limit)]).page(page).unwrap();
        String::from_utf8(page.bytes).unwrap()
    }

    #[test]
    fn a_page_that_fits_stays_as_it_is() {
        let text = "[1, 2]\n 3 4";
        assert_eq!(kept(Page::json(text), Limit::rows(4)), text);
        assert_eq!(kept(Page::json(text), Limit::rows(3)), "1\n2\n3\n");
        assert_eq!(kept(Page::json("{\"a\":\n1} 2"), Limit::rows(1)), "{\"a\": 1}\n");
        assert_eq!(
            kept(Page::json(text), Limit::pages(0)),
            text,
            "a limit of pages is asked before the page"
        );
    }

    #[test]
    fn an_empty_list_stays_a_sign() {
        let change = Change::filter(|_: &Json| false);
        assert_eq!(
            Changes::new(std::slice::from_ref(&change)).page(Page::json("[]")).unwrap().bytes,
            b"[]\n"
        );
        assert_eq!(Changes::new(&[change]).page(Page::json("[1]")).unwrap().bytes, b"");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let change = Change::map_rows(|n: u8| Ok(u16::from(n)));
        let error = Changes::new(&[change]).page(Page::lines("1\n2\n\"x\"")).unwrap_err().to_string();
        assert!(
            error.starts_with("input:3:1: an item is no u8: invalid type: string, expected u8 at"),
            "{error}"
        );
        let change = Change::map(Ok);
        let error = Changes::new(&[change]).page(Page::lines("1\n{")).unwrap_err().to_string();
        assert!(error.contains("input:2"), "{error}");
    }

    proptest! {
        #[test]
        fn limits_keep_the_first_items(items in proptest::collection::vec(any::<i32>(), 0..20), most in 0u64..25, listed: bool) {
            let texts: Vec<String> = items.iter().map(i32::to_string).collect();
            let page = if listed { Page::json(format!("[{}]", texts.join(","))) } else { Page::lines(texts.join("\n")) };
            let text = kept(page, Limit::rows(most));
            let read: Vec<i32> = text.split(|c: char| !c.is_ascii_digit() && c != '-').filter_map(|n| n.parse().ok()).collect();
            prop_assert_eq!(&read[..], &items[..items.len().min(most as usize)]);
        }
    }
}
