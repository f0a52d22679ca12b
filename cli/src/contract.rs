//! `floe contract`.
//!
//! Every struct with a contract has a test that knows the schema. The tests are run with a folder into which they
//! write it, so that structs can be seen even while they do not compile against their contracts.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use floe::{Error, ErrorKind, Result, SchemaDiff, nearest};
use floe_schema::typed::ContractFile;
use serde_json::{Value as Json, json};

use crate::args::{self, Common, ContractCommand, Crate};
use crate::output::{self, Output};
use crate::schema;

/// The variable that names the folder.
const FOLDER: &str = "FLOE_CONTRACTS";

pub(crate) fn run(args: &args::Contract, common: &Common) -> Result<()> {
    match &args.what {
        ContractCommand::Accept(of) => accept(of, common),
        ContractCommand::Diff { what, check } => diff(what, *check, common),
        ContractCommand::Check(of) => diff(of, true, common),
        ContractCommand::Import { source, table, to, pipelines_dir } => {
            import(source, table, to, pipelines_dir.as_deref())
        }
    }
}

/// A contract as the struct would have it.
struct Wanted {
    /// Where it stands.
    file: PathBuf,
    text: String,
    /// How it differs from what stands there.
    changes: Vec<String>,
}

impl Wanted {
    fn name(&self) -> &str {
        self.file.file_stem().and_then(|name| name.to_str()).unwrap_or_default()
    }

    fn read(exported: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(exported).map_err(|e| failed("read", exported, &e))?;
        let (file, text) = text.split_once('\n').unwrap_or_default();
        let file = PathBuf::from(file);
        let there = match std::fs::read_to_string(&file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => ContractFile::default(),
            Err(error) => return Err(failed("read", &file, &error)),
            Ok(there) => parse(&there, &file)?,
        };
        let wanted = parse(text, exported)?;
        let diff = SchemaDiff::between_tables(&there.tables, &wanted.tables);
        let changes = diff.changes.iter().map(ToString::to_string).collect();
        Ok(Self { text: text.to_owned(), file, changes })
    }
}

fn parse(text: &str, file: &Path) -> Result<ContractFile> {
    ContractFile::parse(text).map_err(|e| {
        Error::config(format!("{}: {e}", file.display()))
            .help("correct the line, or remove the file and accept anew")
    })
}

fn failed(what: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("cannot {what} {}: {error}", path.display()))
}

fn accept(of: &Crate, common: &Common) -> Result<()> {
    let mut accepted = Vec::new();
    each(of, &mut |wanted| {
        if wanted.changes.is_empty() && wanted.file.exists() {
            return Ok(());
        }
        let folder = wanted.file.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(|e| failed("make", folder, &e))?;
        std::fs::write(&wanted.file, &wanted.text).map_err(|e| failed("write", &wanted.file, &e))?;
        accepted.push(wanted);
        Ok(())
    })?;
    if common.output == Output::Json {
        return output::print_json(&document(&accepted));
    }
    match accepted.as_slice() {
        [] => output::print("all contracts are what the structs say"),
        some => {
            let texts: Vec<String> =
                some.iter().map(|w| format!("{}accepted {}", text(w), w.file.display())).collect();
            output::print(&texts.join("\n"))
        }
    }
}

fn diff(of: &Crate, check: bool, common: &Common) -> Result<()> {
    let mut drifted = Vec::new();
    each(of, &mut |wanted| {
        if !wanted.changes.is_empty() || !wanted.file.exists() {
            drifted.push(wanted);
        }
        Ok(())
    })?;
    if common.output == Output::Json {
        output::print_json(&document(&drifted))?;
    } else if drifted.is_empty() {
        output::print("all contracts are what the structs say")?;
    } else {
        output::print(&drifted.iter().map(text).collect::<Vec<_>>().concat())?;
    }
    if !check || drifted.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = drifted.iter().map(Wanted::name).collect();
    Err(Error::new(ErrorKind::Contract, format!("schema drift: {} changed", names.join(", ")))
        .help("if the new schema is meant, `floe contract accept` writes it down"))
}

fn document(wanted: &[Wanted]) -> Json {
    let entry = |w: &Wanted| json!({"table": w.name(), "file": w.file, "changes": w.changes});
    wanted.iter().map(entry).collect()
}

/// The changes with colours, where somebody looks.
fn text(wanted: &Wanted) -> String {
    let coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let line = |change: &String| {
        let colour = match change.chars().next() {
            Some('+') => "\u{1b}[32m",
            Some('-') => "\u{1b}[31m",
            _ => "\u{1b}[33m",
        };
        if coloured { format!("  {colour}{change}\u{1b}[0m\n") } else { format!("  {change}\n") }
    };
    let lines: String = wanted.changes.iter().map(line).collect();
    format!("{}\n{lines}", wanted.name())
}

/// Gives every contract of the crates to `take`, those of libraries before those of what uses them.
fn each(of: &Crate, take: &mut dyn FnMut(Wanted) -> Result<()>) -> Result<()> {
    let packages = packages(of)?;
    let mut seen: Vec<String> = Vec::new();
    for package in &packages {
        for target in &package.targets {
            let folder = tempfile::tempdir().map_err(|e| failed("make", Path::new("a folder"), &e))?;
            run_tests(of, package, target, folder.path())?;
            let mut files: Vec<PathBuf> = std::fs::read_dir(folder.path())
                .map_err(|e| failed("read", folder.path(), &e))?
                .filter_map(|entry| Some(entry.ok()?.path()))
                .collect();
            files.sort();
            for wanted in files.iter().map(|file| Wanted::read(file)) {
                let wanted = wanted?;
                seen.push(wanted.name().to_owned());
                if of.tables.is_empty() || of.tables.iter().any(|name| name == wanted.name()) {
                    take(wanted)?;
                }
            }
        }
    }
    let known: Vec<&str> = seen.iter().map(String::as_str).collect();
    if let Some(wrong) = of.tables.iter().find(|name| !seen.contains(name)) {
        let error = Error::config(format!("no table {wrong} has a contract"));
        return Err(match nearest(wrong, &known) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help("mark the struct with `#[table(contract)]`"),
        });
    }
    if seen.is_empty() {
        return Err(Error::config("no table has a contract").help("mark a struct with `#[table(contract)]`"));
    }
    Ok(())
}

/// A package of the workspace that may have contracts.
struct Package {
    name: String,
    /// Names of packages of the workspace that it needs.
    needs: Vec<String>,
    /// Arguments that name a library or a program.
    targets: Vec<Vec<String>>,
}

fn cargo(of: &Crate, command: &str) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.arg(command);
    if let Some(path) = &of.manifest_path {
        cargo.arg("--manifest-path").arg(path);
    }
    cargo
}

fn packages(of: &Crate) -> Result<Vec<Package>> {
    let out =
        cargo(of, "metadata").args(["--no-deps", "--format-version", "1"]).stderr(Stdio::inherit()).output();
    let out = out.map_err(|e| Error::config(format!("cannot run cargo: {e}")))?;
    let metadata: Json = serde_json::from_slice(&out.stdout).map_err(|_| {
        Error::config("cargo knows of no crate here").help("go to the crate, or name its --manifest-path")
    })?;
    let list = metadata["packages"].as_array().into_iter().flatten();
    let mut packages: Vec<Package> = list.filter(|p| has_contracts(p)).map(package).collect();
    if let Some(name) = &of.package {
        packages.retain(|package| package.name == *name);
        if packages.is_empty() {
            return Err(Error::config(format!("no package {name} has contracts")));
        }
    }
    // what others need comes first
    let mut sorted: Vec<Package> = Vec::new();
    while !packages.is_empty() {
        let waits = |package: &Package| packages.iter().any(|p| package.needs.contains(&p.name));
        let next = packages.iter().position(|package| !waits(package)).unwrap_or(0);
        sorted.push(packages.remove(next));
    }
    Ok(sorted)
}

fn package(package: &Json) -> Package {
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let dependencies = package["dependencies"].as_array().into_iter().flatten();
    let mut targets: Vec<Vec<String>> = Vec::new();
    for target in package["targets"].as_array().into_iter().flatten() {
        let is = |kind: &str| target["kind"].as_array().into_iter().flatten().any(|k| k == kind);
        if target["test"] != true {
            continue;
        }
        if is("lib") || is("rlib") {
            targets.insert(0, vec!["--lib".to_owned()]);
        } else if is("bin") {
            targets.push(vec!["--bin".to_owned(), text(&target["name"])]);
        }
    }
    let needs = dependencies.filter(|d| d["path"].is_string()).map(|d| text(&d["name"])).collect();
    Package { name: text(&package["name"]), needs, targets }
}

/// Whether a file of the package speaks of a contract. Tests of the others need not be built.
fn has_contracts(package: &Json) -> bool {
    fn any(folder: &Path) -> bool {
        std::fs::read_dir(folder).into_iter().flatten().flatten().any(|entry| {
            let path = entry.path();
            if path.is_dir() {
                return any(&path);
            }
            let is_rust = path.extension().is_some_and(|extension| extension == "rs");
            is_rust
                && std::fs::read_to_string(&path)
                    .is_ok_and(|text| text.contains("table(") && text.contains("contract"))
        })
    }
    let manifest = Path::new(package["manifest_path"].as_str().unwrap_or_default());
    manifest.parent().is_some_and(|folder| any(&folder.join("src")))
}

fn run_tests(of: &Crate, package: &Package, target: &[String], folder: &Path) -> Result<()> {
    let out = cargo(of, "test")
        .args(["--quiet", "--package", &package.name])
        .args(target)
        .args(["--", "contract_of_"])
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .status();
    let status = out.map_err(|e| Error::config(format!("cannot run cargo: {e}")))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Config, format!("the tests of package {} cannot be built", package.name))
        .help("see above; a contract of a library has to be accepted before the program that uses it"))
}

fn import(source: &str, only: &[String], to: &Path, pipelines_dir: Option<&Path>) -> Result<()> {
    let schemas = schema::schemas(source, pipelines_dir)?;
    let mut written = Vec::new();
    for schema in &schemas {
        let roots = schema.tables.values().filter(|t| !t.is_nested() && !floe_schema::is_internal(&t.name));
        for root in roots.filter(|t| only.is_empty() || only.contains(&t.name)) {
            let chain = schema.chain(&root.name);
            let file = to.join(format!("{}.contract", root.name));
            std::fs::create_dir_all(to).map_err(|e| failed("make", to, &e))?;
            std::fs::write(&file, ContractFile::of(chain).to_string())
                .map_err(|e| failed("write", &file, &e))?;
            written.push(file.display().to_string());
        }
    }
    if written.is_empty() {
        return Err(Error::config(format!("{source} has no such table")));
    }
    output::print(&written.iter().map(|file| format!("wrote {file}")).collect::<Vec<_>>().join("\n"))
}
