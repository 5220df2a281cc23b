//! A backend's request for an approval, and its answer.

use chrono::TimeDelta;
use serde_json::{Map, Value};

use super::authenticate::ApiKey;
use crate::domain::{
    approvals::{Agent, Approval, Conversation, Place},
    arguments::{Arguments, Digest},
    callbacks::CallbackUrl,
    ids::UserId,
    panel::ApproverSpec,
    text::{ActionKey, ForeignId, IntegrationKey, Prose},
};

/// The user who is asked to decide.
#[derive(Debug, Clone)]
pub enum UserRef {
    /// The user's Slack id.
    Id(UserId),
    /// The user's email address. The service looks it up in Slack.
    Email(String),
}

/// A backend's request for an approval.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The API key that was presented.
    pub key: ApiKey,
    /// A key that a backend repeats to get the same approval again instead of a second one.
    pub idempotency_key: Option<ForeignId>,
    /// The digest of the whole request, to tell a repetition from a different request with the same key.
    pub digest: Digest,
    /// The user who is asked to decide.
    pub user: UserRef,
    /// The agent that wants to run the action.
    pub agent: Agent,
    /// The run of the agent.
    pub conversation: Conversation,
    /// The key of the action's integration.
    pub integration: IntegrationKey,
    /// The key of the action.
    pub action: ActionKey,
    /// The arguments to run the action with.
    pub arguments: Arguments,
    /// Whether the backend runs arguments that the user changes.
    pub editable: bool,
    /// The agent's reason, in its own words.
    pub reason: Option<Prose>,
    /// Who decides instead of the user. Nothing that a backend sends sets it.
    pub approvers: Option<ApproverSpec>,
    /// How long the approval can be decided.
    pub expires_in: TimeDelta,
    /// How long no caller may listen before the approval is cancelled.
    pub abandon_after: Option<TimeDelta>,
    /// Where to report the end of this approval, beside the backend's endpoint.
    pub callback_url: Option<CallbackUrl>,
    /// Where to post the prompt. `None`: in the user's direct messages.
    pub place: Option<Place>,
    /// JSON that is returned to the backend unchanged.
    pub metadata: Option<Map<String, Value>>,
}

/// The result of a request for an approval.
#[derive(Debug)]
pub struct Asked {
    /// The approval: pending, or approved by a grant. A replayed one may have ended in any way.
    pub approval: Approval,
    /// Whether an earlier request with the same idempotency key created the approval.
    pub replayed: bool,
}

/// A request that is ready to be judged. What takes time is done before, because rows are locked while it is judged.
#[derive(Debug)]
pub struct Addressed {
    /// The request.
    pub ask: Ask,
    /// The Slack id of its user, who may have been named by their email address.
    pub user: UserId,
    /// The digest of its arguments.
    pub arguments_digest: Digest,
}
