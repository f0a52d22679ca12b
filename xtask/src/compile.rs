//! Connectors of many documents, compiled: one workspace, one target folder, warnings are errors.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use floe_codegen::{Document, Limits, Options, connector, inspect};
use serde_json::Value as Json;

use crate::{Result, build, duckdb};

/// A connector as a member of the workspace.
struct Member {
    package: String,
    document: PathBuf,
    resources: usize,
    lines: usize,
}

/// Writes the connectors of all documents with anything to load, and checks them with cargo.
pub(crate) fn run(documents: &[PathBuf]) -> Result<()> {
    duckdb::set_up()?;
    let folder = build::target().join("corpus");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let mut members = Vec::new();
    for document in documents {
        members.extend(member(&folder, members.len(), document)?);
    }
    workspace(&folder)?;
    let (resources, lines) = members.iter().fold((0, 0), |(r, l), m| (r + m.resources, l + m.lines));
    println!(
        "{} connectors, {resources} resources, {lines} lines of code, {:.1} for a resource",
        members.len(),
        lines as f64 / resources.max(1) as f64
    );
    let start = Instant::now();
    let errors = check(&folder)?;
    println!("checked in {:.0} s", start.elapsed().as_secs_f64());
    for member in &members {
        if let Some(found) = errors.get(&member.package) {
            println!("\n{} ({}): {} errors", member.document.display(), member.package, found.len());
            found.iter().take(5).for_each(|text| println!("{text}"));
        }
    }
    println!("{} of {} compile", members.len() - errors.len(), members.len());
    if errors.is_empty() { Ok(()) } else { Err(format!("{} do not compile", errors.len()).into()) }
}

fn member(folder: &Path, number: usize, document: &Path) -> Result<Option<Member>> {
    let api = inspect(&Document::from_path(document, &Limits::default())?)?;
    if api.resources.is_empty() {
        return Ok(None);
    }
    let floe_path = Some(build::root().join("runtime").display().to_string());
    let mut files = connector(&api, &Options { floe_path, ..Options::default() })?;
    let package = format!("c{number:03}");
    if let Some(manifest) = files.files.get_mut("Cargo.toml") {
        manifest.text = in_workspace(&manifest.text, &package);
    }
    files.write(&folder.join("members").join(&package), true)?;
    let code = files.files.iter().filter(|(path, _)| path.ends_with(".rs"));
    let lines = code.map(|(_, file)| file.text.lines().count()).sum();
    Ok(Some(Member { package, document: document.to_owned(), resources: api.resources.len(), lines }))
}

/// The manifest of a connector as that of a member: the library keeps its name.
fn in_workspace(manifest: &str, package: &str) -> String {
    let text = manifest.replace("# a package of its own, wherever it is\n[workspace]\n", "");
    let name = text.lines().find_map(|line| line.strip_prefix("name = ")).unwrap_or_default().to_owned();
    let text = text.replacen(&format!("name = {name}"), &format!("name = \"{package}\""), 1);
    format!("{text}[lib]\nname = {name}\n\n[lints.rust]\nwarnings = \"deny\"\nmissing_docs = \"deny\"\n")
}

fn workspace(folder: &Path) -> Result<()> {
    let root = fs::read_to_string(build::root().join("Cargo.toml"))?;
    // what was compiled for floe serves here, because profiles and versions are the same
    let profiles = root.find("[profile.dev]").and_then(|at| root.get(at..)).unwrap_or_default();
    let own = "[profile.dev.package.";
    let profiles: Vec<&str> = profiles
        .split("\n\n")
        .filter(|part| !part.contains(own) || part.contains(&format!("{own}\"*\"]")))
        .collect();
    let manifest =
        format!("[workspace]\nresolver = \"3\"\nmembers = [\"members/*\"]\n\n{}\n", profiles.join("\n\n"));
    fs::write(folder.join("Cargo.toml"), manifest)?;
    fs::copy(build::root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
    Ok(())
}

/// Errors by package.
fn check(folder: &Path) -> Result<BTreeMap<String, Vec<String>>> {
    let mut cargo = build::cargo();
    cargo.args(["check", "--workspace", "--all-targets", "--keep-going", "--message-format", "json"]);
    cargo.current_dir(folder).env("CARGO_TARGET_DIR", build::target()).stderr(Stdio::inherit());
    let output = cargo.output()?;
    let mut errors: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut members = false;
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let message: Json = serde_json::from_str(line).unwrap_or_default();
        let id = message["package_id"].as_str().unwrap_or_default();
        let Some((_, package)) = id.rsplit_once("/members/") else { continue };
        members = true;
        if message["reason"] == "compiler-message" && message["message"]["level"] == "error" {
            let text = message["message"]["rendered"].as_str().unwrap_or_default().to_owned();
            let package = package.split('#').next().unwrap_or_default().to_owned();
            errors.entry(package).or_default().push(text);
        }
    }
    if !members || (!output.status.success() && errors.is_empty()) {
        return Err("cargo could not check the connectors; see above".into());
    }
    Ok(errors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_become_those_of_members() {
        let manifest = "[package]\nname = \"pets\"\nversion = \"0.1.0\"\n\n# a package of its own, wherever it is\n[workspace]\n";
        let member = in_workspace(manifest, "c001");
        assert!(member.starts_with("[package]\nname = \"c001\"\n"), "{member}");
        assert!(member.contains("[lib]\nname = \"pets\"\n") && !member.contains("[workspace]"), "{member}");
    }
}
