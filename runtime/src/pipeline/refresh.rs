//! Starting over: tables and state are given up before new data is loaded.

use std::str::FromStr;

use floe_schema::{Schema, Table, is_internal};

use super::run::{Job, Run};
use crate::error::{Error, Result};
use crate::package::Manifest;
use crate::state::State;

/// What is forgotten before new data is loaded. Cursors start anew in all modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresh {
    /// All tables of the schema are dropped, and all state of the source.
    DropSources,
    /// The tables of the resources of the run are dropped, and their state.
    DropResources,
    /// The tables of the resources of the run lose their rows, and the resources their state.
    DropData,
}

impl FromStr for Refresh {
    type Err = Error;

    /// ```
    /// use floe::Refresh;
    /// assert_eq!("drop_data".parse::<Refresh>()?, Refresh::DropData);
    /// # Ok::<(), floe::Error>(())
    /// ```
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "drop_sources" => Ok(Self::DropSources),
            "drop_resources" => Ok(Self::DropResources),
            "drop_data" => Ok(Self::DropData),
            other => Err(Error::config(format!("`{other}` is no way to refresh"))
                .help("it is one of drop_data, drop_resources and drop_sources")),
        }
    }
}

impl Run<'_> {
    /// Forgets what the run asks for. There is nothing to forget while the schema is not known.
    pub(super) fn refresh(
        &self,
        stored: &Schema,
        base: &mut Schema,
        state: &mut State,
        job: &Job,
        manifest: &mut Manifest,
    ) -> Result<()> {
        let Some(refresh) = self.pipeline.refresh else { return Ok(()) };
        let all = refresh == Refresh::DropSources;
        if !all {
            check_known(stored, &job.forgotten)?;
        }
        let loaded = job.resources.iter().map(|resource| resource.name());
        let names: Vec<&str> = loaded.chain(job.forgotten.iter().map(String::as_str)).collect();
        let roots = resource_tables(stored).filter(|(resource, _)| all || names.contains(resource));
        let tables: Vec<&Table> = roots.flat_map(|(_, root)| stored.chain(&root.name)).collect();
        let with_rows = tables.iter().filter(|t| t.seen_data()).rev().map(|t| t.name.clone()).collect();
        match refresh {
            Refresh::DropData => manifest.emptied = with_rows,
            Refresh::DropResources => {
                manifest.dropped = with_rows;
                base.tables.retain(|name, _| !tables.iter().any(|table| table.name == *name));
            }
            Refresh::DropSources => {
                manifest.dropped = with_rows;
                let version = (base.version, base.version_hash.clone(), base.previous_hashes.clone());
                *base = self.fresh_schema(&stored.name);
                (base.version, base.version_hash, base.previous_hashes) = version;
            }
        }
        if all {
            state.forget_source(&stored.name);
        } else {
            names.iter().for_each(|name| state.forget_resource(&stored.name, name));
        }
        Ok(())
    }
}

/// Root tables with the resources that fill them.
fn resource_tables(schema: &Schema) -> impl Iterator<Item = (&str, &Table)> {
    let roots = schema.tables.values().filter(|t| !t.is_nested() && !is_internal(&t.name));
    roots.filter_map(|table| Some((table.resource.as_deref()?, table)))
}

/// Forgetting something that was never there is a mistake in the name.
fn check_known(schema: &Schema, names: &[String]) -> Result<()> {
    let known: Vec<&str> = resource_tables(schema).map(|(resource, _)| resource).collect();
    let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) else { return Ok(()) };
    let error = Error::config(format!("there is no resource {unknown} in schema {}", schema.name));
    Err(match crate::nearest(unknown, &known) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error.help(format!("known resources are {}", known.join(", "))),
    })
}
