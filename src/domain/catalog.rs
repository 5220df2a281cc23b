//! Integrations and their actions, and whether an action may be auto-approved for a user.

use super::{
    ids::{ActionId, IntegrationId},
    text::{ActionKey, IntegrationKey},
};

/// The most actions of an integration that are not retired.
pub const MOST_ACTIONS: u16 = 500;

/// The most integrations of a workspace.
pub const MOST_INTEGRATIONS: u16 = 500;

/// What an agent uses and what it does with it, as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionRef {
    /// The action.
    pub id: ActionId,
    /// The integration it belongs to.
    pub integration_id: IntegrationId,
    /// The integration's key.
    pub integration: IntegrationKey,
    /// The action's key.
    pub action: ActionKey,
    /// The integration's name for people; its key if nobody gave one.
    pub integration_name: String,
    /// The action's name for people; its key if nobody gave one.
    pub action_name: String,
    /// The backend says that the action destroys something.
    pub destructive: bool,
}

impl ActionRef {
    /// The pair as it is written: `salesforce.create_record`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}.{}", self.integration, self.action)
    }
}

/// Whether users may auto-approve an action at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// An admin has allowed it.
    Unlocked,
    /// No admin has.
    Locked,
    /// The integration no longer has the action: there is nothing that an admin could allow.
    Retired,
}

impl Lock {
    /// Reads what the database says of an action.
    #[must_use]
    pub const fn of(unlocked: bool, retired: bool) -> Self {
        match (unlocked, retired) {
            (_, true) => Self::Retired,
            (true, false) => Self::Unlocked,
            (false, false) => Self::Locked,
        }
    }
}

/// What decides whether a standing permission may be used or given, as read under lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Whether the action may be auto-approved.
    pub lock: Lock,
    /// The user has the integration connected, or the integration needs no connection.
    pub connected: bool,
    /// The backend closed the conversation.
    pub conversation_closed: bool,
}

/// Why there is no auto-approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Barrier {
    /// No admin has unlocked the action.
    Locked,
    /// The integration no longer has the action.
    Retired,
    /// The user hasn't connected the integration.
    NotConnected,
}

impl Standing {
    /// What stands in the way of auto-approval, the lock first: without it nothing else helps.
    #[must_use]
    pub const fn barrier(self) -> Option<Barrier> {
        match self.lock {
            Lock::Locked => Some(Barrier::Locked),
            Lock::Retired => Some(Barrier::Retired),
            Lock::Unlocked if !self.connected => Some(Barrier::NotConnected),
            Lock::Unlocked => None,
        }
    }
}
