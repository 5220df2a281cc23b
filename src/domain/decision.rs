//! What ended an approval.

use chrono::{DateTime, Utc};

use crate::domain::{
    grants::Scope,
    ids::{GrantId, UserId},
    outcome::Outcome,
    text::Prose,
};

/// What ended an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// How, and by what.
    pub verdict: Verdict,
    /// When.
    pub decided_at: DateTime<Utc>,
}

/// How an approval ended and by what: only combinations that make sense can be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The user approved, and perhaps left a standing permission.
    Approved {
        /// Who clicked.
        user: UserId,
        /// What the click left.
        given: GrantOutcome,
    },
    /// A standing permission of the user's approved.
    AutoApproved {
        /// Its id.
        grant: GrantId,
        /// How far it reaches.
        scope: Scope,
    },
    /// The user denied.
    Denied {
        /// Who clicked.
        user: UserId,
        /// Why, for the agent.
        reason: Option<Prose>,
    },
    /// Nobody answered in time.
    Expired,
    /// The backend took the request back.
    Cancelled,
    /// Slack can't show the prompt, for good.
    Undeliverable {
        /// Why, for the backend.
        why: Prose,
    },
}

/// What an approving click left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantOutcome {
    /// Nothing: the user is asked again next time.
    Once,
    /// A grant for the conversation.
    Conversation(GrantId),
    /// A grant for everything.
    Always(GrantId),
}

impl GrantOutcome {
    /// The scope that was picked.
    #[must_use]
    pub const fn scope(self) -> Scope {
        match self {
            Self::Once => Scope::Once,
            Self::Conversation(_) => Scope::Conversation,
            Self::Always(_) => Scope::Always,
        }
    }

    /// The grant, if one was given.
    #[must_use]
    pub const fn grant(self) -> Option<GrantId> {
        match self {
            Self::Once => None,
            Self::Conversation(grant) | Self::Always(grant) => Some(grant),
        }
    }
}

impl Decision {
    /// How the approval ended.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        match self.verdict {
            Verdict::Approved { .. } | Verdict::AutoApproved { .. } => Outcome::Approved,
            Verdict::Denied { .. } => Outcome::Denied,
            Verdict::Expired => Outcome::Expired,
            Verdict::Cancelled => Outcome::Cancelled,
            Verdict::Undeliverable { .. } => Outcome::Undeliverable,
        }
    }

    /// How far it reaches, where something was approved.
    #[must_use]
    pub const fn scope(&self) -> Option<Scope> {
        match &self.verdict {
            Verdict::Approved { given, .. } => Some(given.scope()),
            Verdict::AutoApproved { scope, .. } => Some(*scope),
            _ => None,
        }
    }

    /// The grant that was given or used.
    #[must_use]
    pub const fn grant(&self) -> Option<GrantId> {
        match &self.verdict {
            Verdict::Approved { given, .. } => given.grant(),
            Verdict::AutoApproved { grant, .. } => Some(*grant),
            _ => None,
        }
    }

    /// The grant that approved without asking.
    #[must_use]
    pub const fn used_grant(&self) -> Option<GrantId> {
        match &self.verdict {
            Verdict::AutoApproved { grant, .. } => Some(*grant),
            _ => None,
        }
    }

    /// `user` for a click, `backend` for a cancellation, `auto` for a grant or what happened by itself.
    #[must_use]
    pub const fn by(&self) -> &'static str {
        match self.verdict {
            Verdict::Approved { .. } | Verdict::Denied { .. } => "user",
            Verdict::Cancelled => "backend",
            Verdict::AutoApproved { .. } | Verdict::Expired | Verdict::Undeliverable { .. } => "auto",
        }
    }

    /// Who clicked.
    #[must_use]
    pub const fn user(&self) -> Option<&UserId> {
        match &self.verdict {
            Verdict::Approved { user, .. } | Verdict::Denied { user, .. } => Some(user),
            _ => None,
        }
    }

    /// The user's reason, or why Slack couldn't show it.
    #[must_use]
    pub const fn reason(&self) -> Option<&Prose> {
        match &self.verdict {
            Verdict::Denied { reason, .. } => reason.as_ref(),
            Verdict::Undeliverable { why } => Some(why),
            _ => None,
        }
    }
}
