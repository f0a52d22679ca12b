//! The Python of the peers.

use std::env;
use std::process::Command;

use crate::shell;

/// The versions that floe is compared with.
const WANTED: &str = include_str!("../../../bench/requirements.txt");
const VERSIONS: &str = "
import importlib.metadata as m, sys
for name in sys.argv[1:]:
    try: print(name, m.version(name))
    except m.PackageNotFoundError: pass
";

/// An interpreter and what it has.
pub(crate) struct Python {
    program: String,
    /// Names and versions.
    installed: Vec<(String, String)>,
}

impl Python {
    pub(crate) fn find() -> Self {
        let program = env::var("FLOE_BENCH_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let mut command = Command::new(&program);
        command.args(["-c", VERSIONS]).args(wanted().map(|(name, _)| name));
        let printed = shell::capture(&mut command).map(|printed| printed.stdout).unwrap_or_default();
        let pairs = printed.lines().filter_map(|line| line.split_once(' '));
        Self {
            program,
            installed: pairs.map(|(name, version)| (name.to_owned(), version.to_owned())).collect(),
        }
    }

    /// Which of the packages is not there.
    pub(crate) fn lacks<'a>(&self, packages: &[&'a str]) -> Option<&'a str> {
        packages.iter().find(|name| self.version(name).is_none()).copied()
    }

    /// What is there in another version than the one that counts.
    pub(crate) fn differences(&self) -> Vec<String> {
        let other = |(name, version): (&str, &str)| {
            let found = self.version(name).filter(|found| *found != version)?;
            Some(format!("{name} is {found}, not {version}"))
        };
        wanted().filter_map(other).collect()
    }

    pub(crate) fn command(&self) -> Command {
        Command::new(&self.program)
    }

    pub(crate) fn program(&self) -> &str {
        &self.program
    }

    fn version(&self, name: &str) -> Option<&str> {
        self.installed.iter().find(|(installed, _)| installed == name).map(|(_, version)| version.as_str())
    }
}

/// Names and versions, without extras.
fn wanted() -> impl Iterator<Item = (&'static str, &'static str)> {
    WANTED.lines().filter_map(|line| {
        let (name, version) = line.split_once("==")?;
        Some((name.split('[').next().unwrap_or(name), version))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_looked_up() {
        let names: Vec<&str> = wanted().map(|(name, _)| name).collect();
        assert_eq!(names, ["duckdb", "dlt", "pyarrow", "orjson", "psycopg2-binary"]);
        let installed = vec![("duckdb".to_owned(), "1.0.0".to_owned())];
        let python = Python { program: "python3".to_owned(), installed };
        assert_eq!(python.lacks(&["duckdb", "dlt"]), Some("dlt"));
        assert_eq!(python.lacks(&["duckdb"]), None);
        assert_eq!(python.differences(), ["duckdb is 1.0.0, not 1.5.6"]);
    }
}
