//! The token from the configuration.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::OnceCell;

/// How long a token stays in memory. A change by another instance is seen after this long, or when Slack refuses the
/// old one.
pub(super) const MEMORY: TimeDelta = TimeDelta::seconds(60);

/// The configured token, and what Slack said about it.
pub(super) struct Configured {
    pub(super) token: SecretString,
    /// The workspace that it belongs to, once Slack has said so.
    pub(super) home: OnceCell<String>,
    /// When Slack last refused it.
    refused_at: Mutex<Option<DateTime<Utc>>>,
}

impl Configured {
    pub(super) fn new(token: SecretString) -> Self {
        Self { token, home: OnceCell::new(), refused_at: Mutex::default() }
    }

    pub(super) fn refused(&self, now: DateTime<Utc>) {
        *self.refused_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }

    pub(super) fn was_refused_lately(&self, now: DateTime<Utc>) -> bool {
        let at = *self.refused_at.lock().unwrap_or_else(PoisonError::into_inner);
        at.is_some_and(|at| at + MEMORY > now)
    }

    pub(super) fn is(&self, token: &SecretString) -> bool {
        self.token.expose_secret() == token.expose_secret()
    }
}
