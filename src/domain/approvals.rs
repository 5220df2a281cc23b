//! Approvals: one request of one agent to run one action once.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::domain::{
    action_ref::ActionRef,
    arguments::{Arguments, Digest},
    decision::Decision,
    ids::{ApprovalId, BackendId, UserId, WorkspaceId},
    outcome::Outcome,
    text::{ForeignId, Link, Name, Prose},
};

/// Who runs the action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// The backend's id for it.
    pub id: ForeignId,
    /// Its name for people.
    pub name: Option<Name>,
}

impl Agent {
    /// What to call it: its name, or its id.
    #[must_use]
    pub fn label(&self) -> &str {
        self.name.as_ref().map_or(self.id.as_str(), Name::as_str)
    }
}

/// One run of an agent with a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// The backend's id for it.
    pub id: ForeignId,
    /// Its title for people.
    pub title: Option<Name>,
    /// Where it can be read.
    pub url: Option<Link>,
}

/// Where the request wants the prompt; the user's direct messages otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// A channel's id, `C…` or `G…`.
    pub channel: Text64,
    /// The thread's first message in it.
    pub thread_ts: Option<Text64>,
}

/// A short text of Slack's.
pub type Text64 = super::text::Text<64>;

/// What an agent asks, and of whom. It never changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Its id.
    pub id: ApprovalId,
    /// Where the user is.
    pub workspace: WorkspaceId,
    /// Who asks.
    pub backend: BackendId,
    /// Who is asked.
    pub user: UserId,
    /// Who wants to run the action.
    pub agent: Agent,
    /// In which run.
    pub conversation: Conversation,
    /// What it wants to run.
    pub action: ActionRef,
    /// With what.
    pub arguments: Arguments,
    /// The digest of `arguments`.
    pub digest: Digest,
    /// Why, in the agent's own words.
    pub reason: Option<Prose>,
    /// Echoed to the backend, and shown to nobody.
    pub metadata: Option<Map<String, Value>>,
    /// Where to ask.
    pub place: Option<Place>,
    /// When it was asked.
    pub created_at: DateTime<Utc>,
    /// From this moment on nobody can decide it any more.
    pub expires_at: DateTime<Utc>,
}

/// A request and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Approval {
    /// What was asked.
    pub request: Request,
    /// `None` while it is pending.
    pub decision: Option<Decision>,
}

impl Approval {
    /// The approval's id.
    #[must_use]
    pub const fn id(&self) -> ApprovalId {
        self.request.id
    }

    /// Where it stands.
    #[must_use]
    pub fn status(&self) -> Status {
        self.decision.as_ref().map_or(Status::Pending, |decision| Status::Ended(decision.outcome()))
    }
}

/// Where an approval stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Still pending.
    Pending,
    /// It ended, and stays as it is.
    Ended(Outcome),
}

impl Status {
    /// As the database and JSON write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ended(outcome) => outcome.as_str(),
        }
    }

    /// Reads what [`Status::as_str`] wrote.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Every status, in the words of JSON.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Ended(Outcome::Approved),
        Self::Ended(Outcome::Denied),
        Self::Ended(Outcome::Expired),
        Self::Ended(Outcome::Cancelled),
        Self::Ended(Outcome::Undeliverable),
    ];
}
