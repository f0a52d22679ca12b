//! The schema with which a run begins, and the tables that it empties.

use floe_schema::{Schema, Table, WriteDisposition, is_internal};

use super::extract::Source;
use super::run::Run;
use crate::error::Result;
use crate::resource::{Resource, merge_table};

impl Run<'_> {
    /// The tables of resources that replace their rows by none.
    pub(super) fn emptied(
        &self,
        stored: Option<&Schema>,
        hinted: &Schema,
        sources: &[Source],
    ) -> Vec<String> {
        let Some(stored) = stored else { return Vec::new() };
        let replaces = |resource: &Resource| {
            let given = resource.hints.disposition.as_ref();
            given.is_some_and(|given| given.kind == WriteDisposition::Replace)
        };
        let names = sources.iter().map(|s| &s.resource).filter(|r| replaces(r)).map(Resource::name);
        let names: Vec<&str> = names.collect();
        let is_root = |table: &&Table| {
            !table.is_nested() && table.resource.as_deref().is_some_and(|r| names.contains(&r))
        };
        let still_replaces =
            |table: &&Table| hinted.write_disposition(&table.name) == WriteDisposition::Replace;
        let roots = stored.tables.values().filter(is_root).filter(still_replaces);
        let chains = roots.flat_map(|root| stored.chain(&root.name));
        chains.filter(|table| table.seen_data()).map(|table| table.name.clone()).collect()
    }

    /// A schema without what earlier runs knew.
    pub(super) fn fresh_schema(&self, name: &str) -> Schema {
        match &self.pipeline.source_schema {
            None => Schema::new(name),
            Some(source) => {
                let mut schema = source.clone();
                schema.apply_defaults();
                // what stands in a file need not be what its version says
                schema.bump_version();
                schema
            }
        }
    }

    /// Lets the contract of the run take the place of those of the tables, as it does for resources.
    pub(super) fn override_contracts(&self, schema: &mut Schema) {
        if let Some(contract) = &self.pipeline.contract {
            let with_own = schema.tables.values_mut().filter(|table| table.schema_contract.is_some());
            with_own.for_each(|table| table.schema_contract = Some(contract.clone()));
        }
    }

    /// The schema with which a run begins.
    pub(super) fn base_schema(&self, name: &str, stored: Option<&Schema>) -> Result<Schema> {
        let mut schema = match (stored, &self.pipeline.source_schema) {
            (None, _) => self.fresh_schema(name),
            (Some(stored), None) => stored.clone(),
            (Some(stored), Some(source)) => {
                let mut schema = stored.clone();
                schema.settings = source.settings.clone();
                schema.normalizers = source.normalizers.clone();
                for table in source.tables.values().filter(|t| !is_internal(&t.name)) {
                    merge_table(&mut schema, table.clone())?;
                }
                schema
            }
        };
        if let Some(contract) = &self.pipeline.contract {
            schema.settings.schema_contract = Some(contract.clone());
        }
        Ok(schema)
    }
}
