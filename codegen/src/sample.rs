//! Tables from samples: items in JSON, one a line or in a list, tell what rows look like.

use std::collections::HashSet;

use indexmap::IndexMap;
use serde_json::Value;

use crate::api::{Api, Resource};
use crate::detect::key_of_rows;
use crate::error::{Error, Result};
use crate::finding::{Confidence, Finding};
use crate::read::Limits;
use crate::shape::{Extent, Field, Record, Scalar, Shape};
use crate::words::{pascal, singular, snake};

/// Levels of nesting that become tables and columns; what is deeper stays JSON.
const MAX_DEPTH: usize = 16;
/// Fields of an object that are told apart; an object with more is a map.
const MAX_FIELDS: usize = 500;

/// Everything that was seen at one place.
#[derive(Debug, Default)]
struct Seen {
    scalar: Option<Scalar>,
    fields: IndexMap<String, Seen>,
    item: Option<Box<Seen>>,
    /// How often there was a value that is not null.
    times: usize,
    /// How often there was an object.
    objects: usize,
    null: bool,
    /// Kinds that no type of a column holds.
    mixed: bool,
}

/// Understands a sample: rows of one table. `name` is the name of the table.
///
/// ```
/// use floe_codegen::{Limits, sample};
///
/// let text = "{\"id\": 1, \"tags\": [\"a\"]}\n{\"id\": 2, \"at\": \"2024-05-01T10:00:00Z\"}\n";
/// let api = sample("orders", text.as_bytes(), &Limits::default())?;
/// assert_eq!(api.resources[0].primary_key, ["id"]);
/// # Ok::<(), floe_codegen::Error>(())
/// ```
pub fn sample(name: &str, bytes: &[u8], limits: &Limits) -> Result<Api> {
    let items = items(name, bytes, limits)?;
    let mut rows = Seen::default();
    for item in &items {
        rows.add(item, 0);
    }
    if rows.fields.is_empty() || rows.mixed {
        return Err(Error::new("the sample holds no objects")
            .at(name)
            .help("give one JSON object a line, or a list of them"));
    }
    let mut api = Api { title: name.to_owned(), ..Api::default() };
    let table = snake(name);
    let Shape::Record(index) = shape(&rows, &pascal(&singular(&table)), 0, &mut api.records) else {
        return Err(Error::new("the sample holds no objects").at(name));
    };
    let key = api.records.get(index).and_then(|record| key_of_rows(record, &api.records, &table));
    let key = key.filter(|(key, _)| is_unique(key, &items));
    api.resources.push(Resource::of_rows(table, Shape::Record(index), key, String::new()));
    if let Some(resource) = api.resources.first_mut() {
        resource.findings.push(
            Finding::new("columns", "found in a sample", Confidence::Medium)
                .because(format!("{} items", items.len())),
        );
    }
    Ok(api)
}

/// The items of a text: those of a list, or of lines.
fn items(name: &str, bytes: &[u8], limits: &Limits) -> Result<Vec<Value>> {
    if bytes.len() > limits.bytes {
        let message =
            format!("the sample has {} bytes, more than the limit of {}", bytes.len(), limits.bytes);
        return Err(Error::new(message).at(name).help("give fewer items: some thousand tell as much"));
    }
    let mut items = Vec::new();
    // several documents after each other, with line breaks or without
    let documents = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
    for document in documents {
        let document = document.map_err(|e| {
            let place = format!("{name}:{}:{}", e.line(), e.column());
            Error::new(format!("not valid JSON: {e}"))
                .at(place)
                .help("give one JSON object a line, or a list of them")
        })?;
        match document {
            Value::Array(list) => items.extend(list),
            other => items.push(other),
        }
    }
    Ok(items)
}

/// Whether a field has another value in each item.
fn is_unique(key: &str, items: &[Value]) -> bool {
    let mut seen = HashSet::new();
    let pointer: String =
        key.split("__").map(|step| format!("/{}", step.replace('~', "~0").replace('/', "~1"))).collect();
    items.iter().all(|item| {
        item.pointer(&pointer).is_some_and(|value| !value.is_null() && seen.insert(value.to_string()))
    })
}

impl Seen {
    fn add(&mut self, value: &Value, depth: usize) {
        let kind = match value {
            Value::Null => {
                self.null = true;
                return;
            }
            Value::Bool(_) => Scalar::Bool,
            Value::Number(number) if number.is_i64() => Scalar::Integer,
            Value::Number(number) if number.is_f64() => Scalar::Number,
            // larger than what a column of integers holds
            Value::Number(_) => return self.mix(),
            Value::String(text) if is_timestamp(text) => Scalar::Timestamp,
            Value::String(_) => Scalar::Text,
            Value::Array(list) => {
                self.times += 1;
                let item = self.item.get_or_insert_default();
                list.iter().filter(|_| depth < MAX_DEPTH).for_each(|value| item.add(value, depth + 1));
                return self.settle();
            }
            Value::Object(map) => {
                self.times += 1;
                self.objects += 1;
                for (name, value) in map.iter().filter(|_| depth < MAX_DEPTH) {
                    self.fields.entry(name.clone()).or_default().add(value, depth + 1);
                }
                return self.settle();
            }
        };
        self.times += 1;
        self.scalar = match (self.scalar, kind) {
            (None, kind) => Some(kind),
            (Some(known), kind) if known == kind => Some(known),
            (Some(Scalar::Integer | Scalar::Number), Scalar::Integer | Scalar::Number) => {
                Some(Scalar::Number)
            }
            (Some(Scalar::Timestamp | Scalar::Text), Scalar::Timestamp | Scalar::Text) => Some(Scalar::Text),
            (known, _) => {
                self.mixed = true;
                known
            }
        };
        self.settle();
    }

    fn mix(&mut self) {
        self.times += 1;
        self.mixed = true;
    }

    fn settle(&mut self) {
        let kinds = [self.scalar.is_some(), self.item.is_some(), self.objects > 0];
        self.mixed |= kinds.iter().filter(|kind| **kind).count() > 1 || self.fields.len() > MAX_FIELDS;
    }
}

fn shape(seen: &Seen, name: &str, depth: usize, records: &mut Vec<Record>) -> Shape {
    if seen.mixed || depth > MAX_DEPTH {
        return Shape::Json;
    }
    if let Some(scalar) = seen.scalar {
        return Shape::Scalar(scalar);
    }
    if let Some(item) = &seen.item {
        // a list that was always empty tells nothing of its items
        let inner = shape(item, &singular(&snake(name)), depth + 1, records);
        return Shape::List(Box::new(inner));
    }
    if seen.fields.is_empty() {
        return Shape::Json;
    }
    let mut fields = Vec::new();
    for (field, value) in &seen.fields {
        let inner = shape(value, field, depth + 1, records);
        fields.push(Field {
            name: field.clone(),
            shape: inner,
            nullable: value.null || value.times < seen.objects,
            description: String::new(),
            marked_key: false,
            typed: value.times > 0,
        });
    }
    let extent = Extent::of_fields(&fields, records);
    records.push(Record { name: pascal(name), description: String::new(), fields, extent });
    Shape::Record(records.len() - 1)
}

/// `2024-05-01T10:00:00Z`, with an offset: what has none may be any time.
fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    let shaped = |at: usize, pattern: &[u8]| {
        bytes.get(at..at + pattern.len()).is_some_and(|part| {
            part.iter().zip(pattern).all(|(b, p)| if *p == b'0' { b.is_ascii_digit() } else { b == p })
        })
    };
    if !shaped(0, b"0000-00-00T00:00:00") {
        return false;
    }
    let rest = text.get(19..).unwrap_or_default();
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => rest,
    };
    rest == "Z" || (rest.len() == 6 && rest.starts_with(['+', '-']) && rest.as_bytes().get(3) == Some(&b':'))
}
