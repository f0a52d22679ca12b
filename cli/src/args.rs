//! What the command line takes.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::output::{ErrorFormat, Output};

/// Load data where the schema is a type.
///
/// floe loads files into databases and keeps the dataset format of dlt.
#[derive(Debug, Parser)]
#[command(name = "floe", version, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// Options of all commands.
#[derive(Debug, clap::Args)]
pub(crate) struct Common {
    /// How errors are printed; json is one object in the last line of stderr
    #[arg(long, global = true, value_enum, default_value_t = ErrorFormat::Text, help_heading = "Output")]
    pub(crate) error_format: ErrorFormat,
    /// How results are printed
    #[arg(long, global = true, value_enum, default_value_t = Output::Text, help_heading = "Output")]
    pub(crate) output: Output,
    /// Print nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Output")]
    pub(crate) quiet: bool,
    /// Print more
    #[arg(short, long, global = true, help_heading = "Output")]
    pub(crate) verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Load files into a database
    Load(Box<Load>),
    /// Load from a REST API that a document describes
    Run(Box<Run>),
    /// Show what a pipeline has done and what it remembers
    Pipeline(Pipeline),
    /// Show schemas
    Schema(Schema),
    /// Compare the tables of a crate with their contracts, and accept what changed
    Contract(Contract),
    /// Show where values of configuration come from
    Config(Config),
    /// Show what is understood of an API document: resources, keys, pages, parents
    Inspect(Inspect),
    /// Print a connector for an API: a crate that you own, or a declarative document
    Generate(Generate),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

const LOAD_EXAMPLES: &str = "\
Examples:
  floe load orders.jsonl                          into table orders of floe.duckdb
  floe load 'logs/*.jsonl.gz' --table logs        several files into one table
  curl -s ... | floe load - --table events        from standard input
  floe load orders.csv --pipeline shop --dataset raw --primary-key id --write-disposition merge
  floe load orders.csv --destination postgres --credentials postgresql://ada:secret@db.example/shop
  floe load --resource orders.json orders.jsonl   with everything that dlt.resource takes";

#[derive(Debug, clap::Args)]
#[command(after_help = LOAD_EXAMPLES)]
pub(crate) struct Load {
    /// Files, patterns, or - for standard input: JSON lines, JSON, CSV, Parquet or Arrow, also
    /// compressed with gzip or zstd
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<String>,
    /// The table; the name of the file by default
    #[arg(short, long, value_name = "NAME")]
    pub(crate) table: Option<String>,
    /// Columns of the primary key
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub(crate) primary_key: Vec<String>,
    /// Columns of the merge key
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub(crate) merge_key: Vec<String>,
    /// What happens to the rows that are there
    #[arg(long, value_enum, value_name = "DISPOSITION")]
    pub(crate) write_disposition: Option<Disposition>,
    /// How replace gives a table its new rows: truncate-and-insert, insert-from-staging, or
    /// staging-optimized, by which nobody sees an empty or half-filled table.
    /// DESTINATION__REPLACE_STRATEGY in the environment does the same
    #[arg(long, value_name = "STRATEGY")]
    pub(crate) replace_strategy: Option<String>,
    /// Load only what is new, told by this field
    #[arg(long, value_name = "FIELD")]
    pub(crate) incremental: Option<String>,
    /// How many levels of nested values become tables
    #[arg(long, value_name = "LEVELS")]
    pub(crate) max_table_nesting: Option<u32>,
    /// The format of the files: jsonl, json, csv, parquet or arrow; found by itself by default
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<String>,
    /// A resource described in JSON and its data; may be given several times
    #[arg(long, num_args = 2, value_names = ["RESOURCE.json", "FILE"], conflicts_with_all = [
        "files", "table", "primary_key", "merge_key", "write_disposition", "incremental", "max_table_nesting",
    ])]
    pub(crate) resource: Vec<String>,
    #[command(flatten)]
    pub(crate) place: Place,
    /// Load no files, but the items that a contract has rejected: what passes now leaves the tables
    /// that end in __rejected. With --table only those of one table
    #[arg(long, conflicts_with_all = [
        "files", "resource", "primary_key", "merge_key", "write_disposition", "incremental",
        "max_table_nesting", "format", "select", "refresh", "import_schema",
    ])]
    pub(crate) replay_rejected: bool,
    /// A contract for all tables of the run: evolve, freeze, discard_row, discard_value, quarantine,
    /// or JSON
    #[arg(long, value_name = "CONTRACT", help_heading = "Schema")]
    pub(crate) schema_contract: Option<String>,
    /// A folder with schemas that are yours: written by the first run, imported when you change them
    #[arg(long, value_name = "FOLDER", help_heading = "Schema", conflicts_with = "import_schema")]
    pub(crate) import_schema_path: Option<PathBuf>,
    /// A folder in which every load leaves the schema
    #[arg(long, value_name = "FOLDER", help_heading = "Schema")]
    pub(crate) export_schema_path: Option<PathBuf>,
    /// Load into a new dataset, named after this one and the time
    #[arg(long)]
    pub(crate) dev_mode: bool,
    /// Load only these of the resources
    #[arg(long, value_name = "RESOURCE", value_delimiter = ',')]
    pub(crate) select: Vec<String>,
    /// Forget before loading: drop_data (rows), drop_resources (tables) or drop_sources (all tables)
    #[arg(long, value_name = "WHAT")]
    pub(crate) refresh: Option<String>,
    /// The folder with the schema of the source, in a file `<schema name>.schema.yaml`
    #[arg(long, value_name = "FOLDER", help_heading = "Schema")]
    pub(crate) import_schema: Option<PathBuf>,
    /// Threads that normalise; as many as there are processors by default
    #[arg(long, value_name = "COUNT", help_heading = "Engine")]
    pub(crate) threads: Option<usize>,
    /// Bytes that a thread normalises at once
    #[arg(long, value_name = "BYTES", help_heading = "Engine")]
    pub(crate) page_bytes: Option<usize>,
    /// Leave the rows of merges in the staging dataset, which ends in _staging
    #[arg(long, help_heading = "Engine")]
    pub(crate) keep_staged: bool,
    /// Keep packages after they are loaded
    #[arg(long, help_heading = "Engine")]
    pub(crate) keep_packages: bool,
}

const RUN_EXAMPLES: &str = "\
Examples:
  floe run github.yaml --pipeline github          into github.duckdb
  floe run github.yaml --check                    one request for each resource: what would happen
  floe run github.yaml --select issues --limit 100
  floe run --json-schema > rest.schema.json       for editors";

#[derive(Debug, clap::Args)]
#[command(after_help = RUN_EXAMPLES)]
pub(crate) struct Run {
    /// A document in YAML or JSON with the vocabulary of dlt's rest_api, or the OpenAPI document of an API:
    /// a file, a folder, an address, or - for standard input
    #[arg(value_name = "CONFIG|SPEC", required_unless_present = "json_schema")]
    pub(crate) config: Option<String>,
    /// Where the API is, if its OpenAPI document does not say so
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// Corrections of what is found in an OpenAPI document
    #[arg(long, value_name = "FILE")]
    pub(crate) overlay: Option<PathBuf>,
    /// Load only these of the resources; parents of them are read, but not loaded
    #[arg(long, value_name = "RESOURCE", value_delimiter = ',')]
    pub(crate) select: Vec<String>,
    /// Load so many items of each resource at most
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
    /// Send one request for each resource, load nothing, and tell what a run would do
    #[arg(long)]
    pub(crate) check: bool,
    /// Keep all exchanges in a folder, without secrets
    #[arg(long, value_name = "FOLDER", conflicts_with = "replay")]
    pub(crate) record: Option<PathBuf>,
    /// Take all answers from a folder with recorded exchanges, and ask nobody
    #[arg(long, value_name = "FOLDER")]
    pub(crate) replay: Option<PathBuf>,
    /// Make errors of warnings
    #[arg(long)]
    pub(crate) strict: bool,
    /// Forget before loading: drop_data (rows), drop_resources (tables) or drop_sources (all tables)
    #[arg(long, value_name = "WHAT")]
    pub(crate) refresh: Option<String>,
    /// Print the JSON Schema of documents, for editors
    #[arg(long, conflicts_with_all = ["check", "record", "replay", "select"])]
    pub(crate) json_schema: bool,
    #[command(flatten)]
    pub(crate) place: Place,
}

/// Where data goes to.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Destination")]
pub(crate) struct Place {
    /// The pipeline, under whose name state is kept
    #[arg(short, long, value_name = "NAME", default_value = "floe")]
    pub(crate) pipeline: String,
    /// The kind of destination
    #[arg(short, long, value_enum, default_value_t = Destination::Duckdb)]
    pub(crate) destination: Destination,
    /// The database file, `<pipeline>.duckdb` by default. For Postgres it is
    /// postgresql://user:password@host:port/database; DESTINATION__POSTGRES__CREDENTIALS in the
    /// environment does the same, and keeps the password out of the list of processes
    #[arg(short, long, value_name = "FILE|URL")]
    pub(crate) credentials: Option<String>,
    /// The dataset; `<pipeline>_dataset` by default
    #[arg(long, value_name = "NAME")]
    pub(crate) dataset: Option<String>,
    /// The folder in which pipelines keep packages and state
    #[arg(long, value_name = "FOLDER")]
    pub(crate) pipelines_dir: Option<PathBuf>,
    /// Memory that DuckDB may take, such as 1GB; enough for the width of the tables by default
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory_limit: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Destination {
    /// A DuckDB database file
    Duckdb,
    /// A Postgres database
    Postgres,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Disposition {
    /// They stay
    Append,
    /// They go
    Replace,
    /// Those with the same key are replaced
    Merge,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Pipeline {
    /// The pipeline; all of them are listed without it
    pub(crate) name: Option<String>,
    #[command(subcommand)]
    pub(crate) what: Option<PipelineCommand>,
    /// The folder in which pipelines keep packages and state
    #[arg(long, value_name = "FOLDER", global = true)]
    pub(crate) pipelines_dir: Option<PathBuf>,
}

/// Where the dataset of a pipeline is.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Destination")]
pub(crate) struct DatasetPlace {
    /// The kind of destination
    #[arg(short, long, value_enum, default_value_t = Destination::Duckdb)]
    pub(crate) destination: Destination,
    /// The database file; `<pipeline>.duckdb` by default
    #[arg(short, long, value_name = "FILE")]
    pub(crate) credentials: Option<String>,
    /// The dataset; that of the last run by default
    #[arg(long, value_name = "NAME")]
    pub(crate) dataset: Option<String>,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum PipelineCommand {
    /// Where it loads to, its schemas and what waits to be loaded
    Info,
    /// The packages on disk
    Packages,
    /// What it remembers between runs, and how to change that
    State {
        #[command(subcommand)]
        change: Option<StateCommand>,
    },
    /// Take over state and schemas from the destination where they are newer there
    Sync(DatasetPlace),
    /// Drop the tables of resources and forget their state
    Drop {
        /// The resources
        #[arg(value_name = "RESOURCE", required_unless_present = "all", conflicts_with = "all")]
        resources: Vec<String>,
        /// Drop all tables, and all state of the source
        #[arg(long)]
        all: bool,
        /// Remove the rows only
        #[arg(long, conflicts_with = "all")]
        data: bool,
        #[command(flatten)]
        place: DatasetPlace,
    },
    /// What the last run did
    Trace,
    /// Give up packages that wait to be normalised or loaded; they are kept among the failed ones
    DropPendingPackages,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum StateCommand {
    /// Set a value in the state of the source
    Set {
        /// Where, such as /resources/orders/incremental/updated_at/last_value
        #[arg(value_name = "POINTER")]
        pointer: String,
        /// The value in JSON
        #[arg(value_name = "JSON")]
        value: String,
        #[command(flatten)]
        place: DatasetPlace,
    },
    /// Forget the state of resources, or of the whole source
    Reset {
        /// The resources; all of them without
        #[arg(value_name = "RESOURCE")]
        resources: Vec<String>,
        #[command(flatten)]
        place: DatasetPlace,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    pub(crate) what: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show what each layer has for a key; the first one wins
    Explain {
        /// The key, such as destination.postgres.credentials
        key: String,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Schema {
    #[command(subcommand)]
    pub(crate) what: SchemaCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SchemaCommand {
    /// Show the tables and columns of a pipeline, or of a schema file
    Show {
        /// A pipeline, or a schema file in JSON or YAML
        #[arg(value_name = "PIPELINE|FILE")]
        source: String,
        /// Only this table
        #[arg(short, long, value_name = "NAME")]
        table: Option<String>,
        /// The folder in which pipelines keep packages and state
        #[arg(long, value_name = "FOLDER")]
        pipelines_dir: Option<PathBuf>,
        /// Print the document as YAML
        #[arg(long, conflicts_with = "table")]
        yaml: bool,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Contract {
    #[command(subcommand)]
    pub(crate) what: ContractCommand,
}

/// Which tables.
#[derive(Debug, clap::Args)]
pub(crate) struct Crate {
    /// Only these tables
    #[arg(value_name = "TABLE")]
    pub(crate) tables: Vec<String>,
    /// Only this package of the workspace
    #[arg(short, long, value_name = "NAME")]
    pub(crate) package: Option<String>,
    /// The Cargo.toml of the crate or workspace; that of the working folder by default
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest_path: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ContractCommand {
    /// Write the contracts as the structs are now
    Accept(Crate),
    /// Show how the structs differ from their contracts
    Diff {
        #[command(flatten)]
        what: Crate,
        /// Fail if there is a difference
        #[arg(long)]
        check: bool,
    },
    /// Fail if the structs differ from their contracts
    Check(Crate),
    /// Write contracts for tables that exist
    Import {
        /// A pipeline, or a schema file in JSON or YAML, such as dlt exports
        #[arg(value_name = "PIPELINE|FILE")]
        source: String,
        /// Only these tables
        #[arg(short, long, value_name = "NAME")]
        table: Vec<String>,
        /// The folder for the contracts
        #[arg(long, value_name = "FOLDER", default_value = "contracts")]
        to: PathBuf,
        /// The folder in which pipelines keep packages and state
        #[arg(long, value_name = "FOLDER")]
        pipelines_dir: Option<PathBuf>,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Inspect {
    /// An OpenAPI document (3.0, 3.1, Swagger 2.0) or a JSON Schema: a file, a folder, an address, or -
    /// for standard input
    #[arg(value_name = "SPEC")]
    pub(crate) spec: String,
    /// Corrections of what is found
    #[arg(long, value_name = "FILE")]
    pub(crate) overlay: Option<PathBuf>,
    /// Print everything as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Generate {
    /// An OpenAPI document (3.0, 3.1, Swagger 2.0) or a JSON Schema: a file, a folder, an address, or -
    /// for standard input
    #[arg(value_name = "SPEC", required_unless_present_any = ["from_sample", "from_dataset"])]
    pub(crate) spec: Option<String>,
    /// Take the table from a sample of its items instead: JSON, one object a line, in a file or from -
    #[arg(long, value_name = "FILE", conflicts_with_all = ["spec", "from_dataset"])]
    pub(crate) from_sample: Option<String>,
    /// Take the tables from a dataset instead: a schema file of dlt or floe, or the name of a pipeline
    #[arg(long, value_name = "FILE|PIPELINE", conflicts_with = "spec")]
    pub(crate) from_dataset: Option<String>,
    /// The folder with the working files of pipelines
    #[arg(long, value_name = "FOLDER", requires = "from_dataset")]
    pub(crate) pipelines_dir: Option<PathBuf>,
    /// The folder of the crate, or the file of the declarative document
    #[arg(short, long, value_name = "PATH")]
    pub(crate) out: Option<PathBuf>,
    /// The name of the crate; made of the title by default
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Only resources whose name or path fits; * stands for anything
    #[arg(long, value_name = "PATTERN")]
    pub(crate) include: Vec<String>,
    /// Write what was found to this file, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Take floe from this folder instead of the registry
    #[arg(long, value_name = "FOLDER")]
    pub(crate) floe_path: Option<String>,
    /// Corrections of what was found; floe.overlay.yaml in the folder of the crate by default
    #[arg(long, value_name = "FILE")]
    pub(crate) overlay: Option<PathBuf>,
    /// Write over files that are yours
    #[arg(long)]
    pub(crate) force: bool,
    /// Write nothing, and fail if something would change
    #[arg(long, conflicts_with = "force")]
    pub(crate) check: bool,
    /// A crate, or a document for `floe run`
    #[arg(long, value_enum, default_value_t = GenerateFormat::Rust)]
    pub(crate) format: GenerateFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GenerateFormat {
    /// A crate
    Rust,
    /// A declarative document
    Yaml,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        Args::command().debug_assert();
    }
}
