//! Who somebody is, as Slack says: asked for before a transaction, never within one.

use futures::future::BoxFuture;

use crate::domain::ids::{UserId, WorkspaceId};

/// Why Slack did not say who it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// no Slack user has this address.
    #[error("no Slack user has this address")]
    Nobody,
    /// Slack limits look-ups, for this many seconds more.
    #[error("rate limited; retry after {0} s")]
    Limited(u32),
    /// The app may not look users up: it lacks this scope.
    #[error("the Slack app lacks the scope {0}")]
    MissingScope(String),
    /// could not reach Slack.
    #[error("could not reach Slack")]
    Unavailable,
}

/// Finds people by email. The one thing that a use case asks of Slack.
pub trait Directory: std::fmt::Debug + Send + Sync {
    /// The user with this email address in this workspace.
    fn by_email<'a>(
        &'a self,
        workspace: WorkspaceId,
        email: &'a str,
    ) -> BoxFuture<'a, Result<UserId, LookupError>>;
}
