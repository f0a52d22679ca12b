//! Configuration: values in layers, of which the first that has a value wins.
//!
//! The layers are what a program sets itself, the environment (`SOURCES__GITHUB__OWNER`), `.env`,
//! `.floe/secrets.toml` and `.floe/config.toml`. Where neither of the two files exists, those of the same name in
//! `.dlt` are read. A value has one path and no other.

mod expand;
mod fields;
mod layer;
mod section;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value as Json;

use crate::error::Result;
pub(crate) use expand::{Unfilled, expand};
pub use fields::{ConfigField, ConfigReader};
pub(crate) use layer::Layer;
pub use section::Section;

/// Values in layers.
///
/// ```
/// use floe::Config;
/// let config = Config::default().with("sources.shop.pages", 3).with("sources.shop.token", "s3cret");
/// let mut shop = config.section("sources.shop");
/// let pages: Option<u32> = shop.optional("pages");
/// let token: Option<String> = shop.secret("token");
/// shop.finish()?;
/// assert_eq!((pages, token.as_deref()), (Some(3), Some("s3cret")));
/// # Ok::<(), floe::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Config {
    /// The strongest first.
    layers: Vec<Layer>,
}

/// What a layer has for a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The layer, such as `environment` or `.floe/config.toml:12`.
    pub layer: String,
    /// The value as it may be shown: secrets are `***`.
    pub value: String,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.layers.iter().map(|layer| &layer.name)).finish()
    }
}

impl Config {
    /// The configuration of a program that runs in the current folder. Its files are those of the nearest folder
    /// above that has some.
    pub fn load() -> Result<Self> {
        let here = std::env::current_dir().unwrap_or_default();
        let has_files = |folder: &&Path| [".floe", ".dlt"].iter().any(|name| folder.join(name).is_dir());
        let folder = here.ancestors().find(has_files).unwrap_or(Path::new(""));
        Self::of(
            folder,
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))),
        )
    }

    /// The configuration in a folder, with variables in place of the environment.
    pub fn of(folder: &Path, environment: impl IntoIterator<Item = (String, String)>) -> Result<Self> {
        let environment: BTreeMap<String, String> = environment.into_iter().collect();
        let mut layers = vec![Layer::variables("environment", environment.clone())];
        layers.extend(Layer::env_file(folder, ".env")?);
        let variables = |name: &str| environment.get(name).cloned();
        let mut files = Vec::new();
        for place in [".floe", ".dlt"] {
            if files.is_empty() {
                files.extend(Layer::toml(folder, &format!("{place}/secrets.toml"), true, &variables)?);
                files.extend(Layer::toml(folder, &format!("{place}/config.toml"), false, &variables)?);
            }
        }
        layers.extend(files);
        Ok(Self { layers })
    }

    /// The same with a value that is stronger than all others. The key is a path with points.
    pub fn with(mut self, key: &str, value: impl Into<Json>) -> Self {
        self.layers.insert(0, Layer::given(key, value.into()));
        self
    }

    /// The values below a path.
    pub fn section(&self, path: &str) -> Section {
        Section::new(self.clone(), path)
    }

    /// The text of a key.
    ///
    /// ```
    /// let config = floe::Config::default().with("destination.postgres.credentials", "postgresql://db/shop");
    /// assert_eq!(config.text("destination.postgres.credentials").as_deref(), Some("postgresql://db/shop"));
    /// ```
    pub fn text(&self, key: &str) -> Option<String> {
        self.find(key)?.0.as_str().map(str::to_owned)
    }

    /// The value of a variable of the environment or of `.env`, or of a key with points, as text.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        match self.find(name)?.0 {
            Json::String(text) => Some(text).filter(|text| !text.is_empty()),
            other => Some(other.to_string()),
        }
    }

    /// What each layer has for a key, the one that wins first.
    ///
    /// ```
    /// let config = floe::Config::default().with("a.b", 1).with("a.b", 2);
    /// let values: Vec<String> = config.explain("a.b").into_iter().map(|origin| origin.value).collect();
    /// assert_eq!(values, ["2", "1"]);
    /// ```
    pub fn explain(&self, key: &str) -> Vec<Origin> {
        let found = |layer: &Layer| {
            let (value, line) = layer.find(key)?;
            let shown = if layer.secret || is_secret(key) { "***".to_owned() } else { value.to_string() };
            Some(Origin { layer: layer.place(line), value: shown })
        };
        self.layers.iter().filter_map(found).collect()
    }

    fn find(&self, key: &str) -> Option<(Json, &Layer, Option<usize>)> {
        self.layers.iter().find_map(|layer| layer.find(key).map(|(value, line)| (value, layer, line)))
    }
}

/// The variable that sets a key.
pub(crate) fn variable(key: &str) -> String {
    key.split('.').collect::<Vec<_>>().join("__").to_uppercase()
}

/// Whether the name of a key says that its value is nobody's business.
fn is_secret(key: &str) -> bool {
    const WORDS: [&str; 6] = ["token", "password", "secret", "key", "credentials", "authorization"];
    let last = key.rsplit('.').next().unwrap_or(key).to_lowercase();
    last.split(['_', '-']).any(|word| WORDS.contains(&word))
}

#[cfg(test)]
mod tests;
