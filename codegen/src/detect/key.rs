//! Fields that tell rows apart.

use std::collections::HashSet;

use crate::finding::{Confidence, Finding};
use crate::shape::{Field, Record, Scalar, Shape};
use crate::words::{plain, same, singular, snake};

/// What is known of the rows besides their fields.
pub(crate) struct Clues<'a> {
    pub(crate) path: &'a str,
    /// The parameter of the operation that asks for one row.
    pub(crate) detail: Option<&'a str>,
    /// The path of that operation, or of this one.
    pub(crate) word: &'a str,
    /// What else the API has lists of, each as one of them.
    pub(crate) others: &'a HashSet<String>,
}

pub(crate) fn detect(record: &Record, records: &[Record], clues: &Clues<'_>) -> Option<(String, Finding)> {
    let usable: Vec<&Field> = record.fields.iter().filter(|f| tells_apart(f)).collect();
    let found = |field: &Field, evidence: String, confidence| {
        let finding = Finding::new("primary_key", format!("`{}`", field.name), confidence).because(evidence);
        Some((field.name.clone(), finding))
    };
    if let Some(field) = usable.iter().find(|f| f.marked_key) {
        return found(field, "the document marks it".into(), Confidence::High);
    }
    if let Some(field) = usable.iter().find(|f| plain(&f.name) == "id") {
        return found(field, "its name".into(), Confidence::High);
    }
    // what an operation asks for by name tells rows apart, be it a date
    if let Some(param) = clues.detail
        && let Some(field) = record.fields.iter().find(|f| plain(&f.name) == plain(param) && is_value(f))
    {
        return found(field, format!("`{{{param}}}` asks for one of them"), Confidence::High);
    }
    for stem in &stems(record, clues) {
        for ending in ["id", "uuid", "guid", "gid", "key", "code", "number", "no", "slug"] {
            let name = format!("{stem}{ending}");
            if let Some(field) = usable.iter().find(|f| plain(&f.name) == name) {
                return found(field, format!("named after `{stem}`"), Confidence::Medium);
            }
        }
    }
    for name in ["uuid", "guid", "gid", "sid", "oid", "arn", "uid", "objectid", "identifier", "uniqueid"] {
        if let Some(field) = usable.iter().find(|f| plain(&f.name) == name) {
            return found(field, "its name".into(), Confidence::High);
        }
    }
    if let Some(param) = clues.detail {
        let last = snake(param);
        let last = last.rsplit('_').next().unwrap_or_default();
        if let Some(field) = usable.iter().find(|f| !last.is_empty() && plain(&f.name) == last) {
            return found(field, format!("`{{{param}}}` asks for one of them"), Confidence::Medium);
        }
    }
    let stems = stems(record, clues);
    let own = |field: &Field| {
        // `committee_id` of anything but committees is somebody else's, where there are committees
        let name = plain(&field.name);
        name.strip_suffix("id")
            .is_none_or(|stem| stems.iter().any(|s| s == stem) || !clues.others.contains(stem))
    };
    if let Some(field) = usable.iter().find(|f| calls_itself_unique(&f.description) && own(f)) {
        return found(field, "its description".into(), Confidence::Medium);
    }
    if let Some((field, finding)) = wrapped(record, records) {
        return Some((field, finding));
    }
    for name in ["key", "slug", "code", "symbol", "sku", "isbn", "ticker", "sha", "hash", "uri"] {
        if let Some(field) = usable
            .iter()
            .find(|f| plain(&f.name) == name && !f.nullable || plain(&f.name) == name && name != "code")
        {
            return found(field, "its name".into(), Confidence::Low);
        }
    }
    None
}

/// The key of rows that only wrap a record: `{"data": {"id": ..}, "uri": ..}`, and objects of Kubernetes.
fn wrapped(record: &Record, records: &[Record]) -> Option<(String, Finding)> {
    let inside = |name: &str, keys: &[&str]| {
        let field = record.fields.iter().find(|f| f.name == name)?;
        let Shape::Record(index) = field.shape else { return None };
        let inner = records.get(index)?;
        let key = inner.fields.iter().find(|f| keys.contains(&plain(&f.name).as_str()) && tells_apart(f))?;
        Some(format!("{name}__{}", key.name))
    };
    let (found, evidence) = if record.fields.iter().any(|f| f.name == "apiVersion") {
        (inside("metadata", &["uid"])?, "objects of Kubernetes have it")
    } else {
        let wraps = |f: &&Field| matches!(f.shape, Shape::Record(_)) && WRAPPERS.contains(&f.name.as_str());
        let mut wrapping = record.fields.iter().filter(wraps);
        let (field, None) = (wrapping.next()?, wrapping.next()) else { return None };
        if record.fields.len() > 4 {
            return None;
        }
        (inside(&field.name, &["id", "uuid", "uid", "guid"])?, "rows wrap what they are about")
    };
    let finding = Finding::new("primary_key", format!("`{found}`"), Confidence::Medium).because(evidence);
    Some((found, finding))
}

/// Names of the field in which a row is that has a wrapper of its own.
const WRAPPERS: &[&str] = &["data", "node", "resource", "item", "entry", "attributes", "object"];

/// A single value of any type that can be asked for.
fn is_value(field: &Field) -> bool {
    match &field.shape {
        Shape::Scalar(scalar) => !matches!(scalar, Scalar::Bool | Scalar::Number),
        Shape::Json => !field.typed,
        Shape::Record(_) | Shape::List(_) => false,
    }
}

/// Words after which the key of the rows may be named.
fn stems(record: &Record, clues: &Clues<'_>) -> Vec<String> {
    let mut stems: Vec<String> = Vec::new();
    let entity = snake(&record.name);
    let word = snake(clues.word);
    let tail = word.rsplit('_').next().unwrap_or_default().to_owned();
    for name in [entity, word, tail] {
        let stem = plain(&singular(&name));
        if stem.len() > 1 && !stems.contains(&stem) {
            stems.push(stem);
        }
    }
    if clues.path.contains('}') && !stems.is_empty() {
        // `/user/{some_value}` is about users although its last step is a parameter
        let before =
            clues.path.split('/').rev().find(|s| !s.is_empty() && !s.contains('{')).unwrap_or_default();
        let stem = plain(&singular(&snake(before)));
        if stem.len() > 1 && !stems.contains(&stem) {
            stems.push(stem);
        }
    }
    stems
}

fn tells_apart(field: &Field) -> bool {
    match &field.shape {
        Shape::Scalar(scalar) => {
            !matches!(scalar, Scalar::Bool | Scalar::Number | Scalar::Date | Scalar::Time | Scalar::Timestamp)
                || plain(&field.name) == "id" && *scalar == Scalar::Number
        }
        // ids that are a number or a text are told apart all the same
        Shape::Json => !field.typed || plain(&field.name) == "id",
        Shape::Record(_) | Shape::List(_) => false,
    }
}

fn calls_itself_unique(description: &str) -> bool {
    let text: String = description.to_lowercase().chars().take(120).collect();
    ["unique id", "unique identifier", "globally unique", "uniquely identifies", "unique key", "primary key"]
        .iter()
        .any(|words| text.contains(words))
        && !text.contains("unique identifier of the user who")
}

/// Whether a parameter asks for a row by this field.
pub(crate) fn asks_by(param: &str, field: &str, entity: &str) -> bool {
    let (param, field) = (plain(param), plain(field));
    if param == field {
        return true;
    }
    let stem = plain(&singular(&snake(entity)));
    param == format!("{stem}{field}") || field == format!("{stem}{param}") || same(&param, &field)
}
