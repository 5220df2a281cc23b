//! What ended an approval.

use chrono::{DateTime, Utc};

use crate::domain::{
    editing::EditedArguments,
    ids::{GrantId, UserId},
    limits::Limits,
    outcome::Outcome,
    panel::Approvers,
    scopes::{Scope, StandingScope},
    text::Prose,
};

/// What ended an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// How the approval ended.
    pub verdict: Verdict,
    /// When the approval ended.
    pub decided_at: DateTime<Utc>,
}

/// How an approval ended. Each variant holds exactly what that ending needs, so contradictory combinations can't be
/// built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The user approved, and may have given a grant.
    Approved {
        /// The user who clicked.
        user: UserId,
        /// What the click granted beyond this approval.
        given: GrantOutcome,
    },
    /// A delegate approved once, in the place of the person who delegated to them. Neither of them gets a grant.
    ApprovedFor {
        /// The delegate, who clicked.
        user: UserId,
        /// The person in whose place.
        on_behalf_of: UserId,
    },
    /// The people whom a rule names approved, each for this request only. No one gets a grant.
    ApprovedTogether(Approvers),
    /// The user changed arguments, and approved the changed ones once.
    ApprovedEdited {
        /// The user who submitted them.
        user: UserId,
        /// What was approved.
        edited: EditedArguments,
    },
    /// One of the user's grants approved.
    AutoApproved {
        /// The grant's id.
        grant: GrantId,
        /// The grant's scope.
        scope: Scope,
        /// What the grant is limited to in addition to its scope. `None`: nothing.
        limits: Option<Limits>,
    },
    /// The user denied.
    Denied {
        /// The user who clicked.
        user: UserId,
        /// The person in whose place a delegate clicked. `None`: the user clicked in their own.
        on_behalf_of: Option<UserId>,
        /// The user's reason, for the agent.
        reason: Option<Prose>,
    },
    /// A rule approved.
    AllowedByRule,
    /// A rule denied.
    BlockedByRule {
        /// The admin's reason, for the agent.
        reason: Option<Prose>,
    },
    /// The agent or backend is paused, and its requests are denied.
    DeniedByPause {
        /// The reason, for the agent.
        why: Prose,
    },
    /// The approval expired undecided.
    Expired,
    /// The backend cancelled the approval.
    Cancelled,
    /// No caller of the backend listened any longer, so the approval was cancelled for it.
    Abandoned {
        /// The reason, for the backend.
        why: Prose,
    },
    /// Slack permanently refuses to show the prompt.
    Undeliverable {
        /// The reason, for the backend.
        why: Prose,
    },
}

/// What an approving click granted beyond the approval itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantOutcome {
    /// Nothing: the next call asks again.
    Once,
    /// A grant for the rest of the conversation.
    Conversation(GrantId),
    /// A grant for every later call.
    Always(GrantId),
    /// A grant that is limited further.
    Narrowed {
        /// The grant's id.
        grant: GrantId,
        /// The grant's scope.
        scope: StandingScope,
        /// What it is limited to in addition to its scope.
        limits: Limits,
    },
}

/// A reason for denying that the prompt offers, so that no one has to type it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DenialReason {
    /// The action is right, and what it would act on is not.
    WrongTarget,
    /// The request may come again later.
    NotNow,
    /// The agent should ask again with other arguments.
    AskAgain,
}

impl DenialReason {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::WrongTarget, Self::NotNow, Self::AskAgain];

    /// The decision's reason, which the agent reads.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WrongTarget => "wrong target",
            Self::NotNow => "not now",
            Self::AskAgain => "ask again with changes",
        }
    }

    /// The decision's reason as a text.
    #[must_use]
    pub fn to_prose(self) -> Prose {
        Prose::from_stored(self.as_str().to_owned())
    }

    /// Which of them a decision's reason is. `None`: the user's own words.
    #[must_use]
    pub fn for_reason(reason: &Prose) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == reason.as_str())
    }
}

impl GrantOutcome {
    /// The scope that the user picked.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        match self {
            Self::Once => Scope::Once,
            Self::Conversation(_) => Scope::Conversation,
            Self::Always(_) => Scope::Always,
            Self::Narrowed { scope, .. } => scope.scope(),
        }
    }

    /// The grant's id, if the click gave one or met an existing one.
    #[must_use]
    pub const fn grant(&self) -> Option<GrantId> {
        match self {
            Self::Once => None,
            Self::Conversation(grant) | Self::Always(grant) | Self::Narrowed { grant, .. } => Some(*grant),
        }
    }

    /// What the grant is limited to in addition to its scope.
    #[must_use]
    pub const fn limits(&self) -> Option<&Limits> {
        match self {
            Self::Narrowed { limits, .. } => Some(limits),
            Self::Once | Self::Conversation(_) | Self::Always(_) => None,
        }
    }
}

impl Decision {
    /// The outcome, without the details.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        match self.verdict {
            Verdict::Approved { .. }
            | Verdict::ApprovedFor { .. }
            | Verdict::ApprovedTogether(_)
            | Verdict::ApprovedEdited { .. }
            | Verdict::AutoApproved { .. }
            | Verdict::AllowedByRule => Outcome::Approved,
            Verdict::Denied { .. } | Verdict::BlockedByRule { .. } | Verdict::DeniedByPause { .. } => {
                Outcome::Denied
            }
            Verdict::Expired => Outcome::Expired,
            Verdict::Cancelled | Verdict::Abandoned { .. } => Outcome::Cancelled,
            Verdict::Undeliverable { .. } => Outcome::Undeliverable,
        }
    }

    /// The scope, if the approval was approved.
    #[must_use]
    pub const fn scope(&self) -> Option<Scope> {
        match &self.verdict {
            Verdict::Approved { given, .. } => Some(given.scope()),
            Verdict::ApprovedFor { .. }
            | Verdict::ApprovedTogether(_)
            | Verdict::ApprovedEdited { .. }
            | Verdict::AllowedByRule => Some(Scope::Once),
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

    /// What the grant that was given or used is limited to in addition to its scope.
    #[must_use]
    pub const fn limits(&self) -> Option<&Limits> {
        match &self.verdict {
            Verdict::Approved { given, .. } => given.limits(),
            Verdict::AutoApproved { limits, .. } => limits.as_ref(),
            _ => None,
        }
    }

    /// The grant that auto-approved.
    #[must_use]
    pub const fn used_grant(&self) -> Option<GrantId> {
        match &self.verdict {
            Verdict::AutoApproved { grant, .. } => Some(*grant),
            _ => None,
        }
    }

    /// Who ended the approval: `user` for a click, `backend` for a cancellation or if its callers went away, `auto` for a grant, an expiry or an
    /// undeliverable prompt, `policy` for what an admin set for all requests: a rule or a pause.
    #[must_use]
    pub const fn by(&self) -> &'static str {
        match self.verdict {
            Verdict::Approved { .. }
            | Verdict::ApprovedFor { .. }
            | Verdict::ApprovedTogether(_)
            | Verdict::ApprovedEdited { .. }
            | Verdict::Denied { .. } => "user",
            Verdict::AllowedByRule | Verdict::BlockedByRule { .. } | Verdict::DeniedByPause { .. } => {
                "policy"
            }
            Verdict::Cancelled | Verdict::Abandoned { .. } => "backend",
            Verdict::AutoApproved { .. } | Verdict::Expired | Verdict::Undeliverable { .. } => "auto",
        }
    }

    /// The user who clicked; of several, the last one.
    #[must_use]
    pub const fn user(&self) -> Option<&UserId> {
        match &self.verdict {
            Verdict::Approved { user, .. }
            | Verdict::ApprovedFor { user, .. }
            | Verdict::ApprovedEdited { user, .. }
            | Verdict::Denied { user, .. } => Some(user),
            Verdict::ApprovedTogether(approvers) => Some(&approvers.last.clicked_by),
            _ => None,
        }
    }

    /// The person in whose place a delegate clicked.
    #[must_use]
    pub fn on_behalf_of(&self) -> Option<&UserId> {
        match &self.verdict {
            Verdict::ApprovedFor { on_behalf_of, .. } => Some(on_behalf_of),
            Verdict::ApprovedTogether(approvers) => approvers.last.on_behalf_of(),
            Verdict::Denied { on_behalf_of, .. } => on_behalf_of.as_ref(),
            _ => None,
        }
    }

    /// The approvals that it took, the oldest first, if a rule names who decides.
    #[must_use]
    pub const fn approvers(&self) -> Option<&Approvers> {
        match &self.verdict {
            Verdict::ApprovedTogether(approvers) => Some(approvers),
            _ => None,
        }
    }

    /// The arguments that were approved instead of those that were asked.
    #[must_use]
    pub const fn edited(&self) -> Option<&EditedArguments> {
        match &self.verdict {
            Verdict::ApprovedEdited { edited, .. } => Some(edited),
            _ => None,
        }
    }

    /// The user's reason for denying, why Slack could not show the prompt, or for how long no caller listened.
    #[must_use]
    pub const fn reason(&self) -> Option<&Prose> {
        match &self.verdict {
            Verdict::Denied { reason, .. } | Verdict::BlockedByRule { reason } => reason.as_ref(),
            Verdict::DeniedByPause { why } | Verdict::Abandoned { why } | Verdict::Undeliverable { why } => {
                Some(why)
            }
            _ => None,
        }
    }
}
