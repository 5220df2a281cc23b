//! Why something was refused: one closed list, matched once for the API and once for Slack.

use super::{
    api_keys::{KeyScope, KeyScopes},
    approvals::Approval,
    ids::UserId,
    text::ForeignId,
};
use crate::domain::unlock_answer::Resolved;

/// A refusal. Nothing changed, except that the audit may say that somebody tried.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// No API key, or none that is known and valid.
    #[error("the API key is missing, unknown or no longer valid")]
    Unauthenticated,
    /// The API key is valid, and may not make calls of this kind.
    #[error("this call needs the scope `{needed}`, and the API key has only: {held}")]
    InsufficientScope {
        /// What the call needs.
        needed: KeyScope,
        /// What the key has.
        held: KeyScopes,
    },
    /// The backend may no longer ask.
    #[error("the backend is disabled")]
    BackendDisabled,
    /// The app was removed from the workspace.
    #[error("the Slack app is no longer installed in the workspace")]
    WorkspaceRemoved,
    /// No such approval in this workspace or of this backend.
    #[error("approval not found")]
    UnknownApproval,
    /// No such integration in this workspace.
    #[error("integration not found")]
    UnknownIntegration,
    /// No such action in this workspace.
    #[error("action not found")]
    UnknownAction,
    /// The workspace has as many integrations, or the integration as many actions, as it may.
    #[error("too many integrations in the workspace, or too many actions in the integration")]
    CatalogFull,
    /// Another backend's integration was to be described, or a connection of it reported.
    #[error("the integration belongs to another backend, or to the operator")]
    NotOwner,
    /// No such live grant of this user.
    #[error("grant not found, or it has ended")]
    UnknownGrant,
    /// No such delivery of this backend.
    #[error("delivery not found")]
    UnknownDelivery,
    /// No such request to unlock an action in this workspace.
    #[error("unlock request not found")]
    UnknownUnlockRequest,
    /// No such conversation of this backend.
    #[error("conversation not found")]
    UnknownConversation,
    /// No Slack user has this email address.
    #[error("no Slack user has this email address")]
    UnknownUser,
    /// Could not look up the user.
    #[error("could not look up the user in Slack")]
    LookupUnavailable,
    /// Slack limits how often users may be looked up, for this many seconds more.
    #[error("Slack is rate limiting look-ups; retry after {0} s")]
    SlackBusy(u32),
    /// The Slack app may not look the user up: it lacks this scope.
    #[error("the Slack app lacks the scope {0}")]
    MissingScope(String),
    /// The backend has as many approvals pending as it may.
    #[error("the backend has too many approvals pending")]
    TooManyPending,
    /// The idempotency key was used for another request.
    #[error("the idempotency key {0} was used for another request")]
    KeyReused(ForeignId),
    /// The approval has already ended.
    #[error("the approval has already ended")]
    AlreadyEnded(Box<Approval>),
    /// The request to unlock an action was answered before.
    #[error("the request to unlock the action was answered before")]
    AlreadyAnswered(Resolved),
    /// Nobody needs to unlock what is unlocked.
    #[error("the action is unlocked already")]
    AlreadyUnlocked,
    /// The approval ran out and is about to be marked so.
    #[error("the approval has expired")]
    Expired,
    /// Somebody else has to decide.
    #[error("only its user can decide it")]
    WrongPerson {
        /// Whose approval it is.
        owner: UserId,
    },
    /// Guests and bots decide nothing.
    #[error("guests and bots can't decide")]
    Guest,
    /// A person of another workspace, in a shared channel.
    #[error("a person of another workspace can't decide")]
    OtherWorkspace,
    /// Only admins may do this.
    #[error("only an admin can do this")]
    NotAdmin,
    /// A standing permission was asked for, and the action is locked.
    #[error("the action is locked")]
    Locked,
    /// A standing permission was asked for, and the action's description has changed since an admin unlocked it.
    #[error("the action's description has changed since an admin unlocked it")]
    ChangedSinceUnlocked,
    /// A standing permission was asked for, and the action's description has changed since the request.
    #[error("the action's description has changed since the request")]
    ChangedSinceAsked,
    /// An admin was shown another description, or another lock, than the action has now.
    #[error("the action has changed since it was shown")]
    ChangedSinceShown,
    /// A standing permission was asked for, and the integration is not connected.
    #[error("the integration is not connected")]
    NotConnected,
    /// A conversation grant was asked for, and the conversation was closed.
    #[error("the conversation is closed")]
    ConversationClosed,
}

impl Rejection {
    /// A short stable name, for the audit, the logs and the problem type.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::InsufficientScope { .. } => "insufficient-scope",
            Self::BackendDisabled => "backend-disabled",
            Self::WorkspaceRemoved => "workspace-removed",
            Self::UnknownApproval => "unknown-approval",
            Self::UnknownIntegration => "unknown-integration",
            Self::UnknownAction => "unknown-action",
            Self::CatalogFull => "catalog-full",
            Self::NotOwner => "not-owner",
            Self::UnknownGrant => "unknown-grant",
            Self::UnknownDelivery => "unknown-delivery",
            Self::UnknownUnlockRequest => "unknown-unlock-request",
            Self::UnknownConversation => "unknown-conversation",
            Self::UnknownUser => "unknown-user",
            Self::LookupUnavailable => "lookup-unavailable",
            Self::SlackBusy(_) => "slack-busy",
            Self::MissingScope(_) => "missing-scope",
            Self::TooManyPending => "too-many-pending",
            Self::KeyReused(_) => "idempotency-key-reused",
            Self::AlreadyEnded(_) => "already-ended",
            Self::AlreadyAnswered(_) => "already-answered",
            Self::AlreadyUnlocked => "already-unlocked",
            Self::Expired => "expired",
            Self::WrongPerson { .. } => "wrong-person",
            Self::Guest => "guest",
            Self::OtherWorkspace => "other-workspace",
            Self::NotAdmin => "not-admin",
            Self::Locked => "locked",
            Self::ChangedSinceUnlocked => "changed-since-unlocked",
            Self::ChangedSinceAsked => "changed-since-asked",
            Self::ChangedSinceShown => "changed-since-shown",
            Self::NotConnected => "not-connected",
            Self::ConversationClosed => "conversation-closed",
        }
    }
}
