//! REST APIs as sources.
//!
//! [`Api`] says what all requests have in common, [`Endpoint`] is one kind of request, and a resource
//! made of it loads like any other. Hand-written resources, generated connectors and the declarative
//! document all go this way.
//!
//! ```
//! use floe::rest::{Api, Auth, Paginator, TimeFormat};
//!
//! let github = Api::new("https://api.github.com")
//!     .auth(Auth::bearer("ghp_..."))
//!     .paginate(Paginator::header_link());
//! let issues = github
//!     .get("/repos/{owner}/{repo}/issues")
//!     .path("owner", "rust-lang")
//!     .path("repo", "rust")
//!     .query("per_page", 100)
//!     .since("updated_at", "since", TimeFormat::AsIs)
//!     .initial_value("2024-01-01T00:00:00Z")
//!     .resource("issues")
//!     .primary_key(["id"]);
//! ```

mod action;
mod api;
mod auth;
mod body;
mod chain;
mod check;
mod client;
mod document;
mod endpoint;
mod fan;
mod fetch;
mod paginate;
mod params;
mod plan;
mod select;
mod since;
mod steps;
mod template;

pub use action::Action;
pub use api::Api;
pub use auth::{Algorithm, Auth, DevicePrompt, Digest, Encoding, Hmac, Jwt, OAuth2, SigV4, Signed};
pub use check::Checked;
pub use client::Exchange;
pub use client::limit::Limits;
pub use client::retry::Retry;
pub use document::{Options, Source};
pub use endpoint::Endpoint;
pub use fetch::Fetched;
pub use paginate::{PageView, Paginator, Turn};
pub use params::Style;
pub use reqwest::Method;
pub use since::TimeFormat;
pub use steps::Step;
