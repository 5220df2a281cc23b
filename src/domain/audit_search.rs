//! Searching the audit: filters, and the entries that match.

use chrono::{DateTime, Utc};

use crate::domain::{
    action_path::ActionPath,
    audit::{ActorKind, AuditAction},
    ids::{ApprovalId, GrantId, UserId},
    outcome::Outcome,
};

/// Which entries to find. Conditions that are `None` or empty match everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditFilter {
    /// Only entries of this person: what they did, what was asked of them, and what was done to their grants.
    pub user: Option<UserId>,
    /// Only entries about this action.
    pub action: Option<ActionPath>,
    /// Only entries about requests of the agent with this id or name, in any case of letters.
    pub agent: Option<String>,
    /// Only entries of these kinds.
    pub what: Vec<AuditAction>,
    /// Only entries from this time on.
    pub since: Option<DateTime<Utc>>,
    /// Only entries before this time.
    pub until: Option<DateTime<Utc>>,
}

impl AuditFilter {
    /// Whether every entry matches.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a person searches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Topic {
    /// How requests ended.
    #[default]
    Decisions,
    /// The requests that ended in this way.
    Ended(Outcome),
    /// Attempts that were refused.
    Refused,
    /// Grants that were given or ended.
    Grants,
    /// Actions that were unlocked, locked, confirmed or limited.
    Locks,
    /// Every entry.
    Everything,
}

impl Topic {
    /// Every topic, in the order in which a menu offers them.
    pub const ALL: [Self; 10] = [
        Self::Decisions,
        Self::Ended(Outcome::Approved),
        Self::Ended(Outcome::Denied),
        Self::Ended(Outcome::Expired),
        Self::Ended(Outcome::Cancelled),
        Self::Ended(Outcome::Undeliverable),
        Self::Refused,
        Self::Grants,
        Self::Locks,
        Self::Everything,
    ];

    /// The topic's name in commands and in views.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Decisions => "decisions",
            Self::Ended(outcome) => outcome.as_str(),
            Self::Refused => "refused",
            Self::Grants => "grants",
            Self::Locks => "locks",
            Self::Everything => "everything",
        }
    }

    /// Parses what [`Topic::as_str`] returns.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.as_str() == name)
    }

    /// The kinds of entries that belong to the topic; empty for all.
    #[must_use]
    pub fn actions(self) -> Vec<AuditAction> {
        match self {
            Self::Decisions => Outcome::ALL.map(ended).to_vec(),
            Self::Ended(outcome) => vec![ended(outcome)],
            Self::Refused => vec![
                AuditAction::ApprovalRefused,
                AuditAction::PermitRefused,
                AuditAction::AdminRefused,
                AuditAction::SettingsRefused,
                AuditAction::IntegrationRefused,
            ],
            Self::Grants => vec![AuditAction::GrantGiven, AuditAction::GrantRevoked],
            Self::Locks => vec![
                AuditAction::ActionUnlocked,
                AuditAction::ActionScopeChanged,
                AuditAction::ActionMustReadChanged,
                AuditAction::ActionConfirmed,
                AuditAction::ActionLocked,
            ],
            Self::Everything => Vec::new(),
        }
    }
}

const fn ended(outcome: Outcome) -> AuditAction {
    match outcome {
        Outcome::Approved => AuditAction::ApprovalApproved,
        Outcome::Denied => AuditAction::ApprovalDenied,
        Outcome::Expired => AuditAction::ApprovalExpired,
        Outcome::Cancelled => AuditAction::ApprovalCancelled,
        Outcome::Undeliverable => AuditAction::ApprovalUndeliverable,
    }
}

/// An entry that was found, with what is known of its request or grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    /// When the change was made.
    pub at: DateTime<Utc>,
    /// Who made it.
    pub actor_kind: ActorKind,
    /// The actor's id.
    pub actor: Option<String>,
    /// What happened, as `noun.verb`.
    pub what: String,
    /// The approval that was acted on.
    pub approval: Option<ApprovalId>,
    /// The grant that was acted on.
    pub grant: Option<GrantId>,
    /// What else was acted on.
    pub subject: Option<String>,
    /// The person whose request or grant it is.
    pub user: Option<String>,
    /// The action: `salesforce.create_record`.
    pub path: Option<String>,
    /// The agent's name, or its id.
    pub agent: Option<String>,
    /// Who or what decided, for the end of a request: `user`, `auto`, `policy` or `backend`.
    pub by: Option<String>,
    /// How far an approval or a grant extends.
    pub scope: Option<String>,
    /// Why: the reason that a person gave, or the code of a refusal.
    pub why: Option<String>,
}

/// A page of what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPage {
    /// The entries, newest first.
    pub lines: Vec<AuditLine>,
    /// Where the search goes on. There may be nothing there: a page looks through a bounded number of entries.
    pub next: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_is_read_by_its_name() {
        for topic in Topic::ALL {
            assert_eq!(Topic::from_name(topic.as_str()), Some(topic));
            assert_eq!(topic.actions().is_empty(), topic == Topic::Everything);
        }
        assert_eq!(Topic::from_name("pending"), None);
    }

    #[test]
    fn how_a_request_ended_is_what_the_audit_calls_it() {
        for outcome in Outcome::ALL {
            assert_eq!(ended(outcome).as_str(), outcome.event());
        }
    }
}
