//! One layer: a file, or variables.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value as Json};
use toml_edit::{Document, Item, Value};

use super::expand::{Unfilled, expand};
use super::variable;
use crate::error::{Error, Place, Result};

#[derive(Clone)]
pub(crate) struct Layer {
    pub(super) name: String,
    /// Nothing of it is ever shown.
    pub(super) secret: bool,
    values: Values,
}

#[derive(Clone)]
enum Values {
    /// All keys with their paths, and the lines that they are on.
    Keys(BTreeMap<String, (Json, Option<usize>)>),
    /// Variables of an environment.
    Variables(BTreeMap<String, String>),
}

impl Layer {
    /// A value that a program gave.
    pub(super) fn given(key: &str, value: Json) -> Self {
        let values = Values::Keys([(key.to_owned(), (value, None))].into());
        Self { name: "the program".into(), secret: false, values }
    }

    pub(super) fn variables(name: &str, variables: BTreeMap<String, String>) -> Self {
        Self { name: name.into(), secret: false, values: Values::Variables(variables) }
    }

    /// Variables in a file, one a line.
    pub(super) fn env_file(folder: &Path, name: &str) -> Result<Option<Self>> {
        let Some(text) = read(&folder.join(name))? else { return Ok(None) };
        let mut variables = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let line = line.strip_prefix("export ").unwrap_or(line);
            let Some((key, value)) = line.split_once('=') else {
                return Err(Error::config("a line is not NAME=value").at(place(folder, name, number + 1)));
            };
            let value = value.trim();
            let quoted = ['"', '\''].iter().find_map(|q| value.strip_prefix(*q)?.strip_suffix(*q));
            variables.insert(key.trim().to_owned(), quoted.unwrap_or(value).to_owned());
        }
        Ok(Some(Self::variables(name, variables)))
    }

    /// A TOML file.
    pub(super) fn toml(
        folder: &Path,
        name: &str,
        secret: bool,
        variables: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>> {
        let Some(text) = read(&folder.join(name))? else { return Ok(None) };
        let line_at = |at: usize| text.get(..at).map_or(1, |before| before.matches('\n').count() + 1);
        let document = Document::parse(text.as_str()).map_err(|e| {
            let line = e.span().map_or(1, |span| line_at(span.start));
            // the whole error shows the line, which may hold a secret
            Error::config(format!("no valid TOML: {}", e.message())).at(place(folder, name, line))
        })?;
        let mut keys = BTreeMap::new();
        let mut walk = Walk { keys: &mut keys, variables, line_at: &line_at };
        walk.table(String::new(), document.as_item()).map_err(|(line, variable)| {
            Error::config(format!("there is no variable {variable}"))
                .at(place(folder, name, line.unwrap_or(1)))
                .help(format!("set it, or write ${{{variable}:-default}}"))
        })?;
        Ok(Some(Self { name: name.into(), secret, values: Values::Keys(keys) }))
    }

    /// The value of a key, and its line.
    pub(super) fn find(&self, key: &str) -> Option<(Json, Option<usize>)> {
        match &self.values {
            Values::Keys(keys) => keys.get(key).cloned(),
            Values::Variables(variables) => {
                variables.get(&variable(key)).map(|text| (Json::from(text.as_str()), None))
            }
        }
    }

    /// Whether values are texts whatever they mean.
    pub(super) fn is_text(&self) -> bool {
        matches!(self.values, Values::Variables(_))
    }

    /// The keys right below a path, with their lines. Tables may be for others, and so may all that dlt's own
    /// files have.
    pub(super) fn below(&self, path: &str) -> Vec<(String, Option<usize>)> {
        let own = |key: &str| -> Option<String> {
            let key = key.strip_prefix(path)?.strip_prefix('.')?;
            (!key.contains('.')).then(|| key.to_owned())
        };
        match &self.values {
            Values::Keys(_) if self.name.starts_with(".dlt") => Vec::new(),
            Values::Keys(keys) => keys
                .iter()
                .filter(|(_, (value, _))| !value.is_object())
                .filter_map(|(key, (_, line))| Some((own(key)?, *line)))
                .collect(),
            Values::Variables(variables) => {
                let keys = variables.keys().map(|name| name.to_lowercase().replace("__", "."));
                keys.filter_map(|key| Some((own(&key)?, None))).collect()
            }
        }
    }

    /// The layer with a line.
    pub(super) fn place(&self, line: Option<usize>) -> String {
        match line {
            Some(line) => format!("{}:{line}", self.name),
            None => self.name.clone(),
        }
    }
}

fn place(folder: &Path, name: &str, line: usize) -> Place {
    Place { file: Some(folder.join(name).display().to_string()), line: Some(line as u64), ..Place::default() }
}

fn read(path: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::io("read", path, e)),
    }
}

/// Collects the keys of a TOML document. Tables are keys as well, for values that are objects.
struct Walk<'w> {
    keys: &'w mut BTreeMap<String, (Json, Option<usize>)>,
    variables: &'w dyn Fn(&str) -> Option<String>,
    line_at: &'w dyn Fn(usize) -> usize,
}

type Unknown = (Option<usize>, String);

impl Walk<'_> {
    fn table(&mut self, path: String, item: &Item) -> Result<Json, Unknown> {
        let Some(table) = item.as_table_like() else { return Ok(Json::Null) };
        let mut map = Map::new();
        for (name, item) in table.iter() {
            let key = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            let span = table.key(name).and_then(|key| key.span());
            let line = span.map(|span| (self.line_at)(span.start));
            let value = self.item(&key, item, line)?;
            map.insert(name.to_owned(), value.clone());
            self.keys.insert(key, (value, line));
        }
        Ok(Json::Object(map))
    }

    fn item(&mut self, key: &str, item: &Item, line: Option<usize>) -> Result<Json, Unknown> {
        match item {
            Item::Value(Value::InlineTable(_)) | Item::Table(_) => self.table(key.to_owned(), item),
            Item::Value(value) => self.value(value, line),
            Item::ArrayOfTables(tables) => {
                let tables = tables.iter().map(|table| {
                    let pairs = table.iter().filter_map(|(name, item)| Some((name, item.as_value()?)));
                    let pairs = pairs.map(|(name, value)| Ok((name.to_owned(), self.value(value, line)?)));
                    pairs.collect::<Result<Map<_, _>, Unknown>>().map(Json::Object)
                });
                tables.collect()
            }
            Item::None => Ok(Json::Null),
        }
    }

    fn value(&self, value: &Value, line: Option<usize>) -> Result<Json, Unknown> {
        Ok(match value {
            Value::String(text) => match expand(text.value(), self.variables) {
                Ok(filled) => filled.into(),
                Err(Unfilled::Missing(name)) => return Err((line, name)),
                // a secret may have any characters
                Err(Unfilled::Unclosed(text)) => text.into(),
            },
            Value::Integer(number) => (*number.value()).into(),
            Value::Float(number) => (*number.value()).into(),
            Value::Boolean(truth) => (*truth.value()).into(),
            Value::Datetime(time) => time.value().to_string().into(),
            Value::Array(values) => {
                values.iter().map(|value| self.value(value, line)).collect::<Result<Json, Unknown>>()?
            }
            Value::InlineTable(table) => {
                let pairs = table.iter().map(|(name, value)| Ok((name.to_owned(), self.value(value, line)?)));
                Json::Object(pairs.collect::<Result<_, Unknown>>()?)
            }
        })
    }
}
