//! Texts without what Postgres cannot hold.

use std::borrow::Cow;

use memchr::{memchr, memmem};

/// A text without NUL, and how many there were.
pub(super) fn plain(text: &[u8]) -> (Cow<'_, [u8]>, u64) {
    if memchr(0, text).is_none() {
        return (text.into(), 0);
    }
    let kept: Vec<u8> = text.iter().copied().filter(|byte| *byte != 0).collect();
    let removed = text.len() - kept.len();
    (kept.into(), removed as u64)
}

/// JSON without escapes that stand for no character of Postgres: NUL is removed, half of a surrogate
/// pair becomes the replacement character. Also says how many there were.
pub(super) fn json(text: &[u8]) -> (Cow<'_, [u8]>, u64) {
    if memmem::find(text, b"\\u").is_none() {
        return (text.into(), 0);
    }
    let mut kept = Vec::with_capacity(text.len());
    let mut changed = 0;
    let mut rest = text;
    while let Some(at) = memchr(b'\\', rest) {
        let (before, escape) = rest.split_at(at);
        kept.extend_from_slice(before);
        let length = match code(escape) {
            None => 2,
            Some(0) => 0,
            Some(0xD800..=0xDBFF) => match escape.get(6..).and_then(code) {
                Some(0xDC00..=0xDFFF) => 12,
                _ => 1,
            },
            Some(0xDC00..=0xDFFF) => 1,
            Some(_) => 6,
        };
        let taken = if length < 2 { 6 } else { length };
        match length {
            0 => {}
            1 => kept.extend_from_slice("\u{fffd}".as_bytes()),
            _ => kept.extend_from_slice(escape.get(..length).unwrap_or(escape)),
        }
        changed += u64::from(length < 2);
        rest = escape.get(taken..).unwrap_or_default();
    }
    if changed == 0 {
        return (text.into(), 0);
    }
    kept.extend_from_slice(rest);
    (kept.into(), changed)
}

/// The code of an escape such as `\u00fc` at the start.
fn code(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_held_is_taken_out() {
        assert_eq!(plain(b"ab"), (b"ab".as_slice().into(), 0));
        assert_eq!(plain(b"\0a\0b"), (b"ab".as_slice().into(), 2));
        for (text, expected, count) in [
            (r#"["a"]"#, r#"["a"]"#, 0),
            (r#""\u00fc\n""#, r#""\u00fc\n""#, 0),
            (r#"{"a\u0000": "\u0000b"}"#, r#"{"a": "b"}"#, 2),
            (r#""\\u0000""#, r#""\\u0000""#, 0),
            (r#""\\\u0000""#, r#""\\""#, 1),
            (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#, 0),
            (r#""\ud83d\u0041\ude00\uD83D""#, "\"\u{fffd}\\u0041\u{fffd}\u{fffd}\"", 3),
            (r#""\ud83d\u0000\ude00""#, "\"\u{fffd}\u{fffd}\"", 3),
        ] {
            let (kept, changed) = json(text.as_bytes());
            assert_eq!((std::str::from_utf8(&kept).unwrap(), changed), (expected, count), "{text}");
        }
    }
}
