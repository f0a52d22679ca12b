//! Bytes and names in constants, where there is neither `String` nor `==` on slices.

/// The position behind `part`, if it stands at `from`.
pub(super) const fn after(text: &[u8], from: usize, part: &[u8]) -> Option<usize> {
    if from + part.len() > text.len() {
        return None;
    }
    let mut n = 0;
    while n < part.len() {
        if text[from + n] != part[n] {
            return None;
        }
        n += 1;
    }
    Some(from + part.len())
}

/// Whether two runs of bytes are the same.
pub(super) const fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && after(a, 0, b).is_some()
}

/// Text of limited length that is made in a constant. What is too long ends in dots.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Text<N> {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; N], len: 0 }
    }

    pub(super) const fn push(&mut self, text: &[u8]) {
        let mut n = 0;
        while n < text.len() {
            if self.len == N {
                // the end says that there is more
                let mut back = if N < 3 { N } else { 3 };
                while back > 0 {
                    self.bytes[N - back] = b'.';
                    back -= 1;
                }
                return;
            }
            self.bytes[self.len] = text[n];
            self.len += 1;
            n += 1;
        }
    }

    /// Adds words with one blank between them.
    pub(super) const fn push_words(&mut self, text: &[u8]) {
        let (mut at, mut is_first) = (0, true);
        while let Some((start, end)) = token(text, at) {
            if !is_first {
                self.push(b" ");
            }
            self.push(slice(text, start, end));
            (at, is_first) = (end, false);
        }
    }

    pub(super) const fn push_number(&mut self, number: u16) {
        if number >= 10 {
            self.push_number(number / 10);
        }
        self.push(&[b'0' + (number % 10) as u8]);
    }

    pub(super) const fn truncate(&mut self, len: usize) {
        self.len = len;
    }

    pub(super) const fn bytes(&self) -> &[u8] {
        self.bytes.split_at(self.len).0
    }

    /// The text; what does not fit may have been cut in the middle of a letter.
    pub(super) const fn as_str(&self) -> &str {
        match core::str::from_utf8(self.bytes()) {
            Ok(text) => text,
            Err(_) => "(a text that is too long)",
        }
    }

    /// Adds a part of a path and gives the length to go back to.
    pub(super) const fn join(&mut self, part: &[u8]) -> usize {
        let before = self.len;
        if !part.is_empty() {
            if self.len > 0 {
                self.push(b"__");
            }
            self.push(part);
        }
        before
    }
}

/// The next run of bytes between blanks in a line, and where it ends.
pub(super) const fn token(line: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut start = from;
    while start < line.len() && is_blank(line[start]) {
        start += 1;
    }
    let mut end = start;
    while end < line.len() && !is_blank(line[end]) {
        end += 1;
    }
    if start == end { None } else { Some((start, end)) }
}

pub(super) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// A part of some bytes.
pub(super) const fn slice(bytes: &[u8], start: usize, end: usize) -> &[u8] {
    bytes.split_at(end).0.split_at(start).1
}
