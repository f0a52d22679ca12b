//! `floe.overlay.yaml`: corrections of what was found, which survive generating again.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::api::{Api, Incremental, Paginator, Parent, Resource};
use crate::error::{Error, Result};
use crate::read::Limits;

/// Corrections by resource.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overlay {
    resources: Map<String, Value>,
}

const KINDS: &[&str] =
    &["header_link", "json_link", "offset", "page_number", "cursor", "header_cursor", "single_page"];
const PARAMS: &[&str] = &[
    "links_next_key",
    "limit",
    "offset",
    "offset_param",
    "limit_param",
    "base_page",
    "page_param",
    "cursor_param",
    "cursor_key",
];
const PATHS: &[&str] = &["next_url_path", "cursor_path", "total_path", "has_more_path"];
const KEYS: &[&str] = &[
    "name",
    "table",
    "data_path",
    "primary_key",
    "write_disposition",
    "selected",
    "incremental",
    "paginator",
    "parent",
    "skip",
];

impl Overlay {
    /// Reads an overlay in YAML or JSON; `name` is for messages.
    pub fn read(name: &str, text: &[u8]) -> Result<Self> {
        let value = crate::read::parse(name, text, &Limits { bytes: 16 << 20, ..Limits::default() })?;
        let resources = match value.get("resources") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(map)) => map.clone(),
            Some(_) => return Err(wrong(name, "resources", "an object")),
        };
        for (resource, entry) in &resources {
            let Some(map) = entry.as_object() else { return Err(wrong(name, resource, "an object")) };
            if let Some(unknown) = map.keys().find(|k| !KEYS.contains(&k.as_str())) {
                return Err(Error::new(format!("`{unknown}` cannot be corrected"))
                    .at(format!("{name}: resources.{resource}"))
                    .help(format!("there are {}", KEYS.join(", "))));
            }
        }
        Ok(Self { resources })
    }

    /// Corrects what was found. A correction for a resource that is not there is an error.
    pub fn apply(&self, api: &mut Api) -> Result<()> {
        for (name, entry) in &self.resources {
            let Some(at) = api.resources.iter().position(|r| r.name == *name || r.path == *name) else {
                return Err(Error::new(format!("there is no resource `{name}`"))
                    .at("floe.overlay.yaml")
                    .help("`floe inspect` lists names and paths"));
            };
            if entry.get("skip") == Some(&Value::Bool(true)) {
                let gone = api.resources.remove(at);
                forget(api, &gone.name);
                continue;
            }
            let old = api.resources.get(at).map(|r| r.name.clone()).unwrap_or_default();
            if let Some(resource) = api.resources.get_mut(at) {
                correct(resource, entry)?;
                let new = resource.name.clone();
                rename(api, &old, &new)?;
            }
        }
        Ok(())
    }
}

fn wrong(name: &str, place: &str, expected: &str) -> Error {
    Error::new(format!("`{place}` must be {expected}")).at(name)
}

/// Children of a resource that is gone have to be told its values.
fn forget(api: &mut Api, name: &str) {
    for resource in &mut api.resources {
        if let Some(parent) = resource.parent.take_if(|p| p.resource == name) {
            resource.selected = false;
            for param in parent.bindings.into_keys() {
                resource.required.push(crate::api::Required {
                    name: param,
                    in_path: true,
                    is_text: true,
                    description: String::new(),
                });
            }
        }
    }
}

fn rename(api: &mut Api, old: &str, new: &str) -> Result<()> {
    if old == new {
        return Ok(());
    }
    if api.resources.iter().filter(|r| r.name == new).count() > 1 {
        return Err(Error::new(format!("two resources are called `{new}`")).at("floe.overlay.yaml"));
    }
    for parent in api.resources.iter_mut().filter_map(|r| r.parent.as_mut()).filter(|p| p.resource == old) {
        parent.resource = new.to_owned();
    }
    Ok(())
}

fn correct(resource: &mut Resource, entry: &Value) -> Result<()> {
    let place = format!("resources.{}", resource.name);
    let text = |key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
    if let Some(name) = text("name") {
        resource.name = name;
    }
    if let Some(table) = text("table") {
        resource.table = table;
    }
    if let Some(path) = text("data_path") {
        resource.data_path = path;
    }
    match entry.get("primary_key") {
        Some(Value::String(one)) => resource.primary_key = vec![one.clone()],
        Some(Value::Array(several)) => {
            resource.primary_key = several.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        _ => {}
    }
    if let Some(write) = text("write_disposition") {
        resource.write_disposition = match write.as_str() {
            "append" => "append",
            "replace" => "replace",
            "merge" => "merge",
            _ => {
                return Err(wrong(
                    "floe.overlay.yaml",
                    &format!("{place}.write_disposition"),
                    "append, replace or merge",
                ));
            }
        };
    }
    if let Some(selected) = entry.get("selected").and_then(Value::as_bool) {
        resource.selected = selected;
    }
    match entry.get("paginator") {
        Some(Value::Null) => resource.paginator = None,
        Some(value) => resource.paginator = Some(paginator(value, &place)?),
        None => {}
    }
    match entry.get("incremental") {
        Some(Value::Null) => resource.incremental = None,
        Some(value) => resource.incremental = Some(incremental(value, &place)?),
        None => {}
    }
    match entry.get("parent") {
        Some(Value::Null) => resource.parent = None,
        Some(value) => {
            let parent = parent(value, &place)?;
            resource.required.retain(|r| !parent.bindings.contains_key(&r.name));
            resource.selected = resource.required.is_empty();
            resource.parent = Some(parent);
        }
        None => {}
    }
    Ok(())
}

fn paginator(value: &Value, place: &str) -> Result<Paginator> {
    let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
    let Some(kind) = KINDS.iter().find(|k| **k == kind) else {
        return Err(wrong(
            "floe.overlay.yaml",
            &format!("{place}.paginator.type"),
            &format!("one of {}", KINDS.join(", ")),
        ));
    };
    let mut found = Paginator { kind, params: IndexMap::new(), paths: IndexMap::new(), page_size: None };
    for (key, item) in value.as_object().into_iter().flatten().filter(|(k, _)| *k != "type") {
        if let Some(param) = PARAMS.iter().find(|p| *p == key) {
            found.params.insert(param, item.clone());
        } else if let (Some(path), Some(text)) = (PATHS.iter().find(|p| *p == key), item.as_str()) {
            found.paths.insert(path, text.to_owned());
        } else {
            return Err(Error::new(format!("`{key}` is nothing that a paginator has"))
                .at(format!("floe.overlay.yaml: {place}.paginator")));
        }
    }
    Ok(found)
}

fn incremental(value: &Value, place: &str) -> Result<Incremental> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let missing = |key: &str| wrong("floe.overlay.yaml", &format!("{place}.incremental.{key}"), "a text");
    Ok(Incremental {
        cursor_path: text("cursor_path").ok_or_else(|| missing("cursor_path"))?,
        start_param: text("start_param").ok_or_else(|| missing("start_param"))?,
        end_param: text("end_param"),
        format: match text("format").as_deref() {
            None | Some("iso") => "iso",
            Some("date") => "date",
            Some("unix") => "unix",
            Some("unix_ms") => "unix_ms",
            Some(_) => {
                return Err(wrong(
                    "floe.overlay.yaml",
                    &format!("{place}.incremental.format"),
                    "iso, date, unix or unix_ms",
                ));
            }
        },
    })
}

fn parent(value: &Value, place: &str) -> Result<Parent> {
    let resource = value.get("resource").and_then(Value::as_str);
    let bindings = value.get("bindings").and_then(Value::as_object);
    let (Some(resource), Some(bindings)) = (resource, bindings) else {
        return Err(wrong(
            "floe.overlay.yaml",
            &format!("{place}.parent"),
            "an object with `resource` and `bindings`",
        ));
    };
    let bindings = bindings.iter().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect();
    Ok(Parent { resource: resource.to_owned(), bindings })
}
