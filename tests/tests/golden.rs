//! Connectors that the generator prints, compiled without warnings and run against answers made of their documents.
//! What they are is reviewed in codegen/tests/golden; what they load is in `rows.txt` there, which
//! `FLOE_UPDATE=1 cargo test -p floe-tests --test golden` writes anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use floe_tests::Dataset;
use floe_tests::dataset::Cell;
use floe_tests::libraries::Libraries;

/// A connector on its way.
struct Case<'l> {
    libraries: &'l Libraries,
    folder: PathBuf,
    /// The name of the crate.
    name: String,
    out: tempfile::TempDir,
}

impl Case<'_> {
    fn rustc(&self, crate_type: &str, emit: &str, file: &str) -> Command {
        let mut rustc = self.libraries.rustc(self.out.path());
        rustc.args(["--crate-type", crate_type, "--emit", emit, "-D", "warnings", "-D", "missing_docs"]);
        rustc.arg(file).current_dir(self.folder.join("connector"));
        rustc.env("CARGO_MANIFEST_DIR", self.folder.join("connector"));
        rustc.env("CARGO_TARGET_TMPDIR", self.out.path());
        rustc
    }

    fn with_library(&self, mut rustc: Command) -> Command {
        let library = self.out.path().join(format!("lib{}.rlib", self.name));
        rustc.arg("--extern").arg(format!("{}={}", self.name, library.display()));
        rustc
    }

    /// Compiles everything and runs the test.
    fn run(&self) {
        let mut library = self.rustc("rlib", "link,metadata", "src/lib.rs");
        library.args(["--crate-name", &self.name]);
        succeed(&self.name, &mut library);
        let mut program = self.with_library(self.rustc("bin", "metadata", "src/main.rs"));
        succeed(&self.name, program.args(["--crate-name", "program"]));
        let mut test = self.with_library(self.rustc("bin", "link", "tests/resources.rs"));
        succeed(&self.name, test.args(["--crate-name", "resources", "--test"]));
        let paths = std::env::join_paths(&self.libraries.native).unwrap();
        let mut test = Command::new(self.out.path().join("resources"));
        succeed(&self.name, test.env("LD_LIBRARY_PATH", &paths).env("DYLD_LIBRARY_PATH", &paths));
    }

    /// What is in the database now.
    fn rows(&self) -> String {
        let file = self.out.path().join(&self.name).join("test.duckdb");
        let dataset = Dataset::read(&file, &format!("{}_dataset", self.name)).unwrap();
        let mut out = String::new();
        for (name, table) in dataset.tables.iter().filter(|(name, _)| !name.starts_with("_dlt")) {
            let columns = table.columns.iter().filter(|c| !c.name.starts_with("_dlt"));
            let columns: Vec<String> = columns
                .map(|c| format!("{} {}{}", c.name, c.data_type, if c.nullable { "" } else { " not null" }))
                .collect();
            writeln!(out, "{name}: {}", columns.join(", ")).unwrap();
            let mut rows: Vec<String> = table.rows.iter().map(row).collect();
            rows.sort();
            rows.iter().for_each(|row| writeln!(out, "  {row}").unwrap());
        }
        out
    }
}

fn row(row: &floe_tests::dataset::Row) -> String {
    let cells = row.iter().filter(|(name, _)| !name.starts_with("_dlt"));
    let cells = cells.map(|(name, cell)| match cell {
        Cell::Instant(micros) => format!("{name}={micros}"),
        Cell::Value(value) => format!("{name}={value}"),
    });
    cells.collect::<Vec<_>>().join(" ")
}

fn succeed(what: &str, command: &mut Command) {
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{what}:\n{}", String::from_utf8_lossy(&said));
}

fn name_of(manifest: &Path) -> String {
    let text = std::fs::read_to_string(manifest).unwrap();
    let name = text.lines().find_map(|line| line.strip_prefix("name = ")).unwrap();
    name.trim_matches('"').to_owned()
}

#[test]
fn connectors_compile_and_load_what_their_documents_promise() {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../codegen/tests/golden").canonicalize().unwrap();
    let mut folders: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    folders.sort();
    assert_eq!(folders.len(), 8);
    let libraries = Libraries::find();
    let update = std::env::var_os("FLOE_UPDATE").is_some();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(folder) = folders.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let name = name_of(&folder.join("connector/Cargo.toml"));
                    let out = tempfile::tempdir().unwrap();
                    let case = Case { libraries: &libraries, folder: folder.clone(), name, out };
                    case.run();
                    let (rows, place) = (case.rows(), folder.join("rows.txt"));
                    if update {
                        std::fs::write(&place, &rows).unwrap();
                    }
                    if std::fs::read_to_string(&place).unwrap_or_default() != rows {
                        wrong.lock().unwrap().push(format!("{}:\n{rows}", place.display()));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "other rows than were reviewed:\n{}", wrong.join("\n"));
}
