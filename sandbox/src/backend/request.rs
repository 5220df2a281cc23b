//! The request that a backend sends.

use serde::Serialize;
use serde_json::Value;

/// The body of `POST /v1/approvals`. Fields with `None` are omitted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ask {
    /// A Slack user id or an email address.
    pub user: String,
    /// The agent that wants to act.
    pub agent: AgentRef,
    /// The conversation that it acts in.
    pub conversation: ConversationRef,
    /// The integration's key.
    pub integration: String,
    /// The action's key.
    pub action: String,
    /// The arguments of the action: a JSON object.
    pub arguments: Value,
    /// Whether the backend runs arguments that the user changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub editable: Option<bool>,
    /// Why, in the agent's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Seconds until the approval expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
    /// Seconds without a listening call after which it is cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abandon_after: Option<u64>,
    /// Where to report its end, beside the backend's endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
    /// Where to post the prompt, if not in the user's direct messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slack: Option<SlackPlace>,
    /// The backend's own data, returned unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
}

/// An agent, as the backend names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AgentRef {
    /// Its stable id.
    pub id: String,
    /// The name that people read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A conversation, as the backend names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConversationRef {
    /// Its stable id.
    pub id: String,
    /// The title that people read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its address for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A channel, and a thread in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SlackPlace {
    /// The channel's id.
    pub channel: String,
    /// The thread, by the `ts` of its first message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_ts: Option<String>,
}

impl Ask {
    /// A request with the required fields, in the conversation `c-1` of the agent `atlas`. Callers can change any
    /// field.
    #[must_use]
    pub fn new(user: &str, integration: &str, action: &str, arguments: Value) -> Self {
        Self {
            user: user.to_owned(),
            agent: AgentRef { id: "atlas".to_owned(), name: Some("Atlas".to_owned()) },
            conversation: ConversationRef { id: "c-1".to_owned(), title: None, url: None },
            integration: integration.to_owned(),
            action: action.to_owned(),
            arguments,
            editable: None,
            reason: None,
            expires_in: None,
            abandon_after: None,
            callback_url: None,
            slack: None,
            metadata: None,
        }
    }

    /// Sets the conversation's id.
    #[must_use]
    pub fn in_conversation(mut self, id: &str) -> Self {
        id.clone_into(&mut self.conversation.id);
        self
    }

    /// Sets another agent.
    #[must_use]
    pub fn by_agent(mut self, id: &str, name: &str) -> Self {
        self.agent = AgentRef { id: id.to_owned(), name: Some(name.to_owned()) };
        self
    }

    /// Sets the agent's reason.
    #[must_use]
    pub fn because(mut self, reason: &str) -> Self {
        self.reason = Some(reason.to_owned());
        self
    }

    /// Lets the user change arguments.
    #[must_use]
    pub fn editable(mut self) -> Self {
        self.editable = Some(true);
        self
    }

    /// Sets the seconds until it expires.
    #[must_use]
    pub fn expiring_in(mut self, seconds: u64) -> Self {
        self.expires_in = Some(seconds);
        self
    }

    /// Sets the seconds without a listening call after which it is cancelled.
    #[must_use]
    pub fn abandoned_after(mut self, seconds: u64) -> Self {
        self.abandon_after = Some(seconds);
        self
    }

    /// Reports its end to this address too.
    #[must_use]
    pub fn calling_back(mut self, url: &str) -> Self {
        self.callback_url = Some(url.to_owned());
        self
    }

    /// Posts the prompt in a channel, in a thread if one is given.
    #[must_use]
    pub fn in_channel(mut self, channel: &str, thread_ts: Option<&str>) -> Self {
        self.slack =
            Some(SlackPlace { channel: channel.to_owned(), thread_ts: thread_ts.map(str::to_owned) });
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Ask;

    #[test]
    fn what_is_not_given_is_not_sent() {
        let ask = Ask::new("U0ALICE", "github", "create_issue", json!({"title": "Bug"})).because("it broke");
        let expected = json!({
            "user": "U0ALICE", "agent": {"id": "atlas", "name": "Atlas"}, "conversation": {"id": "c-1"},
            "integration": "github", "action": "create_issue", "arguments": {"title": "Bug"}, "reason": "it broke"
        });
        assert_eq!(serde_json::to_value(ask).unwrap(), expected);
    }
}
