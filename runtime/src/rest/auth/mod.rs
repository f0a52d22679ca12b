//! What proves who asks.

mod hmac;
mod jwt;
mod oauth;
mod sigv4;
mod token;

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::header::{AUTHORIZATION, COOKIE};

use super::client::Client;
use super::client::message;
use crate::error::Result;
use crate::secret::Secret;
pub use hmac::{Digest, Encoding, Hmac};
pub use jwt::{Algorithm, Jwt};
pub use oauth::{DevicePrompt, OAuth2};
pub use sigv4::SigV4;
use token::Tokens;

/// What proves who asks: it is added to each request to the API, and to no other host.
///
/// ```
/// use floe::rest::{Auth, OAuth2};
/// let github = Auth::bearer("ghp_...");
/// let shop = Auth::header("X-Api-Key", "k-1");
/// let mail = Auth::oauth2(
///     OAuth2::client_credentials("https://id.example.com/token", "floe", "s3cret").scope("read"),
/// );
/// assert!(!format!("{github:?} {shop:?} {mail:?}").contains("s3cret"));
/// ```
#[derive(Clone, Default)]
pub struct Auth(Kind);

#[derive(Clone, Default)]
enum Kind {
    #[default]
    None,
    Header(String, Secret),
    Query(String, Secret),
    Cookie(String, Secret),
    Token(Arc<Tokens>),
    Hmac(Arc<Hmac>),
    SigV4(Arc<SigV4>),
    Custom(Arc<Custom>),
}

type Custom = dyn Fn(&mut Signed<'_>) -> Result<()> + Send + Sync;

/// What a request was sent with, to be told from what came later.
pub(crate) struct Proof(Secret);

/// A request that is about to be sent, for proofs of one's own.
///
/// ```
/// use floe::rest::Auth;
/// let auth = Auth::custom(|request| {
///     let mark = format!("{}:{}", request.method(), request.body().len());
///     request.set_header("X-Mark", &mark)
/// });
/// ```
pub struct Signed<'r>(pub(super) &'r mut reqwest::Request);

impl Signed<'_> {
    /// The method.
    pub fn method(&self) -> &str {
        self.0.method().as_str()
    }

    /// The whole URL.
    pub fn url(&self) -> &str {
        self.0.url().as_str()
    }

    /// The body; empty if there is none.
    pub fn body(&self) -> &[u8] {
        self.0.body().and_then(|body| body.as_bytes()).unwrap_or_default()
    }

    /// Sets a header.
    pub fn set_header(&mut self, name: &str, value: &str) -> Result<()> {
        let (name, mut value) = message::header(name, value)?;
        value.set_sensitive(true);
        self.0.headers_mut().insert(name, value);
        Ok(())
    }

    /// Adds a parameter to the query.
    pub fn add_query(&mut self, name: &str, value: &str) {
        self.0.url_mut().query_pairs_mut().append_pair(name, value);
    }
}

impl Auth {
    /// Nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// `Authorization: Bearer` with a token.
    pub fn bearer(token: impl Into<Secret>) -> Self {
        let token = token.into();
        Self::header("Authorization", format!("Bearer {}", token.expose()))
    }

    /// A user and a password.
    pub fn basic(user: impl AsRef<str>, password: impl Into<Secret>) -> Self {
        let pair = format!("{}:{}", user.as_ref(), password.into().expose());
        Self::header("Authorization", format!("Basic {}", BASE64.encode(pair)))
    }

    /// A key in a header.
    pub fn header(name: impl Into<String>, key: impl Into<Secret>) -> Self {
        Self(Kind::Header(name.into(), key.into()))
    }

    /// A key in a parameter of the query.
    pub fn query(name: impl Into<String>, key: impl Into<Secret>) -> Self {
        Self(Kind::Query(name.into(), key.into()))
    }

    /// A key in a cookie.
    pub fn cookie(name: impl Into<String>, key: impl Into<Secret>) -> Self {
        Self(Kind::Cookie(name.into(), key.into()))
    }

    /// Tokens that a server gives: they are renewed before they end, and once if they are refused.
    pub fn oauth2(oauth: OAuth2) -> Self {
        Self(Kind::Token(Arc::new(Tokens::new(oauth))))
    }

    /// A signature with a shared key.
    pub fn hmac(hmac: Hmac) -> Self {
        Self(Kind::Hmac(Arc::new(hmac)))
    }

    /// A signature as the services of AWS want it.
    pub fn sigv4(sigv4: SigV4) -> Self {
        Self(Kind::SigV4(Arc::new(sigv4)))
    }

    /// Anything else. What it adds is not known as a secret: use headers and parameters whose names
    /// tell, such as `X-Signature`.
    pub fn custom(prove: impl Fn(&mut Signed<'_>) -> Result<()> + Send + Sync + 'static) -> Self {
        Self(Kind::Custom(Arc::new(prove)))
    }

    /// Calls `learn` with everything that is secret.
    pub(crate) fn secrets(&self, learn: &mut dyn FnMut(&Secret)) {
        match &self.0 {
            Kind::None | Kind::Custom(_) => {}
            Kind::Header(_, key) => {
                learn(key);
                // the token without the word before it
                if let Some((_, token)) = key.expose().split_once(' ') {
                    learn(&Secret::new(token));
                }
                if let Some(password) = basic_password(key) {
                    learn(&password);
                }
            }
            Kind::Query(_, key) | Kind::Cookie(_, key) => learn(key),
            Kind::Token(tokens) => tokens.oauth.secrets(learn),
            Kind::Hmac(hmac) => learn(&hmac.key),
            Kind::SigV4(sigv4) => sigv4.secrets(learn),
        }
    }

    /// Adds the proof to a request.
    pub(crate) async fn prove(
        &self,
        request: &mut reqwest::Request,
        client: &Client,
    ) -> Result<Option<Proof>> {
        let mut signed = Signed(request);
        match &self.0 {
            Kind::None => {}
            Kind::Header(name, key) => signed.set_header(name, key.expose())?,
            Kind::Query(name, key) => signed.add_query(name, key.expose()),
            Kind::Cookie(name, key) => {
                let others = signed.0.headers().get(COOKIE).and_then(|value| value.to_str().ok());
                let others = others.map(|others| format!("{others}; ")).unwrap_or_default();
                let cookie = format!("{others}{name}={}", key.expose());
                signed.set_header(COOKIE.as_str(), &cookie)?;
            }
            Kind::Token(tokens) => {
                let token = tokens.get(client).await?;
                client.redactor.learn(&token);
                signed.set_header(AUTHORIZATION.as_str(), &format!("Bearer {}", token.expose()))?;
                return Ok(Some(Proof(token)));
            }
            Kind::Hmac(hmac) => hmac.sign(&mut signed, std::time::SystemTime::now())?,
            Kind::SigV4(sigv4) => sigv4.sign(&mut signed, std::time::SystemTime::now())?,
            Kind::Custom(prove) => prove(&mut signed)?,
        }
        Ok(None)
    }

    /// Whether another attempt with another proof makes sense after the first was refused.
    pub(crate) async fn renews(&self, refused: &Option<Proof>) -> bool {
        match (&self.0, refused) {
            (Kind::Token(tokens), Some(Proof(token))) => {
                tokens.forget(token).await;
                true
            }
            _ => false,
        }
    }
}

fn basic_password(key: &Secret) -> Option<Secret> {
    let pair = BASE64.decode(key.expose().strip_prefix("Basic ")?).ok()?;
    let pair = String::from_utf8(pair).ok()?;
    Some(Secret::new(pair.split_once(':')?.1))
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::None => f.write_str("Auth::none()"),
            Kind::Header(name, _) => write!(f, "Auth::header({name:?}, ***)"),
            Kind::Query(name, _) => write!(f, "Auth::query({name:?}, ***)"),
            Kind::Cookie(name, _) => write!(f, "Auth::cookie({name:?}, ***)"),
            Kind::Token(tokens) => write!(f, "Auth::oauth2({:?})", tokens.oauth),
            Kind::Hmac(_) => f.write_str("Auth::hmac(***)"),
            Kind::SigV4(_) => f.write_str("Auth::sigv4(***)"),
            Kind::Custom(_) => f.write_str("Auth::custom(..)"),
        }
    }
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
