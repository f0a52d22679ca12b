//! State and schemas of a pipeline on this machine.

use std::fs;
use std::path::{Path, PathBuf};

use floe_schema::{Schema, hash};
use indexmap::IndexMap;
use serde_json::json;

use crate::error::{Error, ErrorKind, Result};
use crate::package::{read_json, write_synced};
use crate::state::State;

const STATE: &str = "state.json";
const SCHEMAS: &str = "schemas";
const SUFFIX: &str = ".schema.json";

/// What the pipeline knew after the last load.
#[derive(Debug)]
pub(super) struct Local {
    folder: PathBuf,
    pub(super) state: State,
    pub(super) schemas: IndexMap<String, Schema>,
}

impl Local {
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let state = match read_json(&folder.join(STATE))? {
            Some(document) => State::from_json(document)?,
            None => State::new(),
        };
        let mut local = Self { folder: folder.to_owned(), state, schemas: IndexMap::new() };
        for path in local.schema_files()? {
            if let Some(document) = read_json(&path)? {
                let damaged = |e| {
                    Error::new(ErrorKind::Package, format!("{} is damaged", path.display()))
                        .cause(e)
                        .help("remove the file; the schema is restored from the destination")
                };
                let schema = Schema::from_json(document).map_err(damaged)?;
                local.schemas.insert(schema.name.clone(), schema);
            }
        }
        Ok(local)
    }

    fn schema_files(&self) -> Result<Vec<PathBuf>> {
        let folder = self.folder.join(SCHEMAS);
        let listing = match fs::read_dir(&folder) {
            Ok(listing) => listing,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::io("list", &folder, error)),
        };
        let mut files = Vec::new();
        for entry in listing {
            let path = entry.map_err(|e| Error::io("list", &folder, e))?.path();
            if path.to_string_lossy().ends_with(SUFFIX) {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }

    /// Whether there is anything to lose.
    pub(super) fn is_empty(&self) -> bool {
        self.schemas.is_empty() && self.state == State::new()
    }

    /// Takes over state and schema of a package that was loaded.
    pub(super) fn advance(&mut self, state: State, schema: Schema) -> Result<()> {
        self.state = state;
        self.schemas.insert(schema.name.clone(), schema);
        self.write()
    }

    pub(super) fn write(&self) -> Result<()> {
        let schemas = self.folder.join(SCHEMAS);
        fs::create_dir_all(&schemas).map_err(|e| Error::io("create", &schemas, e))?;
        for schema in self.schemas.values() {
            let text = hash::compact_json(&schema.to_json());
            write_synced(&schemas.join(format!("{}{SUFFIX}", schema.name)), text.as_bytes())?;
        }
        // last, because it names the schemas
        let state = hash::compact_json(&self.state.to_json());
        write_synced(&self.folder.join(STATE), state.as_bytes())
    }

    /// Forgets everything.
    pub(super) fn wipe(&mut self) -> Result<()> {
        self.state = State::new();
        self.schemas.clear();
        let mut files = self.schema_files()?;
        files.push(self.folder.join(STATE));
        for path in files {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::io("remove", &path, error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The state of a run before anything is extracted.
pub(super) fn begin(known: &State, names: &Names<'_>) -> State {
    let mut state = known.clone();
    state.set("pipeline_name", names.pipeline);
    state.set("dataset_name", names.dataset);
    state.set("destination_type", names.destination_type);
    if state.get("destination_name").is_none() {
        state.set("destination_name", json!(null));
    }
    if state.version_hash().is_none() {
        // a pipeline has a state before it has a schema
        state.bump();
    }
    if state.get("default_schema_name").is_none_or(|name| name.is_null()) {
        state.set("default_schema_name", names.schema);
    }
    let mut schemas = state.schema_names();
    if !schemas.iter().any(|name| name == names.schema) {
        schemas.push(names.schema.to_owned());
    }
    state.set("schema_names", schemas);
    state
}

/// What the state says about the pipeline.
pub(super) struct Names<'n> {
    pub(super) pipeline: &'n str,
    pub(super) dataset: &'n str,
    pub(super) schema: &'n str,
    pub(super) destination_type: &'n str,
}
