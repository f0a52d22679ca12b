//! Which format an input has, and how it is compressed. The content decides.

use std::fmt;
use std::io::{Cursor, Read};
use std::path::Path;
use std::str::FromStr;

use crate::error::{Error, Result};

/// The format of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON value a line.
    JsonLines,
    /// JSON values that span lines, or one large list.
    Json,
    /// Comma separated values with a header line. Tabs, semicolons and bars are recognised.
    Csv,
    /// Apache Parquet.
    Parquet,
    /// Apache Arrow's IPC file or stream.
    Arrow,
}

const NAMES: [(&str, Format); 8] = [
    ("jsonl", Format::JsonLines),
    ("ndjson", Format::JsonLines),
    ("json", Format::Json),
    ("csv", Format::Csv),
    ("tsv", Format::Csv),
    ("parquet", Format::Parquet),
    ("arrow", Format::Arrow),
    ("ipc", Format::Arrow),
];

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::JsonLines => "JSON lines",
            Self::Json => "JSON",
            Self::Csv => "CSV",
            Self::Parquet => "Parquet",
            Self::Arrow => "Arrow",
        })
    }
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, format)| *format).ok_or_else(|| {
            Error::config(format!("there is no format `{name}`"))
                .help("formats are jsonl, json, csv, parquet and arrow")
        })
    }
}

/// Bytes that are looked at.
const HEAD_BYTES: usize = 64 << 10;
const BOM: [u8; 3] = [0xef, 0xbb, 0xbf];

/// An input behind its compression, with its first bytes.
pub(crate) struct Head {
    pub(crate) start: Vec<u8>,
    pub(crate) compressed: bool,
    rest: Box<dyn Read + Send>,
}

impl Head {
    /// Reads the first bytes and takes compression away.
    pub(crate) fn read(mut reader: Box<dyn Read + Send>) -> std::io::Result<Self> {
        let start = read_start(&mut reader)?;
        let whole = |start: Vec<u8>, rest| Box::new(Cursor::new(start).chain(rest));
        let mut decompressed: Box<dyn Read + Send> = match start.as_slice() {
            [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(whole(start, reader))),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(zstd::Decoder::new(whole(start, reader))?),
            _ => return Ok(Self { start, compressed: false, rest: reader }),
        };
        let start = read_start(&mut decompressed)?;
        Ok(Self { start, compressed: true, rest: decompressed })
    }

    /// The first bytes, without a byte order mark.
    pub(crate) fn text_start(&self) -> &[u8] {
        self.start.strip_prefix(&BOM).unwrap_or(&self.start)
    }

    /// The whole input, without a byte order mark.
    pub(crate) fn into_reader(mut self) -> Box<dyn Read + Send> {
        if self.start.starts_with(&BOM) {
            self.start.drain(..BOM.len());
        }
        Box::new(Cursor::new(self.start).chain(self.rest))
    }

    /// The format, from the content, and from the name where the content does not tell.
    pub(crate) fn format(&self, path: Option<&Path>) -> Format {
        let start = self.text_start();
        match start {
            [b'P', b'A', b'R', b'1', ..] => return Format::Parquet,
            [b'A', b'R', b'R', b'O', b'W', b'1', ..] | [0xff, 0xff, 0xff, 0xff, ..] => return Format::Arrow,
            _ => {}
        }
        let text = start.trim_ascii_start();
        match (named(path), text.first()) {
            (Some(Format::Csv), _) => Format::Csv,
            // a first line that is no value is a broken line there
            (Some(Format::JsonLines), Some(b'{')) => Format::JsonLines,
            (_, Some(b'{' | b'[')) => json(text),
            (Some(named @ (Format::JsonLines | Format::Json)), _) => named,
            (_, Some(_)) if !is_json_value(first_line(text)) => Format::Csv,
            _ => Format::JsonLines,
        }
    }
}

fn read_start(reader: &mut dyn Read) -> std::io::Result<Vec<u8>> {
    let mut start = Vec::new();
    reader.take(HEAD_BYTES as u64).read_to_end(&mut start)?;
    Ok(start)
}

/// The format that the name of a file states, whatever it is compressed with.
fn named(path: Option<&Path>) -> Option<Format> {
    let name = path?.file_name()?.to_str()?.to_ascii_lowercase();
    let name = name.strip_suffix(".gz").or(name.strip_suffix(".zst")).unwrap_or(&name);
    name.rsplit_once('.').and_then(|(_, extension)| extension.parse().ok())
}

fn first_line(text: &[u8]) -> &[u8] {
    let end = memchr::memchr(b'\n', text).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// Lines if the first line is a value by itself, or may be one that is longer than what is known.
fn json(text: &[u8]) -> Format {
    let line = first_line(text);
    let is_whole = line.len() < text.len();
    let is_list = line.first() == Some(&b'[');
    if is_json_value(line) || !is_whole && !is_list { Format::JsonLines } else { Format::Json }
}

fn is_json_value(text: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn head(bytes: &[u8]) -> Head {
        Head::read(Box::new(Cursor::new(bytes.to_vec()))).unwrap()
    }

    fn format(bytes: &[u8], name: &str) -> Format {
        head(bytes).format(Some(Path::new(name)))
    }

    #[test]
    fn the_content_tells_the_format() {
        for (bytes, expected) in [
            (&b"{\"a\":1}\n{\"a\":2}"[..], Format::JsonLines),
            (b"\n[{\"a\":1}]\n[]", Format::JsonLines),
            (b"[\n {\"a\":1}\n]", Format::Json),
            (b"{\n \"a\":1}", Format::Json),
            (b"\xef\xbb\xbf{\"a\":1}", Format::JsonLines),
            (b"1\n2", Format::JsonLines),
            (b"", Format::JsonLines),
            (b"id,name\n1,x", Format::Csv),
            (b"\"id\",\"name\"\n1,x", Format::Csv),
            (b"PAR1...", Format::Parquet),
            (b"ARROW1..", Format::Arrow),
        ] {
            assert_eq!(format(bytes, "data"), expected, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn the_name_helps_where_the_content_does_not() {
        assert_eq!(format(b"[x],y\n", "a.csv.gz"), Format::Csv);
        assert_eq!(format(b"nonsense", "a.jsonl"), Format::JsonLines);
        assert_eq!(format(b"{\"a\":1}", "a.parquet"), Format::JsonLines);
        assert_eq!(format(b"{\"a\":\n", "a.JSONL.zst"), Format::JsonLines);
        let long = format!("[{}", "{\"a\":1},".repeat(HEAD_BYTES));
        assert_eq!(format(long.as_bytes(), "a"), Format::Json);
        assert!("xml".parse::<Format>().unwrap_err().to_string().contains("no format `xml`"));
    }

    #[test]
    fn compression_is_taken_away() {
        let text = b"\xef\xbb\xbf{\"a\":1}\n".to_vec();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&text).unwrap();
        let gzip = gzip.finish().unwrap();
        let twice = [gzip.clone(), gzip].concat();
        let zstd = zstd::encode_all(text.as_slice(), 1).unwrap();
        for (bytes, expected) in [(twice, "{\"a\":1}\n\u{feff}{\"a\":1}\n"), (zstd, "{\"a\":1}\n")] {
            let head = head(&bytes);
            assert!(head.compressed);
            let mut read = String::new();
            head.into_reader().read_to_string(&mut read).unwrap();
            assert_eq!(read, expected);
        }
    }
}
