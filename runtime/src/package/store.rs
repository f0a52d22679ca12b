//! The folder of a pipeline with its packages.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use super::files::{read_json, rename_synced, rename_worthless, write_synced};
use super::manifest::Manifest;
use crate::error::{Error, ErrorKind, Result};
use crate::fault::{self, Action};

const MANIFEST: &str = "manifest.json";

/// How far a package has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    New,
    Extracted,
    Normalized,
    Loaded,
    Failed,
}

impl Stage {
    pub(crate) const ALL: [Self; 5] =
        [Self::New, Self::Extracted, Self::Normalized, Self::Loaded, Self::Failed];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Extracted => "extracted",
            Self::Normalized => "normalized",
            Self::Loaded => "loaded",
            Self::Failed => "failed",
        }
    }
}

/// A package on disk.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    pub(crate) folder: PathBuf,
    pub(crate) manifest: Manifest,
}

/// The working folder of a pipeline.
#[derive(Debug)]
pub(crate) struct Store {
    folder: PathBuf,
    /// Held as long as the store is in use, so that two runs do not meet.
    _lock: Option<File>,
}

impl Store {
    /// Opens the folder for a run.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        for stage in Stage::ALL {
            let path = folder.join("packages").join(stage.as_str());
            fs::create_dir_all(&path).map_err(|e| Error::io("create", &path, e))?;
        }
        let path = folder.join("lock");
        let lock = File::create(&path).map_err(|e| Error::io("create", &path, e))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = format!("another run uses {}", folder.display());
                return Err(Error::new(ErrorKind::Package, message)
                    .help("wait until it has ended, or use another --pipeline or --pipelines-dir"));
            }
            Err(TryLockError::Error(error)) => return Err(Error::io("lock", &path, error)),
        }
        Ok(Self { folder: folder.to_owned(), _lock: Some(lock) })
    }

    /// Opens the folder to look at it.
    pub(crate) fn look(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), _lock: None }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn stage_folder(&self, stage: Stage) -> PathBuf {
        self.folder.join("packages").join(stage.as_str())
    }

    /// Removes what a crash has left.
    pub(crate) fn remove_unfinished(&self) -> Result<()> {
        for items in entries(&self.stage_folder(Stage::Extracted))? {
            // the crash came between the end of normalising and the removal of the items
            let name = items.file_name().unwrap_or_default();
            if self.stage_folder(Stage::Normalized).join(name).exists() {
                self.make_worthless(&items)?;
            }
        }
        let folder = self.stage_folder(Stage::New);
        for entry in entries(&folder)? {
            remove(&entry)?;
        }
        Ok(())
    }

    /// A folder for a package that is about to be written.
    pub(crate) fn begin(&self, load_id: &str) -> Result<PathBuf> {
        let folder = self.stage_folder(Stage::New).join(load_id);
        fs::create_dir_all(&folder).map_err(|e| Error::io("create", &folder, e))?;
        Ok(folder)
    }

    /// Throws a package away that was about to be written.
    pub(crate) fn discard(&self, folder: &Path) -> Result<()> {
        remove(folder)
    }

    /// Writes the manifest of a package and lets it appear at a stage.
    pub(crate) fn commit(&self, folder: &Path, manifest: Manifest, stage: Stage) -> Result<Package> {
        write_manifest(folder, &manifest)?;
        let target = self.stage_folder(stage).join(&manifest.load_id);
        rename_synced(folder, &target)?;
        Ok(Package { folder: target, manifest })
    }

    /// Moves a package to another stage.
    pub(crate) fn advance(&self, package: Package, stage: Stage) -> Result<Package> {
        let target = self.stage_folder(stage).join(&package.manifest.load_id);
        rename_synced(&package.folder, &target)?;
        Ok(Package { folder: target, manifest: package.manifest })
    }

    /// Notes something in the manifest of a package.
    pub(crate) fn update(&self, package: &Package) -> Result<()> {
        write_manifest(&package.folder, &package.manifest)
    }

    /// Removes a package in two steps: half a package must not be taken for a damaged one.
    pub(crate) fn remove(&self, package: Package) -> Result<()> {
        let worthless = self.make_worthless(&package.folder)?;
        fault::around(Action::RemovePackage, || remove(&worthless))
    }

    fn make_worthless(&self, folder: &Path) -> Result<PathBuf> {
        let target = self.stage_folder(Stage::New).join(folder.file_name().unwrap_or_default());
        rename_worthless(folder, &target)?;
        Ok(target)
    }

    /// The packages of a stage, oldest first.
    pub(crate) fn packages(&self, stage: Stage) -> Result<Vec<Package>> {
        let mut packages = Vec::new();
        for folder in entries(&self.stage_folder(stage))? {
            let path = folder.join(MANIFEST);
            let unreadable = |why: String| {
                Error::new(ErrorKind::Package, format!("the package {} is damaged: {why}", folder.display()))
                    .help("move the folder away; its rows were not loaded")
            };
            let Some(document) = read_json(&path)? else {
                return Err(unreadable("it has no manifest".into()));
            };
            let manifest: Manifest =
                serde_json::from_value(document).map_err(|e| unreadable(e.to_string()))?;
            if !manifest.is_readable() {
                return Err(unreadable("another version of floe wrote it".into()));
            }
            packages.push(Package { folder, manifest });
        }
        packages.sort_by_key(|package| package.manifest.created_at);
        Ok(packages)
    }
}

fn write_manifest(folder: &Path, manifest: &Manifest) -> Result<()> {
    let text = serde_json::to_vec_pretty(manifest)
        .map_err(|e| Error::internal("cannot write a manifest").cause(e))?;
    write_synced(&folder.join(MANIFEST), &text)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let listing = match fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("list", folder, error)),
    };
    let mut paths = Vec::new();
    for entry in listing {
        paths.push(entry.map_err(|e| Error::io("list", folder, e))?.path());
    }
    Ok(paths)
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::io("remove", folder, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_move_from_stage_to_stage() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let unfinished = store.begin("1.0").unwrap();
        fs::write(unfinished.join("x"), "x").unwrap();
        store.remove_unfinished().unwrap();
        assert!(!unfinished.exists());
        let new = store.begin("2.0").unwrap();
        let package = store.commit(&new, Manifest::new("2.0", 5), Stage::Extracted).unwrap();
        assert_eq!(store.packages(Stage::Extracted).unwrap().len(), 1);
        let package = store.advance(package, Stage::Normalized).unwrap();
        assert!(store.packages(Stage::Extracted).unwrap().is_empty());
        store.remove(package).unwrap();
        assert!(store.packages(Stage::Normalized).unwrap().is_empty());
    }

    #[test]
    fn a_crash_between_two_steps_leaves_no_package_twice() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        for stage in [Stage::Extracted, Stage::Normalized] {
            let new = store.begin("1.5").unwrap();
            store.commit(&new, Manifest::new("1.5", 5), stage).unwrap();
        }
        store.remove_unfinished().unwrap();
        assert!(store.packages(Stage::Extracted).unwrap().is_empty());
        assert_eq!(store.packages(Stage::Normalized).unwrap().len(), 1);
        assert!(entries(&store.stage_folder(Stage::New)).unwrap().is_empty());
    }

    #[test]
    fn half_a_removed_package_does_not_matter() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let new = store.begin("1.5").unwrap();
        let package = store.commit(&new, Manifest::new("1.5", 5), Stage::Normalized).unwrap();
        let going = store.make_worthless(&package.folder).unwrap();
        fs::remove_file(going.join(MANIFEST)).unwrap();
        assert!(store.packages(Stage::Normalized).unwrap().is_empty());
        store.remove_unfinished().unwrap();
        assert!(!going.exists());
    }

    #[test]
    fn two_runs_do_not_meet() {
        let folder = tempfile::tempdir().unwrap();
        let _first = Store::open(folder.path()).unwrap();
        let text = Store::open(folder.path()).unwrap_err().to_string();
        assert!(text.starts_with("another run uses"), "{text}");
    }

    #[test]
    fn damaged_packages_are_reported() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        fs::create_dir_all(folder.path().join("packages/normalized/9.9")).unwrap();
        let text = store.packages(Stage::Normalized).unwrap_err().to_string();
        assert!(text.contains("it has no manifest"), "{text}");
    }
}
