//! Prints what is understood of documents, one JSON object a line.
#![allow(clippy::print_stdout)]

use std::path::PathBuf;

use floe_codegen::{Document, Limits, inspect};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for path in std::env::args().skip(1).map(PathBuf::from) {
        let start = std::time::Instant::now();
        let api = Document::from_path(&path, &Limits::default()).and_then(|document| inspect(&document));
        let mut line = match api {
            Ok(api) => api.to_json(),
            Err(error) => serde_json::json!({"error": error.to_string()}),
        };
        line["spec"] = path.to_string_lossy().into();
        line["seconds"] = start.elapsed().as_secs_f64().into();
        println!("{line}");
    }
    Ok(())
}
