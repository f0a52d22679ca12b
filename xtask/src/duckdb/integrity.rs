//! Whether a download is what it should be.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha512};

use crate::Result;

/// The integrity of bytes, as npm writes it.
fn of(bytes: &[u8]) -> String {
    format!("sha512-{}", STANDARD.encode(Sha512::digest(bytes)))
}

/// Refuses bytes that are not the known ones.
pub(crate) fn check(bytes: &[u8], wanted: &str, package: &str) -> Result<()> {
    let found = of(bytes);
    if found == wanted {
        return Ok(());
    }
    Err(format!(
        "{package} is not the package that was looked at, and nothing of it was kept\n  \
         integrity wanted: {wanted}\n  \
         integrity found:  {found}\n\
         `npm cache clean --force` helps against a damaged download; a package that stays different was replaced"
    )
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    // the digest of the empty text, from the standard that defines SHA-512
    const EMPTY: &str =
        "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==";

    #[test]
    fn the_right_bytes_pass() {
        assert!(check(b"", EMPTY, "p").is_ok());
    }

    #[test]
    fn wrong_bytes_are_refused_with_both_values() {
        let error = check(b"other", EMPTY, "some-package@1").unwrap_err().to_string();
        assert!(error.starts_with("some-package@1 is not the package"), "{error}");
        assert!(error.contains(EMPTY) && error.contains(&of(b"other")), "{error}");
    }
}
