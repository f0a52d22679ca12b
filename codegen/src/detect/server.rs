//! Where requests go.

use crate::finding::{Confidence, Finding};
use crate::read::{Document, Node};

pub(crate) fn base_url(document: &Document, findings: &mut Vec<Finding>) -> String {
    let root = document.root();
    let url = match root.get("servers").and_then(|s| s.items().next()) {
        Some(server) => with_variables(server),
        None => swagger(root).unwrap_or_default(),
    };
    let absolute = url.starts_with("http://") || url.starts_with("https://");
    if !absolute {
        findings.push(
            Finding::new("base_url", "the document does not say where the API is", Confidence::High)
                .because(format!("`{url}` is no address"))
                .at("/servers"),
        );
    }
    url
}

fn with_variables(server: Node<'_>) -> String {
    let mut url = server.text("url").unwrap_or_default().to_owned();
    for (name, variable) in server.get("variables").into_iter().flat_map(Node::members).take(50) {
        let default = variable.value.get("default").map(|d| match d.as_str() {
            Some(text) => text.to_owned(),
            None => d.to_string(),
        });
        if let Some(default) = default {
            url = url.replace(&format!("{{{name}}}"), &default);
        }
    }
    url
}

/// Swagger 2.0 has scheme, host and path apart.
fn swagger(root: Node<'_>) -> Option<String> {
    root.get("swagger")?;
    let path = root.text("basePath").unwrap_or_default();
    let Some(host) = root.text("host") else { return Some(path.to_owned()) };
    let schemes: Vec<&str> =
        root.get("schemes").into_iter().flat_map(Node::items).filter_map(|s| s.value.as_str()).collect();
    let scheme = if schemes.is_empty() || schemes.contains(&"https") { "https" } else { "http" };
    let slash = if path.is_empty() || path.starts_with('/') { "" } else { "/" };
    Some(format!("{scheme}://{host}{slash}{path}"))
}
