//! Who asks, from the document.

use std::time::Duration;

use super::build::{MapHelp, Wrong, at};
use super::model::{AuthModel, TextOr};
use crate::error::Error;
use crate::rest::auth::{Algorithm, Auth, DevicePrompt, Digest, Encoding, Hmac, Jwt, OAuth2, SigV4};
use crate::secret::Secret;

const KINDS: [&str; 10] = [
    "bearer",
    "api_key",
    "http_basic",
    "oauth2_client_credentials",
    "oauth2_refresh_token",
    "oauth2_password",
    "oauth2_device_code",
    "oauth2_jwt_bearer",
    "hmac",
    "aws_sigv4",
];

pub(super) fn auth(model: &TextOr<AuthModel>, pointer: &str) -> Result<Auth, Wrong> {
    let model = match model {
        TextOr::Full(model) => model,
        TextOr::Text(kind) => {
            return Err(at(pointer, Error::config(format!("the auth `{kind}` needs more than its name")))
                .map_help("write an object with `type` and its secrets, such as `token: ${TOKEN}`"));
        }
    };
    let kind = model.kind.as_deref().unwrap_or("bearer");
    let fields = Fields { kind, pointer };
    Ok(match kind {
        "bearer" => Auth::bearer(fields.need("token", &model.token)?),
        "api_key" => {
            let key = fields.need("api_key", &model.api_key)?;
            let name = model.name.as_deref().unwrap_or("Authorization");
            match model.location.as_deref().unwrap_or("header") {
                "header" => Auth::header(name, key),
                "query" | "param" => Auth::query(name, key),
                "cookie" => Auth::cookie(name, key),
                other => {
                    return Err(fields.wrong("location", other, "header, query or cookie"));
                }
            }
        }
        "http_basic" => {
            let user = fields.need("username", &model.username)?;
            Auth::basic(user, fields.need("password", &model.password)?)
        }
        "hmac" => Auth::hmac(hmac(model, &fields)?),
        "aws_sigv4" => {
            let sigv4 = SigV4::new(
                fields.need("access_key", &model.access_key)?,
                fields.need("secret_key", &model.secret_key)?,
                fields.need("region", &model.region)?,
                fields.need("service", &model.service)?,
            );
            Auth::sigv4(match &model.session_token {
                Some(token) => sigv4.session_token(token),
                None => sigv4,
            })
        }
        kind if kind.starts_with("oauth2") => Auth::oauth2(oauth2(model, &fields)?),
        other => return Err(unknown(other, &KINDS, "auth", pointer)),
    })
}

/// A kind that nobody knows.
pub(super) fn unknown(kind: &str, known: &[&str], what: &str, pointer: &str) -> Wrong {
    let error = Error::config(format!("there is no {what} `{kind}`"));
    let error = match crate::nearest(kind, known) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error.help(format!("there are {}", known.join(", "))),
    };
    at(&format!("{pointer}/type"), error)
}

struct Fields<'f> {
    kind: &'f str,
    pointer: &'f str,
}

impl Fields<'_> {
    fn need<T: Clone>(&self, name: &str, value: &Option<T>) -> Result<T, Wrong> {
        value.clone().ok_or_else(|| {
            at(self.pointer, Error::config(format!("the auth `{}` needs `{name}`", self.kind)))
        })
    }

    fn wrong(&self, name: &str, given: &str, fits: &str) -> Wrong {
        let error = Error::config(format!("`{given}` does not fit here")).help(format!("{fits} would"));
        at(&format!("{}/{name}", self.pointer), error)
    }
}

fn hmac(model: &AuthModel, fields: &Fields<'_>) -> Result<Hmac, Wrong> {
    let text = fields.need("text", &model.text)?;
    let mut hmac = Hmac::new(fields.need("key", &model.key)?, text, fields.need("header", &model.header)?);
    hmac = match model.digest.as_deref().unwrap_or("sha256") {
        "sha256" => hmac.digest(Digest::Sha256),
        "sha512" => hmac.digest(Digest::Sha512),
        "sha1" => hmac.digest(Digest::Sha1),
        other => return Err(fields.wrong("digest", other, "sha256, sha512 or sha1")),
    };
    hmac = match model.encoding.as_deref().unwrap_or("hex") {
        "hex" => hmac.encoding(Encoding::Hex),
        "base64" => hmac.encoding(Encoding::Base64),
        other => return Err(fields.wrong("encoding", other, "hex or base64")),
    };
    Ok(match &model.timestamp_header {
        Some(name) => hmac.timestamp_header(name),
        None => hmac,
    })
}

fn oauth2(model: &AuthModel, fields: &Fields<'_>) -> Result<OAuth2, Wrong> {
    let url = fields.need("access_token_url", &model.access_token_url)?;
    let mut oauth = match fields.kind {
        "oauth2_client_credentials" => OAuth2::client_credentials(
            url,
            fields.need("client_id", &model.client_id)?,
            fields.need("client_secret", &model.client_secret)?,
        ),
        "oauth2_refresh_token" => {
            OAuth2::refresh_token(url, fields.need("refresh_token", &model.refresh_token)?)
        }
        "oauth2_password" => {
            let user = fields.need("username", &model.username)?;
            OAuth2::password(url, user, fields.need("password", &model.password)?)
        }
        "oauth2_device_code" => {
            let device = fields.need("device_url", &model.device_url)?;
            OAuth2::device_code(device, url, fields.need("client_id", &model.client_id)?, show)
        }
        "oauth2_jwt_bearer" => OAuth2::jwt_bearer(url, jwt(model, fields)?),
        other => return Err(unknown(other, &KINDS, "auth", fields.pointer)),
    };
    if let Some(id) = &model.client_id
        && model.client_secret.is_some()
        && fields.kind != "oauth2_jwt_bearer"
    {
        oauth = oauth.client(id, model.client_secret.clone().unwrap_or_else(|| Secret::new("")));
    }
    oauth = match model.client_auth.as_deref().unwrap_or("post") {
        "post" => oauth,
        "basic" => oauth.secret_in_header(),
        other => return Err(fields.wrong("client_auth", other, "post or basic")),
    };
    if let Some(scope) = &model.scope {
        oauth = oauth.scope(scope);
    }
    for (name, value) in model.access_token_request_data.iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        oauth = oauth.parameter(name, value);
    }
    if let Some(seconds) = model.default_token_expiration {
        oauth = oauth.lifetime(Duration::from_secs(seconds));
    }
    Ok(match &model.token_file {
        Some(file) => oauth.store(file),
        None => oauth,
    })
}

fn jwt(model: &AuthModel, fields: &Fields<'_>) -> Result<Jwt, Wrong> {
    let algorithm = match model.algorithm.as_deref().unwrap_or("RS256") {
        "RS256" => Algorithm::Rs256,
        "ES256" => Algorithm::Es256,
        "HS256" => Algorithm::Hs256,
        other => return Err(fields.wrong("algorithm", other, "RS256, ES256 or HS256")),
    };
    let mut jwt = Jwt::new(algorithm, fields.need("private_key", &model.private_key)?);
    if let Some(id) = &model.client_id {
        jwt = jwt.issuer(id.expose());
    }
    if let Some(scope) = &model.scope {
        jwt = jwt.claim("scope", scope.as_str());
    }
    for (name, value) in model.claims.iter().flatten() {
        jwt = jwt.claim(name, value.clone());
    }
    Ok(jwt)
}

/// Asks the user on the terminal.
#[expect(clippy::print_stderr, reason = "a document has no other way to reach its user")]
fn show(prompt: &DevicePrompt) {
    eprintln!("open {} and type the code {}", prompt.url, prompt.code);
}
