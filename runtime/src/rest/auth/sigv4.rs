//! Signatures as the services of AWS want them, version 4.

use std::time::SystemTime;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use ring::{digest, hmac};

use super::{Signed, hex};
use crate::error::Result;
use crate::secret::Secret;
use crate::value::time::civil_from_days;

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Keys for the services of AWS.
#[derive(Debug, Clone)]
pub struct SigV4 {
    access_key: Secret,
    secret_key: Secret,
    session_token: Option<Secret>,
    region: String,
    service: String,
}

impl SigV4 {
    /// Signs for a service such as `execute-api` in a region such as `eu-west-1`.
    pub fn new(
        access_key: impl Into<Secret>,
        secret_key: impl Into<Secret>,
        region: impl Into<String>,
        service: impl Into<String>,
    ) -> Self {
        Self {
            access_key: access_key.into(),
            secret_key: secret_key.into(),
            session_token: None,
            region: region.into(),
            service: service.into(),
        }
    }

    /// The token that belongs to keys of limited time.
    pub fn session_token(mut self, token: impl Into<Secret>) -> Self {
        self.session_token = Some(token.into());
        self
    }

    pub(super) fn secrets(&self, learn: &mut dyn FnMut(&Secret)) {
        learn(&self.access_key);
        learn(&self.secret_key);
        self.session_token.iter().for_each(learn);
    }

    pub(super) fn sign(&self, request: &mut Signed<'_>, now: SystemTime) -> Result<()> {
        let time = timestamp(now);
        let date = time.get(..8).unwrap_or_default().to_owned();
        request.set_header("x-amz-date", &time)?;
        if let Some(token) = &self.session_token {
            request.set_header("x-amz-security-token", token.expose())?;
        }
        let body_hash = hex(digest::digest(&digest::SHA256, request.body()).as_ref());
        if self.service == "s3" {
            request.set_header("x-amz-content-sha256", &body_hash)?;
        }
        let (names, canonical) = self.canonical(request, &body_hash);
        let scope = format!("{date}/{}/{}/aws4_request", self.region, self.service);
        let hash = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
        let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{hash}");
        let first = format!("AWS4{}", self.secret_key.expose()).into_bytes();
        let steps = [date.as_str(), &self.region, &self.service, "aws4_request", &text];
        let signature = steps.iter().fold(first, |key, part| {
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), part.as_bytes()).as_ref().to_vec()
        });
        let key = self.access_key.expose();
        let value = format!(
            "AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={names}, Signature={}",
            hex(&signature)
        );
        request.set_header("authorization", &value)
    }

    /// The names of the signed headers, and the request in the form that is signed.
    fn canonical(&self, request: &Signed<'_>, body_hash: &str) -> (String, String) {
        let url = request.0.url();
        let host = url.host_str().unwrap_or_default();
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let mut headers = vec![("host".to_owned(), host)];
        for (name, value) in request.0.headers() {
            let name = name.as_str();
            if name.starts_with("x-amz-") || name == "content-type" {
                let value = String::from_utf8_lossy(value.as_bytes());
                headers.push((name.to_owned(), value.split_whitespace().collect::<Vec<_>>().join(" ")));
            }
        }
        headers.sort();
        let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
        let names = names.join(";");
        let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let encode = |text: &str| utf8_percent_encode(text, UNRESERVED).to_string();
        let mut pairs: Vec<String> =
            url.query_pairs().map(|(name, value)| format!("{}={}", encode(&name), encode(&value))).collect();
        pairs.sort();
        // all services but S3 encode the path twice
        let path = if self.service == "s3" {
            let decoded = percent_decode_str(url.path()).decode_utf8_lossy().into_owned();
            decoded.split('/').map(encode).collect::<Vec<_>>().join("/")
        } else {
            url.path().split('/').map(encode).collect::<Vec<_>>().join("/")
        };
        let method = request.method();
        let canonical = format!("{method}\n{path}\n{}\n{lines}\n{names}\n{body_hash}", pairs.join("&"));
        (names, canonical)
    }
}

/// `20150830T123600Z`.
fn timestamp(now: SystemTime) -> String {
    let seconds = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let (year, month, day) = civil_from_days(i64::try_from(seconds / 86_400).unwrap_or(0));
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn signature(url: &str) -> String {
        let url = reqwest::Url::parse(url).unwrap();
        let mut request = reqwest::Request::new(reqwest::Method::GET, url);
        let keys =
            SigV4::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "service");
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160);
        keys.sign(&mut Signed(&mut request), now).unwrap();
        let value = request.headers()["authorization"].to_str().unwrap();
        value.rsplit_once('=').unwrap().1.to_owned()
    }

    // the service's published examples get-vanilla and get-vanilla-query-order-key-case
    #[test]
    fn signatures_are_those_of_the_published_examples() {
        let plain = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
        assert_eq!(signature("https://example.amazonaws.com/"), plain);
        let query = "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500";
        assert_eq!(signature("https://example.amazonaws.com/?Param2=value2&Param1=value1"), query);
    }
}
