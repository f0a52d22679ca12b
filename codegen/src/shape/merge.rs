//! One view of a schema that is put together from several: `$ref`, `allOf`, `oneOf`, `anyOf`.

use indexmap::IndexMap;
use serde_json::Value;

use crate::read::{Document, Identity, Node};

/// How deep schemas may be composed of others.
const MAX_DEPTH: usize = 40;
/// How many schemas one may be composed of.
const MAX_PARTS: usize = 2_000;

/// What a schema says, with all its parts.
#[derive(Debug, Default, Clone)]
pub(crate) struct Merged<'d> {
    pub(crate) types: Vec<&'d str>,
    pub(crate) format: Option<&'d str>,
    pub(crate) properties: IndexMap<&'d str, Property<'d>>,
    pub(crate) required: Vec<&'d str>,
    pub(crate) items: Option<Node<'d>>,
    pub(crate) map: Option<Node<'d>>,
    pub(crate) enumeration: Option<&'d Vec<Value>>,
    pub(crate) nullable: bool,
    pub(crate) description: Option<&'d str>,
    /// The last step of the reference that led here.
    pub(crate) name: Option<&'d str>,
    /// Alternatives that are too different for one view.
    pub(crate) mixed: bool,
    pub(crate) dangling: bool,
    seen: Vec<Identity>,
    parts: usize,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Property<'d> {
    pub(crate) node: Node<'d>,
    /// Some alternatives do without it.
    pub(crate) partial: bool,
}

impl<'d> Merged<'d> {
    pub(crate) fn new(document: &'d Document, node: Node<'d>) -> Self {
        let mut merged = Self::default();
        merged.add(document, node, 0);
        merged
    }

    pub(crate) fn is_object(&self) -> bool {
        !self.properties.is_empty()
            || self.types == ["object"]
            || (self.types.is_empty() && self.map.is_some())
    }

    pub(crate) fn is_list(&self) -> bool {
        self.items.is_some() && self.properties.is_empty() || self.types == ["array"]
    }

    pub(crate) fn is_untyped(&self) -> bool {
        self.types.is_empty()
            && self.properties.is_empty()
            && self.items.is_none()
            && self.map.is_none()
            && self.enumeration.is_none()
            && self.format.is_none()
            && !self.mixed
    }

    fn add(&mut self, document: &'d Document, node: Node<'d>, depth: usize) {
        if self.description.is_none() {
            self.description = node.text("description");
        }
        self.nullable |= node.flag("nullable") || node.flag("x-nullable");
        if let Some(reference) = node.value.get("$ref").and_then(Value::as_str) {
            if self.name.is_none() {
                self.name = reference.rsplit(['/', '#']).next().filter(|n| !n.is_empty());
            }
            match document.follow(node) {
                Some(target) => self.add_resolved(document, target, depth + 1),
                None => self.dangling = true,
            }
            // 3.1 lets keywords stand beside a reference
            if !node
                .value
                .as_object()
                .is_some_and(|m| m.contains_key("properties") || m.contains_key("allOf"))
            {
                return;
            }
        }
        self.add_resolved(document, node, depth);
    }

    fn add_resolved(&mut self, document: &'d Document, node: Node<'d>, depth: usize) {
        self.parts += 1;
        let identity = node.identity();
        if depth > MAX_DEPTH || self.parts > MAX_PARTS || self.seen.contains(&identity) {
            return;
        }
        self.seen.push(identity);
        if self.description.is_none() {
            self.description = node.text("description");
        }
        self.nullable |= node.flag("nullable") || node.flag("x-nullable");
        self.add_types(node);
        if let Some(format) = node.text("format") {
            self.format.get_or_insert(format);
        }
        if let Some(Value::Array(values)) = node.value.get("enum") {
            self.enumeration.get_or_insert(values);
        }
        if let Some(constant) = node.value.get("const") {
            self.add_type_of(constant);
        }
        for (name, property) in node.get("properties").into_iter().flat_map(Node::members) {
            self.add_property(document, name, property, false);
        }
        self.required
            .extend(node.get("required").into_iter().flat_map(Node::items).filter_map(|n| n.value.as_str()));
        if let Some(items) = node.get("items") {
            // tuples of older drafts have a list here
            let items = items.items().next().unwrap_or(items);
            self.items.get_or_insert(items);
        } else if let Some(first) = node.get("prefixItems").and_then(|p| p.items().next()) {
            self.items.get_or_insert(first);
        }
        if let Some(map) = node.get("additionalProperties").filter(|m| m.value.is_object()) {
            self.map.get_or_insert(map);
        }
        for part in node.get("allOf").into_iter().flat_map(Node::items) {
            self.add(document, part, depth + 1);
        }
        for keyword in ["oneOf", "anyOf"] {
            if let Some(variants) = node.get(keyword) {
                self.add_variants(document, variants, depth + 1);
            }
        }
        self.seen.pop();
    }

    fn add_types(&mut self, node: Node<'d>) {
        match node.value.get("type") {
            Some(Value::String(name)) => self.add_type(name),
            Some(Value::Array(names)) => {
                names.iter().filter_map(Value::as_str).for_each(|n| self.add_type(n))
            }
            _ => {}
        }
    }

    fn add_type(&mut self, name: &'d str) {
        if name == "null" {
            self.nullable = true;
        } else if !self.types.contains(&name) {
            self.types.push(name);
        }
    }

    fn add_type_of(&mut self, value: &Value) {
        self.add_type(match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(n) if n.is_f64() => "number",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        });
    }

    fn add_property(&mut self, document: &'d Document, name: &'d str, node: Node<'d>, partial: bool) {
        if let Some(known) = self.properties.get_mut(name) {
            // a later part narrows what an earlier one said, unless it only says less
            if !has_type(document, node) {
                return;
            }
            known.node = node;
            known.partial |= partial;
        } else {
            self.properties.insert(name, Property { node, partial });
        }
    }

    fn add_variants(&mut self, document: &'d Document, variants: Node<'d>, depth: usize) {
        let mut views: Vec<Merged<'d>> = Vec::new();
        for variant in variants.items() {
            self.parts += 1;
            if self.parts > MAX_PARTS {
                self.mixed = true;
                return;
            }
            let mut view = Merged { seen: self.seen.clone(), parts: self.parts, ..Merged::default() };
            view.add(document, variant, depth);
            self.parts = view.parts;
            self.nullable |= view.nullable;
            let null = view.nullable && view.is_untyped()
                || view.enumeration.is_some_and(|values| values.iter().all(Value::is_null));
            // variants such as {required: [a]} say nothing of types
            if !null && !view.is_untyped() {
                views.push(view);
            }
        }
        let total = views.len();
        match views.as_slice() {
            [] => {}
            [_] => {
                let Some(view) = views.pop() else { return };
                self.take(document, view, false);
            }
            _ if views.iter().all(|v| v.is_object() && !v.mixed) => {
                for view in views {
                    self.take(document, view, total > 1);
                }
            }
            _ if views.iter().all(|v| v.is_list() && !v.mixed) => {
                let first = views.swap_remove(0);
                self.take(document, first, false);
            }
            _ if views.iter().all(|v| !v.is_object() && !v.is_list() && !v.mixed) => {
                for view in views {
                    self.take(document, view, false);
                }
            }
            _ => self.mixed = true,
        }
    }

    fn take(&mut self, document: &'d Document, view: Merged<'d>, partial: bool) {
        self.mixed |= view.mixed;
        self.dangling |= view.dangling;
        for name in view.types {
            self.add_type(name);
        }
        for (name, property) in view.properties {
            self.add_property(document, name, property.node, partial || property.partial);
        }
        if !partial {
            self.required.extend(view.required);
            self.name = self.name.or(view.name);
        }
        self.format = self.format.or(view.format);
        self.items = self.items.or(view.items);
        self.map = self.map.or(view.map);
        self.enumeration = self.enumeration.or(view.enumeration);
        self.description = self.description.or(view.description);
    }
}

/// Whether a schema says anything of its type.
pub(super) fn has_type(document: &Document, node: Node<'_>) -> bool {
    let Some(map) = node.value.as_object() else { return false };
    if map.contains_key("$ref") {
        return document.follow(node).is_some();
    }
    [
        "type",
        "properties",
        "items",
        "allOf",
        "oneOf",
        "anyOf",
        "enum",
        "format",
        "additionalProperties",
        "const",
    ]
    .iter()
    .any(|key| map.contains_key(*key))
}
