//! Texts and values with placeholders in them.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::Value as Json;

use super::client::failed;
use crate::error::{Error, Result};

/// What stands for the placeholders. Null is something that is not known yet.
pub(crate) type Values = BTreeMap<String, Json>;

/// What has to be encoded in a segment of a path.
const SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A text with placeholders: `/repos/{owner}/issues`. In a path `{+name}` keeps slashes as they are.
/// Braces that mean themselves are doubled.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Template {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    Value { name: String, reserved: bool },
}

/// What becomes of the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Text,
    Path,
}

impl Template {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let wrong = |what: &str| {
            Error::config(format!("`{text}`: {what}"))
                .help("a placeholder is {name}; a brace that means itself is doubled: {{ or }}")
        };
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            plain.push_str(before);
            if let Some(behind) = from.strip_prefix("{{") {
                plain.push('{');
                rest = behind;
            } else if let Some(behind) = from.strip_prefix("}}") {
                plain.push('}');
                rest = behind;
            } else if let Some(behind) = from.strip_prefix('{') {
                let (name, behind) = behind.split_once('}').ok_or_else(|| wrong("a brace is not closed"))?;
                let (name, reserved) = match name.strip_prefix('+') {
                    Some(name) => (name, true),
                    None => (name, false),
                };
                if name.trim().is_empty() || name.contains('{') {
                    return Err(wrong("a placeholder has no name"));
                }
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                }
                parts.push(Part::Value { name: name.trim().to_owned(), reserved });
                rest = behind;
            } else {
                return Err(wrong("a brace is closed that was not opened"));
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self { text: text.to_owned(), parts })
    }

    /// The names of the placeholders.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Value { name, .. } => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The text with values in it; `None` if one of them is not known yet.
    pub(crate) fn fill(&self, values: &Values, target: Target) -> Result<Option<String>> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Value { name, reserved } => {
                    let value = match values.get(name) {
                        None => return Err(unknown(name, values)),
                        Some(Json::Null) => return Ok(None),
                        Some(value) => value,
                    };
                    let text = plain(name, value)?;
                    match (target, reserved) {
                        (Target::Text, _) => out.push_str(&text),
                        (Target::Path, true) => out.push_str(&without_dots(name, &text)?),
                        (Target::Path, false) => {
                            let text = without_dots(name, &text)?;
                            out.extend(utf8_percent_encode(&text, SEGMENT));
                        }
                    }
                }
            }
        }
        Ok(Some(out))
    }

    /// The name, if the text is nothing but one placeholder.
    fn only(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Value { name, .. }] => Some(name),
            _ => None,
        }
    }
}

fn unknown(name: &str, values: &Values) -> Error {
    let known: Vec<&str> = values.keys().map(String::as_str).collect();
    let error = Error::config(format!("nothing stands for the placeholder `{{{name}}}`"));
    match crate::nearest(name, &known) {
        Some(near) => error.help(format!("did you mean `{{{near}}}`?")),
        None if known.is_empty() => error.help("a brace that means itself is doubled: {{ or }}"),
        None => error.help(format!("there are values for {}", known.join(", "))),
    }
}

/// The text of a single value.
pub(crate) fn plain(name: &str, value: &Json) -> Result<String> {
    match value {
        Json::String(text) => Ok(text.clone()),
        Json::Number(_) | Json::Bool(_) => Ok(value.to_string()),
        Json::Null => Ok(String::new()),
        Json::Array(_) | Json::Object(_) => Err(failed(format!(
            "`{name}` is {value}, which is no single value and cannot be put into a text"
        ))),
    }
}

/// Refuses values that would lead to another path than the one that was written.
fn without_dots(name: &str, text: &str) -> Result<String> {
    let dots = text.split(['/', '\\', '?', '#']).any(|segment| {
        let segment = segment.to_lowercase().replace("%2e", ".");
        segment == "." || segment == ".."
    });
    if dots || text.is_empty() {
        return Err(failed(format!("`{name}` is `{text}`, which cannot be a part of a path")));
    }
    Ok(text.to_owned())
}

/// A JSON value with placeholders in its texts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    Fixed(Json),
    Text(Template),
    List(Vec<Shape>),
    Object(Vec<(Template, Shape)>),
}

impl Shape {
    pub(crate) fn parse(value: &Json) -> Result<Self> {
        Ok(match value {
            Json::String(text) if text.contains(['{', '}']) => Self::Text(Template::parse(text)?),
            Json::Array(list) => Self::List(list.iter().map(Self::parse).collect::<Result<_>>()?),
            Json::Object(map) => Self::Object(
                map.iter()
                    .map(|(key, value)| Ok((Template::parse(key)?, Self::parse(value)?)))
                    .collect::<Result<_>>()?,
            ),
            other => Self::Fixed(other.clone()),
        })
    }

    pub(crate) fn names(&self, visit: &mut dyn FnMut(&str)) {
        match self {
            Self::Fixed(_) => {}
            Self::Text(text) => text.names().for_each(visit),
            Self::List(list) => list.iter().for_each(|shape| shape.names(visit)),
            Self::Object(entries) => entries.iter().for_each(|(key, shape)| {
                key.names().for_each(&mut *visit);
                shape.names(visit);
            }),
        }
    }

    /// The value; what is nothing but a placeholder keeps its type. `None` if it is not known yet, and
    /// objects and lists go without such values.
    pub(crate) fn fill(&self, values: &Values) -> Result<Option<Json>> {
        Ok(match self {
            Self::Fixed(value) => Some(value.clone()),
            Self::Text(text) => match text.only().and_then(|name| values.get(name)) {
                Some(Json::Null) => None,
                Some(value) => Some(value.clone()),
                None => text.fill(values, Target::Text)?.map(Json::from),
            },
            Self::List(list) => {
                let items = list.iter().filter_map(|shape| shape.fill(values).transpose());
                Some(Json::Array(items.collect::<Result<_>>()?))
            }
            Self::Object(entries) => {
                let mut map = serde_json::Map::new();
                for (key, shape) in entries {
                    if let (Some(key), Some(value)) = (key.fill(values, Target::Text)?, shape.fill(values)?) {
                        map.insert(key, value);
                    }
                }
                Some(Json::Object(map))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn values() -> Values {
        let pairs =
            [("id", json!(7)), ("name", json!("a/b c")), ("since", Json::Null), ("up", json!("../x"))];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn path(text: &str) -> Result<Option<String>> {
        Template::parse(text)?.fill(&values(), Target::Path)
    }

    #[test]
    fn values_are_put_into_texts() {
        assert_eq!(path("/x/{id}/y").unwrap().unwrap(), "/x/7/y");
        assert_eq!(path("/x/{name}").unwrap().unwrap(), "/x/a%2Fb%20c");
        assert_eq!(path("/x/{+name}").unwrap().unwrap(), "/x/a/b c");
        assert_eq!(path("/x/{{id}}").unwrap().unwrap(), "/x/{id}");
        assert_eq!(path("/x?since={since}").unwrap(), None);
        let error = path("/x/{+up}").unwrap_err().to_string();
        assert_eq!(error, "`up` is `../x`, which cannot be a part of a path");
        let error = path("/x/{nam}").unwrap_err().to_string();
        assert_eq!(error, "nothing stands for the placeholder `{nam}`\n  help: did you mean `{name}`?");
        for broken in ["{", "{}", "}", "{a{b}}", "{ }"] {
            assert!(Template::parse(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn shapes_keep_types() {
        let shape =
            Shape::parse(&json!({"a": "{id}", "b": ["{id}!", 1], "c": {"{name}": "{since}"}, "d": null}));
        let filled = shape.unwrap().fill(&values()).unwrap().unwrap();
        assert_eq!(filled, json!({"a": 7, "b": ["7!", 1], "c": {}, "d": null}));
    }

    proptest! {
        #[test]
        fn anything_is_read_without_panic(text in "[{}+ a-bü.]{0,20}") {
            if let Ok(template) = Template::parse(&text) {
                let _ = template.fill(&values(), Target::Path);
            }
        }

        #[test]
        fn doubled_braces_mean_themselves(text in "[{}a-c]{0,12}") {
            let doubled = text.replace('{', "{{").replace('}', "}}");
            let filled = Template::parse(&doubled).unwrap().fill(&Values::new(), Target::Text).unwrap();
            prop_assert_eq!(filled, Some(text));
        }

        #[test]
        fn values_stay_in_their_segment(value in "\\PC{1,12}") {
            let values = Values::from([("v".to_owned(), Json::from(value.as_str()))]);
            let path = Template::parse("/a/{v}/b").unwrap().fill(&values, Target::Path);
            if let Ok(Some(path)) = path {
                let url = reqwest::Url::parse(&format!("http://h{path}?q")).unwrap();
                prop_assert_eq!(url.path_segments().unwrap().count(), 3);
                prop_assert_eq!(url.query(), Some("q"));
            }
        }
    }
}
