//! Decisions against those that dlt-init-openapi made of the same documents.

use std::collections::BTreeMap;
use std::path::Path;

use floe_codegen::{Document, Limits, inspect};
use serde_json::Value;

use crate::Result;

/// Says of each kind of decision how often both agree, and lists what differs.
/// The folder has `peer-detections.jsonl` and the documents under `peer-specs`.
pub(super) fn compare(folder: &Path) -> Result<()> {
    let recorded = std::fs::read_to_string(folder.join("peer-detections.jsonl"))?;
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for line in recorded.lines().filter(|line| !line.trim().is_empty()) {
        let peer: Value = serde_json::from_str(line)?;
        let spec = peer["spec"].as_str().unwrap_or_default();
        let found = Document::from_path(&folder.join("peer-specs").join(spec), &Limits::default())
            .and_then(|document| inspect(&document));
        let found = match found {
            Ok(api) => api.to_json(),
            Err(error) => {
                let both = if peer["ok"] == true { "only the peer reads it" } else { "refused by both" };
                println!("{spec}: {both}: {}", error.message());
                *counts.entry(("document", both)).or_default() += 1;
                continue;
            }
        };
        let read = if peer["ok"] == true { "read by both" } else { "only floe reads it" };
        *counts.entry(("document", read)).or_default() += 1;
        for (place, kind, theirs, ours) in pairs(&peer, &found) {
            let how = judge(&theirs, &ours);
            *counts.entry((kind, how)).or_default() += 1;
            if how != "same" {
                println!("{spec} {place} {kind}: {theirs} there, {ours} here");
            }
        }
    }
    println!();
    for ((kind, how), count) in counts {
        println!("{kind:10} {how:24} {count:5}");
    }
    Ok(())
}

/// Nothing and `auto` leave it to the run, or to the user.
fn judge(theirs: &str, ours: &str) -> &'static str {
    match (theirs, ours) {
        _ if theirs == ours => "same",
        ("-" | "auto", _) => "only floe decides",
        (_, "-" | "single_page") => "only the peer decides",
        _ => "different",
    }
}

type Pair = (String, &'static str, String, String);

fn pairs(peer: &Value, found: &Value) -> Vec<Pair> {
    let mut out = Vec::new();
    if peer["ok"] == true {
        out.push((String::new(), "auth", text(&peer["auth"]["type"]), text(&found["auth"][0]["type"])));
    }
    let none = Vec::new();
    let theirs = peer["resources"].as_array().unwrap_or(&none);
    let ours = found["resources"].as_array().unwrap_or(&none);
    let path_of = |list: &[Value], name: &Value| {
        list.iter().find(|r| r["name"] == *name).map_or_else(|| "-".to_owned(), |r| text(&r["path"]))
    };
    for their in theirs {
        let place = text(&their["path"]);
        let Some(our) = ours.iter().find(|r| r["path"] == their["path"]) else {
            out.push((place, "resource", "there".into(), "-".into()));
            continue;
        };
        out.push((place.clone(), "payload", text(&their["data_selector"]), text(&our["data_path"])));
        out.push((place.clone(), "key", text(&their["primary_key"]), text(&our["primary_key"][0])));
        // pages of what is one row mean nothing
        if our["is_list"] == true {
            out.push((
                place.clone(),
                "paginator",
                pages(&their["effective_paginator"]),
                pages(&our["paginator"]),
            ));
        }
        let first =
            |parent: &Value| parent.as_object().and_then(|p| p.values().next()).cloned().unwrap_or_default();
        let their_parent = path_of(theirs, &first(&their["parent"])["resource"]);
        out.push((place, "parent", their_parent, path_of(ours, &our["parent"]["resource"])));
    }
    out
}

/// A paginator by its type and the names of its parameters.
fn pages(paginator: &Value) -> String {
    let kind = match paginator["type"].as_str() {
        Some("json_response") => "json_link".to_owned(),
        Some(kind) => kind.to_owned(),
        None => return text(paginator),
    };
    ["offset_param", "page_param", "cursor_param", "cursor_path", "next_url_path"].iter().fold(
        kind,
        |out, key| {
            let value = [&paginator[key], &paginator["params"][key], &paginator["paths"][key]];
            match value.into_iter().find_map(Value::as_str) {
                Some(value) => format!("{out} {value}"),
                None => out,
            }
        },
    )
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
