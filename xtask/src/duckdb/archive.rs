//! Taking one file out of a package.

use std::fs::File;
use std::io;
use std::path::Path;

use flate2::read::GzDecoder;
use tar::Archive;

use crate::Result;

/// Writes the file `package/<name>` of a gzipped tarball to `to`, down to the disk.
pub(crate) fn unpack(tarball: &[u8], name: &str, to: &Path) -> Result<()> {
    let wanted = Path::new("package").join(name);
    for entry in Archive::new(GzDecoder::new(tarball)).entries()? {
        let mut entry = entry?;
        if entry.path()? == wanted {
            let mut file = File::create(to)?;
            io::copy(&mut entry, &mut file)?;
            file.sync_all()?;
            return Ok(());
        }
    }
    Err(format!("the package has no file {}", wanted.display()).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn tarball(path: &str, content: &str) -> Vec<u8> {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        let mut builder = tar::Builder::new(Vec::new());
        builder.append_data(&mut header, path, content.as_bytes()).unwrap();
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&builder.into_inner().unwrap()).unwrap();
        gzip.finish().unwrap()
    }

    #[test]
    fn the_library_is_taken_out() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("out");
        let tarball = tarball("package/libduckdb.so", "a library");
        unpack(&tarball, "libduckdb.so", &to).unwrap();
        assert_eq!(std::fs::read_to_string(&to).unwrap(), "a library");
        let error = unpack(&tarball, "duckdb.dll", &to).unwrap_err().to_string();
        assert!(error.contains("duckdb.dll"), "{error}");
    }
}
