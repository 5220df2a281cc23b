//! Home tabs: which ones to update after a change.

use super::{
    audit::{Actor, AuditAction, Entry},
    ids::UserId,
};

/// How soon a Home tab is updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// At once: the user may be looking at it.
    Now,
    /// Within seconds, so that frequent changes share one update.
    Soon,
}

/// The users whose Home tabs show a change. Only users who have opened their Home tab count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HomeAudience {
    /// No Home tab shows it.
    Nobody,
    /// These users.
    Users(Vec<UserId>, Urgency),
    /// The admins.
    Admins(Urgency),
    /// These users and the admins.
    UsersAndAdmins(Vec<UserId>),
    /// All users of the workspace.
    AllUsers,
}

impl HomeAudience {
    /// The users whose Home tabs show what an audit entry records.
    #[must_use]
    pub fn for_entry(entry: &Entry) -> Self {
        let users = || entry.concerns.clone();
        match entry.what {
            // Auto-approvals change little on the Home tab and can be frequent.
            AuditAction::ApprovalApproved if entry.actor == Actor::Service => {
                Self::Users(users(), Urgency::Soon)
            }
            // An agent that runs without asking reports as often.
            AuditAction::ResultReported => Self::Users(users(), Urgency::Soon),
            AuditAction::ApprovalRequested
            | AuditAction::ApprovalApproved
            | AuditAction::ApprovalDenied
            | AuditAction::ApprovalExpired
            | AuditAction::ApprovalCancelled
            | AuditAction::ApprovalUndeliverable
            | AuditAction::ApprovalRefused
            | AuditAction::ApprovalAnswered
            | AuditAction::ApprovalEscalated
            | AuditAction::DelegationBegan
            | AuditAction::DelegationEnded
            | AuditAction::GrantGiven
            | AuditAction::GrantRevoked
            | AuditAction::ConnectionAdded
            | AuditAction::ConnectionRemoved
            | AuditAction::ConversationClosed
            | AuditAction::AdminRefused
            | AuditAction::SettingsRefused
            // A user sees the keys that are bound to them. Keys of backends concern no user.
            | AuditAction::KeyCreated
            | AuditAction::KeyRotated
            | AuditAction::KeyRevoked => Self::Users(users(), Urgency::Now),
            AuditAction::UnlockRequested
            | AuditAction::UnlockDeclined
            | AuditAction::BackendPaused
            | AuditAction::BackendResumed
            | AuditAction::AgentPaused
            | AuditAction::AgentResumed => Self::UsersAndAdmins(users()),
            // A registered action is locked, so users see no difference.
            AuditAction::ActionRegistered => Self::Admins(Urgency::Soon),
            AuditAction::BackendCreated
            | AuditAction::BackendDisabled
            | AuditAction::WebhookStopped
            | AuditAction::WebhookResumed => Self::Admins(Urgency::Now),
            // Agents ask often, and an hour's faults have one cause.
            AuditAction::RuleFailed => Self::Nobody,
            // Rules stand in for locks.
            AuditAction::PolicyChanged => Self::AllUsers,
            AuditAction::IntegrationPut
            | AuditAction::ActionUnlocked
            | AuditAction::ActionScopeChanged
            | AuditAction::ActionMustReadChanged
            | AuditAction::ActionConfirmed
            | AuditAction::ActionLocked
            | AuditAction::ActionRetired => Self::AllUsers,
            AuditAction::DetailsOpened
            | AuditAction::PermitUsed
            | AuditAction::PermitRefused
            | AuditAction::IntegrationRefused
            | AuditAction::IntegrationShared
            | AuditAction::IntegrationMoved
            | AuditAction::AdminKeyCreated
            | AuditAction::AdminKeyRotated
            | AuditAction::AdminKeyRevoked
            | AuditAction::SecretRotated
            | AuditAction::WebhookMoved
            | AuditAction::WebhookRedelivered
            | AuditAction::RecordsDropped
            | AuditAction::WorkspaceInstalled
            // No Home tab exists once the app is removed.
            | AuditAction::WorkspaceRemoved => Self::Nobody,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alice() -> UserId {
        UserId::parse("U0ALICE").unwrap()
    }

    /// Which Home tabs are updated, for each kind of entry.
    #[expect(clippy::match_same_arms, reason = "a line for each kind of entry")]
    fn expected(what: AuditAction) -> HomeAudience {
        let user = || HomeAudience::Users(vec![alice()], Urgency::Now);
        match what {
            AuditAction::ApprovalRequested => user(),
            AuditAction::ApprovalApproved => user(),
            AuditAction::ApprovalDenied => user(),
            AuditAction::ApprovalExpired => user(),
            AuditAction::ApprovalCancelled => user(),
            AuditAction::ApprovalUndeliverable => user(),
            AuditAction::DetailsOpened | AuditAction::PermitUsed | AuditAction::PermitRefused => {
                HomeAudience::Nobody
            }
            AuditAction::ApprovalRefused => user(),
            AuditAction::ResultReported => HomeAudience::Users(vec![alice()], Urgency::Soon),
            AuditAction::ApprovalAnswered => user(),
            AuditAction::ApprovalEscalated => user(),
            AuditAction::DelegationBegan => user(),
            AuditAction::DelegationEnded => user(),
            AuditAction::GrantGiven => user(),
            AuditAction::GrantRevoked => user(),
            AuditAction::IntegrationPut => HomeAudience::AllUsers,
            AuditAction::IntegrationRefused => HomeAudience::Nobody,
            AuditAction::IntegrationShared => HomeAudience::Nobody,
            AuditAction::IntegrationMoved => HomeAudience::Nobody,
            AuditAction::ActionRegistered => HomeAudience::Admins(Urgency::Soon),
            AuditAction::ActionUnlocked => HomeAudience::AllUsers,
            AuditAction::ActionScopeChanged => HomeAudience::AllUsers,
            AuditAction::ActionMustReadChanged => HomeAudience::AllUsers,
            AuditAction::ActionConfirmed => HomeAudience::AllUsers,
            AuditAction::ActionLocked => HomeAudience::AllUsers,
            AuditAction::ActionRetired => HomeAudience::AllUsers,
            AuditAction::UnlockRequested => HomeAudience::UsersAndAdmins(vec![alice()]),
            AuditAction::UnlockDeclined => HomeAudience::UsersAndAdmins(vec![alice()]),
            AuditAction::AdminRefused => user(),
            AuditAction::SettingsRefused => user(),
            AuditAction::ConnectionAdded => user(),
            AuditAction::ConnectionRemoved => user(),
            AuditAction::ConversationClosed => user(),
            AuditAction::BackendCreated => HomeAudience::Admins(Urgency::Now),
            AuditAction::BackendDisabled => HomeAudience::Admins(Urgency::Now),
            AuditAction::BackendPaused => HomeAudience::UsersAndAdmins(vec![alice()]),
            AuditAction::BackendResumed => HomeAudience::UsersAndAdmins(vec![alice()]),
            AuditAction::AgentPaused => HomeAudience::UsersAndAdmins(vec![alice()]),
            AuditAction::AgentResumed => HomeAudience::UsersAndAdmins(vec![alice()]),
            AuditAction::KeyCreated => user(),
            AuditAction::KeyRotated => user(),
            AuditAction::AdminKeyCreated => HomeAudience::Nobody,
            AuditAction::AdminKeyRotated => HomeAudience::Nobody,
            AuditAction::AdminKeyRevoked => HomeAudience::Nobody,
            AuditAction::KeyRevoked => user(),
            AuditAction::SecretRotated => HomeAudience::Nobody,
            AuditAction::WebhookStopped => HomeAudience::Admins(Urgency::Now),
            AuditAction::WebhookResumed => HomeAudience::Admins(Urgency::Now),
            AuditAction::WebhookMoved => HomeAudience::Nobody,
            AuditAction::WorkspaceInstalled => HomeAudience::Nobody,
            AuditAction::WebhookRedelivered => HomeAudience::Nobody,
            AuditAction::WorkspaceRemoved => HomeAudience::Nobody,
            AuditAction::RecordsDropped => HomeAudience::Nobody,
            AuditAction::PolicyChanged => HomeAudience::AllUsers,
            AuditAction::RuleFailed => HomeAudience::Nobody,
        }
    }

    #[test]
    fn every_kind_of_entry_says_whose_home_tab_shows_it() {
        for what in AuditAction::ALL {
            let entry = Entry::new(Actor::User(alice()), what).concerning([alice()]);
            assert_eq!(HomeAudience::for_entry(&entry), expected(what), "{what:?}");
        }
    }

    #[test]
    fn an_automatic_approval_is_drawn_soon() {
        let entry = Entry::new(Actor::Service, AuditAction::ApprovalApproved).concerning([alice()]);
        assert_eq!(HomeAudience::for_entry(&entry), HomeAudience::Users(vec![alice()], Urgency::Soon));
    }

    #[test]
    fn an_entry_that_concerns_no_user_refreshes_no_user() {
        for what in [AuditAction::ApprovalRefused, AuditAction::GrantRevoked] {
            let entry = Entry::new(Actor::User(alice()), what);
            assert_eq!(HomeAudience::for_entry(&entry), HomeAudience::Users(Vec::new(), Urgency::Now));
        }
    }
}
