//! A call of an action by an agent.

use serde::Deserialize;
use serde_json::Value;

use crate::backend::{AgentRef, Ask, ConversationRef};

/// An action with its arguments, conversation and reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The integration's key.
    pub integration: String,
    /// The action's key.
    pub action: String,
    /// The agent's id.
    pub agent_id: String,
    /// The agent's name.
    pub agent_name: String,
    /// The title of the conversation.
    pub conversation_title: String,
    /// The agent's reason.
    pub reason: String,
    /// A JSON object.
    pub arguments: Value,
}

#[derive(Deserialize)]
struct Written {
    agent: WrittenAgent,
    conversation: WrittenConversation,
    reason: String,
    arguments: Value,
}

#[derive(Deserialize)]
struct WrittenAgent {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct WrittenConversation {
    title: String,
}

impl Call {
    /// A call of Atlas with a plain title and reason. Callers can change any field.
    #[must_use]
    pub fn new(integration: &str, action: &str, arguments: Value) -> Self {
        Self {
            integration: integration.to_owned(),
            action: action.to_owned(),
            agent_id: "atlas".to_owned(),
            agent_name: "Atlas".to_owned(),
            conversation_title: "Q3 pipeline".to_owned(),
            reason: "It is the next step".to_owned(),
            arguments,
        }
    }

    /// The approval request for this call, to `user`, in the conversation with this id.
    #[must_use]
    pub fn ask(&self, user: &str, conversation_id: &str) -> Ask {
        let mut ask =
            Ask::new(user, &self.integration, &self.action, self.arguments.clone()).because(&self.reason);
        ask.agent = AgentRef { id: self.agent_id.clone(), name: Some(self.agent_name.clone()) };
        ask.conversation = ConversationRef {
            id: conversation_id.to_owned(),
            title: Some(self.conversation_title.clone()),
            url: None,
        };
        ask
    }

    pub(super) fn read(integration: &str, action: &str, written: &Value) -> Result<Self, serde_json::Error> {
        let written = Written::deserialize(written)?;
        Ok(Self {
            integration: integration.to_owned(),
            action: action.to_owned(),
            agent_id: written.agent.id,
            agent_name: written.agent.name,
            conversation_title: written.conversation.title,
            reason: written.reason,
            arguments: written.arguments,
        })
    }
}
