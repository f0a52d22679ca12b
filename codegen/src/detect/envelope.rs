//! What an answer holds besides rows: its lists, objects and single values, each with its path.

use serde_json::Value;

use crate::path;
use crate::read::{Document, Node};
use crate::shape::Merged;

/// How deep answers are looked into.
const MAX_DEPTH: usize = 3;
/// How many values are looked at.
const MAX_PARTS: usize = 400;

/// An answer, taken apart.
#[derive(Debug)]
pub(crate) struct Envelope<'d> {
    pub(crate) top: Merged<'d>,
    pub(crate) parts: Vec<Part<'d>>,
}

/// A value in an answer, outside of lists.
#[derive(Debug)]
pub(crate) struct Part<'d> {
    pub(crate) path: String,
    /// The names of the objects that it is in.
    pub(crate) within: Vec<&'d str>,
    pub(crate) name: &'d str,
    pub(crate) kind: Kind<'d>,
    pub(crate) node: Node<'d>,
}

#[derive(Debug)]
pub(crate) enum Kind<'d> {
    /// The items, if the document describes them, and whether they are objects.
    List {
        item: Option<Node<'d>>,
        objects: bool,
    },
    Object {
        described: bool,
    },
    Scalar {
        types: Vec<&'d str>,
        format: &'d str,
        description: &'d str,
        example: Option<&'d Value>,
    },
}

impl<'d> Envelope<'d> {
    pub(crate) fn new(document: &'d Document, schema: Node<'d>) -> Self {
        let top = Merged::new(document, schema);
        let mut envelope = Self { top, parts: Vec::new() };
        if !envelope.top.is_list() {
            let top = envelope.top.clone();
            envelope.walk(document, schema, &top, "", &mut Vec::new());
        }
        envelope
    }

    fn walk(
        &mut self,
        document: &'d Document,
        node: Node<'d>,
        merged: &Merged<'d>,
        at: &str,
        within: &mut Vec<&'d str>,
    ) {
        let mut deeper = Vec::new();
        for (name, property) in &merged.properties {
            if self.parts.len() >= MAX_PARTS {
                return;
            }
            let view = Merged::new(document, property.node);
            let path = path::join(at, name);
            let kind = kind(document, &view, property.node);
            let object = matches!(kind, Kind::Object { described: true });
            self.parts.push(Part {
                path: path.clone(),
                within: within.clone(),
                name,
                kind,
                node: property.node,
            });
            if object && within.len() + 1 < MAX_DEPTH {
                deeper.push((path, *name, view, property.node));
            }
        }
        // rows that are promised and not described
        let promised = ["items", "data", "results", "records"];
        for name in merged.required.iter().copied().filter(|n| promised.contains(n)) {
            if !merged.properties.contains_key(name) {
                let kind = Kind::List { item: None, objects: false };
                let part = Part { path: path::join(at, name), within: within.clone(), name, kind, node };
                self.parts.push(part);
            }
        }
        for (path, name, view, node) in deeper {
            within.push(name);
            self.walk(document, node, &view, &path, within);
            within.pop();
        }
    }

    pub(crate) fn top_level(&self) -> impl Iterator<Item = &Part<'d>> {
        self.parts.iter().filter(|p| p.within.is_empty())
    }

    /// Single values that are not inside of `rows`.
    pub(crate) fn scalars_outside(&self, rows: &str) -> impl Iterator<Item = &Part<'d>> {
        self.parts.iter().filter(move |p| {
            matches!(p.kind, Kind::Scalar { .. })
                && !(rows != "$"
                    && p.path.starts_with(rows)
                    && p.path.get(rows.len()..).is_some_and(|r| r.starts_with(['.', '['])))
        })
    }
}

fn kind<'d>(document: &'d Document, view: &Merged<'d>, node: Node<'d>) -> Kind<'d> {
    if view.is_list() {
        let objects = view
            .items
            .map(|items| Merged::new(document, items))
            .is_some_and(|item| item.is_object() || item.mixed);
        return Kind::List { item: view.items, objects };
    }
    if view.is_object() || view.mixed {
        return Kind::Object { described: !view.properties.is_empty() };
    }
    let target = document.follow(node).unwrap_or(node);
    Kind::Scalar {
        types: view.types.clone(),
        format: view.format.unwrap_or_default(),
        description: view.description.unwrap_or_default(),
        example: target.value.get("example"),
    }
}
