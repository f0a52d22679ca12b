//! `floe pipeline NAME state set|reset`.

use std::path::Path;

use floe::{Error, Result};
use serde_json::{Map, Value as Json};

use super::at;
use crate::args::{Common, StateCommand};

pub(crate) fn change(name: &str, folder: &Path, change: &StateCommand, common: &Common) -> Result<()> {
    let report = match change {
        StateCommand::Set { pointer, value, place } => {
            let value: Json = serde_json::from_str(value).map_err(|e| {
                Error::config(format!("`{value}` is no JSON: {e}"))
                    .help("texts stand in quotes: '\"2024-01-31\"'")
            })?;
            let pointer = pointer.clone();
            at(name, folder, place)?.edit_state(move |state| set(state, &pointer, value))?
        }
        StateCommand::Reset { resources, place } => {
            let resources = resources.clone();
            at(name, folder, place)?.edit_state(move |state| reset(state, &resources))?
        }
    };
    crate::load::print_report(&report, common)
}

fn reset(state: &mut Map<String, Json>, resources: &[String]) -> Result<()> {
    if resources.is_empty() {
        state.clear();
        return Ok(());
    }
    let empty = Map::new();
    let known = state.get("resources").and_then(Json::as_object).unwrap_or(&empty);
    if let Some(unknown) = resources.iter().find(|name| !known.contains_key(*name)) {
        let names: Vec<&str> = known.keys().map(String::as_str).collect();
        return Err(Error::config(format!("there is no state of a resource {unknown}"))
            .help(format!("there is state of {}", names.join(", "))));
    }
    if let Some(Json::Object(known)) = state.get_mut("resources") {
        known.retain(|name, _| !resources.contains(name));
    }
    Ok(())
}

/// Puts a value where a JSON pointer leads to; objects on the way are made.
fn set(state: &mut Map<String, Json>, pointer: &str, value: Json) -> Result<()> {
    let wrong = |why: &str| Error::config(format!("`{pointer}` {why}"));
    let keys = pointer.strip_prefix('/').ok_or_else(|| {
        wrong("is no place in the state")
            .help("write it as /resources/orders/incremental/updated_at/last_value")
    })?;
    let mut keys: Vec<String> =
        keys.split('/').map(|key| key.replace("~1", "/").replace("~0", "~")).collect();
    let last = keys.pop().filter(|key| !key.is_empty()).ok_or_else(|| wrong("ends with a slash"))?;
    let mut place = state;
    for key in keys {
        let next = place.entry(key).or_insert_with(|| Json::Object(Map::new()));
        place = next.as_object_mut().ok_or_else(|| wrong("leads through a value that is no object"))?;
    }
    place.insert(last, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn after(pointer: &str, value: Json) -> Result<Json> {
        let mut state = json!({"resources": {"a": {"n": 1}, "b/c": {}}, "list": [1]});
        let map = state.as_object_mut().unwrap();
        set(map, pointer, value)?;
        Ok(state)
    }

    #[test]
    fn values_are_set_and_objects_made_on_the_way() {
        let state = after("/resources/a/incremental/at/last_value", json!(7)).unwrap();
        assert_eq!(state.pointer("/resources/a/incremental/at/last_value"), Some(&json!(7)));
        assert_eq!(state.pointer("/resources/a/n"), Some(&json!(1)));
        let state = after("/resources/b~1c/x", json!(null)).unwrap();
        assert_eq!(state.pointer("/resources/b~1c/x"), Some(&Json::Null));
    }

    #[test]
    fn pointers_that_lead_nowhere_are_refused() {
        for (pointer, text) in [
            ("resources", "`resources` is no place in the state"),
            ("/list/0", "`/list/0` leads through a value that is no object"),
            ("/resources/", "`/resources/` ends with a slash"),
        ] {
            assert!(after(pointer, json!(1)).unwrap_err().to_string().starts_with(text));
        }
    }

    #[test]
    fn only_known_resources_are_reset() {
        let mut state = json!({"resources": {"a": {}, "b": {}}, "mine": 1});
        let map = state.as_object_mut().unwrap();
        let error = reset(map, &["c".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("there is no state of a resource c"), "{error}");
        reset(map, &["a".to_owned()]).unwrap();
        assert_eq!(json!(map), json!({"resources": {"b": {}}, "mine": 1}));
        reset(map, &[]).unwrap();
        assert_eq!(json!(map), json!({}));
    }
}
