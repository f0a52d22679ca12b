//! A replica of PokeAPI on this machine: lists with next links, and details by name.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value as Json, json};

use crate::Result;

/// Results in a page, unless more are asked for: few, so that there are several pages.
const PAGE: usize = 5;

/// A running server. It ends with the program.
pub(crate) struct Replica {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

impl Replica {
    /// Serves lists of objects by name.
    pub(crate) fn start(data: &str) -> Result<Self> {
        let data: Json = serde_json::from_str(data)?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (address, requests) = (listener.local_addr()?, Arc::new(AtomicUsize::new(0)));
        let (data, counted) = (Arc::new(data), requests.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (data, counted) = (data.clone(), counted.clone());
                // who goes away early gets no answer
                std::thread::spawn(move || serve(stream, &data, &counted));
            }
        });
        Ok(Self { address, requests })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Requests since the last time.
    pub(crate) fn requests(&self) -> usize {
        self.requests.swap(0, Ordering::SeqCst)
    }
}

fn serve(mut stream: TcpStream, data: &Json, counted: &AtomicUsize) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    // a connection may bring several requests
    while let Some(first) = lines.next().transpose()? {
        let mut host = String::new();
        for line in lines.by_ref() {
            let line = line?;
            if line.is_empty() {
                break;
            }
            if let Some(("host", value)) = line
                .split_once(": ")
                .map(|(name, value)| (name.to_lowercase(), value))
                .as_ref()
                .map(|(n, v)| (n.as_str(), *v))
            {
                value.clone_into(&mut host);
            }
        }
        counted.fetch_add(1, Ordering::SeqCst);
        let target = first.split(' ').nth(1).unwrap_or_default();
        let (status, body) = match answer(data, target, &host) {
            Some(body) => ("200 OK", body),
            None => ("404 Not Found", json!({"detail": "Not found."})),
        };
        let body = body.to_string();
        write!(
            stream,
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )?;
    }
    Ok(())
}

/// What is at `/api/v2/<list>/` and `/api/v2/<list>/<name>/`.
fn answer(data: &Json, target: &str, host: &str) -> Option<Json> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut steps = path.strip_prefix("/api/v2/")?.trim_end_matches('/').split('/');
    let list = steps.next()?;
    let items = data.get(list)?.as_array()?;
    if let Some(name) = steps.next() {
        return items
            .iter()
            .find(|item| item["name"] == name || name.parse().is_ok_and(|id: u64| item["id"] == id))
            .cloned();
    }
    let number = |key: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(name, _)| *name == key).find_map(|(_, value)| value.parse::<usize>().ok())
    };
    let (offset, limit) = (number("offset").unwrap_or(0), number("limit").unwrap_or(PAGE).clamp(1, PAGE));
    let page = |offset: usize| format!("http://{host}{path}?offset={offset}&limit={limit}");
    let next = (offset + limit < items.len()).then(|| page(offset + limit));
    let previous = (offset > 0).then(|| page(offset.saturating_sub(limit)));
    let row = |item: &Json| {
        let name = item["name"].as_str().unwrap_or_default();
        json!({"name": name, "url": format!("http://{host}{path}{name}/")})
    };
    let results: Vec<Json> = items.iter().skip(offset).take(limit).map(row).collect();
    Some(json!({"count": items.len(), "next": next, "previous": previous, "results": results}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_pages_and_items_have_details() {
        let items: Vec<Json> = (1..=7).map(|id| json!({"id": id, "name": format!("n{id}")})).collect();
        let data = json!({"berry": items});
        let first = answer(&data, "/api/v2/berry/", "h").unwrap();
        assert_eq!((&first["count"], first["results"].as_array().unwrap().len()), (&json!(7), PAGE));
        assert_eq!(first["next"], "http://h/api/v2/berry/?offset=5&limit=5");
        let last = answer(&data, "/api/v2/berry/?offset=5&limit=5", "h").unwrap();
        assert_eq!((&last["next"], last["results"].as_array().unwrap().len()), (&Json::Null, 2));
        assert_eq!(last["results"][1]["url"], "http://h/api/v2/berry/n7/");
        assert_eq!(answer(&data, "/api/v2/berry/n7/", "h").unwrap()["id"], 7);
        assert!(answer(&data, "/api/v2/berry/n8/", "h").is_none() && answer(&data, "/x", "h").is_none());
    }
}
