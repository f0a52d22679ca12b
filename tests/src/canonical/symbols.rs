//! Names for what differs between two executions.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use floe_schema::hash::nested_row_id;
use floe_schema::{ID, LIST_IDX, LOAD_ID, LOADS_TABLE, PARENT_ID, ROOT_ID};
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use super::compact;
use crate::dataset::{Cell, Dataset, Row, text};

/// Begin and end of a run in microseconds since 1970.
pub type Window = (i64, i64);

/// Levels of children that tell rows of the same content apart.
const MAX_DEPTH: usize = 50;

type Children<'d> = HashMap<&'d str, Vec<(&'d str, &'d Row)>>;

pub(super) struct Symbols<'d> {
    literal_ids: HashSet<&'d str>,
    loads: HashMap<&'d str, usize>,
    instants: HashMap<i64, String>,
    ids: HashMap<&'d str, String>,
}

impl<'d> Symbols<'d> {
    pub(super) fn of(dataset: &'d Dataset, windows: &[Window], literal_ids: &'d [String]) -> Self {
        let mut symbols = Self {
            literal_ids: literal_ids.iter().map(String::as_str).collect(),
            loads: number_loads(dataset),
            instants: name_instants(dataset, windows),
            ids: HashMap::new(),
        };
        symbols.name_roots(dataset);
        symbols.name_nested(dataset);
        symbols
    }

    /// The symbol of a row identifier.
    pub(super) fn row_id<'s>(&'s self, id: &'s str) -> Option<&'s str> {
        if self.literal_ids.contains(id) { Some(id) } else { self.ids.get(id).map(String::as_str) }
    }

    pub(super) fn load(&self, load_id: &str) -> String {
        match self.load_number(load_id) {
            Some(number) => format!("L{number}"),
            None => "L? (not in _dlt_loads)".to_owned(),
        }
    }

    pub(super) fn load_number(&self, load_id: &str) -> Option<usize> {
        self.loads.get(load_id).copied()
    }

    /// A value that is no row identifier.
    pub(super) fn value(&self, column: &str, cell: &Cell) -> Json {
        match cell {
            Cell::Instant(micros) => match self.instants.get(micros) {
                Some(symbol) => symbol.as_str().into(),
                None => utc_text(*micros).into(),
            },
            Cell::Value(Json::String(load_id)) if column == LOAD_ID => self.load(load_id).into(),
            Cell::Value(value) => value.clone(),
        }
    }

    /// What a row says by itself.
    fn own_content(&self, row: &Row) -> Json {
        let is_id = |column: &str| [ID, PARENT_ID, ROOT_ID].contains(&column);
        let own = row.iter().filter(|(column, _)| !is_id(column));
        let mut own: Map<String, Json> =
            own.map(|(column, cell)| (column.clone(), self.value(column, cell))).collect();
        if let Some(id) = text(row, ID).filter(|id| self.literal_ids.contains(id)) {
            own.insert(ID.to_owned(), id.into());
        }
        own.into()
    }

    /// What a row says together with the rows below it.
    fn signature(&self, row: &Row, children: &Children<'_>, depth: usize) -> String {
        let below = text(row, ID).and_then(|id| children.get(id)).filter(|_| depth < MAX_DEPTH);
        let below = below.into_iter().flatten();
        let mut below: Vec<String> = below
            .map(|(table, row)| compact(&json!([table, self.signature(row, children, depth + 1)])))
            .collect();
        below.sort();
        compact(&json!([self.own_content(row), below]))
    }

    /// Identifiers that do not follow from a parent are named by the content of their rows.
    fn name_roots(&mut self, dataset: &'d Dataset) {
        let children = children(dataset);
        for (name, table) in dataset.user_tables() {
            let mut groups: BTreeMap<String, Vec<(String, &str)>> = BTreeMap::new();
            for row in &table.rows {
                let Some(id) = text(row, ID).filter(|id| !self.literal_ids.contains(id)) else {
                    continue;
                };
                if !is_derived(name, row) {
                    let group = groups.entry(compact(&self.own_content(row))).or_default();
                    group.push((self.signature(row, &children, 0), id));
                }
            }
            for (content, mut rows) in groups {
                rows.sort();
                for (n, (_, id)) in rows.into_iter().enumerate() {
                    let symbol = || content_symbol(name, &content, n);
                    self.ids.entry(id).or_insert_with(symbol);
                }
            }
        }
    }

    /// The others are named by the way from their parent.
    fn name_nested(&mut self, dataset: &'d Dataset) {
        let mut tables: HashMap<&str, &str> = HashMap::new();
        let mut pending: Vec<(&str, &Row)> = Vec::new();
        for (name, row) in user_rows(dataset) {
            let Some(id) = text(row, ID) else { continue };
            tables.insert(id, name);
            if !self.literal_ids.contains(id) && is_derived(name, row) {
                pending.push((name, row));
            }
        }
        loop {
            let count = pending.len();
            pending.retain(|(name, row)| !self.name_below_parent(name, row, &tables));
            if pending.len() == count {
                break;
            }
        }
    }

    /// False if the parent has no name yet.
    fn name_below_parent(&mut self, name: &str, row: &'d Row, tables: &HashMap<&str, &str>) -> bool {
        let (Some(id), Some(parent)) = (text(row, ID), text(row, PARENT_ID)) else {
            return true;
        };
        let symbol = match (self.row_id(parent), tables.get(parent)) {
            (None, Some(_)) => return false,
            (symbol, _) => symbol.unwrap_or("(orphan)").to_owned(),
        };
        let prefix = format!("{}__", tables.get(parent).copied().unwrap_or_default());
        let list = name.strip_prefix(&prefix).unwrap_or(name);
        let index = index(row).unwrap_or_default();
        self.ids.insert(id, format!("{symbol}/{list}[{index}]"));
        true
    }
}

fn user_rows(dataset: &Dataset) -> impl Iterator<Item = (&str, &Row)> {
    dataset.user_tables().flat_map(|(name, table)| table.rows.iter().map(move |row| (name.as_str(), row)))
}

fn children(dataset: &Dataset) -> Children<'_> {
    let mut children = Children::new();
    for (name, row) in user_rows(dataset) {
        if let Some(parent) = text(row, PARENT_ID) {
            children.entry(parent).or_default().push((name, row));
        }
    }
    children
}

fn content_symbol(table: &str, content: &str, n: usize) -> String {
    let digest = Sha256::digest(content.as_bytes());
    let [first, second, third, ..] = digest[..] else { unreachable!("digests are longer") };
    let label = format!("{table}#{first:02x}{second:02x}{third:02x}");
    if n == 0 { label } else { format!("{label}.{n}") }
}

fn index(row: &Row) -> Option<u64> {
    match row.get(LIST_IDX)? {
        Cell::Value(index) => index.as_u64(),
        Cell::Instant(_) => None,
    }
}

fn is_derived(table: &str, row: &Row) -> bool {
    let (Some(parent), Some(index)) = (text(row, PARENT_ID), index(row)) else {
        return false;
    };
    text(row, ID) == Some(nested_row_id(parent, table, index as usize).as_str())
}

fn number_loads(dataset: &Dataset) -> HashMap<&str, usize> {
    let mut ids: Vec<&str> =
        dataset.rows(LOADS_TABLE).iter().filter_map(|row| text(row, "load_id")).collect();
    let time = |id: &str| id.parse::<f64>().unwrap_or(f64::INFINITY);
    ids.sort_by(|a, b| time(a).total_cmp(&time(b)).then(a.cmp(b)));
    ids.dedup();
    ids.into_iter().zip(1..).collect()
}

/// Instants that fall into a run have been made by it.
fn name_instants(dataset: &Dataset, windows: &[Window]) -> HashMap<i64, String> {
    let mut by_run: BTreeMap<usize, BTreeSet<i64>> = BTreeMap::new();
    for cell in user_rows(dataset).flat_map(|(_, row)| row.values()) {
        let Cell::Instant(micros) = cell else {
            continue;
        };
        if let Some(run) = windows.iter().position(|(start, end)| start <= micros && micros <= end) {
            by_run.entry(run + 1).or_default().insert(*micros);
        }
    }
    let mut names = HashMap::new();
    for (run, instants) in by_run {
        for (n, micros) in instants.into_iter().enumerate() {
            names.insert(micros, if n == 0 { format!("T{run}") } else { format!("T{run}.{n}") });
        }
    }
    names
}

/// ISO text of an instant, in any year.
fn utc_text(micros: i64) -> String {
    let (days, rest) = (micros.div_euclid(86_400_000_000), micros.rem_euclid(86_400_000_000));
    let (seconds, fraction) = (rest / 1_000_000, rest % 1_000_000);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = if fraction == 0 { String::new() } else { format!(".{fraction:06}") };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// Year, month and day of a number of days since 1970, in the Gregorian calendar of eras.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_have_a_text() {
        assert_eq!(utc_text(0), "1970-01-01T00:00:00Z");
        assert_eq!(utc_text(-1), "1969-12-31T23:59:59.999999Z");
        assert_eq!(utc_text(951_782_400_000_000), "2000-02-29T00:00:00Z");
        assert_eq!(utc_text(253_402_300_799_000_000), "9999-12-31T23:59:59Z");
    }
}
