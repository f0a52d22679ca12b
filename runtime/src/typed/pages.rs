//! Rows and what else user code gives, as pages.

use arrow::record_batch::RecordBatch;
use futures_util::{Stream, StreamExt, stream};
use serde::de::DeserializeOwned;

use super::{Field, RowWriter};
use crate::Resource;
use crate::error::{Error, ErrorKind, Result};
use crate::input::Page;
use crate::stream::{Pages, Slice};

/// Bytes of rows that make up a page.
const PAGE_BYTES: usize = 1 << 20;

/// What a function with `#[floe::resource]` may give.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is nothing that a resource can load",
    label = "these are no pages and no rows",
    note = "return `Pages`, `Vec<T>` of a `Table`, `impl Iterator<Item = T>`, `impl Stream<Item = floe::Result<T>>`, \
            an endpoint, or a `floe::Result` of one of them"
)]
pub trait IntoPages: Sized {
    /// Whether the resource is to be prepared, for which the function is called once before the run.
    const PREPARES: bool = false;

    /// Gives the resource what it has to know before the run, such as its parent or its cursor.
    fn prepare(&self, resource: Resource) -> Resource {
        resource
    }

    /// The pages for a slice.
    fn into_pages(self, slice: Slice) -> Pages;
}

impl IntoPages for Pages {
    fn into_pages(self, _slice: Slice) -> Pages {
        self
    }
}

impl<T: Field + Send + 'static> IntoPages for Vec<T> {
    fn into_pages(self, _slice: Slice) -> Pages {
        rows(self)
    }
}

impl IntoPages for Vec<RecordBatch> {
    fn into_pages(self, _slice: Slice) -> Pages {
        Box::pin(stream::iter(self.into_iter().map(|batch| Page::arrow(&batch))))
    }
}

impl<P: IntoPages> IntoPages for Result<P> {
    const PREPARES: bool = P::PREPARES;

    fn prepare(&self, resource: Resource) -> Resource {
        match self {
            Ok(pages) => pages.prepare(resource),
            Err(_) => resource,
        }
    }

    fn into_pages(self, slice: Slice) -> Pages {
        match self {
            Ok(pages) => pages.into_pages(slice),
            Err(error) => failed(error),
        }
    }
}

/// A stream that ends before it begins.
pub(super) fn failed(error: Error) -> Pages {
    Box::pin(stream::iter([Err(error)]))
}

/// Pages of the rows that an iterator gives.
///
/// ```
/// use floe::prelude::*;
/// #[derive(Table)]
/// struct Number { n: u32 }
/// let pages: floe::Pages = floe::rows((0..10).map(|n| Number { n }));
/// ```
pub fn rows<T, I>(rows: I) -> Pages
where
    T: Field,
    I: IntoIterator<Item = T>,
    I::IntoIter: Send + 'static,
{
    let pages = stream::unfold(rows.into_iter(), |mut rows| async move {
        let mut writer = RowWriter::default();
        while writer.len() < PAGE_BYTES
            && let Some(row) = rows.next()
        {
            writer.line(&row);
        }
        page(&mut writer).map(|page| (page, rows))
    });
    Box::pin(pages)
}

/// Pages of the rows that a stream gives. A page ends where the stream has to wait, so that rows are not kept
/// back.
///
/// ```
/// use floe::prelude::*;
/// use futures_util::stream;
/// #[derive(Table)]
/// struct Number { n: u32 }
/// let pages: floe::Pages = floe::row_stream(stream::iter([Ok(Number { n: 1 })]));
/// ```
pub fn row_stream<T, S>(rows: S) -> Pages
where
    T: Field + Send + 'static,
    S: Stream<Item = Result<T>> + Send + 'static,
{
    // chunks that are ready, at most so many rows at once
    let chunks = rows.ready_chunks(4096);
    Box::pin(chunks.flat_map(|chunk| {
        let mut writer = RowWriter::default();
        let mut pages = Vec::new();
        for row in chunk {
            match row {
                Ok(row) => writer.line(&row),
                Err(error) => {
                    pages.extend(page(&mut writer));
                    pages.push(Err(error));
                }
            }
        }
        pages.extend(page(&mut writer));
        stream::iter(pages)
    }))
}

fn page(writer: &mut RowWriter) -> Option<Result<Page>> {
    match writer.take() {
        Ok(bytes) if bytes.is_empty() => None,
        Ok(bytes) => Some(Ok(Page::lines(bytes))),
        Err(error) => Some(Err(error)),
    }
}

/// What a cursor asks for, as values of a type.
///
/// ```
/// use floe::{Cursor, Slice};
/// let cursor: Cursor<i64> = Cursor::of(&Slice::default())?;
/// assert_eq!(cursor.start(), None);
/// # Ok::<(), floe::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cursor<T> {
    start: Option<T>,
    end: Option<T>,
}

impl<T: DeserializeOwned> Cursor<T> {
    /// The start and the end that a slice asks for.
    pub fn of(slice: &Slice) -> Result<Self> {
        let read = |value: Option<&serde_json::Value>| match value {
            None | Some(serde_json::Value::Null) => Ok(None),
            Some(value) => serde_json::from_value(value.clone()).map(Some).map_err(|e| {
                let kind = std::any::type_name::<T>();
                Error::new(
                    ErrorKind::CursorType,
                    format!("the cursor has the value {value}, which is no {kind}"),
                )
                .cause(e)
                .help(
                    "give the argument the type of the field, or a text, or forget the state of the resource",
                )
            }),
        };
        Ok(Self { start: read(slice.start())?, end: read(slice.end())? })
    }
}

impl<T> Cursor<T> {
    /// Where to begin: nothing in the first run, unless there is an initial value.
    pub fn start(&self) -> Option<&T> {
        self.start.as_ref()
    }

    /// Where to end, if there is an end.
    pub fn end(&self) -> Option<&T> {
        self.end.as_ref()
    }
}
