//! Agents, as their backends name them.

use super::text::{ForeignId, Name};

/// The agent that wants to run the action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// The backend's id for the agent.
    pub id: ForeignId,
    /// The agent's display name.
    pub name: Option<Name>,
}

impl Agent {
    /// The display name, or the backend's id if there is none.
    #[must_use]
    pub fn label(&self) -> &str {
        self.name.as_ref().map_or(self.id.as_str(), Name::as_str)
    }
}
