//! What is on disk about a pipeline.

use std::path::{Path, PathBuf};

use floe_schema::Schema;
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::local::Local;
use crate::error::{Error, ErrorKind, Result};
use crate::package::{Manifest, Stage, Store, read_json, write_synced};
use crate::report::RunReport;
use crate::value::time::iso_text;

const TRACE: &str = "trace.json";

/// What is on disk about a pipeline.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PipelineInfo {
    /// Its name.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Its state document.
    pub state: Json,
    /// Its schemas.
    pub schemas: Vec<Schema>,
    /// The packages on disk.
    pub packages: Vec<PackageInfo>,
    /// What the last run did.
    pub trace: Option<Json>,
}

/// A package on disk.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PackageInfo {
    /// Its load identifier.
    pub load_id: String,
    /// How far it has come: `extracted`, `normalized`, `loaded` or `failed`.
    pub stage: &'static str,
    /// When it was begun.
    pub created_at: String,
    /// Rows by table, as far as it is normalised.
    pub rows: Vec<(String, u64)>,
    /// Bytes of its parts.
    pub bytes: u64,
    /// Why it did not get further.
    pub failure: Option<String>,
    /// Its folder.
    pub folder: PathBuf,
}

impl PipelineInfo {
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let name = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if !folder.is_dir() {
            let known = folder.parent().map(pipeline_names).transpose()?.unwrap_or_default();
            let error = Error::config(format!("there is no pipeline {name} in {}", parent(folder)));
            let names: Vec<&str> = known.iter().map(String::as_str).collect();
            return Err(match crate::nearest(&name, &names) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None if names.is_empty() => error.help("there are no pipelines there; see --pipelines-dir"),
                None => error.help(format!("there are {}", names.join(", "))),
            });
        }
        let local = Local::read(folder)?;
        let store = Store::look(folder);
        let mut packages = Vec::new();
        for stage in Stage::ALL.into_iter().filter(|stage| *stage != Stage::New) {
            for package in store.packages(stage)? {
                packages.push(PackageInfo::new(stage, &package.folder, &package.manifest));
            }
        }
        Ok(Self {
            name,
            folder: folder.to_owned(),
            state: local.state.to_json(),
            schemas: local.schemas.into_values().collect(),
            packages,
            trace: read_json(&folder.join(TRACE))?,
        })
    }
}

fn parent(folder: &Path) -> String {
    folder.parent().map(|p| p.display().to_string()).unwrap_or_default()
}

impl PackageInfo {
    fn new(stage: Stage, folder: &Path, manifest: &Manifest) -> Self {
        let mut rows: Vec<(String, u64)> = Vec::new();
        for part in &manifest.parts {
            match rows.iter_mut().find(|(table, _)| *table == part.table) {
                Some((_, count)) => *count += part.rows,
                None => rows.push((part.table.clone(), part.rows)),
            }
        }
        Self {
            load_id: manifest.load_id.clone(),
            stage: stage.as_str(),
            created_at: iso_text(manifest.created_at),
            rows,
            bytes: manifest.parts.iter().map(|p| p.bytes).sum(),
            failure: manifest.failure.as_ref().map(|f| f.message.clone()),
            folder: folder.to_owned(),
        }
    }
}

pub(super) fn pipeline_names(folder: &Path) -> Result<Vec<String>> {
    let listing = match std::fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("list", folder, error)),
    };
    let mut names = Vec::new();
    for entry in listing {
        let path = entry.map_err(|e| Error::io("list", folder, e))?.path();
        if path.join("packages").is_dir() {
            names.extend(path.file_name().map(|name| name.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    Ok(names)
}

pub(super) fn drop_pending(folder: &Path) -> Result<usize> {
    if !folder.is_dir() {
        return PipelineInfo::read(folder).map(|_| 0);
    }
    let store = Store::open(folder)?;
    let mut dropped = 0;
    for stage in [Stage::Extracted, Stage::Normalized] {
        for package in store.packages(stage)? {
            store.advance(package, Stage::Failed)?;
            dropped += 1;
        }
    }
    Ok(dropped)
}

/// The record of the last run.
pub(super) struct Trace {
    path: PathBuf,
    started: i64,
}

impl Trace {
    pub(super) fn begin(folder: &Path, now: i64) -> Self {
        Self { path: folder.join(TRACE), started: now }
    }

    pub(super) fn end(&self, outcome: &Result<RunReport>, now: i64) -> Result<()> {
        let trace = json!({
            "started_at": iso_text(self.started),
            "finished_at": iso_text(now),
            "report": outcome.as_ref().ok(),
            "error": outcome.as_ref().err().map(Error::to_json),
        });
        let text = serde_json::to_vec_pretty(&trace)
            .map_err(|e| Error::new(ErrorKind::Internal, "cannot write the trace").cause(e))?;
        write_synced(&self.path, &text)
    }
}
