//! The action of a request.

use crate::domain::{
    ids::{ActionId, ActionVersionId, IntegrationId},
    text::{ActionKey, IntegrationKey},
};

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
    /// The version of its description that the following is read from.
    pub version: ActionVersionId,
    /// The integration's name for people; its key if nobody gave one.
    pub integration_name: String,
    /// The action's name for people; its key if nobody gave one.
    pub action_name: String,
    /// What it does. Not read where a request is asked: nothing there shows it or is judged by it.
    pub description: Option<String>,
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
