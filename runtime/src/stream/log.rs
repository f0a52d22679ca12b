//! The pages of a stream on disk.
//!
//! A frame has a kind, the lengths of a checkpoint and of a body, a checksum of both, the checkpoint and the body. The
//! first frame says what the stream was asked for, the last one that it came to its end. What
//! follows the last whole frame was being written when the process was killed.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use flate2::Crc;
use serde_json::Value as Json;
use tokio::sync::Notify;

use crate::error::{Error, Result, Step};
use crate::input::{Framing, Page};

const FRAME_BYTES: usize = 17;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Request,
    Page(Framing),
    End,
}

impl Kind {
    fn byte(self) -> u8 {
        match self {
            Self::Request => b'R',
            Self::Page(Framing::Lines) => b'L',
            Self::Page(Framing::Values) => b'V',
            Self::End => b'E',
        }
    }

    fn of(byte: u8) -> Option<Self> {
        let all = [Self::Request, Self::Page(Framing::Lines), Self::Page(Framing::Values), Self::End];
        all.into_iter().find(|kind| kind.byte() == byte)
    }
}

/// The beginning of a frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    checkpoint: u32,
    pub(super) body: u64,
    checksum: u32,
    /// Where the checkpoint begins.
    at: u64,
}

impl Frame {
    fn read(file: &mut File, at: u64) -> std::io::Result<Option<Self>> {
        let mut bytes = [0; FRAME_BYTES];
        file.seek(SeekFrom::Start(at))?;
        match file.read_exact(&mut bytes) {
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let [kind, c0, c1, c2, c3, b0, b1, b2, b3, b4, b5, b6, b7, s0, s1, s2, s3] = bytes;
        Ok(Kind::of(kind).map(|kind| Self {
            kind,
            checkpoint: u32::from_le_bytes([c0, c1, c2, c3]),
            body: u64::from_le_bytes([b0, b1, b2, b3, b4, b5, b6, b7]),
            checksum: u32::from_le_bytes([s0, s1, s2, s3]),
            at: at + FRAME_BYTES as u64,
        }))
    }

    pub(super) fn body_at(&self) -> u64 {
        self.at + u64::from(self.checkpoint)
    }

    /// Where the next frame begins.
    pub(super) fn next(&self) -> u64 {
        self.body_at().saturating_add(self.body)
    }

    /// Whether all of it is there as it was written.
    fn is_whole(&self, file: &mut File) -> std::io::Result<bool> {
        let mut rest = self.next() - self.at;
        let (mut crc, mut buffer) = (Crc::new(), vec![0; 64 << 10]);
        file.seek(SeekFrom::Start(self.at))?;
        while rest > 0 {
            let want = buffer.len().min(usize::try_from(rest).unwrap_or(usize::MAX));
            let read = file.read(buffer.get_mut(..want).unwrap_or_default())?;
            if read == 0 {
                return Ok(false);
            }
            crc.update(buffer.get(..read).unwrap_or_default());
            rest -= read as u64;
        }
        Ok(crc.sum() == self.checksum)
    }

    fn checkpoint(&self, file: &mut File) -> std::io::Result<Option<Json>> {
        if self.checkpoint == 0 {
            return Ok(None);
        }
        let mut text = Vec::new();
        file.seek(SeekFrom::Start(self.at))?;
        file.take(self.checkpoint.into()).read_to_end(&mut text)?;
        Ok(serde_json::from_slice(&text).ok())
    }
}

/// How the log stands.
#[derive(Debug, Default)]
struct State {
    /// Bytes of whole frames.
    length: u64,
    pages: u64,
    ended: bool,
    /// Why it ended early.
    error: Option<Error>,
}

/// The pages of one stream. One task writes, any number of readers follow.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    /// The resource.
    pub(super) name: Arc<str>,
    file: Mutex<File>,
    state: Mutex<State>,
    grown: Condvar,
    notify: Notify,
}

/// What a reader finds.
pub(super) enum Next {
    Page(Frame),
    /// Nothing yet.
    Wait,
    End,
}

impl Log {
    /// A log with what the stream is asked for. If there is one that was asked for the same, it goes on behind
    /// its last checkpoint.
    pub(super) fn open(
        path: PathBuf,
        name: &str,
        request: &Json,
        resumes: bool,
    ) -> Result<(Self, Option<Json>)> {
        let failed = |e| Error::io("open", &path, e);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        let left = if resumes { Left::find(&mut file, request).map_err(failed)? } else { Left::default() };
        file.set_len(left.length).map_err(failed)?;
        let state = State { length: left.length, pages: left.pages, ended: left.ended, ..State::default() };
        let log = Self {
            path,
            name: name.into(),
            file: Mutex::new(file),
            state: Mutex::new(state),
            grown: Condvar::new(),
            notify: Notify::new(),
        };
        if left.length == 0 {
            log.write(Kind::Request, None, request.to_string().as_bytes())?;
        }
        Ok((log, left.checkpoint))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether nothing more will come.
    pub(super) fn has_ended(&self) -> bool {
        self.state().ended
    }

    pub(super) fn add(&self, page: &Page) -> Result<()> {
        self.write(Kind::Page(page.framing), page.checkpoint.as_ref(), &page.bytes)
    }

    fn write(&self, kind: Kind, checkpoint: Option<&Json>, body: &[u8]) -> Result<()> {
        let checkpoint = checkpoint.map(Json::to_string).unwrap_or_default().into_bytes();
        let mut crc = Crc::new();
        crc.update(&checkpoint);
        crc.update(body);
        let length = u32::try_from(checkpoint.len())
            .map_err(|_| Error::config(format!("a checkpoint of {} is too large", self.name)))?;
        let mut head = Vec::with_capacity(FRAME_BYTES + checkpoint.len());
        head.push(kind.byte());
        head.extend(length.to_le_bytes());
        head.extend((body.len() as u64).to_le_bytes());
        head.extend(crc.sum().to_le_bytes());
        head.extend(&checkpoint);
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let start = self.state().length;
        let written = file
            .seek(SeekFrom::Start(start))
            .and_then(|_| file.write_all(&head))
            .and_then(|()| file.write_all(body));
        written.map_err(|e| Error::io("write", &self.path, e))?;
        let mut state = self.state();
        state.length = start + (head.len() + body.len()) as u64;
        state.pages += u64::from(matches!(kind, Kind::Page(_)));
        drop(state);
        self.wake();
        Ok(())
    }

    /// Says that nothing more comes. Whoever says it first is heard.
    pub(super) fn end(&self, outcome: Result<()>) {
        if self.has_ended() {
            return;
        }
        let outcome = outcome.and_then(|()| self.write(Kind::End, None, b""));
        let mut state = self.state();
        state.ended = true;
        let page = format!("{}, page {}", self.name, state.pages + 1);
        state.error = outcome.err().map(|error| error.step(Step::Extract).in_file(page));
        drop(state);
        self.wake();
    }

    fn wake(&self) {
        self.grown.notify_all();
        self.notify.notify_waiters();
    }

    /// What comes behind these bytes.
    pub(super) fn next(&self, file: &mut File, at: &mut u64) -> Result<Next> {
        loop {
            let state = self.state();
            if *at >= state.length {
                return match (&state.error, state.ended) {
                    (Some(error), _) => Err(error.clone()),
                    (None, true) => Ok(Next::End),
                    (None, false) => Ok(Next::Wait),
                };
            }
            drop(state);
            let frame = Frame::read(file, *at).map_err(|e| Error::io("read", &self.path, e))?;
            let frame =
                frame.ok_or_else(|| Error::internal(format!("{} is damaged", self.path.display())))?;
            match frame.kind {
                Kind::Page(_) => return Ok(Next::Page(frame)),
                Kind::Request | Kind::End => *at = frame.next(),
            }
        }
    }

    /// Waits until there is more than this.
    pub(super) fn wait(&self, at: u64) {
        let mut state = self.state();
        while state.length <= at && !state.ended {
            state = self.grown.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until there is more than this.
    pub(super) async fn grown(&self, at: u64) {
        let grown = self.notify.notified();
        tokio::pin!(grown);
        grown.as_mut().enable();
        if !self.is_beyond(at) {
            grown.await;
        }
    }

    fn is_beyond(&self, at: u64) -> bool {
        let state = self.state();
        state.length > at || state.ended
    }
}

/// What an interrupted run left.
#[derive(Default)]
struct Left {
    length: u64,
    pages: u64,
    checkpoint: Option<Json>,
    ended: bool,
}

impl Left {
    fn find(file: &mut File, request: &Json) -> std::io::Result<Self> {
        let (mut found, mut at, mut pages) = (Self::default(), 0, 0);
        while let Some(frame) = Frame::read(file, at)? {
            if !frame.is_whole(file)? {
                break;
            }
            at = frame.next();
            match frame.kind {
                Kind::Request => {
                    let mut text = Vec::new();
                    file.seek(SeekFrom::Start(frame.body_at()))?;
                    file.take(frame.body).read_to_end(&mut text)?;
                    if serde_json::from_slice::<Json>(&text).ok().as_ref() != Some(request) {
                        return Ok(Self::default());
                    }
                    found.length = at;
                }
                Kind::Page(_) => {
                    pages += 1;
                    if let Some(checkpoint) = frame.checkpoint(file)? {
                        found = Self { length: at, pages, checkpoint: Some(checkpoint), ended: false };
                    }
                }
                Kind::End => return Ok(Self { length: at, pages, ended: true, ..found }),
            }
        }
        Ok(found)
    }
}
