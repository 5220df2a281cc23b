//! Every modal, as a closed list.

use std::fmt;

/// A modal, as identified by its `callback_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callback {
    /// The modal in which a person delegates.
    Delegate,
    /// The modal that asks for a reason.
    Deny,
    /// The modal in which arguments are changed.
    Edit,
    /// The modal in which a grant is narrowed.
    Narrow,
    /// The modal that lists what one submission approves.
    ApproveAll,
    /// The modal that shows requests one at a time.
    Review,
    /// The modal that shows all arguments.
    Details,
    /// The settings.
    Settings,
    /// The modal that asks what a destructive action is unlocked for.
    Unlock,
    /// The modal that changes an action's options.
    ActionOptions,
    /// The modal in which an admin sees what all users auto-approve.
    EveryonesGrants,
    /// The modal in which an admin revokes a user's grant.
    RevokeGrant,
    /// The modal in which an admin searches the audit.
    SearchAudit,
    /// The modal that shows what the search found.
    AuditResult,
    /// The modal in which an admin unlocks read-only actions together.
    UnlockReadOnly,
    /// The modal that shows a backend's failing webhooks.
    FailingWebhooks,
    /// The modal that shows how much people approve by hand.
    Figures,
    /// The modal in which an admin sees what is paused and which agents asked lately.
    Agents,
    /// The modal in which an admin pauses an agent or a backend.
    Pause,
}

impl Callback {
    /// Parses a view's `callback_id`.
    #[must_use]
    pub fn parse(callback_id: &str) -> Option<Self> {
        [
            Self::Delegate,
            Self::Deny,
            Self::Edit,
            Self::Narrow,
            Self::ApproveAll,
            Self::Review,
            Self::Details,
            Self::Settings,
            Self::Unlock,
            Self::ActionOptions,
            Self::EveryonesGrants,
            Self::RevokeGrant,
            Self::SearchAudit,
            Self::AuditResult,
            Self::UnlockReadOnly,
            Self::FailingWebhooks,
            Self::Figures,
            Self::Agents,
            Self::Pause,
        ]
        .into_iter()
        .find(|callback| callback.as_str() == callback_id)
    }

    /// The view's `callback_id`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delegate => "delegate",
            Self::Deny => "deny",
            Self::Edit => "edit",
            Self::Narrow => "narrow",
            Self::ApproveAll => "approve_all",
            Self::Review => "review",
            Self::Details => "details",
            Self::Settings => "settings",
            Self::Unlock => "unlock",
            Self::ActionOptions => "action_options",
            Self::EveryonesGrants => "everyones_grants",
            Self::RevokeGrant => "revoke_grant",
            Self::SearchAudit => "search_audit",
            Self::AuditResult => "audit_result",
            Self::UnlockReadOnly => "unlock_read_only",
            Self::FailingWebhooks => "failing_webhooks",
            Self::Figures => "figures",
            Self::Agents => "agents",
            Self::Pause => "pause",
        }
    }
}

impl fmt::Display for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
