//! Texts that show nowhere.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};

/// A password, token or key. It prints as `***`, whatever prints it.
///
/// ```
/// use floe::Secret;
/// let token = Secret::new("abc");
/// assert_eq!(format!("{token:?}"), "***");
/// assert_eq!(token.expose(), "abc");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// A secret with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into().into())
    }

    /// The secret of a variable of the environment.
    pub fn from_env(variable: &str) -> crate::Result<Self> {
        match std::env::var(variable) {
            Ok(text) if !text.is_empty() => Ok(Self::new(text)),
            _ => Err(crate::Error::config(format!("the environment has no variable {variable}"))
                .help(format!("set it: export {variable}=..."))),
        }
    }

    /// The text, for where it has to go.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&Secret> for Secret {
    fn from(secret: &Secret) -> Self {
        secret.clone()
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}
