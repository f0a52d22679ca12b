//! What holds for all data.

mod strategies;

use std::path::Path;

use floe::{Column, DataType, DuckDb, ErrorKind, Memory, Pipeline, Resource};
use floe_tests::canonical::document;
use floe_tests::dataset::Cell;
use floe_tests::{Dataset, compare};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use strategies::{Row, rows, tame_items, values};

const DATASET: &str = "raw";

fn items(lines: impl Into<Vec<u8>>) -> Resource {
    Resource::new("items").json_lines(lines)
}

fn pipeline(folder: &Path) -> Pipeline {
    Pipeline::new("p").dataset(DATASET).pipelines_dir(folder)
}

/// Loads or says where the trouble is.
fn loads_or_is_located(run: &Pipeline, lines: Vec<u8>) -> Result<(), TestCaseError> {
    let Err(error) = run.run_blocking([items(lines)]) else {
        return Ok(());
    };
    prop_assert!(!matches!(error.kind(), ErrorKind::Internal | ErrorKind::Package), "{}", error);
    let place = error.place();
    prop_assert!(place.line.is_some() || error.in_table().is_some(), "no place: {}", error);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn any_document_loads_or_is_refused(values in prop::collection::vec(values(), 1..5)) {
        let folder = tempfile::tempdir().unwrap();
        let run = pipeline(folder.path()).destination(Memory::default());
        loads_or_is_located(&run, values.join("\n").into_bytes())?;
    }

    #[test]
    fn any_bytes_load_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let folder = tempfile::tempdir().unwrap();
        let run = pipeline(folder.path()).destination(Memory::default());
        loads_or_is_located(&run, bytes)?;
    }

    /// One wrong byte in a document that is right.
    #[test]
    fn a_wrong_byte_is_located(value in values(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let folder = tempfile::tempdir().unwrap();
        let run = pipeline(folder.path()).destination(Memory::default());
        let mut bytes = format!("{{\"id\":1}}\n{value}").into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        loads_or_is_located(&run, bytes)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    /// DuckDB takes what the normaliser makes of it, also in a second run.
    #[test]
    fn any_document_goes_into_duckdb(runs in prop::collection::vec(prop::collection::vec(values(), 1..5), 2)) {
        let folder = tempfile::tempdir().unwrap();
        for values in runs {
            let run = pipeline(folder.path()).destination(DuckDb::file(folder.path().join("d.duckdb")));
            loads_or_is_located(&run, values.join("\n").into_bytes())?;
        }
    }

    #[test]
    fn values_come_back_from_duckdb(rows in prop::collection::vec(rows(), 1..30)) {
        round_trip(&rows)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(12) })]

    #[test]
    fn threads_and_pages_do_not_matter(first in tame_items(), second in tame_items()) {
        let [expected, others @ ..] = [(1, 1 << 20), (1, 1), (4, 1), (4, 100)]
            .map(|(threads, page_bytes)| dataset_of(&[&first, &second], threads, page_bytes));
        for other in others {
            let report = compare(&expected, &other);
            prop_assert_eq!(report.errors, [""; 0]);
            prop_assert_eq!(report.notes, [""; 0]);
        }
    }
}

/// Values of a key, as they may come in one column.
fn key_values() -> impl Strategy<Value = (Json, Json)> {
    let text = prop_oneof![
        3 => ".{0,6}".prop_map(Json::from),
        1 => any::<i64>().prop_map(Json::from),
        1 => any::<bool>().prop_map(Json::from),
    ];
    let int = prop_oneof![
        3 => any::<i64>().prop_map(Json::from),
        1 => any::<i32>().prop_map(|int| json!(f64::from(int))),
        1 => any::<i32>().prop_map(|int| json!(int.to_string())),
    ];
    (text, int)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    /// Upserted rows are identified by a hash of their key as it came, whatever its columns made of it.
    #[test]
    fn rows_are_identified_by_their_keys(keys in prop::collection::vec(key_values(), 1..20)) {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::default();
        let resource = Resource::from_json(&json!({
            "name": "items",
            "primary_key": ["b", "a"],
            "write_disposition": {"disposition": "merge", "strategy": "upsert", "deduplicated": true},
            "columns": {"a": {"data_type": "text"}, "b": {"data_type": "bigint"}},
        }));
        let item = |(n, (a, b)): (usize, &(Json, Json))| format!("{}\n", json!({"n": n, "a": a, "b": b}));
        let lines: String = keys.iter().enumerate().map(item).collect();
        let run = pipeline(folder.path()).destination(memory.clone());
        run.run_blocking([resource.unwrap().json_lines(lines)]).map_err(|e| TestCaseError::fail(e.to_string()))?;
        for row in memory.table(DATASET, "items").unwrap().to_json() {
            let (a, b) = &keys[row["n"].as_u64().unwrap() as usize];
            let expected = floe::schema::hash::content_row_id(&json!({"a": a, "b": b}));
            prop_assert_eq!(&row["_dlt_id"], &json!(expected), "{} {}", a, b);
        }
    }
}

/// The canonical dataset after two runs. An error is part of it.
fn dataset_of(runs: &[&[String]], threads: usize, page_bytes: usize) -> Json {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("d.duckdb");
    let run =
        pipeline(folder.path()).destination(DuckDb::file(&file)).threads(threads).page_bytes(page_bytes);
    let errors: Vec<Option<String>> = runs
        .iter()
        .map(|lines| run.run_blocking([items(lines.join("\n"))]).err().map(|e| e.to_string()))
        .collect();
    let mut document = document(&Dataset::read(&file, DATASET).unwrap(), &[], &[]);
    document["exact"]["errors"] = json!(errors);
    document
}

fn round_trip(rows: &[Row]) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("d.duckdb");
    let decimal = |row: &Row| format!("{}.{:09}", row.decimal.0, row.decimal.1);
    let lines = rows.iter().enumerate().map(|(n, row)| {
        let instant = instant(row.micros);
        let (int, wide, decimal, float) = (row.int, row.wide, decimal(row), json!(row.float));
        let rest =
            json!({"text": row.text, "bool": row.bool, "instant": instant, "list": row.list}).to_string();
        format!(
            "{{\"n\":{n},\"int\":{int},\"wide\":{wide},\"decimal\":\"{decimal}\",\"float\":{float},{}\n",
            &rest[1..]
        )
    });
    let resource = items(lines.collect::<String>())
        .column(Column::new("wide", DataType::Wei))
        .column(Column::new("decimal", DataType::Decimal));
    let run = pipeline(folder.path()).destination(DuckDb::file(&file));
    run.run_blocking([resource]).map_err(|e| TestCaseError::fail(e.to_string()))?;
    let dataset = Dataset::read(&file, DATASET).unwrap();
    let mut found: Vec<_> = dataset.rows("items").iter().collect();
    found.sort_by_key(|row| if let Cell::Value(n) = &row["n"] { n.as_u64() } else { None });
    prop_assert_eq!(found.len(), rows.len());
    for (row, found) in rows.iter().zip(found) {
        let value = |column: &str| {
            if let Cell::Value(value) = &found[column] { value.clone() } else { Json::Null }
        };
        prop_assert_eq!(value("int"), json!(row.int));
        prop_assert_eq!(value("wide"), json!(row.wide.to_string()));
        prop_assert_eq!(value("decimal"), json!(decimal(row)));
        prop_assert_eq!(
            value("float").as_f64().map(f64::to_bits),
            Some(without_sign_of_zero(row.float).to_bits())
        );
        prop_assert_eq!(value("text"), json!(without_nul(&row.text)));
        prop_assert_eq!(value("bool"), json!(row.bool));
        prop_assert_eq!(&found["instant"], &Cell::Instant(row.micros));
        prop_assert_eq!(
            list_of(&dataset, &found["_dlt_id"]),
            row.list.iter().map(|text| without_nul(text)).collect::<Vec<_>>()
        );
    }
    Ok(())
}

/// dlt writes floats as literals of SQL, in which zero has no sign.
fn without_sign_of_zero(float: f64) -> f64 {
    float + 0.0
}

/// dlt takes NUL out of texts, because databases do not have it.
fn without_nul(text: &str) -> String {
    text.replace('\0', "")
}

/// The texts of the child rows of a row.
fn list_of(dataset: &Dataset, id: &Cell) -> Vec<String> {
    let mut rows: Vec<_> =
        dataset.rows("items__list").iter().filter(|row| row["_dlt_parent_id"] == *id).collect();
    rows.sort_by_key(|row| if let Cell::Value(n) = &row["_dlt_list_idx"] { n.as_u64() } else { None });
    rows.iter().map(|row| row["value"].text().unwrap().to_owned()).collect()
}

/// ISO text of an instant, by DuckDB and not by floe.
fn instant(micros: i64) -> String {
    let connection = duckdb::Connection::open_in_memory().unwrap();
    let sql = "SELECT strftime(make_timestamp(?), '%Y-%m-%dT%H:%M:%S.%fZ')";
    connection.query_row(sql, [micros], |row| row.get(0)).unwrap()
}

#[test]
fn deep_nesting_is_refused_or_loaded() {
    for depth in [100, 250, 300, 100_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let folder = tempfile::tempdir().unwrap();
            let run = pipeline(folder.path()).destination(Memory::default());
            let text = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let result = run.run_blocking([items(text)]);
            let refused = "the item is nested more than 254 levels deep";
            assert!(
                result.as_ref().is_err_and(|e| e.message() == refused) == (depth > 254),
                "{depth}: {result:?}"
            );
        }
    }
}

#[test]
fn numbers_beyond_their_column_are_refused() {
    let cases = [
        ("9223372036854775808", ErrorKind::Destination),
        ("18446744073709551616", ErrorKind::UnsupportedValue),
        ("-9223372036854775809", ErrorKind::UnsupportedValue),
    ];
    for (number, kind) in cases {
        let folder = tempfile::tempdir().unwrap();
        let run = pipeline(folder.path()).destination(Memory::default());
        let error = run.run_blocking([items(format!("{{\"n\": {number}}}"))]).unwrap_err();
        assert_eq!((error.kind(), error.place().line), (kind, Some(1)), "{error}");
    }
}
