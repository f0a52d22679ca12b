//! What is different in two canonical documents.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use crate::canonical::{compact, standard_columns};

/// What a comparison found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Differences.
    pub errors: Vec<String>,
    /// What may differ between two correct programs: numbers of versions, which depend on the ways
    /// that a schema took.
    pub notes: Vec<String>,
}

impl Report {
    fn error(&mut self, text: impl Into<String>) {
        self.errors.push(text.into());
    }

    fn error_at(&mut self, path: &str, expected: &Json, actual: &Json) {
        self.errors.extend(first_difference(expected, actual, path));
    }
}

/// Compares two documents. Everything counts, also the order of columns, unless the expected
/// document says by `exact: null` that it is accidental.
pub fn compare(expected: &Json, actual: &Json) -> Report {
    let mut report = Report::default();
    let ordered = !expected["exact"].is_null();
    for (name, pair) in pairs(&expected["tables"], &actual["tables"], "table", &mut report) {
        let place = format!("table {name}");
        compare_columns(&place, pair.map(|table| table["columns"].clone()), ordered, &mut report);
        compare_rows(&place, pair.map(|table| list(&table["rows"])), &mut report);
    }
    for (name, pair) in pairs(&expected["internal"], &actual["internal"], "table", &mut report) {
        let whole = |columns: &Json| {
            if columns == "standard" { standard_columns(&name).unwrap_or_default() } else { columns.clone() }
        };
        compare_columns(&format!("table {name}"), pair.map(whole), ordered, &mut report);
    }
    for part in ["loads", "versions", "schema"] {
        report.error_at(part, &expected[part], &actual[part]);
    }
    compare_states(&expected["state"], &actual["state"], &mut report);
    for (key, value) in expected["exact"].as_object().into_iter().flatten() {
        let difference = first_difference(value, &actual["exact"][key], &format!("exact.{key}"));
        report.notes.extend(difference);
    }
    report
}

/// Entries of two objects that both have. Where one has none, that is an error.
fn pairs<'j>(
    expected: &'j Json,
    actual: &'j Json,
    what: &str,
    report: &mut Report,
) -> Vec<(String, [&'j Json; 2])> {
    let mut both = Vec::new();
    for name in keys([expected, actual]) {
        match (expected.get(&name), actual.get(&name)) {
            (Some(expected), Some(actual)) => both.push((name, [expected, actual])),
            (Some(_), None) => report.error(format!("{what} {name} is missing")),
            _ => report.error(format!("unexpected {what} {name}")),
        }
    }
    both
}

fn keys(objects: [&Json; 2]) -> BTreeSet<String> {
    objects.into_iter().filter_map(Json::as_object).flat_map(Map::keys).cloned().collect()
}

fn list(value: &Json) -> &[Json] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn compare_columns(place: &str, columns: [Json; 2], ordered: bool, report: &mut Report) {
    let by_name = |columns: &Json| {
        let column = |column: &Json| {
            let texts: Vec<&str> = list(column).iter().filter_map(Json::as_str).collect();
            (texts[0].to_owned(), Json::from(texts[1..].join(" ")))
        };
        list(columns).iter().map(column).collect::<Json>()
    };
    let [expected, actual] = [by_name(&columns[0]), by_name(&columns[1])];
    for (name, [wanted, got]) in pairs(&expected, &actual, &format!("{place}: column"), report) {
        if wanted != got {
            report.error(format!("{place}: column {name}: expected {wanted}, got {got}"));
        }
    }
    let order =
        |columns: &Json| columns.as_object().into_iter().flat_map(Map::keys).cloned().collect::<Vec<_>>();
    let (expected, actual) = (order(&expected), order(&actual));
    if ordered && expected != actual {
        report.error(format!("{place}: order of columns: expected {expected:?}, got {actual:?}"));
    }
}

/// Rows have no order. The symbols in them do, so that one wrong value makes one row wrong, and those
/// below it.
fn compare_rows(place: &str, [expected, actual]: [&[Json]; 2], report: &mut Report) {
    let mut counts: BTreeMap<String, i64> = BTreeMap::new();
    expected.iter().for_each(|row| *counts.entry(compact(row)).or_default() += 1);
    actual.iter().for_each(|row| *counts.entry(compact(row)).or_default() -= 1);
    let parsed = |text: &String| serde_json::from_str::<Json>(text).unwrap();
    let lost: Vec<Json> = counts.iter().filter(|(_, n)| **n > 0).map(|(row, _)| parsed(row)).collect();
    let extra: Vec<Json> = counts.iter().filter(|(_, n)| **n < 0).map(|(row, _)| parsed(row)).collect();
    let place = if expected.len() == actual.len() {
        place.to_owned()
    } else {
        format!("{place} ({} rows instead of {})", actual.len(), expected.len())
    };
    match (lost.first(), extra.first()) {
        (None, None) => {}
        (Some(row), None) => report.error(format!("{place}: row is missing: {}", short(row))),
        (None, Some(row)) => report.error(format!("{place}: unexpected row: {}", short(row))),
        (Some(_), Some(_)) => report.error(format!("{place}: {}", most_similar(&lost, &extra))),
    }
}

/// The columns in which the most similar two of some rows differ.
fn most_similar(lost: &[Json], extra: &[Json]) -> String {
    const TRIED: usize = 20;
    let candidates = lost.iter().take(TRIED).flat_map(|a| extra.iter().take(TRIED).map(move |b| (a, b)));
    let differing = |a: &Json, b: &Json| {
        let mut keys = keys([a, b]);
        keys.retain(|key| a.get(key).map(compact) != b.get(key).map(compact));
        keys
    };
    let (a, b) = candidates.min_by_key(|(a, b)| differing(a, b).len()).unwrap();
    let keys = differing(a, b);
    let part = |row: &Json| {
        let part = keys.iter().map(|key| (key.clone(), row.get(key).cloned().unwrap_or_default()));
        short(&part.collect())
    };
    let columns = keys.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    format!("row differs in {columns}: expected {}, got {}", part(a), part(b))
}

fn compare_states(expected: &Json, actual: &Json, report: &mut Report) {
    if expected.is_null() || actual.is_null() {
        return report.error_at("state", expected, actual);
    }
    report.error_at("state.content", &expected["content"], &actual["content"]);
    let (wanted, got) = (list(&expected["rows"]), list(&actual["rows"]));
    for (n, row) in got.iter().enumerate() {
        let mut like = wanted.last().cloned().unwrap_or_default();
        like["load_id"] = row["load_id"].clone();
        report.error_at(&format!("state.rows[{n}]"), &like, row);
    }
    let loads = |rows: &[Json]| rows.iter().map(|row| row["load_id"].clone()).collect::<Json>();
    report.notes.extend(first_difference(&loads(wanted), &loads(got), "state.rows (load ids)"));
}

/// What is said of the first place in which two values differ.
pub fn first_difference(expected: &Json, actual: &Json, path: &str) -> Option<String> {
    match (expected, actual) {
        (Json::Object(_), Json::Object(_)) => keys([expected, actual]).into_iter().find_map(|key| {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            match (expected.get(&key), actual.get(&key)) {
                (Some(expected), Some(actual)) => first_difference(expected, actual, &path),
                (Some(expected), None) => Some(format!("{path}: expected {}, is missing", short(expected))),
                (_, actual) => Some(format!("{path}: unexpected {}", short(actual?))),
            }
        }),
        (Json::Array(wanted), Json::Array(got)) => {
            let pairs = wanted.iter().zip(got).enumerate();
            let element = pairs.map(|(n, (a, b))| first_difference(a, b, &format!("{path}[{n}]")));
            element.flatten().next().or_else(|| {
                let text = || format!("{path}: expected {} elements, got {}", wanted.len(), got.len());
                (wanted.len() != got.len()).then(text)
            })
        }
        _ if compact(expected) == compact(actual) => None,
        _ => Some(format!("{path}: expected {}, got {}", short(expected), short(actual))),
    }
}

fn short(value: &Json) -> String {
    const LONGEST: usize = 300;
    let text = compact(value);
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text,
    }
}
