//! Looking up Slack users. This happens before a transaction, never within one.

use futures::future::BoxFuture;

use crate::domain::ids::{UserId, WorkspaceId};

/// Why Slack did not identify a user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// No Slack user has this address.
    #[error("no Slack user has this address")]
    Nobody,
    /// Slack is rate limiting look-ups. The value is the number of seconds to wait.
    #[error("rate limited; retry after {0} s")]
    Limited(u32),
    /// The app lacks this scope, which it needs to look users up.
    #[error("the Slack app lacks the scope {0}")]
    MissingScope(String),
    /// Slack could not be reached.
    #[error("could not reach Slack")]
    Unavailable,
}

/// Finds users by email address. This is the only thing that use cases ask of Slack.
pub trait Directory: std::fmt::Debug + Send + Sync {
    /// The user with this email address in this workspace.
    fn by_email<'a>(
        &'a self,
        workspace: WorkspaceId,
        email: &'a str,
    ) -> BoxFuture<'a, Result<UserId, LookupError>>;
}
