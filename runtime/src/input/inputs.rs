//! All feeds of a resource as one stream of pages.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::csv::{CsvReader, Records};
use super::document::DocumentReader;
use super::format::Head;
use super::{Feed, Format, Inferred, LineReader, Page, PageSource, arrow, csv};
use crate::error::{Error, Result};

/// Opens one feed after the other.
pub(crate) struct Inputs {
    waiting: VecDeque<(Feed, Format)>,
    current: Option<Box<dyn PageSource>>,
    pub(crate) inferred: Vec<Inferred>,
    /// Bytes that were read, before decompression.
    count: Arc<AtomicU64>,
    page_bytes: Option<usize>,
}

impl Inputs {
    /// Looks at all feeds: finds their formats, and types where the format has them.
    pub(crate) fn look(
        feeds: &[Feed],
        format: Option<Format>,
        page_bytes: Option<usize>,
        count: Arc<AtomicU64>,
    ) -> Result<Self> {
        let mut waiting = VecDeque::new();
        let mut csv_kinds = Vec::new();
        let mut inferred: Vec<Inferred> = Vec::new();
        let uncounted = Arc::default();
        for feed in feeds {
            let head = head(feed, &uncounted)?;
            let format = format.unwrap_or_else(|| head.format(feed.path()));
            match format {
                Format::JsonLines | Format::Json => {}
                Format::Csv => csv_kinds.push(records(feed, head)?.kinds()?),
                Format::Parquet | Format::Arrow => {
                    for column in arrow::infer(&batches(feed, format, head)?.schema()) {
                        if !inferred.iter().any(|known| known.path == column.path) {
                            inferred.push(column);
                        }
                    }
                }
            }
            waiting.push_back((feed.clone(), format));
        }
        inferred.extend(csv::infer(csv_kinds));
        Ok(Self { waiting, current: None, inferred, count, page_bytes })
    }

    fn open(&self, feed: &Feed, format: Format) -> Result<Box<dyn PageSource>> {
        let head = head(feed, &self.count)?;
        Ok(match format {
            Format::JsonLines => Box::new(LineReader::new(head.into_reader(), feed.name(), self.page_bytes)),
            Format::Json => Box::new(DocumentReader::new(head.into_reader(), feed.name(), self.page_bytes)),
            Format::Csv => Box::new(CsvReader::new(records(feed, head)?, &self.inferred)),
            Format::Parquet | Format::Arrow => {
                Box::new(arrow::BatchReader::new(batches(feed, format, head)?, feed.clone()))
            }
        })
    }
}

impl PageSource for Inputs {
    fn next_page(&mut self, buffer: Vec<u8>) -> Result<Option<Page>> {
        let mut buffer = Some(buffer);
        loop {
            if let Some(current) = &mut self.current
                && let Some(page) = current.next_page(buffer.take().unwrap_or_default())?
            {
                return Ok(Some(page));
            }
            let Some((feed, format)) = self.waiting.pop_front() else { return Ok(None) };
            self.current = Some(self.open(&feed, format)?);
        }
    }
}

fn head(feed: &Feed, count: &Arc<AtomicU64>) -> Result<Head> {
    let reader = feed.open(count)?;
    Head::read(reader).map_err(|e| {
        let name = feed.name().unwrap_or_else(|| "the input".into());
        Error::io("read", std::path::Path::new(&*name), e)
    })
}

fn records(feed: &Feed, head: Head) -> Result<Records<Box<dyn std::io::Read + Send>>> {
    let start = head.text_start().to_vec();
    Records::open(head.into_reader(), &start, feed.name())
}

fn batches(
    feed: &Feed,
    format: Format,
    head: Head,
) -> Result<Box<dyn ::arrow::record_batch::RecordBatchReader + Send>> {
    let whole_file = format == Format::Parquet || head.start.starts_with(b"ARROW1");
    if head.compressed && whole_file {
        let name = feed.name().unwrap_or_else(|| "the input".into());
        return Err(Error::input(format!("{name} is a compressed {format} file"))
            .help("decompress it first; such files are compressed inside"));
    }
    if format == Format::Parquet {
        return arrow::parquet(feed);
    }
    let start = head.start.clone();
    arrow::ipc(feed, &start, head.into_reader())
}
