//! Schema documents that people own: imported before a run, exported after it.

use std::fs;
use std::path::{Path, PathBuf};

use floe_schema::{Processing, Schema};

use crate::error::{Error, ErrorKind, Result, Step};
use crate::package::write_synced;

fn file(folder: &Path, schema: &str) -> PathBuf {
    folder.join(format!("{schema}.schema.yaml"))
}

/// Takes the content of the user's document over if it has changed since the last time.
pub(super) fn import(folder: &Path, schema: Schema, known: bool) -> Result<Schema> {
    let path = file(folder, &schema.name);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(schema),
        Err(error) => return Err(Error::io("read", &path, error)),
    };
    let mut imported = Schema::from_yaml_text(&text).map_err(|e| {
        Error::new(ErrorKind::Schema, format!("{} is no schema: {e}", path.display())).step(Step::Extract)
    })?;
    if imported.name != schema.name {
        let message = format!("{} has the schema {}, not {}", path.display(), imported.name, schema.name);
        return Err(Error::new(ErrorKind::Schema, message).step(Step::Extract).help("rename it in the file"));
    }
    let hash = imported.content_hash();
    if known && schema.imported_version_hash.as_deref() == Some(&hash) {
        return Ok(schema);
    }
    imported.apply_defaults();
    imported.add_bookkeeping_tables();
    if known {
        imported.version = schema.version;
        imported.version_hash = schema.version_hash;
        imported.previous_hashes = schema.previous_hashes;
        // whether a table is at the destination is not for the user to say
        for (name, table) in &mut imported.tables {
            table.processing = schema.tables.get(name).and_then(|known| known.processing.clone());
        }
    } else {
        imported.bump_version();
    }
    imported.imported_version_hash = Some(hash);
    Ok(imported)
}

/// Writes the schema that extraction made where the user can change it, if there is none yet.
/// Returns the hash by which changes are told.
pub(super) fn offer(folder: &Path, schema: &Schema) -> Result<Option<String>> {
    if file(folder, &schema.name).exists() {
        return Ok(None);
    }
    let mut offered = schema.clone();
    offered.imported_version_hash = None;
    for table in offered.tables.values_mut() {
        if let Some(processing) = &mut table.processing {
            processing.seen_data = None;
            processing.evolve_columns_once = None;
        }
        table.processing.take_if(|processing| *processing == Processing::default());
    }
    offered.bump_version();
    let hash = offered.content_hash();
    export(folder, &offered)?;
    Ok(Some(hash))
}

/// Writes the schema as it is.
pub(super) fn export(folder: &Path, schema: &Schema) -> Result<()> {
    fs::create_dir_all(folder).map_err(|e| Error::io("create", folder, e))?;
    write_synced(&file(folder, &schema.name), schema.to_yaml_text().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use floe_schema::{Column, DataType, Table};

    fn schema() -> Schema {
        let mut schema = Schema::new("s");
        let mut table = Table::new("t");
        table.insert(Column::new("a", DataType::Text));
        table.processing.get_or_insert_default().seen_data = Some(true);
        schema.tables.insert("t".to_owned(), table);
        schema.bump_version();
        schema
    }

    #[test]
    fn a_document_counts_when_the_user_has_changed_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut known = schema();
        known.imported_version_hash = offer(folder.path(), &known).unwrap();
        assert!(known.imported_version_hash.is_some());
        assert_eq!(offer(folder.path(), &known).unwrap(), None, "the file is the user's");
        assert_eq!(import(folder.path(), known.clone(), true).unwrap(), known);

        let path = file(folder.path(), "s");
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains("seen-data"), "{text}");
        fs::write(&path, text.replace("data_type: text", "data_type: bigint")).unwrap();
        let changed = import(folder.path(), known.clone(), true).unwrap();
        assert_eq!(changed.tables["t"].columns["a"].data_type, Some(DataType::Bigint));
        assert!(changed.tables["t"].seen_data());
        assert_ne!(changed.imported_version_hash, known.imported_version_hash);
        assert_eq!(import(folder.path(), changed.clone(), true).unwrap(), changed);
    }

    #[test]
    fn errors_name_the_file() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(file(folder.path(), "s"), "name: other\nversion: 1\n").unwrap();
        let text = import(folder.path(), schema(), true).unwrap_err().to_string();
        assert!(text.contains("s.schema.yaml has the schema other, not s"), "{text}");
        fs::write(file(folder.path(), "s"), "tables: [").unwrap();
        let text = import(folder.path(), schema(), true).unwrap_err().to_string();
        assert!(text.contains("s.schema.yaml is no schema"), "{text}");
    }
}
