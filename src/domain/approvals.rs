//! Approvals: one request by an agent to run one action once.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

pub use super::agent::Agent;
use crate::domain::{
    action_ref::ActionRef,
    arguments::{Arguments, Digest},
    decision::Decision,
    editing::EditedArguments,
    ids::{ApprovalId, BackendId, UserId, WorkspaceId},
    outcome::Outcome,
    own_keys::ConversationKey,
    panel::ApproverSpec,
    pause::Pause,
    results::ApprovalResult,
    rule_ref::RuleRef,
    text::{ForeignId, Link, Name, Prose},
};

/// One run of an agent with a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// The backend's id for the conversation. Unique only within that backend.
    pub id: ForeignId,
    /// The conversation's display title.
    pub title: Option<Name>,
    /// Where a person can read the conversation.
    pub url: Option<Link>,
}

/// Where the backend wants the prompt posted. Without a place, the prompt goes to the user's direct messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// A channel id, `C…` or `G…`.
    pub channel: Text64,
    /// The `ts` of the first message of the thread to post in.
    pub thread_ts: Option<Text64>,
}

/// A short text that Slack issued, such as a channel id or a `ts`.
pub type Text64 = super::text::Text<64>;

/// What an agent asks a user to approve. A request never changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The approval's id.
    pub id: ApprovalId,
    /// The user's workspace.
    pub workspace: WorkspaceId,
    /// The backend that asks.
    pub backend: BackendId,
    /// The user who decides.
    pub user: UserId,
    /// The agent that wants to run the action.
    pub agent: Agent,
    /// The run of the agent that the request belongs to.
    pub conversation: Conversation,
    /// Whether the conversation is the user's own: the request was made with a key that is bound to them.
    pub own_conversation: bool,
    /// Who decides instead of the user, if a rule says so.
    pub approvers: Option<ApproverSpec>,
    /// The action to run.
    pub action: ActionRef,
    /// The arguments to run the action with.
    pub arguments: Arguments,
    /// The digest of `arguments`.
    pub digest: Digest,
    /// Whether the backend runs arguments that the user changes.
    pub editable: bool,
    /// The agent's reason, in its own words.
    pub reason: Option<Prose>,
    /// JSON that is returned to the backend unchanged. Slack never shows it.
    pub metadata: Option<Map<String, Value>>,
    /// Where to post the prompt.
    pub place: Option<Place>,
    /// When the request was made.
    pub created_at: DateTime<Utc>,
    /// The approval can no longer be decided from this moment on.
    pub expires_at: DateTime<Utc>,
    /// The rules that it was judged by when it was made. `None`: there were none.
    pub policy: Option<RuleRef>,
    /// When arguments, reason and metadata were deleted after the retention time. They are empty since then.
    pub contents_deleted_at: Option<DateTime<Utc>>,
}

impl Request {
    /// What identifies its conversation.
    #[must_use]
    pub fn conversation_key(&self) -> ConversationKey {
        let user = self.own_conversation.then(|| self.user.clone());
        ConversationKey::new(self.backend, user, self.conversation.id.clone())
    }

    /// Whether the user can change arguments: the backend says so, the action has a schema, and no others decide.
    #[must_use]
    pub const fn is_editable(&self) -> bool {
        self.editable
            && self.action.has_input_schema
            && self.approvers.is_none()
            && self.contents_deleted_at.is_none()
    }
}

/// A request, its decision if there is one, and what came of it if that was reported.
#[derive(Debug, Clone, PartialEq)]
pub struct Approval {
    /// The request.
    pub request: Request,
    /// The decision. `None` while the approval is pending.
    pub decision: Option<Decision>,
    /// What came of the approved call. `None` if its backend has not reported it.
    pub result: Option<ApprovalResult>,
    /// The pause that it falls under while it is pending. `None`: it can be approved.
    pub pause: Option<Box<Pause>>,
}

impl Approval {
    /// The approval's id.
    #[must_use]
    pub const fn id(&self) -> ApprovalId {
        self.request.id
    }

    /// The request as it was approved: with the arguments that the user changed, if they did.
    #[must_use]
    pub fn as_approved(&self) -> Cow<'_, Request> {
        match self.decision.as_ref().and_then(Decision::edited) {
            None => Cow::Borrowed(&self.request),
            Some(EditedArguments { arguments, digest }) => {
                Cow::Owned(Request { arguments: arguments.clone(), digest: *digest, ..self.request.clone() })
            }
        }
    }

    /// Whether the approval is pending, or how it ended.
    #[must_use]
    pub fn status(&self) -> Status {
        self.decision.as_ref().map_or(Status::Pending, |decision| Status::Ended(decision.outcome()))
    }
}

/// The state of an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Not decided yet.
    Pending,
    /// Decided. An ended approval never changes.
    Ended(Outcome),
}

impl Status {
    /// The status as written in the database and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ended(outcome) => outcome.as_str(),
        }
    }

    /// Parses what [`Status::as_str`] returns.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Every status.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Ended(Outcome::Approved),
        Self::Ended(Outcome::Denied),
        Self::Ended(Outcome::Expired),
        Self::Ended(Outcome::Cancelled),
        Self::Ended(Outcome::Undeliverable),
    ];
}
