//! OAuth 2: how tokens are asked for.

use std::fmt;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::{Method, Url};
use serde_json::Value as Json;

use super::jwt::Jwt;
use super::token::Token;
use crate::error::{Error, Result};
use crate::rest::client::message::{Body, Request, Response};
use crate::rest::client::{Client, Verdict, failed, retry};
use crate::secret::Secret;

/// How tokens are asked for.
#[derive(Clone)]
pub struct OAuth2 {
    url: String,
    client_id: Option<Secret>,
    client_secret: Option<Secret>,
    grant: Grant,
    secret_in_header: bool,
    parameters: Vec<(String, String)>,
    lifetime: Duration,
    store: Option<PathBuf>,
}

#[derive(Clone)]
enum Grant {
    ClientCredentials,
    RefreshToken(Secret),
    Password(String, Secret),
    DeviceCode(String, Arc<dyn Fn(&DevicePrompt) + Send + Sync>),
    JwtBearer(Arc<Jwt>),
}

/// What the user has to do before a device gets its token.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DevicePrompt {
    /// The page to open.
    pub url: String,
    /// The code to type there.
    pub code: String,
    /// The page with the code in it, if the server has one.
    pub complete_url: Option<String>,
}

impl OAuth2 {
    fn new(url: impl Into<String>, grant: Grant) -> Self {
        Self {
            url: url.into(),
            client_id: None,
            client_secret: None,
            grant,
            secret_in_header: false,
            parameters: Vec::new(),
            lifetime: Duration::from_secs(3600),
            store: None,
        }
    }

    /// A program that acts for itself.
    pub fn client_credentials(
        token_url: impl Into<String>,
        client_id: impl Into<Secret>,
        client_secret: impl Into<Secret>,
    ) -> Self {
        Self::new(token_url, Grant::ClientCredentials).client(client_id, client_secret)
    }

    /// A program that acts for a user who agreed once. Servers that give a new refresh token with
    /// each access token need a file to [`store`](Self::store) it.
    pub fn refresh_token(token_url: impl Into<String>, refresh_token: impl Into<Secret>) -> Self {
        Self::new(token_url, Grant::RefreshToken(refresh_token.into()))
    }

    /// A user and a password.
    pub fn password(
        token_url: impl Into<String>,
        user: impl Into<String>,
        password: impl Into<Secret>,
    ) -> Self {
        Self::new(token_url, Grant::Password(user.into(), password.into()))
    }

    /// A user who agrees on another device: `prompt` shows where and with which code. With a file to
    /// [`store`](Self::store) the refresh token the user is asked once only.
    pub fn device_code(
        device_url: impl Into<String>,
        token_url: impl Into<String>,
        client_id: impl Into<Secret>,
        prompt: impl Fn(&DevicePrompt) + Send + Sync + 'static,
    ) -> Self {
        let mut oauth = Self::new(token_url, Grant::DeviceCode(device_url.into(), Arc::new(prompt)));
        oauth.client_id = Some(client_id.into());
        oauth
    }

    /// A statement signed with a private key.
    pub fn jwt_bearer(token_url: impl Into<String>, jwt: Jwt) -> Self {
        Self::new(token_url, Grant::JwtBearer(Arc::new(jwt)))
    }

    /// The name and secret of the program.
    pub fn client(mut self, id: impl Into<Secret>, secret: impl Into<Secret>) -> Self {
        self.client_id = Some(id.into());
        self.client_secret = Some(secret.into());
        self
    }

    /// Sends the secret of the program in the header `Authorization`, and not in the body.
    pub fn secret_in_header(mut self) -> Self {
        self.secret_in_header = true;
        self
    }

    /// What the token is for.
    pub fn scope(self, scope: impl Into<String>) -> Self {
        self.parameter("scope", scope)
    }

    /// Another parameter of the request for a token.
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push((name.into(), value.into()));
        self
    }

    /// How long tokens are valid if the server does not say it; an hour by default.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// The file in which the latest refresh token is kept, readable by its owner only.
    pub fn store(mut self, file: impl Into<PathBuf>) -> Self {
        self.store = Some(file.into());
        self
    }

    pub(super) fn secrets(&self, learn: &mut dyn FnMut(&Secret)) {
        self.client_secret.iter().for_each(&mut *learn);
        match &self.grant {
            Grant::RefreshToken(token) | Grant::Password(_, token) => learn(token),
            Grant::JwtBearer(jwt) => jwt.secrets(learn),
            Grant::ClientCredentials | Grant::DeviceCode(..) => {}
        }
    }

    /// Asks for a token; with a refresh token if the server gave one.
    pub(super) async fn fetch(&self, client: &Client, refresh: Option<&Secret>) -> Result<Token> {
        let stored = match refresh {
            Some(_) => None,
            None => self.stored()?,
        };
        if let Some(stored) = &stored {
            client.redactor.learn(stored);
        }
        let token = match refresh.or(stored.as_ref()) {
            // one that was refused is given up for the way in which the first was got
            Some(refresh) => match self.request(client, &refreshing(refresh)).await {
                Ok(token) => token,
                Err(_) if !matches!(self.grant, Grant::RefreshToken(_)) => self.first(client).await?,
                Err(error) => return Err(error),
            },
            None => self.first(client).await?,
        };
        if let (Some(file), Some(refresh)) = (&self.store, &token.refresh) {
            keep(file, refresh)?;
        }
        Ok(token)
    }

    async fn first(&self, client: &Client) -> Result<Token> {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let form = match &self.grant {
            Grant::ClientCredentials => vec![pair("grant_type", "client_credentials")],
            Grant::RefreshToken(token) => refreshing(token),
            Grant::Password(user, password) => vec![
                pair("grant_type", "password"),
                pair("username", user),
                pair("password", password.expose()),
            ],
            Grant::JwtBearer(jwt) => {
                let assertion = Secret::new(jwt.sign(&self.url, SystemTime::now())?);
                client.redactor.learn(&assertion);
                vec![
                    pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                    pair("assertion", assertion.expose()),
                ]
            }
            Grant::DeviceCode(url, prompt) => return self.device(client, url, prompt.as_ref()).await,
        };
        self.request(client, &form).await
    }

    async fn request(&self, client: &Client, form: &[(String, String)]) -> Result<Token> {
        let response = self.post(client, &self.url, form).await?;
        if !response.is_success() {
            return Err(self.refused(client, &response));
        }
        self.token(&response)
    }

    fn refused(&self, client: &Client, response: &Response) -> Error {
        client
            .refused(&Method::POST, response)
            .help("no token was given: check the address, the name and the secret of the `auth`")
    }

    fn token(&self, response: &Response) -> Result<Token> {
        let wrong = |what: &str| {
            failed(format!("{} gave no token: {what}", self.url))
                .help("an answer with `access_token` and `expires_in` in JSON is expected")
        };
        let answer: Json = serde_json::from_slice(&response.body).map_err(|_| wrong("that is no JSON"))?;
        let text = |key: &str| answer.get(key).and_then(Json::as_str).map(Secret::new);
        let seconds = match answer.get("expires_in") {
            Some(Json::Number(number)) => number.as_f64(),
            Some(Json::String(text)) => text.parse().ok(),
            _ => None,
        };
        let lifetime = seconds.and_then(|seconds: f64| Duration::try_from_secs_f64(seconds).ok());
        Ok(Token {
            access: text("access_token").ok_or_else(|| wrong("there is no access_token"))?,
            refresh: text("refresh_token"),
            lifetime: lifetime.unwrap_or(self.lifetime),
            since: SystemTime::now(),
        })
    }

    async fn post(&self, client: &Client, url: &str, form: &[(String, String)]) -> Result<Response> {
        let url = Url::parse(url)
            .map_err(|e| Error::config(format!("the address for tokens, `{url}`, is no URL: {e}")))?;
        let mut request = Request { method: Method::POST, ..Request::get(url) };
        let mut form = form.to_vec();
        form.extend(self.parameters.iter().cloned());
        match (&self.client_id, &self.client_secret) {
            (Some(id), Some(secret)) if self.secret_in_header => {
                let pair = Secret::new(format!("{}:{}", encoded(id), encoded(secret)));
                let pair = Secret::new(BASE64.encode(pair.expose()));
                client.redactor.learn(&pair);
                request.set_header("authorization", &format!("Basic {}", pair.expose()))?;
            }
            (id, secret) => {
                form.extend(id.iter().map(|id| ("client_id".to_owned(), id.expose().to_owned())));
                form.extend(secret.iter().map(|s| ("client_secret".to_owned(), s.expose().to_owned())));
            }
        }
        request.body = Body::Form(form);
        client
            .token_request(&request, |response| {
                if response.status != 400 && retry::is_passing(&response) {
                    return Verdict::Again(self.refused(client, &response));
                }
                Verdict::Take(response)
            })
            .await
    }

    /// Waits until a user has agreed.
    async fn device(
        &self,
        client: &Client,
        url: &str,
        prompt: &(dyn Fn(&DevicePrompt) + Send + Sync),
    ) -> Result<Token> {
        let response = self.post(client, url, &[]).await?;
        if !response.is_success() {
            return Err(self.refused(client, &response));
        }
        let answer: Json = serde_json::from_slice(&response.body)
            .map_err(|_| failed(format!("{url} gave no device code: that is no JSON")))?;
        let text = |key: &str| answer.get(key).and_then(Json::as_str).map(str::to_owned);
        let missing = || failed(format!("{url} gave no device code"));
        let code = Secret::new(text("device_code").ok_or_else(missing)?);
        client.redactor.learn(&code);
        prompt(&DevicePrompt {
            url: text("verification_uri").or_else(|| text("verification_url")).ok_or_else(missing)?,
            code: text("user_code").ok_or_else(missing)?,
            complete_url: text("verification_uri_complete"),
        });
        let seconds = |key: &str, default: f64| answer.get(key).and_then(Json::as_f64).unwrap_or(default);
        let mut interval = seconds("interval", 5.0).clamp(0.0, 3600.0);
        let end =
            SystemTime::now() + Duration::from_secs_f64(seconds("expires_in", 600.0).clamp(0.0, 86400.0));
        let form = [
            ("grant_type".to_owned(), "urn:ietf:params:oauth:grant-type:device_code".to_owned()),
            ("device_code".to_owned(), code.expose().to_owned()),
        ];
        while SystemTime::now() < end {
            tokio::time::sleep(Duration::from_secs_f64(interval)).await;
            let response = self.post(client, &self.url, &form).await?;
            if response.is_success() {
                return self.token(&response);
            }
            let answer: Json = serde_json::from_slice(&response.body).unwrap_or_default();
            match answer.get("error").and_then(Json::as_str) {
                Some("authorization_pending") => {}
                Some("slow_down") => interval += 5.0,
                _ => return Err(self.refused(client, &response)),
            }
        }
        Err(failed("nobody agreed in time to give this program a token").help("run again and open the page"))
    }

    /// The refresh token of an earlier run.
    fn stored(&self) -> Result<Option<Secret>> {
        let Some(file) = &self.store else { return Ok(None) };
        match fs::read_to_string(file) {
            Ok(text) if !text.trim().is_empty() => Ok(Some(Secret::new(text.trim()))),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("read the refresh token in", file, error)),
        }
    }
}

fn refreshing(token: &Secret) -> Vec<(String, String)> {
    vec![
        ("grant_type".to_owned(), "refresh_token".to_owned()),
        ("refresh_token".to_owned(), token.expose().to_owned()),
    ]
}

/// Names and secrets of programs are encoded before they are joined, says RFC 6749.
fn encoded(secret: &Secret) -> String {
    let pair = crate::rest::client::message::form(&[(String::new(), secret.expose().to_owned())]);
    pair.trim_start_matches('=').to_owned()
}

/// Writes a refresh token so that no crash leaves half of it.
fn keep(file: &Path, token: &Secret) -> Result<()> {
    let failed = |error| Error::io("keep the refresh token in", file, error);
    let new = file.with_extension("new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.open(&new).map_err(failed)?;
    out.write_all(token.expose().as_bytes()).and_then(|()| out.sync_all()).map_err(failed)?;
    fs::rename(&new, file).map_err(failed)
}

impl fmt::Debug for OAuth2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let grant = match self.grant {
            Grant::ClientCredentials => "client_credentials",
            Grant::RefreshToken(_) => "refresh_token",
            Grant::Password(..) => "password",
            Grant::DeviceCode(..) => "device_code",
            Grant::JwtBearer(_) => "jwt_bearer",
        };
        write!(f, "OAuth2::{grant}({})", self.url.split('?').next().unwrap_or_default())
    }
}
