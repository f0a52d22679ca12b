//! Finds the prebuilt DuckDB library, so that tests and `cargo run` find it too.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

const LIBRARIES: [&str; 3] = ["libduckdb.so", "libduckdb.dylib", "duckdb.dll"];

fn main() {
    println!("cargo::rerun-if-env-changed=DUCKDB_LIB_DIR");
    println!("cargo::rerun-if-changed=build.rs");
    // the bundled library is linked in, and documentation is built without any
    if env::var_os("CARGO_FEATURE_BUNDLED").is_some() || env::var_os("DOCS_RS").is_some() {
        return;
    }
    let Some(folder) = env::var_os("DUCKDB_LIB_DIR").map(PathBuf::from) else { return };
    let found = LIBRARIES.iter().map(|name| folder.join(name)).find(|path| path.exists());
    let Some(library) = found else {
        println!(
            "cargo::error=there is no DuckDB library in {}. `cargo xtask duckdb` puts the prebuilt one there; \
             `--features bundled` compiles it instead, which takes long",
            folder.display()
        );
        return;
    };
    println!("cargo::rerun-if-changed={}", library.display());
    // cargo lets programs search for libraries only in folders of the build itself
    match link_into_build(&library) {
        Ok(folder) => println!("cargo::rustc-link-search=native={}", folder.display()),
        Err(error) => println!("cargo::error=cannot link {} into the build: {error}", library.display()),
    }
}

fn link_into_build(library: &Path) -> io::Result<PathBuf> {
    let folder = env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default();
    let link = folder.join(library.file_name().unwrap_or_default());
    if link.symlink_metadata().is_ok() {
        fs::remove_file(&link)?;
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink(fs::canonicalize(library)?, &link)?;
    #[cfg(not(unix))]
    fs::copy(library, &link)?;
    Ok(folder)
}
