//! Signatures with a shared key.

use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::{digest, hmac};

use super::{Signed, hex};
use crate::error::Result;
use crate::secret::Secret;

/// A signature over parts of the request, made with a shared key.
///
/// ```
/// use floe::rest::{Auth, Digest, Hmac};
/// let auth = Auth::hmac(
///     Hmac::new("s3cret", "{method}{path}{timestamp}{body}", "X-Signature")
///         .digest(Digest::Sha512)
///         .timestamp_header("X-Timestamp"),
/// );
/// ```
#[derive(Debug, Clone)]
pub struct Hmac {
    pub(super) key: Secret,
    text: String,
    header: String,
    value: String,
    digest: Digest,
    encoding: Encoding,
    timestamp_header: Option<String>,
    milliseconds: bool,
}

/// Which hash a signature is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digest {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
    /// SHA-1, for old services.
    Sha1,
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Hexadecimal digits.
    Hex,
    /// Base 64.
    Base64,
}

impl Hmac {
    /// Signs a text and sends the signature in a header. In the text `{method}`, `{path}`, `{query}`,
    /// `{url}`, `{timestamp}`, `{body}` and `{body_sha256}` stand for parts of the request.
    pub fn new(key: impl Into<Secret>, text: impl Into<String>, header: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            text: text.into(),
            header: header.into(),
            value: "{signature}".to_owned(),
            digest: Digest::Sha256,
            encoding: Encoding::Hex,
            timestamp_header: None,
            milliseconds: false,
        }
    }

    /// The hash; SHA-256 by default.
    pub fn digest(mut self, digest: Digest) -> Self {
        self.digest = digest;
        self
    }

    /// How the signature is written; hexadecimal by default.
    pub fn encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// The value of the header, with `{signature}` and `{timestamp}` in it.
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.value = value.into();
        self
    }

    /// The header that tells the time of the signature.
    pub fn timestamp_header(mut self, name: impl Into<String>) -> Self {
        self.timestamp_header = Some(name.into());
        self
    }

    /// Times are in milliseconds and not in seconds.
    pub fn milliseconds(mut self) -> Self {
        self.milliseconds = true;
        self
    }

    pub(super) fn sign(&self, request: &mut Signed<'_>, now: SystemTime) -> Result<()> {
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let timestamp = if self.milliseconds { since.as_millis() } else { since.as_secs().into() };
        let timestamp = timestamp.to_string();
        let url = request.0.url();
        let body = request.body();
        // the body comes last, because it may have anything in it
        let text = self
            .text
            .replace("{method}", request.method())
            .replace("{path}", url.path())
            .replace("{query}", url.query().unwrap_or_default())
            .replace("{url}", url.as_str())
            .replace("{timestamp}", &timestamp)
            .replace("{body_sha256}", &hex(digest::digest(&digest::SHA256, body).as_ref()));
        let mut message = Vec::new();
        for (n, part) in text.split("{body}").enumerate() {
            message.extend_from_slice(if n == 0 { &[] } else { body });
            message.extend_from_slice(part.as_bytes());
        }
        let algorithm = match self.digest {
            Digest::Sha256 => hmac::HMAC_SHA256,
            Digest::Sha512 => hmac::HMAC_SHA512,
            Digest::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        };
        let signature = hmac::sign(&hmac::Key::new(algorithm, self.key.expose().as_bytes()), &message);
        let signature = match self.encoding {
            Encoding::Hex => hex(signature.as_ref()),
            Encoding::Base64 => BASE64.encode(signature),
        };
        let value = self.value.replace("{signature}", &signature).replace("{timestamp}", &timestamp);
        request.set_header(&self.header, &value)?;
        match &self.timestamp_header {
            Some(name) => request.set_header(name, &timestamp),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn parts_of_the_request_are_signed() {
        let url = reqwest::Url::parse("https://a/b/c?d=1").unwrap();
        let mut request = reqwest::Request::new(reqwest::Method::POST, url);
        *request.body_mut() = Some("{\"x\": \"{path}\"}".into());
        let hmac = Hmac::new("key", "{method}\n{path}\n{query}\n{timestamp}\n{body}", "X-Sign")
            .value("t={timestamp},v1={signature}")
            .timestamp_header("X-Time");
        hmac.sign(&mut Signed(&mut request), SystemTime::UNIX_EPOCH + Duration::from_secs(7)).unwrap();
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"key");
        let wanted = ring::hmac::sign(&key, b"POST\n/b/c\nd=1\n7\n{\"x\": \"{path}\"}");
        assert_eq!(request.headers()["x-sign"], format!("t=7,v1={}", hex(wanted.as_ref())));
        assert_eq!(request.headers()["x-time"], "7");
    }
}
