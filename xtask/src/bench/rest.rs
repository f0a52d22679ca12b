//! A REST API of this machine, against dlt's `rest_api` with the same document.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::{Value as Json, json};

use super::contender::{Contender, loaded_rows, told};
use super::data::Shape;
use super::measure::{Usage, measure, medians};
use super::report::megabytes;
use super::report::{Judged, Measured, Report, Target};
use super::runs::{MEMORY, Plan};
use crate::{Result, build, shell};

const ROWS: u64 = 20_000;
const PARENTS: u64 = 2_000;
/// How long an answer takes where waiting is what counts, in milliseconds.
const LATENCY: u64 = 20;
/// How many requests floe has on their way.
const AT_ONCE: u64 = 10;
/// Pages of one row each.
const SMALL: u64 = 100_000;
const FASTER: Target = Target::AtLeast(5.0);
/// Of the time that the limit of requests allows.
const NEAR_LIMIT: Target = Target::AtMost(1.5);

/// The server; it ends with its standard input.
struct Server {
    child: Child,
    _input: Option<ChildStdin>,
    url: String,
}

impl Server {
    fn start(mut python: Command, file: &Path, latency: u64) -> Result<Self> {
        let script = build::root().join("bench/rest_server.py");
        python.arg(script).arg(file).args([PARENTS.to_string(), latency.to_string()]);
        let shown = shell::text(&python);
        let mut child = python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let told: Json = serde_json::from_str(&line).map_err(|e| format!("`{shown}` did not start: {e}"))?;
        let url = format!("http://127.0.0.1:{}", told["port"]);
        Ok(Self { _input: child.stdin.take(), child, url })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self._input.take());
        // it may have ended by itself
        let _ = self.child.wait();
    }
}

impl Plan {
    /// Pages of issues as fast as they come, and children of parents with slow answers.
    pub(crate) fn rest(&self) -> Result<Report> {
        let file = self.file(Shape::Issues, ROWS)?;
        let pages = |url: &str| {
            json!({
                "client": {"base_url": url, "paginator": "header_link"},
                "resources": [{"name": "issues", "endpoint": "issues"}],
            })
        };
        let children = |url: &str| {
            json!({
                "client": {"base_url": url, "paginator": "header_link"},
                "resources": [
                    {"name": "parents", "endpoint": "parents"},
                    {"name": "children", "parallelized": true,
                        "endpoint": "parents/{resources.parents.id}/child"},
                ],
            })
        };
        let mut report = Report::default();
        let data = format!("{ROWS} issues, 100 a page");
        let runs = self.compare(&file, 0, &data, pages, "issues", ROWS)?;
        if let (Some(floe), Some(dlt)) = (of(&runs, Contender::Floe), of(&runs, Contender::Dlt)) {
            report.judged.push(judged("REST, speed, of dlt", &data, dlt.wall / floe.wall, FASTER));
        }
        report.measured.extend(measured(&data, &runs));
        let data = format!("{PARENTS} children, {LATENCY} ms each");
        let runs = self.compare(&file, LATENCY, &data, children, "children", PARENTS)?;
        if let Some(floe) = of(&runs, Contender::Floe) {
            let limit = (PARENTS * LATENCY / AT_ONCE) as f64 / 1000.0;
            report.judged.push(judged("REST, time, of the limit", &data, floe.wall / limit, NEAR_LIMIT));
        }
        report.measured.extend(measured(&data, &runs));
        report.extend(self.rest_memory(&file)?);
        Ok(report)
    }

    /// One page of 64 MB, and pages of one row.
    fn rest_memory(&self, file: &Path) -> Result<Report> {
        let server = Server::start(self.arena.python.command(), file, 0)?;
        let config = self.arena.folder.join("rest.json");
        let mut report = Report::default();
        let large = "a page of 64 MB".to_owned();
        for (table, data, rows) in [("large", large, None), ("small", format!("{SMALL} pages"), Some(SMALL))]
        {
            let document = json!({
                "client": {"base_url": server.url, "paginator": "header_link"},
                "resources": [{"name": table, "endpoint": table}],
            });
            fs::write(&config, document.to_string())?;
            let usage = self.one_api(Contender::Floe, &config, table, rows)?;
            let value = megabytes(usage.memory);
            let judged = judged("REST, peak memory", &data, value, MEMORY);
            report.judged.push(Judged { unit: " MB", ..judged });
            report.measured.extend(measured(&data, &[(Contender::Floe, vec![usage])]));
        }
        Ok(report)
    }

    fn compare(
        &self,
        file: &Path,
        latency: u64,
        data: &str,
        document: impl Fn(&str) -> Json,
        table: &str,
        rows: u64,
    ) -> Result<Vec<(Contender, Vec<Usage>)>> {
        let server = Server::start(self.arena.python.command(), file, latency)?;
        let config = self.arena.folder.join("rest.json");
        fs::write(&config, document(&server.url).to_string())?;
        let able = [Contender::Floe, Contender::Dlt].into_iter().filter(|who| self.contenders.contains(who));
        let mut runs: Vec<(Contender, Vec<Usage>)> = able.map(|who| (who, Vec::new())).collect();
        for _ in 0..self.repeat {
            for (who, usages) in &mut runs {
                let usage = self.one_api(*who, &config, table, Some(rows))?;
                eprintln!("  {data} by {}: {:.2} s", who.name(), usage.wall);
                usages.push(usage);
            }
        }
        Ok(runs)
    }

    fn one_api(&self, who: Contender, config: &Path, table: &str, rows: Option<u64>) -> Result<Usage> {
        let work = tempfile::Builder::new().prefix("run-").tempdir_in(&self.arena.folder)?;
        let mut command = match who {
            Contender::Floe => {
                let mut command = Command::new(&self.arena.floe);
                command.arg("run").arg(config).args(["--pipeline", "bench", "--dataset", "raw"]);
                command.args(["--output", "json", "--credentials"]).arg(work.path().join("bench.duckdb"));
                command.arg("--pipelines-dir").arg(work.path().join("pipelines"));
                command
            }
            _ => {
                let mut command = self.arena.python.command();
                command.arg(build::root().join("bench/dlt_rest.py")).arg(config).arg(table);
                command
            }
        };
        let (usage, printed) = measure(command.env("TMPDIR", work.path()))?;
        let (found, usage) = match who {
            Contender::Floe => (loaded_rows(&printed, table), usage),
            _ => told(who, &printed, usage)?,
        };
        match rows {
            Some(rows) if found != Some(rows) => {
                Err(format!("{} loaded {found:?} rows of {table}, not {rows}", who.name()).into())
            }
            _ => Ok(usage),
        }
    }
}

fn of(runs: &[(Contender, Vec<Usage>)], who: Contender) -> Option<Usage> {
    medians(&runs.iter().find(|(known, _)| *known == who)?.1)
}

fn judged(what: &str, data: &str, value: f64, target: Target) -> Judged {
    Judged { what: what.to_owned(), data: data.to_owned(), value, unit: "×", target }
}

fn measured(data: &str, runs: &[(Contender, Vec<Usage>)]) -> Vec<Measured> {
    let each = runs.iter().filter_map(|(who, usages)| {
        let usage = medians(usages)?;
        Some(Measured { data: data.to_owned(), who: *who, runs: usages.len(), usage })
    });
    each.collect()
}
