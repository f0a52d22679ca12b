//! The dataset of a pipeline, to be read.

use floe_schema::{Naming, Schema};

use super::local::Local;
use super::{Pipeline, run, sync};
use crate::error::{Error, ErrorKind, Result, Step};
use crate::state::State;
use crate::typed::Reader;

/// Opens the dataset as the last load has left it.
pub(super) fn open(pipeline: &Pipeline) -> Result<Reader> {
    let destination = run::destination(pipeline)?;
    let naming = Naming::with_max_length(destination.capabilities().max_identifier_length);
    let name = run::stored_as(&naming, &pipeline.dataset_name())?;
    let folder = pipeline.folder()?;
    let state = if folder.is_dir() { Local::read(&folder)?.state } else { State::new() };
    let schema_name = run::schema_name_of(pipeline, &state);
    let mut dataset = destination.open(&name).map_err(|e| e.step(Step::Sync))?;
    let schema: Option<Schema> = match dataset.exists()? {
        true => dataset
            .stored_schema(&schema_name)?
            .map(|text| sync::read_schema(&schema_name, &text))
            .transpose()?,
        false => None,
    };
    let Some(schema) = schema else {
        let message =
            format!("there is no dataset {name} with a schema {schema_name} at {}", destination.location());
        return Err(Error::new(ErrorKind::Destination, message)
            .step(Step::Sync)
            .help("load something first, and give the pipeline that reads the name, destination and dataset of the one that loads"));
    };
    Ok(Reader { destination, dataset: name, schema, naming })
}
