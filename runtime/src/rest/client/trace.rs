//! What is told about requests.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A request that was sent, without secrets.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Exchange {
    /// The method.
    pub method: String,
    /// The URL, with `***` in the place of secrets.
    pub url: String,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// The size of the answer, decompressed.
    pub bytes: u64,
    /// Which attempt it was, from 1 on.
    pub attempt: u32,
    /// How long it took.
    pub time: Duration,
    /// Why there was no answer.
    pub error: Option<String>,
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, url, bytes, .. } = self;
        let milliseconds = self.time.as_secs_f64() * 1e3;
        match (&self.error, self.status) {
            (Some(error), _) => f.write_str(error)?,
            (None, Some(status)) => {
                write!(f, "{method} {url}: {status}, {bytes} bytes in {milliseconds:.0} ms")?;
            }
            (None, None) => write!(f, "{method} {url}")?,
        }
        if self.attempt > 1 { write!(f, " (attempt {})", self.attempt) } else { Ok(()) }
    }
}

/// Who is told.
#[derive(Clone)]
pub(crate) struct Observer(Arc<dyn Fn(&Exchange) + Send + Sync>);

impl Observer {
    pub(crate) fn new(see: impl Fn(&Exchange) + Send + Sync + 'static) -> Self {
        Self(Arc::new(see))
    }

    pub(super) fn see(&self, exchange: &Exchange) {
        (self.0)(exchange);
    }
}
