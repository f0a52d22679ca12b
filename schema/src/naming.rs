//! The naming convention `snake_case`: how keys and resource names become columns and tables.

use crate::hash::shake128_base64;

/// Separates the parts of a path.
const PATH_SEPARATOR: &str = "__";
/// Bytes of the digest behind the tag of a shortened name.
const TAG_BYTES: usize = 4;
/// Stands for keys that are empty or blank.
const EMPTY_KEY: &str = "_empty";

/// Turns names as they come into names as the destination has them.
///
/// ```
/// use floe_schema::Naming;
/// let naming = Naming::snake_case();
/// assert_eq!(naming.path("someURLs"), "some_ur_ls");
/// assert_eq!(naming.path("l_ __m"), "lx__m");
/// assert_eq!(naming.join(["orders", "lines"]), "orders__lines");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Naming {
    max_length: usize,
}

impl Naming {
    /// Names of any length.
    pub const fn snake_case() -> Self {
        Self { max_length: usize::MAX }
    }

    /// Names with at most `max_length` bytes. dlt counts characters, which is the same unless there
    /// are digits of other scripts; a database that counts bytes would cut such names silently.
    pub const fn with_max_length(max_length: usize) -> Self {
        Self { max_length }
    }

    /// One part of a name. `None` if nothing but white space is there.
    pub fn identifier(&self, name: &str) -> Option<String> {
        let name = python_strip(name);
        if name.is_empty() {
            return None;
        }
        Some(self.shorten(snake_case(name), name))
    }

    /// A column or table name; `__` separates its parts. Idempotent.
    pub fn path(&self, name: &str) -> String {
        let parts: Vec<String> =
            name.split(PATH_SEPARATOR).filter_map(|part| self.identifier(part)).collect();
        self.shorten(parts.join(PATH_SEPARATOR), name)
    }

    /// The column for a key of an item; empty and blank keys have a name, too.
    pub fn key(&self, key: &str) -> String {
        if key.chars().all(is_python_space) { EMPTY_KEY.to_owned() } else { self.path(key) }
    }

    /// Joins parts that are normalised already.
    pub fn join<'a>(&self, parts: impl IntoIterator<Item = &'a str>) -> String {
        let mut joined = String::new();
        for part in parts.into_iter().filter(|part| !python_strip(part).is_empty()) {
            if !joined.is_empty() {
                joined.push_str(PATH_SEPARATOR);
            }
            joined.push_str(part);
        }
        if joined.len() <= self.max_length {
            return joined;
        }
        let source = joined.clone();
        self.shorten(joined, &source)
    }

    /// Cuts the middle out of a long name and puts a tag of its source there.
    fn shorten(&self, name: String, source: &str) -> String {
        if name.len() <= self.max_length {
            return name;
        }
        let tag = tag(source);
        let rest = self.max_length.saturating_sub(tag.len());
        let (head, tail) = (rest.div_ceil(2), rest / 2);
        let start = name.get(..name.floor_char_boundary(head)).unwrap_or_default();
        let end = name.get(name.ceil_char_boundary(name.len() - tail)..).unwrap_or_default();
        [start, &tag, end].concat()
    }
}

fn tag(source: &str) -> String {
    shake128_base64(source.as_bytes(), TAG_BYTES)
        .chars()
        .map(|c| match c {
            '/' => 'a',
            '+' => 'b',
            c => c.to_ascii_lowercase(),
        })
        .collect()
}

fn snake_case(name: &str) -> String {
    let reduced = break_before_word(&reduce_alphabet(name));
    let mut name = break_before_capital(&reduced).to_ascii_lowercase();
    if name.chars().next().is_some_and(is_decimal_digit) {
        name.insert(0, '_');
    }
    let stem = name.trim_end_matches('_').len();
    let trailing = name.len() - stem;
    name.truncate(stem);
    name.extend(std::iter::repeat_n('x', trailing));
    collapse_underscores(&name)
}

/// Letters, digits and `_` stay, some symbols have a letter, the rest becomes `_`.
fn reduce_alphabet(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut in_gap = false;
    for c in name.chars() {
        let c = match c {
            '+' | '*' => 'x',
            '-' => '_',
            '@' => 'a',
            '|' => 'l',
            c => c,
        };
        if c.is_ascii_alphabetic() || c == '_' || is_decimal_digit(c) {
            out.push(c);
            in_gap = false;
        } else if !in_gap {
            out.push('_');
            in_gap = true;
        }
    }
    out
}

/// `([^_])([A-Z][a-z]+)` gets a `_` between the groups, from left to right without overlap.
fn break_before_word(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::with_capacity(name.len() + 4);
    let mut i = 0;
    while let Some(&c) = chars.get(i) {
        out.push(c);
        i += 1;
        let starts_word = c != '_'
            && chars.get(i).is_some_and(char::is_ascii_uppercase)
            && chars.get(i + 1).is_some_and(char::is_ascii_lowercase);
        if starts_word {
            out.push('_');
            out.extend(chars.get(i));
            i += 1;
            while let Some(c) = chars.get(i).filter(|c| c.is_ascii_lowercase()) {
                out.push(*c);
                i += 1;
            }
        }
    }
    out
}

/// `([a-z0-9])([A-Z])` gets a `_` between the groups.
fn break_before_capital(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let mut may_break = false;
    for c in name.chars() {
        let capital = c.is_ascii_uppercase();
        if may_break && capital {
            out.push('_');
        }
        out.push(c);
        may_break = c.is_ascii_lowercase() || c.is_ascii_digit();
    }
    out
}

fn collapse_underscores(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        if c != '_' || !out.ends_with('_') {
            out.push(c);
        }
    }
    out
}

/// White space as Python sees it.
fn is_python_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// Trims what Python's `str.strip` trims.
pub fn python_strip(text: &str) -> &str {
    text.trim_matches(is_python_space)
}

/// The zeros of all scripts with decimal digits; nine digits follow each of them.
const DIGIT_ZEROS: [u32; 66] = [
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50,
    0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40,
    0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x11066,
    0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950,
    0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6,
    0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
];

/// Value of a decimal digit of any script.
fn digit_value(c: char) -> Option<u32> {
    let code = c as u32;
    let after = DIGIT_ZEROS.partition_point(|zero| *zero <= code);
    let zero = DIGIT_ZEROS.get(after.checked_sub(1)?)?;
    Some(code - zero).filter(|value| *value < 10)
}

/// Whether the character is a decimal digit of any script, as Python's `\d`.
pub fn is_decimal_digit(c: char) -> bool {
    c.is_ascii_digit() || (!c.is_ascii() && digit_value(c).is_some())
}

/// Replaces digits of other scripts by ASCII digits, as Python does when it reads numbers.
pub fn ascii_digits(text: &str) -> std::borrow::Cow<'_, str> {
    if text.is_ascii() {
        return text.into();
    }
    text.chars()
        .map(|c| digit_value(c).and_then(|v| char::from_digit(v, 10)).unwrap_or(c))
        .collect::<String>()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn identifiers_as_dlt_makes_them() {
        for (name, expected) in [
            ("userId", "user_id"),
            ("HTTPResponse", "http_response"),
            ("getHTTPResponseCode", "get_http_response_code"),
            ("someURLs", "some_ur_ls"),
            ("SHA256Sum", "sha256_sum"),
            ("iOSVersion", "i_os_version"),
            ("A1B2", "a1_b2"),
            ("camelCASE", "camel_case"),
            ("v2Api", "v2_api"),
            ("a+b", "axb"),
            ("price($)", "pricex"),
            ("a___b", "a___b"),
            ("__h__", "h"),
            ("l_ __m", "lx__m"),
            ("1st", "_1st"),
            ("trail_", "trailx"),
            ("d_e_", "d_ex"),
            ("_", "x"),
            ("--", "xx"),
            ("日本語", "x"),
            ("Größe", "gr_e"),
            ("h$$", "hx"),
            ("٣abc", "_٣abc"),
        ] {
            assert_eq!(Naming::snake_case().path(name), expected, "{name}");
        }
        assert_eq!(Naming::snake_case().identifier("a___"), Some("axxx".to_owned()));
        assert_eq!(Naming::snake_case().identifier(" \u{1c} "), None);
        assert_eq!(Naming::snake_case().key("   "), "_empty");
    }

    #[test]
    fn long_names_carry_a_tag() {
        let naming = Naming::with_max_length(63);
        let x = "x".repeat(64);
        assert_eq!(naming.path(&x), "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxe0hf6wxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
        let nested = format!("a__{}", "b".repeat(80));
        assert_eq!(naming.path(&nested), "a__bbbbbbbbbbbbbbbbbbbbbbbbbbceaivgbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
        assert_eq!(
            naming.path(&"größe_".repeat(15)),
            "gr_e_gr_e_gr_e_gr_e_gr_e_gr_eblbfng_e_gr_e_gr_e_gr_e_gr_e_gr_ex"
        );
    }

    #[test]
    fn lengths_are_those_of_databases() {
        let digits = Naming::with_max_length(20).path(&"٣".repeat(11));
        assert_eq!((digits.len(), digits.chars().filter(char::is_ascii).count()), (19, 7));
    }

    #[test]
    fn digits_of_other_scripts() {
        assert_eq!(ascii_digits("٣.٥"), "3.5");
        assert!(is_decimal_digit('९') && !is_decimal_digit('½') && !is_decimal_digit('x'));
    }

    proptest! {
        #[test]
        fn paths_are_idempotent(name in ".{0,40}", max in 12usize..80) {
            let naming = Naming::snake_case();
            let once = naming.path(&name);
            prop_assert_eq!(naming.path(&once), once);
            let short = Naming::with_max_length(max).path(&name);
            prop_assert!(short.len() <= max);
        }
    }
}
