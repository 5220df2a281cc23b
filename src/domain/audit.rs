//! The audit: who changed what, when, and what was tried and refused. Never argument values.

use serde_json::Value;

use super::ids::{ApprovalId, BackendId, GrantId, UserId};

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A person in Slack.
    User(UserId),
    /// A backend, through the API.
    Backend(BackendId),
    /// Whoever runs the command line.
    Operator,
    /// Countersign itself: a grant that was used, a clock that ran out.
    Service,
}

/// What an actor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActorKind {
    /// A person in Slack.
    User,
    /// A backend, through the API.
    Backend,
    /// A person at the command line.
    Operator,
    /// Countersign itself.
    Service,
}

impl ActorKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::User, Self::Backend, Self::Operator, Self::Service];

    /// As the database and JSON write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Backend => "backend",
            Self::Operator => "operator",
            Self::Service => "service",
        }
    }

    /// Reads what [`ActorKind::as_str`] wrote.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl Actor {
    /// The kind, as the database writes it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        let kind = match self {
            Self::User(_) => ActorKind::User,
            Self::Backend(_) => ActorKind::Backend,
            Self::Operator => ActorKind::Operator,
            Self::Service => ActorKind::Service,
        };
        kind.as_str()
    }

    /// The id within its kind.
    #[must_use]
    pub fn id(&self) -> Option<String> {
        match self {
            Self::User(user) => Some(user.to_string()),
            Self::Backend(backend) => Some(backend.to_string()),
            Self::Operator | Self::Service => None,
        }
    }

    /// The id, or the kind of an actor that has none: as the tables name who changed a row.
    #[must_use]
    pub fn label(&self) -> String {
        self.id().unwrap_or_else(|| self.kind().to_owned())
    }
}

/// What happened. A closed list: each is written `noun.verb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditAction {
    /// A backend asked, and a person has to answer.
    ApprovalRequested,
    /// Approved by a person or a grant.
    ApprovalApproved,
    /// Denied by the user.
    ApprovalDenied,
    /// Nobody answered in time.
    ApprovalExpired,
    /// The backend took it back.
    ApprovalCancelled,
    /// Slack can't show it.
    ApprovalUndeliverable,
    /// Somebody tried to decide and was refused.
    ApprovalRefused,
    /// A user gave a standing permission.
    GrantGiven,
    /// A standing permission ended.
    GrantRevoked,
    /// A backend created or changed an integration.
    IntegrationPut,
    /// A backend tried to describe or connect another's integration, and was refused.
    IntegrationRefused,
    /// An operator let every backend describe an integration.
    IntegrationShared,
    /// An operator gave an integration to a backend.
    IntegrationMoved,
    /// An unknown action was registered.
    ActionRegistered,
    /// An admin allowed auto-approval.
    ActionUnlocked,
    /// An admin confirmed what the description of an unlocked action has become.
    ActionConfirmed,
    /// An admin took that back.
    ActionLocked,
    /// The integration no longer has the action.
    ActionRetired,
    /// A user asked the admins to unlock an action.
    UnlockRequested,
    /// An admin declined that.
    UnlockDeclined,
    /// Somebody tried what only admins may, and was refused.
    AdminRefused,
    /// Somebody tried to change settings, and was refused.
    SettingsRefused,
    /// A user connected an integration.
    ConnectionAdded,
    /// A user disconnected it.
    ConnectionRemoved,
    /// A backend closed a conversation.
    ConversationClosed,
    /// A backend was created.
    BackendCreated,
    /// A backend was disabled.
    BackendDisabled,
    /// A backend got one more API key.
    KeyCreated,
    /// A new API key of a backend replaced others.
    KeyRotated,
    /// API keys of a backend stopped.
    KeyRevoked,
    /// A backend got a new webhook secret.
    SecretRotated,
    /// Deliveries to a backend's endpoint stopped.
    WebhookStopped,
    /// Deliveries to a backend's endpoint go on.
    WebhookResumed,
    /// A backend's webhooks go elsewhere.
    WebhookMoved,
    /// The app was installed in the workspace.
    WorkspaceInstalled,
    /// A backend had a webhook sent again.
    WebhookRedelivered,
    /// The app was removed from the workspace.
    WorkspaceRemoved,
}

impl AuditAction {
    /// Every action.
    pub const ALL: [Self; 37] = [
        Self::ApprovalRequested,
        Self::ApprovalApproved,
        Self::ApprovalDenied,
        Self::ApprovalExpired,
        Self::ApprovalCancelled,
        Self::ApprovalUndeliverable,
        Self::ApprovalRefused,
        Self::GrantGiven,
        Self::GrantRevoked,
        Self::IntegrationPut,
        Self::IntegrationRefused,
        Self::IntegrationShared,
        Self::IntegrationMoved,
        Self::ActionRegistered,
        Self::ActionUnlocked,
        Self::ActionConfirmed,
        Self::ActionLocked,
        Self::ActionRetired,
        Self::UnlockRequested,
        Self::UnlockDeclined,
        Self::AdminRefused,
        Self::SettingsRefused,
        Self::ConnectionAdded,
        Self::ConnectionRemoved,
        Self::ConversationClosed,
        Self::BackendCreated,
        Self::BackendDisabled,
        Self::KeyCreated,
        Self::KeyRotated,
        Self::KeyRevoked,
        Self::SecretRotated,
        Self::WebhookStopped,
        Self::WebhookResumed,
        Self::WebhookMoved,
        Self::WorkspaceInstalled,
        Self::WebhookRedelivered,
        Self::WorkspaceRemoved,
    ];

    /// As the database and the export write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApprovalRequested => "approval.requested",
            Self::ApprovalApproved => "approval.approved",
            Self::ApprovalDenied => "approval.denied",
            Self::ApprovalExpired => "approval.expired",
            Self::ApprovalCancelled => "approval.cancelled",
            Self::ApprovalUndeliverable => "approval.undeliverable",
            Self::ApprovalRefused => "approval.refused",
            Self::GrantGiven => "grant.given",
            Self::GrantRevoked => "grant.revoked",
            Self::IntegrationPut => "integration.put",
            Self::IntegrationRefused => "integration.refused",
            Self::IntegrationShared => "integration.shared",
            Self::IntegrationMoved => "integration.moved",
            Self::ActionRegistered => "action.registered",
            Self::ActionUnlocked => "action.unlocked",
            Self::ActionConfirmed => "action.confirmed",
            Self::ActionLocked => "action.locked",
            Self::ActionRetired => "action.retired",
            Self::UnlockRequested => "unlock.requested",
            Self::UnlockDeclined => "unlock.declined",
            Self::AdminRefused => "admin.refused",
            Self::SettingsRefused => "settings.refused",
            Self::ConnectionAdded => "connection.added",
            Self::ConnectionRemoved => "connection.removed",
            Self::ConversationClosed => "conversation.closed",
            Self::BackendCreated => "backend.created",
            Self::BackendDisabled => "backend.disabled",
            Self::KeyCreated => "backend.key_created",
            Self::KeyRotated => "backend.key_rotated",
            Self::KeyRevoked => "backend.key_revoked",
            Self::SecretRotated => "backend.secret_rotated",
            Self::WebhookStopped => "webhook.stopped",
            Self::WebhookResumed => "webhook.resumed",
            Self::WebhookMoved => "webhook.moved",
            Self::WorkspaceInstalled => "workspace.installed",
            Self::WebhookRedelivered => "webhook.redelivered",
            Self::WorkspaceRemoved => "workspace.removed",
        }
    }
}

/// One line of the audit. Its workspace and time are those of the change it is saved with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Who did it.
    pub actor: Actor,
    /// What.
    pub what: AuditAction,
    /// To which approval.
    pub approval: Option<ApprovalId>,
    /// To which grant.
    pub grant: Option<GrantId>,
    /// To what else: `salesforce.create_record`, a user, a backend's name.
    pub subject: Option<String>,
    /// How it was.
    pub before: Option<Value>,
    /// How it is now, or why it was refused.
    pub after: Option<Value>,
    /// The users whose Home tabs show it. Not stored: the tabs are drawn again with the change
    /// ([`super::homes::HomeAudience`]).
    pub concerns: Vec<UserId>,
}

impl Entry {
    /// A line that so far says only who did what.
    pub(super) const fn new(actor: Actor, what: AuditAction) -> Self {
        Self {
            actor,
            what,
            approval: None,
            grant: None,
            subject: None,
            before: None,
            after: None,
            concerns: Vec::new(),
        }
    }

    /// Says to which approval.
    pub(super) const fn approval(mut self, id: ApprovalId) -> Self {
        self.approval = Some(id);
        self
    }

    /// Says to which grant.
    pub(super) const fn grant(mut self, id: GrantId) -> Self {
        self.grant = Some(id);
        self
    }

    /// Says to what else.
    pub(super) fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Says how it was.
    pub(super) fn before(mut self, before: Value) -> Self {
        self.before = Some(before);
        self
    }

    /// Says how it is now.
    pub(super) fn after(mut self, after: Value) -> Self {
        self.after = Some(after);
        self
    }

    /// Says whose Home tabs show it.
    pub(super) fn concerning(mut self, users: impl IntoIterator<Item = UserId>) -> Self {
        self.concerns.extend(users);
        self
    }
}
