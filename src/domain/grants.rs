//! Grants: standing permissions that users give.

use chrono::{DateTime, TimeDelta, Utc};

pub use super::scopes::{Scope, StandingScope};
use crate::domain::{
    ids::{ActionId, GrantId, UserId, WorkspaceId},
    narrowing::Narrowing,
    own_keys::ConversationKey,
};

/// A conversation grant ends when its conversation has had no request for this long.
pub const SILENCE: TimeDelta = TimeDelta::days(30);

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
    pub const fn scope(&self) -> StandingScope {
        match self {
            Self::Conversation(_) => StandingScope::Conversation,
            Self::Always => StandingScope::Always,
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
    /// What it is narrowed to. `None`: it covers every request in its reach.
    pub narrowing: Option<Narrowing>,
    /// When the grant was given.
    pub created_at: DateTime<Utc>,
}
