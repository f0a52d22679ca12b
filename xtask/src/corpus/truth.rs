//! Decisions against facts that people have checked.

use std::collections::BTreeMap;
use std::path::PathBuf;

use floe_codegen::{Document, Limits, inspect};
use serde_json::Value;

use crate::Result;

/// One fact a line: document, path, kind of decision, what is right; several answers are parted by ` or `.
const FACTS: &str = include_str!("../../truth.tsv");

pub(super) fn compare(paths: &[PathBuf]) -> Result<()> {
    let mut scores: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut known: BTreeMap<&str, Value> = BTreeMap::new();
    for line in FACTS.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
        let [spec, path, kind, right] = line.split('\t').collect::<Vec<_>>()[..] else {
            return Err(format!("the fact has not four columns: {line}").into());
        };
        if !known.contains_key(spec) {
            let file = paths.iter().map(|p| p.join(spec)).find(|p| p.is_file());
            let file = file.ok_or_else(|| format!("{spec} is not among the documents"))?;
            known.insert(spec, inspect(&Document::from_path(&file, &Limits::default())?)?.to_json());
        }
        let Some(api) = known.get(spec) else { continue };
        let found = answer(api, path, kind);
        let score = scores.entry(kind).or_default();
        score.1 += 1;
        if right.split(" or ").any(|r| r == found) {
            score.0 += 1;
        } else {
            println!("{spec} {path} {kind}: {found}, right is {right}");
        }
    }
    for (kind, (right, all)) in scores {
        println!("{kind:12} {right:4} of {all:4}  {:.1}%", 100.0 * right as f64 / all as f64);
    }
    Ok(())
}

fn answer(api: &Value, path: &str, kind: &str) -> String {
    let text = |value: &Value| match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if kind == "auth" {
        return text(&api["auth"][0]["type"]);
    }
    let none = Vec::new();
    let resources = api["resources"].as_array().unwrap_or(&none);
    let Some(resource) = resources.iter().find(|r| r["path"] == path) else {
        return "no resource".into();
    };
    match kind {
        "payload" => text(&resource["data_path"]),
        "key" => text(&resource["primary_key"][0]),
        "paginator" => {
            let paginator = &resource["paginator"];
            let mut out = text(&paginator["type"]);
            for key in ["next_url_path", "cursor_path"] {
                if let Some(path) = paginator["paths"][key].as_str() {
                    out.push_str(&format!(" {path}"));
                }
            }
            for key in ["cursor_param", "offset_param", "page_param"] {
                if let Some(param) = paginator["params"][key].as_str() {
                    out.push_str(&format!(" {param}"));
                }
            }
            out
        }
        "parent" => {
            let parent = &resource["parent"]["resource"];
            match resources.iter().find(|r| r["name"] == *parent) {
                Some(found) => text(&found["path"]),
                None => "-".into(),
            }
        }
        "incremental" => {
            let found = &resource["incremental"];
            if found.is_null() {
                "-".into()
            } else {
                format!("{} {}", text(&found["cursor_path"]), text(&found["start_param"]))
            }
        }
        other => format!("unknown kind {other}"),
    }
}
