//! What was understood of an API: the model from which everything is printed.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use crate::finding::Finding;
use crate::shape::{Record, Scalar, Shape};

/// An API as a source of data.
#[derive(Debug, Clone, Default)]
pub struct Api {
    /// The title in the document.
    pub title: String,
    /// The version in the document.
    pub version: String,
    /// What the document says of itself.
    pub description: String,
    /// Where requests go; it may be relative or empty if the document does not say.
    pub base_url: String,
    /// Ways to log in, the one that most operations use first.
    pub auth: Vec<Auth>,
    /// What can be loaded.
    pub resources: Vec<Resource>,
    /// Row types.
    pub records: Vec<Record>,
    /// Operations that cannot be loaded.
    pub skipped: Vec<Skipped>,
    /// Decisions about the document as a whole.
    pub findings: Vec<Finding>,
}

/// A way to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// The name in the document.
    pub scheme: String,
    /// What it takes.
    pub kind: AuthKind,
}

/// What a way to log in takes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum AuthKind {
    Bearer,
    Basic,
    ApiKey { name: String, location: String },
    ClientCredentials { token_url: String },
}

/// An operation whose answers become rows.
#[derive(Debug, Clone)]
pub struct Resource {
    /// The name.
    pub name: String,
    /// The table.
    pub table: String,
    /// The HTTP method.
    pub method: &'static str,
    /// The path template.
    pub path: String,
    /// The name of the operation in the document.
    pub operation_id: Option<String>,
    /// What the document says of it.
    pub description: String,
    /// A word for the group that it belongs to.
    pub group: String,
    /// Where the rows are in an answer: `$` or a path.
    pub data_path: String,
    /// Whether there are many rows in an answer.
    pub is_list: bool,
    /// What a row looks like.
    pub row: Shape,
    /// Fields that tell rows apart.
    pub primary_key: Vec<String>,
    /// What happens to rows that are there.
    pub write_disposition: &'static str,
    /// How pages follow each other.
    pub paginator: Option<Paginator>,
    /// The resource whose rows fill the path.
    pub parent: Option<Parent>,
    /// Fields of this resource's parameters that children need: they are added to the children's rows.
    pub include_from_parent: Vec<String>,
    /// How only new rows are asked for.
    pub incremental: Option<Incremental>,
    /// Names of the ways to log in that serve here; none if it is open.
    pub auth: Vec<String>,
    /// Path and query parameters that somebody has to set.
    pub required: Vec<Required>,
    /// Query parameters with fixed values.
    pub query: Vec<(String, Value)>,
    /// Whether it is loaded without being asked for.
    pub selected: bool,
    /// Whether the document calls it deprecated.
    pub deprecated: bool,
    /// Where it is in the document.
    pub pointer: String,
    /// Decisions and oddities.
    pub findings: Vec<Finding>,
}

/// A parameter without which the operation cannot be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Required {
    /// The name.
    pub name: String,
    /// Whether it is part of the path.
    pub in_path: bool,
    /// Whether the document says that it is text.
    pub is_text: bool,
    /// What the document says of it.
    pub description: String,
}

/// How pages follow each other, in the words of the declarative source.
#[derive(Debug, Clone, PartialEq)]
pub struct Paginator {
    /// `header_link`, `json_link`, `offset`, `page_number`, `cursor`, `header_cursor` or `single_page`.
    pub kind: &'static str,
    /// Names of parameters, and numbers.
    pub params: IndexMap<&'static str, Value>,
    /// Paths into answers.
    pub paths: IndexMap<&'static str, String>,
    /// The parameter for the size of pages and its value, where the paginator does not send it.
    pub page_size: Option<(String, i64)>,
}

/// Where the values of path parameters come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// The resource.
    pub resource: String,
    /// Parameter to field of the parent's rows.
    pub bindings: IndexMap<String, String>,
}

/// How only new rows are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incremental {
    /// The field of rows that grows.
    pub cursor_path: String,
    /// The parameter for the lower bound.
    pub start_param: String,
    /// The parameter for the upper bound.
    pub end_param: Option<String>,
    /// `iso`, `date`, `unix` or `unix_ms`.
    pub format: &'static str,
}

/// An operation that cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The path template.
    pub path: String,
    /// Where it is in the document.
    pub pointer: String,
    /// Why.
    pub reason: String,
}

/// A column of the table of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The name in the table.
    pub name: String,
    /// The type.
    pub data_type: floe_schema::DataType,
    /// Whether it may be null.
    pub nullable: bool,
}

impl Api {
    /// The columns of a resource's table, without those of child tables.
    pub fn columns(&self, resource: &Resource) -> Vec<Column> {
        let mut columns = Vec::new();
        match &resource.row {
            Shape::Record(index) => self.collect(*index, "", false, 0, &mut columns),
            Shape::Scalar(scalar) => {
                columns.push(Column { name: "value".into(), data_type: scalar.data_type(), nullable: true });
            }
            Shape::Json | Shape::List(_) => {}
        }
        columns
    }

    fn collect(&self, record: usize, prefix: &str, nullable: bool, depth: usize, columns: &mut Vec<Column>) {
        let naming = floe_schema::Naming::snake_case();
        let Some(record) = self.records.get(record).filter(|_| depth < 40) else { return };
        for field in &record.fields {
            let name = naming.path(&field.name);
            let name = if prefix.is_empty() { name } else { format!("{prefix}__{name}") };
            let nullable = nullable || field.nullable;
            match &field.shape {
                Shape::Record(inner) => self.collect(*inner, &name, nullable, depth + 1, columns),
                Shape::List(_) => {}
                Shape::Scalar(scalar) => {
                    columns.push(Column { name, data_type: scalar.data_type(), nullable })
                }
                Shape::Json => {
                    columns.push(Column { name, data_type: floe_schema::DataType::Json, nullable })
                }
            }
        }
    }

    /// The record of a resource's rows.
    pub fn record(&self, resource: &Resource) -> Option<&Record> {
        match resource.row {
            Shape::Record(index) => self.records.get(index),
            _ => None,
        }
    }

    /// Everything as JSON, for other programs.
    pub fn to_json(&self) -> Value {
        json!({
            "title": self.title,
            "version": self.version,
            "base_url": self.base_url,
            "auth": self.auth.iter().map(Auth::to_json).collect::<Vec<_>>(),
            "resources": self.resources.iter().map(|r| self.resource_json(r)).collect::<Vec<_>>(),
            "skipped": self.skipped.iter().map(|s| {
                json!({"path": s.path, "pointer": s.pointer, "reason": s.reason})
            }).collect::<Vec<_>>(),
            "findings": self.findings.iter().map(Finding::to_json).collect::<Vec<_>>(),
        })
    }

    fn resource_json(&self, resource: &Resource) -> Value {
        let columns: Vec<Value> = self
            .columns(resource)
            .into_iter()
            .map(|c| json!({"name": c.name, "data_type": c.data_type.as_str(), "nullable": c.nullable}))
            .collect();
        json!({
            "name": resource.name,
            "table": resource.table,
            "method": resource.method,
            "path": resource.path,
            "operation_id": resource.operation_id,
            "data_path": resource.data_path,
            "is_list": resource.is_list,
            "primary_key": resource.primary_key,
            "write_disposition": resource.write_disposition,
            "paginator": resource.paginator.as_ref().map(|p| {
                json!({"type": p.kind, "params": p.params, "paths": p.paths})
            }),
            "parent": resource.parent.as_ref().map(|p| json!({"resource": p.resource, "bindings": p.bindings})),
            "incremental": resource.incremental.as_ref().map(|i| json!({
                "cursor_path": i.cursor_path,
                "start_param": i.start_param,
                "end_param": i.end_param,
                "format": i.format,
            })),
            "auth": resource.auth,
            "columns": columns,
            "findings": resource.findings.iter().map(Finding::to_json).collect::<Vec<_>>(),
        })
    }
}

impl Auth {
    /// The type in the words of the declarative source.
    pub fn type_name(&self) -> &'static str {
        match self.kind {
            AuthKind::Bearer => "bearer",
            AuthKind::Basic => "http_basic",
            AuthKind::ApiKey { .. } => "api_key",
            AuthKind::ClientCredentials { .. } => "oauth2_client_credentials",
        }
    }

    /// What somebody has to give.
    pub fn secrets(&self) -> &'static [&'static str] {
        match self.kind {
            AuthKind::Bearer => &["token"],
            AuthKind::Basic => &["username", "password"],
            AuthKind::ApiKey { .. } => &["api_key"],
            AuthKind::ClientCredentials { .. } => &["client_id", "client_secret"],
        }
    }

    /// The way to log in as JSON, without secrets.
    pub fn to_json(&self) -> Value {
        let mut map = Map::new();
        map.insert("type".into(), self.type_name().into());
        match &self.kind {
            AuthKind::ApiKey { name, location } => {
                map.insert("name".into(), name.as_str().into());
                map.insert("location".into(), location.as_str().into());
            }
            AuthKind::ClientCredentials { token_url } => {
                map.insert("access_token_url".into(), token_url.as_str().into());
            }
            AuthKind::Bearer | AuthKind::Basic => {}
        }
        map.insert("scheme".into(), self.scheme.as_str().into());
        Value::Object(map)
    }
}

impl Shape {
    /// Whether values can be told apart by equality.
    pub(crate) fn is_scalar(&self) -> bool {
        matches!(self, Self::Scalar(_))
    }

    pub(crate) fn is_time(&self) -> bool {
        matches!(self, Self::Scalar(Scalar::Timestamp | Scalar::Date))
    }
}

impl Auth {
    /// Whether a query or header parameter is the key itself.
    pub(crate) fn is_key(&self, param: &str) -> bool {
        matches!(&self.kind, AuthKind::ApiKey { name, .. } if name.eq_ignore_ascii_case(param))
    }

    /// Whether it was found among the parameters, because the document declares no way to log in.
    pub(crate) fn is_parameter(&self, param: &str) -> bool {
        self.scheme == param
    }
}

impl Resource {
    /// A resource for rows that come from anywhere.
    pub(crate) fn of_rows(name: String, row: Shape, key: Option<(String, Finding)>, pointer: String) -> Self {
        let (key, findings) =
            key.map_or((Vec::new(), Vec::new()), |(key, finding)| (vec![key], vec![finding]));
        Self {
            table: name.clone(),
            method: "",
            path: String::new(),
            operation_id: None,
            description: String::new(),
            group: "rows".into(),
            data_path: "$".into(),
            is_list: true,
            row,
            write_disposition: if key.is_empty() { "append" } else { "merge" },
            primary_key: key,
            paginator: None,
            parent: None,
            include_from_parent: Vec::new(),
            incremental: None,
            auth: Vec::new(),
            required: Vec::new(),
            query: Vec::new(),
            selected: true,
            deprecated: false,
            pointer,
            findings,
            name,
        }
    }
}

impl Api {
    /// Keeps the resources whose name or path fits one of the patterns, in which `*` stands for
    /// anything, and the parents that they need. Parents that were not asked for are not loaded.
    pub fn keep(&mut self, patterns: &[String]) {
        let mut wanted: Vec<bool> = self
            .resources
            .iter()
            .map(|r| patterns.iter().any(|p| fits(p, &r.name) || fits(p, &r.path)))
            .collect();
        let asked = wanted.clone();
        // each round adds parents of what is wanted
        loop {
            let parents: Vec<&str> = self
                .resources
                .iter()
                .zip(&wanted)
                .filter(|(_, wanted)| **wanted)
                .filter_map(|(r, _)| r.parent.as_ref().map(|p| p.resource.as_str()))
                .collect();
            let more: Vec<usize> = (0..wanted.len())
                .filter(|at| wanted.get(*at) == Some(&false))
                .filter(|at| self.resources.get(*at).is_some_and(|r| parents.contains(&r.name.as_str())))
                .collect();
            if more.is_empty() {
                break;
            }
            for at in more {
                if let Some(slot) = wanted.get_mut(at) {
                    *slot = true;
                }
            }
        }
        for (resource, asked) in self.resources.iter_mut().zip(asked) {
            resource.selected &= asked;
        }
        let mut wanted = wanted.into_iter();
        self.resources.retain(|_| wanted.next().unwrap_or(false));
    }
}

/// Whether a text fits a pattern in which `*` stands for anything.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut last = None;
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
        last = Some(part);
    }
    match last {
        None => rest.is_empty(),
        Some("") => true,
        Some(end) => rest.is_empty() || text.ends_with(end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("pets", "pets", true),
            ("pets", "pets2", false),
            ("pet*", "pets", true),
            ("*s", "pets", true),
            ("/v1/*/items", "/v1/a/b/items", true),
            ("*x*", "axb", true),
            ("*x*", "ab", false),
            ("a*b", "ab1b", true),
            ("*", "", true),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }
}
