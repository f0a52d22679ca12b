//! The operations of a document, whatever version it is written in.

use serde_json::Value;

use crate::read::{Document, Node, escape};

/// A GET of the document.
#[derive(Debug)]
pub(crate) struct Operation<'d> {
    pub(crate) path: &'d str,
    pub(crate) node: Node<'d>,
    pub(crate) pointer: String,
    pub(crate) params: Vec<Param<'d>>,
    pub(crate) answer: Answer<'d>,
    /// Names of headers that answers are said to have, in lower case.
    pub(crate) headers: Vec<String>,
    /// Statuses that the document lists.
    pub(crate) statuses: Vec<&'d str>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Param<'d> {
    pub(crate) name: &'d str,
    pub(crate) place: &'d str,
    pub(crate) required: bool,
    pub(crate) description: &'d str,
    /// The schema, or in Swagger 2.0 the parameter itself.
    pub(crate) schema: Node<'d>,
}

/// What an operation answers with.
#[derive(Debug)]
pub(crate) enum Answer<'d> {
    Json(Node<'d>),
    /// JSON, or nothing is said; no schema.
    Unknown,
    /// Media types that are not JSON.
    Other(String),
    Nothing,
}

/// All GETs, in the order of the document.
pub(crate) fn gets(document: &Document) -> Vec<Operation<'_>> {
    let mut found = Vec::new();
    let Some(paths) = document.root().get("paths") else { return found };
    for (path, item) in paths.members() {
        let Some(item) = document.follow(item) else { continue };
        let Some(node) = item.get("get").filter(|n| n.value.is_object()) else { continue };
        found.push(operation(document, path, item, node));
        if found.len() >= document.limits().operations {
            break;
        }
    }
    found
}

fn operation<'d>(document: &'d Document, path: &'d str, item: Node<'d>, node: Node<'d>) -> Operation<'d> {
    let mut params: Vec<Param<'d>> = Vec::new();
    for list in [item.get("parameters"), node.get("parameters")].into_iter().flatten() {
        for param in list.items().filter_map(|p| param(document, p)) {
            params.retain(|known| (known.name, known.place) != (param.name, param.place));
            params.push(param);
        }
    }
    let statuses: Vec<&str> =
        node.get("responses").into_iter().flat_map(Node::members).map(|(s, _)| s).collect();
    let (answer, headers) = match success(document, node) {
        Some(response) => {
            let headers = response.get("headers").into_iter().flat_map(Node::members);
            (answer(document, node, response), headers.map(|(name, _)| name.to_ascii_lowercase()).collect())
        }
        None => (Answer::Unknown, Vec::new()),
    };
    let pointer = format!("/paths/{}/get", escape(path));
    Operation { path, node, pointer, params, answer, headers, statuses }
}

fn param<'d>(document: &'d Document, node: Node<'d>) -> Option<Param<'d>> {
    let node = document.follow(node)?;
    let schema = match node.get("schema") {
        Some(schema) => document.follow(schema).unwrap_or(schema),
        None => match node.get("content").and_then(|c| c.members().next()) {
            Some((_, media)) => media.get("schema").and_then(|s| document.follow(s)).unwrap_or(node),
            None => node,
        },
    };
    Some(Param {
        name: node.text("name")?,
        place: node.text("in")?,
        required: node.flag("required"),
        description: node.text("description").or_else(|| schema.text("description")).unwrap_or_default(),
        schema,
    })
}

/// The response of a success: 200, any other 2xx, the default.
fn success<'d>(document: &'d Document, node: Node<'d>) -> Option<Node<'d>> {
    let responses = node.get("responses")?;
    let mut found: Vec<(u8, &str, Node<'d>)> = responses
        .members()
        .filter_map(|(status, response)| {
            let rank = match status {
                "200" => 0,
                "2XX" | "2xx" => 2,
                "204" | "205" => 5,
                "default" => 4,
                _ if status.len() == 3 && status.starts_with('2') => 1,
                _ => return None,
            };
            Some((rank, status, document.follow(response)?))
        })
        .collect();
    found.sort_by_key(|(rank, status, _)| (*rank, *status));
    let with_body = found.iter().position(|(rank, _, r)| {
        *rank < 5
            && (r.get("schema").is_some() || r.get("content").is_some_and(|c| c.members().next().is_some()))
    });
    found.get(with_body.unwrap_or(0)).map(|(_, _, response)| *response)
}

fn answer<'d>(document: &'d Document, operation: Node<'d>, response: Node<'d>) -> Answer<'d> {
    if let Some(schema) = response.get("schema") {
        let types: Vec<&str> = produces(document, operation);
        let json = types.is_empty() || types.iter().any(|t| rank(t).is_some());
        let mislabelled = types.iter().any(|t| is_vague(t)) && is_structured(document, schema);
        if !json && !mislabelled {
            return Answer::Other(types.join(", "));
        }
        return if is_file(document, schema) { Answer::Other("files".into()) } else { Answer::Json(schema) };
    }
    let Some(content) = response.get("content").filter(|c| c.members().next().is_some()) else {
        // many documents leave answers out; only "no content" says that there is none
        let statuses =
            operation.get("responses").map_or(0, |r| r.members().filter(|(s, _)| s.starts_with('2')).count());
        let empty = operation.get("responses").is_some_and(|r| r.get("204").is_some()) && statuses == 1;
        let types = produces(document, operation);
        return match (empty, types.is_empty() || types.iter().any(|t| rank(t).is_some())) {
            (true, _) => Answer::Nothing,
            (false, true) => Answer::Unknown,
            (false, false) => Answer::Other(types.join(", ")),
        };
    };
    let mut ranked: Vec<(u8, Node<'d>)> =
        content.members().filter_map(|(name, media)| Some((rank(name)?, media))).collect();
    ranked.sort_by_key(|(rank, media)| (media.get("schema").is_none(), *rank));
    match ranked.first() {
        Some((_, media)) => match media.get("schema") {
            Some(schema) if is_file(document, schema) => Answer::Other("binary data".into()),
            Some(schema) => Answer::Json(schema),
            None => Answer::Unknown,
        },
        None => vague(document, content).unwrap_or_else(|| {
            Answer::Other(content.members().map(|(name, _)| name).collect::<Vec<_>>().join(", "))
        }),
    }
}

/// Objects and lists under a media type that is none, or that is plain text: JSON, wrongly labelled.
fn vague<'d>(document: &'d Document, content: Node<'d>) -> Option<Answer<'d>> {
    content
        .members()
        .filter(|(name, _)| is_vague(name))
        .filter_map(|(_, media)| media.get("schema"))
        .find(|schema| is_structured(document, *schema))
        .map(Answer::Json)
}

fn is_vague(media_type: &str) -> bool {
    let plain = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let file = ["xml", "xls", "csv", "gzip", "pdf", "zip", "html"];
    matches!(plain.as_str(), "text/plain" | "plain/text")
        || !plain.contains('/') && !file.contains(&plain.as_str())
}

/// Whether a schema describes fields or items.
fn is_structured(document: &Document, schema: Node<'_>) -> bool {
    let view = crate::shape::Merged::new(document, schema);
    !view.properties.is_empty() || view.is_list()
}

/// Media types of Swagger 2.0.
fn produces<'d>(document: &'d Document, operation: Node<'d>) -> Vec<&'d str> {
    let list = operation.get("produces").or_else(|| document.root().get("produces"));
    list.into_iter().flat_map(Node::items).filter_map(|n| n.value.as_str()).collect()
}

/// JSON media types, the plainest first.
fn rank(media_type: &str) -> Option<u8> {
    let plain = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    Some(match plain.as_str() {
        "application/json" => 0,
        "text/json" | "application/x-json" | "text/x-json" => 2,
        "application/*" | "*/*" | "*" | "" => 4,
        "text/javascript" | "application/javascript" => 5,
        "application/x-ndjson" | "application/jsonl" | "application/x-jsonlines" => 6,
        "application/problem+json" => 7,
        _ if plain.ends_with("+json") => 1,
        _ if plain.contains("json") => 3,
        _ => return None,
    })
}

fn is_file(document: &Document, schema: Node<'_>) -> bool {
    let Some(schema) = document.follow(schema) else { return false };
    schema.text("type") == Some("file")
        || (schema.text("type") == Some("string") && schema.text("format") == Some("binary"))
}

impl<'d> Operation<'d> {
    pub(crate) fn operation_id(&self) -> Option<&'d str> {
        self.node.text("operationId")
    }

    pub(crate) fn query(&self) -> impl Iterator<Item = &Param<'d>> {
        self.params.iter().filter(|p| p.place == "query")
    }

    /// What is said of it: summary or description.
    pub(crate) fn description(&self) -> &'d str {
        self.node.text("summary").or_else(|| self.node.text("description")).unwrap_or_default()
    }
}

impl Param<'_> {
    pub(crate) fn types(&self) -> Vec<&str> {
        match self.schema.value.get("type") {
            Some(Value::String(name)) => vec![name.as_str()],
            Some(Value::Array(names)) => {
                names.iter().filter_map(Value::as_str).filter(|n| *n != "null").collect()
            }
            _ => Vec::new(),
        }
    }

    pub(crate) fn is_number(&self) -> bool {
        self.types().iter().any(|t| matches!(*t, "integer" | "number"))
    }

    pub(crate) fn integer(&self, key: &str) -> Option<i64> {
        let value = self.schema.value.get(key)?;
        value.as_i64().or_else(|| value.as_str()?.parse().ok()).or_else(|| whole(value.as_f64()?))
    }

    /// The only value that is allowed, if there is just one.
    pub(crate) fn only_value(&self) -> Option<&Value> {
        match self.schema.value.get("enum").and_then(Value::as_array).map(Vec::as_slice) {
            Some([one]) => Some(one),
            _ => self.schema.value.get("const"),
        }
    }
}

#[allow(clippy::cast_possible_truncation)]
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 1e15).then_some(number as i64)
}

/// The names in braces of a path, each once.
pub(crate) fn placeholders(path: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for part in path.split('{').skip(1) {
        if let Some((name, _)) = part.split_once('}')
            && !name.is_empty()
            && !found.contains(&name)
        {
            found.push(name);
        }
    }
    found
}
