//! What the compiler says about the macros. `FLOE_UPDATE=1 cargo test -p floe-tests --test ui` writes the texts
//! anew; they are reviewed like code.
//!
//! The cases are compiled against the libraries that this test is linked with. A crate for each of them would
//! build all dependencies a second time.

use std::path::{Path, PathBuf};

use floe_tests::libraries::Libraries;

/// What the compiler says about a case.
fn compile(libraries: &Libraries, case: &Path) -> (bool, String) {
    let out = tempfile::tempdir().unwrap();
    // contracts stand where the crate of the case would be
    let krate = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/contract");
    compile_in(libraries, &krate, case, out.path())
}

/// The same in a crate, with what the compiler writes in a folder.
fn compile_in(libraries: &Libraries, krate: &Path, case: &Path, out: &Path) -> (bool, String) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut rustc = libraries.rustc(out);
    rustc.args(["--crate-type", "bin", "--crate-name", "case", "--emit", "metadata,dep-info"]);
    rustc.args(["-A", "dead_code", "-A", "unused", "--diagnostic-width", "140", "--color", "never"]);
    rustc.arg(case.strip_prefix(here).unwrap_or(case)).current_dir(here);
    rustc.env("CARGO_MANIFEST_DIR", krate).env_remove("RUST_BACKTRACE");
    let output = rustc.output().unwrap();
    (output.status.success(), readable(&String::from_utf8(output.stderr).unwrap(), here))
}

/// The text without places of this machine and without notes that quote the sources of floe or of Rust: which
/// of them the compiler gives depends on whether it finds these sources.
fn readable(text: &str, here: &Path) -> String {
    let root = here.parent().unwrap().display().to_string();
    let elsewhere = |line: &&str| {
        line.trim_start().starts_with("::: ")
            || ["--> /", "--> runtime/", "/rustc/", "help: the following other types"]
                .iter()
                .any(|part| line.contains(part))
    };
    let blocks = text.split("\n\n").map(|block| {
        let kept = block.lines().take_while(|line| !elsewhere(line));
        let kept = kept.filter(|line| !line.contains("= help: the trait"));
        kept.map(|line| line.trim_end().replace(&root, "$ROOT")).collect::<Vec<_>>().join("\n")
    });
    blocks.collect::<Vec<_>>().join("\n\n") + "\n"
}

fn cases(kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui");
    let pattern = |group: &str| folder.join(group).join(kind);
    let files = ["table", "resource", "source", "contract"].iter().flat_map(|group| {
        let mut files: Vec<PathBuf> = std::fs::read_dir(pattern(group))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
            .collect();
        files.sort();
        files
    });
    files.collect()
}

#[test]
fn the_compiler_says_what_is_wrong() {
    let libraries = Libraries::find();
    let update = std::env::var_os("FLOE_UPDATE").is_some();
    let mut wrong = Vec::new();
    for case in cases("fail") {
        let (compiles, said) = compile(&libraries, &case);
        assert!(!compiles, "{} compiles", case.display());
        let place = case.with_extension("stderr");
        if update {
            std::fs::write(&place, &said).unwrap();
        }
        if std::fs::read_to_string(&place).unwrap_or_default() != said {
            wrong.push(format!("{}:\n{said}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for case in cases("pass") {
        let (compiles, said) = compile(&libraries, &case);
        assert!(compiles, "{}:\n{said}", case.display());
    }
}

/// Cargo builds a crate again when a file changes that the compiler says it has read. The contract is one of
/// them, and the next build reads it anew.
#[test]
fn a_change_of_the_contract_alone_is_seen() {
    let libraries = Libraries::find();
    let krate = tempfile::tempdir().unwrap();
    let contract = krate.path().join("contracts/agreed.contract");
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/contract");
    std::fs::create_dir(krate.path().join("contracts")).unwrap();
    std::fs::copy(here.join("contracts/agreed.contract"), &contract).unwrap();
    let case = here.join("pass/agreed.rs");
    let build = || compile_in(&libraries, krate.path(), &case, krate.path());
    let (compiles, said) = build();
    assert!(compiles, "{said}");
    let read = std::fs::read_to_string(krate.path().join("case.d")).unwrap();
    assert!(read.contains(&contract.display().to_string()), "{read}");
    let text = std::fs::read_to_string(&contract).unwrap();
    std::fs::write(&contract, text.replacen("bigint", "text", 1)).unwrap();
    let (compiles, said) = build();
    assert!(!compiles);
    assert!(said.contains("schema drift: `agreed` is not what its contract says"), "{said}");
    assert!(said.contains("the contract says `text"), "{said}");
}
