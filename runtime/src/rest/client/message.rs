//! Requests and answers.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::Value as Json;

use crate::error::{Error, Result};

/// What is asked for, before the client adds what proves who asks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
}

/// What is sent with a request.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Body {
    #[default]
    None,
    Json(Json),
    Form(Vec<(String, String)>),
    Text(String),
}

impl Request {
    pub(crate) fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: HeaderMap::new(), body: Body::None }
    }

    /// Sets a parameter of the query, in the place of any of the same name.
    pub(crate) fn set_query(&mut self, name: &str, value: &str) {
        let others: Vec<(String, String)> = self
            .url
            .query_pairs()
            .filter(|(key, _)| key != name)
            .map(|(key, value)| (key.into_owned(), value.into_owned()))
            .collect();
        self.url.query_pairs_mut().clear().extend_pairs(others).append_pair(name, value);
    }

    /// Sets a header.
    pub(crate) fn set_header(&mut self, name: &str, value: &str) -> Result<()> {
        let (name, value) = header(name, value)?;
        self.headers.insert(name, value);
        Ok(())
    }

    /// Sets a value of the JSON body; objects on the way are made.
    pub(crate) fn set_body(&mut self, path: &str, value: Json) -> Result<()> {
        if self.body == Body::None {
            self.body = Body::Json(Json::Object(serde_json::Map::new()));
        }
        let Body::Json(body) = &mut self.body else {
            return Err(Error::config(format!(
                "`{path}` is to go into a JSON body, but the body is another"
            )));
        };
        let mut at = body;
        let refuse = || Error::config(format!("the JSON body has no place for `{path}`"));
        for key in path.trim_start_matches("$.").split('.') {
            at = match at {
                Json::Object(map) => map.entry(key).or_insert_with(|| Json::Object(serde_json::Map::new())),
                Json::Array(list) => {
                    list.get_mut(key.parse::<usize>().map_err(|_| refuse())?).ok_or_else(refuse)?
                }
                _ => return Err(refuse()),
            };
            if at.is_null() {
                *at = Json::Object(serde_json::Map::new());
            }
        }
        *at = value;
        Ok(())
    }

    /// The bytes of the body and their type.
    pub(crate) fn encoded_body(&self) -> Option<(Vec<u8>, &'static str)> {
        match &self.body {
            Body::None => None,
            Body::Json(value) => Some((value.to_string().into_bytes(), "application/json")),
            Body::Text(text) => Some((text.clone().into_bytes(), "text/plain; charset=utf-8")),
            Body::Form(pairs) => Some((form(pairs).into_bytes(), "application/x-www-form-urlencoded")),
        }
    }
}

/// Pairs as a form, or the query of a URL, has them.
pub(crate) fn form(pairs: &[(String, String)]) -> String {
    // the crate of URLs has the rules, but gives them away with a URL only
    let Ok(mut url) = Url::parse("http://form/") else { return String::new() };
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap_or_default().to_owned()
}

pub(crate) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue)> {
    let wrong = |what| Error::config(format!("the header `{name}` {what}"));
    let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("is no name of a header"))?;
    // the value may be a secret, so the error does not show it
    let value = HeaderValue::from_str(value).map_err(|_| wrong("has a value with line ends or controls"))?;
    Ok((parsed, value))
}

/// A whole answer, its body decompressed.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// Where it came from, behind redirects.
    pub(crate) url: Url,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The beginning of the body as text, for errors.
    pub(crate) fn excerpt(&self) -> String {
        const LONGEST: usize = 300;
        let text = String::from_utf8_lossy(self.body.get(..LONGEST * 4).unwrap_or(&self.body));
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        match text.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
            None => text,
        }
    }
}
