//! Every key and every kind of function.

use floe::prelude::*;
use futures_util::{Stream, stream};

#[derive(Clone)]
struct Api;

#[derive(Clone, Table)]
#[table(primary_key = "id")]
struct Item {
    id: i64,
    at: i64,
}

/// Documented.
#[resource(table = Item, name = "items", write = merge, merge_key = "at", cursor = "at", initial = "5")]
pub async fn everything(api: &Api, limit: u32, since: Cursor<i64>) -> floe::Result<Vec<Item>> {
    let _ = (api, limit, since.start());
    Ok(vec![])
}

#[resource(parent = "items", selected = false)]
fn children(items: Rows<Json>, slice: Slice) -> impl Stream<Item = floe::Result<Item>> {
    let _ = (items, slice);
    stream::empty()
}

#[resource(primary_key = "id", write = merge)]
fn plain() -> Pages {
    Box::pin(stream::empty())
}

#[resource(table = Item, write = replace)]
fn few(count: i64) -> impl Iterator<Item = Item> {
    (0..count).map(|id| Item { id, at: id })
}

/// Called like what the macro needs.
#[resource(parent = "slice")]
fn resource(rows: Rows<Json>, slice: Slice) -> impl Stream<Item = floe::Result<Item>> {
    let _ = (rows, slice);
    stream::empty()
}

#[resource(table = Item)]
fn slice(resource: i64) -> impl Iterator<Item = Item> {
    std::iter::once(Item { id: resource, at: 0 })
}

pub(crate) fn main() {
    let made = [everything(&Api, 5), children(), plain(), few(3), resource(), slice(1)];
    let names = made.map(|r| r.name().to_owned());
    assert_eq!(names, ["items", "children", "plain", "few", "resource", "slice"]);
}
