//! Whose rows fill the path of an operation.

use std::collections::HashMap;

use indexmap::IndexMap;

use super::key::asks_by;
use super::payload::last_word;
use crate::api::{Parent, Resource};
use crate::finding::{Confidence, Finding};
use crate::operation::placeholders;
use crate::shape::{Record, Scalar, Shape};
use crate::words::{plain, same, singular, snake};

/// Chains of parents that are followed.
const MAX_CHAIN: usize = 4;

/// Sets parents of all resources. Parents must be lists whose own paths can be filled.
pub(crate) fn detect(resources: &mut [Resource], records: &[Record]) {
    let mut lists: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, resource) in resources.iter().enumerate().filter(|(_, r)| r.is_list) {
        lists.entry(normal(&resource.path)).or_default().push(at);
        // `/invoice/{id}` belongs to `/invoices`
        lists.entry(singular_end(&resource.path)).or_default().push(at);
    }
    let mut by_word: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, resource) in resources.iter().enumerate().filter(|(_, r)| r.is_list && is_root(&r.path)) {
        by_word.entry(plain(&singular(&snake(last_word(&resource.path))))).or_default().push(at);
    }
    // the plainest first
    for found in lists.values_mut().chain(by_word.values_mut()) {
        found.sort_by_key(|at| resources.get(*at).map_or(0, |r| r.path.len()));
    }
    let mut order: Vec<usize> = (0..resources.len()).collect();
    order.sort_by_key(|at| resources.get(*at).map_or(0, |r| placeholders(&r.path).len()));
    for at in order {
        let Some(found) = resources.get(at).and_then(|r| find(at, r, resources, records, &lists, &by_word))
        else {
            continue;
        };
        let (parent_at, parent, handed_down, finding) = found;
        if let Some(resource) = resources.get_mut(at) {
            resource.required.retain(|r| !r.in_path || !parent.bindings.contains_key(&r.name));
            resource.parent = Some(parent);
            resource.findings.push(finding);
        }
        if let Some(resource) = resources.get_mut(parent_at) {
            for field in handed_down {
                if !resource.include_from_parent.contains(&field) {
                    resource.include_from_parent.push(field);
                }
            }
        }
    }
}

type Found = (usize, Parent, Vec<String>, Finding);

fn find(
    at: usize,
    resource: &Resource,
    resources: &[Resource],
    records: &[Record],
    lists: &HashMap<String, Vec<usize>>,
    by_word: &HashMap<String, Vec<usize>>,
) -> Option<Found> {
    let params = placeholders(&resource.path);
    let last = *params.last()?;
    let before = resource.path.split(&format!("{{{last}}}")).next()?;
    let mut candidates: Vec<(usize, &str)> = Vec::new();
    // only a whole step can be filled by a row of what stands before it
    if before.ends_with('/') {
        for key in [normal(before), singular_end(before)] {
            candidates.extend(lists.get(&key).into_iter().flatten().map(|i| (*i, "path")));
        }
    }
    if params.len() == 1 {
        let stem = stem_of(last);
        let named = by_word.get(&plain(&stem)).into_iter().flatten();
        let alike =
            named.filter(|i| resources.get(**i).is_some_and(|r| same(last_word(before), last_word(&r.path))));
        candidates.extend(alike.map(|i| (*i, "name")));
    }
    for (candidate, by) in candidates {
        let Some(parent) = resources.get(candidate).filter(|_| candidate != at) else { continue };
        // a list that has to be told which rows to give cannot tell them
        if chain(candidate, resources, at)
            || parent.required.iter().any(|r| !r.in_path && plain(&r.name).ends_with("ids"))
        {
            continue;
        }
        if let Some((bindings, handed_down)) = bind(&params, last, resource, parent, resources, records) {
            let evidence = match by {
                "path" => format!("`{}` lists what `{{{last}}}` asks for", parent.path),
                _ => format!("`{{{last}}}` is named after `{}`", parent.path),
            };
            let confidence = if by == "path" { Confidence::High } else { Confidence::Medium };
            let finding = Finding::new("parent", format!("`{}`", parent.name), confidence).because(evidence);
            return Some((
                candidate,
                Parent { resource: parent.name.clone(), bindings },
                handed_down,
                finding,
            ));
        }
    }
    None
}

/// Whether following parents from one resource leads to another, or too far.
fn chain(from: usize, resources: &[Resource], to: usize) -> bool {
    let mut at = from;
    for _ in 0..MAX_CHAIN {
        if at == to {
            return true;
        }
        let Some(parent) = resources.get(at).and_then(|r| r.parent.as_ref()) else { return false };
        let Some(next) = resources.iter().position(|r| r.name == parent.resource) else { return false };
        at = next;
    }
    true
}

/// Which field of the parent's rows fills which parameter.
fn bind(
    params: &[&str],
    last: &str,
    child: &Resource,
    parent: &Resource,
    resources: &[Resource],
    records: &[Record],
) -> Option<(IndexMap<String, String>, Vec<String>)> {
    let mut bindings = IndexMap::new();
    let mut handed_down = Vec::new();
    let record = match parent.row {
        Shape::Record(index) => records.get(index),
        _ => None,
    };
    for param in params {
        let inherited = || {
            let grand = parent.parent.as_ref()?;
            let field = grand.bindings.get(*param)?;
            let grand_name = &resources.iter().find(|r| r.name == grand.resource)?.name;
            // dlt names fields that come from the parent like this
            Some((format!("_{grand_name}_{field}"), field.clone()))
        };
        if *param == last {
            bindings.insert((*param).to_owned(), field_for(param, child, parent, record?)?);
        } else if let Some((name, field)) = inherited() {
            bindings.insert((*param).to_owned(), name);
            if !handed_down.contains(&field) {
                handed_down.push(field);
            }
        } else if !child.required.iter().any(|r| r.name == *param) {
            return None;
        }
    }
    Some((bindings, handed_down))
}

fn field_for(param: &str, child: &Resource, parent: &Resource, record: &Record) -> Option<String> {
    let scalar = |name: &str| {
        record
            .fields
            .iter()
            .find(|f| f.name == name && matches!(f.shape, Shape::Scalar(_) | Shape::Json))
            .map(|f| f.name.clone())
    };
    if let Some(field) =
        record.fields.iter().find(|f| plain(&f.name) == plain(param) && (f.shape.is_scalar() || !f.typed))
    {
        return Some(field.name.clone());
    }
    let word = last_word(&parent.path);
    // an address identifies a row and is no step of a path
    let key = parent.primary_key.as_slice();
    let key = if key.first().is_some_and(|k| plain(k) == "uri") { &[] } else { key };
    if let [key] = key {
        let ends_alike = |end: &str| plain(param).ends_with(end);
        if asks_by(param, key, word)
            || asks_by(param, key, &record.name)
            || ["id", "uuid", "guid", "gid", "sid"].iter().any(|e| ends_alike(e))
        {
            return scalar(key);
        }
    }
    // `{owner}/{repo}`, `{username}`, `{project}`: by a name or a code
    let stem = stem_of(param);
    for field in &record.fields {
        if field.shape.is_scalar() && asks_by(param, &field.name, word) {
            return Some(field.name.clone());
        }
    }
    // a text that is no id asks by name where ids are numbers
    let numbers = matches!(parent.primary_key.as_slice(), [key] if record.fields.iter().any(|f| f.name == *key && f.shape == Shape::Scalar(Scalar::Integer)));
    if numbers && child.required.iter().any(|r| r.name == param && r.is_text) && !plain(param).ends_with("id")
    {
        for name in ["slug", "name", "login", "code", "key"] {
            if let Some(field) = record
                .fields
                .iter()
                .find(|f| plain(&f.name) == name && f.shape == Shape::Scalar(Scalar::Text))
            {
                return Some(field.name.clone());
            }
        }
    }
    let about_it = same(&stem, word) || same(&stem, &record.name) || same(param, word);
    let generic = ["id", "key", "identifier", "name", "slug", "code"].contains(&plain(param).as_str());
    if about_it
        || generic
        || child.path.starts_with(parent.path.trim_end_matches('/')) && plain(param).ends_with("id")
    {
        if let [key] = key {
            return scalar(key);
        }
        for name in ["id", "name", "key", "slug", "code"] {
            if name == "name" && plain(param).ends_with("id") {
                continue;
            }
            if let Some(field) = record.fields.iter().find(|f| plain(&f.name) == name && f.shape.is_scalar())
            {
                return Some(field.name.clone());
            }
        }
    }
    None
}

/// `user` of `userId`, `user-id`, `user_name`.
fn stem_of(param: &str) -> String {
    let name = snake(param);
    // `project_id_or_key` asks for a project by either
    let name = name.split("_or_").next().unwrap_or_default();
    for end in [
        "_id",
        "_ids",
        "_uuid",
        "_guid",
        "_gid",
        "_sid",
        "_key",
        "_slug",
        "_name",
        "_code",
        "_number",
        "_or_id",
        "_id_or_name",
        "_identifier",
    ] {
        if let Some(stem) = name.strip_suffix(end).filter(|s| !s.is_empty()) {
            return singular(stem);
        }
    }
    singular(name)
}

/// Whether a path is one step, besides versions: `/v1/users`.
fn is_root(path: &str) -> bool {
    let steps = path
        .split('/')
        .filter(|s| !s.is_empty() && !s.eq_ignore_ascii_case("api") && !super::names::is_version(s));
    placeholders(path).is_empty() && steps.count() == 1
}

/// A path whose parameters have no names and that does not end in a slash.
fn normal(path: &str) -> String {
    let mut out = String::new();
    for part in path.split('/').filter(|p| !p.is_empty()) {
        out.push('/');
        if part.starts_with('{') && part.ends_with('}') {
            out.push_str("{}")
        } else {
            out.push_str(&part.to_lowercase())
        }
    }
    let out = out.strip_suffix(".json").map(str::to_owned).unwrap_or(out);
    out.strip_suffix("/list").or_else(|| out.strip_suffix("/all")).map(str::to_owned).unwrap_or(out)
}

fn singular_end(path: &str) -> String {
    let path = normal(path);
    match path.rsplit_once('/') {
        Some((head, tail)) if tail != "{}" => format!("{head}/{}", singular(&snake(tail))),
        _ => path,
    }
}
