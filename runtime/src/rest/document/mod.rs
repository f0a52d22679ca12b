//! The declarative document: an API in YAML or JSON, with the vocabulary of dlt's `rest_api`.

mod auth;
mod build;
mod model;
mod pages;
mod place;

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::api::Api;
use super::client::Exchange;
use super::endpoint::Endpoint;
use crate::config::{Config, Unfilled, expand, variable};
use crate::error::{Error, Result};
use crate::resource::Resource;
use model::Document;
use place::{Placed, escaped};

/// A source that a document describes.
///
/// ```no_run
/// use floe::Pipeline;
/// use floe::rest::Source;
///
/// let source = Source::read("github.yaml")?;
/// let report = Pipeline::new("github").run_blocking(source.resources())?;
/// # Ok::<(), floe::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Source {
    api: Api,
    parts: Vec<Part>,
}

/// One resource of the document.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// Hints, cursor and name, without data.
    resource: Resource,
    endpoint: Endpoint,
}

/// What goes for all resources of a run, whatever the document says.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Options {
    /// Keeps all exchanges in this folder, without secrets.
    pub record: Option<PathBuf>,
    /// Takes all answers from this folder.
    pub replay: Option<PathBuf>,
    /// Makes errors of warnings.
    pub strict: bool,
    /// So many items of each resource are loaded at most.
    pub limit: Option<u64>,
}

impl Source {
    /// Reads a file in YAML or JSON.
    pub fn read(file: impl AsRef<Path>) -> Result<Self> {
        let file = file.as_ref();
        let text = std::fs::read_to_string(file)
            .map_err(|e| Error::config(format!("cannot read {}", file.display())).cause(e))?;
        Self::parse(&text, &file.display().to_string())
    }

    /// Reads a text; errors call it by this name. What `${...}` stands for comes from [`Config::load`].
    pub fn parse(text: &str, name: &str) -> Result<Self> {
        let config = if text.contains("${") { Config::load()? } else { Config::default() };
        Self::parse_with(text, name, &config)
    }

    /// Reads a text with a configuration of its own.
    ///
    /// ```
    /// use floe::{Config, rest::Source};
    /// let text = "client: {base_url: 'https://api.example.com', auth: {token: '${sources.shop.token}'}}\n\
    ///             resources: [orders]";
    /// let config = Config::default().with("sources.shop.token", "s3cret");
    /// let source = Source::parse_with(text, "shop.yaml", &config)?;
    /// assert_eq!(source.resources().len(), 1);
    /// # Ok::<(), floe::Error>(())
    /// ```
    pub fn parse_with(text: &str, name: &str, config: &Config) -> Result<Self> {
        let mut placed = Placed::read(text, name)?;
        let mut value = std::mem::take(&mut placed.value);
        fill_in(&mut value, "", &placed, config)?;
        let document: Document = typed(&value, &placed)?;
        build::source(document).map_err(|(error, pointer)| placed.place(error, &pointer))
    }

    /// The JSON Schema of the document, for editors.
    pub fn json_schema() -> Json {
        let mut schema = schemars::schema_for!(Document).to_value();
        schema["title"] = Json::from("REST API source of floe");
        schema
    }

    /// The same source with options.
    pub fn with(mut self, options: &Options) -> Self {
        let mut api = self.api.strict(options.strict);
        if let Some(folder) = &options.record {
            api = api.record(folder);
        }
        if let Some(folder) = &options.replay {
            api = api.replay(folder);
        }
        self.api = api;
        for part in &mut self.parts {
            part.endpoint.api = self.api.clone();
            part.endpoint.limit = match (part.endpoint.limit, options.limit) {
                (Some(own), Some(given)) => Some(own.min(given)),
                (own, given) => own.or(given),
            };
        }
        self
    }

    /// Calls a function with each request that was sent, without secrets.
    pub fn on_request(mut self, see: impl Fn(&Exchange) + Send + Sync + 'static) -> Self {
        self.api = self.api.on_request(see);
        for part in &mut self.parts {
            part.endpoint.api = self.api.clone();
        }
        self
    }

    /// The same source, loading only these resources.
    pub fn select(mut self, names: &[String]) -> Result<Self> {
        if names.is_empty() {
            return Ok(self);
        }
        let known: Vec<&str> = self.parts.iter().map(|part| part.resource.name()).collect();
        if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
            let error = Error::config(format!("there is no resource `{unknown}` to select"));
            return Err(match crate::nearest(unknown, &known) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error.help(format!("the resources are {}", known.join(", "))),
            });
        }
        for part in &mut self.parts {
            part.resource.selected = names.iter().any(|name| name == part.resource.name());
        }
        Ok(self)
    }

    /// The resources, parents before those that need them.
    pub fn resources(&self) -> Vec<Resource> {
        self.parts.iter().map(|part| part.endpoint.clone().attach(part.resource.clone())).collect()
    }

    /// What deserves attention so far.
    pub fn warnings(&self) -> Vec<String> {
        self.api.warnings()
    }

    pub(crate) fn parts(&self) -> impl Iterator<Item = (&Resource, &Endpoint)> {
        self.parts.iter().map(|part| (&part.resource, &part.endpoint))
    }
}

/// Puts values in the place of `${NAME}` and `${NAME:-otherwise}`. Names are those of variables of the environment,
/// or keys of the configuration such as `sources.shop.token`.
fn fill_in(value: &mut Json, pointer: &str, placed: &Placed, config: &Config) -> Result<()> {
    match value {
        Json::String(text) if text.contains("${") => {
            let filled = expand(text, &|name| config.variable(name));
            *text = filled.map_err(|why| placed.place(unfilled(why), pointer))?;
        }
        Json::Array(list) => {
            for (n, item) in list.iter_mut().enumerate() {
                fill_in(item, &format!("{pointer}/{n}"), placed, config)?;
            }
        }
        Json::Object(map) => {
            for (key, item) in map.iter_mut() {
                fill_in(item, &format!("{pointer}/{}", escaped(key)), placed, config)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn unfilled(why: Unfilled) -> Error {
    match why {
        Unfilled::Unclosed(_) => Error::config("`${` is not closed").help("write a variable as ${NAME}"),
        Unfilled::Missing(key) if key.contains('.') => {
            let (section, name) = key.rsplit_once('.').unwrap_or_default();
            Error::config(format!("the configuration has no {key}")).help(format!(
                "set {}, or write `{name} = \"...\"` below [{section}] in .floe/secrets.toml",
                variable(&key)
            ))
        }
        Unfilled::Missing(name) => Error::config(format!("the environment has no variable {name}"))
            .help(format!("set it: export {name}=...")),
    }
}

/// The value as what the vocabulary says, with errors that name the place.
fn typed<T: DeserializeOwned>(value: &Json, placed: &Placed) -> Result<T> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let mut pointer = String::new();
        for segment in error.path() {
            use serde_path_to_error::Segment;
            match segment {
                Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
                Segment::Map { key } => pointer.push_str(&format!("/{}", escaped(key))),
                Segment::Enum { .. } | Segment::Unknown => {}
            }
        }
        let (error, key) = reworded(&error.into_inner().to_string());
        if let Some(key) = key.map(|key| format!("/{}", escaped(&key))).filter(|key| !pointer.ends_with(key))
        {
            pointer.push_str(&key);
        }
        placed.place(error, &pointer)
    })
}

/// What serde says, in the words that errors have elsewhere; and the key that nobody knows.
fn reworded(message: &str) -> (Error, Option<String>) {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match quoted.as_slice() {
        [key, known @ ..] if message.starts_with("unknown field") => {
            let error = Error::config(format!("unknown key `{key}`"));
            let error = match crate::nearest(key, known) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error.help(format!("known keys are {}", known.join(", "))),
            };
            (error, Some((*key).to_owned()))
        }
        [word, known @ ..] if message.starts_with("unknown variant") => {
            let error = Error::config(format!("`{word}` is none of the words that fit here"));
            let error = match crate::nearest(word, known) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error.help(format!("these fit: {}", known.join(", "))),
            };
            (error, None)
        }
        [key] if message.starts_with("missing field") => (Error::config(format!("`{key}` is missing")), None),
        _ => (Error::config(message.to_owned()), None),
    }
}

#[cfg(test)]
mod tests;
