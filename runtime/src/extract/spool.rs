//! Items on disk: what passed extraction and waits to be normalised.
//!
//! A line holds the number that the item has in its file, a tab, and a list with the item.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Extraction, Walked};
use crate::error::{Error, ErrorKind, Result};
use crate::incremental::Boundary;
use crate::input::{Framing, Numbering, Origin, PAGE_BYTES, Page, PageSource, Unit};
use crate::package::Items;

/// Files that are open at once.
const OPEN_FILES: usize = 128;

/// Writes the items of a package.
pub(crate) struct SpoolWriter {
    folder: PathBuf,
    files: Vec<(Items, Option<BufWriter<File>>)>,
}

impl SpoolWriter {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), files: Vec::new() }
    }

    /// Adds the items of a page, except for those of tables that take none.
    pub(crate) fn add(
        &mut self,
        page: &Page,
        extraction: &Extraction,
        takes: &dyn Fn(&str) -> bool,
    ) -> Result<Walked> {
        let (mut at, mut lines) = (0, 0);
        extraction.walk(page, &mut Boundary::default(), &mut |table, item| {
            let skipped = page.bytes.get(at..item.at).unwrap_or_default();
            lines += memchr::memchr_iter(b'\n', skipped).count();
            at = item.at;
            if takes(table) { self.write(page, table, page.number(lines), item.text) } else { Ok(()) }
        })
    }

    fn write(&mut self, page: &Page, table: &str, number: Option<u64>, item: &[u8]) -> Result<()> {
        let (path, file) = self.file(page, table)?;
        // line breaks between the parts of an item are blanks
        let line: Vec<u8> = item.iter().map(|b| if *b == b'\n' { b' ' } else { *b }).collect();
        let written = write!(file, "{}\t[", number.unwrap_or_default())
            .and_then(|()| file.write_all(&line))
            .and_then(|()| file.write_all(b"]\n"));
        written.map_err(|e| Error::io("write", &path, e))
    }

    /// The file for items of a table from one origin.
    fn file(&mut self, page: &Page, table: &str) -> Result<(PathBuf, &mut BufWriter<File>)> {
        let (origin, unit) = (page.origin.file.as_deref(), page.unit());
        let same =
            |items: &Items| items.table == table && items.origin.as_deref() == origin && items.unit == unit;
        let at = self.files.iter().position(|(items, _)| same(items)).unwrap_or(self.files.len());
        if at == self.files.len() {
            let (origin, file) = (origin.map(str::to_owned), format!("{at:06}.items"));
            self.files.push((Items { table: table.to_owned(), file, origin, unit }, None));
        }
        if self.files.iter().filter(|(_, file)| file.is_some()).count() >= OPEN_FILES {
            self.close_all()?;
        }
        let Some((items, file)) = self.files.get_mut(at) else {
            return Err(Error::internal("a file of items is not known"));
        };
        let path = self.folder.join(&items.file);
        let file = match file {
            Some(file) => file,
            None => {
                let opened = File::options().append(true).create(true).open(&path);
                file.insert(BufWriter::new(opened.map_err(|e| Error::io("write", &path, e))?))
            }
        };
        Ok((path, file))
    }

    fn close_all(&mut self) -> Result<()> {
        for (items, file) in &mut self.files {
            let Some(file) = file.take() else { continue };
            let path = self.folder.join(&items.file);
            let synced = file.into_inner().map_err(|e| e.into_error()).and_then(|file| file.sync_all());
            synced.map_err(|e| Error::io("write", &path, e))?;
        }
        Ok(())
    }

    /// Makes sure that all items are on disk.
    pub(crate) fn finish(mut self) -> Result<Vec<Items>> {
        self.close_all()?;
        Ok(self.files.into_iter().map(|(items, _)| items).collect())
    }
}

/// Reads items back.
pub(crate) struct SpoolReader {
    reader: BufReader<File>,
    path: PathBuf,
    origin: Option<Arc<str>>,
    unit: Unit,
}

impl SpoolReader {
    pub(crate) fn open(folder: &Path, items: &Items) -> Result<Self> {
        let path = folder.join(&items.file);
        let file = File::open(&path).map_err(|e| Error::io("read", &path, e))?;
        let origin = items.origin.as_deref().map(Arc::from);
        Ok(Self { reader: BufReader::new(file), path, origin, unit: items.unit })
    }
}

impl PageSource for SpoolReader {
    fn next_page(&mut self, mut buffer: Vec<u8>) -> Result<Option<Page>> {
        buffer.clear();
        let mut numbers = Vec::new();
        let mut line = Vec::new();
        while buffer.len() < PAGE_BYTES {
            line.clear();
            let read = self.reader.read_until(b'\n', &mut line);
            if read.map_err(|e| Error::io("read", &self.path, e))? == 0 {
                break;
            }
            let tab = line.iter().position(|b| *b == b'\t');
            let number = tab.and_then(|at| std::str::from_utf8(line.get(..at)?).ok()?.parse().ok());
            let (Some(tab), Some(number)) = (tab, number) else {
                return Err(Error::new(ErrorKind::Package, format!("{} is damaged", self.path.display())));
            };
            numbers.push(number);
            buffer.extend_from_slice(line.get(tab + 1..).unwrap_or_default());
        }
        let lines = Numbering::Listed { numbers, unit: self.unit };
        let origin = Origin { file: self.origin.clone(), lines };
        Ok((!buffer.is_empty()).then_some(Page::new(buffer, Framing::Lines, origin)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Resource;
    use floe_schema::Naming;

    #[test]
    fn items_come_back_with_their_places() {
        let folder = tempfile::tempdir().unwrap();
        let resource = Resource::from_json(&serde_json::json!(
            {"name": "r", "table_name": {"field": "kind"}}
        ));
        let extraction = Extraction::new(resource.unwrap(), None, Naming::snake_case());
        let text =
            "\n{\"kind\": \"a\",\n\"x\": [1]}\n[{\"kind\": \"b\"},\n{\"kind\": \"a\"}]\n{\"kind\": \"no\"}";
        let origin = Origin { file: Some("f.json".into()), lines: Numbering::Text { line: 11, column: 0 } };
        let page = Page::new(text.into(), Framing::Values, origin);
        let mut writer = SpoolWriter::new(folder.path());
        writer.add(&page, &extraction, &|table| table != "no").unwrap();
        let items = writer.finish().unwrap();
        let read = |n: usize| {
            SpoolReader::open(folder.path(), &items[n]).unwrap().next_page(Vec::new()).unwrap().unwrap()
        };
        assert_eq!(items.iter().map(|i| i.table.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(read(0).bytes, b"[{\"kind\": \"a\", \"x\": [1]}]\n[{\"kind\": \"a\"}]\n");
        assert_eq!((read(0).number(0), read(0).number(1), read(1).number(0)), (Some(12), Some(15), Some(14)));
        assert_eq!(read(1).place(3).to_string(), "f.json:14");
    }

    #[test]
    fn damaged_items_are_reported() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x"), "no number").unwrap();
        let items = Items { table: "t".into(), file: "x".into(), origin: None, unit: Unit::Line };
        let error = SpoolReader::open(folder.path(), &items).unwrap().next_page(Vec::new()).unwrap_err();
        assert!(error.to_string().ends_with("x is damaged"));
    }
}
