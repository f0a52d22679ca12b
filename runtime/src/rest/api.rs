//! An API: what its endpoints have in common.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use reqwest::{Method, Url};
use serde_json::Value as Json;

use super::auth::Auth;
use super::client::limit::Limits;
use super::client::retry::Retry;
use super::client::{Client, Exchange, Settings};
use super::endpoint::Endpoint;
use super::paginate::Paginator;
use super::params::{In, Param, Style};
use crate::error::{Error, Result};

/// An API: its address, who asks, and what all requests have in common. Clones share connections,
/// limits and tokens.
///
/// ```
/// use floe::rest::{Api, Auth, Paginator, TimeFormat};
///
/// let github = Api::new("https://api.github.com").auth(Auth::bearer("ghp_...")).paginate(Paginator::header_link());
/// let repos = github.get("/orgs/{org}/repos").path("org", "rust-lang").resource("repos");
/// let issues = github
///     .get("/repos/{owner}/{repo}/issues")
///     .query("per_page", 100)
///     .parent("repos", [("owner", "owner.login"), ("repo", "name")])
///     .since("updated_at", "since", TimeFormat::AsIs)
///     .resource("issues");
/// ```
#[derive(Clone)]
pub struct Api {
    pub(crate) shared: Arc<Shared>,
    client: Arc<OnceLock<Result<Arc<Client>>>>,
}

/// What an API states.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) base: String,
    pub(crate) auth: Auth,
    pub(crate) params: Vec<Param>,
    pub(crate) paginator: Paginator,
    pub(crate) hosts: Vec<String>,
    settings: Settings,
}

impl Api {
    /// An API with the address that all paths begin with.
    pub fn new(base_url: impl Into<String>) -> Self {
        let shared = Shared {
            base: base_url.into(),
            auth: Auth::none(),
            params: Vec::new(),
            paginator: Paginator::auto(),
            hosts: Vec::new(),
            settings: Settings::default(),
        };
        Self { shared: Arc::new(shared), client: Arc::default() }
    }

    fn with(mut self, change: impl FnOnce(&mut Shared)) -> Self {
        change(Arc::make_mut(&mut self.shared));
        self.client = Arc::default();
        self
    }

    fn settings(self, change: impl FnOnce(&mut Settings)) -> Self {
        self.with(|shared| change(&mut shared.settings))
    }

    /// Who asks.
    pub fn auth(self, auth: Auth) -> Self {
        self.with(|shared| shared.auth = auth)
    }

    /// A header of all requests.
    pub fn header(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let param = Param::new(name.into(), Json::from(value.into()), In::Header);
        self.with(|shared| shared.params.push(param))
    }

    /// A parameter of the query of all requests.
    pub fn query(self, name: impl Into<String>, value: impl Into<Json>) -> Self {
        let param = Param::new(name.into(), value.into(), In::Query);
        self.with(|shared| shared.params.push(param))
    }

    /// How endpoints are asked for further pages, unless they say otherwise. Found from the first
    /// answer by default.
    pub fn paginate(self, paginator: Paginator) -> Self {
        self.with(|shared| shared.paginator = paginator)
    }

    /// Limits of requests, sizes and times.
    pub fn limits(self, limits: Limits) -> Self {
        self.settings(|settings| settings.limits = limits)
    }

    /// When failed requests are sent again.
    pub fn retry(self, retry: Retry) -> Self {
        self.settings(|settings| settings.retry = retry)
    }

    /// Another host that belongs to the API: links to it are followed, with the same credentials.
    pub fn allow_host(self, host: impl Into<String>) -> Self {
        self.with(|shared| shared.hosts.push(host.into()))
    }

    /// The proxy that all requests go through. Without one, the environment says.
    pub fn proxy(self, url: impl Into<String>) -> Self {
        self.settings(|settings| settings.proxy = Some(url.into()))
    }

    /// A PEM file with certificates of authorities that are trusted, too.
    pub fn trust(self, file: impl Into<PathBuf>) -> Self {
        self.settings(|settings| settings.authorities.push(file.into()))
    }

    /// How the program calls itself.
    pub fn user_agent(self, name: impl Into<String>) -> Self {
        self.settings(|settings| settings.user_agent = Some(name.into()))
    }

    /// Keeps all exchanges in a folder, without secrets.
    pub fn record(self, folder: impl Into<PathBuf>) -> Self {
        self.settings(|settings| settings.record = Some(folder.into()))
    }

    /// Takes all answers from a folder that has recorded exchanges, and asks nobody.
    pub fn replay(self, folder: impl Into<PathBuf>) -> Self {
        self.settings(|settings| settings.replay = Some(folder.into()))
    }

    /// Makes errors of warnings.
    pub fn strict(self, strict: bool) -> Self {
        self.settings(|settings| settings.strict = strict)
    }

    /// Calls a function with each request that was sent, without secrets.
    pub fn on_request(self, see: impl Fn(&Exchange) + Send + Sync + 'static) -> Self {
        let observer = super::client::observer(see);
        self.settings(|settings| settings.observers.push(observer))
    }

    /// An endpoint that is asked with GET.
    pub fn get(&self, path: impl Into<String>) -> Endpoint {
        self.request(Method::GET, path)
    }

    /// An endpoint that is asked with POST.
    pub fn post(&self, path: impl Into<String>) -> Endpoint {
        self.request(Method::POST, path)
    }

    /// An endpoint that is asked with another method.
    pub fn request(&self, method: Method, path: impl Into<String>) -> Endpoint {
        Endpoint::new(self.clone(), method, path.into())
    }

    /// What deserves attention so far.
    pub fn warnings(&self) -> Vec<String> {
        match self.client.get() {
            Some(Ok(client)) => client.warnings(),
            _ => Vec::new(),
        }
    }

    /// The client that all clones share.
    pub(crate) fn client(&self) -> Result<Arc<Client>> {
        self.client.get_or_init(|| Client::new(self.shared.settings.clone()).map(Arc::new)).clone()
    }

    /// The address that paths are joined to.
    pub(crate) fn base(&self) -> Result<Url> {
        let base = &self.shared.base;
        let wrong = |what: &str| {
            Error::config(format!("the base URL `{base}` {what}"))
                .help("write it as https://api.example.com/v1")
        };
        let url = Url::parse(base).map_err(|e| wrong(&format!("is no URL: {e}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("is neither http nor https"));
        }
        Ok(url)
    }

    /// The whole address of a path. Paths that are whole addresses stay as they are.
    pub(crate) fn join(&self, path: &str) -> Result<Url> {
        let base = self.base()?;
        let whole = path.starts_with("http://") || path.starts_with("https://");
        let text = match path.trim_start_matches('/') {
            _ if whole => path.to_owned(),
            "" => self.shared.base.clone(),
            path => {
                let mut directory = base;
                directory.set_query(None);
                directory.set_fragment(None);
                format!("{}/{path}", directory.as_str().trim_end_matches('/'))
            }
        };
        Url::parse(&text).map_err(|e| Error::config(format!("`{path}` makes no URL")).cause(e))
    }
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let base = self.shared.base.split('?').next().unwrap_or_default();
        // a password may stand before the host
        let base = base.rsplit_once('@').map_or(base, |(_, host)| host);
        write!(f, "Api({base:?}, {:?})", self.shared.auth)
    }
}

impl Param {
    pub(crate) fn new(name: String, value: Json, place: In) -> Self {
        let style = if place == In::Query { Style::Form } else { Style::Simple };
        Self { name, value, place, style, explode: place == In::Query }
    }
}
