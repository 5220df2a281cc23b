//! What a rule's condition may look at.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::domain::{
    approvals::{Agent, Conversation, Request},
    ids::UserId,
    text::{ActionKey, IntegrationKey},
};

/// A request as the rules see it.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The arguments.
    pub arguments: &'a Map<String, Value>,
    /// The agent.
    pub agent: &'a Agent,
    /// The user who is asked.
    pub user: &'a UserId,
    /// The run of the agent.
    pub conversation: &'a Conversation,
    /// The integration's key.
    pub integration: &'a IntegrationKey,
    /// The action's key.
    pub action: &'a ActionKey,
    /// When the request is judged.
    pub now: DateTime<Utc>,
}

impl<'a> Facts<'a> {
    /// The facts of a request that is judged at this time.
    #[must_use]
    pub const fn new(request: &'a Request, now: DateTime<Utc>) -> Self {
        Self {
            arguments: request.arguments.members(),
            agent: &request.agent,
            user: &request.user,
            conversation: &request.conversation,
            integration: &request.action.integration,
            action: &request.action.action,
            now,
        }
    }
}
