//! Bodies that are sent compressed.
//!
//! They are decompressed here and not by the HTTP library, so that a small answer cannot become a
//! huge page, and because the decoders are in floe already.

use std::io::Read;

/// What the client asks for.
pub(super) const ACCEPTED: &str = "gzip, zstd, br, deflate";

#[derive(Debug, PartialEq)]
pub(super) enum Wrong {
    TooLarge,
    Broken(String),
}

/// The body as it was before compression; several encodings are undone from the last to the first.
pub(super) fn decompress(encoding: &str, mut body: Vec<u8>, limit: u64) -> Result<Vec<u8>, Wrong> {
    for encoding in encoding.split(',').rev().map(str::trim) {
        body = match encoding.to_ascii_lowercase().as_str() {
            "" | "identity" => body,
            "gzip" | "x-gzip" => read(encoding, flate2::read::MultiGzDecoder::new(body.as_slice()), limit)?,
            // there are two ideas of what deflate is
            "deflate" if body.first().is_some_and(|byte| byte & 0x0f == 8) => {
                read(encoding, flate2::read::ZlibDecoder::new(body.as_slice()), limit)?
            }
            "deflate" => read(encoding, flate2::read::DeflateDecoder::new(body.as_slice()), limit)?,
            "br" => read(encoding, brotli::Decompressor::new(body.as_slice(), 64 << 10), limit)?,
            "zstd" => match zstd::stream::read::Decoder::with_buffer(body.as_slice()) {
                Ok(decoder) => read(encoding, decoder, limit)?,
                Err(error) => return Err(Wrong::Broken(format!("the answer is no zstd: {error}"))),
            },
            other => {
                return Err(Wrong::Broken(format!(
                    "the answer is compressed with {other}, which is unknown"
                )));
            }
        };
    }
    Ok(body)
}

fn read(encoding: &str, decoder: impl Read, limit: u64) -> Result<Vec<u8>, Wrong> {
    let mut body = Vec::new();
    match decoder.take(limit + 1).read_to_end(&mut body) {
        Ok(_) if body.len() as u64 > limit => Err(Wrong::TooLarge),
        Ok(_) => Ok(body),
        Err(error) => Err(Wrong::Broken(format!("the answer is broken {encoding}: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn bodies_are_decompressed_up_to_a_limit() {
        let text = b"[1, 2, 3]".repeat(1000);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&text).unwrap();
        let gzip = gzip.finish().unwrap();
        let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        deflate.write_all(&text).unwrap();
        let zstd = zstd::encode_all(text.as_slice(), 1).unwrap();
        let mut br = Vec::new();
        brotli::CompressorWriter::new(&mut br, 4096, 3, 20).write_all(&text).unwrap();
        let both = zstd::encode_all(gzip.as_slice(), 1).unwrap();
        for (encoding, body) in [
            ("gzip", gzip.clone()),
            ("deflate", deflate.finish().unwrap()),
            ("zstd", zstd),
            ("br", br),
            ("gzip, zstd", both),
            ("identity", text.clone()),
        ] {
            assert_eq!(decompress(encoding, body, 9000).as_ref(), Ok(&text), "{encoding}");
        }
        assert_eq!(decompress("gzip", gzip.clone(), 8999), Err(Wrong::TooLarge));
        let cut = gzip[..gzip.len() / 2].to_vec();
        assert!(matches!(decompress("gzip", cut, 9000), Err(Wrong::Broken(_))));
        assert!(matches!(decompress("lzw", gzip, 9000), Err(Wrong::Broken(_))));
    }
}
