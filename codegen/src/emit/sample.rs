//! Answers made of what the document says of them, with which a connector is tried.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{HEADER, Plan};
use crate::api::Resource;
use crate::shape::{Scalar, Shape};

/// Resources that a connector is tried with: more would take long, and show little more.
const TRIED: usize = 40;
/// Rows of an answer.
const ROWS: usize = 2;
/// How deep rows go; below it lists are empty and objects have what must be there.
const DEPTH: usize = 4;

/// The resources that are tried, with names for files: those that are loaded unless others are asked for, and the
/// parents that they need.
pub(super) fn tried<'a>(plan: &Plan<'a>) -> Vec<(String, &'a Resource)> {
    let all = &plan.api.resources;
    let at_of = |name: &str| all.iter().position(|r| r.name == name);
    let mut chosen: BTreeSet<usize> = BTreeSet::new();
    let is_selected = all.iter().any(|r| r.selected);
    for (at, resource) in all.iter().enumerate().filter(|(_, r)| r.selected || !is_selected) {
        let mut chain = BTreeSet::from([at]);
        let mut parent = resource.parent.as_ref();
        while let Some(at) = parent.and_then(|p| at_of(&p.resource)) {
            if !chain.insert(at) {
                break;
            }
            parent = all.get(at).and_then(|r| r.parent.as_ref());
        }
        if chosen.union(&chain).count() <= TRIED {
            chosen.append(&mut chain);
        }
    }
    chosen.into_iter().filter_map(|at| Some((plan.functions.get(at)?.clone(), all.get(at)?))).collect()
}

/// The answers to a resource's requests: a page of rows, and one without any for those who ask for more.
pub(super) fn fixture(plan: &Plan<'_>, resource: &Resource) -> String {
    let rows: Vec<Value> = (1..=ROWS).map(|n| row(plan, resource, n)).collect();
    let items =
        if resource.is_list { Value::Array(rows) } else { rows.into_iter().next().unwrap_or_default() };
    let mut answers = vec![answer(resource, items, ROWS)];
    if resource.is_list {
        answers.push(answer(resource, json!([]), ROWS));
    }
    document(&json!({"about": HEADER, "path": pattern(&resource.path), "answers": answers}))
}

/// JSON in which nothing is hidden from readers.
fn document(fixture: &Value) -> String {
    let mut out = String::new();
    for c in format!("{fixture:#}\n").chars() {
        if c != '\n' && super::text::hidden(c) {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

/// The answer to those who ask for a token.
pub(super) fn token() -> String {
    let answer = json!({"access_token": "test", "token_type": "Bearer", "expires_in": 3600});
    document(&json!({"about": HEADER, "path": "/token", "answers": [answer]}))
}

/// The path with `*` for parameters.
fn pattern(path: &str) -> String {
    let path = super::endpoint::path(path);
    let mut out = String::new();
    let mut rest = path.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        out.push('*');
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    if out.starts_with('/') { out } else { format!("/{out}") }
}

fn answer(resource: &Resource, items: Value, total: usize) -> Value {
    let mut answer = place(&resource.data_path, items);
    let Some(paginator) = &resource.paginator else { return answer };
    for (what, path) in &paginator.paths {
        let value = match *what {
            "total_path" => json!(total),
            "has_more_path" => json!(false),
            _ => Value::Null,
        };
        put(&mut answer, path, value);
    }
    answer
}

/// Items where a path leads to.
fn place(path: &str, items: Value) -> Value {
    let steps: Vec<&str> = path.split('.').map(str::trim).filter(|s| !s.is_empty() && *s != "$").collect();
    steps.iter().rev().fold(items, |inner, step| {
        let (key, each) = match step.strip_suffix("[*]") {
            Some(key) => (key, true),
            None => (*step, false),
        };
        // of a step into each item of a list, every item has what comes below
        let inner = match inner {
            inner if !each => inner,
            Value::Array(items) => items.into_iter().collect(),
            inner => json!([inner]),
        };
        if key == "$" { inner } else { json!({unquoted(key): inner}) }
    })
}

fn unquoted(key: &str) -> &str {
    key.trim_matches(['"', '\''])
}

/// A value beside the items, where nothing is there yet.
fn put(answer: &mut Value, path: &str, value: Value) {
    let steps: Vec<&str> = path.split('.').filter(|s| !s.is_empty() && *s != "$").map(unquoted).collect();
    let Some((last, before)) = steps.split_last() else { return };
    let mut at = answer;
    for step in before {
        let Some(map) = at.as_object_mut() else { return };
        at = map.entry(*step).or_insert_with(|| json!({}));
    }
    if let Some(map) = at.as_object_mut() {
        map.entry(*last).or_insert(value);
    }
}

/// A row; what paths of children are filled with is never an object.
fn row(plan: &Plan<'_>, resource: &Resource, n: usize) -> Value {
    let mut row = value(plan, &resource.row, "row", n, 0);
    let children = plan.api.resources.iter().filter_map(|r| r.parent.as_ref());
    for field in children.filter(|p| p.resource == resource.name).flat_map(|p| p.bindings.values()) {
        if let Some(value) = row.get_mut(field).filter(|value| value.is_object()) {
            *value = n.into();
        }
    }
    row
}

/// A value of a shape; the values of different rows differ.
fn value(plan: &Plan<'_>, shape: &Shape, name: &str, n: usize, depth: usize) -> Value {
    match shape {
        Shape::Scalar(scalar) => match scalar {
            Scalar::Bool => n.is_multiple_of(2).into(),
            Scalar::Integer => n.into(),
            Scalar::Number => (n as f64 + 0.5).into(),
            Scalar::Text => format!("{} {n}", super::text::line(name, 40)).into(),
            Scalar::Timestamp => format!("2024-01-{n:02}T10:20:30Z").into(),
            Scalar::Date => format!("2024-01-{n:02}").into(),
            Scalar::Time => format!("10:20:{n:02}").into(),
        },
        Shape::Json => json!({"value": n}),
        Shape::List(_) if depth >= DEPTH => json!([]),
        Shape::List(item) => json!([value(plan, item, name, n, depth + 1)]),
        Shape::Record(at) => {
            let Some(record) = plan.api.records.get(*at) else { return json!({}) };
            let fields = plan.rows.tables.fields(record, *at).into_iter();
            let kept = fields.filter(|(_, nullable)| depth < DEPTH || !nullable);
            let pairs = kept
                .map(|(field, _)| (field.name.clone(), value(plan, &field.shape, &field.name, n, depth + 1)));
            Value::Object(pairs.collect::<Map<_, _>>())
        }
    }
}
