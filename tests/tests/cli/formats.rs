//! The format of an input is told by its content.

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow_ipc::writer::{FileWriter, StreamWriter};
use parquet::arrow::ArrowWriter;

use crate::place::{Place, gzip};

fn batch() -> RecordBatch {
    let ids = Arc::new(Int64Array::from(vec![1, 2]));
    let names = Arc::new(StringArray::from(vec!["Ada", "Bo"]));
    RecordBatch::try_from_iter([("id", ids as _), ("name", names as _)]).unwrap()
}

fn parquet() -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut out, batch().schema(), None).unwrap();
    writer.write(&batch()).unwrap();
    writer.close().unwrap();
    out
}

fn arrow_stream() -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batch().schema()).unwrap();
    writer.write(&batch()).unwrap();
    writer.into_inner().unwrap()
}

fn arrow_file() -> Vec<u8> {
    let mut writer = FileWriter::try_new(Vec::new(), &batch().schema()).unwrap();
    writer.write(&batch()).unwrap();
    writer.into_inner().unwrap()
}

/// The same two rows in each format.
fn formats() -> Vec<(&'static str, Vec<u8>)> {
    let lines = b"{\"id\": 1, \"name\": \"Ada\"}\n{\"id\": 2, \"name\": \"Bo\"}\n";
    let list = b"[{\"id\": 1, \"name\": \"Ada\"},\n {\"id\": 2, \"name\": \"Bo\"}]";
    let csv = b"id,name\n1,Ada\n2,Bo\n";
    vec![
        ("lines", lines.to_vec()),
        ("list", list.to_vec()),
        ("csv", csv.to_vec()),
        ("parquet", parquet()),
        ("arrow stream", arrow_stream()),
        ("arrow file", arrow_file()),
        ("lines, gzip", gzip(lines)),
        ("csv, gzip", gzip(csv)),
        ("lines, zstd", zstd::encode_all(lines.as_slice(), 1).unwrap()),
        ("list, zstd", zstd::encode_all(list.as_slice(), 1).unwrap()),
    ]
}

fn assert_two_rows(place: &Place, what: &str) {
    let dataset = place.dataset();
    let mut rows: Vec<String> =
        dataset.rows("people").iter().map(|row| format!("{:?} {:?}", row["id"], row["name"])).collect();
    rows.sort();
    let expected = [r#"Value(Number(1)) Value(String("Ada"))"#, r#"Value(Number(2)) Value(String("Bo"))"#];
    assert_eq!(rows, expected, "{what}");
}

/// The name decides only between formats that are text, where the content could be either.
#[test]
fn formats_are_told_by_content() {
    for (format, content) in formats() {
        let text = if format.starts_with("csv") { "people.csv" } else { "people.jsonl" };
        for name in ["people.bin", "people.parquet", "people.arrow", text] {
            let place = Place::new();
            place.write(name, &content);
            place.load(&[name, "--table", "people"]).success();
            assert_two_rows(&place, &format!("{format} as {name}"));
        }
    }
}

#[test]
fn formats_are_told_on_standard_input() {
    for (format, content) in formats() {
        let place = Place::new();
        place.load_from_stdin(&["-", "--table", "people"], &content).success();
        assert_two_rows(&place, format);
    }
}
