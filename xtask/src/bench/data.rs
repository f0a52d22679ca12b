//! Files of the data, written once.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::random::Random;
use super::shapes;
use crate::Result;

/// To be raised when shapes change, so that no old file is measured.
const EDITION: u32 = 1;

/// What the items look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Issues,
    Events,
    Orders,
}

impl Shape {
    pub(crate) const ALL: [Self; 3] = [Self::Issues, Self::Events, Self::Orders];

    /// Its name, which is that of the table as well.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Issues => "issues",
            Self::Events => "events",
            Self::Orders => "orders",
        }
    }
}

/// The file with so many rows of a shape.
pub(crate) fn file(folder: &Path, shape: Shape, rows: u64) -> Result<PathBuf> {
    let path = folder.join(format!("{}-{rows}.{EDITION}.jsonl", shape.name()));
    if path.is_file() {
        return Ok(path);
    }
    println!("writing {rows} rows of {}", shape.name());
    fs::create_dir_all(folder)?;
    let unfinished = path.with_extension("unfinished");
    let mut out = BufWriter::with_capacity(1 << 20, File::create(&unfinished)?);
    write(&mut out, shape, rows)?;
    // on the disk before anything is measured, so that no one is slowed by writing it back
    out.into_inner().map_err(|e| e.into_error())?.sync_all()?;
    fs::rename(&unfinished, &path)?;
    Ok(path)
}

fn write(out: &mut impl Write, shape: Shape, rows: u64) -> Result<()> {
    let random = &mut Random::new(1);
    for row in 0..rows {
        match shape {
            Shape::Issues => write_line(out, &shapes::issue(random, row))?,
            Shape::Events => write_line(out, &shapes::event(random, row))?,
            Shape::Orders => write_line(out, &shapes::order(random, row))?,
        }
    }
    Ok(())
}

fn write_line(out: &mut impl Write, item: &impl Serialize) -> Result<()> {
    serde_json::to_writer(&mut *out, item)?;
    Ok(out.write_all(b"\n")?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value as Json;

    fn text(shape: Shape, rows: u64) -> String {
        let mut out = Vec::new();
        write(&mut out, shape, rows).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn data_is_the_same_every_time() {
        for shape in Shape::ALL {
            assert_eq!(text(shape, 50), text(shape, 50));
            assert!(text(shape, 50).starts_with(&text(shape, 10)), "fewer rows are the start of more");
        }
    }

    #[test]
    fn items_have_their_size_and_their_lists() {
        let sizes = Shape::ALL.map(|shape| text(shape, 1000).len() / 1000);
        assert!((1000..1800).contains(&sizes[0]), "issues have {} bytes a row", sizes[0]);
        assert!((200..400).contains(&sizes[1]), "events have {} bytes a row", sizes[1]);
        assert!((500..1000).contains(&sizes[2]), "orders have {} bytes a row", sizes[2]);
        let orders = text(Shape::Orders, 100);
        let nested = orders.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
        assert!(
            nested
                .flat_map(|o| o["lines"].as_array().unwrap().clone())
                .any(|line| line["discounts"][0]["pct"].is_u64())
        );
    }

    #[test]
    fn a_file_is_written_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path(), Shape::Events, 3).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 3);
        fs::write(&path, "kept").unwrap();
        assert_eq!(file(folder.path(), Shape::Events, 3).unwrap(), path);
        assert_eq!(fs::read_to_string(&path).unwrap(), "kept");
    }
}
