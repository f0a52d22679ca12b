//! Changes to items before they are loaded.
//!
//! Items that have to be changed become JSON values, which costs time; without steps they stay the
//! bytes that came. Whole numbers from 2^64 on lose digits in a step.

use std::fmt;
use std::sync::Arc;

use ring::digest;
use serde_json::Value as Json;

use super::auth::hex;
use super::client::failed;
use super::select::each_item;
use crate::error::Result;
use crate::incremental::{CursorPath, PathStep};
use crate::secret::Secret;

/// A change to each item.
///
/// ```
/// use floe::rest::Step;
/// let steps = [
///     Step::filter(|user| user["active"] == true),
///     Step::exclude("address.geo")?,
///     Step::hash("email")?,
/// ];
/// # Ok::<(), floe::Error>(())
/// ```
#[derive(Clone)]
pub struct Step(Kind);

#[derive(Clone)]
enum Kind {
    Filter(Arc<dyn Fn(&Json) -> bool + Send + Sync>),
    Map(Arc<dyn Fn(Json) -> Result<Json> + Send + Sync>),
    FlatMap(Arc<dyn Fn(Json) -> Result<Vec<Json>> + Send + Sync>),
    Where(Condition),
    Exclude(Vec<PathStep>),
    Rename(String, String),
    Hash(Vec<PathStep>, Option<Secret>),
}

/// A condition on a field.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition {
    pub(crate) path: Vec<PathStep>,
    pub(crate) test: Test,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    Equals(Json),
    NotEquals(Json),
    In(Vec<Json>),
    Exists(bool),
}

impl Step {
    /// Keeps the items that a test takes.
    pub fn filter(test: impl Fn(&Json) -> bool + Send + Sync + 'static) -> Self {
        Self(Kind::Filter(Arc::new(test)))
    }

    /// Changes each item.
    pub fn map(change: impl Fn(Json) -> Result<Json> + Send + Sync + 'static) -> Self {
        Self(Kind::Map(Arc::new(change)))
    }

    /// Makes several items of each, or none.
    pub fn flat_map(change: impl Fn(Json) -> Result<Vec<Json>> + Send + Sync + 'static) -> Self {
        Self(Kind::FlatMap(Arc::new(change)))
    }

    pub(crate) fn condition(condition: Condition) -> Self {
        Self(Kind::Where(condition))
    }

    /// Leaves a value out, told by its path such as `user.address` or `lines[*].note`.
    pub fn exclude(path: &str) -> Result<Self> {
        Ok(Self(Kind::Exclude(CursorPath::steps("path", path)?)))
    }

    /// Gives a key another name.
    pub fn rename(from: impl Into<String>, to: impl Into<String>) -> Self {
        Self(Kind::Rename(from.into(), to.into()))
    }

    /// Puts the SHA-256 of a value in its place, in hexadecimal digits. Null stays null.
    pub fn hash(path: &str) -> Result<Self> {
        Ok(Self(Kind::Hash(CursorPath::steps("path", path)?, None)))
    }

    /// The same with a text in front of the value, which makes it hard to guess.
    pub fn hash_with_salt(path: &str, salt: impl Into<Secret>) -> Result<Self> {
        Ok(Self(Kind::Hash(CursorPath::steps("path", path)?, Some(salt.into()))))
    }

    fn apply(&self, mut item: Json) -> Result<Vec<Json>> {
        match &self.0 {
            Kind::Filter(test) => return Ok(if test(&item) { vec![item] } else { Vec::new() }),
            Kind::Where(condition) => {
                return Ok(if condition.holds(&item) { vec![item] } else { Vec::new() });
            }
            Kind::FlatMap(change) => return change(item),
            Kind::Map(change) => item = change(item)?,
            Kind::Exclude(path) => exclude(&mut item, path),
            Kind::Rename(from, to) => rename(&mut item, from, to),
            Kind::Hash(path, salt) => at(&mut item, path, &mut |value| hash(value, salt.as_ref())),
        }
        Ok(vec![item])
    }
}

impl Condition {
    fn holds(&self, item: &Json) -> bool {
        let value = found(item, &self.path);
        match &self.test {
            Test::Equals(wanted) => value == Some(wanted),
            Test::NotEquals(wanted) => value != Some(wanted),
            Test::In(wanted) => value.is_some_and(|value| wanted.contains(value)),
            Test::Exists(wanted) => value.is_some_and(|value| !value.is_null()) == *wanted,
        }
    }
}

/// The items of a page after all steps, one a line, and their number.
pub(crate) fn apply(steps: &[Step], page: &[u8]) -> Result<(Vec<u8>, u64)> {
    let mut out = Vec::with_capacity(page.len());
    let mut count = 0;
    each_item(page, &mut |bytes| {
        let item: Json =
            serde_json::from_slice(bytes).map_err(|e| failed("an item cannot be read").cause(e))?;
        let mut items = vec![item];
        for step in steps {
            let mut next = Vec::new();
            for item in items {
                next.extend(step.apply(item)?);
            }
            items = next;
        }
        for item in items {
            serde_json::to_writer(&mut out, &item)
                .map_err(|e| failed("an item cannot be written").cause(e))?;
            out.push(b'\n');
            count += 1;
        }
        Ok(())
    })?;
    Ok((out, count))
}

/// Calls a function with all values that a path leads to.
fn at(value: &mut Json, path: &[PathStep], change: &mut dyn FnMut(&mut Json)) {
    let Some((step, rest)) = path.split_first() else { return change(value) };
    match (step, value) {
        (PathStep::Key(key), Json::Object(map)) => {
            if let Some(value) = map.get_mut(key) {
                at(value, rest, change);
            }
        }
        (PathStep::All, Json::Object(map)) => map.values_mut().for_each(|value| at(value, rest, change)),
        (PathStep::All, Json::Array(list)) => list.iter_mut().for_each(|value| at(value, rest, change)),
        (PathStep::Index(index), Json::Array(list)) => {
            if let Some(value) = place(*index, list.len()).and_then(|at| list.get_mut(at)) {
                at(value, rest, change);
            }
        }
        _ => {}
    }
}

fn place(index: i64, length: usize) -> Option<usize> {
    usize::try_from(if index < 0 { length as i64 + index } else { index }).ok()
}

/// The first value that a path leads to.
fn found<'j>(value: &'j Json, path: &[PathStep]) -> Option<&'j Json> {
    let Some((step, rest)) = path.split_first() else { return Some(value) };
    match (step, value) {
        (PathStep::Key(key), Json::Object(map)) => found(map.get(key)?, rest),
        (PathStep::Index(index), Json::Array(list)) => found(list.get(place(*index, list.len())?)?, rest),
        (PathStep::All, Json::Array(list)) => list.iter().find_map(|value| found(value, rest)),
        (PathStep::All, Json::Object(map)) => map.values().find_map(|value| found(value, rest)),
        _ => None,
    }
}

fn exclude(item: &mut Json, path: &[PathStep]) {
    let Some((last, before)) = path.split_last() else { return };
    at(item, before, &mut |value| match (last, value) {
        (PathStep::Key(key), Json::Object(map)) => {
            map.shift_remove(key);
        }
        (PathStep::All, Json::Object(map)) => map.clear(),
        (PathStep::All, Json::Array(list)) => list.clear(),
        (PathStep::Index(index), Json::Array(list)) => {
            if let Some(at) = place(*index, list.len()).filter(|at| *at < list.len()) {
                list.remove(at);
            }
        }
        _ => {}
    });
}

/// Keys keep their order.
fn rename(item: &mut Json, from: &str, to: &str) {
    if let Json::Object(map) = item
        && map.contains_key(from)
    {
        let entries = std::mem::take(map);
        map.extend(
            entries.into_iter().map(|(key, value)| (if key == from { to.to_owned() } else { key }, value)),
        );
    }
}

fn hash(value: &mut Json, salt: Option<&Secret>) {
    if value.is_null() {
        return;
    }
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(salt.map_or(&[][..], |salt| salt.expose().as_bytes()));
    match &*value {
        Json::String(text) => context.update(text.as_bytes()),
        other => context.update(other.to_string().as_bytes()),
    }
    *value = Json::from(hex(context.finish().as_ref()));
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Kind::Filter(_) | Kind::Where(_) => "filter",
            Kind::Map(_) => "map",
            Kind::FlatMap(_) => "flat_map",
            Kind::Exclude(_) => "exclude",
            Kind::Rename(..) => "rename",
            Kind::Hash(..) => "hash",
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn changed(step: Step) -> Vec<Json> {
        let page = br#"[{"id": 1, "mail": "a@b", "lines": [{"n": 1, "x": 2}]}, {"id": 2, "mail": null}]"#;
        let (out, count) = apply(&[step], page).unwrap();
        let items: Vec<Json> =
            serde_json::Deserializer::from_slice(&out).into_iter().map(Result::unwrap).collect();
        assert_eq!(items.len() as u64, count);
        items
    }

    #[test]
    fn items_are_changed() {
        assert_eq!(changed(Step::filter(|item| item["id"] == 2)), [json!({"id": 2, "mail": null})]);
        let lines = changed(Step::exclude("lines[*].x").unwrap());
        assert_eq!(lines[0], json!({"id": 1, "mail": "a@b", "lines": [{"n": 1}]}));
        let renamed = changed(Step::rename("mail", "email"));
        assert_eq!(renamed[1].to_string(), r#"{"id":2,"email":null}"#);
        let hashed = changed(Step::hash("mail").unwrap());
        let wanted = "7508d8b5018ea640b85269861a101203f0c26900555268e930025dac844b0f35";
        assert_eq!((&hashed[0]["mail"], &hashed[1]["mail"]), (&json!(wanted), &Json::Null));
        assert_eq!(changed(Step::flat_map(|item| Ok(vec![item.clone(), item]))).len(), 4);
        let path = |text| CursorPath::steps("path", text).unwrap();
        let kept = |test| changed(Step::condition(Condition { path: path("mail"), test })).len();
        assert_eq!(kept(Test::Exists(true)), 1);
        assert_eq!(kept(Test::Equals(json!("a@b"))), 1);
        assert_eq!(kept(Test::NotEquals(json!("a@b"))), 1);
        assert_eq!(kept(Test::In(vec![json!("c"), Json::Null])), 1);
    }
}
