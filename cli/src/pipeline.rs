//! `floe pipeline`.

mod state;

use std::path::Path;

use floe::{Pipeline, PipelineInfo, Refresh, Result, byte_size, default_pipelines_dir, grouped};
use serde_json::{Value as Json, json};

use crate::args::{self, Common, DatasetPlace, PipelineCommand, Place};
use crate::output::{self, Output};

pub(crate) fn run(args: &args::Pipeline, common: &Common) -> Result<()> {
    let folder = match &args.pipelines_dir {
        Some(folder) => folder.clone(),
        None => default_pipelines_dir()?,
    };
    let Some(name) = &args.name else {
        let names = floe::pipeline_names(&folder)?;
        return match common.output {
            Output::Json => output::print_json(&json!(names)),
            Output::Text if names.is_empty() => {
                output::print(&format!("no pipelines in {}", folder.display()))
            }
            Output::Text => output::print(&names.join("\n")),
        };
    };
    let pipeline = Pipeline::new(name).pipelines_dir(&folder);
    let as_json = common.output == Output::Json;
    match args.what.as_ref().unwrap_or(&PipelineCommand::Info) {
        PipelineCommand::Info => info(&pipeline.info()?, as_json),
        PipelineCommand::Packages => packages(&pipeline.info()?, as_json),
        PipelineCommand::State { change: None } => output::print_json(&pipeline.info()?.state),
        PipelineCommand::State { change: Some(change) } => state::change(name, &folder, change, common),
        PipelineCommand::Sync(place) => crate::load::print_report(&at(name, &folder, place)?.sync()?, common),
        PipelineCommand::Drop { resources, all, data, place } => {
            let what = match (all, data) {
                (true, _) => Refresh::DropSources,
                (_, true) => Refresh::DropData,
                _ => Refresh::DropResources,
            };
            let report = at(name, &folder, place)?.refresh(what).forget(resources)?;
            crate::load::print_report(&report, common)
        }
        PipelineCommand::Trace => trace(&pipeline.info()?, as_json),
        PipelineCommand::DropPendingPackages => {
            let dropped = pipeline.drop_pending_packages()?;
            if as_json {
                return output::print_json(&json!({ "dropped": dropped }));
            }
            output::print(&format!("{dropped} packages were given up; they are kept among the failed ones"))
        }
    }
}

/// The pipeline with its dataset. What is not said is as in the last run.
fn at(name: &str, folder: &Path, place: &DatasetPlace) -> Result<Pipeline> {
    let known = Pipeline::new(name).pipelines_dir(folder).info().ok();
    let known = known.and_then(|info| info.state.get("dataset_name")?.as_str().map(str::to_owned));
    crate::load::pipeline(&Place {
        pipeline: name.to_owned(),
        destination: place.destination,
        credentials: place.credentials.clone(),
        dataset: place.dataset.clone().or(known),
        pipelines_dir: Some(folder.to_owned()),
        memory_limit: None,
    })
}

fn info(info: &PipelineInfo, as_json: bool) -> Result<()> {
    let schemas: Vec<Json> = info
        .schemas
        .iter()
        .map(|s| json!({"name": s.name, "version": s.version, "version_hash": s.version_hash, "tables": s.tables.len()}))
        .collect();
    if as_json {
        return output::print_json(&json!({
            "name": info.name,
            "folder": info.folder,
            "destination": info.state.get("destination_type"),
            "dataset": info.state.get("dataset_name"),
            "state_version": info.state.get("_state_version"),
            "schemas": schemas,
            "packages": info.packages,
        }));
    }
    let text = |key: &str| info.state.get(key).and_then(Json::as_str).unwrap_or("none yet").to_owned();
    let mut lines = vec![
        format!("pipeline     {}", info.name),
        format!("folder       {}", info.folder.display()),
        format!("destination  {}", text("destination_type")),
        format!("dataset      {}", text("dataset_name")),
        format!("state        version {}", info.state.get("_state_version").unwrap_or(&Json::Null)),
    ];
    for schema in &info.schemas {
        let version = schema.version.unwrap_or_default();
        lines.push(format!(
            "schema       {}, version {version}, {} tables",
            schema.name,
            schema.tables.len()
        ));
    }
    for stage in ["extracted", "normalized", "loaded", "failed"] {
        let count = info.packages.iter().filter(|p| p.stage == stage).count();
        if count > 0 {
            lines.push(format!("packages     {count} {stage}"));
        }
    }
    if let Some(finished) = info.trace.as_ref().and_then(|t| t.get("finished_at")).and_then(Json::as_str) {
        let failed = info.trace.as_ref().is_some_and(|t| t.get("error").is_some_and(|e| !e.is_null()));
        lines.push(format!("last run     {finished}{}", if failed { ", failed" } else { "" }));
    }
    output::print(&lines.join("\n"))
}

fn packages(info: &PipelineInfo, as_json: bool) -> Result<()> {
    if as_json {
        return output::print_json(&json!(info.packages));
    }
    if info.packages.is_empty() {
        return output::print(
            "no packages on disk; those that are loaded are removed unless --keep-packages is given",
        );
    }
    let mut rows = vec![["load id", "stage", "created", "rows", "bytes"].map(str::to_owned).to_vec()];
    for package in &info.packages {
        let count: u64 = package.rows.iter().map(|(_, rows)| rows).sum();
        rows.push(vec![
            package.load_id.clone(),
            package.stage.to_owned(),
            package.created_at.clone(),
            grouped(count),
            byte_size(package.bytes),
        ]);
    }
    let mut text = output::table(&rows);
    for package in &info.packages {
        if let Some(failure) = &package.failure {
            text.push_str(&format!("\n\n{}: {failure}", package.load_id));
        }
    }
    output::print(&text)
}

fn trace(info: &PipelineInfo, as_json: bool) -> Result<()> {
    let Some(trace) = &info.trace else { return output::print("there was no run yet") };
    if as_json {
        return output::print_json(trace);
    }
    let text = |value: Option<&Json>| value.and_then(Json::as_str).unwrap_or_default().to_owned();
    let mut lines = vec![
        format!("started   {}", text(trace.get("started_at"))),
        format!("finished  {}", text(trace.get("finished_at"))),
    ];
    if let Some(error) = trace.get("error").filter(|e| !e.is_null()) {
        lines.push(format!("failed    in {}: {}", text(error.get("step")), text(error.get("message"))));
    }
    if let Some(report) = trace.get("report").filter(|r| !r.is_null()) {
        for step in report.get("steps").and_then(Json::as_array).into_iter().flatten() {
            let number = |key: &str| step.get(key).and_then(Json::as_u64).unwrap_or_default();
            let seconds = step.get("seconds").and_then(Json::as_f64).unwrap_or_default();
            lines.push(format!(
                "{:<9} {seconds:.3} s, {} rows, {}",
                text(step.get("step")),
                grouped(number("rows")),
                byte_size(number("bytes"))
            ));
        }
        for table in report.get("tables").and_then(Json::as_array).into_iter().flatten() {
            let rows = table.get("rows").and_then(Json::as_u64).unwrap_or_default();
            lines.push(format!("  {}: {} rows", text(table.get("table")), grouped(rows)));
        }
    }
    output::print(&lines.join("\n"))
}
