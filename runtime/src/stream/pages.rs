//! The pages of a log for normalising.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Take};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::log::{Frame, Kind, Log, Next};
use crate::error::{Error, Result};
use crate::input::{DocumentReader, Framing, LineReader, Numbering, Origin, PAGE_BYTES, Page, PageSource};

/// Pages below this size are put together, because each page has a price.
const SMALL_PAGE: u64 = 256 << 10;

/// Follows a log to its end.
pub(crate) struct LogPages {
    log: Arc<Log>,
    file: File,
    at: u64,
    /// Pages of the stream so far.
    pages: u64,
    /// A page that is cut into smaller ones.
    large: Option<Box<dyn PageSource>>,
    page_bytes: Option<usize>,
    count: Arc<AtomicU64>,
}

impl LogPages {
    pub(crate) fn new(log: Arc<Log>, page_bytes: Option<usize>, count: Arc<AtomicU64>) -> Result<Self> {
        let file = File::open(log.path()).map_err(|e| Error::io("open", log.path(), e))?;
        Ok(Self { log, file, at: 0, pages: 0, large: None, page_bytes, count })
    }

    /// The next page as it was written, if there is one already.
    pub(super) fn poll(&mut self) -> Result<Next> {
        self.log.next(&mut self.file, &mut self.at)
    }

    pub(super) fn position(&self) -> u64 {
        self.at
    }

    /// Reads a page behind what the buffer has.
    pub(super) fn take(&mut self, frame: &Frame, buffer: &mut Vec<u8>) -> Result<()> {
        let read = self.section(frame).and_then(|mut section| section.read_to_end(buffer));
        read.map_err(|e| Error::io("read", self.log.path(), e))?;
        self.passed(frame);
        Ok(())
    }

    fn passed(&mut self, frame: &Frame) {
        self.at = frame.next();
        self.pages += 1;
        self.count.fetch_add(frame.body, Ordering::Relaxed);
    }

    fn section(&self, frame: &Frame) -> std::io::Result<Take<File>> {
        // a handle of its own: clones of a handle share their place in the file
        let mut file = File::open(self.log.path())?;
        file.seek(SeekFrom::Start(frame.body_at()))?;
        Ok(file.take(frame.body))
    }

    /// How messages name the next page.
    pub(super) fn origin_of_next(&self) -> Origin {
        let file = format!("{}, page {}", self.log.name, self.pages + 1);
        Origin { file: Some(file.into()), lines: Numbering::default() }
    }

    fn open(&mut self, frame: &Frame, framing: Framing) -> Result<Box<dyn PageSource>> {
        let section = self.section(frame).map_err(|e| Error::io("read", self.log.path(), e))?;
        let name = self.origin_of_next().file;
        self.passed(frame);
        Ok(match framing {
            Framing::Lines => Box::new(LineReader::new(section, name, self.page_bytes)),
            Framing::Values => Box::new(DocumentReader::new(section, name, self.page_bytes)),
        })
    }

    /// Puts pages together that are there already.
    fn together(&mut self, first: &Frame, framing: Framing, mut buffer: Vec<u8>) -> Result<Page> {
        let origin = self.origin_of_next();
        buffer.clear();
        self.take(first, &mut buffer)?;
        while (buffer.len() as u64) < SMALL_PAGE {
            let Ok(Next::Page(frame)) = self.poll() else { break };
            if frame.kind != Kind::Page(framing) || frame.body > SMALL_PAGE {
                break;
            }
            buffer.push(b'\n');
            self.take(&frame, &mut buffer)?;
        }
        Ok(Page::new(buffer, framing, origin))
    }
}

impl PageSource for LogPages {
    fn next_page(&mut self, mut buffer: Vec<u8>) -> Result<Option<Page>> {
        loop {
            if let Some(large) = &mut self.large {
                if let Some(page) = large.next_page(std::mem::take(&mut buffer))? {
                    return Ok(Some(page));
                }
                self.large = None;
            }
            match self.poll()? {
                Next::Wait => self.log.wait(self.at),
                Next::End => return Ok(None),
                Next::Page(frame) => {
                    let Kind::Page(framing) = frame.kind else { continue };
                    let limit = self.page_bytes.unwrap_or(PAGE_BYTES) as u64;
                    if frame.body > limit {
                        self.large = Some(self.open(&frame, framing)?);
                    } else {
                        return self.together(&frame, framing, buffer).map(Some);
                    }
                }
            }
        }
    }
}
