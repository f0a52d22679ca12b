//! Parameters by which only newer rows are asked for, and the field of rows that they mean.

use crate::api::Incremental;
use crate::finding::{Confidence, Finding};
use crate::operation::{Operation, Param};
use crate::shape::{Field, Record, Scalar, Shape};
use crate::words::{plain, words};

/// What a bound is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum About {
    Updated,
    Created,
    /// Some time of the row.
    Time,
}

const UPDATED: &[&str] = &["updated", "modified", "changed", "update", "modification", "change"];
const CREATED: &[&str] =
    &["created", "creation", "create", "added", "inserted", "received", "registered", "submitted"];
const LOWER: &[&str] = &[
    "since", "after", "from", "start", "min", "gte", "gt", "ge", "begin", "starting", "lower", "newer",
    "greater",
];
const UPPER: &[&str] = &[
    "until", "before", "to", "end", "max", "lte", "lt", "le", "till", "ending", "upper", "older", "less",
    "thru",
];

struct Bound<'p, 'd> {
    param: &'p Param<'d>,
    /// The name to send; `created[gte]` for a part of `created`.
    name: String,
    about: About,
    /// The name without the word for the bound.
    stem: String,
}

pub(crate) fn detect(
    operation: &Operation<'_>,
    record: &Record,
    taken: &[&str],
) -> Option<(Incremental, Finding)> {
    let lower: Vec<Bound<'_, '_>> = bounds(operation, LOWER, taken);
    let upper: Vec<Bound<'_, '_>> = bounds(operation, UPPER, taken);
    let mut best: Option<(About, usize, &Bound<'_, '_>, &Field)> = None;
    for bound in &lower {
        let Some((rank, field)) = field_for(record, bound) else { continue };
        if best.is_none_or(|(about, known, ..)| (bound.about, rank) < (about, known)) {
            best = Some((bound.about, rank, bound, field));
        }
    }
    let (about, rank, bound, field) = best?;
    let end = upper
        .iter()
        .find(|u| u.stem == bound.stem)
        .or_else(|| upper.iter().find(|u| u.about == about && u.stem.is_empty() == bound.stem.is_empty()));
    let confidence = if about == About::Time || rank > 2 { Confidence::Low } else { Confidence::High };
    let finding = Finding::new("incremental", format!("`{}` by `{}`", field.name, bound.name), confidence)
        .because(first_sentence(bound.param.description));
    Some((
        Incremental {
            cursor_path: field.name.clone(),
            start_param: bound.name.clone(),
            end_param: end.map(|e| e.name.clone()),
            format: format(bound.param, field),
        },
        finding,
    ))
}

fn bounds<'p, 'd>(operation: &'p Operation<'d>, sides: &[&str], taken: &[&str]) -> Vec<Bound<'p, 'd>> {
    operation
        .query()
        .filter(|p| !taken.contains(&p.name))
        .filter_map(|param| bound(param, sides).or_else(|| part(param, sides)))
        .collect()
}

/// A bound that is a member of an object: `created[gte]`.
fn part<'p, 'd>(param: &'p Param<'d>, sides: &[&str]) -> Option<Bound<'p, 'd>> {
    let variants =
        ["anyOf", "oneOf", "allOf"].iter().filter_map(|k| param.schema.get(k)).flat_map(|v| v.items());
    let object = std::iter::once(param.schema).chain(variants).find_map(|s| s.get("properties"))?;
    let member = ["gte", "gt", "from", "after", "lte", "lt", "to", "before"]
        .into_iter()
        .find(|name| sides.contains(name) && object.get(name).is_some())?;
    let stem = words(param.name);
    let all = |list: &[&str]| stem.iter().any(|w| list.contains(&w.as_str()));
    let about = if all(UPDATED) {
        About::Updated
    } else if all(CREATED) {
        About::Created
    } else {
        About::Time
    };
    Some(Bound { param, name: format!("{}[{member}]", param.name), about, stem: stem.join("_") })
}

fn bound<'p, 'd>(param: &'p Param<'d>, sides: &[&str]) -> Option<Bound<'p, 'd>> {
    let mut name_words = words(param.name);
    // names in lower case only: updatedafter, startdate
    if name_words.len() == 1
        && let Some(word) = name_words.first().cloned()
    {
        name_words = split(&word);
    }
    let at = name_words.iter().position(|w| sides.contains(&w.as_str()))?;
    name_words.remove(at);
    // `from_to_status` is no bound of anything
    let all_words = words(param.name);
    if all_words.iter().any(|w| w == "from") && all_words.iter().any(|w| w == "to") {
        return None;
    }
    if param.types().iter().any(|t| matches!(*t, "array" | "object" | "boolean")) {
        return None;
    }
    let text = param.description.to_lowercase();
    let all = |list: &[&str]| name_words.iter().any(|w| list.contains(&w.as_str()));
    let about = if all(UPDATED) {
        About::Updated
    } else if all(CREATED) {
        About::Created
    } else if tells(&text, &["updated", "modified", "changed"]) {
        About::Updated
    } else if tells(&text, &["created", "creation"]) {
        About::Created
    } else {
        About::Time
    };
    if !is_time(param, &name_words, &text) {
        return None;
    }
    let stem: Vec<String> = name_words
        .into_iter()
        .filter(|w| !matches!(w.as_str(), "if" | "filter" | "by" | "or" | "equal" | "than" | "the"))
        .collect();
    Some(Bound { param, name: param.name.to_owned(), about, stem: stem.join("_") })
}

fn tells(text: &str, list: &[&str]) -> bool {
    list.iter().any(|w| text.contains(w))
}

fn is_time(param: &Param<'_>, rest: &[String], text: &str) -> bool {
    let format = param.schema.text("format").unwrap_or_default();
    if format.starts_with("date")
        || matches!(format, "google-datetime" | "unix-time" | "unixtime" | "timestamp")
    {
        return true;
    }
    if tells(text, &["user id", "an id", "cursor", "page token"]) && !tells(text, &["date", "timestamp"]) {
        return false;
    }
    let named = rest.iter().any(|w| {
        matches!(w.as_str(), "date" | "time" | "at" | "datetime" | "timestamp" | "day" | "utc" | "on")
            || UPDATED.contains(&w.as_str())
            || CREATED.contains(&w.as_str())
    });
    named
        || tells(
            text,
            &[
                "timestamp",
                "date",
                "iso 8601",
                "iso8601",
                "iso-8601",
                "rfc 3339",
                "rfc3339",
                "unix",
                "epoch",
                "yyyy",
                "datetime",
                "point in time",
            ],
        )
}

/// `updatedafter` to its words.
fn split(word: &str) -> Vec<String> {
    let starts = UPDATED
        .iter()
        .chain(CREATED)
        .chain(&["last", "date", "time", "datetime", "start", "end", "from", "to", "min", "max"]);
    for start in starts {
        if let Some(rest) = word.strip_prefix(start).filter(|r| !r.is_empty()) {
            let known = LOWER.contains(&rest)
                || UPPER.contains(&rest)
                || ["date", "time", "datetime", "timestamp"].contains(&rest);
            if known {
                return vec![(*start).to_owned(), rest.to_owned()];
            }
        }
    }
    vec![word.to_owned()]
}

/// The field that a bound means, and how far-fetched that is.
fn field_for<'r>(record: &'r Record, bound: &Bound<'_, '_>) -> Option<(usize, &'r Field)> {
    let names: &[&str] = match bound.about {
        About::Updated => &[
            "updatedat",
            "updated",
            "modifiedat",
            "lastmodified",
            "modified",
            "lastupdated",
            "updatedon",
            "modifiedon",
            "dateupdated",
            "datemodified",
            "lastmodifiedat",
            "lastmodifieddate",
            "lastupdatedat",
            "updatedtime",
            "updatetime",
            "modifiedtime",
            "lastmodifiedtime",
            "updateddate",
            "modifieddate",
            "lastmodifieddatetime",
            "lastupdate",
            "lastupdatedate",
            "changedat",
            "lastchange",
            "updatetimestamp",
            "timeupdated",
            "timemodified",
            "dateupdate",
            "lastmodifiedutc",
            "updateddatetime",
            "lastupdatetime",
            "lastupdateddate",
            "lastupdateddatetime",
            "modificationdate",
            "modificationtime",
            "updatedate",
            "lastupdatedtime",
            "updatedatutc",
            "updateddateutc",
            "lastmodifiedon",
            "mtime",
            "lastactivityat",
            "statuschangedat",
            "pushedat",
        ],
        About::Created => &[
            "createdat",
            "created",
            "createdon",
            "datecreated",
            "createddate",
            "creationdate",
            "createdtime",
            "creationtime",
            "createtime",
            "createddatetime",
            "timecreated",
            "dateadded",
            "addedat",
            "created_utc",
            "createdatutc",
            "submittedat",
            "receivedat",
            "registeredat",
            "createdtimestamp",
            "creationtimestamp",
            "createdate",
            "insertedat",
            "createdutc",
            "creationdatetime",
            "addedon",
            "timestamp",
            "date",
        ],
        About::Time => &[],
    };
    let usable = |field: &&Field| match &field.shape {
        Shape::Scalar(scalar) => {
            matches!(scalar, Scalar::Timestamp | Scalar::Date | Scalar::Text | Scalar::Integer)
        }
        Shape::Json => !field.typed,
        _ => false,
    };
    let fields: Vec<&Field> = record.fields.iter().filter(usable).collect();
    // `created_at_min` and `filter[placedAt][gte]` name the field themselves
    if !bound.stem.is_empty()
        && let Some(field) = fields.iter().find(|f| {
            plain(&f.name) == plain(&bound.stem)
                || bound.stem.ends_with(&format!("_{}", crate::words::snake(&f.name)))
        })
        && (field.shape.is_time() || looks_like_time(field))
    {
        return Some((0, field));
    }
    for (rank, name) in names.iter().enumerate() {
        if let Some(field) = fields.iter().find(|f| plain(&f.name) == *name) {
            return Some((if rank < 12 { 1 } else { 2 }, field));
        }
    }
    if bound.about != About::Time {
        return None;
    }
    for name in [
        "timestamp",
        "date",
        "time",
        "datetime",
        "startdate",
        "starttime",
        "start",
        "startsat",
        "startedat",
        "createdat",
        "created",
        "datecreated",
        "createddate",
        "updatedat",
        "publishedat",
        "occurredat",
        "eventtime",
        "eventdate",
        "ts",
        "startdatetime",
        "transactiondate",
        "publisheddate",
        "recordedat",
    ] {
        if let Some(field) = fields.iter().find(|f| plain(&f.name) == name) {
            return Some((3, field));
        }
    }
    let mut times = fields.iter().filter(|f| f.shape.is_time());
    match (times.next(), times.next()) {
        (Some(only), None) => Some((4, only)),
        _ => None,
    }
}

fn looks_like_time(field: &Field) -> bool {
    let name = plain(&field.name);
    ["date", "time", "timestamp", "created", "modified", "changed"].iter().any(|w| name.contains(w))
        || name.ends_with("at")
        || name.ends_with("on")
}

fn format(param: &Param<'_>, field: &Field) -> &'static str {
    let text = param.description.to_lowercase();
    let millis = tells(&text, &["millisecond", "milliseconds", " ms"]);
    match param.schema.text("format").unwrap_or_default() {
        "date" => return "date",
        "date-time" | "datetime" | "google-datetime" => return "iso",
        "unix-time" | "unixtime" => return if millis { "unix_ms" } else { "unix" },
        _ => {}
    }
    // members of objects are described with the object
    if param.is_number() || field.shape == Shape::Scalar(Scalar::Integer) || tells(&text, &["unix", "epoch"])
    {
        return if millis { "unix_ms" } else { "unix" };
    }
    let dated = tells(&text, &["yyyy-mm-dd"]) && !tells(&text, &["hh:", "thh", "iso 8601", "iso8601"]);
    if dated || field.shape == Shape::Scalar(Scalar::Date) { "date" } else { "iso" }
}

fn first_sentence(text: &str) -> String {
    text.split(['\n', '.']).next().unwrap_or_default().chars().take(160).collect()
}
