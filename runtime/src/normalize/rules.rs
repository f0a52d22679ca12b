//! The settings of a schema, compiled: detections, hints and types by column name, filters.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use fancy_regex::Regex;
use floe_schema::{Column, DataType, Hint, Schema};
use serde_json::Value as Json;

use crate::error::{Error, ErrorKind, Result};
use crate::value::{Value, time};

/// A pattern of column names.
#[derive(Debug, Clone)]
enum Pattern {
    Exact(String),
    /// Behind `re:`; it is searched, not matched.
    Regex(Box<Regex>),
}

impl Pattern {
    fn compile(text: &str) -> Result<Self> {
        match text.strip_prefix("re:") {
            None => Ok(Self::Exact(text.to_owned())),
            Some(regex) => Regex::new(regex).map(|r| Self::Regex(Box::new(r))).map_err(|e| {
                Error::new(ErrorKind::Schema, format!("`{regex}` is no regular expression"))
                    .cause(e)
                    .help("correct the pattern in the settings of the schema")
            }),
        }
    }

    fn compile_all<'a>(texts: impl IntoIterator<Item = &'a String>) -> Result<Vec<Self>> {
        texts.into_iter().map(|text| Self::compile(text)).collect()
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == name,
            // a pattern that backtracks without end matches nothing
            Self::Regex(regex) => regex.is_match(name).unwrap_or(false),
        }
    }
}

/// How the type of a value is found before its own type counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Detection {
    Timestamp,
    IsoTimestamp,
    IsoDate,
    LargeInteger,
}

/// What the settings of a schema say, ready for use.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    detections: Vec<Detection>,
    hints: Vec<(String, Vec<Pattern>)>,
    preferred: Vec<(Pattern, DataType)>,
    filters: HashMap<String, Filters>,
    now: f64,
}

#[derive(Debug, Clone, Default)]
struct Filters {
    excludes: Vec<Pattern>,
    includes: Vec<Pattern>,
}

/// Half of the range around now in which numbers count as timestamps.
const FIVE_YEARS: f64 = 5.0 * 31_536_000.0;

impl Rules {
    pub(crate) fn compile(schema: &Schema) -> Result<Self> {
        let settings = &schema.settings;
        let names = settings.detections.as_deref().unwrap_or_default();
        let hints = settings.default_hints.iter().flatten();
        let preferred = settings.preferred_types.iter().flatten();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64());
        Ok(Self {
            detections: names.iter().map(|n| detection(n)).collect::<Result<Vec<_>>>()?.concat(),
            hints: hints
                .map(|(hint, patterns)| Ok((hint.clone(), Pattern::compile_all(patterns)?)))
                .collect::<Result<_>>()?,
            preferred: preferred
                .map(|(pattern, data_type)| Ok((Pattern::compile(pattern)?, *data_type)))
                .collect::<Result<_>>()?,
            filters: compile_filters(schema)?,
            now,
        })
    }

    /// The type that the settings want for a column of this name.
    pub(crate) fn preferred_type(&self, column: &str) -> Option<DataType> {
        self.preferred.iter().find(|(pattern, _)| pattern.matches(column)).map(|(_, t)| *t)
    }

    /// The type of a new column for a value.
    pub(crate) fn infer_type(&self, value: &Value<'_>) -> DataType {
        let detected = self.detections.iter().find_map(|d| d.detect(value, self.now));
        detected.unwrap_or_else(|| value.data_type())
    }

    /// Whether a column of this name has a hint by the settings.
    pub(crate) fn has_hint(&self, hint: &str, column: &str) -> bool {
        let of_hint = self.hints.iter().filter(|(name, _)| name == hint);
        of_hint.flat_map(|(_, patterns)| patterns).any(|pattern| pattern.matches(column))
    }

    /// A new column with the hints that its name gets.
    pub(crate) fn new_column(&self, name: &str, data_type: DataType) -> Column {
        let mut column = Column::incomplete(name.to_owned());
        column.data_type = Some(data_type);
        column.nullable = Some(!self.has_hint("not_null", name));
        for (hint, patterns) in self.hints.iter().filter(|(hint, _)| hint != "not_null") {
            if patterns.iter().any(|pattern| pattern.matches(name)) {
                match hint.parse::<Hint>() {
                    Ok(hint) => column.set_hint(hint, Some(true)),
                    Err(_) => column.set_x(hint, Json::Bool(true)),
                }
            }
        }
        column
    }

    /// Whether any table drops fields by their names.
    pub(crate) fn has_filters(&self) -> bool {
        !self.filters.is_empty()
    }

    /// Whether a field is dropped by the filters of its table or of one above.
    pub(crate) fn is_excluded(&self, table: &str, field: &str) -> bool {
        let branch: Vec<&str> = table.split("__").filter(|part| !part.trim().is_empty()).collect();
        (1..=branch.len()).any(|depth| {
            let (upper, below) = branch.split_at(depth);
            let Some(filters) = self.filters.get(&upper.join("__")) else { return false };
            let path: Vec<&str> = below.iter().copied().chain([field]).collect();
            let path = path.join("__");
            let any = |patterns: &[Pattern]| patterns.iter().any(|p| p.matches(&path));
            any(&filters.excludes) && !any(&filters.includes)
        })
    }
}

fn compile_filters(schema: &Schema) -> Result<HashMap<String, Filters>> {
    let mut filters = HashMap::new();
    for (name, table) in &schema.tables {
        let Some(given) = table.x("filters") else { continue };
        let texts = |key: &str| -> Vec<String> {
            let list = given.get(key).and_then(Json::as_array);
            list.into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
        };
        let excludes = Pattern::compile_all(&texts("excludes"))?;
        let includes = Pattern::compile_all(&texts("includes"))?;
        if !excludes.is_empty() {
            filters.insert(name.clone(), Filters { excludes, includes });
        }
    }
    Ok(filters)
}

/// The detection of a name; two of dlt's have no effect on JSON.
fn detection(name: &str) -> Result<Vec<Detection>> {
    Ok(match name {
        "timestamp" => vec![Detection::Timestamp],
        "iso_timestamp" => vec![Detection::IsoTimestamp],
        "iso_date" => vec![Detection::IsoDate],
        "large_integer" => vec![Detection::LargeInteger],
        "hexbytes_to_text" | "wei_to_double" => vec![],
        _ => {
            let known = "timestamp, iso_timestamp, iso_date, large_integer, hexbytes_to_text, wei_to_double";
            return Err(Error::new(ErrorKind::Schema, format!("unknown detection `{name}`"))
                .help(format!("known detections are {known}")));
        }
    })
}

impl Detection {
    fn detect(self, value: &Value<'_>, now: f64) -> Option<DataType> {
        use time::Moment;
        let moment = || match value {
            Value::Text(text) => time::parse(text),
            _ => None,
        };
        match self {
            Self::IsoTimestamp => matches!(moment()?, Moment::DateTime { .. }).then_some(DataType::Timestamp),
            Self::IsoDate => matches!(moment()?, Moment::Date(_)).then_some(DataType::Date),
            Self::Timestamp => {
                let seconds = match value {
                    Value::Int(int) => *int as f64,
                    Value::Double(double) => *double,
                    _ => return None,
                };
                ((seconds - now).abs() <= FIVE_YEARS).then_some(DataType::Timestamp)
            }
            Self::LargeInteger => match value {
                Value::Int(int) if *int > i64::MAX.into() => Some(DataType::Wei),
                _ => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(settings: serde_json::Value) -> Result<Rules> {
        let document = serde_json::json!({"name": "s", "settings": settings, "tables": {
            "items": {"filters": {"excludes": ["re:^secret", "re:^lines__s"], "includes": ["re:^secret_b$"]}}}});
        Rules::compile(&Schema::from_json(document).unwrap())
    }

    #[test]
    fn detections_are_tried_in_order() {
        let detections =
            serde_json::json!({"detections": ["iso_timestamp", "iso_date", "timestamp", "large_integer"]});
        let rules = rules(detections).unwrap();
        let now = Value::Double(rules.now);
        for (value, expected) in [
            (Value::Text("2024-01-01T00:00:00Z".into()), DataType::Timestamp),
            (Value::Text("2024-01-01".into()), DataType::Date),
            (Value::Text("10:00".into()), DataType::Text),
            (now, DataType::Timestamp),
            (Value::Int(5), DataType::Bigint),
            (Value::Int(i128::from(u64::MAX)), DataType::Wei),
            (Value::Bool(true), DataType::Bool),
        ] {
            assert_eq!(rules.infer_type(&value), expected, "{value:?}");
        }
    }

    #[test]
    fn names_give_types_and_hints() {
        let rules = rules(serde_json::json!({
            "preferred_types": {"re:^zip": "text", "amount": "decimal"},
            "default_hints": {"not_null": ["re:_id$"], "primary_key": ["id"], "unique": ["user_id"]},
        }))
        .unwrap();
        assert_eq!(rules.preferred_type("zip_code"), Some(DataType::Text));
        assert_eq!(rules.preferred_type("amount_2"), None);
        let column = rules.new_column("user_id", DataType::Bigint);
        assert_eq!(column.nullable, Some(false));
        assert!(column.has(Hint::Unique) && !column.has(Hint::PrimaryKey));
    }

    #[test]
    fn filters_reach_nested_tables() {
        let rules = rules(serde_json::json!({})).unwrap();
        assert!(rules.is_excluded("items", "secret_a") && !rules.is_excluded("items", "secret_b"));
        assert!(rules.is_excluded("items__lines", "s1") && !rules.is_excluded("items__lines", "y"));
        assert!(!rules.is_excluded("other", "secret_a"));
    }

    #[test]
    fn wrong_settings_are_named() {
        let message = |settings| rules(settings).unwrap_err().to_string();
        let text = message(serde_json::json!({"detections": ["iso"]}));
        assert!(text.starts_with("unknown detection `iso`\n  help: known detections are timestamp"));
        let text = message(serde_json::json!({"preferred_types": {"re:(": "text"}}));
        assert!(text.starts_with("`(` is no regular expression"), "{text}");
    }
}
