//! Schema documents as YAML files.

use serde_json::Value;

use crate::Schema;
use crate::json::DocumentError;

impl Schema {
    /// Reads a document from YAML text.
    pub fn from_yaml_text(text: &str) -> Result<Self, DocumentError> {
        let document: Value = serde_saphyr::from_str(text)
            .map_err(|e| DocumentError { pointer: String::new(), message: e.to_string() })?;
        Self::from_json(document)
    }

    /// The document as YAML text.
    pub fn to_yaml_text(&self) -> String {
        let mut out = String::new();
        write_block(&mut out, &self.to_json(), 0);
        out
    }
}

/// Block style for objects and lists; scalars as JSON, which YAML reads as the same values.
fn write_block(out: &mut String, value: &Value, indent: usize) {
    let pad = "  ".repeat(indent);
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, item) in map {
                out.push_str(&format!("{pad}{}:", plain_or_quoted(key)));
                write_item(out, item, indent + 1);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                out.push_str(&format!("{pad}-"));
                write_item(out, item, indent + 1);
            }
        }
        scalar => out.push_str(&format!("{pad}{scalar}\n")),
    }
}

fn write_item(out: &mut String, item: &Value, indent: usize) {
    let nested = match item {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if nested {
        out.push('\n');
        write_block(out, item, indent);
    } else if let Value::String(text) = item {
        out.push_str(&format!(" {}\n", plain_or_quoted(text)));
    } else {
        out.push_str(&format!(" {item}\n"));
    }
}

/// Words that could be read as something else are quoted.
fn plain_or_quoted(text: &str) -> String {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.' || c == '-';
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let special = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let is_special = special.contains(&text.to_ascii_lowercase().as_str());
    if starts_well && text.chars().all(word) && !is_special {
        text.to_owned()
    } else {
        Value::from(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Column, DataType, Table};

    #[test]
    fn yaml_round_trips() {
        let mut schema = Schema::new("s");
        let mut table = Table::new("items");
        table.insert(Column::new("yes", DataType::Text).describe("a: \"quoted\" - text\nof two lines"));
        table.insert(Column::new("_1", DataType::Decimal).precision(5).scale(-2));
        table.set_x("x-own", serde_json::json!([1, [], {}, [2.5, null, "1.0", "ja ü"], {"a": [{}]}]));
        schema.tables.insert("items".to_owned(), table);
        schema.settings.preferred_types = Some([("re:^(a|b)$".to_owned(), DataType::Json)].into());
        schema.bump_version();
        let text = schema.to_yaml_text();
        assert_eq!(Schema::from_yaml_text(&text).unwrap(), schema, "{text}");
    }

    #[test]
    fn broken_yaml_is_an_error() {
        assert!(Schema::from_yaml_text("a: [").is_err());
        assert!(Schema::from_yaml_text("- 1").is_err());
    }
}
