//! `cargo xtask duckdb`: the prebuilt DuckDB library, in the folder that the build looks into.

mod archive;
mod integrity;
mod platform;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use platform::Platform;

use crate::{Result, build, shell};

/// The version that the crate `libduckdb-sys` of Cargo.toml wants.
const VERSION: &str = "1.5.6-r.1";
/// The file that says which version is there.
const RECORD: &str = "version";

/// Puts the library where the build looks for it, unless it is there.
pub(crate) fn set_up() -> Result<()> {
    let ours = build::root().join("target").join("duckdb");
    if let Some(theirs) = chosen_folder(&ours) {
        return check_chosen(&theirs);
    }
    let platform = platform::this()?;
    if is_there(&ours, platform) {
        return Ok(());
    }
    println!("fetching the DuckDB library {VERSION} for {}", platform.name);
    fs::create_dir_all(&ours)?;
    // beside its place, because a rename works within one file system only
    let work = tempfile::Builder::new().prefix(".fetch-").tempdir_in(&ours)?;
    let tarball = pack(platform, work.path())?;
    let bytes = fs::read(&tarball).map_err(|e| format!("cannot read {}: {e}", tarball.display()))?;
    integrity::check(&bytes, platform.integrity, &platform.package(VERSION))?;
    archive::unpack(&bytes, platform.library, &work.path().join(platform.library))?;
    fs::write(work.path().join(RECORD), record(platform))?;
    // the record comes last: with it the library is known to be whole
    for name in [platform.library, RECORD] {
        let place = ours.join(name);
        fs::rename(work.path().join(name), &place)
            .map_err(|e| format!("cannot write {}: {e}", place.display()))?;
    }
    println!("it is in {}", ours.display());
    Ok(())
}

/// The folder that the user chose; `.cargo/config.toml` names ours where nothing is chosen.
fn chosen_folder(ours: &Path) -> Option<PathBuf> {
    let folder = env::var_os("DUCKDB_LIB_DIR").map(PathBuf::from)?;
    let same = |a: &Path, b: &Path| {
        a == b || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
    };
    (!same(&folder, ours)).then_some(folder)
}

fn check_chosen(folder: &Path) -> Result<()> {
    if platform::LIBRARIES.iter().any(|name| folder.join(name).is_file()) {
        return Ok(());
    }
    let names = platform::LIBRARIES.join(", ");
    Err(format!(
        "DUCKDB_LIB_DIR is {}, and none of {names} is there. Put the library of DuckDB {} there, or unset \
         DUCKDB_LIB_DIR to have it fetched",
        folder.display(),
        number()
    )
    .into())
}

fn is_there(folder: &Path, platform: &Platform) -> bool {
    let recorded = fs::read_to_string(folder.join(RECORD)).is_ok_and(|text| text == record(platform));
    recorded && folder.join(platform.library).is_file()
}

fn record(platform: &Platform) -> String {
    format!("{VERSION} {}\n", platform.name)
}

/// The version of DuckDB itself.
fn number() -> &'static str {
    VERSION.split_once('-').map_or(VERSION, |(number, _)| number)
}

/// Lets npm download the package; npm knows mirrors, proxies and certificates of this machine.
fn pack(platform: &Platform, folder: &Path) -> Result<PathBuf> {
    let program = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let mut npm = Command::new(program);
    npm.args(["pack", "--silent", &platform.package(VERSION)]).current_dir(folder);
    let printed = shell::capture(&mut npm).map_err(|e| {
        format!(
            "{e}. npm is what downloads the DuckDB library: install Node.js, which has it. {}",
            other_ways()
        )
    })?;
    let files = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    let tarball =
        files.into_iter().map(|f| f.path()).find(|path| path.extension().is_some_and(|e| e == "tgz"));
    match tarball {
        Some(path) if printed.code == Some(0) => Ok(path),
        _ => {
            let command = shell::text(&npm);
            let said = [printed.stderr.trim(), printed.stdout.trim()].join("\n");
            Err(format!("`{command}` failed.\n{}\n\n{}", said.trim(), other_ways()).into())
        }
    }
}

/// What else gives a build its DuckDB.
fn other_ways() -> String {
    format!(
        "Without the download: set DUCKDB_LIB_DIR to a folder with the library of DuckDB {} ({}), \
         or build with `--features bundled`, which compiles DuckDB and takes more than 20 minutes",
        number(),
        platform::LIBRARIES.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_without_a_record_of_its_version_is_fetched_again() {
        let folder = tempfile::tempdir().unwrap();
        let platform = &platform::PLATFORMS[0];
        fs::write(folder.path().join(platform.library), "a library").unwrap();
        assert!(!is_there(folder.path(), platform));
        fs::write(folder.path().join(RECORD), "1.0.0-r.1 linux-x64\n").unwrap();
        assert!(!is_there(folder.path(), platform));
        fs::write(folder.path().join(RECORD), record(platform)).unwrap();
        assert!(is_there(folder.path(), platform));
    }

    #[test]
    fn a_chosen_folder_has_to_have_a_library() {
        let folder = tempfile::tempdir().unwrap();
        let error = check_chosen(folder.path()).unwrap_err().to_string();
        assert!(error.contains("libduckdb.so") && error.contains("DuckDB 1.5.6"), "{error}");
        fs::write(folder.path().join("libduckdb.dylib"), "a library").unwrap();
        assert!(check_chosen(folder.path()).is_ok());
    }
}
