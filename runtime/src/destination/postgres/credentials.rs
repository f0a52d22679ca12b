//! Where a server is and how to speak to it.

use std::fmt::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::error::{Error, Result};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
const FORM: &str = "the form is postgresql://user:password@host:port/database?sslmode=require, \
    where special characters are written like %40";
/// Options of Postgres' own clients that floe does not have. Only these are named in errors: where a
/// URL is not written well, a part of the password could look like an option.
const UNKNOWN_OPTIONS: &[&str] =
    &["gssencmode", "krbsrvname", "passfile", "service", "sslcert", "sslcrl", "sslkey", "sslpassword"];

/// How much of a connection is encrypted and checked. The words are those of `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encryption {
    /// Nothing.
    Disable,
    /// Encrypted if the server can, to whoever it is.
    Prefer,
    /// Encrypted, to whoever it is.
    Require,
    /// The server has a certificate of a known authority.
    VerifyCa,
    /// The server has one for its name.
    VerifyFull,
}

impl Encryption {
    fn parse(word: &str) -> Result<Self> {
        Ok(match word {
            "disable" => Self::Disable,
            "allow" | "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => {
                return Err(Error::config("the sslmode of the Postgres credentials is not known")
                    .help("there are disable, prefer, require, verify-ca and verify-full"));
            }
        })
    }

    fn mode(self) -> SslMode {
        match self {
            Self::Disable => SslMode::Disable,
            Self::Prefer => SslMode::Prefer,
            _ => SslMode::Require,
        }
    }
}

/// What a connection needs. The password is never shown.
#[derive(Clone)]
pub(super) struct Credentials {
    pub(super) config: Config,
    pub(super) encryption: Encryption,
    /// Certificates of the authorities that are trusted, instead of those of the system.
    pub(super) authorities: Option<PathBuf>,
}

impl Credentials {
    pub(super) fn new(mut config: Config) -> Self {
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_application_name().is_none() {
            config.application_name("floe");
        }
        let mut credentials = Self { config, encryption: Encryption::Prefer, authorities: None };
        credentials.encrypt(Encryption::Prefer);
        credentials
    }

    pub(super) fn encrypt(&mut self, encryption: Encryption) {
        self.encryption = encryption;
        self.config.ssl_mode(encryption.mode());
    }

    pub(super) fn parse(url: &str) -> Result<Self> {
        // the cause is not told: it may hold a part of the password
        let wrong = || Error::config("the credentials are no URL of a Postgres database").help(FORM);
        if !url.starts_with("postgresql://") && !url.starts_with("postgres://") {
            return Err(wrong());
        }
        let (plain, options) = url.split_once('?').unwrap_or((url, ""));
        let (mut mode, mut authorities, mut rest) = (None, None, Vec::new());
        for option in options.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("sslmode", word)) => mode = Some(Encryption::parse(word)?),
                Some(("sslrootcert", "system")) => authorities = None,
                Some(("sslrootcert", path)) => authorities = Some(PathBuf::from(decode(path))),
                Some((name, _)) if UNKNOWN_OPTIONS.contains(&name) => {
                    let message = format!("floe does not know the option {name} of Postgres credentials");
                    return Err(Error::config(message));
                }
                _ => rest.push(option),
            }
        }
        let config: Config = format!("{plain}?{}", rest.join("&")).parse().map_err(|_| wrong())?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(wrong());
        }
        let mut credentials = Self::new(config);
        credentials.authorities = authorities;
        credentials.encrypt(mode.unwrap_or(Encryption::Prefer));
        Ok(credentials)
    }

    /// Whether all of it stays on this machine, in sockets that are files.
    pub(super) fn is_local(&self) -> bool {
        let hosts = self.config.get_hosts();
        !hosts.is_empty() && hosts.iter().all(|host| !matches!(host, Host::Tcp(_)))
    }

    /// A URL without the password.
    pub(super) fn location(&self) -> String {
        let config = &self.config;
        let user = config.get_user().map(|user| format!("{user}@")).unwrap_or_default();
        let (mut hosts, mut options) = (Vec::new(), Vec::new());
        for (n, host) in config.get_hosts().iter().enumerate() {
            let port = config.get_ports().get(n).or(config.get_ports().first()).filter(|port| **port != 5432);
            match host {
                Host::Tcp(name) => {
                    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
                    hosts.push(if name.contains(':') {
                        format!("[{name}]{port}")
                    } else {
                        format!("{name}{port}")
                    });
                }
                #[cfg(unix)]
                Host::Unix(path) => {
                    options.push(format!("host={}", path.display()));
                    options.extend(port.map(|port| format!("port={port}")));
                }
            }
        }
        let mut text = format!("postgresql://{user}{}", hosts.join(","));
        if let Some(database) = config.get_dbname() {
            // writing to a text cannot fail
            let _ = write!(text, "/{database}");
        }
        if !options.is_empty() {
            let _ = write!(text, "?{}", options.join("&"));
        }
        text
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("location", &self.location())
            .field("encryption", &self.encryption)
            .field("authorities", &self.authorities)
            .finish_non_exhaustive()
    }
}

/// Takes `%40` and the like back.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escaped = tail.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_have_no_password() {
        for (url, location) in [
            ("postgresql://ada:s3cret@db.example/shop", "postgresql://ada@db.example/shop"),
            ("postgres://ada:s3cret@db:5433/shop?sslmode=require", "postgresql://ada@db:5433/shop"),
            (
                "postgresql://ada:s3cret@/shop?host=/tmp/s&port=6000",
                "postgresql://ada@/shop?host=/tmp/s&port=6000",
            ),
            ("postgresql://ada@%2Ftmp%2Fs/shop?password=s3cret", "postgresql://ada@/shop?host=/tmp/s"),
            ("postgresql://ada:s3cret@[::1]:5433/shop", "postgresql://ada@[::1]:5433/shop"),
            ("postgresql://ada:s3%63ret@a:1,b:2/shop", "postgresql://ada@a:1,b:2/shop"),
        ] {
            let credentials = Credentials::parse(url).unwrap();
            assert_eq!(credentials.location(), location);
            assert!(credentials.config.get_password().is_none_or(|p| p == b"s3cret"), "{url}");
            assert!(!format!("{credentials:?}").contains("s3cret"));
        }
    }

    #[test]
    fn a_password_may_have_a_question_mark() {
        let credentials = Credentials::parse("postgresql://ada:x?s3cret=1@db/shop").unwrap();
        assert_eq!(credentials.config.get_password(), Some(b"x?s3cret=1".as_slice()));
        assert!(!format!("{credentials:?}").contains("s3cret"));
    }

    #[test]
    fn errors_have_no_password() {
        for url in [
            "s3cret",
            "mysql://ada:s3cret@db/shop",
            "postgresql://ada:s3cret@db:port/shop",
            "postgresql://ada:s3cret@db/shop?sslmode=s3cret",
            "postgresql://ada:s3cret@db/shop?sslkey=s3cret",
            "postgresql://",
        ] {
            let error = Credentials::parse(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
            assert_eq!(error.kind(), crate::ErrorKind::Config, "{url}");
        }
    }

    #[test]
    fn encryption_is_asked_for_in_the_url() {
        let encryption = |options: &str| {
            let credentials = Credentials::parse(&format!("postgresql://db/shop{options}")).unwrap();
            (credentials.encryption, credentials.config.get_ssl_mode())
        };
        assert_eq!(encryption(""), (Encryption::Prefer, SslMode::Prefer));
        assert_eq!(encryption("?sslmode=disable"), (Encryption::Disable, SslMode::Disable));
        assert_eq!(encryption("?sslmode=verify-full"), (Encryption::VerifyFull, SslMode::Require));
        let credentials = Credentials::parse("postgresql://db/x?sslrootcert=/a%20b/ca.pem").unwrap();
        assert_eq!(credentials.authorities, Some(PathBuf::from("/a b/ca.pem")));
    }
}
