//! Tables from a dataset: a schema of dlt or floe tells what rows look like.

use floe_schema::{Column, DataType, Hint, Schema, Table};

use crate::api::{Api, Resource};
use crate::finding::{Confidence, Finding};
use crate::shape::{Extent, Field, Record, Scalar, Shape};
use crate::words::{pascal, singular};

/// Levels of nested tables.
const MAX_DEPTH: usize = 16;

/// Understands a schema: a resource for each table that is not below another one.
/// Columns of types that printed structs do not have are left out, with a finding.
pub fn dataset(schema: &Schema) -> Api {
    let mut api = Api { title: schema.name.to_string(), ..Api::default() };
    let roots = schema.tables.values().filter(|t| !t.is_nested() && !floe_schema::is_internal(&t.name));
    for table in roots {
        let shape = record(schema, table, 0, &mut api);
        let Shape::Record(index) = shape else { continue };
        let keys: Vec<String> = table.with_hint(Hint::PrimaryKey).map(|c| c.name.to_string()).collect();
        let mut resource =
            Resource::of_rows(table.name.to_string(), Shape::Record(index), None, String::new());
        resource.write_disposition = if keys.is_empty() { "append" } else { "merge" };
        resource.primary_key = keys;
        api.resources.push(resource);
    }
    api
}

/// The rows of a table: its columns, with `__` as nesting, and its child tables as lists.
fn record(schema: &Schema, table: &Table, depth: usize, api: &mut Api) -> Shape {
    let mut tree = Tree::default();
    for column in table.complete_columns().filter(|c| !c.name.starts_with("_dlt_")) {
        match scalar(column) {
            Some(shape) => tree.add(&column.name, shape, column.is_nullable()),
            None => left_out(table, column, &mut api.findings),
        }
    }
    let children = schema.tables.values().filter(|t| t.parent.as_deref() == Some(&*table.name));
    for child in children.filter(|_| depth < MAX_DEPTH) {
        let Some(name) = child.name.strip_prefix(&*table.name).and_then(|n| n.strip_prefix("__")) else {
            continue;
        };
        let plain: Vec<&Column> = child.complete_columns().filter(|c| !c.name.starts_with("_dlt_")).collect();
        let item = match plain.as_slice() {
            [value] if value.name == "value" => scalar(value).unwrap_or(Shape::Json),
            _ => record(schema, child, depth + 1, api),
        };
        tree.add(name, Shape::List(Box::new(item)), false);
    }
    tree.into_shape(&pascal(&singular(&table.name)), &mut api.records)
}

fn left_out(table: &Table, column: &Column, findings: &mut Vec<Finding>) {
    let message = format!("`{}.{}` is left out", table.name, column.name);
    findings.push(
        Finding::new("columns", message, Confidence::High)
            .because(format!("structs have no {}", column.type_text())),
    );
}

fn scalar(column: &Column) -> Option<Shape> {
    Some(match column.data_type? {
        DataType::Text => Shape::Scalar(Scalar::Text),
        DataType::Bigint => Shape::Scalar(Scalar::Integer),
        DataType::Double => Shape::Scalar(Scalar::Number),
        DataType::Bool => Shape::Scalar(Scalar::Bool),
        DataType::Timestamp => Shape::Scalar(Scalar::Timestamp),
        DataType::Date => Shape::Scalar(Scalar::Date),
        DataType::Time => Shape::Scalar(Scalar::Time),
        DataType::Json => Shape::Json,
        _ => return None,
    })
}

/// Columns by the steps of their names.
#[derive(Default)]
struct Tree {
    fields: Vec<(String, Branch)>,
}

enum Branch {
    Leaf(Shape, bool),
    Nested(Tree),
}

impl Tree {
    fn add(&mut self, name: &str, shape: Shape, nullable: bool) {
        let split = name.split_once("__").filter(|(head, tail)| !head.is_empty() && !tail.is_empty());
        let Some((head, tail)) = split else {
            self.fields.push((name.to_owned(), Branch::Leaf(shape, nullable)));
            return;
        };
        let known = self.fields.iter_mut().find_map(|(name, branch)| match branch {
            Branch::Nested(tree) if name == head => Some(tree),
            _ => None,
        });
        match known {
            Some(tree) => tree.add(tail, shape, nullable),
            None => {
                let mut tree = Self::default();
                tree.add(tail, shape, nullable);
                self.fields.push((head.to_owned(), Branch::Nested(tree)));
            }
        }
    }

    fn into_shape(self, name: &str, records: &mut Vec<Record>) -> Shape {
        let mut fields = Vec::new();
        for (field, branch) in self.fields {
            let (shape, nullable) = match branch {
                Branch::Leaf(shape, nullable) => (shape, nullable),
                Branch::Nested(tree) => {
                    // an object is there if one of its columns always is
                    let nullable = tree.is_nullable();
                    (tree.into_shape(&format!("{name}{}", pascal(&field)), records), nullable)
                }
            };
            fields.push(Field {
                name: field,
                shape,
                nullable,
                description: String::new(),
                marked_key: false,
                typed: true,
            });
        }
        let extent = Extent::of_fields(&fields, records);
        records.push(Record { name: name.to_owned(), description: String::new(), fields, extent });
        Shape::Record(records.len() - 1)
    }

    fn is_nullable(&self) -> bool {
        self.fields.iter().all(|(_, branch)| match branch {
            Branch::Leaf(_, nullable) => *nullable,
            Branch::Nested(tree) => tree.is_nullable(),
        })
    }
}
