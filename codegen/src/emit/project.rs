//! The files around the code: manifest, README, configuration, program, tests.

use super::{Files, HEADER, Options, Plan, print, source, text};
use crate::api::{Auth, Resource};
use crate::error::Result;
use crate::finding::Confidence;
use proc_macro2::TokenStream;
use quote::quote;

pub(super) fn add(plan: &Plan<'_>, options: &Options, files: &mut Files) -> Result<()> {
    files.yours("Cargo.toml", manifest(plan, options));
    files.generated("README.md", readme(plan));
    files.yours(
        "src/main.rs",
        print(program(plan), &plan.api.title)?.replace(&format!("// {HEADER}\n\n"), ""),
    );
    files.generated("tests/resources.rs", print(tests(plan), &plan.api.title)?);
    files.yours(".gitignore", "/target\n/.floe/secrets.toml\n*.duckdb\n");
    files.yours(".floe/config.toml", config(plan));
    files.yours(".floe/secrets.toml", secrets(plan));
    files.yours("floe.overlay.yaml", OVERLAY);
    Ok(())
}

const OVERLAY: &str = "\
# Corrections of what was found. They are kept when the connector is generated again.
#
# resources:
#   issues:                     # the name of a resource, or its path
#     name: tickets
#     table: tickets
#     data_path: result.items
#     primary_key: [id]
#     write_disposition: merge  # append, replace or merge
#     selected: true
#     incremental: {cursor_path: updated_at, start_param: since, format: iso}
#     paginator: {type: offset, limit: 100, offset_param: offset, limit_param: limit}
#     parent: {resource: projects, bindings: {project_id: id}}
#   secrets: {skip: true}
resources: {}
";

/// Text as a string of TOML.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn manifest(plan: &Plan<'_>, options: &Options) -> String {
    let floe = match &options.floe_path {
        Some(path) => format!("{{ path = {} }}", quoted(path)),
        None => quoted(concat!(env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"))),
    };
    let about = quoted(&format!("Loads data from {}", text::line(&plan.api.title, 80)));
    format!(
        "[package]\nname = {name}\nversion = \"0.1.0\"\nedition = \"2024\"\npublish = false\ndescription = {about}\n\n\
         [dependencies]\nchrono = {{ version = \"0.4\", default-features = false, features = [\"serde\"] }}\n\
         floe = {floe}\nserde = {{ version = \"1\", features = [\"derive\"] }}\n\n\
         # a package of its own, wherever it is\n[workspace]\n",
        name = quoted(&plan.name),
    )
}

fn program(plan: &Plan<'_>) -> TokenStream {
    let name = super::pipeline_name(&plan.name);
    let file = format!("{name}.duckdb");
    let (krate, source) = (super::ident(&plan.name), super::ident(&plan.source));
    quote! {
        #![doc = " Loads everything that is selected into a DuckDB file."]
        use floe::prelude::*;

        fn main() -> Result<()> {
            let source = #krate::#source::from_config()?;
            let report = Pipeline::new(#name).destination(DuckDb::file(#file)).run_blocking(source.all())?;
            println!("{report}");
            Ok(())
        }
    }
}

/// What holds for every connector, whatever the API does.
fn tests(plan: &Plan<'_>) -> TokenStream {
    let (krate, source) = (super::ident(&plan.name), super::ident(&plan.source));
    let secrets = plan.api.auth.first().map(Auth::secrets).unwrap_or_default();
    let secrets = secrets.iter().map(|s| {
        let s = super::ident(s);
        quote!(#s: Secret::new("test"),)
    });
    let fields = source::fields(plan.api, &plan.params);
    let fields = fields.keys().map(|f| {
        let f = super::ident(f);
        quote!(#f: "test".into(),)
    });
    let count = proc_macro2::Literal::usize_unsuffixed(plan.api.resources.len());
    quote! {
        #![doc = " Tests of the connector that need no network."]
        use floe::prelude::*;

        #[test]
        fn every_resource_is_there() {
            let source = #krate::#source { base_url: "http://localhost".into(), #(#secrets)* #(#fields)* };
            assert_eq!(source.all().len(), #count);
        }
    }
}

fn config(plan: &Plan<'_>) -> String {
    let mut out = format!(
        "# Configuration; secrets are in secrets.toml.\n\n[sources.{}]\n",
        super::pipeline_name(&plan.name)
    );
    out.push_str(&format!("# base_url = {}\n", quoted(&text::line(&plan.api.base_url, 300))));
    for (field, (name, description)) in source::fields(plan.api, &plan.params) {
        let about = text::line(if description.is_empty() { &name } else { &description }, 100);
        out.push_str(&format!("# {about}\n# {field} = \"\"\n"));
    }
    out
}

fn secrets(plan: &Plan<'_>) -> String {
    let mut out = format!("# Never commit this file.\n\n[sources.{}]\n", super::pipeline_name(&plan.name));
    for secret in plan.api.auth.first().map(Auth::secrets).unwrap_or_default() {
        out.push_str(&format!("{secret} = \"\"\n"));
    }
    out
}

fn readme(plan: &Plan<'_>) -> String {
    let api = plan.api;
    let selected = api.resources.iter().filter(|r| r.selected).count();
    let mut out = format!("<!-- {HEADER} -->\n\n# {}\n\n", text::markdown(&api.title, 80));
    out.push_str(&format!(
        "A connector with {} resources, {selected} of which are loaded unless others are asked for.\n\n\
         1. Put secrets into `.floe/secrets.toml` and the rest into `.floe/config.toml`.\n\
         2. `cargo run --release` loads into `{}.duckdb`.\n\
         3. Correct what was guessed wrong in `floe.overlay.yaml` and generate again.\n\n",
        api.resources.len(),
        super::pipeline_name(&plan.name),
    ));
    let guessed: Vec<&Resource> =
        api.resources.iter().filter(|r| r.findings.iter().any(|f| f.confidence == Confidence::Low)).collect();
    if !guessed.is_empty() {
        out.push_str("## Guesses\n\n| resource | what | why |\n|---|---|---|\n");
        for resource in guessed.iter().take(100) {
            for finding in resource.findings.iter().filter(|f| f.confidence == Confidence::Low) {
                out.push_str(&format!(
                    "| {} | {}: {} | {} |\n",
                    text::markdown(&resource.name, 60),
                    finding.subject,
                    text::markdown(&finding.message, 80),
                    text::markdown(&finding.evidence, 120)
                ));
            }
        }
        if guessed.len() > 100 {
            out.push_str(&format!(
                "\n… and {} more resources; `floe inspect` shows all.\n",
                guessed.len() - 100
            ));
        }
        out.push('\n');
    }
    if !api.skipped.is_empty() {
        out.push_str("## Left out\n\n");
        for skipped in api.skipped.iter().take(100) {
            out.push_str(&format!(
                "- {}: {}\n",
                text::markdown(&skipped.path, 100),
                text::markdown(&skipped.reason, 100)
            ));
        }
    }
    out
}
