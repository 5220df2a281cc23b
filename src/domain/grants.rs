//! Grants: standing permissions that users give.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::{
    ids::{ActionId, GrantId, UserId, WorkspaceId},
    own_keys::ConversationKey,
};

/// A conversation grant ends when its conversation has had no request for this long.
pub const SILENCE: TimeDelta = TimeDelta::days(30);

/// What an approval permits beyond the call that was asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// This call only.
    Once,
    /// Every later call of the action in the same conversation of the same backend.
    Conversation,
    /// Every later call of the action, whichever agent or backend asks.
    Always,
}

impl Scope {
    /// The scope as written in the database and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Conversation => "conversation",
            Self::Always => "always",
        }
    }

    /// Parses what [`Scope::as_str`] returns.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        [Self::Once, Self::Conversation, Self::Always].into_iter().find(|scope| scope.as_str() == text)
    }
}

/// What a grant covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// One conversation of one backend.
    Conversation(ConversationKey),
    /// Every later call of the action.
    Always,
}

impl Reach {
    /// The grant's scope.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        match self {
            Self::Conversation(_) => Scope::Conversation,
            Self::Always => Scope::Always,
        }
    }
}

/// A standing permission. It covers only the requests of one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The grant's id.
    pub id: GrantId,
    /// The workspace in which the grant is valid.
    pub workspace: WorkspaceId,
    /// The user who gave the grant.
    pub user: UserId,
    /// The action that the grant permits.
    pub action: ActionId,
    /// The conversation that the grant is limited to, or every later call.
    pub reach: Reach,
    /// When the grant was given.
    pub created_at: DateTime<Utc>,
}
