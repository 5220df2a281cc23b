//! Grants: a user's standing permissions.

use chrono::{DateTime, TimeDelta, Utc};

use serde_json::json;

use super::{
    Rejection,
    audit::{Actor, AuditAction, Entry},
    effects::Changed,
    ids::{ActionId, ApprovalId, BackendId, GrantId, UserId, WorkspaceId},
    text::ForeignId,
};

/// A conversation grant ends by itself when nobody asked in its conversation for this long.
pub const SILENCE: TimeDelta = TimeDelta::days(30);

/// How far an approval reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// This call only.
    Once,
    /// Every later call of the action in the same conversation of the same backend.
    Conversation,
    /// Every later call of the action, whichever agent or backend asks.
    Always,
}

impl Scope {
    /// As the database and JSON write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Conversation => "conversation",
            Self::Always => "always",
        }
    }

    /// Reads what [`Scope::as_str`] wrote.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        [Self::Once, Self::Conversation, Self::Always].into_iter().find(|scope| scope.as_str() == text)
    }
}

/// What a grant covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// One conversation of one backend.
    Conversation {
        /// Whose conversation.
        backend: BackendId,
        /// The backend's id for it.
        conversation: ForeignId,
    },
    /// Everything.
    Always,
}

impl Reach {
    /// The scope's name.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        match self {
            Self::Conversation { .. } => Scope::Conversation,
            Self::Always => Scope::Always,
        }
    }
}

/// A permission to be written down. It is personal: it names the one user whose requests it covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// Where it holds.
    pub workspace: WorkspaceId,
    /// Whose it is.
    pub user: UserId,
    /// What it permits.
    pub action: ActionId,
    /// How far it reaches.
    pub reach: Reach,
    /// When it was given.
    pub created_at: DateTime<Utc>,
}

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
    /// Nobody asked in the conversation for [`SILENCE`].
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
