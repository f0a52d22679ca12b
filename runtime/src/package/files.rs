//! Files that survive a crash whole or not at all.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use serde_json::Value as Json;

use crate::error::{Error, ErrorKind, Result};
use crate::fault::{self, Action};

/// Replaces a file by new content in one step. After a power failure it is the old or the new one;
/// whoever needs the new one syncs the folder.
pub(crate) fn write_synced(path: &Path, content: &[u8]) -> Result<()> {
    let temporary = path.with_extension("tmp");
    let failed = |e| Error::io("write", path, e);
    let mut file = File::create(&temporary).map_err(failed)?;
    file.write_all(content).map_err(failed)?;
    fault::around(Action::SyncFile, || file.sync_all()).map_err(failed)?;
    fault::around(Action::RenameFile, || fs::rename(&temporary, path)).map_err(failed)
}

/// Renames a folder in one step.
pub(crate) fn rename_synced(from: &Path, to: &Path) -> Result<()> {
    sync_folder(Some(from))?;
    fault::around(Action::RenameFolder, || {
        rename(from, to)?;
        sync_folder(to.parent())
    })
}

/// Renames a folder that does not matter any more. If a power failure undoes it, it is done again.
pub(crate) fn rename_worthless(from: &Path, to: &Path) -> Result<()> {
    fault::around(Action::RenameFolder, || rename(from, to))
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|e| Error::io("rename", from, e))
}

/// Makes sure that the entries of a folder are on disk.
pub(crate) fn sync_folder(folder: Option<&Path>) -> Result<()> {
    let Some(folder) = folder else { return Ok(()) };
    // only Unix has folders that can be synced
    if cfg!(unix) {
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|e| Error::io("sync", folder, e))?;
    }
    Ok(())
}

/// Reads a JSON file. `None` if there is none.
pub(crate) fn read_json(path: &Path) -> Result<Option<Json>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("read", path, error)),
    };
    serde_json::from_str(&text).map(Some).map_err(|e| {
        Error::new(ErrorKind::Package, format!("{} is damaged", path.display()))
            .cause(e)
            .help("remove the file; state and schema are restored from the destination")
    })
}
