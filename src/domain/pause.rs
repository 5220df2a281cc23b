//! A pause: what is paused, by whom and why. The rules about pauses are in [`super::pauses`].

use chrono::{DateTime, Utc};

use super::{
    audit::Actor,
    ids::{BackendId, PauseId},
    text::{ForeignId, Prose, Text},
};

/// Why something is paused, in the words of who paused it.
pub type PauseReason = Text<300>;

/// What is paused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PauseTarget {
    /// Everything that a backend asks.
    Backend(BackendId),
    /// What an agent asks.
    Agent {
        /// The backend whose agent it is. `None`: the agent with this id of any backend, which may have several.
        backend: Option<BackendId>,
        /// The backend's id for the agent, compared exactly.
        agent: ForeignId,
    },
}

impl PauseTarget {
    /// Whether a request of this agent falls under the pause.
    #[must_use]
    pub fn covers(&self, backend: BackendId, agent: &ForeignId) -> bool {
        match self {
            Self::Backend(paused) => *paused == backend,
            Self::Agent { backend: None, agent: paused } => paused == agent,
            Self::Agent { backend: Some(of), agent: paused } => *of == backend && paused == agent,
        }
    }

    /// The backend that the pause is limited to.
    #[must_use]
    pub const fn backend(&self) -> Option<BackendId> {
        match self {
            Self::Backend(backend) => Some(*backend),
            Self::Agent { backend, .. } => *backend,
        }
    }

    /// The agent, unless the whole backend is paused.
    #[must_use]
    pub const fn agent(&self) -> Option<&ForeignId> {
        match self {
            Self::Backend(_) => None,
            Self::Agent { agent, .. } => Some(agent),
        }
    }
}

/// What happens to the requests of what is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PausedRequests {
    /// They wait, and can only be denied until it is resumed.
    Held,
    /// They are denied at once, with the reason. Those that waited before are held.
    Denied,
}

impl PausedRequests {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Held, Self::Denied];

    /// The name in the database and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Denied => "denied",
        }
    }

    /// Parses what [`PausedRequests::as_str`] returns.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// A live pause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// The pause's id.
    pub id: PauseId,
    /// What is paused.
    pub target: PauseTarget,
    /// What happens to its requests.
    pub requests: PausedRequests,
    /// Why, for people and for the backend.
    pub reason: PauseReason,
    /// Who paused it.
    pub by: Actor,
    /// Since when.
    pub at: DateTime<Utc>,
}

impl Pause {
    /// The reason of a denial, for the agent.
    #[must_use]
    pub fn why(&self) -> Prose {
        let what = if self.target.agent().is_some() { "agent" } else { "backend" };
        Prose::from_stored(format!("The {what} is paused: {}", self.reason.as_str()))
    }
}
