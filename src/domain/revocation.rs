//! Revocations: how grants end.

use serde_json::json;

use crate::domain::{
    audit::{Actor, AuditAction, Entry},
    effects::Changed,
    grants::Scope,
    ids::{ActionId, ApprovalId, GrantId, UserId, WorkspaceId},
    rejection::Rejection,
};

/// Why a grant ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// Its user turned it off.
    TurnedOff,
    /// An admin locked the action.
    ActionLocked,
    /// An admin limited the action to conversations.
    OnlyConversations,
    /// A backend described the integration without the action.
    ActionRetired,
    /// The user disconnected the integration.
    Disconnected,
    /// The integration now requires a connection, and the user has none.
    ConnectionRequired,
    /// The backend closed the conversation.
    ConversationClosed,
    /// The conversation had no request for [`SILENCE`](super::grants::SILENCE).
    ConversationSilent,
    /// The user is no longer a full member: deactivated, or a guest.
    NoMember,
    /// The app was removed from the workspace.
    AppRemoved,
}

impl Revocation {
    /// The reason as written in the database and in the audit.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TurnedOff => "turned_off",
            Self::ActionLocked => "action_locked",
            Self::OnlyConversations => "only_conversations",
            Self::ActionRetired => "action_retired",
            Self::Disconnected => "disconnected",
            Self::ConnectionRequired => "connection_required",
            Self::ConversationClosed => "conversation_closed",
            Self::ConversationSilent => "conversation_silent",
            Self::NoMember => "no_member",
            Self::AppRemoved => "app_removed",
        }
    }
}

/// A live grant, read under its row lock in order to end it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocable {
    /// The grant's id.
    pub id: GrantId,
    /// The user who gave the grant.
    pub user: UserId,
    /// The action that the grant permits.
    pub action: ActionId,
    /// The grant's scope. `None` if the stored scope can't be read. Such a grant can be ended too: it permits nothing.
    pub scope: Option<Scope>,
}

impl Revocable {
    /// Whether the grant covers only one conversation.
    #[must_use]
    pub fn is_for_one_conversation(&self) -> bool {
        self.scope == Some(Scope::Conversation)
    }
}

/// Grants that are ended together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// The grants.
    pub grants: Vec<Revocable>,
    /// Who ends the grants: an id, or the kind of an actor without one.
    pub by: String,
    /// The reason.
    pub why: Revocation,
}

impl AsRef<Self> for Revoked {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// Ends grants, with an audit entry for each. `shown`: the approvals whose prompts offer to turn these grants off.
/// `None` if there are no grants.
#[must_use]
pub fn revoke(
    workspace: WorkspaceId,
    grants: Vec<Revocable>,
    shown: &[ApprovalId],
    actor: &Actor,
    why: Revocation,
) -> Option<Changed<Revoked>> {
    let mut entries = grants.iter().map(|grant| entry(grant, actor, why).concerning([grant.user.clone()]));
    let first = entries.next()?;
    let others: Vec<Entry> = entries.collect();
    let revoked = Revoked { grants, by: actor.label(), why };
    Some(Changed::new(workspace, revoked, first).and_record(others).and_redraw(shown))
}

/// The audit entry for a grant that ends.
pub(super) fn entry(grant: &Revocable, actor: &Actor, why: Revocation) -> Entry {
    Entry::new(actor.clone(), AuditAction::GrantRevoked)
        .grant(grant.id)
        .subject(grant.user.to_string())
        .before(json!({ "scope": grant.scope.map(Scope::as_str) }))
        .after(json!({ "why": why.as_str() }))
}

/// Records that a user tried to turn off a grant, and was refused.
pub fn refuse(
    workspace: WorkspaceId,
    user: &UserId,
    grant: GrantId,
    rejection: Rejection,
) -> Changed<Rejection> {
    let entry = Entry::new(Actor::User(user.clone()), AuditAction::SettingsRefused)
        .grant(grant)
        .after(json!({ "why": rejection.code() }))
        .concerning([user.clone()]);
    Changed::new(workspace, rejection, entry)
}
