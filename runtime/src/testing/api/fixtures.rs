//! Answers that are kept in files.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;
use serde_json::Value as Json;

use super::{Api, Reply};
use crate::error::{Error, Result};

/// A file: a pattern of paths and what is answered there.
#[derive(Deserialize)]
struct Fixture {
    path: String,
    answers: Vec<Json>,
}

impl Api {
    /// Answers from the JSON files of a folder, each with `path`, in which `*` stands for any text, and `answers`.
    /// Requests of a path get one answer after the other; the last one stays.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// let pets = r#"{"path": "/owners/*/pets", "answers": [[{"id": 1}, {"id": 2}], []]}"#;
    /// std::fs::write(folder.path().join("pets.json"), pets).unwrap();
    /// let server = floe::testing::Api::new().fixtures(folder.path())?.start();
    /// # drop(server);
    /// # Ok::<(), floe::Error>(())
    /// ```
    pub fn fixtures(mut self, folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let entries = std::fs::read_dir(folder).map_err(|e| Error::io("read", folder, e))?;
        let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
        files.sort();
        let mut fixtures = Vec::new();
        for file in files {
            let text = std::fs::read_to_string(&file).map_err(|e| Error::io("read", &file, e))?;
            let fixture: Fixture = serde_json::from_str(&text)
                .map_err(|e| Error::config(format!("{} is no fixture: {e}", file.display())))?;
            fixtures.push(fixture);
        }
        // what is named counts more than what any text fits
        fixtures.sort_by_key(|fixture| std::cmp::Reverse(fixture.path.replace('*', "").len()));
        for Fixture { path, answers } in fixtures {
            let asked: Mutex<HashMap<String, usize>> = Mutex::default();
            self = self.route(path, move |request| {
                let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
                let count = asked.entry(request.path().to_owned()).or_default();
                let answer = answers.get(*count).or(answers.last());
                *count += 1;
                Reply::json(200, answer.unwrap_or(&Json::Null))
            });
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_fixtures_are_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.json"), "{}").unwrap();
        let error = Api::new().fixtures(folder.path()).err().unwrap().to_string();
        assert!(error.contains("a.json is no fixture: missing field `path`"), "{error}");
        assert!(Api::new().fixtures(folder.path().join("none")).is_err());
    }
}
