//! Takes secrets out of texts.
//!
//! Two nets: names that usually carry secrets, in queries, headers and bodies, and the secrets that
//! are known, in every form in which they are sent.

use std::sync::{PoisonError, RwLock};

use base64::Engine;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;
use serde_json::Value as Json;

use crate::secret::Secret;

pub(crate) const MASK: &str = "***";
/// Shorter ones would mask half of the text.
const SHORTEST: usize = 4;
const NAMES: [&str; 26] = [
    "access_token",
    "accesskey",
    "api_key",
    "apikey",
    "assertion",
    "auth",
    "authorization",
    "client_assertion",
    "client_secret",
    "cookie",
    "device_code",
    "id_token",
    "key",
    "passwd",
    "password",
    "private_key",
    "proxy_authorization",
    "pwd",
    "refresh_token",
    "secret",
    "session",
    "set_cookie",
    "sig",
    "signature",
    "token",
    "x_amz_security_token",
];

/// Whether values of this name are secrets.
pub(crate) fn is_sensitive(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    let bare = name.strip_prefix("x_").unwrap_or(&name);
    let ends = ["_token", "_secret", "_key", "_password", "_apikey", "_signature"];
    // pages are turned by tokens that are no secrets
    let pages = ["page", "next", "continuation", "cursor", "sort", "primary", "start", "sync"];
    if pages.iter().any(|word| bare.contains(word)) {
        return false;
    }
    NAMES.contains(&name.as_str()) || NAMES.contains(&bare) || ends.iter().any(|end| bare.ends_with(end))
}

/// What is known to be secret.
#[derive(Default)]
pub(crate) struct Redactor {
    /// Longest first, so that parts of others are not masked before them.
    secrets: RwLock<Vec<String>>,
}

impl Redactor {
    /// Remembers a secret in all forms in which it may show up.
    pub(crate) fn learn(&self, secret: &Secret) {
        let text = secret.expose();
        if text.len() < SHORTEST {
            return;
        }
        let json = Json::from(text).to_string();
        let forms = [
            text.to_owned(),
            utf8_percent_encode(text, NON_ALPHANUMERIC).to_string(),
            super::message::form(&[(String::new(), text.to_owned())]).trim_start_matches('=').to_owned(),
            json.get(1..json.len() - 1).unwrap_or_default().to_owned(),
            base64::engine::general_purpose::STANDARD.encode(text),
        ];
        let mut known = self.secrets.write().unwrap_or_else(PoisonError::into_inner);
        for form in forms {
            if !known.contains(&form) {
                known.push(form);
            }
        }
        known.sort_by_key(|form| std::cmp::Reverse(form.len()));
    }

    /// The text without secrets.
    pub(crate) fn text(&self, text: &str) -> String {
        let known = self.secrets.read().unwrap_or_else(PoisonError::into_inner);
        let mut text = text.to_owned();
        for secret in known.iter() {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), MASK);
            }
        }
        text
    }

    /// The URL without secrets.
    pub(crate) fn url(&self, url: &Url) -> String {
        let mut shown = url.clone();
        // neither can fail for URLs that have a host
        let _ = shown.set_password(None);
        let _ = shown.set_username("");
        if url.query().is_some() {
            let pairs: Vec<(String, String)> = url
                .query_pairs()
                .map(|(name, value)| {
                    let value = if is_sensitive(&name) { MASK.to_owned() } else { self.text(&value) };
                    (name.into_owned(), value)
                })
                .collect();
            shown.query_pairs_mut().clear().extend_pairs(pairs);
        }
        self.text(shown.as_str())
    }

    /// The URL without parameters that are secrets of ours: some servers repeat them in links, and they
    /// are added to each request anyway.
    pub(crate) fn strip(&self, url: &mut Url) {
        let known = self.secrets.read().unwrap_or_else(PoisonError::into_inner);
        let is_ours = |value: &str| known.iter().any(|secret| secret == value);
        let kept: Vec<(String, String)> = url
            .query_pairs()
            .filter(|(_, value)| !is_ours(value))
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        if kept.len() < url.query_pairs().count() {
            url.query_pairs_mut().clear().extend_pairs(kept);
        }
    }

    /// A value without secrets, told by names and by texts.
    pub(crate) fn json(&self, value: &Json) -> Json {
        match value {
            Json::String(text) => Json::from(self.text(text)),
            Json::Array(list) => list.iter().map(|value| self.json(value)).collect(),
            Json::Object(map) => map
                .iter()
                .map(|(key, value)| {
                    let hidden = is_sensitive(key) && matches!(value, Json::String(_) | Json::Number(_));
                    (key.clone(), if hidden { Json::from(MASK) } else { self.json(value) })
                })
                .collect(),
            other => other.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_secrets() {
        for name in
            ["api_key", "X-Api-Key", "Authorization", "client_secret", "access-token", "Cookie", "sig"]
        {
            assert!(is_sensitive(name), "{name}");
        }
        for name in ["page", "page_token", "next_token", "cursor", "sort_key", "keyword", "since"] {
            assert!(!is_sensitive(name), "{name}");
        }
    }

    #[test]
    fn known_secrets_are_masked_in_every_form() {
        let redactor = Redactor::default();
        redactor.learn(&Secret::new("p/w \"1\""));
        let url =
            Url::parse("https://ada:p%2Fw@host/a/p%2Fw%20%221%22?q=p/w+%221%22&page=2&token=x").unwrap();
        let shown = redactor.url(&url);
        assert_eq!(shown, "https://host/a/***?q=***&page=2&token=***");
        assert_eq!(redactor.text(r#"{"a": "p/w \"1\""}"#), r#"{"a": "***"}"#);
        assert_eq!(redactor.text("Basic cC93ICIxIg=="), "Basic ***");
    }
}
