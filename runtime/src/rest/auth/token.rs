//! Tokens that end: one task fetches a new one, the others wait for it.

use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;

use super::oauth::OAuth2;
use crate::error::Result;
use crate::rest::client::Client;
use crate::secret::Secret;

/// A token is not used in its last minute, or its last tenth if it is short-lived.
const MARGIN: Duration = Duration::from_secs(60);

pub(crate) struct Tokens {
    pub(super) oauth: OAuth2,
    current: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    /// The latest refresh token, if the server gave one.
    refresh: Option<Secret>,
}

/// What a server of tokens answers.
pub(super) struct Token {
    pub(super) access: Secret,
    pub(super) refresh: Option<Secret>,
    pub(super) lifetime: Duration,
    pub(super) since: SystemTime,
}

impl Token {
    fn is_fresh(&self, now: SystemTime) -> bool {
        let margin = MARGIN.min(self.lifetime / 10);
        now.duration_since(self.since).is_ok_and(|age| age + margin < self.lifetime)
    }
}

impl Tokens {
    pub(super) fn new(oauth: OAuth2) -> Self {
        Self { oauth, current: Mutex::default() }
    }

    /// A token that is valid for a while.
    pub(super) async fn get(&self, client: &Client) -> Result<Secret> {
        let mut state = self.current.lock().await;
        if let Some(token) = state.token.as_ref().filter(|token| token.is_fresh(SystemTime::now())) {
            return Ok(token.access.clone());
        }
        let token = self.oauth.fetch(client, state.refresh.as_ref()).await?;
        if let Some(refresh) = &token.refresh {
            client.redactor.learn(refresh);
            state.refresh = Some(refresh.clone());
        }
        let access = token.access.clone();
        state.token = Some(token);
        Ok(access)
    }

    /// Forgets a token that was refused, unless another task has a new one already.
    pub(super) async fn forget(&self, refused: &Secret) {
        let mut state = self.current.lock().await;
        if state.token.as_ref().is_some_and(|token| token.access == *refused) {
            state.token = None;
        }
    }
}
