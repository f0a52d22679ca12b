//! The large table, and the rows that change.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::CHANGED;
use crate::Result;
use crate::bench::random::Random;

/// To be raised when the data changes.
const EDITION: u32 = 1;

/// The columns of the tables as floe and dlt make them.
pub(super) const ROOT_COLUMNS: &[&str] =
    &["id", "name", "email", "balance", "active", "updated_at", "note", "_dlt_load_id", "_dlt_id"];
pub(super) const NESTED_COLUMNS: &[&str] =
    &["kind", "amount", "_dlt_root_id", "_dlt_parent_id", "_dlt_list_idx", "_dlt_id"];

#[derive(Serialize)]
struct Account {
    id: u64,
    name: String,
    email: String,
    balance: f64,
    active: bool,
    updated_at: String,
    note: String,
    entries: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    kind: &'static str,
    amount: f64,
}

fn account(random: &mut Random, id: u64) -> Account {
    let entries = random.int(0, 2);
    Account {
        id,
        name: format!("account {:x}", random.bits()),
        email: format!("a{id}@example.com"),
        balance: random.rounded(1e6, 2),
        active: random.chance(0.9),
        updated_at: format!("2024-{:02}-{:02}T12:00:00Z", random.int(1, 12), random.int(1, 28)),
        note: format!("{:x} {:x}", random.bits(), random.bits()),
        entries: (0..entries)
            .map(|_| Entry { kind: random.pick(&["credit", "debit"]), amount: random.rounded(1e4, 2) })
            .collect(),
    }
}

/// The rows that are there.
pub(super) fn base(folder: &Path, rows: u64) -> Result<PathBuf> {
    file(folder, &format!("accounts-{rows}"), 1, 0..rows)
}

/// The rows that change, which are all over the table.
pub(super) fn changes(folder: &Path, rows: u64) -> Result<PathBuf> {
    let ids = (0..rows / CHANGED).map(|n| n * CHANGED + n % CHANGED);
    file(folder, &format!("accounts-{rows}-changes"), 2, ids)
}

fn file(folder: &Path, name: &str, seed: u64, ids: impl Iterator<Item = u64>) -> Result<PathBuf> {
    let path = folder.join(format!("{name}.{EDITION}.jsonl"));
    if path.is_file() {
        return Ok(path);
    }
    println!("writing {name}");
    let unfinished = path.with_extension("unfinished");
    let mut out = BufWriter::with_capacity(1 << 20, File::create(&unfinished)?);
    let random = &mut Random::new(seed);
    for id in ids {
        serde_json::to_writer(&mut out, &account(random, id))?;
        out.write_all(b"\n")?;
    }
    out.into_inner().map_err(|e| e.into_error())?.sync_all()?;
    fs::rename(&unfinished, &path)?;
    Ok(path)
}
