//! The action that a request names, with its display texts.

use crate::domain::{
    field_hints::Presentation,
    ids::{ActionId, ActionVersionId, IntegrationId},
    risk::Impact,
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
    /// What the backend declares about the action's effect. Like the description, incomplete while a new request is
    /// judged.
    pub impact: Impact,
    /// How a request is shown. Empty while a new request is judged.
    pub presentation: Presentation,
    /// Whether a schema describes the arguments. `false` while a new request is judged.
    pub has_input_schema: bool,
    /// Whether a person must open a request's details before they approve it. `false` while a new request is judged.
    pub must_read: bool,
}

impl ActionRef {
    /// Integration and action as people write them: `salesforce.create_record`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}.{}", self.integration, self.action)
    }
}
