//! What the derive costs in a build: a crate with many tables against the same crate with serde's derive alone.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::measure::{Usage, measure, medians};
use crate::{Result, build};

const TABLES: usize = 300;
const COLUMNS: usize = 20;
/// Longer than serde alone by this much at most.
const TARGET: f64 = 1.5;

/// Measures `cargo check` of both, in turns.
pub(crate) fn run(repeat: usize) -> Result<()> {
    let folder = build::target().join("bench").join("derive");
    let mut runs: [Vec<Usage>; 2] = Default::default();
    for (derive, _) in DERIVES {
        let place = folder.join(derive.to_lowercase());
        write(&place, derive)?;
        // dependencies are built before anything is measured
        check(&place)?;
    }
    for _ in 0..repeat {
        for ((derive, _), usages) in DERIVES.iter().zip(&mut runs) {
            usages.push(check(&folder.join(derive.to_lowercase()))?);
        }
    }
    println!("cargo check of {TABLES} structs with {COLUMNS} fields, medians of {repeat}:");
    let walls: Vec<f64> = runs.iter().filter_map(|usages| Some(medians(usages)?.wall)).collect();
    for ((_, what), wall) in DERIVES.iter().zip(&walls) {
        println!("  {what}: {wall:.2} s");
    }
    let [serde, table] = walls[..] else { return Ok(()) };
    println!("  {:.2} of serde, {TARGET} at most", table / serde);
    if table / serde > TARGET {
        return Err("the derive costs too much in a build".into());
    }
    Ok(())
}

const DERIVES: [(&str, &str); 2] = [("Deserialize", "serde's Deserialize"), ("Table", "floe's Table")];

/// Checks the crate after a change of its one file.
fn check(place: &Path) -> Result<Usage> {
    let source = fs::File::options().write(true).open(place.join("src/lib.rs"))?;
    source.set_modified(SystemTime::now() + Duration::from_secs(1))?;
    let mut cargo = build::cargo();
    cargo.args(["check", "--quiet", "--offline"]).current_dir(place);
    cargo.env("CARGO_TARGET_DIR", build::target().join("bench").join("derive").join("target"));
    measure(&mut cargo).map(|(usage, _)| usage)
}

fn write(place: &Path, derive: &str) -> Result<()> {
    fs::create_dir_all(place.join("src"))?;
    let root = build::root();
    let name = derive.to_lowercase();
    let manifest = format!(
        "[package]\nname = \"bench-{name}\"\nedition = \"2024\"\n\n[dependencies]\nfloe = {{ path = {:?} }}\n\
         serde = {{ version = \"1\", features = [\"derive\"] }}\nchrono = {{ version = \"0.4\", features = [\"serde\"] }}\n\n\
         [workspace]\n",
        root.join("runtime")
    );
    fs::write(place.join("Cargo.toml"), manifest)?;
    fs::copy(root.join("Cargo.lock"), place.join("Cargo.lock"))?;
    Ok(fs::write(place.join("src/lib.rs"), source(derive))?)
}

/// Structs with columns of all kinds; each tenth has a struct in it, and each tenth a list.
fn source(derive: &str) -> String {
    let path = if derive == "Table" { "floe" } else { "serde" };
    let mut out = format!("#![allow(dead_code)]\n\nuse {path}::{derive};\n");
    let types =
        ["i64", "String", "Option<String>", "bool", "f64", "chrono::DateTime<chrono::Utc>", "Option<i32>"];
    for table in 0..TABLES {
        let _ = write!(out, "\n#[derive({derive})]\npub struct Table{table} {{\n");
        for column in 0..COLUMNS {
            let ty = match (table % 10, column) {
                (1, 19) => format!("Table{}", table - 1),
                (2, 19) => format!("Vec<Table{}>", table - 2),
                _ => types[(table + column) % types.len()].to_owned(),
            };
            let _ = writeln!(out, "    pub column_{column}: {ty},");
        }
        out.push_str("}\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_structs_are_nested_and_some_have_lists() {
        let text = source("Table");
        assert_eq!(text.matches("#[derive(Table)]").count(), TABLES);
        assert_eq!(text.matches("pub column_").count(), TABLES * COLUMNS);
        assert_eq!(text.matches(": Vec<Table").count(), TABLES / 10);
        assert_eq!(text.matches(": Table").count(), TABLES / 10);
    }
}
