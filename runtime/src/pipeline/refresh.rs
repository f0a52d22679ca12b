//! Starting over: tables and state are given up before new data is loaded.

use std::str::FromStr;

use floe_schema::{Schema, is_internal};

use super::run::Run;
use crate::error::{Error, Result};
use crate::package::Manifest;
use crate::resource::Resource;
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
        resources: &[Resource],
        manifest: &mut Manifest,
    ) {
        let Some(refresh) = self.pipeline.refresh else { return };
        let all = refresh == Refresh::DropSources;
        let is_meant = |name: Option<&str>| all || resources.iter().any(|r| Some(r.name()) == name);
        let roots = stored.tables.values().filter(|table| {
            !table.is_nested() && !is_internal(&table.name) && is_meant(table.resource.as_deref())
        });
        let tables: Vec<_> = roots.flat_map(|root| stored.chain(&root.name)).collect();
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
            resources.iter().for_each(|r| state.forget_resource(&stored.name, r.name()));
        }
    }
}
