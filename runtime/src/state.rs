//! The state of a pipeline: what it remembers between runs.

use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use floe_schema::hash::{canonical_json, compact_json, sha3_base64};
use serde_json::{Map, Value as Json, json};

use crate::error::{Error, ErrorKind, Result};

/// The version of the state format that is written.
pub(crate) const STATE_ENGINE_VERSION: i64 = 4;
/// Properties that do not count as content.
const NOT_CONTENT: [&str; 4] = ["_state_version", "_state_engine_version", "_version_hash", "_local"];
/// Key in the local part: the hash of the state that was stored last.
pub(crate) const LAST_EXTRACTED_HASH: &str = "_last_extracted_hash";
/// A document larger than this is none.
const MAX_DOCUMENT_BYTES: u64 = 1 << 30;

/// A state document in dlt's layout.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct State(Map<String, Json>);

impl State {
    /// The state of a pipeline that never ran.
    pub(crate) fn new() -> Self {
        let mut map = Map::new();
        map.insert("_state_version".to_owned(), 0.into());
        map.insert("_state_engine_version".to_owned(), STATE_ENGINE_VERSION.into());
        Self(map)
    }

    pub(crate) fn from_json(document: Json) -> Result<Self> {
        let Json::Object(map) = document else { return Err(damaged("it is no object")) };
        let engine = map.get("_state_engine_version").and_then(Json::as_i64).unwrap_or_default();
        if engine != STATE_ENGINE_VERSION {
            return Err(damaged(&format!("its format has version {engine}, not {STATE_ENGINE_VERSION}"))
                .help("let a current dlt run the pipeline once, which brings the state up to date"));
        }
        Ok(Self(map))
    }

    pub(crate) fn to_json(&self) -> Json {
        Json::Object(self.0.clone())
    }

    pub(crate) fn version(&self) -> i64 {
        self.0.get("_state_version").and_then(Json::as_i64).unwrap_or(0)
    }

    /// The hash that was set last.
    pub(crate) fn version_hash(&self) -> Option<&str> {
        self.0.get("_version_hash").and_then(Json::as_str)
    }

    pub(crate) fn set(&mut self, key: &str, value: impl Into<Json>) {
        self.0.insert(key.to_owned(), value.into());
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Json> {
        self.0.get(key)
    }

    pub(crate) fn schema_names(&self) -> Vec<String> {
        let names = self.0.get("schema_names").and_then(Json::as_array);
        names.into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
    }

    fn content_hash(&self) -> String {
        let mut content = self.0.clone();
        content.retain(|key, _| !NOT_CONTENT.contains(&key.as_str()));
        sha3_base64([canonical_json(&Json::Object(content)).as_bytes()])
    }

    /// Sets hash and version. The version goes up when the content is another one than before.
    pub(crate) fn bump(&mut self) {
        let hash = self.content_hash();
        let known = self.version_hash().filter(|hash| !hash.is_empty());
        if known.is_some_and(|known| known != hash) {
            self.set("_state_version", self.version() + 1);
        }
        self.set("_version_hash", hash);
    }

    /// What only this machine knows, which is never stored at the destination.
    pub(crate) fn local(&self, key: &str) -> Option<&Json> {
        self.0.get("_local")?.get(key)
    }

    pub(crate) fn set_local(&mut self, key: &str, value: impl Into<Json>) {
        let local = self.0.entry("_local").or_insert_with(|| json!({}));
        if let Some(local) = local.as_object_mut() {
            local.insert(key.to_owned(), value.into());
        }
    }

    pub(crate) fn take_local(&mut self) -> Option<Json> {
        self.0.shift_remove("_local")
    }

    pub(crate) fn put_local(&mut self, local: Option<Json>) {
        if let Some(local) = local {
            self.0.insert("_local".to_owned(), local);
        }
    }

    /// The state of the cursor of a resource.
    pub(crate) fn cursor(&self, schema: &str, resource: &str, path: &str) -> Option<&Json> {
        self.0.get("sources")?.get(schema)?.get("resources")?.get(resource)?.get("incremental")?.get(path)
    }

    pub(crate) fn set_cursor(&mut self, schema: &str, resource: &str, path: &str, state: Json) {
        let sources = self.0.entry("sources").or_insert_with(|| json!({}));
        let mut at = sources;
        for key in [schema, "resources", resource, "incremental"] {
            at = child(at, key);
        }
        *child(at, path) = state;
    }

    /// Lets a cursor go on where one with a former path was.
    pub(crate) fn rename_cursor(
        &mut self,
        schema: &str,
        resource: &str,
        path: &str,
        is_former: impl Fn(&str) -> bool,
    ) -> Option<()> {
        let resources = self.0.get_mut("sources")?.get_mut(schema)?.get_mut("resources")?;
        let cursors = resources.get_mut(resource)?.get_mut("incremental")?.as_object_mut()?;
        if cursors.contains_key(path) {
            return None;
        }
        let former = cursors.keys().find(|known| is_former(known))?.clone();
        let state = cursors.shift_remove(&former)?;
        cursors.insert(path.to_owned(), state);
        Some(())
    }

    /// What a resource remembers besides its cursor.
    pub(crate) fn resource(&self, schema: &str, resource: &str) -> Map<String, Json> {
        let known =
            || self.0.get("sources")?.get(schema)?.get("resources")?.get(resource)?.as_object().cloned();
        let mut values = known().unwrap_or_default();
        values.shift_remove("incremental");
        values
    }

    pub(crate) fn set_resource(&mut self, schema: &str, resource: &str, values: Map<String, Json>) {
        let mut at = self.0.entry("sources").or_insert_with(|| json!({}));
        for key in [schema, "resources", resource] {
            at = child(at, key);
        }
        for (key, value) in values.into_iter().filter(|(key, _)| key != "incremental") {
            *child(at, &key) = value;
        }
    }

    /// Forgets what is known of a resource.
    pub(crate) fn forget_resource(&mut self, schema: &str, resource: &str) {
        self.edit_source(schema, |source| {
            if let Some(Json::Object(resources)) = source.get_mut("resources") {
                resources.shift_remove(resource);
            }
        });
    }

    /// Changes what is known of a source.
    pub(crate) fn edit_source<R>(
        &mut self,
        schema: &str,
        edit: impl FnOnce(&mut Map<String, Json>) -> R,
    ) -> R {
        let sources = self.0.entry("sources").or_insert_with(|| json!({}));
        let place = child(sources, schema);
        let mut source = match place.take() {
            Json::Object(source) => source,
            _ => Map::new(),
        };
        let outcome = edit(&mut source);
        *place = Json::Object(source);
        outcome
    }

    /// What is known of a source.
    pub(crate) fn source(&self, schema: &str) -> Map<String, Json> {
        let source = self.0.get("sources").and_then(|sources| sources.get(schema)?.as_object());
        source.cloned().unwrap_or_default()
    }

    /// Changes what is known of a resource.
    pub(crate) fn edit_resource<R>(
        &mut self,
        schema: &str,
        resource: &str,
        edit: impl FnOnce(&mut Map<String, Json>) -> R,
    ) -> R {
        self.edit_source(schema, |source| {
            let place = child(source.entry("resources").or_insert_with(|| json!({})), resource);
            if !place.is_object() {
                *place = json!({});
            }
            match place.as_object_mut() {
                Some(state) => edit(state),
                None => edit(&mut Map::new()),
            }
        })
    }

    /// Forgets what is known of a source.
    pub(crate) fn forget_source(&mut self, schema: &str) {
        self.edit_source(schema, Map::clear);
    }

    /// The text for the table of states.
    pub(crate) fn encode(&self) -> Result<String> {
        let mut stored = self.0.clone();
        stored.shift_remove("_local");
        let text = compact_json(&Json::Object(stored));
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        let failed = |e| Error::internal("cannot compress the state").cause(e);
        encoder.write_all(text.as_bytes()).map_err(failed)?;
        Ok(STANDARD.encode(encoder.finish().map_err(failed)?))
    }

    /// Reads the text of the table of states.
    pub(crate) fn decode(text: &str) -> Result<Self> {
        let json = decompress(text)?;
        let document = serde_json::from_str(&json).map_err(|e| damaged("it is no JSON").cause(e))?;
        Self::from_json(document)
    }
}

/// Reads a document that may be compressed; if it is not, it is no base64.
pub(crate) fn decompress(text: &str) -> Result<String> {
    let Ok(compressed) = STANDARD.decode(text) else { return Ok(text.to_owned()) };
    let mut json = String::new();
    flate2::read::ZlibDecoder::new(compressed.as_slice())
        .take(MAX_DOCUMENT_BYTES)
        .read_to_string(&mut json)
        .map_err(|e| damaged("it cannot be decompressed").cause(e))?;
    Ok(json)
}

fn child<'j>(value: &'j mut Json, key: &str) -> &'j mut Json {
    if !value.is_object() {
        *value = json!({});
    }
    // the value is an object now, so indexing adds the key
    &mut value[key]
}

fn damaged(why: &str) -> Error {
    Error::new(ErrorKind::Package, format!("the stored pipeline state cannot be used: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATE: &str = r#"{"_state_version":1,"_state_engine_version":4,"pipeline_name":"p","sources":{"p":{"resources":{"items":{"incremental":{"t":{"initial_value":null,"last_value":5,"unique_hashes":["669czW83KR00"],"start_value":null}}}}}},"_version_hash":"+aGct6Pb97G2HUdgeizPtF5HktJKfAj8FVngyWqDKeU="}"#;
    const ENCODED: &str = "eNpNj82qwkAMhd8lW2ehV61acCGIit3IBa8LkRJrrKPTWGcywlV8d6f+QLMIOV/ISXKH1AkKpVeyTp8Z4pb6IuJcc63TUVDqkkwFGQuCGEpQ4M7eZuQgvgcZkqUa0ULFu+DMUkEsaCopb6ZFo0mvaHxwY2+MAoNOvqSrwLO+eEoP6A6V4xqiaJDdVv128ttswiasF7RSt3i8InzxOfw1G25t4DSTaLEd9KY/s+UuJ31byKQ7O8k82Y+O/ckf5/+ryzih5RAeT8L/YlM=";

    #[test]
    fn the_encoding_is_that_of_dlt() {
        let state = State::decode(ENCODED).unwrap();
        assert_eq!(state.to_json(), serde_json::from_str::<Json>(STATE).unwrap());
        assert_eq!(State::decode(STATE).unwrap(), state);
        assert_eq!(State::decode(&state.encode().unwrap()).unwrap(), state);
        assert_eq!(state.content_hash(), state.version_hash().unwrap());
        assert_eq!(state.cursor("p", "items", "t").unwrap()["last_value"], json!(5));
    }

    #[test]
    fn versions_count_changes() {
        let mut state = State::new();
        state.set_cursor("s", "r", "t", json!(1));
        assert_eq!(state.cursor("s", "r", "t"), Some(&json!(1)));
        let mut state = State::new();
        state.set("pipeline_name", "p");
        state.bump();
        assert_eq!(state.version(), 0);
        state.set_cursor("s", "r", "t", json!({"last_value": 1}));
        state.set_local("first_run", true);
        state.bump();
        assert_eq!(state.version(), 1);
        state.set_local("first_run", false);
        state.bump();
        assert_eq!(state.version(), 1);
        assert!(!State::decode(&state.encode().unwrap()).unwrap().to_json().to_string().contains("_local"));
    }

    #[test]
    fn damaged_states_are_errors() {
        for text in ["[]", "nonsense!", "AAAA", r#"{"_state_engine_version":9}"#] {
            let error = State::decode(text).unwrap_err().to_string();
            assert!(error.starts_with("the stored pipeline state cannot be used"), "{error}");
        }
    }
}
