//! An item as a tree of values, for the rows that bring something new.

use std::borrow::Cow;
use std::collections::HashMap;

use floe_schema::hash;

use super::scan::{MAX_DEPTH, NumberToken, Peek, Problem, ScanError, Scanner};
use crate::value::{Value, without_type_mark};

/// A value with its place in the page.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node<'a> {
    pub(crate) at: usize,
    pub(crate) tree: Tree<'a>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tree<'a> {
    Scalar(Value<'a>),
    List(Vec<Node<'a>>),
    /// Keys are distinct, in the order of their first occurrence.
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
}

impl<'a> Node<'a> {
    /// Reads the value at the scanner.
    pub(crate) fn read(scanner: &mut Scanner<'a>, depth: usize) -> Result<Self, ScanError> {
        let peek = scanner.peek()?;
        let at = scanner.position();
        if depth > MAX_DEPTH {
            return Err(ScanError { at, problem: Problem::TooDeep });
        }
        let tree = match peek {
            Peek::Object => Tree::Object(read_object(scanner, depth)?),
            Peek::List => {
                let mut items = Vec::new();
                let mut more = scanner.open_list()?;
                while more {
                    items.push(Node::read(scanner, depth + 1)?);
                    more = scanner.more_elements()?;
                }
                Tree::List(items)
            }
            scalar => Tree::Scalar(read_scalar(scanner, scalar)?),
        };
        Ok(Self { at, tree })
    }

    /// The value of a key, if this is an object that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Node<'a>> {
        match &self.tree {
            Tree::Object(entries) => entries.iter().find(|(k, _)| k == key).map(|(_, node)| node),
            _ => None,
        }
    }

    /// The same as a JSON value, for hashing.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.tree {
            Tree::List(items) => items.iter().map(Node::to_json).collect(),
            Tree::Object(entries) => {
                Json::Object(entries.iter().map(|(k, v)| (k.to_string(), v.to_json())).collect())
            }
            Tree::Scalar(value) => match value {
                Value::Text(text) => Json::from(text.as_ref()),
                Value::Int(int) => match i64::try_from(*int) {
                    Ok(int) => Json::from(int),
                    Err(_) => u64::try_from(*int).map_or(Json::Null, Json::from),
                },
                Value::Double(double) => Json::from(*double),
                Value::Bool(value) => Json::from(*value),
                _ => Json::Null,
            },
        }
    }

    /// The same as compact JSON text, as nested values are stored.
    pub(crate) fn compact(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match &self.tree {
            Tree::Scalar(value) => match value {
                Value::Text(text) => hash::write_text(out, without_type_mark(text)),
                Value::Int(int) => out.push_str(&int.to_string()),
                Value::Double(double) => hash::write_f64(out, *double),
                Value::Bool(true) => out.push_str("true"),
                Value::Bool(false) => out.push_str("false"),
                _ => out.push_str("null"),
            },
            Tree::List(items) => {
                out.push('[');
                for (n, item) in items.iter().enumerate() {
                    if n > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Tree::Object(entries) => {
                out.push('{');
                for (n, (key, node)) in entries.iter().enumerate() {
                    if n > 0 {
                        out.push(',');
                    }
                    hash::write_text(out, key);
                    out.push(':');
                    node.write(out);
                }
                out.push('}');
            }
        }
    }
}

fn read_scalar<'a>(scanner: &mut Scanner<'a>, peek: Peek) -> Result<Value<'a>, ScanError> {
    Ok(match peek {
        Peek::Text => Value::Text(scanner.text()?.decode()?),
        Peek::True => {
            scanner.word("true")?;
            Value::Bool(true)
        }
        Peek::False => {
            scanner.word("false")?;
            Value::Bool(false)
        }
        Peek::Number => match scanner.number()? {
            NumberToken::Int(int) => Value::Int(int.into()),
            NumberToken::Large(int) => Value::Int(int.into()),
            NumberToken::Double(double) => Value::Double(double),
            NumberToken::NotFinite => Value::Null,
        },
        Peek::Null | Peek::Object | Peek::List => {
            scanner.word("null")?;
            Value::Null
        }
    })
}

/// Entries of an object. Of equal keys the last value counts, at the place of the first.
fn read_object<'a>(
    scanner: &mut Scanner<'a>,
    depth: usize,
) -> Result<Vec<(Cow<'a, str>, Node<'a>)>, ScanError> {
    /// From this size on keys are looked up by hash.
    const MANY: usize = 16;
    let mut entries: Vec<(Cow<'a, str>, Node<'a>)> = Vec::new();
    let mut index: HashMap<Cow<'a, str>, usize> = HashMap::new();
    let mut more = scanner.open_object()?;
    while more {
        let key = scanner.key()?.decode()?;
        let node = Node::read(scanner, depth + 1)?;
        if entries.len() == MANY && index.is_empty() {
            index.extend(entries.iter().enumerate().map(|(n, (key, _))| (key.clone(), n)));
        }
        let known = if entries.len() < MANY {
            entries.iter().position(|(k, _)| *k == key)
        } else {
            index.get(&key).copied()
        };
        match known.and_then(|n| entries.get_mut(n)) {
            Some(entry) => entry.1 = node,
            None => {
                if entries.len() >= MANY {
                    index.insert(key.clone(), entries.len());
                }
                entries.push((key, node));
            }
        }
        more = scanner.more_keys()?;
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Node<'_> {
        Node::read(&mut Scanner::new(text.as_bytes(), 0), 0).unwrap()
    }

    #[test]
    fn the_last_of_equal_keys_counts_at_the_first_place() {
        assert_eq!(read(r#"{"a":1,"b":2,"a":3}"#).compact(), r#"{"a":3,"b":2}"#);
        let many: String = (0..40).map(|n| format!("\"k{}\":{n},", n % 20)).collect();
        let text = format!("{{{}\"z\":0}}", many);
        let Tree::Object(entries) = read(&text).tree else { panic!() };
        assert_eq!(entries.len(), 21);
        assert_eq!(entries[3].1.compact(), "23");
    }

    #[test]
    fn compact_text_is_that_of_dlt() {
        let text = r#"{ "ü" : [1.0, 1e16, -0.0, NaN, "\u0000\u0041"], "m": "\uf0261.50" }"#;
        assert_eq!(read(text).compact(), "{\"ü\":[1.0,1e+16,-0.0,null,\"\\u0000A\"],\"m\":\"1.50\"}");
    }

    proptest! {
        #[test]
        fn trees_are_what_serde_json_reads(value in arbitrary_json()) {
            let text = value.to_string();
            let node = read(&text);
            prop_assert_eq!(&node.to_json(), &value);
            let again: serde_json::Value = serde_json::from_str(&node.compact()).unwrap();
            prop_assert_eq!(again, value);
        }
    }

    fn arbitrary_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(Into::into),
            "[a-z\"\\\\\u{0}ü]{0,6}".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 30, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
                prop::collection::vec(("[a-c]{1,2}", inner), 0..5)
                    .prop_map(|entries| serde_json::Value::Object(entries.into_iter().collect())),
            ]
        })
    }
}
