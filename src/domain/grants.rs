//! Grants: a user's standing permissions.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::{
    ids::{ActionId, BackendId, GrantId, UserId, WorkspaceId},
    text::ForeignId,
};

/// A conversation grant ends by itself when nobody asked in its conversation for this long.
pub const SILENCE: TimeDelta = TimeDelta::days(30);

/// How far an approval reaches.
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
    /// As the database and JSON write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Conversation => "conversation",
            Self::Always => "always",
        }
    }

    /// Reads what [`Scope::as_str`] wrote.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        [Self::Once, Self::Conversation, Self::Always].into_iter().find(|scope| scope.as_str() == text)
    }
}

/// What a grant covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// One conversation of one backend.
    Conversation {
        /// Whose conversation.
        backend: BackendId,
        /// The backend's id for it.
        conversation: ForeignId,
    },
    /// Everything.
    Always,
}

impl Reach {
    /// The scope's name.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        match self {
            Self::Conversation { .. } => Scope::Conversation,
            Self::Always => Scope::Always,
        }
    }
}

/// A permission to be written down. It is personal: it names the one user whose requests it covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// Where it holds.
    pub workspace: WorkspaceId,
    /// Whose it is.
    pub user: UserId,
    /// What it permits.
    pub action: ActionId,
    /// How far it reaches.
    pub reach: Reach,
    /// When it was given.
    pub created_at: DateTime<Utc>,
}
