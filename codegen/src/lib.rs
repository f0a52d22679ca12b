//! The generator: reads OpenAPI documents (3.0, 3.1, Swagger 2.0) and JSON Schema, finds out what can be
//! loaded and how, and prints a connector.
//!
//! Documents come from strangers. Nothing in them is taken for granted: what is wrong becomes a
//! [`Finding`] and costs the item that it is about, never the document.
//!
//! ```
//! use floe_codegen::{Document, Limits, inspect};
//!
//! let text = r#"{
//!     "openapi": "3.0.0",
//!     "paths": {"/pets": {"get": {"responses": {"200": {"description": "Pets", "content": {"application/json": {
//!         "schema": {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "integer"}}}}
//!     }}}}}}}
//! }"#;
//! let document = Document::from_bytes("pets.json", text.as_bytes(), &Limits::default())?;
//! let api = inspect(&document)?;
//! assert_eq!(api.resources[0].name, "pets");
//! assert_eq!(api.resources[0].primary_key, ["id"]);
//! # Ok::<(), floe_codegen::Error>(())
//! ```

mod api;
mod builder;
mod dataset;
mod detect;
mod emit;
mod error;
mod finding;
mod operation;
mod overlay;
mod path;
mod read;
mod sample;
mod shape;
mod types;
mod words;

pub use api::{Api, Auth, AuthKind, Column, Incremental, Paginator, Parent, Required, Resource, Skipped};
pub use builder::Generator;
pub use dataset::dataset;
pub use emit::{File, Files, HEADER, Options, connector};
pub use error::{Error, Result};
pub use finding::{Confidence, Finding};
pub use overlay::Overlay;
pub use read::{Document, Limits};
pub use sample::sample;
pub use shape::{Extent, Field, Record, Scalar, Shape};
pub use types::tables;

/// Understands a document: what can be loaded from the API and how.
pub fn inspect(document: &Document) -> Result<Api> {
    let value = document.value();
    let is = |key: &str| value.get(key).is_some();
    if is("paths") || is("openapi") || is("swagger") {
        return Ok(detect::detect(document));
    }
    if is("$schema") || is("properties") || is("definitions") || is("$defs") || is("items") {
        return Ok(detect::schemas(document));
    }
    Err(Error::new("the document is neither OpenAPI nor JSON Schema")
        .help("an OpenAPI document has `openapi` or `swagger` and `paths`, a JSON Schema has `properties` or `definitions`"))
}

/// The declarative document of an API, for those who want nothing compiled.
pub fn declarative(api: &Api) -> String {
    emit::yaml::text(api)
}
