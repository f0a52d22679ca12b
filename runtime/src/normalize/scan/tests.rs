use super::*;
use proptest::prelude::*;

fn problem(text: &str) -> (Problem, usize) {
    let mut scanner = Scanner::new(text.as_bytes(), 0);
    let error = scanner.skip_value(0).unwrap_err();
    (error.problem, error.at)
}

fn number(text: &str) -> NumberToken {
    let mut scanner = Scanner::new(text.as_bytes(), 0);
    let token = scanner.number().unwrap();
    assert_eq!(scanner.position(), text.len());
    token
}

#[test]
fn numbers() {
    assert_eq!(number("-9223372036854775808"), NumberToken::Int(i64::MIN));
    assert_eq!(number("9223372036854775807"), NumberToken::Int(i64::MAX));
    assert_eq!(number("18446744073709551615"), NumberToken::Large(u64::MAX));
    assert_eq!(number("-0"), NumberToken::Int(0));
    assert_eq!(number("1e400"), NumberToken::NotFinite);
    assert_eq!(number("-Infinity"), NumberToken::NotFinite);
    assert_eq!(number("1.5E-3"), NumberToken::Double(0.0015));
    assert!(matches!(number("-0.0"), NumberToken::Double(v) if v.is_sign_negative()));
}

#[test]
fn broken_texts_name_the_byte() {
    for (text, expected) in [
        ("", (Problem::EndOfText, 0)),
        ("{\"a\":1", (Problem::EndOfText, 6)),
        ("{\"a\" 1}", (Problem::Expected("`:`"), 5)),
        ("{\"a\":1,}", (Problem::Expected("a key"), 7)),
        ("{a:1}", (Problem::Expected("a key or `}`"), 1)),
        ("[1 2]", (Problem::Expected("`,` or `]`"), 3)),
        ("[1,]", (Problem::Expected("a value"), 3)),
        ("tru", (Problem::Expected("a value"), 0)),
        ("01", (Problem::Number, 0)),
        ("1.", (Problem::Number, 1)),
        ("1.x", (Problem::Number, 1)),
        ("1ex", (Problem::Number, 1)),
        ("-x", (Problem::Number, 0)),
        ("-NaN", (Problem::Number, 0)),
        ("18446744073709551616", (Problem::IntegerTooLarge, 0)),
        ("-9223372036854775809", (Problem::IntegerTooLarge, 0)),
        ("\"a\nb\"", (Problem::ControlCharacter, 2)),
        ("\"ab\\x\"", (Problem::Escape, 3)),
        ("\"\\u12g4\"", (Problem::Escape, 1)),
        ("\"\\ud800\"", (Problem::LoneSurrogate, 1)),
        ("\"\\udc00\\ud800\"", (Problem::LoneSurrogate, 1)),
        ("\"abc", (Problem::EndOfText, 4)),
    ] {
        assert_eq!(problem(text), expected, "{text}");
    }
    assert_eq!(problem(&"[".repeat(300)).0, Problem::TooDeep);
}

proptest! {
    /// What serde_json writes is read as the same tokens; what it refuses is refused.
    #[test]
    fn agrees_with_serde_json(text in "[\\[\\]{}:,\"a1.eE+\\-0 \\\\untrlfbsd]{0,24}") {
        let mut scanner = Scanner::new(text.as_bytes(), 0);
        let ours = scanner.skip_value(0).is_ok() && scanner.next_byte().is_none();
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        match theirs {
            Ok(_) => prop_assert!(ours, "{text}"),
            // it refuses numbers that are too large for a float
            Err(error) => prop_assert!(!ours || error.to_string().contains("out of range"), "{text}: {error}"),
        }
    }

    #[test]
    fn texts_decode_to_what_was_written(text in any::<String>()) {
        let written = serde_json::to_string(&text).unwrap();
        let token = Scanner::new(written.as_bytes(), 0).text().unwrap();
        prop_assert_eq!(token.decode().unwrap(), text);
    }

    #[test]
    fn bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = Scanner::new(&bytes, 0).skip_value(0);
    }
}
