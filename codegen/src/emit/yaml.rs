//! The declarative document: the words are those of dlt's REST API source.

use serde_json::{Map, Value, json};

use crate::api::{Api, Auth, AuthKind, Incremental, Paginator, Resource};

/// The document as a value.
pub(crate) fn document(api: &Api) -> Value {
    let mut client = Map::new();
    client.insert("base_url".into(), harmless(&api.base_url));
    if let Some(auth) = api.auth.first() {
        client.insert("auth".into(), login(auth));
    }
    let resources: Vec<Value> = api.resources.iter().map(resource).collect();
    json!({"client": client, "resources": resources})
}

/// The document as YAML.
pub(crate) fn text(api: &Api) -> String {
    let mut out = format!("# {}\n# Secrets come from the environment.\n", super::HEADER);
    block(&mut out, &document(api), 0);
    out
}

/// `${NAME}` stands for a variable of the environment, which no document may ask for.
fn harmless(text: &str) -> Value {
    Value::String(text.replace("${", "$%7B"))
}

/// A brace in a fixed value is no placeholder.
fn fixed(value: &Value) -> Value {
    match value {
        Value::String(text) => harmless(&text.replace('{', "{{").replace('}', "}}")),
        other => other.clone(),
    }
}

fn login(auth: &Auth) -> Value {
    let mut map = Map::new();
    map.insert("type".into(), auth.type_name().into());
    match &auth.kind {
        AuthKind::ApiKey { name, location } => {
            map.insert("name".into(), harmless(name));
            map.insert("location".into(), harmless(location));
        }
        AuthKind::ClientCredentials { token_url } => {
            map.insert("access_token_url".into(), harmless(token_url));
        }
        AuthKind::Bearer | AuthKind::Basic => {}
    }
    for secret in auth.secrets() {
        map.insert((*secret).into(), format!("${{{}}}", secret.to_uppercase()).into());
    }
    Value::Object(map)
}

fn resource(resource: &Resource) -> Value {
    let mut map = Map::new();
    map.insert("name".into(), harmless(&resource.name));
    if resource.table != resource.name {
        map.insert("table_name".into(), harmless(&resource.table));
    }
    match resource.primary_key.as_slice() {
        [] => {}
        [one] => {
            map.insert("primary_key".into(), harmless(one));
        }
        several => {
            map.insert("primary_key".into(), several.iter().map(|k| harmless(k)).collect());
        }
    }
    map.insert("write_disposition".into(), resource.write_disposition.into());
    if !resource.include_from_parent.is_empty() {
        let fields = resource.include_from_parent.iter().map(|f| harmless(f)).collect();
        // the fields that this resource's children need are its own parent's
        map.insert("include_from_parent".into(), fields);
    }
    if !resource.selected {
        map.insert("selected".into(), false.into());
    }
    map.insert("endpoint".into(), endpoint(resource));
    Value::Object(map)
}

fn endpoint(resource: &Resource) -> Value {
    let mut map = Map::new();
    let path = resource.path.split('#').next().unwrap_or_default();
    map.insert("path".into(), harmless(path));
    let mut params = Map::new();
    for (name, value) in &resource.query {
        params.insert(name.replace("${", "$%7B"), fixed(value));
    }
    if let Some((name, size)) = resource.paginator.as_ref().and_then(|p| p.page_size.as_ref()) {
        params.insert(name.replace("${", "$%7B"), (*size).into());
    }
    for required in &resource.required {
        // the prefix keeps documents from asking for any variable of the environment
        let name = crate::words::snake(&required.name).to_uppercase();
        let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        params.insert(required.name.replace("${", "$%7B"), format!("${{PARAM_{name}}}").into());
    }
    if let Some(parent) = &resource.parent {
        for (param, field) in &parent.bindings {
            params.insert(
                param.replace("${", "$%7B"),
                json!({"type": "resolve", "resource": harmless(&parent.resource), "field": harmless(field)}),
            );
        }
    }
    if !params.is_empty() {
        map.insert("params".into(), Value::Object(params));
    }
    map.insert("data_selector".into(), harmless(&resource.data_path));
    if let Some(found) = &resource.paginator {
        map.insert("paginator".into(), paginator(found));
    }
    if let Some(found) = &resource.incremental {
        map.insert("incremental".into(), incremental(found));
    }
    Value::Object(map)
}

fn paginator(paginator: &Paginator) -> Value {
    let mut map = Map::new();
    map.insert("type".into(), paginator.kind.into());
    for (name, value) in &paginator.params {
        map.insert(
            (*name).into(),
            match value {
                Value::String(text) => harmless(text),
                other => other.clone(),
            },
        );
    }
    for (name, path) in &paginator.paths {
        map.insert((*name).into(), harmless(path));
    }
    // the default is a field called total, which is an error where there is none
    if matches!(paginator.kind, "offset" | "page_number") {
        map.entry("total_path").or_insert(Value::Null);
    }
    Value::Object(map)
}

fn incremental(incremental: &Incremental) -> Value {
    let mut map = Map::new();
    map.insert("cursor_path".into(), harmless(&incremental.cursor_path));
    map.insert("start_param".into(), harmless(&incremental.start_param));
    if let Some(end) = &incremental.end_param {
        map.insert("end_param".into(), harmless(end));
    }
    Value::Object(map)
}

/// Block style; texts are quoted as in JSON, which YAML reads as the same text.
fn block(out: &mut String, value: &Value, indent: usize) {
    let pad = "  ".repeat(indent);
    match value {
        Value::Object(map) => {
            for (key, item) in map {
                out.push_str(&format!("{pad}{}:", word(key)));
                nested(out, item, indent);
            }
        }
        Value::Array(items) => {
            for item in items {
                let mut inner = String::new();
                block(&mut inner, item, indent + 1);
                let start = "  ".repeat(indent + 1);
                match item {
                    Value::Object(map) if !map.is_empty() => {
                        out.push_str(&format!("{pad}- {}", inner.strip_prefix(&start).unwrap_or(&inner)));
                    }
                    _ => out.push_str(&format!("{pad}- {}\n", scalar(item))),
                }
            }
        }
        other => out.push_str(&format!("{pad}{}\n", scalar(other))),
    }
}

fn nested(out: &mut String, item: &Value, indent: usize) {
    match item {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            block(out, item, indent + 1);
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            out.push('\n');
            block(out, item, indent);
        }
        other => out.push_str(&format!(" {}\n", scalar(other))),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => word(text),
        Value::Array(items) => format!("[{}]", items.iter().map(scalar).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// Words that no reader takes for anything else stand as they are.
fn word(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
        && !["null", "true", "false", "yes", "no", "on", "off", "y", "n"]
            .contains(&text.to_ascii_lowercase().as_str());
    if plain { text.to_owned() } else { Value::String(text.to_owned()).to_string() }
}
