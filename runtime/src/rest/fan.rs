//! The pages of an endpoint: one chain, or one for each item of a parent.
//!
//! Chains of several parents run at the same time, but their pages come in the order of the parents,
//! so that neither speed nor luck changes the dataset.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::stream::{Stream, StreamExt, try_unfold};
use serde_json::{Value as Json, json};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::chain::{Chain, Fetched};
use super::client::failed;
use super::plan::{Ancestor, Plan};
use super::select::each_item;
use super::template::Values;
use crate::error::Result;
use crate::input::Page;
use crate::stream::{Pages, Slice};

/// Pages of a chain that wait for those of the parents before.
const AHEAD: usize = 2;

type FetchedStream = Pin<Box<dyn Stream<Item = Result<Fetched>> + Send>>;

pub(crate) fn pages(plan: Arc<Plan>, slice: Slice) -> Pages {
    let limit = plan.limit;
    let fetched: FetchedStream = match &plan.parent {
        None => Box::pin(single(plan, &slice)),
        Some(_) => Box::pin(fan_out(plan, &slice)),
    };
    let start = (fetched, limit);
    Box::pin(try_unfold(start, |(mut fetched, left)| async move {
        if left == Some(0) {
            return Ok(None);
        }
        let Some(page) = fetched.next().await.transpose()? else { return Ok(None) };
        let Fetched { items, count, checkpoint } = page;
        let left_then = left.map(|left| left.saturating_sub(count));
        let items = match left {
            Some(left) if left < count => first(&items, left)?,
            _ => items,
        };
        Ok(Some((Page::json(items).checkpoint(checkpoint), (fetched, left_then))))
    }))
}

/// The first items of a page, one a line.
fn first(page: &[u8], count: u64) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut left = count;
    each_item(page, &mut |item| {
        if left > 0 {
            left -= 1;
            out.extend_from_slice(item);
            out.push(b'\n');
        }
        Ok(())
    })?;
    Ok(out)
}

fn span(slice: &Slice) -> (Json, Json) {
    (slice.start().cloned().unwrap_or_default(), slice.end().cloned().unwrap_or_default())
}

fn single(plan: Arc<Plan>, slice: &Slice) -> impl Stream<Item = Result<Fetched>> + Send + use<> {
    let chain = Chain::new(plan, Values::new(), String::new(), span(slice), slice.checkpoint().cloned());
    try_unfold(Some(chain), |chain| async move {
        let Some(chain) = chain else { return Ok(None) };
        let mut chain = chain?;
        Ok(chain.next().await?.map(|page| (page, Some(Ok(chain)))))
    })
}

/// A chain that runs by itself.
struct Lane {
    /// Which parent it is for, counted from 0.
    parent: u64,
    pages: mpsc::Receiver<Result<Fetched>>,
    task: AbortHandle,
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Fan {
    plan: Arc<Plan>,
    parents: Option<Pages>,
    /// Items of the parent that came and have no lane yet.
    waiting: VecDeque<Vec<u8>>,
    lanes: VecDeque<Lane>,
    /// The number of the next item of the parent.
    at: u64,
    /// Parents that were done in an earlier run.
    done: u64,
    checkpoint: Option<Json>,
    span: (Json, Json),
}

fn fan_out(plan: Arc<Plan>, slice: &Slice) -> impl Stream<Item = Result<Fetched>> + Send + use<> {
    let checkpoint = slice.checkpoint();
    let done = checkpoint.and_then(|at| at.get("parents")).and_then(Json::as_u64).unwrap_or(0);
    let fan = Fan {
        parents: slice.parent(),
        plan,
        waiting: VecDeque::new(),
        lanes: VecDeque::new(),
        at: 0,
        done,
        checkpoint: checkpoint.and_then(|at| at.get("chain")).cloned(),
        span: span(slice),
    };
    try_unfold(fan, |mut fan| async move { Ok(fan.next().await?.map(|page| (page, fan))) })
}

impl Fan {
    async fn next(&mut self) -> Result<Option<Fetched>> {
        loop {
            self.fill()?;
            let room = self.lanes.len() < self.plan.fan_out && self.waiting.is_empty();
            let wanted = self.parents.as_mut().filter(|_| room);
            match (self.lanes.front_mut(), wanted) {
                (None, None) => return Ok(None),
                (None, Some(parents)) => {
                    let page = parents.next().await;
                    self.take(page)?;
                }
                (Some(lane), None) => {
                    let page = lane.pages.recv().await;
                    if let Some(page) = self.pass(page)? {
                        return Ok(Some(page));
                    }
                }
                (Some(lane), Some(parents)) => tokio::select! {
                    biased;
                    page = parents.next() => self.take(page)?,
                    page = lane.pages.recv() => {
                        if let Some(page) = self.pass(page)? {
                            return Ok(Some(page));
                        }
                    }
                },
            }
        }
    }

    /// Takes a page of the parent.
    fn take(&mut self, page: Option<Result<Page>>) -> Result<()> {
        let Some(page) = page else {
            self.parents = None;
            return Ok(());
        };
        each_item(page?.bytes(), &mut |item| {
            self.waiting.push_back(item.to_vec());
            Ok(())
        })
    }

    /// Passes a page of the first lane on, or ends the lane.
    fn pass(&mut self, page: Option<Result<Fetched>>) -> Result<Option<Fetched>> {
        let Some(page) = page else {
            self.lanes.pop_front();
            return Ok(None);
        };
        let page = page?;
        let parent = self.lanes.front().map_or(0, |lane| lane.parent);
        let checkpoint = json!({"parents": parent, "chain": page.checkpoint});
        Ok(Some(Fetched { checkpoint, ..page }))
    }

    /// Opens lanes for items that wait.
    fn fill(&mut self) -> Result<()> {
        while self.lanes.len() < self.plan.fan_out {
            let Some(item) = self.waiting.pop_front() else { break };
            let parent = self.at;
            self.at += 1;
            if parent < self.done {
                continue;
            }
            let checkpoint = self.checkpoint.take();
            let Some(ancestor) = &self.plan.parent else { break };
            let (values, from_parent) = ancestor.values(&item, &self.plan.what)?;
            let mut chain =
                Chain::new(self.plan.clone(), values, from_parent, self.span.clone(), checkpoint)?;
            let (sender, pages) = mpsc::channel(AHEAD);
            let task = tokio::spawn(async move {
                loop {
                    let page = chain.next().await.transpose();
                    let Some(page) = page else { break };
                    let failed = page.is_err();
                    if sender.send(page).await.is_err() || failed {
                        break;
                    }
                }
            });
            self.lanes.push_back(Lane { parent, pages, task: task.abort_handle() });
        }
        Ok(())
    }
}

impl Ancestor {
    /// What stands for the placeholders, and what the items get.
    pub(crate) fn values(&self, item: &[u8], what: &str) -> Result<(Values, String)> {
        let find = |path: &super::select::Selector| match path.first(item) {
            Some(value) => Ok(value),
            None => {
                let item: Json = serde_json::from_slice(item).unwrap_or_default();
                let known = item.as_object().map(|item| item.keys().cloned().collect::<Vec<_>>());
                Err(failed(format!("{what}: an item of `{}` has no `{}`", self.resource, path.text()))
                    .help(format!("it has {}", known.unwrap_or_default().join(", "))))
            }
        };
        let mut values = Values::new();
        for (name, path) in &self.fields {
            let value = find(path)?;
            if value.is_null() {
                return Err(failed(format!(
                    "{what}: `{}` of an item of `{}` is null",
                    path.text(),
                    self.resource
                ))
                .help("leave such items out with a filter among the `processing_steps` of the parent"));
            }
            values.insert(name.clone(), value);
        }
        let mut from_parent = String::new();
        for (key, path) in &self.include {
            if !from_parent.is_empty() {
                from_parent.push(',');
            }
            floe_schema::hash::write_text(&mut from_parent, key);
            from_parent.push(':');
            from_parent.push_str(&find(path)?.to_string());
        }
        Ok((values, from_parent))
    }
}
