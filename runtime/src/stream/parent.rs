//! The items of a resource for the streams that need them.

use std::fmt;
use std::sync::Arc;

use futures_util::stream;

use super::log::{Kind, Log, Next};
use super::{LogPages, Pages};
use crate::error::Result;
use crate::extract::Extraction;
use crate::incremental::Boundary;
use crate::input::Page;

/// A resource whose items another one needs.
#[derive(Clone)]
pub(crate) struct Parent {
    log: Arc<Log>,
    /// Which items are loaded.
    extraction: Arc<Extraction>,
}

impl fmt::Debug for Parent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Parent").field(&self.log.name).finish()
    }
}

impl Parent {
    pub(super) fn new(log: Arc<Log>, extraction: Arc<Extraction>) -> Self {
        Self { log, extraction }
    }

    pub(super) fn pages(&self) -> Pages {
        let start = (self.clone(), None::<LogPages>, false);
        Box::pin(stream::try_unfold(start, |(parent, reader, stopped)| async move {
            if stopped {
                return Ok(None);
            }
            let mut reader = match reader {
                Some(reader) => reader,
                None => LogPages::new(parent.log.clone(), None, Arc::default())?,
            };
            loop {
                match reader.poll()? {
                    Next::Wait => parent.log.grown(reader.position()).await,
                    Next::End => return Ok(None),
                    Next::Page(frame) => {
                        let Kind::Page(framing) = frame.kind else { continue };
                        let mut bytes = Vec::new();
                        let origin = reader.origin_of_next();
                        reader.take(&frame, &mut bytes)?;
                        let (page, stopped) = parent.wanted(Page::new(bytes, framing, origin))?;
                        return Ok(Some((page, (parent, Some(reader), stopped))));
                    }
                }
            }
        }))
    }

    /// The items of a page that are loaded, and whether none follows.
    fn wanted(&self, page: Page) -> Result<(Page, bool)> {
        if self.extraction.cursor.is_none() {
            return Ok((page, false));
        }
        let mut kept = vec![b'['];
        let walked = self.extraction.walk(&page, &mut Boundary::default(), &mut |_, item| {
            if kept.len() > 1 {
                kept.push(b',');
            }
            kept.extend_from_slice(item.text);
            Ok(())
        })?;
        kept.push(b']');
        Ok((Page::json(kept), walked.stopped))
    }
}
