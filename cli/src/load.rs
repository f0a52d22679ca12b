//! `floe load`.

use std::path::Path;
use std::sync::Mutex;

use floe::{
    Config, Contract, DuckDb, Error, Incremental, Pipeline, Postgres, Progress, ReplaceStrategy, Resource,
    Result, RunReport, Schema, WriteDisposition, byte_size, grouped,
};
use indicatif::{ProgressBar, ProgressStyle};

use crate::args::{Common, Destination, Disposition, Load, Place};
use crate::output::{self, Output};

pub(crate) fn run(args: &Load, common: &Common) -> Result<()> {
    let resources = if args.replay_rejected {
        Vec::new()
    } else if args.resource.is_empty() {
        simple_resources(args)?
    } else {
        described_resources(args)?
    };
    let resources = selected(resources, &args.select)?;
    let mut pipeline = pipeline(&args.place)?.keep_packages(args.keep_packages).keep_staged(args.keep_staged);
    if let Some(folder) = &args.import_schema_path {
        pipeline = pipeline.import_schema_path(folder);
    }
    if let Some(folder) = &args.export_schema_path {
        pipeline = pipeline.export_schema_path(folder);
    }
    if args.dev_mode {
        pipeline = pipeline.dev_mode();
    }
    if let Some(refresh) = &args.refresh {
        pipeline = pipeline.refresh(refresh.parse()?);
    }
    if let Some(strategy) = replace_strategy(args)? {
        pipeline = pipeline.replace_strategy(strategy);
    }
    if let Some(contract) = &args.schema_contract {
        pipeline = pipeline.schema_contract(read_contract(contract)?);
    }
    if let Some(folder) = &args.import_schema {
        pipeline = pipeline.source_schema(read_source_schema(folder, &args.place.pipeline)?);
    }
    if let Some(threads) = args.threads {
        pipeline = pipeline.threads(threads);
    }
    if let Some(bytes) = args.page_bytes {
        pipeline = pipeline.page_bytes(bytes);
    }
    let bar = (output::is_terminal() && !common.quiet).then(Bar::new);
    if let Some(bar) = &bar {
        let bar = bar.clone();
        pipeline = pipeline.on_progress(move |progress| bar.show(progress));
    }
    let report = match args.replay_rejected {
        true => pipeline.replay_rejected(args.table.iter().cloned()),
        false => pipeline.run_blocking(resources),
    };
    if let Some(bar) = bar {
        bar.finish();
    }
    print_report(&report?, common)
}

pub(crate) fn print_report(report: &RunReport, common: &Common) -> Result<()> {
    if common.output == Output::Json {
        let json = serde_json::to_value(report)
            .map_err(|e| Error::new(floe::ErrorKind::Internal, "cannot print the report").cause(e))?;
        return output::print_json(&json);
    }
    if common.quiet {
        return Ok(());
    }
    let mut text = report.to_string();
    if common.verbose {
        for step in &report.steps {
            let (rows, bytes) = (grouped(step.rows), byte_size(step.bytes));
            text.push_str(&format!("\n  {:<10} {:>8.3} s  {rows} rows, {bytes}", step.step, step.seconds));
        }
    }
    output::print(&text)
}

/// The pipeline with its destination.
pub(crate) fn pipeline(place: &Place) -> Result<Pipeline> {
    let mut pipeline = Pipeline::new(&place.pipeline);
    pipeline = match place.destination {
        Destination::Duckdb => pipeline.destination(duckdb(place)),
        Destination::Postgres => pipeline.destination(postgres(place)?),
    };
    if let Some(dataset) = &place.dataset {
        pipeline = pipeline.dataset(dataset);
    }
    if let Some(folder) = &place.pipelines_dir {
        pipeline = pipeline.pipelines_dir(folder);
    }
    Ok(pipeline)
}

/// What the options say, or the configuration, with the names and in the order that dlt has for them.
fn replace_strategy(args: &Load) -> Result<Option<ReplaceStrategy>> {
    if let Some(given) = &args.replace_strategy {
        return given.parse().map(Some);
    }
    let destination = match args.place.destination {
        Destination::Duckdb => "duckdb",
        Destination::Postgres => "postgres",
    };
    let config = Config::load()?;
    let sections = [format!("destination.{destination}."), "destination.".to_owned(), String::new()];
    for key in sections.map(|section| format!("{section}replace_strategy")) {
        if let Some(given) = config.text(&key).filter(|given| !given.is_empty()) {
            return given.parse().map(Some).map_err(|e: Error| e.in_file(&key));
        }
    }
    Ok(None)
}

/// Where dlt looks for them as well.
const POSTGRES_CREDENTIALS: &str = "destination.postgres.credentials";

fn postgres(place: &Place) -> Result<Postgres> {
    if place.memory_limit.is_some() {
        return Err(Error::config("--memory-limit is for DuckDB").help("leave it out for Postgres"));
    }
    if let Some(given) = &place.credentials {
        return Postgres::url(given);
    }
    match Config::load()?.text(POSTGRES_CREDENTIALS).filter(|given| !given.is_empty()) {
        Some(given) => Postgres::url(&given),
        None => Err(Error::config("there are no credentials for Postgres").help(
            "give them with --credentials postgresql://user:password@host:port/database, in the \
             environment as DESTINATION__POSTGRES__CREDENTIALS, or as destination.postgres.credentials in \
             .floe/secrets.toml",
        )),
    }
}

fn duckdb(place: &Place) -> DuckDb {
    let default = || format!("{}.duckdb", place.pipeline);
    let given = place.credentials.clone().unwrap_or_else(default);
    // dlt writes the place of a database as a URL
    let path = given.strip_prefix("duckdb:///").map_or(given.as_str(), |path| path);
    let duckdb = DuckDb::file(path);
    match &place.memory_limit {
        Some(limit) => duckdb.memory_limit(limit),
        None => duckdb,
    }
}

/// Resources from files and options.
fn simple_resources(args: &Load) -> Result<Vec<Resource>> {
    if args.files.is_empty() {
        return Err(Error::config("there is nothing to load")
            .help("name files, or - for standard input; `floe load --help` has examples"));
    }
    let mut resources: Vec<Resource> = Vec::new();
    for file in &args.files {
        let table = match &args.table {
            Some(table) => table.clone(),
            None => table_of(file)?,
        };
        let known = resources.iter().position(|r| r.name() == table);
        let resource = match known {
            Some(at) => resources.remove(at),
            None => options(Resource::new(&table), args)?,
        };
        let resource = with_data(resource, file)?;
        resources.insert(known.unwrap_or(resources.len()), resource);
    }
    Ok(resources)
}

fn options(mut resource: Resource, args: &Load) -> Result<Resource> {
    if !args.primary_key.is_empty() {
        resource = resource.primary_key(args.primary_key.clone());
    }
    if !args.merge_key.is_empty() {
        resource = resource.merge_key(args.merge_key.clone());
    }
    if let Some(disposition) = args.write_disposition {
        resource = resource.write_disposition(match disposition {
            Disposition::Append => WriteDisposition::Append,
            Disposition::Replace => WriteDisposition::Replace,
            Disposition::Merge => WriteDisposition::Merge,
        });
    }
    if let Some(field) = &args.incremental {
        resource = resource.incremental(Incremental::new(field)?);
    }
    if let Some(levels) = args.max_table_nesting {
        resource = resource.max_table_nesting(levels);
    }
    if let Some(format) = &args.format {
        resource = resource.format(format.parse()?);
    }
    Ok(resource)
}

fn with_data(resource: Resource, file: &str) -> Result<Resource> {
    if file == "-" { Ok(resource.stdin()) } else { resource.files(file) }
}

/// The name of a file without what tells format and compression.
fn table_of(file: &str) -> Result<String> {
    let needs_table = |what: String| Err(Error::config(what).help("name the table with --table"));
    if file == "-" {
        return needs_table("standard input has no name to take as the table".to_owned());
    }
    let path = Path::new(file);
    if !path.exists() && file.contains(['*', '?', '[']) {
        return needs_table(format!("the pattern {file} is no name to take as the table"));
    }
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let plain = name.strip_suffix(".gz").or(name.strip_suffix(".zst")).unwrap_or(&name);
    let stem = match plain.rsplit_once('.') {
        Some((stem, extension)) if extension.parse::<floe::Format>().is_ok() => stem,
        _ => plain,
    };
    if stem.is_empty() {
        return needs_table(format!("{file} has no name to take as the table"));
    }
    Ok(stem.to_owned())
}

/// Resources from descriptions.
fn selected(resources: Vec<Resource>, names: &[String]) -> Result<Vec<Resource>> {
    if names.is_empty() {
        return Ok(resources);
    }
    let known: Vec<&str> = resources.iter().map(Resource::name).collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(Error::config(format!("there is no resource {unknown} to select"))
            .help(format!("the resources are {}", known.join(", "))));
    }
    Ok(resources.into_iter().filter(|r| names.iter().any(|name| name == r.name())).collect())
}

fn described_resources(args: &Load) -> Result<Vec<Resource>> {
    let mut resources = Vec::new();
    for pair in args.resource.chunks(2) {
        let [description, data] = pair else { continue };
        let path = Path::new(description);
        let text = read(path)?;
        let json = serde_json::from_str(&text)
            .map_err(|e| Error::config(format!("{description} is no JSON")).cause(e))?;
        let mut resource = Resource::from_json(&json).map_err(|e| e.in_file(description))?;
        if let Some(format) = &args.format {
            resource = resource.format(format.parse()?);
        }
        resources.push(with_data(resource, data)?);
    }
    Ok(resources)
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path)
        .map_err(|e| Error::config(format!("cannot read {}", path.display())).cause(e))
}

/// A word, or JSON.
fn read_contract(text: &str) -> Result<Contract> {
    let json = serde_json::from_str(text).unwrap_or_else(|_| serde_json::Value::from(text));
    Contract::from_json("--schema-contract", &json).map_err(|e| Error::config(e.to_string()))
}

fn read_source_schema(folder: &Path, pipeline: &str) -> Result<Schema> {
    let name = floe_schema::schema_name(pipeline);
    let path = folder.join(format!("{name}.schema.yaml"));
    Schema::from_yaml_text(&read(&path)?)
        .map_err(|e| Error::config(format!("{} is no schema: {e}", path.display())))
}

/// The progress bar.
#[derive(Clone)]
pub(crate) struct Bar {
    bar: ProgressBar,
    /// The resource or table that is shown.
    current: std::sync::Arc<Mutex<String>>,
}

impl Bar {
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        bar.enable_steady_tick(std::time::Duration::from_millis(100));
        Self { bar, current: std::sync::Arc::default() }
    }

    /// Whether something else is shown now than before.
    fn begins(&self, what: &str) -> bool {
        let mut current = self.current.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let begins = *current != what;
        if begins {
            what.clone_into(&mut current);
        }
        begins
    }

    fn style(&self, template: &str) {
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
        }
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    pub(crate) fn show(&self, progress: &Progress) {
        match progress {
            Progress::Extracting { resource, items, bytes, total_bytes } => {
                if self.begins(resource) {
                    self.bar.reset();
                    self.bar.set_length(total_bytes.unwrap_or_default());
                    self.style("{prefix} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {msg}");
                    self.bar.set_prefix(resource.clone());
                }
                self.bar.set_position(*bytes);
                let rate = *items as f64 / self.bar.elapsed().as_secs_f64().max(1e-3);
                self.bar.set_message(format!("{} items, {}/s", grouped(*items), grouped(rate as u64)));
            }
            Progress::Loading { table, rows, total_rows } => {
                if self.begins("loading") {
                    self.bar.reset();
                    self.bar.set_length(*total_rows);
                    self.style("loading [{bar:30}] {human_pos}/{human_len} rows {msg}");
                }
                self.bar.set_position(*rows);
                self.bar.set_message(table.clone());
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_named_like_files() {
        for (file, table) in [
            ("a/orders.jsonl", "orders"),
            ("orders.json.gz", "orders"),
            ("v1.orders.csv.zst", "v1.orders"),
            ("orders", "orders"),
            ("orders.backup", "orders.backup"),
        ] {
            assert_eq!(table_of(file).unwrap(), table);
        }
        for file in ["-", "*.jsonl", ".jsonl"] {
            assert_eq!(table_of(file).unwrap_err().way_out(), Some("name the table with --table"));
        }
    }

    #[test]
    fn contracts_are_words_or_json() {
        for text in ["freeze", "\"freeze\"", r#"{"columns": "freeze"}"#] {
            assert!(read_contract(text).is_ok(), "{text}");
        }
        assert!(read_contract("frozen").unwrap_err().to_string().contains("frozen"));
    }
}
