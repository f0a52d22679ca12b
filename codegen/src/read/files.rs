//! A document: its main file and the files that it refers to.

use std::collections::{HashMap, VecDeque};
use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use super::{Limits, Node, pointer, text};
use crate::error::{Error, Result};
use crate::finding::{Confidence, Finding};

/// A document that was read, with all local files that it refers to.
#[derive(Debug)]
pub struct Document {
    files: Vec<File>,
    /// Which file a reference of a file means.
    targets: HashMap<(usize, String), usize>,
    limits: Limits,
    findings: Vec<Finding>,
}

#[derive(Debug)]
struct File {
    name: String,
    value: Value,
}

/// Names that main documents of folders have.
const MAIN: &[&str] = &[
    "openapi.yaml",
    "openapi.yml",
    "openapi.json",
    "swagger.yaml",
    "swagger.yml",
    "swagger.json",
    "api.yaml",
    "api.yml",
    "api.json",
];

impl Document {
    /// Reads one document from text; `name` stands for it in messages.
    pub fn from_bytes(name: &str, bytes: &[u8], limits: &Limits) -> Result<Self> {
        let value = text::parse(name, bytes, limits)?;
        let mut document = Self {
            files: vec![File { name: name.to_owned(), value }],
            targets: HashMap::new(),
            limits: limits.clone(),
            findings: Vec::new(),
        };
        document.check()?;
        document.bring_in(None);
        Ok(document)
    }

    /// Reads a file, or a folder with a main document, and the files that it refers to.
    /// Nothing outside the folder is opened.
    pub fn from_path(path: &Path, limits: &Limits) -> Result<Self> {
        let main = if path.is_dir() { main_file(path)? } else { path.to_owned() };
        let folder = if path.is_dir() { path } else { main.parent().unwrap_or(Path::new("")) };
        let name = main.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        let bytes = read(&main, limits)?;
        let value = text::parse(&name, &bytes, limits)?;
        drop(bytes);
        let mut document = Self {
            files: vec![File { name, value }],
            targets: HashMap::new(),
            limits: limits.clone(),
            findings: Vec::new(),
        };
        document.check()?;
        document.bring_in(Some(folder));
        Ok(document)
    }

    /// The main file's value.
    pub fn value(&self) -> &Value {
        self.files.first().map_or(&Value::Null, |f| &f.value)
    }

    pub(crate) fn root(&self) -> Node<'_> {
        Node { value: self.value(), file: 0 }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Follows `$ref` until there is none. Nothing comes back for references that lead nowhere or in circles.
    pub(crate) fn follow<'d>(&'d self, mut node: Node<'d>) -> Option<Node<'d>> {
        for _ in 0..64 {
            let Some(reference) = node.value.get("$ref").and_then(Value::as_str) else { return Some(node) };
            node = self.target(node.file, reference)?;
        }
        None
    }

    fn target(&self, file: usize, reference: &str) -> Option<Node<'_>> {
        let (path, fragment) = pointer::split(reference);
        let file = if path.is_empty() {
            file
        } else {
            match self.targets.get(&(file, path.to_owned())) {
                Some(file) => *file,
                None => return self.component(reference),
            }
        };
        let value = pointer::lookup(&self.files.get(file)?.value, fragment)?;
        Some(Node { value, file })
    }

    /// `"$ref": "Pet"`, which is wrong and common.
    fn component(&self, name: &str) -> Option<Node<'_>> {
        let root = self.root();
        let schemas =
            root.get("components").and_then(|c| c.get("schemas")).or_else(|| root.get("definitions"))?;
        schemas.get(name)
    }

    /// Says what the document is not, before anything is made of it.
    fn check(&self) -> Result<()> {
        let name = self.files.first().map_or("", |f| f.name.as_str());
        match self.value() {
            Value::Object(map) if map.is_empty() => Err(Error::new("the document is empty").at(name)),
            Value::Object(_) => Ok(()),
            _ => Err(Error::new("the document is not an object")
                .at(name)
                .help("give an OpenAPI document (3.x or Swagger 2.0) or a JSON Schema, in JSON or YAML")),
        }
    }

    /// Reads what the files refer to, within the folder.
    fn bring_in(&mut self, folder: Option<&Path>) {
        let root = folder.map(|f| if f.as_os_str().is_empty() { PathBuf::from(".") } else { f.to_owned() });
        let root = root.and_then(|f| f.canonicalize().ok());
        let mut known: HashMap<String, usize> = HashMap::new();
        if let Some(main) = self.files.first() {
            known.insert(main.name.clone(), 0);
        }
        let mut waiting = VecDeque::from([0]);
        while let Some(file) = waiting.pop_front() {
            let Some(from) = self.files.get(file) else { continue };
            let from_name = from.name.clone();
            for reference in foreign(&from.value) {
                let Some(name) = beside(&from_name, &pointer::percent_decode(&reference)) else {
                    self.left_out(&reference, "it is outside the folder, or remote");
                    continue;
                };
                if let Some(&index) = known.get(&name) {
                    self.targets.insert((file, reference), index);
                    continue;
                }
                match self.bring(root.as_deref(), &name) {
                    Ok(value) => {
                        let index = self.files.len();
                        self.files.push(File { name: name.clone(), value });
                        known.insert(name, index);
                        self.targets.insert((file, reference), index);
                        waiting.push_back(index);
                    }
                    Err(why) => self.left_out(&reference, &why.to_string()),
                }
            }
        }
    }

    fn bring(&self, root: Option<&Path>, name: &str) -> Result<Value> {
        let Some(root) = root else { return Err(Error::new("the document did not come from a folder")) };
        if self.files.len() >= self.limits.files {
            return Err(Error::new(format!("there are more than {} files", self.limits.files)));
        }
        // links may lead out of the folder although names do not
        let path = root.join(name).canonicalize().map_err(|e| Error::new(e.to_string()))?;
        if !path.starts_with(root) {
            return Err(Error::new("it is outside the folder"));
        }
        text::parse(name, &read(&path, &self.limits)?, &self.limits)
    }

    fn left_out(&mut self, reference: &str, why: &str) {
        self.findings.push(
            Finding::new("reference", format!("`{reference}` was not read"), Confidence::High).because(why),
        );
    }
}

fn read(path: &Path, limits: &Limits) -> Result<Vec<u8>> {
    let place = path.display().to_string();
    let failed = |e: std::io::Error| Error::new(format!("cannot be read: {e}")).at(place.clone());
    let size = std::fs::metadata(path).map_err(failed)?.len();
    if size > limits.bytes as u64 {
        return Err(Error::new(format!(
            "the file has {size} bytes, more than the limit of {}",
            limits.bytes
        ))
        .at(place)
        .help("raise the limit, or leave out what is not needed"));
    }
    std::fs::read(path).map_err(failed)
}

fn main_file(folder: &Path) -> Result<PathBuf> {
    if let Some(found) = MAIN.iter().map(|name| folder.join(name)).find(|path| path.is_file()) {
        return Ok(found);
    }
    let place = folder.display().to_string();
    let mut candidates: Vec<PathBuf> = std::fs::read_dir(folder)
        .map_err(|e| Error::new(format!("cannot be read: {e}")).at(place.clone()))?
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|e| ["yaml", "yml", "json"].iter().any(|known| e.eq_ignore_ascii_case(known)))
        })
        .collect();
    candidates.sort();
    match candidates.as_slice() {
        [one] => Ok(one.clone()),
        _ => Err(Error::new(format!(
            "the folder has {} documents and none of the usual names",
            candidates.len()
        ))
        .at(place)
        .help("give the main document, or call it openapi.yaml")),
    }
}

/// The files that a value refers to, each once, in order.
fn foreign(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let mut stack = vec![value];
    while let Some(value) = stack.pop() {
        match value {
            Value::Array(items) => stack.extend(items.iter().rev()),
            Value::Object(map) => {
                if let Some(Value::String(reference)) = map.get("$ref") {
                    let (path, _) = pointer::split(reference);
                    // a bare word is a component, wrongly written
                    if path.contains(['.', '/']) && seen.insert(path) {
                        found.push(path.to_owned());
                    }
                }
                stack.extend(map.values().rev());
            }
            _ => {}
        }
    }
    found
}

/// The name, relative to the folder, of a file that stands beside another one.
fn beside(file: &str, reference: &str) -> Option<String> {
    if reference.contains("://") || reference.contains('\0') || reference.contains('\\') {
        return None;
    }
    let mut steps: Vec<String> = Vec::new();
    let folder = Path::new(file).parent().unwrap_or(Path::new(""));
    for step in folder.join(reference).components() {
        match step {
            Component::Normal(name) => steps.push(name.to_str()?.to_owned()),
            Component::CurDir => {}
            Component::ParentDir => {
                steps.pop()?;
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    (!steps.is_empty()).then(|| steps.join("/"))
}
