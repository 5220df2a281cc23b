//! The action that a request names, with its display texts.

use crate::domain::{
    ids::{ActionId, ActionVersionId, IntegrationId},
    text::{ActionKey, IntegrationKey},
};

/// An action and its integration, with the names that people see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionRef {
    /// The action.
    pub id: ActionId,
    /// The integration that the action belongs to.
    pub integration_id: IntegrationId,
    /// The integration's key.
    pub integration: IntegrationKey,
    /// The action's key.
    pub action: ActionKey,
    /// The version of the action's description that the texts below were read from.
    pub version: ActionVersionId,
    /// The integration's display name, or its key if the backend gave none.
    pub integration_name: String,
    /// The action's display name, or its key if the backend gave none.
    pub action_name: String,
    /// What the action does. `None` while a new request is judged: no rule reads it, and nothing shows it at that
    /// point.
    pub description: Option<String>,
    /// Whether the backend declared that the action deletes or overwrites data.
    pub destructive: bool,
}

impl ActionRef {
    /// Integration and action as people write them: `salesforce.create_record`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}.{}", self.integration, self.action)
    }
}
