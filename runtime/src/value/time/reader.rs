//! A text that is taken apart.

use super::fraction;

/// A text that is read from left to right.
pub(super) struct Reader<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl Reader<'_> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    pub(super) fn at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    pub(super) fn digits_ahead(&self) -> usize {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        rest.iter().take_while(|c| c.is_ascii_digit()).count()
    }

    /// Exactly `count` digits.
    pub(super) fn number(&mut self, count: usize) -> Option<u32> {
        let digits = self.bytes.get(self.at..self.at + count)?;
        let mut value = 0;
        for digit in digits {
            value = value * 10 + u32::from(digit.checked_sub(b'0').filter(|d| *d < 10)?);
        }
        self.at += count;
        Some(value)
    }

    /// One or two digits.
    pub(super) fn short_number(&mut self) -> Option<u32> {
        self.number(self.digits_ahead().clamp(1, 2))
    }

    /// `.` or `,` with digits behind it.
    pub(super) fn fraction(&mut self) -> Option<i64> {
        if !self.eat(b'.') && !self.eat(b',') {
            return Some(0);
        }
        let (micros, length) = fraction(self.bytes.get(self.at..)?)?;
        self.at += length;
        Some(micros)
    }

    pub(super) fn at_time(&self) -> bool {
        matches!(self.peek(), Some(b'T' | b' '))
    }
}
