//! What a resource reads from.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// Something with items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Feed {
    File {
        path: PathBuf,
        /// How messages name it.
        name: Arc<str>,
    },
    Text(Arc<[u8]>),
    /// Has to be copied to a file first.
    Stdin,
}

impl Feed {
    pub(crate) fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let name = path.display().to_string().into();
        Self::File { path, name }
    }

    /// Something that can be read as often as it takes: standard input is copied into a folder.
    pub(crate) fn replayable(self, folder: &Path) -> Result<Self> {
        if self != Self::Stdin {
            return Ok(self);
        }
        let path = folder.join("stdin");
        let mut file = File::create(&path).map_err(|e| Error::io("write", &path, e))?;
        std::io::copy(&mut std::io::stdin().lock(), &mut file)
            .map_err(|e| Error::input("cannot read standard input").cause(e))?;
        Ok(Self::File { path, name: "-".into() })
    }

    /// How messages name it.
    pub(crate) fn name(&self) -> Option<Arc<str>> {
        match self {
            Self::File { name, .. } => Some(name.clone()),
            Self::Stdin => Some("-".into()),
            Self::Text(_) => None,
        }
    }

    /// The file name, which may tell the format.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::File { path, .. } => Some(path),
            Self::Text(_) | Self::Stdin => None,
        }
    }

    pub(crate) fn bytes(&self) -> Option<u64> {
        match self {
            Self::File { path, .. } => std::fs::metadata(path).ok().map(|m| m.len()),
            Self::Text(text) => Some(text.len() as u64),
            Self::Stdin => None,
        }
    }

    /// Opens it, counting what is read.
    pub(crate) fn open(&self, count: &Arc<AtomicU64>) -> Result<Box<dyn Read + Send>> {
        let reader: Box<dyn Read + Send> = match self {
            Self::File { path, .. } => Box::new(self.open_file(path)?),
            Self::Text(text) => Box::new(Cursor::new(text.clone())),
            Self::Stdin => return Err(Error::internal("standard input was not copied")),
        };
        Ok(Box::new(Counting { reader, count: count.clone() }))
    }

    fn open_file(&self, path: &Path) -> Result<File> {
        let failed = |e| Error::input(format!("cannot open {}", path.display())).cause(e);
        let file = File::open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.is_dir() {
            return Err(Error::input(format!("{} is a folder", path.display()))
                .help("name its files, for example with a pattern such as 'folder/*.jsonl'"));
        }
        Ok(file)
    }

    /// The file, for formats that are not read from beginning to end.
    pub(crate) fn seekable(&self) -> Result<File> {
        match self {
            Self::File { path, .. } => self.open_file(path),
            Self::Text(_) | Self::Stdin => Err(Error::input("this format can only be read from a file")),
        }
    }
}

struct Counting {
    reader: Box<dyn Read + Send>,
    count: Arc<AtomicU64>,
}

impl Read for Counting {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// The files that a path or pattern means, in order of their names.
pub(crate) fn expand(pattern: &str) -> Result<Vec<Feed>> {
    if Path::new(pattern).exists() {
        return Ok(vec![Feed::file(pattern)]);
    }
    if !pattern.contains(['*', '?', '[']) {
        return Err(Error::config(format!("there is no file {pattern}")).help(
            "check the path; patterns such as 'folder/*.jsonl' work as well, and - is standard input",
        ));
    }
    let wrong = |e: glob::PatternError| Error::config(format!("{pattern} is no pattern")).cause(e);
    let mut feeds = Vec::new();
    for path in glob::glob(pattern).map_err(wrong)? {
        let path = path.map_err(|e| {
            let path = e.path().to_owned();
            Error::io("list", &path, e.into())
        })?;
        if path.is_file() {
            feeds.push(Feed::file(path));
        }
    }
    if feeds.is_empty() {
        return Err(Error::config(format!("no file matches {pattern}")));
    }
    Ok(feeds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_files_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.json", "a.json", "c.txt", "[odd].json"] {
            std::fs::write(folder.path().join(name), "1").unwrap();
        }
        let found = |pattern: &str| expand(&folder.path().join(pattern).display().to_string());
        let names = |feeds: Vec<Feed>| -> Vec<String> {
            let name = |f: &Feed| f.path()?.file_name()?.to_str().map(str::to_owned);
            feeds.iter().filter_map(name).collect()
        };
        assert_eq!(names(found("?.json").unwrap()), ["a.json", "b.json"]);
        assert_eq!(names(found("[odd].json").unwrap()), ["[odd].json"]);
        assert!(found("*.csv").unwrap_err().to_string().starts_with("no file matches"));
        assert!(found("[.csv").unwrap_err().to_string().contains("is no pattern"));
    }

    #[test]
    fn missing_files_and_folders_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let open = |feed: Feed| feed.open(&Arc::default()).err().unwrap().to_string();
        assert!(open(Feed::file(folder.path().join("no"))).starts_with("cannot open"));
        assert!(open(Feed::file(folder.path())).contains("is a folder"));
    }
}
