//! Parameters, in the styles of OpenAPI.

use reqwest::Url;
use serde_json::Value as Json;

use super::template::{Shape, Values, plain};
use crate::error::Result;

/// How lists and objects are written into a parameter, as OpenAPI names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// `a=1&a=2`, or `a=1,2` if not exploded. The default.
    #[default]
    Form,
    /// `a=1 2`.
    SpaceDelimited,
    /// `a=1|2`.
    PipeDelimited,
    /// `a[key]=1`.
    DeepObject,
    /// `a[]=1&a[]=2`, which is none of OpenAPI's but frequent.
    Brackets,
    /// `1,2`, for paths and headers.
    Simple,
    /// `.1.2`, for paths.
    Label,
    /// `;a=1;a=2`, for paths.
    Matrix,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Param {
    pub(crate) name: String,
    pub(crate) value: Json,
    pub(crate) place: In,
    pub(crate) style: Style,
    pub(crate) explode: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum In {
    Path,
    Query,
    Header,
    Cookie,
}

/// A parameter whose placeholders are read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ready {
    pub(crate) name: String,
    pub(crate) shape: Shape,
    style: Style,
    explode: bool,
}

impl Param {
    pub(crate) fn ready(&self) -> Result<Ready> {
        Ok(Ready {
            name: self.name.clone(),
            shape: Shape::parse(&self.value)?,
            style: self.style,
            explode: self.explode,
        })
    }
}

impl Ready {
    /// Adds the parameter to a query, unless its value is not known yet.
    pub(crate) fn query(&self, url: &mut Url, values: &Values) -> Result<()> {
        let Some(value) = self.shape.fill(values)? else { return Ok(()) };
        let pairs = pairs(&self.name, &value, self.style, self.explode)?;
        if !pairs.is_empty() {
            url.query_pairs_mut().extend_pairs(pairs);
        }
        Ok(())
    }

    /// The parameter as one text, for a path, a header or a cookie.
    pub(crate) fn text(&self, values: &Values) -> Result<Option<String>> {
        let Some(value) = self.shape.fill(values)? else { return Ok(None) };
        let (name, explode) = (self.name.as_str(), self.explode);
        let joined = |separator: &str| -> Result<String> {
            let parts: Vec<String> = match &value {
                Json::Array(list) => list.iter().map(|v| plain(name, v)).collect::<Result<_>>()?,
                Json::Object(map) if explode => {
                    map.iter().map(|(k, v)| Ok(format!("{k}={}", plain(name, v)?))).collect::<Result<_>>()?
                }
                Json::Object(map) => {
                    let pairs = map.iter().map(|(k, v)| Ok([k.clone(), plain(name, v)?]));
                    pairs.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect()
                }
                single => vec![plain(name, single)?],
            };
            Ok(parts.join(separator))
        };
        Ok(Some(match self.style {
            Style::Label => format!(".{}", joined(if explode { "." } else { "," })?),
            Style::Matrix if explode && value.is_array() => {
                format!(";{name}={}", joined(&format!(";{name}="))?)
            }
            Style::Matrix if explode && value.is_object() => format!(";{}", joined(";")?),
            Style::Matrix => format!(";{name}={}", joined(",")?),
            _ => joined(",")?,
        }))
    }
}

pub(crate) fn pairs(name: &str, value: &Json, style: Style, explode: bool) -> Result<Vec<(String, String)>> {
    let single = |value: &Json| plain(name, value);
    let own = |value: String| (name.to_owned(), value);
    let separator = match style {
        Style::SpaceDelimited => " ",
        Style::PipeDelimited => "|",
        _ => ",",
    };
    let together = !explode || matches!(style, Style::SpaceDelimited | Style::PipeDelimited | Style::Simple);
    Ok(match value {
        Json::Null => Vec::new(),
        Json::Array(list) => {
            let texts = list.iter().map(single).collect::<Result<Vec<_>>>()?;
            match style {
                _ if texts.is_empty() => Vec::new(),
                Style::Brackets => texts.into_iter().map(|text| (format!("{name}[]"), text)).collect(),
                _ if together => vec![own(texts.join(separator))],
                _ => texts.into_iter().map(own).collect(),
            }
        }
        Json::Object(map) if style == Style::DeepObject => {
            let mut pairs = Vec::new();
            for (key, value) in map {
                // deeper ones are not defined by OpenAPI, but everyone writes them like this
                pairs.extend(self::pairs(&format!("{name}[{key}]"), value, style, explode)?);
            }
            pairs
        }
        Json::Object(map) => {
            let entries = map.iter().map(|(key, value)| Ok((key.clone(), single(value)?)));
            let entries = entries.collect::<Result<Vec<_>>>()?;
            if together {
                let texts: Vec<String> = entries.into_iter().flat_map(|(key, value)| [key, value]).collect();
                vec![own(texts.join(separator))]
            } else {
                entries
            }
        }
        value => vec![own(single(value)?)],
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ready(value: Json, style: Style, explode: bool) -> Ready {
        Param { name: "a".into(), value, place: In::Query, style, explode }.ready().unwrap()
    }

    // the examples of OpenAPI
    #[test]
    fn queries_are_written_in_every_style() {
        for (value, style, explode, wanted) in [
            (json!("blue"), Style::Form, true, "a=blue"),
            (json!(true), Style::Form, true, "a=true"),
            (json!(null), Style::Form, true, ""),
            (json!(["blue", "black"]), Style::Form, true, "a=blue&a=black"),
            (json!(["blue", "black"]), Style::Form, false, "a=blue,black"),
            (json!({"R": 100, "G": 200}), Style::Form, true, "R=100&G=200"),
            (json!({"R": 100, "G": 200}), Style::Form, false, "a=R,100,G,200"),
            (json!([1, 2]), Style::SpaceDelimited, false, "a=1 2"),
            (json!([1, 2]), Style::PipeDelimited, false, "a=1|2"),
            (json!({"R": 100, "G": {"x": 1}}), Style::DeepObject, true, "a[R]=100&a[G][x]=1"),
            (json!([1, 2]), Style::Brackets, true, "a[]=1&a[]=2"),
            (json!([]), Style::Form, true, ""),
        ] {
            let mut url = Url::parse("http://h/").unwrap();
            ready(value, style, explode).query(&mut url, &Values::new()).unwrap();
            let pairs: Vec<String> = url.query_pairs().map(|(key, value)| format!("{key}={value}")).collect();
            assert_eq!(pairs.join("&"), wanted);
        }
    }

    #[test]
    fn paths_are_written_in_every_style() {
        for (value, style, explode, wanted) in [
            (json!("blue"), Style::Simple, false, "blue"),
            (json!(["blue", "black"]), Style::Simple, false, "blue,black"),
            (json!({"R": 100, "G": 200}), Style::Simple, false, "R,100,G,200"),
            (json!({"R": 100, "G": 200}), Style::Simple, true, "R=100,G=200"),
            (json!(["blue", "black"]), Style::Label, true, ".blue.black"),
            (json!("blue"), Style::Matrix, false, ";a=blue"),
            (json!(["blue", "black"]), Style::Matrix, false, ";a=blue,black"),
            (json!(["blue", "black"]), Style::Matrix, true, ";a=blue;a=black"),
            (json!({"R": 100, "G": 200}), Style::Matrix, true, ";R=100;G=200"),
        ] {
            let text = ready(value, style, explode).text(&Values::new()).unwrap();
            assert_eq!(text.as_deref(), Some(wanted));
        }
    }
}
