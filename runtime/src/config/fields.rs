//! The configuration of sources, as their fields say it.

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::{Config, Section};
use crate::error::{Error, Result};

/// A field of a source, as the attribute `#[source]` writes it down.
#[derive(Debug, Clone, Copy)]
pub struct ConfigField {
    /// The key.
    pub key: &'static str,
    /// It shows nowhere.
    pub secret: bool,
    /// There may be none.
    pub optional: bool,
    /// What it is if nothing is said, as text.
    pub default: Option<&'static str>,
    /// For people.
    pub description: Option<&'static str>,
}

/// Values of a source on their way into its fields.
pub struct ConfigReader {
    section: Section,
    fields: &'static [ConfigField],
}

impl ConfigReader {
    pub(crate) fn new(config: &Config, section: &str, fields: &'static [ConfigField]) -> Self {
        Self { section: config.section(section), fields }
    }

    /// The value of a field.
    pub fn field<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        let field = self.fields.iter().find(|field| field.key == key)?;
        if let Some(default) = field.default {
            let text =
                || serde_json::from_value(Json::from(default)).or_else(|_| serde_json::from_str(default));
            return self.section.optional(key).or_else(|| text().ok());
        }
        if field.optional {
            return self.section.optional(key).or_else(|| serde_json::from_value(Json::Null).ok());
        }
        self.section.needed(key, field.secret, field.description)
    }

    /// The source, or everything that keeps it from being made.
    pub fn finish<S>(self, source: Option<S>) -> Result<S> {
        self.section.finish()?;
        source.ok_or_else(|| Error::internal("a field of the source has no value"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[ConfigField] = &[
        ConfigField {
            key: "token",
            secret: true,
            optional: false,
            default: None,
            description: Some("of the API"),
        },
        ConfigField { key: "owner", secret: false, optional: false, default: None, description: None },
        ConfigField { key: "limit", secret: false, optional: false, default: Some("100"), description: None },
        ConfigField { key: "team", secret: false, optional: true, default: None, description: None },
    ];

    fn reader(config: &Config) -> ConfigReader {
        ConfigReader::new(config, "sources.github", FIELDS)
    }

    #[test]
    fn fields_say_what_may_be_missing() {
        let config = Config::default().with("sources.github.token", "s").with("sources.github.owner", "b");
        let mut reader = reader(&config);
        assert_eq!(reader.field::<String>("token").unwrap(), "s");
        assert_eq!(reader.field::<String>("owner").unwrap(), "b");
        assert_eq!(reader.field::<u32>("limit").unwrap(), 100);
        assert_eq!(reader.field::<Option<String>>("team").unwrap(), None);
        assert_eq!(reader.finish(Some(1)).unwrap(), 1);
    }

    #[test]
    fn lines_to_paste_say_what_they_are_for() {
        let mut reader = reader(&Config::default());
        assert_eq!((reader.field::<String>("token"), reader.field::<String>("owner")), (None, None));
        let error = reader.finish::<()>(None).unwrap_err();
        assert_eq!(
            error.way_out(),
            Some(
                "put this into .floe/config.toml:\n[sources.github]\nowner = \"...\"\n\
                 and put this into .floe/secrets.toml:\n[sources.github]\ntoken = \"...\"  # of the API"
            )
        );
    }
}
