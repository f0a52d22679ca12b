//! Ways to log in, for the API and for each operation.

use std::collections::HashMap;

use serde_json::Value;

use crate::api::{Auth, AuthKind};
use crate::finding::{Confidence, Finding};
use crate::operation::Operation;
use crate::read::{Document, Node};
use crate::words::plain;

/// The ways to log in, the one that most operations use first.
pub(crate) fn detect(
    document: &Document,
    operations: &[Operation<'_>],
    findings: &mut Vec<Finding>,
) -> Vec<Auth> {
    let root = document.root();
    let schemes = root
        .get("components")
        .and_then(|c| c.get("securitySchemes"))
        .or_else(|| root.get("securityDefinitions"));
    let said = root.get("info").and_then(|i| i.text("description")).unwrap_or_default();
    let mut found: Vec<Auth> = Vec::new();
    for (name, scheme) in schemes.into_iter().flat_map(Node::members) {
        let Some(scheme) = document.follow(scheme) else { continue };
        match kind(scheme, said) {
            Some(kind) => {
                let auth = Auth { scheme: name.to_owned(), kind };
                findings.push(
                    Finding::new(
                        "auth",
                        format!("{} logs in with {}", name, auth.type_name()),
                        Confidence::High,
                    )
                    .because(format!("type `{}`", scheme.text("type").unwrap_or_default())),
                );
                found.push(auth);
            }
            None => findings.push(
                Finding::new(
                    "auth",
                    format!("`{name}` is not a way to log in that floe knows"),
                    Confidence::High,
                )
                .because(format!(
                    "{}",
                    scheme.value.get("scheme").or(scheme.value.get("type")).unwrap_or(&Value::Null)
                )),
            ),
        }
    }
    if found.is_empty() {
        let keys = undeclared(operations, findings);
        return if keys.is_empty() { in_words(said, findings) } else { keys };
    }
    let mut uses: HashMap<String, usize> = HashMap::new();
    for operation in operations {
        for scheme in of_operation(document, operation) {
            *uses.entry(scheme).or_default() += 1;
        }
    }
    let ease = |auth: &Auth| match auth.kind {
        AuthKind::ApiKey { ref location, .. } if location == "cookie" => 1,
        _ => 0,
    };
    // keys in addresses end up in logs: of ways that serve alike they are the last
    let exposed =
        |auth: &Auth| matches!(auth.kind, AuthKind::ApiKey { ref location, .. } if location == "query");
    found.sort_by_key(|auth| {
        (ease(auth), std::cmp::Reverse(uses.get(&auth.scheme).copied().unwrap_or_default()), exposed(auth))
    });
    found
}

/// Whether a document never says which operations need a login.
pub(crate) fn is_silent(document: &Document, operations: &[Operation<'_>]) -> bool {
    document.root().get("security").is_none() && operations.iter().all(|o| o.node.get("security").is_none())
}

/// The names of the ways to log in to an operation.
pub(crate) fn of_operation(document: &Document, operation: &Operation<'_>) -> Vec<String> {
    let root = document.root();
    let Some(security) = operation.node.get("security").or_else(|| root.get("security")) else {
        return Vec::new();
    };
    let mut names: Vec<String> = Vec::new();
    for requirement in security.items() {
        for (name, _) in requirement.members() {
            if !names.iter().any(|n| n == name) {
                names.push(name.to_owned());
            }
        }
    }
    names
}

/// What a scheme takes. What the document `said` of itself tells of keys in `Authorization`.
/// Names of schemes tell nothing: what is called Bearer often takes something else.
fn kind(scheme: Node<'_>, said: &str) -> Option<AuthKind> {
    let description = scheme.text("description").unwrap_or_default().to_lowercase();
    let oauth = || {
        let flows = scheme
            .get("flows")
            .into_iter()
            .flat_map(Node::members)
            .chain(scheme.text("flow").map(|f| (f, scheme)));
        for (name, flow) in flows {
            if matches!(name, "clientCredentials" | "application") {
                let token_url = flow.text("tokenUrl").unwrap_or_default().to_owned();
                return AuthKind::ClientCredentials { token_url };
            }
        }
        AuthKind::Bearer
    };
    match scheme.text("type")?.to_ascii_lowercase().as_str() {
        "basic" => Some(AuthKind::Basic),
        "bearer" => Some(AuthKind::Bearer),
        "oauth2" => Some(oauth()),
        "openidconnect" => Some(AuthKind::Bearer),
        "http" => match scheme.text("scheme")?.to_ascii_lowercase().as_str() {
            "basic" => Some(AuthKind::Basic),
            "bearer" | "oauth" => Some(AuthKind::Bearer),
            _ => None,
        },
        "apikey" => {
            let name = scheme.text("name").unwrap_or("Authorization").to_owned();
            let location = scheme.text("in").unwrap_or("header").to_owned();
            let header = location == "header" && name.eq_ignore_ascii_case("authorization");
            Some(match header {
                true if says_bearer(&description) => AuthKind::Bearer,
                true if description.contains("basic auth") => AuthKind::Basic,
                true if speaks_of_bearer(said) && !says_token(&description) => AuthKind::Bearer,
                _ => AuthKind::ApiKey { name, location },
            })
        }
        _ => None,
    }
}

fn says_bearer(description: &str) -> bool {
    description.to_lowercase().contains("bearer")
}

/// `Authorization: Token ..` is what some ask for instead.
fn says_token(description: &str) -> bool {
    description.contains("authorization: token")
        || description.contains("\"token \"")
        || description.contains("`token ")
}

/// What a document says of itself is long, so it takes more than the word.
fn speaks_of_bearer(said: &str) -> bool {
    let text = said.to_lowercase();
    ["authorization: bearer", "bearer token", "bearer auth"].iter().any(|w| text.contains(w))
}

/// Documents that declare nothing and tell in words how to log in.
fn in_words(said: &str, findings: &mut Vec<Finding>) -> Vec<Auth> {
    if !speaks_of_bearer(said) {
        return Vec::new();
    }
    findings.push(
        Finding::new("auth", "logs in with bearer", Confidence::Low)
            .because("the description of the document speaks of it; no scheme is declared"),
    );
    vec![Auth { scheme: "bearer".to_owned(), kind: AuthKind::Bearer }]
}

/// Keys that the document treats as parameters.
fn undeclared(operations: &[Operation<'_>], findings: &mut Vec<Finding>) -> Vec<Auth> {
    let mut uses: HashMap<(&str, &str), usize> = HashMap::new();
    for param in operations.iter().flat_map(|o| &o.params) {
        let name = plain(param.name);
        let keyed = matches!(
            name.as_str(),
            "apikey"
                | "xapikey"
                | "accesstoken"
                | "apitoken"
                | "authtoken"
                | "xauthtoken"
                | "appkey"
                | "ocpapimsubscriptionkey"
                | "xaccesstoken"
        ) || (param.place == "header" && name == "authorization")
            || (name == "key" && param.description.to_lowercase().contains("api key"));
        if keyed && matches!(param.place, "query" | "header") {
            *uses.entry((param.name, param.place)).or_default() += 1;
        }
    }
    let best =
        uses.into_iter().max_by_key(|((name, place), count)| (*count, std::cmp::Reverse((*name, *place))));
    let Some(((name, place), count)) = best.filter(|(_, count)| *count * 2 >= operations.len()) else {
        return Vec::new();
    };
    findings.push(
        Finding::new("auth", format!("`{name}` is a key"), Confidence::Medium)
            .because(format!("a {place} parameter of {count} of {} operations", operations.len())),
    );
    let kind = if name.eq_ignore_ascii_case("authorization") {
        AuthKind::Bearer
    } else {
        AuthKind::ApiKey { name: name.to_owned(), location: place.to_owned() }
    };
    vec![Auth { scheme: name.to_owned(), kind }]
}
