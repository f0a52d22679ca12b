//! JSON text, token by token.
//!
//! The scanner reads one byte after the other and builds nothing: texts are slices of the page,
//! numbers stay text until their column is known. It accepts RFC 8259 and the words `NaN`,
//! `Infinity` and `-Infinity`, which Python writes and dlt loads as null.

use std::borrow::Cow;

/// Deepest nesting of an item; deeper ones cannot be serialised by dlt either.
pub(crate) const MAX_DEPTH: usize = 254;

/// What is wrong with a text that is no JSON, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ScanError {
    pub(crate) at: usize,
    pub(crate) problem: Problem,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    Expected(&'static str),
    ControlCharacter,
    Escape,
    LoneSurrogate,
    Number,
    EndOfText,
    TooDeep,
    IntegerTooLarge,
    AfterValue,
}

impl Problem {
    pub(crate) fn message(self) -> String {
        match self {
            Self::Expected(what) => format!("expected {what}"),
            Self::ControlCharacter => "a text contains a control character that is not escaped".to_owned(),
            Self::Escape => "a text contains an invalid escape".to_owned(),
            Self::LoneSurrogate => {
                "a text contains half of a surrogate pair, which is no character".to_owned()
            }
            Self::Number => "this is no number".to_owned(),
            Self::EndOfText => "the text ends in the middle of a value".to_owned(),
            Self::TooDeep => format!("the item is nested more than {MAX_DEPTH} levels deep"),
            Self::IntegerTooLarge => "the whole number does not fit into 64 bits".to_owned(),
            Self::AfterValue => "there is something behind the value".to_owned(),
        }
    }

    /// Whether the text is well-formed JSON with a value that cannot be loaded.
    pub(crate) fn is_unsupported_value(self) -> bool {
        matches!(self, Self::LoneSurrogate | Self::TooDeep | Self::IntegerTooLarge)
    }
}

/// A text literal between its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TextToken<'a> {
    pub(crate) raw: &'a [u8],
    pub(crate) at: usize,
    pub(crate) escaped: bool,
}

/// A number literal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum NumberToken {
    Int(i64),
    /// From 2^63 on.
    Large(u64),
    Double(f64),
    /// `NaN`, `Infinity` or a float that is too large: null for dlt.
    NotFinite,
}

/// First byte of the next value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peek {
    Text,
    Number,
    Object,
    List,
    True,
    False,
    Null,
}

#[derive(Clone)]
pub(crate) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// High bit of each byte that is a quote, a backslash or a control character. Bits above the
/// lowest one set may be wrong.
#[inline]
fn text_stops(word: u64) -> u64 {
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let below = |x: u64, limit: u64| x.wrapping_sub(ONES * limit) & !x;
    (below(quote, 1) | below(backslash, 1) | below(word, 0x20)) & HIGHS
}

impl<'a> Scanner<'a> {
    /// The bytes have to be UTF-8.
    pub(crate) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    pub(crate) fn position(&self) -> usize {
        self.at
    }

    pub(crate) fn seek(&mut self, at: usize) {
        self.at = at;
    }

    pub(crate) fn slice(&self, from: usize) -> &'a [u8] {
        self.bytes.get(from..self.at).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn error(&self, problem: Problem) -> ScanError {
        let problem = if self.at >= self.bytes.len() { Problem::EndOfText } else { problem };
        ScanError { at: self.at, problem }
    }

    /// The next byte that is no blank.
    #[inline]
    pub(crate) fn next_byte(&mut self) -> Option<u8> {
        loop {
            match self.bytes.get(self.at) {
                Some(&byte) if byte > b' ' => return Some(byte),
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(&byte) => return Some(byte),
                None => return None,
            }
        }
    }

    #[inline]
    pub(crate) fn skip_byte(&mut self) {
        self.at += 1;
    }

    #[inline]
    pub(crate) fn peek(&mut self) -> Result<Peek, ScanError> {
        match self.next_byte() {
            Some(b'"') => Ok(Peek::Text),
            Some(b'{') => Ok(Peek::Object),
            Some(b'[') => Ok(Peek::List),
            Some(b'-' | b'0'..=b'9' | b'N' | b'I') => Ok(Peek::Number),
            Some(b't') => Ok(Peek::True),
            Some(b'f') => Ok(Peek::False),
            Some(b'n') => Ok(Peek::Null),
            _ => Err(self.error(Problem::Expected("a value"))),
        }
    }

    /// The rest of `true`, `false` or `null`.
    #[inline]
    pub(crate) fn word(&mut self, word: &'static str) -> Result<(), ScanError> {
        if self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            self.at += word.len();
            Ok(())
        } else {
            Err(ScanError { at: self.at, problem: Problem::Expected("a value") })
        }
    }

    /// Enters an object; true if it has a first key.
    #[inline]
    pub(crate) fn open_object(&mut self) -> Result<bool, ScanError> {
        self.skip_byte();
        match self.next_byte() {
            Some(b'"') => Ok(true),
            Some(b'}') => {
                self.skip_byte();
                Ok(false)
            }
            _ => Err(self.error(Problem::Expected("a key or `}`"))),
        }
    }

    /// A key with the colon behind it.
    #[inline]
    pub(crate) fn key(&mut self) -> Result<TextToken<'a>, ScanError> {
        let key = self.text()?;
        match self.next_byte() {
            Some(b':') => {
                self.skip_byte();
                Ok(key)
            }
            _ => Err(self.error(Problem::Expected("`:`"))),
        }
    }

    /// Behind a value of an object: true if another key follows.
    #[inline]
    pub(crate) fn more_keys(&mut self) -> Result<bool, ScanError> {
        match self.next_byte() {
            Some(b',') => {
                self.skip_byte();
                match self.next_byte() {
                    Some(b'"') => Ok(true),
                    _ => Err(self.error(Problem::Expected("a key"))),
                }
            }
            Some(b'}') => {
                self.skip_byte();
                Ok(false)
            }
            _ => Err(self.error(Problem::Expected("`,` or `}`"))),
        }
    }

    /// Enters a list; true if it has a first element.
    #[inline]
    pub(crate) fn open_list(&mut self) -> Result<bool, ScanError> {
        self.skip_byte();
        match self.next_byte() {
            Some(b']') => {
                self.skip_byte();
                Ok(false)
            }
            _ => Ok(true),
        }
    }

    /// Behind an element of a list: true if another one follows.
    #[inline]
    pub(crate) fn more_elements(&mut self) -> Result<bool, ScanError> {
        match self.next_byte() {
            Some(b',') => {
                self.skip_byte();
                Ok(true)
            }
            Some(b']') => {
                self.skip_byte();
                Ok(false)
            }
            _ => Err(self.error(Problem::Expected("`,` or `]`"))),
        }
    }

    /// A text literal; the scanner is at its quote.
    #[inline]
    pub(crate) fn text(&mut self) -> Result<TextToken<'a>, ScanError> {
        let start = self.at + 1;
        let mut at = start;
        let mut escaped = false;
        loop {
            if let Some(Ok(word)) = self.bytes.get(at..at + 8).map(<[u8; 8]>::try_from) {
                let stops = text_stops(u64::from_le_bytes(word));
                if stops == 0 {
                    at += 8;
                    continue;
                }
                at += (stops.trailing_zeros() / 8) as usize;
            }
            match self.bytes.get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    let raw = self.bytes.get(start..at).unwrap_or_default();
                    return Ok(TextToken { raw, at: start, escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    at += 2;
                }
                Some(byte) if *byte < 0x20 => {
                    return Err(ScanError { at, problem: Problem::ControlCharacter });
                }
                Some(_) => at += 1,
                None => {
                    return Err(ScanError { at: self.bytes.len(), problem: Problem::EndOfText });
                }
            }
        }
    }

    /// A number literal; the scanner is at its first byte.
    #[inline]
    pub(crate) fn number(&mut self) -> Result<NumberToken, ScanError> {
        let start = self.at;
        let negative = self.bytes.get(start) == Some(&b'-');
        let digits = start + usize::from(negative);
        let mut at = digits;
        let mut value: u64 = 0;
        while let Some(digit) = self.bytes.get(at).map(|b| b.wrapping_sub(b'0')).filter(|d| *d < 10) {
            value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
            at += 1;
        }
        let count = at - digits;
        if count == 0 {
            return self.not_finite(digits);
        }
        let leading_zero = count > 1 && self.bytes.get(digits) == Some(&b'0');
        self.at = at;
        if leading_zero {
            return Err(ScanError { at: digits, problem: Problem::Number });
        }
        if matches!(self.bytes.get(at), Some(b'.' | b'e' | b'E')) {
            return self.double(start);
        }
        if count < 19 {
            let value = value as i64;
            return Ok(NumberToken::Int(if negative { -value } else { value }));
        }
        self.long_integer(start)
    }

    /// An integer with so many digits that it may not fit.
    #[cold]
    fn long_integer(&self, start: usize) -> Result<NumberToken, ScanError> {
        let text = std::str::from_utf8(self.slice(start)).unwrap_or_default();
        if let Ok(value) = text.parse::<i64>() {
            return Ok(NumberToken::Int(value));
        }
        match text.parse::<u64>() {
            Ok(value) => Ok(NumberToken::Large(value)),
            Err(_) => Err(ScanError { at: start, problem: Problem::IntegerTooLarge }),
        }
    }

    /// Fraction and exponent; the scanner is behind the whole digits.
    fn double(&mut self, start: usize) -> Result<NumberToken, ScanError> {
        let digits = |bytes: &[u8], mut at: usize| {
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            at
        };
        if self.bytes.get(self.at) == Some(&b'.') {
            let end = digits(self.bytes, self.at + 1);
            if end == self.at + 1 {
                return Err(self.error(Problem::Number));
            }
            self.at = end;
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(self.bytes.get(self.at + 1), Some(b'+' | b'-')));
            let first = self.at + 1 + sign;
            let end = digits(self.bytes, first);
            if end == first {
                return Err(self.error(Problem::Number));
            }
            self.at = end;
        }
        let text = std::str::from_utf8(self.slice(start)).unwrap_or_default();
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(NumberToken::Double(value)),
            Ok(_) => Ok(NumberToken::NotFinite),
            Err(_) => Err(ScanError { at: start, problem: Problem::Number }),
        }
    }

    /// The words that Python writes for numbers that JSON has no form for.
    #[cold]
    fn not_finite(&mut self, at: usize) -> Result<NumberToken, ScanError> {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let negative = at > self.at;
        if rest.starts_with(b"Infinity") {
            self.at = at + "Infinity".len();
        } else if !negative && rest.starts_with(b"NaN") {
            self.at = at + "NaN".len();
        } else {
            return Err(ScanError { at: self.at, problem: Problem::Number });
        }
        Ok(NumberToken::NotFinite)
    }

    /// Skips a value and checks it on the way, as far as its form goes.
    pub(crate) fn skip_value(&mut self, depth: usize) -> Result<(), ScanError> {
        if depth > MAX_DEPTH {
            return Err(ScanError { at: self.at, problem: Problem::TooDeep });
        }
        match self.peek()? {
            Peek::Text => {
                let token = self.text()?;
                if token.escaped {
                    unescape(token)?;
                }
            }
            Peek::Number => {
                self.number()?;
            }
            Peek::True => self.word("true")?,
            Peek::False => self.word("false")?,
            Peek::Null => self.word("null")?,
            Peek::Object => {
                let mut more = self.open_object()?;
                while more {
                    self.key()?;
                    self.skip_value(depth + 1)?;
                    more = self.more_keys()?;
                }
            }
            Peek::List => {
                let mut more = self.open_list()?;
                while more {
                    self.skip_value(depth + 1)?;
                    more = self.more_elements()?;
                }
            }
        }
        Ok(())
    }
}

impl<'a> TextToken<'a> {
    /// The text that the literal stands for.
    pub(crate) fn decode(self) -> Result<Cow<'a, str>, ScanError> {
        if self.escaped {
            return unescape(self).map(Cow::Owned);
        }
        match std::str::from_utf8(self.raw) {
            Ok(text) => Ok(Cow::Borrowed(text)),
            Err(_) => Err(ScanError { at: self.at, problem: Problem::Expected("UTF-8") }),
        }
    }
}

/// Resolves the escapes of a literal.
fn unescape(token: TextToken<'_>) -> Result<String, ScanError> {
    let mut out = Vec::with_capacity(token.raw.len());
    let mut rest = token.raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (plain, escape) = rest.split_at(at);
        out.extend_from_slice(plain);
        let position = token.at + (token.raw.len() - escape.len());
        let simple = match escape.get(1) {
            Some(b'u') => None,
            Some(b'"') => Some(b'"'),
            Some(b'\\') => Some(b'\\'),
            Some(b'/') => Some(b'/'),
            Some(b'b') => Some(8),
            Some(b'f') => Some(12),
            Some(b'n') => Some(b'\n'),
            Some(b'r') => Some(b'\r'),
            Some(b't') => Some(b'\t'),
            _ => return Err(ScanError { at: position, problem: Problem::Escape }),
        };
        rest = match simple {
            Some(byte) => {
                out.push(byte);
                escape.get(2..).unwrap_or_default()
            }
            None => {
                let (character, rest) = unicode_escape(escape, position)?;
                let mut buffer = [0; 4];
                out.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
                rest
            }
        };
    }
    out.extend_from_slice(rest);
    String::from_utf8(out).map_err(|_| ScanError { at: token.at, problem: Problem::Expected("UTF-8") })
}

/// One character from `\uXXXX`, or from a pair of them.
fn unicode_escape(escape: &[u8], at: usize) -> Result<(char, &[u8]), ScanError> {
    let unit = |bytes: Option<&[u8]>| -> Option<u32> {
        bytes?.iter().try_fold(0, |sum, b| Some(sum * 16 + (*b as char).to_digit(16)?))
    };
    let error = |problem| ScanError { at, problem };
    let first = unit(escape.get(2..6)).ok_or(error(Problem::Escape))?;
    if let Some(character) = char::from_u32(first) {
        return Ok((character, escape.get(6..).unwrap_or_default()));
    }
    let second = match escape.get(6..8) {
        Some(b"\\u") => unit(escape.get(8..12)).ok_or(error(Problem::Escape))?,
        _ => return Err(error(Problem::LoneSurrogate)),
    };
    if first < 0xdc00 && (0xdc00..0xe000).contains(&second) {
        let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        if let Some(character) = char::from_u32(code) {
            return Ok((character, escape.get(12..).unwrap_or_default()));
        }
    }
    Err(error(Problem::LoneSurrogate))
}

#[cfg(test)]
mod tests;
