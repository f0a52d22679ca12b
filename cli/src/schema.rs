//! `floe schema`.

use std::path::Path;

use floe::{Column, Error, Pipeline, Result, Schema, nearest};
use floe_schema::Hint;
use serde_json::{Value as Json, json};

use crate::args::{self, Common, SchemaCommand};
use crate::output::{self, Output};

pub(crate) fn run(args: &args::Schema, common: &Common) -> Result<()> {
    let SchemaCommand::Show { source, table, pipelines_dir, yaml } = &args.what;
    let schemas = schemas(source, pipelines_dir.as_deref())?;
    if *yaml {
        let documents: Vec<String> = schemas.iter().map(Schema::to_yaml_text).collect();
        return output::print(&documents.join("---\n"));
    }
    if let Some(table) = table {
        return show_table(&schemas, table, common);
    }
    if common.output == Output::Json {
        return match schemas.as_slice() {
            [one] => output::print_json(&one.to_json()),
            many => output::print_json(&many.iter().map(Schema::to_json).collect::<Json>()),
        };
    }
    output::print(&schemas.iter().map(text).collect::<Vec<_>>().join("\n\n"))
}

pub(crate) fn schemas(source: &str, pipelines_dir: Option<&Path>) -> Result<Vec<Schema>> {
    let path = Path::new(source);
    if path.is_file() {
        let unreadable = |why: String| Error::config(format!("{source} is no schema: {why}"));
        let text = std::fs::read_to_string(path).map_err(|e| unreadable(e.to_string()))?;
        // every JSON document is a YAML document as well
        return Ok(vec![Schema::from_yaml_text(&text).map_err(|e| unreadable(e.to_string()))?]);
    }
    let mut pipeline = Pipeline::new(source);
    if let Some(folder) = pipelines_dir {
        pipeline = pipeline.pipelines_dir(folder);
    }
    let schemas = pipeline.info()?.schemas;
    if schemas.is_empty() {
        return Err(
            Error::config(format!("pipeline {source} has no schema yet")).help("let it load something")
        );
    }
    Ok(schemas)
}

fn show_table(schemas: &[Schema], name: &str, common: &Common) -> Result<()> {
    let Some(table) = schemas.iter().find_map(|s| s.tables.get(name)) else {
        let names: Vec<&str> = schemas.iter().flat_map(|s| s.tables.keys()).map(String::as_str).collect();
        let error = Error::config(format!("there is no table {name}"));
        return Err(match nearest(name, &names) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help(format!("tables are {}", names.join(", "))),
        });
    };
    match common.output {
        Output::Json => output::print_json(&json!(table.to_json())),
        Output::Text => output::print(&columns(table)),
    }
}

fn text(schema: &Schema) -> String {
    let version = schema.version.unwrap_or_default();
    let mut parts = vec![format!("schema {}, version {version}", schema.name)];
    for table in schema.tables.values().filter(|t| !floe_schema::is_internal(&t.name)) {
        let kind = match (&table.parent, table.write_disposition) {
            (Some(parent), _) => format!("below {parent}"),
            (None, Some(disposition)) => disposition.to_string(),
            (None, None) => String::new(),
        };
        parts.push(format!("{} ({kind})\n{}", table.name, columns(table)));
    }
    parts.join("\n\n")
}

fn columns(table: &floe_schema::Table) -> String {
    let mut rows = vec![["column", "type", "null", "hints"].map(str::to_owned).to_vec()];
    rows.extend(table.columns.values().map(|column| {
        let null = if column.is_nullable() { "yes" } else { "no" };
        vec![column.name.to_string(), column.type_text(), null.to_owned(), hints(column)]
    }));
    output::table(&rows)
}

fn hints(column: &Column) -> String {
    let hints = Hint::ALL.iter().filter(|hint| column.has(**hint));
    hints.map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
