//! The tokens of all workspaces, as this instance knows them.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use tokio_util::task::TaskTracker;

use crate::{
    service::{
        Service, ServiceError,
        tokens::{self, Tokens},
    },
    slack::web_api::{
        error::{CallError, Reason, Refusal},
        oauth_access::Credentials,
        rate_limiter::RateLimiter,
        tokens::configured::{Configured, MEMORY},
    },
};

/// Slack's error for an expired token.
pub(super) const EXPIRED: Refusal = Refusal { reason: Reason::InvalidToken, code: "token_expired" };

/// Finds the workspaces' tokens. Cheap to clone.
#[derive(Clone)]
pub struct TokenStore(pub(super) Arc<Inner>);

/// Allows one exchange of a workspace's token at a time, and remembers the error of the last one.
type RefreshLock = Arc<tokio::sync::Mutex<Option<(CallError, DateTime<Utc>)>>>;

pub(super) struct Inner {
    pub(super) service: Service,
    pub(super) http: reqwest::Client,
    pub(super) api_url: String,
    pub(super) configured: Option<Configured>,
    pub(super) credentials: Option<Credentials>,
    pub(super) limiter: Arc<RateLimiter>,
    pub(super) remembered: Mutex<HashMap<String, (Tokens, DateTime<Utc>)>>,
    pub(super) locks: Mutex<HashMap<String, RefreshLock>>,
    /// Exchanges in progress, which a shutdown waits for.
    pub(super) background: TaskTracker,
}

impl fmt::Debug for TokenStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenStore").finish_non_exhaustive()
    }
}

impl TokenStore {
    /// Finds tokens: the configured one, and those of installations.
    #[must_use]
    pub fn new(
        service: Service,
        http: reqwest::Client,
        api_url: &str,
        configured: Option<SecretString>,
        credentials: Option<Credentials>,
        limiter: Arc<RateLimiter>,
        background: TaskTracker,
    ) -> Self {
        Self(Arc::new(Inner {
            service,
            http,
            api_url: api_url.trim_end_matches('/').to_owned(),
            configured: configured.map(Configured::new),
            credentials,
            limiter,
            remembered: Mutex::default(),
            locks: Mutex::default(),
            background,
        }))
    }

    /// The service's clock.
    pub(in crate::slack::web_api) fn now(&self) -> DateTime<Utc> {
        self.0.service.now()
    }

    /// The configured token.
    #[must_use]
    pub fn configured(&self) -> Option<&SecretString> {
        self.0.configured.as_ref().map(|configured| &configured.token)
    }

    /// The workspace that the configured token belongs to, if Slack has said so already.
    #[must_use]
    pub fn home(&self) -> Option<&str> {
        self.0.configured.as_ref().and_then(|configured| configured.home.get()).map(String::as_str)
    }

    /// Whether there is a configured token whose workspace is not known yet.
    #[must_use]
    pub fn is_unsettled(&self) -> bool {
        self.configured().is_some() && self.home().is_none()
    }

    /// Stores which workspace the configured token belongs to.
    pub fn settle(&self, slack_id: &str) {
        if let Some(configured) = &self.0.configured {
            // A token never changes its workspace, so a second call has no effect.
            let _ = configured.home.set(slack_id.to_owned());
        }
    }

    /// The token for the workspace with this Slack id. An expired one is replaced first.
    pub async fn token_for(&self, slack_id: &str) -> Result<SecretString, CallError> {
        let now = self.0.service.now();
        let Some(configured) = self.configured_for(slack_id) else {
            return self.installed(slack_id, now).await;
        };
        if configured.was_refused_lately(now) {
            match self.installed(slack_id, now).await {
                Err(CallError::NoToken) => {}
                found => return found,
            }
        }
        Ok(configured.token.clone())
    }

    /// The configured token, if it belongs to this workspace.
    fn configured_for(&self, slack_id: &str) -> Option<&Configured> {
        self.0.configured.as_ref().filter(|_| self.home() == Some(slack_id))
    }

    /// The token of the workspace's installation.
    async fn installed(&self, slack_id: &str, now: DateTime<Utc>) -> Result<SecretString, CallError> {
        let tokens = self.tokens(slack_id, now).await?;
        let Some(expires_at) = tokens.expires_at.filter(|_| tokens.refresh.is_some()) else {
            return Ok(tokens.bot);
        };
        if now >= expires_at {
            return self.refresh(slack_id, tokens.bot).await;
        }
        Ok(tokens.bot)
    }

    /// A token to use instead of this one, which Slack refused: a newer one, or one in exchange for it.
    pub async fn replacement_for(
        &self,
        slack_id: &str,
        used: &SecretString,
        refusal: Refusal,
    ) -> Result<SecretString, CallError> {
        self.forget(slack_id);
        let refused = || CallError::Refused(refusal);
        let configured = self.configured_for(slack_id);
        if let Some(configured) = configured.filter(|configured| configured.is(used)) {
            let now = self.0.service.now();
            configured.refused(now);
            // The installation's own token may still work.
            return match self.installed(slack_id, now).await {
                Err(CallError::NoToken) => Err(refused()),
                found => found,
            };
        }
        let stored = self.read(slack_id).await?;
        if stored.bot.expose_secret() != used.expose_secret() {
            return Ok(stored.bot);
        }
        if refusal == EXPIRED {
            return self.refresh(slack_id, stored.bot).await;
        }
        let now = self.0.service.now();
        let configured = configured.filter(|configured| !configured.was_refused_lately(now));
        configured.map(|configured| configured.token.clone()).ok_or_else(refused)
    }

    /// Removes a workspace from memory, because its installation changed.
    pub fn forget(&self, slack_id: &str) {
        self.0.remembered.lock().unwrap_or_else(PoisonError::into_inner).remove(slack_id);
    }

    pub(in crate::slack::web_api) fn lock(&self, slack_id: &str) -> RefreshLock {
        let mut locks = self.0.locks.lock().unwrap_or_else(PoisonError::into_inner);
        locks.entry(slack_id.to_owned()).or_default().clone()
    }

    /// The app was installed again, so tokens and errors of the earlier installation no longer apply.
    pub fn forget_installation(&self, slack_id: &str) {
        self.forget(slack_id);
        self.0.locks.lock().unwrap_or_else(PoisonError::into_inner).remove(slack_id);
    }

    /// The tokens of the workspace's installation, from memory or the database.
    pub(super) async fn tokens(&self, slack_id: &str, now: DateTime<Utc>) -> Result<Tokens, CallError> {
        match self.recall(slack_id, now) {
            Some(tokens) => Ok(tokens),
            None => self.read(slack_id).await,
        }
    }

    async fn read(&self, slack_id: &str) -> Result<Tokens, CallError> {
        let found = tokens::find(&self.0.service, slack_id).await.map_err(|error| unreadable(&error))?;
        let tokens = found.ok_or(CallError::NoToken)?;
        self.keep(slack_id, tokens.clone());
        Ok(tokens)
    }

    pub(super) fn recall(&self, slack_id: &str, now: DateTime<Utc>) -> Option<Tokens> {
        let remembered = self.0.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.get(slack_id).filter(|(_, at)| *at + MEMORY > now).map(|(tokens, _)| tokens.clone())
    }

    pub(super) fn keep(&self, slack_id: &str, tokens: Tokens) -> SecretString {
        let bot = tokens.bot.clone();
        let mut remembered = self.0.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.insert(slack_id.to_owned(), (tokens, self.0.service.now()));
        bot
    }
}

pub(super) fn unreadable(failure: &ServiceError) -> CallError {
    CallError::Unreadable(failure.to_string())
}
