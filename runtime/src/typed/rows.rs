//! The items of a parent as values of a type.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::{Stream, StreamExt, stream};
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::stream::{Pages, Slice};

/// The items of the parent of a resource, one after the other.
///
/// A function with `#[resource(parent = "...")]` takes them as an argument. Fields that the type does not have
/// are skipped.
pub struct Rows<T>(Pin<Box<dyn Stream<Item = Result<T>> + Send>>);

impl<T: DeserializeOwned + Send + 'static> Rows<T> {
    /// The items of the parent that a slice leads to.
    pub fn of(slice: &Slice) -> Self {
        let pages: Pages = slice.parent().unwrap_or_else(|| Box::pin(stream::empty()));
        Self(Box::pin(pages.flat_map(|page| {
            stream::iter(match page {
                Ok(page) => items(page.bytes()),
                Err(error) => vec![Err(error)],
            })
        })))
    }
}

impl<T> Stream for Rows<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(context)
    }
}

/// The items of a page: values one after the other, of which lists are lists of items.
fn items<T: DeserializeOwned>(mut rest: &[u8]) -> Vec<Result<T>> {
    let mut items = Vec::new();
    loop {
        rest = rest.trim_ascii_start();
        let (read, used) = match rest.first() {
            None => return items,
            Some(b'[') => next::<Vec<T>>(rest),
            Some(_) => {
                let (item, used) = next::<T>(rest);
                (item.map(|item| vec![item]), used)
            }
        };
        match read {
            Ok(read) => items.extend(read.into_iter().map(Ok)),
            Err(error) => {
                items.push(Err(error));
                return items;
            }
        }
        rest = rest.get(used..).unwrap_or_default();
    }
}

fn next<T: DeserializeOwned>(bytes: &[u8]) -> (Result<T>, usize) {
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<T>();
    let value = values.next().unwrap_or_else(|| Err(serde::de::Error::custom("there is no value")));
    let value = value.map_err(|e| {
        let kind = std::any::type_name::<T>();
        Error::input(format!("an item of the parent is no {kind}"))
            .cause(e)
            .help("give the type only the fields that are needed, those that may be absent as `Option`")
    });
    (value, values.byte_offset())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_lines_and_values_are_items() {
        let read = |text: &str| items::<u32>(text.as_bytes()).into_iter().collect::<Result<Vec<_>>>();
        assert_eq!(read("[1, 2]\n3 4\n\n[]").unwrap(), [1, 2, 3, 4]);
        let error = read("1 \"x\"").unwrap_err().to_string();
        assert!(error.starts_with("an item of the parent is no u32"), "{error}");
    }
}
