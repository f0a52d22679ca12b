//! Text of one file to a value: JSON where it looks like JSON, YAML otherwise.

use serde_json::Value;
use serde_saphyr::{Budget, DuplicateKeyPolicy, MessageFormatter as _};

use super::Limits;
use crate::error::{Error, Result};

/// Reads one file. `name` is for messages.
pub(crate) fn parse(name: &str, bytes: &[u8], limits: &Limits) -> Result<Value> {
    if bytes.len() > limits.bytes {
        return Err(Error::new(format!(
            "the file has {} bytes, more than the limit of {}",
            bytes.len(),
            limits.bytes
        ))
        .at(name)
        .help("raise the limit, or leave out what is not needed"));
    }
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let value = if text.trim_start().starts_with(['{', '[']) {
        match serde_json::from_str(text) {
            Ok(value) => value,
            // braces with comments or commas too many are YAML to most tools
            Err(json) => yaml(name, text, limits).map_err(|_| json_error(name, &json))?,
        }
    } else {
        yaml(name, text, limits)?
    };
    measure(name, &value, limits)?;
    Ok(value)
}

fn json_error(name: &str, error: &serde_json::Error) -> Error {
    let text = error.to_string();
    let message = text.split(" at line ").next().unwrap_or(&text).to_owned();
    let error_at = format!("{name}:{}:{}", error.line(), error.column());
    let found = Error::new(format!("not valid JSON: {message}")).at(error_at);
    if message.contains("recursion limit") {
        found.help("values may be nested 120 levels deep")
    } else {
        found.help("correct the document at this place")
    }
}

fn yaml(name: &str, text: &str, limits: &Limits) -> Result<Value> {
    match yaml_value(text, limits) {
        Ok(value) => Ok(value),
        Err(error) => {
            // tabs as indentation are an error in YAML, and a habit of editors
            if text.lines().any(indented_by_tabs)
                && let Ok(value) = yaml_value(&without_tabs(text), limits)
            {
                return Ok(value);
            }
            Err(yaml_error(name, &error))
        }
    }
}

fn yaml_value(text: &str, limits: &Limits) -> Result<Value, serde_saphyr::Error> {
    let mut budget = Budget::default();
    budget.max_depth = limits.depth;
    budget.flow_nesting_limit = limits.depth;
    budget.max_nodes = limits.values;
    budget.max_events = limits.values.saturating_mul(2);
    budget.max_total_scalar_bytes = limits.bytes;
    budget.max_reader_input_bytes = Some(limits.bytes);
    budget.enforce_alias_anchor_ratio = false;
    let mut options = serde_saphyr::Options::default();
    options.budget = Some(budget);
    options.duplicate_keys = DuplicateKeyPolicy::LastWins;
    options.strict_booleans = true;
    options.with_snippet = false;
    options.alias_limits.max_total_replayed_events = 2_000_000;
    serde_saphyr::from_str_with_options(text, options)
}

fn yaml_error(name: &str, error: &serde_saphyr::Error) -> Error {
    let place = match error.location() {
        Some(location) => format!("{name}:{}:{}", location.line(), location.column()),
        None => name.to_owned(),
    };
    let text = serde_saphyr::DefaultMessageFormatter.format_message(error).into_owned();
    Error::new(format!("not valid YAML: {}", text.lines().next().unwrap_or_default()))
        .at(place)
        .help("correct the document at this place")
}

fn indented_by_tabs(line: &str) -> bool {
    line.bytes().take_while(u8::is_ascii_whitespace).any(|b| b == b'\t')
}

fn without_tabs(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let rest = line.trim_start_matches([' ', '\t']);
        let indent = &line[..line.len() - rest.len()];
        out.push_str(&indent.replace('\t', "  "));
        out.push_str(rest);
    }
    out
}

/// Nesting and number of values, without recursion.
fn measure(name: &str, value: &Value, limits: &Limits) -> Result<()> {
    let mut stack = vec![(value, 1usize)];
    let mut count = 0usize;
    while let Some((value, depth)) = stack.pop() {
        count += 1;
        if depth > limits.depth {
            return Err(
                Error::new(format!("values are nested more than {} levels deep", limits.depth)).at(name)
            );
        }
        if count > limits.values {
            return Err(Error::new(format!("the file holds more than {} values", limits.values)).at(name));
        }
        match value {
            Value::Array(items) => stack.extend(items.iter().map(|v| (v, depth + 1))),
            Value::Object(map) => stack.extend(map.values().map(|v| (v, depth + 1))),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> Result<Value> {
        parse("api.yaml", text.as_bytes(), &Limits::default())
    }

    #[test]
    fn yaml_keys_and_words_are_text() {
        let value =
            read("responses:\n  200: {a: 1}\n  default: no\nenum: [NO, on, 2020-01-02, 1.10.0]\n").unwrap();
        assert_eq!(value["responses"]["200"], json!({"a": 1}));
        assert_eq!(value["responses"]["default"], json!("no"));
        assert_eq!(value["enum"], json!(["NO", "on", "2020-01-02", "1.10.0"]));
    }

    #[test]
    fn tabs_bom_duplicate_keys_and_comments_in_json_are_read() {
        assert_eq!(read("a:\n\tb: 1\n\tc: 2\n").unwrap(), json!({"a": {"b": 1, "c": 2}}));
        assert_eq!(read("\u{feff}{\"a\": 1}").unwrap(), json!({"a": 1}));
        assert_eq!(read("a: 1\na: 2\n").unwrap(), json!({"a": 2}));
        assert_eq!(read("{\n  # note\n  \"a\": 1,\n}").unwrap(), json!({"a": 1}));
        assert_eq!(read("a: &x {b: 1}\nc: *x\n").unwrap(), json!({"a": {"b": 1}, "c": {"b": 1}}));
    }

    #[test]
    fn errors_say_where() {
        let error = read("a: [1, 2\nb: 3\n").unwrap_err().to_string();
        assert!(error.starts_with("api.yaml:"), "{error}");
        assert!(error.contains("not valid YAML"), "{error}");
        let error = read("{\"a\": 1,, }").unwrap_err().to_string();
        assert!(error.starts_with("api.yaml:1:"), "{error}");
    }

    #[test]
    fn bombs_are_refused() {
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let refs = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{refs}]\n"));
        }
        assert!(read(&bomb).is_err());
        assert!(read(&"[".repeat(100_000)).is_err());
        assert!(read(&"- ".repeat(100_000)).is_err());
        assert!(read(&format!("{}1{}", "{\"a\":".repeat(5_000), "}".repeat(5_000))).is_err());
        let small = Limits { bytes: 10, ..Limits::default() };
        let error = parse("x.json", b"{\"abc\": 12345}", &small).unwrap_err().to_string();
        assert!(error.contains("more than the limit of 10"), "{error}");
    }
}
