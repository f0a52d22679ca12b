//! For which platforms there is a prebuilt library, and how it is known to be the right one.

use std::env::consts::{ARCH, OS};

use crate::Result;

/// The names of the library on all systems.
pub(crate) const LIBRARIES: [&str; 3] = ["libduckdb.so", "libduckdb.dylib", "duckdb.dll"];

/// A platform and its library.
#[derive(Debug)]
pub(crate) struct Platform {
    /// How the packages call it.
    pub(crate) name: &'static str,
    /// The file in the package.
    pub(crate) library: &'static str,
    /// What the package of the wanted version has as `dist.integrity`.
    pub(crate) integrity: &'static str,
}

/// The platforms whose package was looked at. A new version, or a new platform, is a line of
/// `npm view @duckdb/node-bindings-<name>@<version> dist.integrity`.
pub(crate) const PLATFORMS: [Platform; 2] = [
    Platform {
        name: "linux-x64",
        library: "libduckdb.so",
        integrity: "sha512-IXcrZJE6kEqM0Z4wwdVnGBHX/frOS33VPNAwDXQ/Q+Fs84b058Qe94chrCCIcNJlG8Y3UHIUU4eBeCQxW5mN1Q==",
    },
    Platform {
        name: "linux-x64-musl",
        library: "libduckdb.so",
        integrity: "sha512-PVzIEZqp7QN07WBgjmIH0cK2GKXR735KmL6wnghTzRnhHWrePxx3MjZB9zZHI8tB73wdF8luarBm4EgqSjGyVA==",
    },
];

impl Platform {
    /// The package, as npm wants it named.
    pub(crate) fn package(&self, version: &str) -> String {
        format!("@duckdb/node-bindings-{}@{version}", self.name)
    }
}

/// The platform that we run on.
pub(crate) fn this() -> Result<&'static Platform> {
    find(&name(OS, ARCH, cfg!(target_env = "musl")))
}

fn find(name: &str) -> Result<&'static Platform> {
    PLATFORMS.iter().find(|platform| platform.name == name).ok_or_else(|| {
        let known: Vec<&str> = PLATFORMS.iter().map(|platform| platform.name).collect();
        let ways = super::other_ways();
        format!("no prebuilt DuckDB library is known for {name}, only for {}. {ways}", known.join(" and "))
            .into()
    })
}

/// How the packages call a platform.
fn name(os: &str, arch: &str, musl: bool) -> String {
    let os = match os {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    };
    let arch = match arch {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{os}-{arch}{}", if musl { "-musl" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_are_named_as_their_packages_are() {
        assert_eq!(name("linux", "x86_64", false), "linux-x64");
        assert_eq!(name("linux", "x86_64", true), "linux-x64-musl");
        assert_eq!(name("macos", "aarch64", false), "darwin-arm64");
        assert_eq!(name("windows", "x86_64", false), "win32-x64");
        assert_eq!(PLATFORMS[1].package("1.0.0"), "@duckdb/node-bindings-linux-x64-musl@1.0.0");
    }

    #[test]
    fn an_unknown_platform_is_told_what_else_there_is() {
        assert_eq!(find("linux-x64").unwrap().library, "libduckdb.so");
        let error = find("plan9-x64").unwrap_err().to_string();
        assert!(error.contains("for plan9-x64, only for linux-x64 and linux-x64-musl"), "{error}");
        assert!(error.contains("DUCKDB_LIB_DIR") && error.contains("--features bundled"), "{error}");
    }
}
