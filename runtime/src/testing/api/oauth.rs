//! Tokens that the server gives and wants.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value as Json, json};

use super::{ApiRequest, Reply};

/// Tokens that the server gives at `/token`. They are `access-1`, `access-2` and so on.
pub struct Tokens {
    takes: Box<dyn Fn(&ApiRequest) -> bool + Send + Sync>,
    lifetime: Option<f64>,
    uses: usize,
    rotates: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    given: usize,
    /// How often each token was used.
    used: HashMap<String, usize>,
    /// The refresh token that counts.
    refresh: Option<String>,
    pending: usize,
}

impl Tokens {
    /// Gives tokens to requests that a test takes.
    pub fn new(takes: impl Fn(&ApiRequest) -> bool + Send + Sync + 'static) -> Self {
        Self {
            takes: Box::new(takes),
            lifetime: Some(3600.0),
            uses: usize::MAX,
            rotates: false,
            state: Mutex::default(),
        }
    }

    /// What the server says about how long tokens are valid; `None` says nothing.
    pub fn lifetime(mut self, seconds: Option<f64>) -> Self {
        self.lifetime = seconds;
        self
    }

    /// Tokens are refused behind so many uses, whatever was said about their life.
    pub fn uses(mut self, uses: usize) -> Self {
        self.uses = uses;
        self
    }

    /// Gives a new refresh token with each access token, and takes only the latest.
    pub fn rotates(mut self) -> Self {
        self.rotates = true;
        self
    }

    /// Says so many times that the user has not agreed yet.
    pub fn pending(self, times: usize) -> Self {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).pending = times;
        self
    }

    pub(super) fn give(&self, request: &ApiRequest) -> Reply {
        let state = &mut *self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.pending > 0 {
            state.pending -= 1;
            return Reply::json(400, json!({"error": "authorization_pending"}));
        }
        let sent = request.form("refresh_token");
        let outdated = self.rotates && state.refresh.is_some() && sent.is_some() && sent != state.refresh;
        if !(self.takes)(request) || outdated {
            return Reply::json(400, json!({"error": "invalid_grant"}));
        }
        state.given += 1;
        let token = format!("access-{}", state.given);
        state.used.insert(token.clone(), 0);
        let mut answer = json!({"access_token": token, "token_type": "bearer"});
        if let Some(lifetime) = self.lifetime {
            answer["expires_in"] = lifetime.into();
        }
        if self.rotates {
            let refresh = format!("refresh-{}", state.given + 1);
            answer["refresh_token"] = Json::from(refresh.as_str());
            state.refresh = Some(refresh);
        }
        Reply::json(200, answer)
    }

    pub(super) fn takes(&self, request: &ApiRequest) -> bool {
        let state = &mut *self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let token = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        match token.and_then(|token| state.used.get_mut(token)) {
            Some(used) if *used < self.uses => {
                *used += 1;
                true
            }
            _ => false,
        }
    }
}
