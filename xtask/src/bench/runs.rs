//! The three measurements.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::contender::{Arena, Contender};
use super::data::{self, Shape};
use super::measure::{Usage, medians};
use super::merge::Merges;
use super::postgres;
use super::report::{Judged, Measured, Report, Target, megabytes};
use crate::Result;

/// Slower or more processor time than the limit by this much at most.
const LIMIT: Target = Target::AtMost(1.5);
/// So many times faster than dlt.
const DLT_PARQUET: Target = Target::AtLeast(8.0);
const DLT: Target = Target::AtLeast(40.0);
/// The same where the types are known, for pages and for structs.
const PAGES: Target = Target::AtMost(1.0);
const STRUCTS: Target = Target::AtMost(1.6);
/// Megabytes at one time.
pub(super) const MEMORY: Target = Target::AtMost(400.0);
/// Memory may grow by this much when rows grow by `MORE_ROWS`.
const GROWTH: Target = Target::AtMost(1.15);
const MORE_ROWS: u64 = 4;
/// The part of dlt's time that a small load may take.
const SMALL: Target = Target::AtMost(0.1);
const FEW_ROWS: u64 = 100;
/// Merges go into a table of so many times the rows of a load, and are repeated so often.
const MERGED_INTO: u64 = 10;
const MERGES: usize = 3;

/// How much is measured, and of whom.
pub(crate) struct Plan {
    pub(crate) arena: Arena,
    pub(crate) rows: u64,
    pub(crate) repeat: usize,
    /// dlt as it comes takes minutes for each run.
    pub(crate) repeat_dlt: usize,
    /// Those that can run here.
    pub(crate) contenders: Vec<Contender>,
}

/// What one contender took, run by run.
type Runs = Vec<(Contender, Vec<Usage>)>;

impl Plan {
    /// Time of a load against the limit and against dlt.
    pub(crate) fn load(&self) -> Result<Report> {
        let mut report = Report::default();
        for shape in Shape::ALL {
            let file = self.file(shape, self.rows)?;
            let mut runs: Runs = self.contenders.iter().map(|who| (*who, Vec::new())).collect();
            // in turns, so that a slow minute of the machine is a slow minute for all
            for round in 0..self.repeat.max(self.repeat_dlt) {
                for (who, usages) in &mut runs {
                    if round < self.repeats(*who) {
                        usages.push(self.one_load(*who, shape, &file, self.rows)?);
                    }
                }
            }
            report.extend(judge_load(shape, &label(shape, self.rows), &runs));
        }
        Ok(report)
    }

    /// Time of a load whose types are known.
    pub(crate) fn typed(&self) -> Result<Report> {
        let mut report = Report::default();
        for shape in Shape::ALL {
            let file = self.file(shape, self.rows)?;
            let limit = self.contenders.iter().copied().filter(|who| *who == Contender::Limit);
            let who = [Contender::Pages, Contender::Structs].into_iter().chain(limit);
            let mut runs: Runs = who.map(|who| (who, Vec::new())).collect();
            for _ in 0..self.repeat {
                for (who, usages) in &mut runs {
                    usages.push(self.one_load(*who, shape, &file, self.rows)?);
                }
            }
            report.extend(judge_typed(shape, &label(shape, self.rows), &runs));
        }
        Ok(report)
    }

    /// Peak memory with more rows against that with fewer.
    pub(crate) fn memory(&self) -> Result<Report> {
        let mut report = Report::default();
        for shape in Shape::ALL {
            let sizes = [self.rows, self.rows * MORE_ROWS];
            let mut peaks = Vec::new();
            for rows in sizes {
                let file = self.file(shape, rows)?;
                let runs = (0..self.repeat).map(|_| self.one_load(Contender::Floe, shape, &file, rows));
                let usages = runs.collect::<Result<Vec<_>>>()?;
                let Some(usage) = medians(&usages) else { continue };
                peaks.push(usage.memory);
                let (data, runs) = (label(shape, rows), usages.len());
                report.measured.push(Measured { data: data.clone(), who: Contender::Floe, runs, usage });
                report.judged.push(judged("peak memory", &data, megabytes(usage.memory), " MB", MEMORY));
            }
            if let [few, many] = peaks[..] {
                let what = format!("memory for {MORE_ROWS} times the rows");
                report.judged.push(judged(&what, shape.name(), many / few, "×", GROWTH));
            }
        }
        Ok(report)
    }

    /// A small load as a whole process, where starting is what counts.
    pub(crate) fn small(&self) -> Result<Report> {
        let shape = Shape::Issues;
        let file = self.file(shape, FEW_ROWS)?;
        let who = [Contender::Floe, Contender::Dlt].into_iter().filter(|who| self.contenders.contains(who));
        let mut runs: Runs = who.map(|who| (who, Vec::new())).collect();
        for _ in 0..self.repeat {
            for (who, usages) in &mut runs {
                let (usage, _) = self.arena.process(*who, shape, &file)?;
                eprintln!("  {FEW_ROWS} rows by {}, whole process: {:.3} s", who.name(), usage.wall);
                usages.push(usage);
            }
        }
        let data = format!("{}, whole process", label(shape, FEW_ROWS));
        let mut report = Report { measured: measured(&data, &runs), judged: Vec::new() };
        if let (Some(floe), Some(dlt)) = (of(&runs, Contender::Floe), of(&runs, Contender::Dlt)) {
            report.judged.push(judged("small load, part of dlt", &data, floe.wall / dlt.wall, "", SMALL));
        }
        Ok(report)
    }

    /// Merges into a table of ten times the rows.
    pub(crate) fn merge(&self) -> Result<Report> {
        let (arena, contenders) = (&self.arena, self.contenders.as_slice());
        let rows = self.rows * MERGED_INTO;
        Merges { arena, contenders, rows, repeat: self.repeat.min(MERGES) }.run()
    }

    /// A load into Postgres.
    pub(crate) fn postgres(&self) -> Result<Report> {
        let file = self.file(Shape::Issues, self.rows)?;
        postgres::ingest(&self.arena, &file, self.rows, self.repeat.min(MERGES))
    }

    fn repeats(&self, who: Contender) -> usize {
        if who == Contender::Dlt { self.repeat_dlt } else { self.repeat }
    }

    fn one_load(&self, who: Contender, shape: Shape, file: &Path, rows: u64) -> Result<Usage> {
        let usage = self.arena.load(who, shape, file, rows)?;
        let (name, memory) = (who.name(), megabytes(usage.memory));
        eprintln!("  {} by {name}: {:.2} s, {memory:.0} MB", label(shape, rows), usage.wall);
        Ok(usage)
    }

    /// The file, in the memory of the system, where everyone finds it.
    pub(crate) fn file(&self, shape: Shape, rows: u64) -> Result<PathBuf> {
        let path = data::file(&self.arena.folder, shape, rows)?;
        io::copy(&mut File::open(&path)?, &mut io::sink())?;
        Ok(path)
    }
}

fn judge_load(shape: Shape, data: &str, runs: &Runs) -> Report {
    let mut report = Report { measured: measured(data, runs), judged: Vec::new() };
    let Some(floe) = of(runs, Contender::Floe) else { return report };
    let mut judge =
        |what, value, unit, target| report.judged.push(judged(what, shape.name(), value, unit, target));
    if let Some(limit) = of(runs, Contender::Limit) {
        judge("wall, of DuckDB's reader", floe.wall / limit.wall, "×", LIMIT);
        judge("CPU, of DuckDB's reader", floe.cpu / limit.cpu, "×", LIMIT);
    }
    if let Some(dlt) = of(runs, Contender::DltParquet) {
        judge("speed, of dlt, Parquet, 2 workers", dlt.wall / floe.wall, "×", DLT_PARQUET);
    }
    if let Some(dlt) = of(runs, Contender::Dlt) {
        judge("speed, of dlt", dlt.wall / floe.wall, "×", DLT);
    }
    judge("peak memory", megabytes(floe.memory), " MB", MEMORY);
    report
}

fn judge_typed(shape: Shape, data: &str, runs: &Runs) -> Report {
    let mut report = Report { measured: measured(data, runs), judged: Vec::new() };
    for (who, target) in [(Contender::Pages, PAGES), (Contender::Structs, STRUCTS)] {
        let (Some(own), Some(limit)) = (of(runs, who), of(runs, Contender::Limit)) else { continue };
        for (what, value) in [("wall", own.wall / limit.wall), ("CPU", own.cpu / limit.cpu)] {
            let what = format!("{}: {what}, of DuckDB's reader", who.name());
            report.judged.push(judged(&what, shape.name(), value, "×", target));
        }
    }
    report
}

fn judged(what: &str, data: &str, value: f64, unit: &'static str, target: Target) -> Judged {
    Judged { what: what.to_owned(), data: data.to_owned(), value, unit, target }
}

fn measured(data: &str, runs: &Runs) -> Vec<Measured> {
    let each = runs.iter().filter_map(|(who, usages)| {
        let usage = medians(usages)?;
        Some(Measured { data: data.to_owned(), who: *who, runs: usages.len(), usage })
    });
    each.collect()
}

fn of(runs: &Runs, wanted: Contender) -> Option<Usage> {
    let (_, usages) = runs.iter().find(|(who, _)| *who == wanted)?;
    medians(usages)
}

fn label(shape: Shape, rows: u64) -> String {
    format!("{}, {rows} rows", shape.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(who: Contender, wall: f64) -> (Contender, Vec<Usage>) {
        (who, vec![Usage { wall, cpu: wall, memory: 200e6 }])
    }

    #[test]
    fn a_load_is_judged_against_those_that_ran() {
        let runs = vec![run(Contender::Floe, 2.0), run(Contender::Limit, 1.0), run(Contender::Dlt, 100.0)];
        let report = judge_load(Shape::Events, "events", &runs);
        let met: Vec<bool> = report.judged.iter().map(Judged::is_met).collect();
        assert_eq!(met, [false, false, true, true], "wall, CPU, dlt, memory");
        let alone = judge_load(Shape::Events, "events", &vec![run(Contender::Floe, 2.0)]);
        assert_eq!((alone.judged.len(), alone.missed()), (1, 0));
    }
}
