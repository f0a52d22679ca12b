//! Bodies that are JSON in other clothes: lines, and CSV.

use floe_schema::hash::write_text;

use super::client::failed;
use super::client::message::Response;
use crate::error::Result;

/// The answer with a body of one JSON value. Lines of JSON and rows of CSV become a list.
pub(crate) fn to_json(mut response: Response) -> Result<Response> {
    const BOM: &[u8] = b"\xef\xbb\xbf";
    if response.body.starts_with(BOM) {
        response.body.drain(..BOM.len());
    }
    let kind = response.header("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let lines = ["ndjson", "jsonl", "jsonlines", "json-lines", "json-seq"];
    if lines.iter().any(|name| kind.ends_with(name)) {
        response.body = from_lines(&response.body);
    } else if kind == "text/csv" || kind == "application/csv" {
        response.body = from_csv(&response.body)?;
    } else if response.body.iter().all(u8::is_ascii_whitespace) {
        response.body.clear();
    }
    Ok(response)
}

fn from_lines(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + 2);
    out.push(b'[');
    for line in body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
        // the mark that json-seq puts in front
        let line = line.strip_prefix(b"\x1e").unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        if out.len() > 1 {
            out.push(b',');
        }
        out.extend_from_slice(line);
    }
    out.push(b']');
    out
}

/// Numbers that are written as JSON writes them become numbers, empty values become null. Everything
/// else stays text: one page does not know what the others have.
fn from_csv(body: &[u8]) -> Result<Vec<u8>> {
    let wrong = |error: csv::Error| failed(format!("the answer is no CSV: {error}"));
    let mut reader = csv::ReaderBuilder::new().from_reader(body);
    let names = reader.headers().map_err(wrong)?.clone();
    let mut out = String::with_capacity(body.len() * 2);
    out.push('[');
    for record in reader.records() {
        let record = record.map_err(wrong)?;
        out.push_str(if out.len() > 1 { ",{" } else { "{" });
        for (n, (name, value)) in names.iter().zip(&record).enumerate() {
            if n > 0 {
                out.push(',');
            }
            write_text(&mut out, name);
            out.push(':');
            if value.is_empty() {
                out.push_str("null");
            } else if is_number(value) {
                out.push_str(value);
            } else {
                write_text(&mut out, value);
            }
        }
        out.push('}');
    }
    out.push(']');
    Ok(out.into_bytes())
}

/// Whether the text is what the number would be written as: `007` and `1e5` are texts.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.len() > 15 || !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    serde_json::from_str::<serde_json::Number>(text).is_ok_and(|number| number.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(kind: &str, body: &str) -> String {
        let headers = [(reqwest::header::CONTENT_TYPE, kind.parse().unwrap())].into_iter().collect();
        let url = reqwest::Url::parse("http://a/").unwrap();
        let response = Response { status: 200, headers, url, body: body.into() };
        String::from_utf8(to_json(response).unwrap().body).unwrap()
    }

    #[test]
    fn lines_and_rows_become_lists() {
        assert_eq!(json("application/x-ndjson", "{\"a\":1}\n\n{\"a\":2}\r\n"), r#"[{"a":1},{"a":2}]"#);
        assert_eq!(json("application/jsonl", ""), "[]");
        let csv = "id,name,\"a \"\"b\"\"\"\n1,\"x, y\",\n007,-1.5,é\n";
        assert_eq!(
            json("text/csv; charset=utf-8", csv),
            r#"[{"id":1,"name":"x, y","a \"b\"":null},{"id":"007","name":-1.5,"a \"b\"":"é"}]"#
        );
        assert_eq!(json("application/json", " \n"), "");
        assert_eq!(json("application/json", "\u{feff}[]"), "[]");
    }
}
