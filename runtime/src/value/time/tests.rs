use super::*;
use proptest::prelude::*;

const MARCH_1: i64 = 19_783 * DAY;
const MORNING: i64 = MARCH_1 + (10 * 3600 + 20 * 60 + 30) * SECOND;

#[test]
fn texts_with_date_and_time() {
    for text in [
        "2024-03-01T10:20:30",
        "2024-03-01 10:20:30",
        "20240301T102030",
        "2024-061T10:20:30",
        "2024-W09-5T10:20:30",
        "2024/03/01 10:20:30",
        "2024:03:01 10:20:30.0",
    ] {
        let expected = Moment::DateTime { micros: MORNING, offset: None };
        assert_eq!(parse(text), Some(expected), "{text}");
    }
    for (text, micros) in [
        ("2024-03-01T10:20:30Z", MORNING),
        ("2024-03-01T10:20:30+02", MORNING - 7200 * SECOND),
        ("2024-03-01T10:20:30.5-05:30", MORNING + 500_000 + 19_800 * SECOND),
        ("2024-03-01T10:20:30,1234567Z", MORNING + 123_456),
        ("2024-03-01T10:20:30+02:60", MORNING - 10_800 * SECOND),
        ("2024-03-01T10", MARCH_1 + 36_000 * SECOND),
        ("2024 10:20:30", 19_723 * DAY + MORNING - MARCH_1),
        ("2024-03-01", MARCH_1),
        ("1709288430.5", 1_709_288_430_500_000),
    ] {
        assert_eq!(timestamp(text), Some(micros), "{text}");
    }
}

#[test]
fn texts_with_a_date_or_a_time() {
    for text in ["2024-03-01", "20240301", "2024-061", "2024061", "2024/0301", "2024-W09-5"] {
        assert_eq!(parse(text), Some(Moment::Date(19_783)), "{text}");
    }
    assert_eq!(parse("2024-03"), Some(Moment::Date(19_783)));
    assert_eq!(parse("2024"), Some(Moment::Date(19_723)));
    for text in ["10:20", "T1020", "10:20:00Z", "12:20:00+02:00", "10:20:0"] {
        assert_eq!(time_of_day(text), Some(37_200 * SECOND), "{text}");
    }
}

#[test]
fn everything_else_is_text() {
    for text in [
        "",
        "x",
        "2024-3-1",
        "2024-03-01T1:02",
        "2024-03-01T102030",
        "20240301T10:20:30Z",
        "2024-03-01t10:20:30",
        "2024-03-01T10:20:30z",
        "2024-03-01T24:00:00",
        "2024-03-01T10:20:60",
        "2024/03/01 10:20:30Z",
        " 2024-03-01",
        "2024-03-01T10:20:30 Z",
        "2024-03-01T10:20:30+24:00",
        "202403",
        "P1D",
        "2024-03-01/2024-03-02",
        "20245-01-01",
        "2024-02-30",
        "2023-02-29",
        "0000-01-01",
        "2023-W53",
        "2024-03-01T10:20:30.",
    ] {
        assert_eq!(parse(text), None, "{text}");
    }
}

#[test]
fn seconds_round_as_in_python() {
    assert_eq!(from_seconds(-86_400.0), Some(-DAY));
    assert_eq!(from_seconds(0.000_000_5), Some(0));
    assert_eq!(from_seconds(1.000_001_5), Some(1_000_001));
    for out_of_range in [f64::NAN, f64::INFINITY, 1e300, -1e12, 253_402_300_800.0] {
        assert_eq!(from_seconds(out_of_range), None);
    }
}

proptest! {
    #[test]
    fn written_instants_read_back(micros in YEARS) {
        prop_assert_eq!(timestamp(&iso_text(micros)), Some(micros));
        let (year, month, day) = civil_from_days(micros.div_euclid(DAY));
        let days = days_from_civil(year as i32, month, day);
        prop_assert_eq!(days.map(i64::from), Some(micros.div_euclid(DAY)));
    }

    #[test]
    fn nothing_panics(text in "[-0-9T:.,/ Z+W]{0,30}", any in ".{0,20}") {
        for text in [text, any] {
            let _ = (timestamp(&text), date(&text), time_of_day(&text));
        }
    }
}
