//! Exchanges that are kept in a folder, and replayed from there without network.
//!
//! A file has a request and its answer, both without secrets. Its name is made of the request, so
//! that the order in which tasks ask does not matter; the same request again gets the next number.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value as Json, json};

use super::failed;
use super::message::{Body, Request, Response};
use super::redact::{MASK, Redactor, is_sensitive};
use crate::error::{Error, Result};

pub(super) struct Cassette {
    folder: PathBuf,
    replays: bool,
    /// How often each request was made.
    counts: Mutex<HashMap<String, u32>>,
}

impl Cassette {
    pub(super) fn open(record: Option<&Path>, replay: Option<&Path>) -> Result<Option<Self>> {
        let (folder, replays) = match (record, replay) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => return Err(Error::config("exchanges are either recorded or replayed")),
            (Some(folder), None) => {
                fs::create_dir_all(folder).map_err(|e| Error::io("make the folder", folder, e))?;
                (folder, false)
            }
            (None, Some(folder)) if folder.is_dir() => (folder, true),
            (None, Some(folder)) => {
                return Err(Error::config(format!("there is no folder {} to replay", folder.display())));
            }
        };
        Ok(Some(Self { folder: folder.to_owned(), replays, counts: Mutex::default() }))
    }

    pub(super) fn replays(&self) -> bool {
        self.replays
    }

    /// The file of the next exchange of this request.
    fn file(&self, method: &str, url: &str, body: &Json) -> PathBuf {
        let seen = format!("{method} {url} {body}");
        let hash = floe_schema::hash::shake128_base64(seen.as_bytes(), 15);
        let hash: String = hash.chars().filter(char::is_ascii_alphanumeric).take(12).collect();
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(seen).or_default();
        *count += 1;
        self.folder.join(format!("{}-{hash}-{count}.json", method.to_lowercase()))
    }

    pub(super) fn record(&self, request: &Request, response: &Response, redactor: &Redactor) -> Result<()> {
        let (url, body) = (redactor.url(&request.url), shown_body(&request.body, redactor));
        let path = self.file(request.method.as_str(), &url, &body);
        let answer = match std::str::from_utf8(&response.body) {
            Ok(text) => json!({"body": redactor.text(text)}),
            Err(_) => json!({"base64": BASE64.encode(&response.body)}),
        };
        let mut exchange = json!({
            "request": {"method": request.method.as_str(), "url": url, "body": body},
            "response": {"status": response.status, "headers": shown(&response.headers, redactor)},
        });
        if let (Some(Json::Object(into)), Json::Object(answer)) = (exchange.get_mut("response"), answer) {
            into.extend(answer);
        }
        fs::write(&path, format!("{exchange:#}\n")).map_err(|e| Error::io("write", &path, e))
    }

    pub(super) fn replay(&self, request: &Request, redactor: &Redactor) -> Result<Response> {
        let (url, body) = (redactor.url(&request.url), shown_body(&request.body, redactor));
        let path = self.file(request.method.as_str(), &url, &body);
        let Ok(text) = fs::read_to_string(&path) else {
            return Err(failed(format!("no answer is recorded for {} {url}", request.method))
                .help(format!("{} is missing: record again", path.display())));
        };
        let broken = || failed(format!("{} is no recorded exchange", path.display())).help("record again");
        let exchange: Json = serde_json::from_str(&text).map_err(|_| broken())?;
        let answer = exchange.get("response").ok_or_else(broken)?;
        let status = answer.get("status").and_then(Json::as_u64).and_then(|s| u16::try_from(s).ok());
        let body = match (answer.get("body"), answer.get("base64")) {
            (Some(Json::String(text)), _) => text.clone().into_bytes(),
            (_, Some(Json::String(text))) => BASE64.decode(text).map_err(|_| broken())?,
            _ => return Err(broken()),
        };
        let mut headers = HeaderMap::new();
        for (name, value) in answer.get("headers").and_then(Json::as_object).into_iter().flatten() {
            let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            for value in values.iter().filter_map(Json::as_str) {
                let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| broken())?;
                headers.append(name, HeaderValue::from_str(value).map_err(|_| broken())?);
            }
        }
        Ok(Response { status: status.ok_or_else(broken)?, headers, url: request.url.clone(), body })
    }
}

/// Headers that matter for an answer that was decompressed.
fn shown(headers: &HeaderMap, redactor: &Redactor) -> Json {
    let dropped = ["content-encoding", "content-length", "transfer-encoding", "connection", "date"];
    let mut shown: Map<String, Json> = Map::new();
    for (name, value) in headers {
        let (name, value) = (name.as_str(), String::from_utf8_lossy(value.as_bytes()));
        if dropped.contains(&name) {
            continue;
        }
        let value = if is_sensitive(name) { MASK.to_owned() } else { redactor.text(&value) };
        match shown.entry(name).or_insert_with(|| Json::Array(Vec::new())) {
            Json::Array(values) => values.push(Json::from(value)),
            _ => continue,
        }
    }
    Json::Object(shown)
}

fn shown_body(body: &Body, redactor: &Redactor) -> Json {
    match body {
        Body::None => Json::Null,
        Body::Json(value) => redactor.json(value),
        Body::Text(text) => Json::from(redactor.text(text)),
        Body::Form(pairs) => {
            let pairs = pairs.iter().map(|(name, value)| (name.clone(), Json::from(value.as_str())));
            redactor.json(&Json::Object(pairs.collect()))
        }
    }
}
