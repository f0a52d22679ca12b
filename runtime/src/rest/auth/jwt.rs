//! Signed statements: JSON Web Tokens.

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::rand::SystemRandom;
use ring::{hmac, signature};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Map, Value as Json, json};

use crate::error::{Error, Result};
use crate::secret::Secret;

/// How a statement is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA with SHA-256.
    Rs256,
    /// The elliptic curve P-256 with SHA-256.
    Es256,
    /// A shared key with SHA-256.
    Hs256,
}

/// A statement that is signed with a key.
///
/// ```
/// use floe::rest::{Algorithm, Jwt};
/// let jwt = Jwt::new(Algorithm::Hs256, "key").issuer("floe").claim("scope", "read");
/// ```
#[derive(Debug, Clone)]
pub struct Jwt {
    algorithm: Algorithm,
    key: Secret,
    key_id: Option<String>,
    claims: Map<String, Json>,
    lifetime: Duration,
}

impl Jwt {
    /// A statement signed with a key: PEM for RSA and elliptic curves, the key itself for a shared one.
    pub fn new(algorithm: Algorithm, key: impl Into<Secret>) -> Self {
        Self {
            algorithm,
            key: key.into(),
            key_id: None,
            claims: Map::new(),
            lifetime: Duration::from_secs(3600),
        }
    }

    /// Who states it, and about whom: the claims `iss` and `sub`.
    pub fn issuer(self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.claim("iss", name.clone()).claim("sub", name)
    }

    /// Something that is stated. Without `aud` it is the address for tokens.
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Json>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    /// Which key it is, if the server has several.
    pub fn key_id(mut self, id: impl Into<String>) -> Self {
        self.key_id = Some(id.into());
        self
    }

    /// How long the statement is valid; an hour by default.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    pub(super) fn secrets(&self, learn: &mut dyn FnMut(&Secret)) {
        learn(&self.key);
        // of a key in several lines each line is a secret
        let lines = self.key.expose().lines().filter(|line| line.len() > 20 && !line.starts_with("--"));
        lines.for_each(|line| learn(&Secret::new(line)));
    }

    pub(super) fn sign(&self, audience: &str, now: SystemTime) -> Result<String> {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let name = match self.algorithm {
            Algorithm::Rs256 => "RS256",
            Algorithm::Es256 => "ES256",
            Algorithm::Hs256 => "HS256",
        };
        let mut head = json!({"alg": name, "typ": "JWT"});
        if let (Json::Object(head), Some(id)) = (&mut head, &self.key_id) {
            head.insert("kid".to_owned(), Json::from(id.as_str()));
        }
        let mut claims = self.claims.clone();
        claims.entry("aud").or_insert_with(|| Json::from(audience));
        claims.entry("iat").or_insert_with(|| Json::from(now));
        claims.entry("exp").or_insert_with(|| Json::from(now + self.lifetime.as_secs()));
        let claims = Json::Object(claims);
        let text = format!("{}.{}", BASE64.encode(head.to_string()), BASE64.encode(claims.to_string()));
        let signature = self.signature(text.as_bytes())?;
        Ok(format!("{text}.{}", BASE64.encode(signature)))
    }

    fn signature(&self, text: &[u8]) -> Result<Vec<u8>> {
        let unusable = || {
            Error::config(format!("the private key cannot be used to sign with {:?}", self.algorithm))
                .help("give it as PEM, from -----BEGIN PRIVATE KEY----- on, without a passphrase")
        };
        let random = SystemRandom::new();
        match self.algorithm {
            Algorithm::Hs256 => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, self.key.expose().as_bytes());
                Ok(hmac::sign(&key, text).as_ref().to_vec())
            }
            Algorithm::Rs256 => {
                let key = match self.private_key().ok_or_else(unusable)? {
                    PrivateKeyDer::Pkcs8(der) => signature::RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
                    PrivateKeyDer::Pkcs1(der) => signature::RsaKeyPair::from_der(der.secret_pkcs1_der()),
                    _ => return Err(unusable()),
                };
                let key = key.map_err(|_| unusable())?;
                let mut signed = vec![0; key.public().modulus_len()];
                key.sign(&signature::RSA_PKCS1_SHA256, &random, text, &mut signed).map_err(|_| unusable())?;
                Ok(signed)
            }
            Algorithm::Es256 => {
                let Some(PrivateKeyDer::Pkcs8(der)) = self.private_key() else { return Err(unusable()) };
                let curve = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
                let key = signature::EcdsaKeyPair::from_pkcs8(curve, der.secret_pkcs8_der(), &random);
                let signed = key.map_err(|_| unusable())?.sign(&random, text).map_err(|_| unusable())?;
                Ok(signed.as_ref().to_vec())
            }
        }
    }

    fn private_key(&self) -> Option<PrivateKeyDer<'static>> {
        PrivateKeyDer::from_pem_slice(self.key.expose().as_bytes()).ok()
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::KeyPair;

    use super::*;

    #[test]
    fn a_shared_key_signs() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        let jwt = Jwt::new(Algorithm::Hs256, "key").issuer("floe").key_id("k1");
        let token = jwt.sign("https://id/token", now).unwrap();
        let [head, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token}") };
        let read = |part: &str| serde_json::from_slice::<Json>(&BASE64.decode(part).unwrap()).unwrap();
        assert_eq!(read(head), json!({"alg": "HS256", "typ": "JWT", "kid": "k1"}));
        let wanted =
            json!({"iss": "floe", "sub": "floe", "aud": "https://id/token", "iat": 1000, "exp": 4600});
        assert_eq!(read(claims), wanted);
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"key");
        let signed = format!("{head}.{claims}");
        assert!(hmac::verify(&key, signed.as_bytes(), &BASE64.decode(signature).unwrap()).is_ok());
    }

    #[test]
    fn an_elliptic_key_signs() {
        let random = SystemRandom::new();
        let curve = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
        let der = signature::EcdsaKeyPair::generate_pkcs8(curve, &random).unwrap();
        let pem = base64::engine::general_purpose::STANDARD.encode(der.as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{pem}\n-----END PRIVATE KEY-----\n");
        let token = Jwt::new(Algorithm::Es256, pem).sign("a", SystemTime::now()).unwrap();
        let (text, signed) = token.rsplit_once('.').unwrap();
        let pair = signature::EcdsaKeyPair::from_pkcs8(curve, der.as_ref(), &random).unwrap();
        let public =
            signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, pair.public_key());
        assert!(public.verify(text.as_bytes(), &BASE64.decode(signed).unwrap()).is_ok());
    }

    #[test]
    fn other_keys_are_an_error_without_the_key() {
        for algorithm in [Algorithm::Rs256, Algorithm::Es256] {
            let error = Jwt::new(algorithm, "s3cret").sign("a", SystemTime::now()).unwrap_err().to_string();
            assert!(error.contains("cannot be used to sign") && !error.contains("s3cret"), "{error}");
        }
    }
}
