//! Exact numbers in the binary format of Postgres: groups of four decimal digits.

const POSITIVE: u16 = 0;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const MINUS_INFINITY: u16 = 0xF000;
/// Digits before and behind the point.
const MAX_DIGITS: (i64, i64) = (131_072, 16_383);

/// Reads a number as text. Nothing if the bytes are none.
pub(super) fn text(raw: &[u8]) -> Option<String> {
    let (groups, weight, sign, scale) = groups(raw)?;
    match sign {
        NAN => return Some("NaN".to_owned()),
        INFINITY => return Some("Infinity".to_owned()),
        MINUS_INFINITY => return Some("-Infinity".to_owned()),
        _ => {}
    }
    let group = |at: i64| usize::try_from(at).ok().and_then(|at| groups.get(at)).copied().unwrap_or_default();
    let mut whole: String = (0..=weight).map(|at| format!("{:04}", group(at))).collect();
    let digits = whole.trim_start_matches('0').to_owned();
    whole = if digits.is_empty() { "0".to_owned() } else { digits };
    if sign == NEGATIVE {
        whole.insert(0, '-');
    }
    if scale > 0 {
        let behind = (0..scale.div_ceil(4)).map(|n| format!("{:04}", group(weight + 1 + n as i64)));
        let behind: String = behind.collect();
        whole.push('.');
        whole.push_str(behind.get(..scale)?);
    }
    Some(whole)
}

/// Reads a number as units of ten to the power of minus `scale`. Nothing if it is none, or does not fit.
pub(super) fn units(raw: &[u8], scale: usize) -> Option<i128> {
    let text = text(raw)?;
    let (negative, digits) = text.strip_prefix('-').map_or((false, text.as_str()), |digits| (true, digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let kept = part.trim_end_matches('0');
    let padding = std::iter::repeat_n('0', scale.checked_sub(kept.len())?);
    let units =
        whole.chars().chain(kept.chars()).chain(padding).try_fold(0_i128, |units, digit| {
            units.checked_mul(10)?.checked_add(digit.to_digit(10)?.into())
        })?;
    Some(if negative { -units } else { units })
}

/// Groups of four digits, the power of the first, the sign, and the digits behind the point.
fn groups(raw: &[u8]) -> Option<(Vec<u16>, i64, u16, usize)> {
    let mut words = raw.chunks_exact(2).filter_map(|word| word.try_into().ok().map(u16::from_be_bytes));
    let (count, weight, sign, scale) = (words.next()?, words.next()? as i16, words.next()?, words.next()?);
    let groups: Vec<u16> = words.collect();
    (groups.len() == usize::from(count)).then_some((groups, weight.into(), sign, scale.into()))
}

/// A decimal number: 0.`digits` times ten to the power of `point`.
struct Digits<'d> {
    negative: bool,
    /// As ASCII characters.
    digits: &'d [u8],
    point: i64,
}

/// Writes a number that counts units of ten to the power of minus `scale`.
pub(super) fn write_scaled(value: i128, scale: u32, out: &mut Vec<u8>) {
    let mut buffer = [b'0'; 39];
    let mut start = buffer.len();
    let mut rest = value.unsigned_abs();
    // division by 128 bits is slow
    while u64::try_from(rest).is_err() {
        (rest, start) = (rest / 10, put_digit(&mut buffer, start, (rest % 10) as u8));
    }
    let mut rest = rest as u64;
    while rest > 0 {
        (rest, start) = (rest / 10, put_digit(&mut buffer, start, (rest % 10) as u8));
    }
    let digits = buffer.get(start..).unwrap_or_default();
    let point = digits.len() as i64 - i64::from(scale);
    write(&Digits { negative: value < 0, digits, point }, out);
}

fn put_digit(buffer: &mut [u8], end: usize, digit: u8) -> usize {
    let at = end.saturating_sub(1);
    if let Some(place) = buffer.get_mut(at) {
        *place = b'0' + digit;
    }
    at
}

/// Writes a number that is written in digits, also with an exponent. False if it is none, or too long.
pub(super) fn write_text(text: &str, out: &mut Vec<u8>) -> bool {
    let special = match text.trim_start_matches(['+', '-']).to_ascii_lowercase().as_str() {
        "nan" => Some(NAN),
        "inf" | "infinity" if text.starts_with('-') => Some(MINUS_INFINITY),
        "inf" | "infinity" => Some(INFINITY),
        _ => None,
    };
    if let Some(sign) = special {
        write_header(0, 0, sign, 0, out);
        return true;
    }
    let Some((negative, digits, point)) = parse(text) else { return false };
    let scale = digits.len() as i64 - point;
    if point > MAX_DIGITS.0 || scale > MAX_DIGITS.1 {
        return false;
    }
    write(&Digits { negative, digits: &digits, point }, out);
    true
}

fn parse(text: &str) -> Option<(bool, Vec<u8>, i64)> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i64 = exponent.parse().ok()?;
    let (negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole.as_bytes(), fraction.as_bytes()].concat();
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    is_number.then_some(())?;
    Some((negative, digits, (whole.len() as i64).checked_add(exponent)?))
}

fn write(number: &Digits<'_>, out: &mut Vec<u8>) {
    let scale = (number.digits.len() as i64 - number.point).max(0) as u16;
    let zeros = number.digits.iter().take_while(|digit| **digit == b'0').count();
    let digits = number.digits.get(zeros..).unwrap_or_default();
    let used = digits.len() - digits.iter().rev().take_while(|digit| **digit == b'0').count();
    let digits = digits.get(..used).unwrap_or_default();
    if digits.is_empty() {
        return write_header(0, 0, POSITIVE, scale, out);
    }
    // groups are counted from the point
    let last_before = number.point - zeros as i64 - 1;
    let weight = last_before.div_euclid(4);
    let first = last_before.rem_euclid(4) as usize + 1;
    let groups = 1 + digits.len().saturating_sub(first).div_ceil(4);
    let sign = if number.negative { NEGATIVE } else { POSITIVE };
    write_header(groups as u16, weight as i16, sign, scale, out);
    let (head, tail) = digits.split_at(first.min(digits.len()));
    write_group(head, first, out);
    for group in tail.chunks(4) {
        write_group(group, 4, out);
    }
}

/// Writes a group whose last digits may be left out.
fn write_group(digits: &[u8], width: usize, out: &mut Vec<u8>) {
    let padded = digits.iter().copied().chain(std::iter::repeat(b'0')).take(width);
    let value = padded.fold(0u16, |value, digit| value * 10 + u16::from(digit - b'0'));
    out.extend_from_slice(&value.to_be_bytes());
}

fn write_header(groups: u16, weight: i16, sign: u16, scale: u16, out: &mut Vec<u8>) {
    out.extend_from_slice(&(8 + 2 * i32::from(groups)).to_be_bytes());
    out.extend_from_slice(&groups.to_be_bytes());
    out.extend_from_slice(&weight.to_be_bytes());
    out.extend_from_slice(&sign.to_be_bytes());
    out.extend_from_slice(&scale.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(write: impl FnOnce(&mut Vec<u8>)) -> Vec<i32> {
        let mut out = Vec::new();
        write(&mut out);
        let (length, rest) = out.split_at(4);
        assert_eq!(length, (rest.len() as i32).to_be_bytes());
        rest.chunks(2).map(|word| i32::from(u16::from_be_bytes(word.try_into().unwrap()) as i16)).collect()
    }

    #[test]
    fn numbers_are_groups_of_four_digits() {
        let scaled = |value, scale| words(|out| write_scaled(value, scale, out));
        assert_eq!(scaled(0, 9), [0, 0, 0, 9]);
        assert_eq!(scaled(12_345, 0), [2, 1, 0, 0, 1, 2345]);
        assert_eq!(scaled(-12_345, 2), [2, 0, 0x4000, 2, 123, 4500]);
        assert_eq!(scaled(100_000_000, 0), [1, 2, 0, 0, 1]);
        assert_eq!(scaled(1, 9), [1, -3, 0, 9, 1000]);
        assert_eq!(scaled(i128::MIN, 38).len(), 4 + 11);
        let text = |text: &str| words(|out| assert!(write_text(text, out)));
        assert_eq!(text("12e3"), [2, 1, 0, 0, 1, 2000]);
        assert_eq!(text("-0.00012"), [2, -1, 0x4000, 5, 1, 2000]);
        assert_eq!(text("nan"), [0, 0, 0xC000u16 as i16 as i32, 0]);
        for wrong in ["", "-", ".", "1e", "1e999999999999", "1e200000", "0x1", "1 "] {
            assert!(!write_text(wrong, &mut Vec::new()), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn groups_mean_the_number(value in any::<i128>(), scale in 0u32..39) {
            let written = words(|out| write_scaled(value, scale, out));
            let mut sum = String::new();
            for group in &written[4..] {
                sum.push_str(&format!("{group:04}"));
            }
            // units of ten to the power of minus `behind`
            let behind = 4 * (written[0] - 1 - written[1]);
            let zeros = |n: i32| "0".repeat(n.max(0) as usize);
            let read = format!("{sum}{}", zeros(scale as i32 - behind));
            let meant = format!("{}{}", value.unsigned_abs(), zeros(behind - scale as i32));
            prop_assert_eq!(read.trim_start_matches('0'), meant.trim_start_matches('0'));
        }

        #[test]
        fn what_was_written_is_read(value in -(10_i128.pow(38) - 1)..10_i128.pow(38), scale in 0u32..39) {
            let mut out = Vec::new();
            write_scaled(value, scale, &mut out);
            prop_assert_eq!(units(&out[4..], scale as usize), Some(value));
            let text = text(&out[4..]).unwrap();
            let mut again = Vec::new();
            prop_assert!(write_text(&text, &mut again));
            prop_assert_eq!(units(&again[4..], scale as usize), Some(value));
        }

        #[test]
        fn bytes_that_are_no_number_are_told(raw in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = (text(&raw), units(&raw, 9));
        }
    }

    #[test]
    fn numbers_are_read_as_text() {
        let read = |given: &str| {
            let mut out = Vec::new();
            assert!(write_text(given, &mut out));
            text(&out[4..]).unwrap()
        };
        for number in ["0", "-0.00012", "12000", "100000000.5", "NaN", "-Infinity", "0.10"] {
            assert_eq!(read(number), number);
        }
        assert_eq!(text(&[0, 1]), None);
    }
}
