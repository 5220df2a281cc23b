//! Revocations: how grants end.

use std::collections::BTreeMap;

use serde_json::json;
use uuid::Uuid;

use crate::domain::{
    audit::{Actor, AuditAction, Entry},
    effects::{Changed, Effect},
    grants::StandingScope,
    ids::{ActionId, ApprovalId, GrantId, RevocationId, UserId, WorkspaceId},
    rejection::Rejection,
    text::Text,
};

/// Why a grant ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// Its user turned it off.
    TurnedOff,
    /// An admin or the operator revoked it.
    Revoked,
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
    /// The user gave it until a time, which has come.
    Expired,
    /// It approved as many requests as the user allowed.
    UsedUp,
}

impl Revocation {
    /// The reason as written in the database and in the audit.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TurnedOff => "turned_off",
            Self::Revoked => "revoked",
            Self::ActionLocked => "action_locked",
            Self::OnlyConversations => "only_conversations",
            Self::ActionRetired => "action_retired",
            Self::Disconnected => "disconnected",
            Self::ConnectionRequired => "connection_required",
            Self::ConversationClosed => "conversation_closed",
            Self::ConversationSilent => "conversation_silent",
            Self::NoMember => "no_member",
            Self::AppRemoved => "app_removed",
            Self::Expired => "expired",
            Self::UsedUp => "used_up",
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
    pub scope: Option<StandingScope>,
    /// Whether it is narrowed.
    pub is_narrowed: bool,
}

impl Revocable {
    /// Whether the grant covers every call of the action, as far as its scope can be read.
    #[must_use]
    pub fn covers_every_call(&self) -> bool {
        self.scope != Some(StandingScope::Conversation) && !self.is_narrowed
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
    end(workspace, grants, shown, actor, why, |revoked| revoked)
}

fn end<T>(
    workspace: WorkspaceId,
    grants: Vec<Revocable>,
    shown: &[ApprovalId],
    actor: &Actor,
    why: Revocation,
    state: impl FnOnce(Revoked) -> T,
) -> Option<Changed<T>> {
    let mut entries = grants.iter().map(|grant| entry(grant, actor, why).concerning([grant.user.clone()]));
    let first = entries.next()?;
    let others: Vec<Entry> = entries.collect();
    let state = state(Revoked { grants, by: actor.label(), why });
    Some(Changed::new(workspace, state, first).and_record(others).and_redraw(shown))
}

/// Why an admin or the operator revokes grants: the users read it.
pub type RevocationReason = Text<500>;

/// The notice to one user about grants that were revoked together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The notice's id.
    pub id: RevocationId,
    /// The user, whose grants they were.
    pub user: UserId,
    /// The grants.
    pub grants: Vec<GrantId>,
}

/// Grants that an admin or the operator revoked, and what their users are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokedForOthers {
    /// The grants.
    pub revoked: Revoked,
    /// The admin. `None`: the operator.
    pub admin: Option<UserId>,
    /// Why.
    pub reason: Option<RevocationReason>,
    /// One for each user, except the admin, who knows.
    pub notices: Vec<Notice>,
}

impl AsRef<Revoked> for RevokedForOthers {
    fn as_ref(&self) -> &Revoked {
        &self.revoked
    }
}

/// Ends grants of any users, and tells each of them. `shown`: the approvals whose prompts offer to turn these grants off.
/// `None` if there are no grants.
#[must_use]
pub fn revoke_for_others(
    workspace: WorkspaceId,
    grants: Vec<Revocable>,
    shown: &[ApprovalId],
    actor: &Actor,
    reason: Option<RevocationReason>,
    new_id: impl Fn() -> Uuid,
) -> Option<Changed<RevokedForOthers>> {
    let admin = if let Actor::User(admin) = actor { Some(admin.clone()) } else { None };
    let mut by_user = BTreeMap::<UserId, Vec<GrantId>>::new();
    for grant in grants.iter().filter(|grant| admin.as_ref() != Some(&grant.user)) {
        by_user.entry(grant.user.clone()).or_default().push(grant.id);
    }
    let notice = |(user, grants)| Notice { id: RevocationId::new(new_id()), user, grants };
    let notices: Vec<Notice> = by_user.into_iter().map(notice).collect();
    let tell: Vec<Effect> =
        notices.iter().map(|notice| Effect::TellRevocation(notice.user.clone())).collect();
    let state = |revoked| RevokedForOthers { revoked, admin, reason, notices };
    Some(end(workspace, grants, shown, actor, Revocation::Revoked, state)?.and_all(tell))
}

/// The audit entry for a grant that ends.
pub(super) fn entry(grant: &Revocable, actor: &Actor, why: Revocation) -> Entry {
    Entry::new(actor.clone(), AuditAction::GrantRevoked)
        .grant(grant.id)
        .subject(grant.user.to_string())
        .before(json!({ "scope": grant.scope.map(|scope| scope.scope().as_str()) }))
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
