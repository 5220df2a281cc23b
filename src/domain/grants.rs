//! Grants: a user's standing permissions.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
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

/// Why a grant ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// Its user turned it off.
    TurnedOff,
    /// An admin locked the action.
    ActionLocked,
    /// The integration's backend left the action out.
    ActionRetired,
    /// The integration was disconnected from the user's account.
    Disconnected,
    /// The integration needs a connection from now on, and the user has none.
    ConnectionRequired,
    /// The backend closed the conversation.
    ConversationClosed,
    /// Nobody asked in the conversation for [`SILENCE`].
    ConversationSilent,
    /// The user is no full member any more: deactivated, or a guest.
    NoMember,
    /// The app was removed from the workspace.
    AppRemoved,
}

impl Revocation {
    /// As the database and the audit write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TurnedOff => "turned_off",
            Self::ActionLocked => "action_locked",
            Self::ActionRetired => "action_retired",
            Self::Disconnected => "disconnected",
            Self::ConnectionRequired => "connection_required",
            Self::ConversationClosed => "conversation_closed",
            Self::ConversationSilent => "conversation_silent",
            Self::NoMember => "no_member",
            Self::AppRemoved => "app_removed",
        }
    }
}
