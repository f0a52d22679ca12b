//! Decisions about an API, one pass a file. Each leaves a [`Finding`] with what it rests on.

mod auth;
mod envelope;
mod incremental;
mod key;
mod links;
mod names;
mod paginator;
mod paging;
mod parent;
mod payload;
mod server;
mod table;

use std::collections::{HashMap, HashSet};

pub(crate) use links::Links;

use crate::api::{Api, Required, Resource, Skipped};
use crate::finding::{Confidence, Finding};
use crate::operation::{self, Answer, Operation, placeholders};
use crate::read::{Document, Node, escape};
use crate::shape::{Record, Shape, Shapes};
use crate::words::{plain, singular, snake};
use envelope::Envelope;
use paging::Paging;
use payload::{Asked, Payload};

/// An operation and what was seen of its answer.
struct Draft<'d> {
    operation: Operation<'d>,
    payload: Payload<'d>,
    links: Links,
    row: Shape,
}

/// Understands a document.
pub(crate) fn detect(document: &Document) -> Api {
    let root = document.root();
    let info = root.get("info");
    let text = |key: &str| info.and_then(|i| scalar_text(i, key)).unwrap_or_default();
    let mut api = Api {
        title: text("title"),
        version: text("version"),
        description: text("description"),
        findings: document.findings().to_vec(),
        ..Api::default()
    };
    api.base_url = server::base_url(document, &mut api.findings);
    let operations = operation::gets(document);
    api.auth = auth::detect(document, &operations, &mut api.findings);
    let silent = auth::is_silent(document, &operations);
    let mut shapes = Shapes::new(document);
    let drafts = drafts(document, operations, &mut shapes, &mut api);
    api.resources = resources(document, &drafts, &shapes, &api);
    if let Some(first) = api.auth.first().filter(|_| silent) {
        // a way to log in that is declared and never asked for is there for everything
        for resource in api.resources.iter_mut().filter(|r| r.auth.is_empty()) {
            resource.auth.push(first.scheme.clone());
        }
    }
    paginator::agree(
        &mut api.resources,
        &drafts.iter().map(|d| cursor_param(&d.operation)).collect::<Vec<_>>(),
    );
    paginator::headers(&mut api.resources);
    parent::detect(&mut api.resources, &shapes.records);
    table::detect(&mut api.resources);
    api.records = shapes.records;
    api.findings.append(&mut shapes.findings);
    api
}

fn scalar_text(node: Node<'_>, key: &str) -> Option<String> {
    match node.value.get(key)? {
        serde_json::Value::String(text) => Some(text.trim().to_owned()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn drafts<'d>(
    document: &'d Document,
    operations: Vec<Operation<'d>>,
    shapes: &mut Shapes<'d>,
    api: &mut Api,
) -> Vec<Draft<'d>> {
    let mut drafts = Vec::with_capacity(operations.len());
    for operation in operations {
        let reason = match &operation.answer {
            Answer::Other(types) => Some(format!("answers with {types}, which is not JSON")),
            Answer::Nothing => Some("has no answer".to_owned()),
            Answer::Json(_) | Answer::Unknown => None,
        };
        if let Some(reason) = reason {
            api.skipped.push(Skipped {
                path: operation.path.to_owned(),
                pointer: operation.pointer.clone(),
                reason,
            });
            continue;
        }
        drafts.push(draft(document, operation, shapes));
    }
    drafts
}

fn draft<'d>(document: &'d Document, operation: Operation<'d>, shapes: &mut Shapes<'d>) -> Draft<'d> {
    let Answer::Json(schema) = operation.answer else {
        let succeeds = operation.statuses.iter().any(|s| s.starts_with('2') || *s == "default");
        let is_list = succeeds && payload::sounds_like_many(operation.path)
            || !payload::ends_in_parameter(operation.path) && Paging::of(&operation).any();
        let finding = Finding::new("payload", "rows are found when it runs", Confidence::Low)
            .because("the document does not say what the answer looks like");
        let payload = Payload { path: "$".into(), is_list, row: None, finding };
        let links = Links { link_header: operation.headers.iter().any(|h| h == "link"), ..Links::default() };
        return Draft { operation, payload, links, row: Shape::Json };
    };
    let envelope = Envelope::new(document, schema);
    // links are looked for in the whole answer first, then beside the rows
    let (payload, links) = {
        let paging = Paging::of(&operation);
        let everywhere = Links::of(&envelope, &operation.headers, "$");
        let payload =
            payload::detect(&operation, schema, &envelope, &Asked { paging: &paging, links: &everywhere });
        let links = Links::of(&envelope, &operation.headers, &payload.path);
        (payload, links)
    };
    let row = match payload.row {
        Some(row) => shapes.of(row),
        None => Shape::Json,
    };
    Draft { operation, payload, links, row }
}

fn resources(document: &Document, drafts: &[Draft<'_>], shapes: &Shapes<'_>, api: &Api) -> Vec<Resource> {
    let details = details(drafts);
    let clues: Vec<names::Clues> = drafts
        .iter()
        .map(|d| names::Clues {
            path: d.operation.path.to_owned(),
            operation_id: d.operation.operation_id().map(str::to_owned),
            is_list: d.payload.is_list,
            has_detail: details.contains_key(plain_path(d.operation.path)),
        })
        .collect();
    let names = names::detect(&clues);
    let lists = drafts.iter().filter(|d| d.payload.is_list);
    let others: HashSet<String> =
        lists.map(|d| plain(&singular(&snake(payload::last_word(d.operation.path))))).collect();
    let known = Known { details, others };
    drafts
        .iter()
        .zip(names)
        .map(|(draft, name)| resource(document, draft, name, &known, shapes, api))
        .collect()
}

/// What is known of the other operations.
struct Known<'d> {
    /// For paths of lists, the parameter that asks for one of their rows.
    details: HashMap<&'d str, &'d str>,
    /// What there are lists of.
    others: HashSet<String>,
}

/// For paths of lists, the parameter that asks for one of their rows.
fn details<'d>(drafts: &[Draft<'d>]) -> HashMap<&'d str, &'d str> {
    let mut details = HashMap::new();
    for draft in drafts {
        let path = plain_path(draft.operation.path);
        if let Some((list, last)) = path.rsplit_once('/')
            && let Some(param) = last.strip_prefix('{').and_then(|l| l.strip_suffix('}'))
        {
            details.entry(list).or_insert(param);
        }
    }
    details
}

fn plain_path(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.strip_suffix(".json").unwrap_or(path)
}

fn resource(
    document: &Document,
    draft: &Draft<'_>,
    name: String,
    known: &Known<'_>,
    shapes: &Shapes<'_>,
    api: &Api,
) -> Resource {
    let Known { details, others } = known;
    let Draft { operation, payload, links, row } = draft;
    let mut findings = vec![payload.finding.clone()];
    let record = match row {
        Shape::Record(index) => shapes.records.get(*index),
        _ => None,
    };
    let own = payload::ends_in_parameter(operation.path)
        .then(|| placeholders(operation.path).last().copied())
        .flatten();
    let key_clues = key::Clues {
        path: operation.path,
        detail: if payload.is_list { details.get(plain_path(operation.path)).copied() } else { own },
        word: payload::last_word(operation.path),
        others,
    };
    let mut primary_key = Vec::new();
    if let Some((field, finding)) = record.and_then(|r| key::detect(r, &shapes.records, &key_clues)) {
        primary_key.push(field);
        findings.push(finding);
    }
    let paging = Paging::of(operation);
    let (paginator, finding) = paginator::detect(&paginator::Clues {
        paging: &paging,
        links,
        is_list: payload.is_list,
        rows: &payload.path,
        key: primary_key.first().map(String::as_str),
    });
    findings.extend(finding);
    let taken: Vec<&str> =
        [paging.page, paging.size, paging.offset, paging.cursor].iter().flatten().map(|p| p.name).collect();
    let found = record.filter(|_| payload.is_list).and_then(|r| incremental::detect(operation, r, &taken));
    let incremental = found.map(|(incremental, finding)| {
        findings.push(finding);
        incremental
    });
    let auth = auth_of(document, operation, api);
    let (query, required) =
        required(operation, &taken, incremental.as_ref().map(|i| i.start_param.as_str()), api);
    remarks(operation, row, record, &mut findings);
    for finding in &mut findings {
        if finding.pointer.is_empty() {
            finding.pointer.clone_from(&operation.pointer);
        }
    }
    let deprecated = operation.node.flag("deprecated");
    Resource {
        table: String::new(),
        method: "GET",
        path: operation.path.to_owned(),
        operation_id: operation.operation_id().map(str::to_owned),
        description: operation.description().to_owned(),
        group: group(operation),
        data_path: payload.path.clone(),
        is_list: payload.is_list,
        row: row.clone(),
        write_disposition: match (primary_key.is_empty(), incremental.is_some()) {
            (false, _) => "merge",
            (true, true) => "append",
            (true, false) => "replace",
        },
        primary_key,
        paginator,
        parent: None,
        include_from_parent: Vec::new(),
        incremental,
        auth,
        required,
        query,
        selected: true,
        deprecated,
        pointer: operation.pointer.clone(),
        findings,
        name,
    }
}

/// Names of schemes that serve for an operation, of those that are known.
fn auth_of(document: &Document, operation: &Operation<'_>, api: &Api) -> Vec<String> {
    let known = |name: &String| api.auth.iter().any(|a| a.scheme == *name);
    let mut names: Vec<String> = auth::of_operation(document, operation).into_iter().filter(known).collect();
    if names.is_empty() {
        names.extend(
            operation
                .params
                .iter()
                .map(|p| p.name.to_owned())
                .filter(|name| api.auth.iter().any(|a| a.is_parameter(name))),
        );
        names.dedup();
    }
    names
}

fn cursor_param<'d>(operation: &Operation<'d>) -> Option<&'d str> {
    Paging::of(operation).cursor.map(|p| p.name)
}

type Query = Vec<(String, serde_json::Value)>;

/// Parameters that must be there: those with one value, and those that somebody has to give.
fn required(
    operation: &Operation<'_>,
    taken: &[&str],
    since: Option<&str>,
    api: &Api,
) -> (Query, Vec<Required>) {
    let in_path = placeholders(operation.path);
    let mut query = Vec::new();
    let mut required: Vec<Required> = in_path
        .iter()
        .map(|name| {
            let param = operation.params.iter().find(|p| p.name == *name && p.place == "path");
            let description = param.map_or("", |p| p.description).to_owned();
            let is_text = param.is_some_and(|p| p.types() == ["string"] && p.schema.text("format").is_none());
            Required { name: (*name).to_owned(), in_path: true, is_text, description }
        })
        .collect();
    for param in operation.query().filter(|p| p.required && !taken.contains(&p.name) && Some(p.name) != since)
    {
        if api.auth.iter().any(|a| a.is_key(param.name)) {
            continue;
        }
        match param
            .only_value()
            .or_else(|| param.schema.value.get("default"))
            .filter(|v| !v.is_object() && !v.is_array() && !v.is_null())
        {
            Some(value) => query.push((param.name.to_owned(), value.clone())),
            None => required.push(Required {
                name: param.name.to_owned(),
                in_path: false,
                is_text: param.types() == ["string"],
                description: param.description.to_owned(),
            }),
        }
    }
    (query, required)
}

/// What else is worth saying of an operation.
fn remarks(operation: &Operation<'_>, row: &Shape, record: Option<&Record>, findings: &mut Vec<Finding>) {
    if operation.node.flag("deprecated") {
        findings.push(Finding::new("deprecated", "the document calls it deprecated", Confidence::High));
    }
    let limits: Vec<&str> = operation
        .headers
        .iter()
        .map(String::as_str)
        .filter(|h| h.contains("ratelimit") || h.contains("rate-limit") || *h == "retry-after")
        .collect();
    if !limits.is_empty() || operation.statuses.contains(&"429") {
        let evidence = if limits.is_empty() { "status 429".to_owned() } else { limits.join(", ") };
        findings.push(Finding::new("rate_limit", "requests are limited", Confidence::High).because(evidence));
    }
    if record.is_none() && *row == Shape::Json {
        findings.push(
            Finding::new("columns", "found when it runs", Confidence::Low)
                .because("rows have no described fields"),
        );
    }
    for name in placeholders(operation.path) {
        if !operation.params.iter().any(|p| p.name == name && p.place == "path") {
            findings.push(Finding::new(
                "parameter",
                format!("`{{{name}}}` is not declared"),
                Confidence::High,
            ));
        }
    }
}

/// The word for the part of the API that an operation belongs to: its tag, or the start of its path.
fn group(operation: &Operation<'_>) -> String {
    let tag = operation.node.get("tags").and_then(|t| t.items().next()).and_then(|t| t.value.as_str());
    let named = tag.map(crate::words::snake).filter(|t| t.chars().any(char::is_alphabetic));
    named.unwrap_or_else(|| {
        let step = operation
            .path
            .split('/')
            .find(|s| !s.is_empty() && !s.contains('{') && s.len() > 2 && !s.eq_ignore_ascii_case("api"));
        crate::words::snake(step.unwrap_or_default())
    })
}

/// The key of rows of which nothing is known but their fields and the name of their table.
pub(crate) fn key_of_rows(record: &Record, records: &[Record], table: &str) -> Option<(String, Finding)> {
    let clues = key::Clues { path: "", detail: None, word: table, others: &HashSet::new() };
    key::detect(record, records, &clues)
}

/// The rows of a JSON Schema document: the schema itself, or its definitions.
pub(crate) fn schemas(document: &Document) -> Api {
    let root = document.root();
    let mut shapes = Shapes::new(document);
    let mut api = Api { title: scalar_text(root, "title").unwrap_or_default(), ..Api::default() };
    let mut found: Vec<(String, Node<'_>, String)> = Vec::new();
    if root.get("properties").is_some()
        || root.get("items").is_some()
        || root.get("allOf").is_some()
        || root.get("$ref").is_some()
    {
        let name = if api.title.is_empty() { "rows".to_owned() } else { api.title.clone() };
        found.push((name, root, String::new()));
    } else {
        for key in ["definitions", "$defs"] {
            for (name, node) in root.get(key).into_iter().flat_map(Node::members) {
                found.push((name.to_owned(), node, format!("/{key}/{}", escape(name))));
            }
        }
    }
    let clues: Vec<names::Clues> = found
        .iter()
        .map(|(name, ..)| names::Clues {
            path: format!("/{}", name.replace(['/', '{', '}', '?', '#'], "_")),
            operation_id: None,
            is_list: true,
            has_detail: false,
        })
        .collect();
    let names = names::detect(&clues);
    for ((given, node, pointer), name) in found.into_iter().zip(names) {
        let row = match shapes.of(node) {
            Shape::List(item) => *item,
            shape => shape,
        };
        let Shape::Record(index) = row else { continue };
        if let Some(record) = shapes.records.get_mut(index).filter(|r| r.name.is_empty()) {
            record.name.clone_from(&given);
        }
        let Some(record) = shapes.records.get(index) else { continue };
        let key = key_of_rows(record, &shapes.records, &given);
        api.resources.push(Resource::of_rows(name, row, key, pointer));
    }
    table::detect(&mut api.resources);
    api.records = shapes.records;
    api.findings = shapes.findings;
    api
}
