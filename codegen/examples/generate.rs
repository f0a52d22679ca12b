//! Generates a connector into a folder: `generate SPEC FOLDER`.

use std::path::Path;

use floe_codegen::{Document, Limits, Options, connector, inspect};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [spec, folder] =
        <[String; 2]>::try_from(std::env::args().skip(1).collect::<Vec<_>>()).map_err(|_| "SPEC FOLDER")?;
    let api = inspect(&Document::from_path(Path::new(&spec), &Limits::default())?)?;
    connector(&api, &Options::default())?.write(Path::new(&folder), false)?;
    std::fs::write(Path::new(&folder).join("api.yaml"), floe_codegen::declarative(&api))?;
    Ok(())
}
