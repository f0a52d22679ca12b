//! A single answer as it is, for documents that are read before anything is loaded.

use super::api::Api;
use super::client::message::{Request, Response};
use super::client::{Client, Verdict, retry};
use crate::error::{Error, Result};

/// The body of an answer and the address that it came from, redirects followed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fetched {
    /// The address.
    pub url: String,
    /// The body, decompressed.
    pub body: Vec<u8>,
}

impl Api {
    /// Asks once for a path, or for a whole address of any host, and gives the answer as it is.
    /// Credentials go to the host of the API only; [`Limits::page_bytes`](super::Limits::page_bytes) holds.
    pub async fn fetch(&self, path: &str) -> Result<Fetched> {
        let request = Request::get(self.join(path)?);
        let home = request.url.origin() == self.base()?.origin();
        let nobody = super::auth::Auth::none();
        let auth = if home { &self.shared.auth } else { &nobody };
        self.client()?.send(&request, auth, |client, response| judge(client, &request, response)).await
    }

    /// The same, for programs that are not async.
    ///
    /// ```no_run
    /// let document = floe::rest::Api::new("https://api.example.com").fetch_blocking("/openapi.json")?;
    /// println!("{} bytes from {}", document.body.len(), document.url);
    /// # Ok::<(), floe::Error>(())
    /// ```
    pub fn fetch_blocking(&self, path: &str) -> Result<Fetched> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|e| Error::internal("cannot start tasks").cause(e))?.block_on(self.fetch(path))
    }
}

fn judge(client: &Client, request: &Request, response: Response) -> Verdict<Fetched> {
    if retry::is_passing(&response) {
        return Verdict::Again(client.refused(&request.method, &response));
    }
    if !response.is_success() {
        return Verdict::Fail(client.refused(&request.method, &response));
    }
    Verdict::Take(Fetched { url: response.url.to_string(), body: response.body })
}
