//! Every attribute of a source.

use floe::prelude::*;

#[source(name = "hub", resources(things, others()))]
#[derive(Debug, Clone)]
pub struct Hub {
    /// Who.
    pub owner: String,
    #[secret]
    token: Secret,
    #[config(default = 5)]
    limit: u32,
    #[config(default = "https://example.com", rename = "url")]
    base_url: String,
    team: Option<String>,
}

#[resource]
fn things(hub: &Hub) -> Vec<u32> {
    vec![hub.limit]
}

#[resource]
fn others() -> Vec<String> {
    vec![]
}

#[source]
struct Empty;

pub(crate) fn main() {
    assert_eq!(
        Hub::FIELDS.iter().map(|f| f.key).collect::<Vec<_>>(),
        ["owner", "token", "limit", "url", "team"]
    );
    assert!(Hub::FIELDS[1].secret && Hub::FIELDS[4].optional);
    assert_eq!((Hub::NAME, Empty::NAME), ("hub", "empty"));
    assert!(Empty::from_config().unwrap().all().is_empty());
}
