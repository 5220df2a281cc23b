//! Actions as read under their row lock, and the registration of an action when a request first names it.

use serde_json::json;

use crate::domain::{
    audit::{Actor, AuditAction, Entry},
    catalog::Lock,
    effects::Changed,
    ids::{ActionId, ActionVersionId, BackendId, IntegrationId, WorkspaceId},
    text::{ActionKey, IntegrationKey},
};

/// An action as read under its row lock: the input for judging an admin's command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedAction {
    /// The action's id.
    pub id: ActionId,
    /// The integration's key.
    pub integration: String,
    /// The action's key.
    pub key: String,
    /// Whether users may auto-approve it.
    pub lock: Lock,
    /// The version of the action's current description.
    pub version: ActionVersionId,
    /// Whether a person must open a request's details before they approve it.
    pub must_read: bool,
    /// The version that an admin last unlocked or confirmed. `None`: no admin has.
    pub confirmed: Option<ActionVersionId>,
}

impl LockedAction {
    /// Integration and action as people write them: `salesforce.create_record`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}.{}", self.integration, self.key)
    }
}

/// An action that a request named before a backend described it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedAction {
    /// The id of the new action.
    pub id: ActionId,
    /// The integration that the action is registered with.
    pub integration_id: IntegrationId,
    /// The integration's key.
    pub integration: IntegrationKey,
    /// The action's key.
    pub action: ActionKey,
}

/// Registers an action that a backend's request named. A registered action starts locked.
pub fn register(workspace: WorkspaceId, backend: BackendId, action: NamedAction) -> Changed<NamedAction> {
    let entry = Entry::new(Actor::Backend(backend), AuditAction::ActionRegistered)
        .subject(format!("{}.{}", action.integration, action.action))
        .after(json!({ "locked": true }));
    Changed::new(workspace, action, entry)
}
