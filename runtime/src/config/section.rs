//! Typed values of one section, with all that is wrong with it told at once.

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::{Config, variable};
use crate::error::{Error, Result};
use crate::nearest;

/// Reads the values below a path. What is missing or wrong is told by [`Section::finish`].
#[derive(Debug)]
pub struct Section {
    config: Config,
    path: String,
    asked: Vec<String>,
    missing: Vec<Missing>,
    wrong: Vec<String>,
}

#[derive(Debug)]
struct Missing {
    key: String,
    secret: bool,
    about: Option<&'static str>,
}

impl Section {
    pub(super) fn new(config: Config, path: &str) -> Self {
        Self { config, path: path.to_owned(), asked: Vec::new(), missing: Vec::new(), wrong: Vec::new() }
    }

    /// A value that need not be there.
    pub fn optional<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        self.asked.push(key.to_owned());
        let path = format!("{}.{key}", self.path);
        let (value, layer, line) = self.config.find(&path)?;
        let read = match (&value, layer.is_text()) {
            (Json::String(text), true) => {
                serde_json::from_value(value.clone()).or_else(|_| serde_json::from_str(text))
            }
            _ => serde_json::from_value(value),
        };
        if read.is_err() {
            let wanted = std::any::type_name::<T>().rsplit("::").next().unwrap_or_default();
            self.wrong.push(format!("{path} in {} is no {wanted}", layer.place(line)));
        }
        read.ok()
    }

    /// A value that has to be there.
    pub fn required<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        self.needed(key, false, None)
    }

    /// A value that has to be there and is shown nowhere.
    pub fn secret<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        self.needed(key, true, None)
    }

    pub(super) fn needed<T: DeserializeOwned>(
        &mut self,
        key: &str,
        secret: bool,
        about: Option<&'static str>,
    ) -> Option<T> {
        let wrong = self.wrong.len();
        let value = self.optional(key);
        if value.is_none() && wrong == self.wrong.len() {
            self.missing.push(Missing { key: key.to_owned(), secret, about });
        }
        value
    }

    /// Everything that is wrong with the section: values that are missing, of another type, or unknown.
    pub fn finish(self) -> Result<()> {
        let unknown = self.unknown();
        let mut lines = self.wrong.clone();
        lines.extend(unknown);
        if !self.missing.is_empty() {
            let names = self.missing.iter().map(|missing| {
                let path = format!("{}.{}", self.path, missing.key);
                format!("{path} (variable {})", variable(&path))
            });
            lines.push(format!("nothing is configured for {}", names.collect::<Vec<_>>().join(", ")));
        }
        if lines.is_empty() {
            return Ok(());
        }
        let error = Error::config(lines.join("\n"));
        Err(if self.missing.is_empty() { error } else { error.help(self.snippet()) })
    }

    /// Keys of the section that nobody asked for.
    fn unknown(&self) -> Vec<String> {
        let asked: Vec<&str> = self.asked.iter().map(String::as_str).collect();
        let mut unknown = Vec::new();
        for layer in &self.config.layers {
            for (key, line) in layer.below(&self.path) {
                if asked.contains(&key.as_str()) {
                    continue;
                }
                let near = nearest(&key, &asked).map(|near| format!(", did you mean {near}?"));
                let place = layer.place(line);
                unknown.push(format!(
                    "{}.{key} in {place} is unknown{}",
                    self.path,
                    near.unwrap_or_default()
                ));
            }
        }
        unknown
    }

    /// What to paste into which file.
    fn snippet(&self) -> String {
        let mut files = Vec::new();
        for (file, secret) in [(".floe/config.toml", false), (".floe/secrets.toml", true)] {
            let keys: Vec<String> = self
                .missing
                .iter()
                .filter(|missing| missing.secret == secret)
                .map(|missing| {
                    let about = missing.about.map(|text| format!("  # {text}")).unwrap_or_default();
                    format!("{} = \"...\"{about}", missing.key)
                })
                .collect();
            if !keys.is_empty() {
                files.push(format!("put this into {file}:\n[{}]\n{}", self.path, keys.join("\n")));
            }
        }
        files.join("\nand ")
    }
}
