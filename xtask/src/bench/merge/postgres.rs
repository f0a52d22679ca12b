//! Merges in a Postgres server of their own.

use std::fs;
use std::process::Command;

use super::{Field, Merges, Strategy};
use crate::bench::measure::{Usage, measure};
use crate::{Result, postgres, shell};

pub(super) struct Server {
    server: postgres::Server,
    /// The database with the large table.
    base: String,
}

/// The copy that floe works on, and the one for SQL written by hand.
const COPY: &str = "merge";
const OTHER_COPY: &str = "by_hand";

impl Server {
    pub(super) fn start() -> Result<Option<Self>> {
        let server = postgres::Server::start()?;
        Ok(server.map(|server| Self { server, base: String::new() }))
    }

    fn url(&self, database: &str) -> String {
        self.server.url.replace("/postgres?", &format!("/{database}?"))
    }

    fn psql(&self, database: &str) -> Command {
        let mut command = Command::new("psql");
        command.arg(self.url(database)).args(["--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1"]);
        command.env("PGOPTIONS", "-c client_min_messages=warning");
        command
    }

    fn copy(&self, name: &str) -> Result<()> {
        let sql = [
            format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
            format!("CREATE DATABASE {name} TEMPLATE {} STRATEGY file_copy", self.base),
        ];
        let mut command = self.psql("postgres");
        for sql in &sql {
            command.args(["-c", sql]);
        }
        shell::run(&mut command)
    }
}

impl Field for Server {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn lacks_dlt(&self, merges: &Merges<'_>) -> Option<String> {
        let package = merges.arena.python.lacks(&["psycopg2-binary"])?;
        Some(format!("{} has no package {package}", merges.arena.python.program()))
    }

    fn prepare(&mut self, merges: &Merges<'_>, strategy: Strategy) -> Result<()> {
        self.base = format!("base_{}", strategy.name().replace('-', "_"));
        println!("making the database {}", self.base);
        shell::run(self.psql("postgres").args(["-c", &format!("CREATE DATABASE {}", self.base)]))?;
        let work = merges.work()?;
        let mut command = merges.load(work.path(), strategy, &merges.base()?)?;
        let (usage, _) = measure(
            command.args(["--destination", "postgres"]).args(["--credentials", &self.url(&self.base)]),
        )?;
        eprintln!("  made in {:.0} s", usage.wall);
        shell::run(self.psql(&self.base).args(["-c", "VACUUM ANALYZE", "-c", "CHECKPOINT"]))
    }

    fn begin(&mut self) -> Result<()> {
        self.copy(COPY)
    }

    fn point(&self, command: &mut Command) {
        command.args(["--destination", "postgres", "--credentials", &self.url(COPY)]);
    }

    fn by_hand(&mut self, merges: &Merges<'_>, strategy: Strategy) -> Result<Usage> {
        self.copy(OTHER_COPY)?;
        let work = merges.work()?;
        let dump = work.path().join("staged.sql");
        let mut command = Command::new("pg_dump");
        command.arg(self.url(COPY)).args(["--schema", "raw_staging", "--file"]).arg(&dump);
        shell::run(&mut command)?;
        // the base has an empty one
        shell::run(self.psql(OTHER_COPY).args(["-c", "DROP SCHEMA IF EXISTS raw_staging"]))?;
        shell::run(self.psql(OTHER_COPY).args(["--output", "/dev/null", "--file"]).arg(&dump))?;
        let sql = work.path().join("merge.sql");
        fs::write(&sql, strategy.by_hand("pg_temp"))?;
        let (usage, _) = measure(self.psql(OTHER_COPY).args(["--single-transaction", "--file"]).arg(&sql))?;
        Ok(usage)
    }

    fn credentials(&self) -> String {
        // dlt wants a host in front of the database
        let (user, options) = self.server.url.split_once("@/").unwrap_or_default();
        let port = options.rsplit_once("port=").map_or("5432", |(_, port)| port);
        format!("{user}@localhost:{port}/{COPY}")
    }
}
