//! State and schemas come back from the destination where this machine does not have them.

use floe_schema::Schema;

use super::local::Local;
use crate::destination::Dataset;
use crate::error::{Error, ErrorKind, Result, Step};
use crate::state::{LAST_EXTRACTED_HASH, State};

/// Brings the local state up to date with the destination. Returns warnings.
pub(super) fn sync(
    local: &mut Local,
    dataset: &mut dyn Dataset,
    pipeline: &str,
    dataset_name: &str,
) -> Result<Vec<String>> {
    let at_sync = |e: Error| e.step(Step::Sync);
    if !dataset.exists().map_err(at_sync)? {
        if !local.is_empty() {
            local.wipe()?;
        }
        return Ok(Vec::new());
    }
    let stored = dataset.stored_state(pipeline).map_err(at_sync)?;
    let remote = stored.map(|stored| State::decode(&stored.state)).transpose().map_err(at_sync)?;
    let newer = remote.filter(|remote| {
        remote.version() >= local.state.version() && remote.version_hash() != local.state.version_hash()
    });
    let mut warnings = Vec::new();
    let mut changed = false;
    match newer {
        Some(mut state) => {
            changed = true;
            let text = |key: &str| state.get(key).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
            if text("dataset_name") != dataset_name {
                warnings.push(format!(
                    "the state was restored from a dataset that was called {} when it was stored",
                    text("dataset_name")
                ));
            }
            let hash = state.version_hash().unwrap_or_default().to_owned();
            state.put_local(local.state.take_local());
            state.set_local(LAST_EXTRACTED_HASH, hash);
            local.state = state;
            local.schemas.clear();
        }
        None if local.is_empty() => return Ok(warnings),
        None => {}
    }
    changed |= restore_schemas(local, dataset).map_err(at_sync)?;
    if changed {
        local.write()?;
    }
    Ok(warnings)
}

/// Fetches the schemas that the state names and that are missing.
fn restore_schemas(local: &mut Local, dataset: &mut dyn Dataset) -> Result<bool> {
    let mut changed = false;
    for name in local.state.schema_names() {
        if local.schemas.contains_key(&name) {
            continue;
        }
        let Some(document) = dataset.stored_schema(&name)? else { continue };
        local.schemas.insert(name.clone(), read_schema(&name, &document)?);
        changed = true;
    }
    Ok(changed)
}

/// Reads a stored document, which may be compressed.
pub(super) fn read_schema(name: &str, text: &str) -> Result<Schema> {
    let damaged = |why: String| {
        Error::new(ErrorKind::Schema, format!("the stored schema {name} cannot be used: {why}"))
    };
    let json =
        if text.trim_start().starts_with('{') { text.to_owned() } else { crate::state::decompress(text)? };
    let mut schema = Schema::from_json_text(&json).map_err(|e| damaged(e.to_string()))?;
    schema.apply_defaults();
    schema.add_bookkeeping_tables();
    Ok(schema)
}
