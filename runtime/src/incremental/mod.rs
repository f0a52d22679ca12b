//! Incremental loading: which items are new, and where the next run begins.

pub(crate) mod compare;
mod cursor;
mod lag;
mod path;

use std::cmp::Ordering;

use serde_json::{Map, Value as Json};

use crate::error::{Error, ErrorKind, Result, Step};
use crate::resource::{refuse_unknown, wrong};

pub(crate) use cursor::{Boundary, Crowd, Cursor, Look, stored_boundary, text_of_key};
pub(crate) use path::CursorPath;
#[cfg(feature = "rest")]
pub(crate) use path::PathStep;

/// Which of two cursor values counts as the later one.
///
/// ```
/// use floe::{Incremental, LastValue};
/// // versions such as 1.10.2, part by part
/// let by_version = LastValue::By(|a, b| {
///     let parts = |v: &serde_json::Value| -> Option<Vec<u64>> {
///         v.as_str()?.split('.').map(|part| part.parse().ok()).collect()
///     };
///     Some(parts(a)?.cmp(&parts(b)?))
/// });
/// let releases = Incremental::new("version")?.last_value(by_version);
/// # Ok::<(), floe::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub enum LastValue {
    /// The larger one.
    Max,
    /// The smaller one.
    Min,
    /// The one that this function calls greater. It gives `None` for values that it cannot compare.
    By(fn(&Json, &Json) -> Option<Ordering>),
}

impl PartialEq for LastValue {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Max, Self::Max) | (Self::Min, Self::Min) => true,
            (Self::By(a), Self::By(b)) => std::ptr::fn_addr_eq(*a, *b),
            _ => false,
        }
    }
}

impl LastValue {
    /// The order of two values; greater is later.
    fn order(self, a: &Json, b: &Json) -> Option<Ordering> {
        match self {
            Self::Max => compare::compare(a, b),
            Self::Min => compare::compare(b, a),
            Self::By(order) => order(a, b),
        }
    }

    /// The later value; the first one if they are equal.
    pub(crate) fn of<'v>(self, a: &'v Json, b: &'v Json) -> Result<&'v Json> {
        let order = self.order(a, b).ok_or_else(|| not_comparable(a, b))?;
        Ok(if order == Ordering::Less { b } else { a })
    }

    /// Whether `a` is later than `b`.
    pub(crate) fn is_later(self, a: &Json, b: &Json) -> Result<bool> {
        let order = self.order(a, b).ok_or_else(|| not_comparable(a, b))?;
        Ok(order == Ordering::Greater)
    }

    /// Whether no value is later than the other.
    pub(crate) fn is_same(self, a: &Json, b: &Json) -> bool {
        self.order(a, b) == Some(Ordering::Equal)
    }
}

fn not_comparable(a: &Json, b: &Json) -> Error {
    Error::new(ErrorKind::CursorType, format!("cursor values {a} and {b} cannot be compared"))
        .step(Step::Extract)
        .help("the cursor has to be of one kind in all items and in the initial value")
}

/// What happens to items whose cursor is missing or null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnMissing {
    /// The run fails.
    Raise,
    /// They are loaded.
    Include,
    /// They are dropped.
    Exclude,
}

/// The order in which items come, if it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowOrder {
    /// Later items have later cursors: reading stops behind the end.
    Ascending,
    /// Later items have earlier cursors: reading stops at the start.
    Descending,
}

/// Loads only items whose cursor is new, and remembers how far it came.
///
/// ```
/// use floe::{Incremental, Resource};
/// let issues = Resource::new("issues")
///     .incremental(Incremental::new("updated_at")?.initial_value("2024-01-01T00:00:00Z"));
/// # Ok::<(), floe::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Incremental {
    pub(crate) path_text: String,
    pub(crate) path: CursorPath,
    pub(crate) initial_value: Json,
    pub(crate) end_value: Json,
    pub(crate) last_value: LastValue,
    /// `None`: the key of the resource. Empty: no deduplication.
    pub(crate) primary_key: Option<DedupKey>,
    pub(crate) row_order: Option<RowOrder>,
    pub(crate) lag: Option<f64>,
    pub(crate) open_start: bool,
    pub(crate) closed_end: bool,
    pub(crate) on_missing: OnMissing,
}

/// The key by which items at the boundary are told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DedupKey {
    One(String),
    Many(Vec<String>),
}

impl Incremental {
    /// A cursor at a path of the item: a key, or a JSONPath such as `meta.updated`.
    pub fn new(cursor_path: impl Into<String>) -> Result<Self> {
        let path_text = cursor_path.into();
        Ok(Self::with_path(CursorPath::parse(&path_text)?, path_text))
    }

    /// A cursor at a field of fields.
    pub(crate) fn at_keys(keys: &[String]) -> Self {
        Self::with_path(CursorPath::of_keys(keys), keys.join("."))
    }

    fn with_path(path: CursorPath, path_text: String) -> Self {
        Self {
            path,
            path_text,
            initial_value: Json::Null,
            end_value: Json::Null,
            last_value: LastValue::Max,
            primary_key: None,
            row_order: None,
            lag: None,
            open_start: false,
            closed_end: false,
            on_missing: OnMissing::Raise,
        }
    }

    /// Where the first run begins.
    pub fn initial_value(mut self, value: impl Into<Json>) -> Self {
        self.initial_value = value.into();
        self
    }

    /// Where the run ends. With an end nothing is remembered.
    pub fn end_value(mut self, value: impl Into<Json>) -> Self {
        self.end_value = value.into();
        self
    }

    /// Which of two values is the later one.
    pub fn last_value(mut self, function: LastValue) -> Self {
        self.last_value = function;
        self
    }

    /// What happens to items without cursor.
    pub fn on_missing(mut self, what: OnMissing) -> Self {
        self.on_missing = what;
        self
    }

    /// The order in which items come.
    pub fn row_order(mut self, order: RowOrder) -> Self {
        self.row_order = Some(order);
        self
    }

    /// How far each run goes back behind the last value: seconds, days or units of the number.
    pub fn lag(mut self, lag: f64) -> Self {
        self.lag = Some(lag);
        self
    }

    /// The column of the cursor, if its path is nothing but a key.
    pub(crate) fn column_name(&self) -> Option<&str> {
        self.path.simple()
    }

    pub(crate) fn from_json(map: &Map<String, Json>) -> Result<Self> {
        const KEYS: [&str; 10] = [
            "cursor_path",
            "initial_value",
            "end_value",
            "last_value_func",
            "primary_key",
            "row_order",
            "lag",
            "range_start",
            "range_end",
            "on_cursor_value_missing",
        ];
        let at = "/incremental";
        refuse_unknown(map, at, &KEYS)?;
        let given = |key: &str| map.get(key).filter(|v| !v.is_null());
        let text = |key: &str| -> Result<Option<&str>> {
            let text = |v: &'_ Json| v.as_str().is_some();
            match given(key) {
                Some(value) if !text(value) => Err(wrong(&format!("{at}/{key}"), "a text")),
                value => Ok(value.and_then(Json::as_str)),
            }
        };
        let path = text("cursor_path")?.ok_or_else(|| wrong(at, "a `cursor_path`"))?;
        let mut incremental = Self::new(path)?;
        incremental.initial_value = given("initial_value").cloned().unwrap_or_default();
        incremental.end_value = given("end_value").cloned().unwrap_or_default();
        incremental.last_value = word(
            at,
            "last_value_func",
            text("last_value_func")?,
            &[("max", LastValue::Max), ("min", LastValue::Min)],
        )?
        .unwrap_or(LastValue::Max);
        incremental.row_order = word(
            at,
            "row_order",
            text("row_order")?,
            &[("asc", RowOrder::Ascending), ("desc", RowOrder::Descending)],
        )?;
        incremental.on_missing = word(
            at,
            "on_cursor_value_missing",
            text("on_cursor_value_missing")?,
            &[("raise", OnMissing::Raise), ("include", OnMissing::Include), ("exclude", OnMissing::Exclude)],
        )?
        .unwrap_or(OnMissing::Raise);
        let range = [("open", true), ("closed", false)];
        incremental.open_start = word(at, "range_start", text("range_start")?, &range)?.unwrap_or(false);
        incremental.closed_end = !word(at, "range_end", text("range_end")?, &range)?.unwrap_or(true);
        incremental.lag = match given("lag") {
            None => None,
            Some(lag) => Some(lag.as_f64().ok_or_else(|| wrong("/incremental/lag", "a number"))?),
        };
        incremental.primary_key = match given("primary_key") {
            None => None,
            Some(Json::String(name)) => Some(DedupKey::One(name.clone())),
            Some(Json::Array(names)) => {
                let names: Option<Vec<String>> =
                    names.iter().map(|v| v.as_str().map(str::to_owned)).collect();
                Some(DedupKey::Many(
                    names.ok_or_else(|| wrong("/incremental/primary_key", "a text or a list of texts"))?,
                ))
            }
            Some(_) => return Err(wrong("/incremental/primary_key", "a text or a list of texts")),
        };
        incremental.check()?;
        Ok(incremental)
    }

    /// Refuses ranges that make no sense.
    pub(crate) fn check(&self) -> Result<()> {
        if self.end_value.is_null() {
            return Ok(());
        }
        if self.initial_value.is_null() {
            return Err(Error::config("an incremental `end_value` needs an `initial_value`"));
        }
        let later = self.last_value.of(&self.end_value, &self.initial_value);
        match later {
            Ok(later) if later == &self.end_value => Ok(()),
            Ok(_) => Err(Error::config(format!(
                "the initial value {} is behind the end value {}",
                self.initial_value, self.end_value
            ))),
            Err(_) => Err(Error::config(format!(
                "the initial value {} and the end value {} cannot be compared",
                self.initial_value, self.end_value
            ))),
        }
    }
}

fn word<T: Copy>(at: &str, key: &str, given: Option<&str>, words: &[(&str, T)]) -> Result<Option<T>> {
    let Some(given) = given else { return Ok(None) };
    match words.iter().find(|(name, _)| *name == given) {
        Some((_, value)) => Ok(Some(*value)),
        None => {
            let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
            Err(wrong(&format!("{at}/{key}"), &format!("one of {}", names.join(", "))))
        }
    }
}
