//! From schemas to records. Each schema becomes one record, whoever uses it.

use std::collections::{HashMap, HashSet};

use super::{Extent, Field, Merged, Record, Shape, scalar};
use crate::finding::{Confidence, Finding};
use crate::read::{Document, Identity, Node};

/// Columns that a table may have before nested objects stay JSON.
const MAX_COLUMNS: usize = 300;
/// Tables that lists in rows may become, and columns of all of them.
const MAX_TABLES: usize = 40;
const MAX_SIZE: usize = 1_200;
/// How deep schemas are followed.
const MAX_DEPTH: usize = 24;
/// Fields of one record.
const MAX_FIELDS: usize = 1_000;

/// All records of a document so far.
pub(crate) struct Shapes<'d> {
    document: &'d Document,
    pub(crate) records: Vec<Record>,
    known: HashMap<Identity, Shape>,
    /// Schemas that are being built: one that comes up again is part of itself.
    open: HashSet<Identity>,
    pub(crate) findings: Vec<Finding>,
}

impl<'d> Shapes<'d> {
    pub(crate) fn new(document: &'d Document) -> Self {
        Self {
            document,
            records: Vec::new(),
            known: HashMap::new(),
            open: HashSet::new(),
            findings: Vec::new(),
        }
    }

    /// The shape of values of a schema.
    pub(crate) fn of(&mut self, node: Node<'d>) -> Shape {
        self.shape(node, 0)
    }

    fn shape(&mut self, node: Node<'d>, depth: usize) -> Shape {
        let Some(target) = self.document.follow(node) else {
            self.report(node, "a reference leads nowhere; the value stays JSON");
            return Shape::Json;
        };
        let identity = target.identity();
        if let Some(known) = self.known.get(&identity) {
            return known.clone();
        }
        if depth > MAX_DEPTH || !self.open.insert(identity) {
            return Shape::Json;
        }
        let merged = Merged::new(self.document, node);
        let shape = self.of_merged(&merged, depth);
        self.open.remove(&identity);
        self.known.insert(identity, shape.clone());
        shape
    }

    pub(crate) fn of_merged(&mut self, merged: &Merged<'d>, depth: usize) -> Shape {
        if merged.is_list() {
            let item = merged.items.map_or(Shape::Json, |items| self.shape(items, depth + 1));
            return Shape::List(Box::new(item));
        }
        if !merged.properties.is_empty() {
            return self.record(merged, depth);
        }
        if merged.is_object() { Shape::Json } else { scalar::of(merged) }
    }

    fn record(&mut self, merged: &Merged<'d>, depth: usize) -> Shape {
        let mut fields = Vec::with_capacity(merged.properties.len());
        for (name, property) in merged.properties.iter().take(MAX_FIELDS) {
            let shape = self.shape(property.node, depth + 1);
            let (nullable, description) = self.remarks(property.node);
            fields.push(Field {
                name: (*name).to_owned(),
                shape,
                nullable: nullable || property.partial || !merged.required.contains(name),
                description,
                marked_key: MARKS.iter().any(|mark| property.node.flag(mark)),
                typed: super::merge::has_type(self.document, property.node),
            });
        }
        let extent = self.fit(&mut fields, merged.name.unwrap_or_default());
        self.records.push(Record {
            name: merged.name.unwrap_or_default().to_owned(),
            description: merged.description.unwrap_or_default().to_owned(),
            fields,
            extent,
        });
        Shape::Record(self.records.len() - 1)
    }

    /// Whether a property may be null, and what is said of it.
    fn remarks(&self, node: Node<'d>) -> (bool, String) {
        let target = self.document.follow(node).unwrap_or(node);
        let nullable = [node, target].iter().any(|n| {
            n.flag("nullable")
                || n.flag("x-nullable")
                || n.get("type").is_some_and(|t| t.items().any(|t| t.value == "null"))
                || n.get("enum").is_some_and(|e| e.items().any(|v| v.value.is_null()))
                || ["oneOf", "anyOf"].iter().any(|k| {
                    n.get(k)
                        .is_some_and(|v| v.items().any(|v| v.value.get("type").is_some_and(|t| t == "null")))
                })
        });
        let description = node.text("description").or_else(|| target.text("description")).unwrap_or_default();
        (nullable, description.to_owned())
    }

    /// Keeps the largest nested values as JSON until the tables have a sensible size.
    fn fit(&mut self, fields: &mut [Field], name: &str) -> Extent {
        let mut extents: Vec<Extent> = fields.iter().map(|f| Extent::of(&f.shape, &self.records)).collect();
        let mut total = extents.iter().fold(Extent::default(), |sum, e| sum.and(*e));
        let limits: [Limit; 3] = [
            (MAX_COLUMNS, "columns", |e| e.columns),
            (MAX_TABLES, "tables below it", |e| e.tables),
            (MAX_SIZE, "columns in all its tables", |e| e.size),
        ];
        for (most, what, of) in limits {
            while of(&total) > most {
                let Some((at, largest)) =
                    extents.iter().copied().enumerate().rev().max_by_key(|(_, e)| of(e))
                else {
                    break;
                };
                if of(&largest) == 0 || largest == Extent::VALUE {
                    break;
                }
                if let (Some(field), Some(slot)) = (fields.get_mut(at), extents.get_mut(at)) {
                    field.shape = Shape::Json;
                    *slot = Extent::VALUE;
                    self.findings.push(
                        Finding::new("columns", format!("`{}` stays JSON", field.name), Confidence::Medium)
                            .because(format!("{name} would have {} {what}, more than {most}", of(&total))),
                    );
                }
                total = extents.iter().fold(Extent::default(), |sum, e| sum.and(*e));
            }
        }
        total
    }

    fn report(&mut self, node: Node<'d>, message: &str) {
        let reference = node.text("$ref").unwrap_or_default();
        self.findings
            .push(Finding::new("schema", message, Confidence::High).because(reference).at(reference));
    }
}

/// A limit: the number, what it is of, and where it is.
type Limit = (usize, &'static str, fn(&Extent) -> usize);

/// Extensions by which documents mark keys.
const MARKS: &[&str] = &["x-primary-key", "x-pk", "x-key", "x-isKey", "x-id"];
