//! One request of each resource: what a run would do.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::chain::Chain;
use super::document::Source;
use super::plan::Plan;
use super::select::each_item;
use super::template::Values;
use crate::error::{Error, Result};

/// What one request of a resource showed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Checked {
    /// The resource.
    pub resource: String,
    /// The request, without secrets.
    pub request: String,
    /// The items of the first page, one a line.
    pub lines: String,
    /// How many these are.
    pub items: u64,
    /// Where they are in the answer.
    pub data: String,
    /// The paginator.
    pub paginator: String,
    /// Why this one.
    pub evidence: String,
    /// How many requests a run would make, as far as the answer tells: for one item of the parent, if
    /// there is a parent.
    pub requests: Option<u64>,
    /// The primary key.
    pub key: Vec<String>,
    /// The parent.
    pub parent: Option<String>,
    /// Why nothing was asked.
    pub skipped: Option<String>,
}

/// What a chain saw.
pub(crate) struct Probe {
    pub(crate) request: String,
    pub(crate) page: Vec<u8>,
    pub(crate) items: u64,
    pub(crate) data: String,
    pub(crate) paginator: String,
    pub(crate) evidence: String,
    pub(crate) requests: Option<u64>,
}

impl Source {
    /// Sends one request for each resource; those of a parent for its first item.
    pub async fn check(&self) -> Result<Vec<Checked>> {
        let mut checked = Vec::new();
        let mut firsts: HashMap<String, Option<Vec<u8>>> = HashMap::new();
        for (resource, endpoint) in self.parts() {
            let name = resource.name().to_owned();
            let plan = Plan::new(endpoint)?;
            let parent = plan.parent.as_ref().map(|parent| parent.resource.clone());
            let first = parent.as_ref().map(|parent| firsts.get(parent).cloned().flatten());
            let (values, from_parent) = match (&plan.parent, first) {
                (Some(ancestor), Some(Some(item))) => ancestor.values(&item, &plan.what)?,
                (Some(_), _) => {
                    let parent = parent.clone().unwrap_or_default();
                    let skipped = Some(format!("the first page of `{parent}` has no items"));
                    checked.push(Checked { skipped, parent: Some(parent), ..Checked::of(name) });
                    continue;
                }
                (None, _) => (Values::new(), String::new()),
            };
            let (start, end) = endpoint
                .since
                .as_ref()
                .map_or((Json::Null, Json::Null), |since| (since.initial.clone(), since.end.clone()));
            let probe = Chain::new(plan, values, from_parent, (start, end), None)?.probe().await?;
            let mut first = None;
            let mut lines = String::new();
            each_item(&probe.page, &mut |item| {
                first.get_or_insert_with(|| item.to_vec());
                let item: Json = serde_json::from_slice(item).unwrap_or_default();
                lines.push_str(&format!("{item}\n"));
                Ok(())
            })?;
            firsts.insert(name.clone(), first);
            checked.push(Checked {
                request: probe.request,
                lines,
                items: probe.items,
                data: probe.data,
                paginator: probe.paginator,
                evidence: probe.evidence,
                requests: probe.requests,
                parent,
                key: resource.hints.primary_key.clone().unwrap_or_default(),
                ..Checked::of(name)
            });
        }
        Ok(checked)
    }
}

impl Source {
    /// The same, for programs that are not async.
    pub fn check_blocking(&self) -> Result<Vec<Checked>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|e| Error::internal("cannot start tasks").cause(e))?.block_on(self.check())
    }
}

impl Checked {
    fn of(resource: String) -> Self {
        Self {
            resource,
            request: String::new(),
            lines: String::new(),
            items: 0,
            data: String::new(),
            paginator: String::new(),
            evidence: String::new(),
            requests: None,
            key: Vec::new(),
            parent: None,
            skipped: None,
        }
    }
}
