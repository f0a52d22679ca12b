//! `floe generate`: from an API document to a connector, or to a declarative document.

use std::path::Path;

use floe::{Error, ErrorKind, Result};
use floe_codegen::{Api, Options};
use serde_json::json;

use crate::args::{self, Common, GenerateFormat};
use crate::output;
use crate::spec::{error, understand};

pub(crate) fn run(args: &args::Generate, common: &Common) -> Result<()> {
    let overlay = args.out.as_ref().map(|out| out.join("floe.overlay.yaml"));
    let mut api = understand(&args.spec, args.overlay.as_deref().or(overlay.as_deref()))?;
    if !args.include.is_empty() {
        api.keep(&args.include);
    }
    if let Some(path) = &args.report {
        save(path, &format!("{:#}\n", api.to_json()))?;
    }
    if api.resources.is_empty() {
        return Err(
            Error::config("there is nothing to load").help("`floe inspect` says what was left out and why")
        );
    }
    match args.format {
        GenerateFormat::Yaml => declarative(args, &api),
        GenerateFormat::Rust => connector(args, &api, common),
    }
}

fn declarative(args: &args::Generate, api: &Api) -> Result<()> {
    let text = floe_codegen::declarative(api);
    match &args.out {
        None => output::print(&text),
        Some(path) if args.check => match std::fs::read_to_string(path) {
            Ok(known) if known == text => Ok(()),
            _ => Err(differs(&[format!("{}: differs", path.display())])),
        },
        Some(path) => save(path, &text),
    }
}

fn connector(args: &args::Generate, api: &Api, common: &Common) -> Result<()> {
    let Some(out) = &args.out else {
        return Err(Error::config("there is no place for the connector").help("name a folder with --out"));
    };
    let options = Options { name: args.name.clone(), floe_path: args.floe_path.clone() };
    let files = floe_codegen::connector(api, &options).map_err(|e| error(&e, &args.spec))?;
    if args.check {
        let found = files.differences(out);
        return if found.is_empty() { Ok(()) } else { Err(differs(&found)) };
    }
    let written = files.write(out, args.force).map_err(|e| error(&e, &args.spec))?;
    // contracts are not written over: what else differs now is what people have to accept
    let drift = files.differences(out);
    let report = json!({"resources": api.resources.len(), "skipped": api.skipped.len(), "written": written, "drift": drift});
    if common.output == output::Output::Json {
        return output::print_json(&report);
    }
    if common.quiet {
        return Ok(());
    }
    let left_out =
        if api.skipped.is_empty() { String::new() } else { format!(", {} left out", api.skipped.len()) };
    output::print(&format!(
        "{} resources{left_out}; {} files written to {}",
        api.resources.len(),
        written.len(),
        out.display()
    ))?;
    if drift.is_empty() {
        return Ok(());
    }
    output::print(&format!(
        "the contracts say otherwise, and the connector does not build until they agree:\n  {}\n\
         `floe contract accept` in {} writes the new columns down",
        drift.join("\n  "),
        out.display()
    ))
}

fn differs(found: &[String]) -> Error {
    Error::new(
        ErrorKind::Contract,
        format!("the connector is not what the document gives now:\n  {}", found.join("\n  ")),
    )
    .help("run `floe generate` again without --check, look at what changes, then `floe contract accept`")
}

fn save(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text)
        .map_err(|e| Error::new(ErrorKind::Io, format!("{} cannot be written", path.display())).cause(e))
}
