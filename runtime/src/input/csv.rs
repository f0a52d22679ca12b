//! CSV: the types of the columns are found in all values first, then rows become JSON lines.

use std::io::Read;
use std::sync::Arc;

use csv::ByteRecord;
use floe_schema::hash::write_text;
use floe_schema::{Column, DataType, Naming};

use super::{Framing, Inferred, Numbering, Origin, PAGE_BYTES, Page, PageSource, Unit};
use crate::error::{Error, Place, Result};
use crate::value::time::{self, Moment};

const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Digits that a double keeps.
const EXACT_DIGITS: usize = 17;

/// What all values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Empty,
    Int,
    Double,
    Bool,
    Date,
    Timestamp,
    Text,
}

impl Kind {
    fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        match bytes.first() {
            None => Self::Empty,
            Some(b't' | b'T' | b'f' | b'F') if as_bool(text).is_some() => Self::Bool,
            Some(b'-' | b'0'..=b'9') => number_kind(text).unwrap_or_else(|| time_kind(text)),
            Some(_) => Self::Text,
        }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (a, b) if a == b => a,
            (Self::Empty, kind) | (kind, Self::Empty) => kind,
            (Self::Int, Self::Double) | (Self::Double, Self::Int) => Self::Double,
            (Self::Date, Self::Timestamp) | (Self::Timestamp, Self::Date) => Self::Timestamp,
            _ => Self::Text,
        }
    }

    fn data_type(self) -> Option<DataType> {
        Some(match self {
            Self::Empty => return None,
            Self::Int => DataType::Bigint,
            Self::Double => DataType::Double,
            Self::Bool => DataType::Bool,
            Self::Date => DataType::Date,
            Self::Timestamp => DataType::Timestamp,
            Self::Text => DataType::Text,
        })
    }
}

fn as_bool(text: &str) -> Option<bool> {
    ["true", "True", "TRUE"]
        .contains(&text)
        .then_some(true)
        .or_else(|| ["false", "False", "FALSE"].contains(&text).then_some(false))
}

/// Numbers as JSON writes them. Leading zeros and digits that would get lost make a text.
fn number_kind(text: &str) -> Option<Kind> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let whole_length = digits.bytes().take_while(u8::is_ascii_digit).count();
    let (whole, rest) = digits.split_at_checked(whole_length)?;
    if whole.is_empty() || whole.len() > 1 && whole.starts_with('0') {
        return None;
    }
    if rest.is_empty() {
        return text.parse::<i64>().is_ok().then_some(Kind::Int);
    }
    let json = serde_json::from_str::<f64>(text).is_ok_and(f64::is_finite);
    let significant = digits.bytes().take_while(|b| !matches!(b, b'e' | b'E')).filter(u8::is_ascii_digit);
    (json && significant.count() <= EXACT_DIGITS).then_some(Kind::Double)
}

fn time_kind(text: &str) -> Kind {
    match time::parse(text) {
        Some(Moment::Date(_)) if text.len() == 10 && text.contains('-') => Kind::Date,
        Some(Moment::DateTime { .. }) if text.contains(':') => Kind::Timestamp,
        _ => Kind::Text,
    }
}

/// Reads the records of a file.
pub(super) struct Records<R: Read> {
    reader: csv::Reader<R>,
    pub(super) names: Vec<String>,
    file: Option<Arc<str>>,
    record: ByteRecord,
}

impl<R: Read> Records<R> {
    /// Reads the header. `start` is the beginning of the file.
    pub(super) fn open(reader: R, start: &[u8], file: Option<Arc<str>>) -> Result<Self> {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter(start))
            .has_headers(false)
            .flexible(true)
            .from_reader(reader);
        let mut header = ByteRecord::new();
        reader.read_byte_record(&mut header).map_err(|e| unreadable(&file, e))?;
        let mut names: Vec<String> = Vec::new();
        let naming = Naming::snake_case();
        for (index, name) in header.iter().enumerate() {
            let name = text(name, &file, 1)?.trim();
            let base = if name.is_empty() { format!("column_{}", index + 1) } else { name.to_owned() };
            let taken = |name: &str| names.iter().any(|known| naming.path(known) == naming.path(name));
            let numbered = (2..).map(|n| format!("{base}_{n}"));
            let free = std::iter::once(base.clone()).chain(numbered).find(|name| !taken(name));
            names.push(free.unwrap_or(base));
        }
        Ok(Self { reader, names, file, record: ByteRecord::new() })
    }

    /// The next record with its line. Blank lines are none.
    fn next(&mut self) -> Result<Option<(&ByteRecord, u64)>> {
        let more = self.reader.read_byte_record(&mut self.record);
        if !more.map_err(|e| unreadable(&self.file, e))? {
            return Ok(None);
        }
        let line = self.record.position().map_or(0, csv::Position::line);
        let (found, expected) = (self.record.len(), self.names.len());
        if found != expected {
            let message = format!("the row has {found} fields, the header has {expected}");
            return Err(Error::input(message)
                .at(line_of(&self.file, line))
                .help("put fields that hold delimiters or line breaks in quotes"));
        }
        Ok(Some((&self.record, line)))
    }

    /// Reads all records to find out what the columns are.
    pub(super) fn kinds(mut self) -> Result<Vec<(String, Kind)>> {
        let mut kinds = vec![Kind::Empty; self.names.len()];
        let file = self.file.clone();
        while let Some((record, line)) = self.next()? {
            for (kind, value) in kinds.iter_mut().zip(record).filter(|(kind, _)| **kind != Kind::Text) {
                *kind = kind.and(Kind::of(text(value, &file, line)?));
            }
        }
        Ok(self.names.into_iter().zip(kinds).collect())
    }
}

/// The delimiter that occurs most often in the first line.
fn delimiter(start: &[u8]) -> u8 {
    let line = start.split(|b| matches!(b, b'\n' | b'\r')).next().unwrap_or_default();
    let mut quoted = false;
    let mut counts = [0usize; DELIMITERS.len()];
    for byte in line {
        quoted ^= *byte == b'"';
        if let Some(at) = DELIMITERS.iter().position(|d| d == byte && !quoted) {
            counts[at] += 1;
        }
    }
    let most = counts.iter().max().copied().unwrap_or_default();
    let at = counts.iter().position(|count| *count == most).unwrap_or_default();
    DELIMITERS.get(at).copied().unwrap_or(b',')
}

fn line_of(file: &Option<Arc<str>>, line: u64) -> Place {
    Place { file: file.as_deref().map(str::to_owned), line: Some(line), ..Place::default() }
}

fn text<'t>(bytes: &'t [u8], file: &Option<Arc<str>>, line: u64) -> Result<&'t str> {
    std::str::from_utf8(bytes).map_err(|_| {
        Error::input("the text is not UTF-8")
            .at(line_of(file, line))
            .help("convert the file to UTF-8, for example with iconv")
    })
}

fn unreadable(file: &Option<Arc<str>>, error: csv::Error) -> Error {
    let line = error.position().map(csv::Position::line);
    let place = Place { line, ..line_of(file, 0) };
    Error::input("the file cannot be read as CSV").cause(error).at(place)
}

/// The columns of several files of one resource.
pub(super) fn infer(files: Vec<Vec<(String, Kind)>>) -> Vec<Inferred> {
    let mut all: Vec<(String, Kind)> = Vec::new();
    for (name, kind) in files.into_iter().flatten() {
        match all.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = known.and(kind),
            None => all.push((name, kind)),
        }
    }
    let column = |(name, kind): (String, Kind)| {
        let mut column = Column::incomplete(name.clone());
        column.data_type = Some(kind.data_type()?);
        column.nullable = Some(true);
        Some(Inferred { path: vec![name], column })
    };
    all.into_iter().filter_map(column).collect()
}

/// Writes the rows of a file as JSON lines.
pub(super) struct CsvReader<R: Read> {
    records: Records<R>,
    /// Keys as JSON with their colon, and what the values are in all files of the resource.
    columns: Vec<(String, Kind)>,
}

impl<R: Read> CsvReader<R> {
    pub(super) fn new(records: Records<R>, inferred: &[Inferred]) -> Self {
        let kind = |name: &String| {
            let column = inferred.iter().find(|i| i.path.first() == Some(name));
            match column.and_then(|i| i.column.data_type) {
                Some(DataType::Bigint | DataType::Double) => Kind::Double,
                Some(DataType::Bool) => Kind::Bool,
                _ => Kind::Text,
            }
        };
        let key = |name: &String| {
            let mut key = String::new();
            write_text(&mut key, name);
            (key + ":", kind(name))
        };
        let columns = records.names.iter().map(key).collect();
        Self { records, columns }
    }
}

impl<R: Read + Send> PageSource for CsvReader<R> {
    fn next_page(&mut self, mut buffer: Vec<u8>) -> Result<Option<Page>> {
        buffer.clear();
        let mut out = String::new();
        let mut numbers = Vec::new();
        let file = self.records.file.clone();
        while out.len() < PAGE_BYTES {
            let Some((record, line)) = self.records.next()? else { break };
            out.push('{');
            for ((key, kind), value) in self.columns.iter().zip(record).filter(|(_, v)| !v.is_empty()) {
                let value = text(value, &file, line)?;
                out.push_str(key);
                match kind {
                    Kind::Double => out.push_str(value),
                    Kind::Bool => out.push_str(if as_bool(value) == Some(true) { "true" } else { "false" }),
                    _ => write_text(&mut out, value),
                }
                out.push(',');
            }
            if out.ends_with(',') {
                out.pop();
            }
            out.push_str("}\n");
            numbers.push(line);
        }
        buffer.extend_from_slice(out.as_bytes());
        let lines = Numbering::Listed { numbers, unit: Unit::Line };
        let origin = Origin { file, lines };
        Ok((!buffer.is_empty()).then_some(Page::new(buffer, Framing::Lines, origin)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(text: &str) -> Records<&[u8]> {
        Records::open(text.as_bytes(), text.as_bytes(), Some("f.csv".into())).unwrap()
    }

    fn load(text: &str) -> (Vec<String>, String) {
        let inferred = infer(vec![open(text).kinds().unwrap()]);
        let page = CsvReader::new(open(text), &inferred).next_page(Vec::new()).unwrap();
        let types = inferred
            .iter()
            .map(|i| format!("{} {}", i.column.name, i.column.data_type.map_or("", DataType::as_str)));
        let bytes = page.map(|page| page.bytes).unwrap_or_default();
        (types.collect(), String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn columns_have_the_type_of_all_their_values() {
        let (types, lines) = load(
            "id;zip;price;ok;day;at;mixed;none\n\
             1;0123;1;true;2024-01-31;2024-01-31T10:00:00Z;1;\n\
             -2;99;2.5e1;FALSE;2023-01-01;2024-01-31;\"x;\"\"y\"\"\";\n",
        );
        assert_eq!(
            types,
            ["id bigint", "zip text", "price double", "ok bool", "day date", "at timestamp", "mixed text"]
        );
        assert_eq!(
            lines,
            "{\"id\":1,\"zip\":\"0123\",\"price\":1,\"ok\":true,\"day\":\"2024-01-31\",\
             \"at\":\"2024-01-31T10:00:00Z\",\"mixed\":\"1\"}\n\
             {\"id\":-2,\"zip\":\"99\",\"price\":2.5e1,\"ok\":false,\"day\":\"2023-01-01\",\
             \"at\":\"2024-01-31\",\"mixed\":\"x;\\\"y\\\"\"}\n"
        );
    }

    #[test]
    fn numbers_that_would_change_stay_texts() {
        for (text, kind) in [
            ("9223372036854775807", Kind::Int),
            ("9223372036854775808", Kind::Text),
            ("0.12345678901234567", Kind::Text),
            ("0.1234567890123456", Kind::Double),
            ("1e999", Kind::Text),
            ("-0", Kind::Int),
            ("-", Kind::Text),
            ("1.", Kind::Text),
            ("007", Kind::Text),
            ("20240131", Kind::Int),
        ] {
            assert_eq!(Kind::of(text), kind, "{text}");
        }
    }

    #[test]
    fn headers_are_made_distinct() {
        assert_eq!(open("a,A,,b b,b_b\n").names, ["a", "A_2", "column_3", "b b", "b_b_2"]);
    }

    #[test]
    fn rows_that_do_not_fit_are_located() {
        let error = |text: &str| open(text).kinds().err().unwrap().to_string();
        assert_eq!(
            error("a,b\n1,\"x\ny\"\n1,2,3\n"),
            "f.csv:4: the row has 3 fields, the header has 2\n  help: put fields that hold delimiters or \
             line breaks in quotes"
        );
        let latin = [b"a\n".as_slice(), b"\xe4\n"].concat();
        let records = Records::open(latin.as_slice(), &latin, Some("f.csv".into())).unwrap();
        assert!(records.kinds().err().unwrap().to_string().starts_with("f.csv:2: the text is not UTF-8"));
    }
}
