//! The second part of the demo: from an API document to a connector that is built, run, and kept honest.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::replica::Replica;
use super::{check, say};
use crate::shell::{self, Printed};
use crate::{Result, build};

const SPEC: &str = include_str!("../../../specs/pokeapi/openapi.yaml");
const DATA: &str = include_str!("../../../specs/pokeapi/data.json");
/// What the document does not say: details are asked for by the names in lists.
const OVERLAY: &str = "\
resources:
  pokemon:
    parent: {resource: pokemons, bindings: {id: name}}
  berry:
    parent: {resource: berries, bindings: {id: name}}
";
/// Tables and their rows.
const TABLES: [(&str, &str); 7] = [
    ("pokemons", "12"),
    ("pokemon", "12"),
    ("pokemon__abilities", "27"),
    ("pokemon__types", "16"),
    ("berries", "6"),
    ("berry", "6"),
    ("berry__flavors", "9"),
];

/// Where it happens, and with which floe.
pub(super) struct Connector<'d> {
    pub(super) floe: &'d Path,
    pub(super) folder: PathBuf,
}

impl Connector<'_> {
    pub(super) fn show(&self) -> Result<()> {
        let api = Replica::start(DATA)?;
        fs::create_dir_all(&self.folder)?;
        self.generate()?;
        self.build()?;
        self.load(&api)?;
        self.drift()
    }

    fn generate(&self) -> Result<()> {
        say("An API: its OpenAPI document says what can be loaded, each decision with its evidence.");
        fs::write(self.folder.join("pokeapi.yaml"), SPEC)?;
        let found = self.floe(&["inspect", "pokeapi.yaml"])?;
        check("lists and details are found", found.stdout.contains("json_link"))?;
        say("It does not say that details are asked for by name: four lines of overlay do.");
        fs::create_dir_all(self.folder.join("pokeapi"))?;
        fs::write(self.folder.join("pokeapi/floe.overlay.yaml"), OVERLAY)?;
        print!("\n{OVERLAY}");
        let made = self.generate_again(&[])?;
        check("the connector is written", made.code == Some(0))?;
        self.print("pokeapi/src/pokemon.rs")?;
        self.print("pokeapi/contracts/pokemon.contract")
    }

    fn build(&self) -> Result<()> {
        say("It is a crate like any other. Its dependencies are those of floe, and are compiled already.");
        // the same versions, so that nothing is fetched
        fs::copy(build::root().join("Cargo.lock"), self.folder.join("pokeapi/Cargo.lock"))?;
        let built = self.cargo()?;
        print!("{}", last_lines(&built.stderr, 3));
        check("the connector builds", built.code == Some(0))
    }

    fn load(&self, api: &Replica) -> Result<()> {
        say("Loaded from a replica of the API on this machine: lists page by page, details in parallel.");
        let first = self.run(api)?;
        for (table, rows) in TABLES {
            let is_row = |line: &str| {
                let words: Vec<&str> = line.split_whitespace().collect();
                words.contains(&table) && words.contains(&rows)
            };
            let counts = format!("{rows} rows into {table}");
            let said = first.stdout.contains(&counts) || first.stdout.lines().any(is_row);
            check(&format!("{table} has {rows} rows"), said)?;
        }
        println!("({} requests)", api.requests());
        say("Once more: rows are merged by their keys, lists are replaced; nothing is there twice.");
        self.run(api)?;
        let again = self.floe(&["pipeline", "poke_api", "info", "--pipelines-dir", "data/floe/pipelines"])?;
        check("the pipeline knows its dataset", again.code == Some(0) && again.stdout.contains("poke_api"))
    }

    fn drift(&self) -> Result<()> {
        say(
            "The API changes: weights become texts, heights are gone. `--check` sees it, in a build of yours.",
        );
        let weight = "weight: {type: [integer, 'null']";
        let height = "        height: {type: integer, description: In tenths of a metre.}\n";
        let changed = SPEC.replace(weight, "weight: {type: [string, 'null']").replace(height, "");
        let changed = changed.replace("required: [id, name, height,", "required: [id, name,");
        fs::write(self.folder.join("pokeapi.yaml"), changed)?;
        let seen = self.generate_again(&["--check"])?;
        check(
            "the drift is seen",
            seen.code == Some(1) && seen.stderr.contains("~ pokemon.weight bigint -> text"),
        )?;
        say(
            "Generated anew, the structs follow the document. The contract does not: the build says what changed.",
        );
        let made = self.generate_again(&[])?;
        check("the contract stays", made.stdout.contains("- pokemon.height"))?;
        let built = self.cargo()?;
        let at = built.stderr.find("error").unwrap_or(0);
        print!("{}", built.stderr.get(at..).unwrap_or_default());
        let expected = built.code != Some(0) && built.stderr.contains("schema drift: `pokemon`");
        check("the build fails with the drift", expected)
    }

    fn generate_again(&self, more: &[&str]) -> Result<Printed> {
        let runtime = build::root().join("runtime").display().to_string();
        let args = ["generate", "pokeapi.yaml", "--out", "pokeapi", "--floe-path", &runtime];
        self.floe(&[&args, more].concat())
    }

    fn floe(&self, args: &[&str]) -> Result<Printed> {
        println!("\n$ floe {}", args.join(" "));
        let printed = shell::capture(Command::new(self.floe).args(args).current_dir(&self.folder))?;
        print!("{}{}", printed.stdout, printed.stderr);
        Ok(printed)
    }

    /// Builds the connector with floe's target folder and profile.
    fn cargo(&self) -> Result<Printed> {
        println!("\n$ cargo build --release");
        let mut cargo = build::cargo();
        cargo.args(["build", "--release", "--quiet"]).current_dir(self.folder.join("pokeapi"));
        cargo.env("CARGO_TARGET_DIR", build::target());
        for (key, value) in [("CODEGEN_UNITS", "4"), ("PANIC", "unwind"), ("STRIP", "debuginfo")] {
            cargo.env(format!("CARGO_PROFILE_RELEASE_{key}"), value);
        }
        shell::capture(&mut cargo)
    }

    fn run(&self, api: &Replica) -> Result<Printed> {
        println!("\n$ SOURCES__POKE_API__BASE_URL={} target/release/poke_api", api.url());
        let program =
            build::target().join("release").join(format!("poke_api{}", std::env::consts::EXE_SUFFIX));
        let library = build::target().join("duckdb");
        let mut run = Command::new(program);
        run.current_dir(&self.folder).env("SOURCES__POKE_API__BASE_URL", api.url());
        // state stays in the folder of the demo
        run.env("XDG_DATA_HOME", self.folder.join("data"));
        run.env("LD_LIBRARY_PATH", &library).env("DYLD_LIBRARY_PATH", &library);
        let printed = shell::capture(&mut run)?;
        print!("{}{}", printed.stdout, printed.stderr);
        check("the connector loads", printed.code == Some(0))?;
        Ok(printed)
    }

    fn print(&self, file: &str) -> Result<()> {
        println!("\n$ cat {file}\n{}", fs::read_to_string(self.folder.join(file))?.trim_end());
        Ok(())
    }
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines.iter().skip(lines.len().saturating_sub(count)).map(|line| format!("{line}\n")).collect()
}
