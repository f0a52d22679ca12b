//! Lets the binary find the prebuilt DuckDB library: beside itself, in `lib` beside its folder, or
//! where it was at build time.

use std::env;
use std::path::PathBuf;

fn main() {
    println!("cargo::rerun-if-env-changed=DUCKDB_LIB_DIR");
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_BUNDLED").is_some() {
        return;
    }
    let system = env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    let here = match system.as_str() {
        "macos" => "@loader_path",
        "windows" => return,
        _ => "$ORIGIN",
    };
    let mut places = vec![here.to_owned(), format!("{here}/../lib")];
    if let Some(folder) = env::var_os("DUCKDB_LIB_DIR").map(PathBuf::from) {
        let folder = folder.canonicalize().unwrap_or(folder);
        places.push(folder.display().to_string());
    }
    for place in places {
        println!("cargo::rustc-link-arg-bins=-Wl,-rpath,{place}");
    }
}
