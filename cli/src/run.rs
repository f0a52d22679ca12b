//! `floe run`: a REST API from a document, with nothing compiled.

use std::path::Path;

use floe::rest::{Checked, Options, Source};
use floe::{Change, Error, Memory, Pipeline, Resource, Result, grouped};
use serde_json::{Value as Json, json};

use crate::args::{Common, Run};
use crate::load::{self, Bar};
use crate::output::{self, Output};
use crate::spec::{self, Spec};

pub(crate) fn run(args: &Run, common: &Common) -> Result<()> {
    if args.json_schema {
        return output::print_json(&Source::json_schema());
    }
    let mut options = Options::default();
    options.record.clone_from(&args.record);
    options.replay.clone_from(&args.replay);
    (options.strict, options.limit) = (args.strict, args.limit);
    let mut source = source(args)?.with(&options).select(&args.select)?;
    if common.verbose {
        source = source.on_request(|exchange| output::print_error(&exchange.to_string()));
    }
    if args.check { check(&source, common) } else { load(&source, args, common) }
}

/// The source that a document describes, or that is found in an OpenAPI document.
fn source(args: &Run) -> Result<Source> {
    // without a document only the schema can be asked for, says the parser of arguments
    let given = args.config.as_deref().unwrap_or_default();
    let elsewhere = given == "-" || spec::is_address(given) || Path::new(given).is_dir();
    match spec::read(given) {
        Ok(spec) if spec.is_api() => found(&spec, given, args),
        Ok(spec) if elsewhere => Source::parse(&spec.document.value().to_string(), given),
        Err(error) if elsewhere => Err(error),
        // its own reader knows the lines
        _ => Source::read(given),
    }
}

/// What an OpenAPI document offers: everything that needs no more to be told, or what was selected.
fn found(spec: &Spec, given: &str, args: &Run) -> Result<Source> {
    let mut api = spec.understand(given, args.overlay.as_deref())?;
    if let Some(url) = &args.base_url {
        api.base_url.clone_from(url);
    }
    if !spec::is_address(&api.base_url) {
        return Err(Error::config(format!("{given} does not say where the API is"))
            .help("name it: --base-url https://api.example.com"));
    }
    let known: Vec<&str> = api.resources.iter().map(|r| r.name.as_str()).collect();
    if let Some(unknown) = args.select.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(Error::config(format!("there is no resource `{unknown}` to select"))
            .help(format!("`floe inspect {given}` lists them")));
    }
    let wanted: Vec<String> = match args.select.as_slice() {
        [] => api.resources.iter().filter(|r| r.selected).map(|r| r.name.clone()).collect(),
        chosen => chosen.to_vec(),
    };
    api.keep(&wanted);
    for resource in api.resources.iter_mut().filter(|r| wanted.contains(&r.name)) {
        resource.selected = true;
    }
    if api.resources.is_empty() {
        return Err(Error::config(format!("{given} has nothing that can be loaded without being told more"))
            .help(format!("`floe inspect {given}` lists what there is; take some of it with --select")));
    }
    // nobody has to log in for what is open to all
    if api.resources.iter().all(|r| r.auth.is_empty()) {
        api.auth.clear();
    }
    Source::parse(&floe_codegen::declarative(&api), given)
}

fn load(source: &Source, args: &Run, common: &Common) -> Result<()> {
    let mut pipeline = load::pipeline(&args.place)?;
    if let Some(refresh) = &args.refresh {
        pipeline = pipeline.refresh(refresh.parse()?);
    }
    let bar = (output::is_terminal() && !common.quiet && !common.verbose).then(Bar::new);
    if let Some(bar) = &bar {
        let bar = bar.clone();
        pipeline = pipeline.on_progress(move |progress| bar.show(progress));
    }
    let report = pipeline.run_blocking(source.resources());
    if let Some(bar) = bar {
        bar.finish();
    }
    let mut report = report?;
    report.warnings.extend(source.warnings());
    load::print_report(&report, common)
}

fn check(source: &Source, common: &Common) -> Result<()> {
    let checked = source.check_blocking()?;
    let shown = checked.iter().map(|one| Ok((one, columns(one)?))).collect::<Result<Vec<_>>>()?;
    if common.output == Output::Json {
        let all: Vec<Json> = shown.iter().map(|(one, columns)| as_json(one, columns)).collect();
        let warnings = source.warnings();
        return output::print_json(&json!({"resources": all, "warnings": warnings}));
    }
    let mut text: String = shown.iter().map(|(one, columns)| as_text(one, columns)).collect();
    for warning in source.warnings() {
        text.push_str(&format!("warning: {warning}\n"));
    }
    output::print(&text)
}

/// Table, column and type.
type Found = (String, String, String);

/// Tables and columns that the first page would make: what a run into memory does with it.
fn columns(checked: &Checked) -> Result<Vec<Found>> {
    if checked.items == 0 {
        return Ok(Vec::new());
    }
    let folder = std::env::temp_dir().join(format!("floe-check-{}", std::process::id()));
    let resource = Resource::new(&checked.resource).json_lines(checked.lines.as_str());
    let pipeline = Pipeline::new("check").destination(Memory::default()).pipelines_dir(&folder);
    let report = pipeline.run_blocking([resource]);
    // it is in the folder for things that may go
    let _ = std::fs::remove_dir_all(&folder);
    let columns = report?.schema_changes.into_iter().filter_map(|change| match change {
        Change::ColumnAdded { table, column, data_type, .. } if !column.starts_with("_dlt_") => {
            Some((table, column, data_type))
        }
        _ => None,
    });
    Ok(columns.filter(|(table, _, _)| !table.starts_with("_dlt_")).collect())
}

fn as_text(one: &Checked, columns: &[Found]) -> String {
    if let Some(why) = &one.skipped {
        return format!("{}: not asked, because {why}\n\n", one.resource);
    }
    let requests = match (one.requests, &one.parent) {
        (None, _) => "not told by the answer".to_owned(),
        (Some(number), None) => grouped(number),
        (Some(number), Some(parent)) => format!("{} for each item of `{parent}`", grouped(number)),
    };
    let key = if one.key.is_empty() { "none".to_owned() } else { one.key.join(", ") };
    let mut text = format!(
        "{}\n  request    {}\n  items      {} at `{}`\n  paginator  {}, because {}\n  requests   {requests}\n  key        \
         {key}\n",
        one.resource,
        one.request,
        grouped(one.items),
        one.data,
        one.paginator,
        one.evidence,
    );
    let rows: Vec<Vec<String>> = columns
        .iter()
        .map(|(table, column, kind)| vec![table.clone(), column.clone(), kind.clone()])
        .collect();
    if !rows.is_empty() {
        let heads = vec![["table", "column", "type"].map(str::to_owned).to_vec()];
        for line in output::table(&[heads, rows].concat()).lines() {
            text.push_str(&format!("  {line}\n"));
        }
    }
    text.push('\n');
    text
}

fn as_json(one: &Checked, columns: &[Found]) -> Json {
    let columns: Vec<Json> = columns
        .iter()
        .map(|(table, column, kind)| json!({"table": table, "column": column, "data_type": kind}))
        .collect();
    json!({
        "resource": one.resource,
        "request": one.request,
        "items": one.items,
        "data_selector": one.data,
        "paginator": one.paginator,
        "evidence": one.evidence,
        "requests": one.requests,
        "parent": one.parent,
        "skipped": one.skipped,
        "primary_key": one.key,
        "columns": columns,
    })
}
