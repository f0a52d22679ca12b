//! The files around the code: manifest, README, configuration, program, tests.

use super::{Files, HEADER, Options, Plan, print, sample, source, text};
use crate::api::{Auth, AuthKind, Resource};
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
    let tried = sample::tried(plan);
    for (name, resource) in &tried {
        files.generated(format!("tests/fixtures/{name}.json"), sample::fixture(plan, resource));
    }
    if plan.has_tokens() {
        files.generated("tests/fixtures/token.json", sample::token());
    }
    files.generated("tests/resources.rs", print(tests(plan, &tried), &plan.api.title)?);
    files.yours(".gitignore", "/target\n/.floe/secrets.toml\n*.duckdb\n");
    files.yours(".floe/config.toml", config(plan));
    files.yours(".floe/secrets.toml", secrets(plan));
    files.yours("floe.overlay.yaml", OVERLAY);
    Ok(())
}

/// Resources that the README lists.
const LISTED: usize = 100;

const VERSION: &str = concat!(env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"));

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

impl Plan<'_> {
    fn has_tokens(&self) -> bool {
        self.api.auth.first().is_some_and(|auth| matches!(auth.kind, AuthKind::ClientCredentials { .. }))
    }

    /// The table that a resource loads into.
    fn table(&self, resource: &Resource) -> String {
        let naming = floe_schema::Naming::snake_case();
        match self.rows.tables.of(resource) {
            Some(_) => naming.path(&resource.table),
            None => naming.path(&resource.name),
        }
    }
}

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
    let place = match &options.floe_path {
        Some(path) => format!("path = {}", quoted(path)),
        None => format!("version = {}", quoted(VERSION)),
    };
    let floe = format!("{{ {place} }}");
    let testing = format!("{{ {place}, features = [\"testing\"] }}");
    let about = quoted(&format!("Loads data from {}", text::line(&plan.api.title, 80)));
    format!(
        "[package]\nname = {name}\nversion = \"0.1.0\"\nedition = \"2024\"\npublish = false\ndescription = {about}\n\n\
         [dependencies]\nchrono = {{ version = \"0.4\", default-features = false, features = [\"serde\"] }}\n\
         floe = {floe}\nserde = {{ version = \"1\", features = [\"derive\"] }}\n\n\
         [dev-dependencies]\n# an API for tests\nfloe = {testing}\n\n\
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

/// Runs the connector against answers made from the document.
fn tests(plan: &Plan<'_>, tried: &[(String, &Resource)]) -> TokenStream {
    let (krate, source) = (super::ident(&plan.name), super::ident(&plan.source));
    let name = super::pipeline_name(&plan.name);
    let secrets = plan.api.auth.first().map(Auth::secrets).unwrap_or_default();
    let secrets = secrets.iter().map(|s| {
        let s = super::ident(s);
        quote!(#s: Secret::new("test"),)
    });
    let token_url = plan.has_tokens().then(|| quote!(token_url: format!("{}/token", api.url()),));
    let fields = source::fields(plan.api, &plan.params);
    let fields = fields.keys().map(|f| {
        let f = super::ident(f);
        quote!(#f: "test".into(),)
    });
    let pairs = tried.iter().map(|(_, resource)| {
        let (name, table) = (&resource.name, plan.table(resource));
        quote!((#name, #table))
    });
    quote! {
        #![doc = " The resources load rows from answers that are made of what the API document says, without network."]
        use std::path::Path;
        use floe::prelude::*;
        use floe::testing::{Api, Outcome};

        #[doc = " Resources that are tried, and their tables."]
        const TRIED: &[(&str, &str)] = &[#(#pairs),*];

        #[test]
        fn resources_load_rows() -> Outcome {
            let api = Api::new().fixtures(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures"))?.start();
            let source = #krate::#source { base_url: api.url(), #token_url #(#secrets)* #(#fields)* };
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(#name);
            if folder.exists() {
                std::fs::remove_dir_all(&folder)?;
            }
            std::fs::create_dir_all(&folder)?;
            let pipeline =
                Pipeline::new(#name).destination(DuckDb::file(folder.join("test.duckdb"))).pipelines_dir(&folder);
            let tried = |resource: &Resource| TRIED.iter().any(|(name, _)| *name == resource.name());
            let resources = source.all().into_iter().filter(tried).map(|resource| resource.selected(true));
            let report = pipeline.run_blocking(resources)?;
            for (resource, table) in TRIED {
                assert!(report.rows(table) > 0, "{resource} brought no rows: {report}");
            }
            Ok(())
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

/// A line for each resource, of those that fit on a page or two.
fn found(plan: &Plan<'_>, out: &mut String) {
    out.push_str(
        "## What was found\n\n| resource | path | table | key | written | pages | parent | newer |\n",
    );
    out.push_str("|---|---|---|---|---|---|---|---|\n");
    for resource in plan.api.resources.iter().take(LISTED) {
        let parent = resource.parent.as_ref().map_or("", |p| p.resource.as_str());
        let newer = resource.incremental.as_ref().map_or("", |i| i.cursor_path.as_str());
        let pages = resource.paginator.as_ref().map_or("", |p| p.kind);
        let (table, key) = (plan.table(resource), resource.primary_key.join(", "));
        let cells =
            [&resource.name, &resource.path, &table, &key, resource.write_disposition, pages, parent, newer];
        let cells: Vec<String> = cells.iter().map(|cell| text::cell(cell)).collect();
        out.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    if plan.api.resources.len() > LISTED {
        out.push_str(&format!(
            "\n… and {} more; floe inspect shows all.\n",
            plan.api.resources.len() - LISTED
        ));
    }
    out.push('\n');
}

fn readme(plan: &Plan<'_>) -> String {
    let api = plan.api;
    let selected = api.resources.iter().filter(|r| r.selected).count();
    let mut out = format!("<!-- {HEADER} -->\n\n# {}\n\n", text::markdown(&api.title, 80));
    out.push_str(&format!(
        "A connector with {} resources, {selected} of which are loaded unless others are asked for.\n\n\
         1. Put secrets into `.floe/secrets.toml` and the rest into `.floe/config.toml`.\n\
         2. `cargo run --release` loads into `{}.duckdb`.\n\
         3. `cargo test` runs it against answers made of what the document says.\n\
         4. Correct what was guessed wrong in `floe.overlay.yaml` and generate again. If rows change, the build \
         fails until `floe contract accept` writes the new columns down in `contracts/`.\n\n",
        api.resources.len(),
        super::pipeline_name(&plan.name),
    ));
    found(plan, &mut out);
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
                "\n… and {} more resources; floe inspect shows all.\n",
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
