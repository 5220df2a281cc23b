//! Actions as they are locked, and registered when a request names them first.

use serde_json::json;

use crate::domain::{
    audit::{Actor, AuditAction, Entry},
    catalog::Lock,
    effects::Changed,
    ids::{ActionId, ActionVersionId, BackendId, IntegrationId, WorkspaceId},
    text::{ActionKey, IntegrationKey},
};

/// An action under its lock, and what an admin's command is judged by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedAction {
    /// The action.
    pub id: ActionId,
    /// Its integration's key.
    pub integration: String,
    /// Its key.
    pub key: String,
    /// Whether users may auto-approve it.
    pub lock: Lock,
    /// Its present description.
    pub version: ActionVersionId,
    /// The description that an admin unlocked or confirmed last.
    pub confirmed: Option<ActionVersionId>,
}

impl LockedAction {
    /// The pair as it is written: `salesforce.create_record`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}.{}", self.integration, self.key)
    }
}

/// An action that a request named before a backend described it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedAction {
    /// The action.
    pub id: ActionId,
    /// The integration that it is registered with.
    pub integration_id: IntegrationId,
    /// The integration's key.
    pub integration: IntegrationKey,
    /// The action's key.
    pub action: ActionKey,
}

/// Registers an action that a backend's request named, locked.
pub fn register(workspace: WorkspaceId, backend: BackendId, action: NamedAction) -> Changed<NamedAction> {
    let entry = Entry::new(Actor::Backend(backend), AuditAction::ActionRegistered)
        .subject(format!("{}.{}", action.integration, action.action))
        .after(json!({ "locked": true }));
    Changed::new(workspace, action, entry)
}
