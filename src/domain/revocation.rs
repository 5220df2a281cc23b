//! How grants end.

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
    /// The integration's backend left the action out.
    ActionRetired,
    /// The integration was disconnected from the user's account.
    Disconnected,
    /// The integration needs a connection from now on, and the user has none.
    ConnectionRequired,
    /// The backend closed the conversation.
    ConversationClosed,
    /// Nobody asked in the conversation for [`SILENCE`](super::grants::SILENCE).
    ConversationSilent,
    /// The user is no full member any more: deactivated, or a guest.
    NoMember,
    /// The app was removed from the workspace.
    AppRemoved,
}

impl Revocation {
    /// As the database and the audit write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TurnedOff => "turned_off",
            Self::ActionLocked => "action_locked",
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

/// A live grant under its lock, about to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocable {
    /// Its id.
    pub id: GrantId,
    /// Whose it is.
    pub user: UserId,
    /// What it permits.
    pub action: ActionId,
    /// Its scope. `None`: what is stored can't be read. It ends all the same, since what can't be read permits nothing.
    pub scope: Option<Scope>,
}

impl Revocable {
    /// Whether it covers one conversation, and nothing beyond.
    #[must_use]
    pub fn is_for_one_conversation(&self) -> bool {
        self.scope == Some(Scope::Conversation)
    }
}

/// Grants that end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// Which.
    pub grants: Vec<Revocable>,
    /// Who ends them: an id, or the kind of an actor that has none.
    pub by: String,
    /// Why.
    pub why: Revocation,
}

impl AsRef<Self> for Revoked {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// Ends grants, with an audit entry each. `shown`: the approvals whose prompts offer to turn them off. `None`: there are
/// no grants to end.
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

/// What the audit says of a grant that ends.
pub(super) fn entry(grant: &Revocable, actor: &Actor, why: Revocation) -> Entry {
    Entry::new(actor.clone(), AuditAction::GrantRevoked)
        .grant(grant.id)
        .subject(grant.user.to_string())
        .before(json!({ "scope": grant.scope.map(Scope::as_str) }))
        .after(json!({ "why": why.as_str() }))
}

/// Notes that a user tried to turn off a grant and was refused.
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
