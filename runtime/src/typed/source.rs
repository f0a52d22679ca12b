//! Sources: what several resources share.

use floe_schema::typed::ContractFile;
use serde_json::{Value as Json, json};

use crate::Resource;
use crate::config::{Config, ConfigField, ConfigReader};
use crate::error::{Error, Result};

/// A struct with the configuration of some resources, and the resources. The attribute `#[source]` implements
/// it. Resources that do not need the source are written as calls: `resources(issues, colours())`.
///
/// ```
/// use floe::prelude::*;
///
/// #[derive(Table)]
/// struct Number { n: u32 }
///
/// #[resource(table = Number)]
/// fn numbers(counter: &Counter) -> impl Iterator<Item = Number> {
///     (0..counter.limit).map(|n| Number { n })
/// }
///
/// #[source(resources(numbers))]
/// #[derive(Clone)]
/// struct Counter {
///     #[config(default = "10")]
///     limit: u32,
/// }
///
/// let counter = Counter::from_config()?;
/// assert_eq!(counter.limit, 10);
/// assert_eq!(counter.all()[0].name(), "numbers");
/// let error = counter.with_resources(["number"]).unwrap_err();
/// assert_eq!(error.to_string(), "source counter has no resource `number`\n  help: did you mean `numbers`?");
/// # Ok::<(), floe::Error>(())
/// ```
pub trait Source: Sized {
    /// The name, under which its configuration stands.
    const NAME: &'static str;
    /// What it is configured with.
    const FIELDS: &'static [ConfigField];

    /// Makes the source of what the reader finds.
    fn read(reader: ConfigReader) -> Result<Self>;

    /// All resources.
    fn all(&self) -> Vec<Resource>;

    /// The source with the configuration `sources.<name>`, from the environment and files. All values that are
    /// missing are reported at once.
    fn from_config() -> Result<Self> {
        Self::named(Self::NAME)
    }

    /// The same with the configuration under another name, such as that of another account.
    fn named(name: &str) -> Result<Self> {
        Self::read(ConfigReader::new(&Config::load()?, &format!("sources.{name}"), Self::FIELDS))
    }

    /// Only these of the resources. Those that they need are read and not loaded.
    fn with_resources<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Result<Vec<Resource>> {
        let all = self.all();
        let known: Vec<&str> = all.iter().map(Resource::name).collect();
        let wanted: Vec<&str> = names.into_iter().collect();
        if let Some(wrong) = wanted.iter().find(|name| !known.contains(name)) {
            let error = Error::config(format!("source {} has no resource `{wrong}`", Self::NAME));
            return Err(match crate::nearest(wrong, &known) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error.help(format!("resources are {}", known.join(", "))),
            });
        }
        let selected = |resource: &Resource| wanted.contains(&resource.name());
        Ok(all.iter().map(|resource| resource.clone().selected(selected(resource))).collect())
    }

    /// What the source is: its resources with their tables, and what it is configured with.
    fn describe(&self) -> Json {
        let fields = Self::FIELDS.iter().map(|field| {
            json!({
                "key": format!("sources.{}.{}", Self::NAME, field.key),
                "secret": field.secret,
                "required": !field.optional && field.default.is_none(),
                "description": field.description,
            })
        });
        let resources = self.all();
        let resources = resources.iter().map(Resource::describe);
        json!({"name": Self::NAME, "config": fields.collect::<Json>(), "resources": resources.collect::<Json>()})
    }
}

impl Resource {
    /// What the resource is: its name, what it needs and, if it has a type, its tables.
    pub fn describe(&self) -> Json {
        let tables = self.typed.map(|typed| {
            let tables = typed.tables(&self.table_name(), &floe_schema::Naming::snake_case());
            let contract = ContractFile::of(&tables).to_string();
            let hash = floe_schema::hash::sha3_base64([contract.as_bytes()]);
            let tables: Json = tables.iter().map(|table| table.to_json()).collect();
            json!({"contract_hash": hash, "tables": tables})
        });
        json!({
            "name": self.name(),
            "parent": self.parent,
            "cursor": self.incremental.as_ref().map(|i| &i.path_text),
            "schema": tables,
        })
    }

    fn table_name(&self) -> String {
        match &self.table {
            crate::TableName::Fixed(name) => name.clone(),
            crate::TableName::Field { prefix, field } => format!("{prefix}<{field}>"),
        }
    }
}
