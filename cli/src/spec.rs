//! API documents from files, folders, addresses and standard input.

use std::io::Read;
use std::path::Path;

use floe::rest::{Api as Rest, Limits as RestLimits, Retry};
use floe::{Error, ErrorKind, Result};
use floe_codegen::{Api, Document, Limits, Overlay};

/// A document, and where it came from if that was an address.
pub(crate) struct Spec {
    pub(crate) document: Document,
    url: Option<String>,
}

/// Reads a document, understands it, and corrects what was found with an overlay.
pub(crate) fn understand(spec: &str, overlay: Option<&Path>) -> Result<Api> {
    read(spec)?.understand(spec, overlay)
}

/// Reads a document from wherever it is.
pub(crate) fn read(spec: &str) -> Result<Spec> {
    let limits = Limits::default();
    if is_address(spec) {
        let rest = Rest::new(spec)
            .limits(RestLimits::default().page_bytes(limits.bytes as u64))
            .retry(Retry::default().attempts(3));
        let fetched = rest.fetch_blocking(spec)?;
        let document = Document::from_bytes(name_of(spec), &fetched.body, &limits);
        return Ok(Spec { document: document.map_err(|e| error(&e, spec))?, url: Some(fetched.url) });
    }
    let document = if spec == "-" {
        Document::from_bytes("standard input", &standard_input(&limits)?, &limits)
    } else {
        Document::from_path(Path::new(spec), &limits)
    };
    Ok(Spec { document: document.map_err(|e| error(&e, spec))?, url: None })
}

impl Spec {
    /// Whether it describes an API, and not how to load from one.
    pub(crate) fn is_api(&self) -> bool {
        let value = self.document.value();
        ["openapi", "swagger", "paths"].iter().any(|key| value.get(key).is_some())
    }

    pub(crate) fn understand(&self, spec: &str, overlay: Option<&Path>) -> Result<Api> {
        let mut api = floe_codegen::inspect(&self.document).map_err(|e| error(&e, spec))?;
        if let Some(url) = &self.url {
            api.base_url = beside(url, &api.base_url);
        }
        if let Some(path) = overlay
            && let Ok(text) = std::fs::read(path)
        {
            let name = path.display().to_string();
            Overlay::read(&name, &text).and_then(|o| o.apply(&mut api)).map_err(|e| error(&e, &name))?;
        }
        Ok(api)
    }
}

/// Tables as a sample of items tells them: a file, or - for standard input.
pub(crate) fn sample(file: &str, name: Option<&str>) -> Result<Api> {
    let limits = Limits::default();
    let stem = Path::new(file).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let (table, bytes) = if file == "-" {
        let name = name.ok_or_else(|| {
            Error::config("standard input has no name to take as the table").help("name it with --name")
        })?;
        (name.to_owned(), standard_input(&limits)?)
    } else {
        let bytes = std::fs::read(file)
            .map_err(|e| Error::new(ErrorKind::Io, format!("cannot read {file}")).cause(e))?;
        (name.map_or_else(|| stem.unwrap_or_default(), str::to_owned), bytes)
    };
    floe_codegen::sample(&table, &bytes, &limits).map_err(|e| error(&e, file))
}

/// Tables as a dataset has them: a schema file of dlt or floe, or the name of a pipeline.
pub(crate) fn dataset(source: &str, pipelines_dir: Option<&Path>) -> Result<Api> {
    let schemas = crate::schema::schemas(source, pipelines_dir)?;
    let [schema] = schemas.as_slice() else {
        let names: Vec<&str> = schemas.iter().map(|s| &*s.name).collect();
        return Err(Error::config(format!("pipeline {source} has several schemas: {}", names.join(", ")))
            .help(format!(
                "write one into a file with `floe schema show {source} --yaml`, and name the file"
            )));
    };
    Ok(floe_codegen::dataset(schema))
}

pub(crate) fn is_address(spec: &str) -> bool {
    spec.starts_with("http://") || spec.starts_with("https://")
}

fn standard_input(limits: &Limits) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // one more than may be there tells that it is too much
    let most = limits.bytes as u64 + 1;
    let read = std::io::stdin().lock().take(most).read_to_end(&mut bytes);
    read.map_err(|e| Error::new(ErrorKind::Io, "cannot read standard input").cause(e))?;
    Ok(bytes)
}

/// The last step of an address, which names the document in messages; a query may hold secrets.
fn name_of(url: &str) -> &str {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("document")
}

/// An address as seen from the document that names it: `/v1` is on the document's host.
fn beside(document: &str, base: &str) -> String {
    if is_address(base) {
        return base.to_owned();
    }
    let (scheme, rest) = document.split_once("://").unwrap_or(("https", document));
    let rest = rest.split(['?', '#']).next().unwrap_or(rest);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if let Some(other) = base.strip_prefix("//") {
        return format!("{scheme}://{other}");
    }
    if base.is_empty() || base.starts_with('/') {
        return format!("{scheme}://{host}{base}");
    }
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let slash = if folder.is_empty() { "" } else { "/" };
    format!("{scheme}://{host}/{folder}{slash}{}", base.trim_start_matches("./"))
}

pub(crate) fn error(error: &floe_codegen::Error, file: &str) -> Error {
    let made = Error::new(ErrorKind::Input, error.message()).in_file(error.place().unwrap_or(file));
    match error.way_out() {
        Some(help) => made.help(help),
        None => made,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_servers_are_on_the_host_of_the_document() {
        let document = "https://api.example.com/docs/v2/openapi.json?key=1";
        for (base, whole) in [
            ("https://other.example/v1", "https://other.example/v1"),
            ("/api", "https://api.example.com/api"),
            ("", "https://api.example.com"),
            ("//cdn.example.com/x", "https://cdn.example.com/x"),
            ("./rest", "https://api.example.com/docs/v2/rest"),
        ] {
            assert_eq!(beside(document, base), whole, "{base}");
        }
        assert_eq!(beside("http://localhost:8080", "v1"), "http://localhost:8080/v1");
        assert_eq!(name_of(document), "openapi.json");
        assert_eq!(name_of("https://example.com/"), "document");
    }
}
