//! Why a request was refused: one closed list, matched once for the API and once for Slack.

use super::{
    api_keys::{KeyScope, KeyScopes},
    approvals::Approval,
    callers::BoundKeyFault,
    ids::UserId,
    permits::Permit,
    text::ForeignId,
};
use crate::domain::{pause::Pause, unlock_answer::Resolved};

/// Why a request was refused. Nothing changed, except that the audit may record the attempt.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// The API key is missing, unknown or no longer valid.
    #[error("the API key is missing, unknown or no longer valid")]
    Unauthenticated,
    /// The API key is valid but lacks the scope for this call.
    #[error("this call needs the scope `{needed}`, and the API key has only: {held}")]
    InsufficientScope {
        /// The scope that the call needs.
        needed: KeyScope,
        /// The scopes that the key has.
        held: KeyScopes,
    },
    /// The API key is bound to one user, and the call reaches further.
    #[error("{0}")]
    BoundKey(BoundKeyFault),
    /// The backend was disabled.
    #[error("the backend is disabled")]
    BackendDisabled,
    /// The app was removed from the workspace.
    #[error("the Slack app is no longer installed in the workspace")]
    WorkspaceRemoved,
    /// The approval does not exist in this workspace, or belongs to another backend.
    #[error("approval not found")]
    UnknownApproval,
    /// No such integration in this workspace.
    #[error("integration not found")]
    UnknownIntegration,
    /// No such action in this workspace.
    #[error("action not found")]
    UnknownAction,
    /// The workspace has the maximum number of integrations, or the integration the maximum number of actions.
    #[error("too many integrations in the workspace, or too many actions in the integration")]
    CatalogFull,
    /// A backend tried to describe another backend's integration, or to report a connection of it.
    #[error("the integration belongs to another backend, or to the operator")]
    NotOwner,
    /// The agent has not asked lately.
    #[error("the agent has not asked for 30 days")]
    UnknownAgent,
    /// The user has no such grant, or it has ended.
    #[error("grant not found, or it has ended")]
    UnknownGrant,
    /// No such backend in this workspace.
    #[error("backend not found")]
    UnknownBackend,
    /// The backend has no such delivery.
    #[error("delivery not found")]
    UnknownDelivery,
    /// No such request to unlock an action in this workspace.
    #[error("unlock request not found")]
    UnknownUnlockRequest,
    /// The backend has no such conversation.
    #[error("conversation not found")]
    UnknownConversation,
    /// No Slack user has this email address.
    #[error("no Slack user has this email address")]
    UnknownUser,
    /// Slack did not answer the look-up of the user.
    #[error("could not look up the user in Slack")]
    LookupUnavailable,
    /// Slack is rate limiting look-ups of users. The value is the number of seconds to wait.
    #[error("Slack is rate limiting look-ups; retry after {0} s")]
    SlackBusy(u32),
    /// The Slack app lacks this scope, which it needs to look the user up.
    #[error("the Slack app lacks the scope {0}")]
    MissingScope(String),
    /// The backend, or the user that the key is bound to, has the maximum number of pending approvals.
    #[error("too many approvals are pending")]
    TooManyPending,
    /// The backend used this idempotency key for a different request.
    #[error("the idempotency key {0} was used for another request")]
    KeyReused(ForeignId),
    /// The approval has already ended.
    #[error("the approval has already ended")]
    AlreadyEnded(Box<Approval>),
    /// A result was reported for an approval that is pending, or ended otherwise than approved.
    #[error("the approval is not approved")]
    NotApproved(Box<Approval>),
    /// A receipt was asked for an approval that has not ended.
    #[error("the approval is still pending")]
    StillPending(Box<Approval>),
    /// Another result was reported before.
    #[error("another result was reported before")]
    AlreadyReported(Box<Approval>),
    /// A permit of an approval was taken before.
    #[error("the permit was used before")]
    PermitUsed(Box<Approval>, Box<Permit>),
    /// The grant behind an approval was ended before its permit was taken.
    #[error("the auto-approval behind the approval was turned off")]
    PermitRevoked(Box<Approval>),
    /// The permit was not taken in time.
    #[error("the permit is no longer valid")]
    PermitLapsed(Box<Approval>),
    /// What is about to run is not what was approved.
    #[error("the arguments are not those that were approved")]
    OtherArguments(Box<Approval>),
    /// The unlock request has already been answered.
    #[error("the request to unlock the action was answered before")]
    AlreadyAnswered(Resolved),
    /// An unlock request for an action that is already unlocked.
    #[error("the action is unlocked already")]
    AlreadyUnlocked,
    /// The approval has expired, even if its row does not say so yet.
    #[error("the approval has expired")]
    Expired,
    /// A person clicked on another user's prompt.
    #[error("only its user can decide it")]
    WrongPerson {
        /// The user whose approval it is.
        owner: UserId,
    },
    /// A rule names other people, who decide instead of the user.
    #[error("only the people whom a rule names can decide it")]
    NotApprover,
    /// The person has answered, or someone has in every place that they could answer for.
    #[error("the person has answered already")]
    AnsweredBefore,
    /// A delegate asked for more than to approve once.
    #[error("who decides for another person can approve only once, or deny")]
    OnlyOnce,
    /// A person named themself as their delegate.
    #[error("a person can't delegate to themself")]
    OwnDelegate,
    /// A guest, a bot, a deactivated person or a person of another workspace was named as delegate.
    #[error("only a full member of the workspace can be a delegate")]
    NoDelegate,
    /// The time of a delegation is over, or too far away.
    #[error("a delegation must end within 92 days")]
    DelegationTime,
    /// The person neither gave nor received such a delegation.
    #[error("delegation not found")]
    UnknownDelegation,
    /// Guests and bots can't decide.
    #[error("guests and bots can't decide")]
    Guest,
    /// The backend does not run edited arguments, or no schema says what they must look like.
    #[error("the arguments can't be edited")]
    NotEditable,
    /// People of another workspace in a shared channel can't decide.
    #[error("a person of another workspace can't decide")]
    OtherWorkspace,
    /// Only admins may do this.
    #[error("only an admin can do this")]
    NotAdmin,
    /// The user asked for a grant, and the action is locked.
    #[error("the action is locked")]
    Locked,
    /// The user asked for an *always* grant, and the action is unlocked for conversations only.
    #[error("the action is unlocked for conversations only")]
    OnlyConversations,
    /// The user asked for a narrowed grant, and has the maximum number of them for the action.
    #[error("the user has the maximum number of narrowed grants for the action")]
    TooManyNarrowed,
    /// The user asked for a narrowed grant without any limit.
    #[error("a narrowed grant needs a limit")]
    NoLimit,
    /// An admin requires that requests for the action are read, and the user has not opened the details.
    #[error("the details have not been opened")]
    MustBeRead,
    /// A person wanted to approve what a paused agent or backend asks.
    #[error("the agent or its backend is paused")]
    Paused(Box<Pause>),
    /// Someone resumed what is not paused.
    #[error("not paused, or resumed already")]
    NotPaused,
    /// The workspace has the maximum number of pauses.
    #[error("too many agents and backends are paused")]
    TooManyPauses,
    /// The user asked for a grant, and the action's description has changed since an admin unlocked it.
    #[error("the action's description has changed since an admin unlocked it")]
    ChangedSinceUnlocked,
    /// The user asked for a grant, and the action's description has changed since the approval was created.
    #[error("the action's description has changed since the request")]
    ChangedSinceAsked,
    /// The action's description or lock has changed since the admin's screen was rendered.
    #[error("the action has changed since it was shown")]
    ChangedSinceShown,
    /// The user asked for a grant, and the integration is not connected.
    #[error("the integration is not connected")]
    NotConnected,
    /// The user asked for a grant, and a rule asks a person each time.
    #[error("a rule asks for it each time")]
    RuleAsks,
    /// The user approved what a rule blocks now.
    #[error("a rule blocks it")]
    BlockedByRule,
    /// The policy has changed since its author read it.
    #[error("the policy has changed since you read it")]
    PolicyChanged,
    /// The user approved what a rule now has others decide.
    #[error("a rule has other people decide it")]
    OthersDecide,
    /// A rule names someone as an approver whom Slack does not call a full member.
    #[error("{0} is not a full member of the workspace, so a rule can't name them as an approver")]
    ApproverNotMember(UserId),
    /// The user asked for a conversation grant, and the conversation is closed.
    #[error("the conversation is closed")]
    ConversationClosed,
}

impl Rejection {
    /// Whether the same attempt may succeed a moment later: Slack did not say who the person is.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::LookupUnavailable | Self::SlackBusy(_))
    }

    /// A short stable name, for the audit, logs and problem types.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::InsufficientScope { .. } => "insufficient-scope",
            Self::BoundKey(_) => "user-bound-key",
            Self::BackendDisabled => "backend-disabled",
            Self::WorkspaceRemoved => "workspace-removed",
            Self::UnknownApproval => "unknown-approval",
            Self::UnknownIntegration => "unknown-integration",
            Self::UnknownAction => "unknown-action",
            Self::CatalogFull => "catalog-full",
            Self::NotOwner => "not-owner",
            Self::UnknownAgent => "unknown-agent",
            Self::UnknownGrant => "unknown-grant",
            Self::UnknownBackend => "unknown-backend",
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
            Self::NotApproved(_) => "not-approved",
            Self::StillPending(_) => "still-pending",
            Self::AlreadyReported(_) => "already-reported",
            Self::PermitUsed(..) => "permit-used",
            Self::PermitRevoked(_) => "permit-revoked",
            Self::PermitLapsed(_) => "permit-lapsed",
            Self::OtherArguments(_) => "other-arguments",
            Self::AlreadyAnswered(_) => "already-answered",
            Self::AlreadyUnlocked => "already-unlocked",
            Self::Expired => "expired",
            Self::WrongPerson { .. } => "wrong-person",
            Self::NotApprover => "not-approver",
            Self::AnsweredBefore => "answered-before",
            Self::OnlyOnce => "only-once",
            Self::OwnDelegate => "own-delegate",
            Self::NoDelegate => "no-delegate",
            Self::DelegationTime => "delegation-time",
            Self::UnknownDelegation => "unknown-delegation",
            Self::Guest => "guest",
            Self::NotEditable => "not-editable",
            Self::OtherWorkspace => "other-workspace",
            Self::NotAdmin => "not-admin",
            Self::Locked => "locked",
            Self::OnlyConversations => "only-conversations",
            Self::TooManyNarrowed => "too-many-narrowed",
            Self::NoLimit => "no-limit",
            Self::MustBeRead => "must-be-read",
            Self::Paused(_) => "paused",
            Self::NotPaused => "not-paused",
            Self::TooManyPauses => "too-many-pauses",
            Self::ChangedSinceUnlocked => "changed-since-unlocked",
            Self::ChangedSinceAsked => "changed-since-asked",
            Self::ChangedSinceShown => "changed-since-shown",
            Self::NotConnected => "not-connected",
            Self::ConversationClosed => "conversation-closed",
            Self::RuleAsks => "rule-asks",
            Self::BlockedByRule => "rule-blocks",
            Self::PolicyChanged => "policy-changed",
            Self::OthersDecide => "others-decide",
            Self::ApproverNotMember(_) => "approver-not-member",
        }
    }
}
