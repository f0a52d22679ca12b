//! The second half of a run: a package goes to the destination, all of it in one step.

use std::time::Instant;

use floe_schema::{Schema, Table};

use super::run::Run;
use super::{Progress, again, load_id, schema_files};
use crate::destination::{Chain, LoadRecord, ReplaceStrategy, Write};
use crate::error::{Error, ErrorKind, Result, Step};
use crate::fault::{self, Action};
use crate::package::{Manifest, Package, Part, Stage, check_accounts, read_parts};
use crate::state::State;

impl Run<'_> {
    pub(super) fn load(&mut self, mut package: Package) -> Result<()> {
        let started = Instant::now();
        let manifest = package.manifest.clone();
        let schema = Schema::from_json(manifest.schema.clone()).map_err(|e| {
            let message = format!("the schema of package {} is damaged: {e}", manifest.load_id);
            Error::new(ErrorKind::Package, message).step(Step::Load)
        })?;
        let state = State::from_json(manifest.state.clone())?;
        // a crash may have come between commit and the removal of the package
        if !self.dataset.is_loaded(&manifest.load_id)? {
            let loaded = self.load_tables(&package, &schema);
            if let Err(error) = loaded {
                // what was written is taken back by the end of the connection if this fails as well
                let _ = self.dataset.rollback();
                let error = error.step(Step::Load);
                let attempts = manifest.failure.as_ref().map_or(0, |f| f.attempts);
                package.manifest.failure = Some(again::failure(&error, attempts + 1));
                self.store.update(&package)?;
                return Err(error);
            }
            self.report.warnings.extend(self.dataset.warnings());
        }
        if let Some(folder) = &self.pipeline.export_schema_path {
            schema_files::export(folder, &schema)?;
        }
        fault::around(Action::WriteState, || self.local.advance(state, schema))?;
        if self.pipeline.keep_packages {
            self.store.advance(package, Stage::Loaded)?;
        } else {
            self.store.remove(package)?;
        }
        let rows = manifest.parts.iter().map(|p| p.rows).sum();
        let bytes = manifest.parts.iter().map(|p| p.bytes).sum();
        self.report.add_step(Step::Load, started.elapsed().as_secs_f64(), rows, bytes);
        self.report.load_ids.push(manifest.load_id);
        self.report.warnings.extend(manifest.warnings);
        Ok(())
    }

    fn load_tables(&mut self, package: &Package, schema: &Schema) -> Result<()> {
        let manifest = &package.manifest;
        let chains = chains(manifest, schema, self.pipeline.replace_strategy)?;
        fault::around(Action::Begin, || self.dataset.begin())?;
        if !manifest.dropped.is_empty() {
            let drop = || self.dataset.drop_tables(&manifest.dropped, &schema.name);
            fault::around(Action::Drop, drop)?;
        }
        let emptied: Vec<&Table> =
            manifest.emptied.iter().filter_map(|name| schema.tables.get(name)).collect();
        // a new name of a column shows in the schema at once, so it has to be at the destination as well
        let renamed = schema.tables.values().filter(|table| table.seen_data() && table.has_former_names());
        let mut tables: Vec<&Table> = chains.iter().flat_map(|chain| chain.tables.iter().copied()).collect();
        for table in emptied.iter().copied().chain(renamed) {
            if !tables.iter().any(|known| known.name == table.name) {
                tables.push(table);
            }
        }
        fault::around(Action::Migrate, || self.dataset.migrate(schema, &tables, load_id::now()))?;
        fault::around(Action::Empty, || self.dataset.empty(&emptied))?;
        let (mut rows, mut loaded) = (0, Vec::new());
        for chain in &chains {
            rows += self.load_chain(package, chain, rows, &mut loaded)?;
        }
        for boundary in manifest.crowds.iter().filter_map(|crowd| crowd.obsolete.as_deref()) {
            self.dataset.forget_boundary(boundary)?;
        }
        for replayed in &manifest.replayed {
            self.remove_replayed(replayed)?;
        }
        let loaded =
            |table: &str| loaded.iter().filter(|(name, _)| name == table).map(|(_, rows)| rows).sum();
        check_accounts(&manifest.accounts, schema, &loaded)?;
        let record = LoadRecord {
            load_id: manifest.load_id.clone(),
            schema_name: schema.name.clone(),
            schema_hash: schema.version_hash.clone().unwrap_or_default(),
            inserted_at: load_id::now(),
        };
        fault::around(Action::Commit, || self.dataset.commit(&record))
    }

    fn load_chain(
        &mut self,
        package: &Package,
        chain: &Chain<'_>,
        before: u64,
        loaded: &mut Vec<(String, u64)>,
    ) -> Result<u64> {
        match chain.write {
            Write::Append => {}
            Write::Replace(ReplaceStrategy::TruncateAndInsert) => {
                fault::around(Action::Empty, || self.dataset.truncate(&chain.tables))?;
            }
            Write::Replace(ReplaceStrategy::StagingOptimized) => {
                fault::around(Action::Empty, || self.dataset.empty(&chain.tables))?;
            }
            Write::Replace(ReplaceStrategy::InsertFromStaging) | Write::Merge(_) => {
                fault::around(Action::Stage, || self.dataset.stage(chain))?
            }
        }
        let parts = &package.manifest.parts;
        let total_rows = parts.iter().map(|p| p.rows).sum();
        let mut rows = 0;
        for table in &chain.tables {
            let parts: Vec<&Part> = parts.iter().filter(|part| part.table == table.name).collect();
            if !parts.is_empty() {
                let progress =
                    Progress::Loading { table: table.name.clone(), rows: before + rows, total_rows };
                self.pipeline.report(&progress);
                let of_table = self.load_table(package, table, &parts, chain.is_staged())?;
                loaded.push((table.name.clone(), of_table));
                rows += of_table;
            }
        }
        if chain.is_staged() {
            fault::around(Action::Merge, || self.dataset.merge(chain, self.pipeline.keep_staged))?;
        }
        Ok(rows)
    }

    fn load_table(&mut self, package: &Package, table: &Table, parts: &[&Part], staged: bool) -> Result<u64> {
        let started = Instant::now();
        let mut rows = 0;
        for stream in read_parts(&package.folder, parts)? {
            let append = || self.dataset.append(table, staged, &package.manifest.load_id, stream);
            rows += fault::around(Action::Append, append)?;
        }
        let expected: u64 = parts.iter().map(|p| p.rows).sum();
        if rows != expected {
            let message = format!("{rows} rows went into table {}, {expected} were sent", table.name);
            return Err(Error::new(ErrorKind::Destination, message).table(&table.name));
        }
        let bytes = parts.iter().map(|p| p.bytes).sum();
        self.report.add_table(&table.name, rows, bytes, started.elapsed().as_secs_f64());
        Ok(rows)
    }
}

/// What the package does, chain by chain in the order of the schema.
fn chains<'s>(manifest: &Manifest, schema: &'s Schema, replace: ReplaceStrategy) -> Result<Vec<Chain<'s>>> {
    if let Some(part) = manifest.parts.iter().find(|p| !schema.tables.contains_key(&p.table)) {
        let message = format!("package {} has rows for the unknown table {}", manifest.load_id, part.table);
        return Err(Error::new(ErrorKind::Package, message));
    }
    let has_rows = |table: &&Table| manifest.parts.iter().any(|part| part.table == table.name);
    let mut chains = Vec::new();
    for root in schema.tables.values().filter(|table| !table.is_nested()) {
        let mut chain = Chain::of(schema, &root.name, manifest.created_at);
        if !chain.tables.iter().any(has_rows) {
            continue;
        }
        if let Write::Replace(strategy) = &mut chain.write {
            *strategy = replace;
            if !manifest.replayed.is_empty() {
                // these rows are some of many
                chain.write = Write::Append;
            }
        }
        if chain.write == Write::Append {
            chain.tables.retain(has_rows);
        }
        chain.check()?;
        chains.push(chain);
    }
    Ok(chains)
}
