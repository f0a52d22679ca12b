//! `floe config`.

use floe::{Config, Error, Result};
use serde_json::{Value as Json, json};

use crate::args::{self, Common, ConfigCommand};
use crate::output::{self, Output};

pub(crate) fn run(args: &args::Config, common: &Common) -> Result<()> {
    let ConfigCommand::Explain { key } = &args.what;
    let origins = Config::load()?.explain(key);
    if origins.is_empty() {
        let variable = key.split('.').collect::<Vec<_>>().join("__").to_uppercase();
        return Err(Error::config(format!("nothing is configured for {key}")).help(format!(
            "set the variable {variable}, or the key in .floe/config.toml or .floe/secrets.toml"
        )));
    }
    if common.output == Output::Json {
        let list = origins.iter().map(|origin| json!({"layer": origin.layer, "value": origin.value}));
        return output::print_json(&list.collect::<Json>());
    }
    let lines = origins.iter().enumerate().map(|(n, origin)| {
        let note = if n == 0 { "" } else { "  (not used)" };
        format!("{}  {}{note}", origin.layer, origin.value)
    });
    output::print(&lines.collect::<Vec<_>>().join("\n"))
}
