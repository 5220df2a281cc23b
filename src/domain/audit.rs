//! The audit: who changed what and when, and which attempts were refused. It never contains argument values.

use serde_json::Value;

use super::{
    admin_key_ref::AdminKeyRef,
    ids::{ApprovalId, BackendId, GrantId, UserId},
};

/// Who acted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A person in Slack.
    User(UserId),
    /// A backend, through the API.
    Backend(BackendId),
    /// The person at the command line.
    Operator,
    /// A program of the operator, through the admin API.
    AdminKey(AdminKeyRef),
    /// Countersign itself: it used a grant, or an approval expired.
    Service,
}

/// The kind of an actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActorKind {
    /// A person in Slack.
    User,
    /// A backend, through the API.
    Backend,
    /// A person at the command line, or their program with an admin key.
    Operator,
    /// Countersign itself.
    Service,
}

impl ActorKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::User, Self::Backend, Self::Operator, Self::Service];

    /// The kind as written in the database and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Backend => "backend",
            Self::Operator => "operator",
            Self::Service => "service",
        }
    }

    /// Parses what [`ActorKind::as_str`] returns.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl Actor {
    /// The actor's kind, as written in the database.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        let kind = match self {
            Self::User(_) => ActorKind::User,
            Self::Backend(_) => ActorKind::Backend,
            // The previous version reads this kind, and a constraint of the table names the kinds.
            Self::Operator | Self::AdminKey(_) => ActorKind::Operator,
            Self::Service => ActorKind::Service,
        };
        kind.as_str()
    }

    /// The actor's id. `None` for the person at the command line and for Countersign itself, which have none.
    #[must_use]
    pub fn id(&self) -> Option<String> {
        match self {
            Self::User(user) => Some(user.to_string()),
            Self::Backend(backend) => Some(backend.to_string()),
            Self::AdminKey(key) => Some(key.label()),
            Self::Operator | Self::Service => None,
        }
    }

    /// The id of a person or backend, or the kind of another actor. Tables store this as the author of a change.
    #[must_use]
    pub fn label(&self) -> String {
        let id = if let Self::AdminKey(_) = self { None } else { self.id() };
        id.unwrap_or_else(|| self.kind().to_owned())
    }
}

/// What happened. A closed list: each action is written `noun.verb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditAction {
    /// A backend created an approval, and a user has to decide it.
    ApprovalRequested,
    /// A user or a grant approved.
    ApprovalApproved,
    /// The user denied.
    ApprovalDenied,
    /// The approval expired undecided.
    ApprovalExpired,
    /// The backend cancelled the approval.
    ApprovalCancelled,
    /// Slack can't show the prompt.
    ApprovalUndeliverable,
    /// A person opened the details of a request that must be read.
    DetailsOpened,
    /// A person tried to decide and was refused.
    ApprovalRefused,
    /// A backend reported what came of an approved call.
    ResultReported,
    /// One of several people approved, and others have to.
    ApprovalAnswered,
    /// No one answered in time, and more people may decide.
    ApprovalEscalated,
    /// A caller took the permit of an approval, right before it ran the call.
    PermitUsed,
    /// A caller was refused the permit of an approval.
    PermitRefused,
    /// A user let another person decide their approvals until a date.
    DelegationBegan,
    /// A delegation ended.
    DelegationEnded,
    /// A user gave a grant.
    GrantGiven,
    /// A grant ended.
    GrantRevoked,
    /// A backend created or changed an integration.
    IntegrationPut,
    /// A backend tried to describe another backend's integration, or to report a connection of it, and was refused.
    IntegrationRefused,
    /// An operator let every backend describe an integration.
    IntegrationShared,
    /// An operator gave an integration to a backend.
    IntegrationMoved,
    /// A request named an unknown action, which was registered.
    ActionRegistered,
    /// An admin unlocked an action.
    ActionUnlocked,
    /// An admin changed what users may allow for an unlocked action.
    ActionScopeChanged,
    /// An admin changed whether requests for an action must be read.
    ActionMustReadChanged,
    /// An admin confirmed the changed description of an unlocked action.
    ActionConfirmed,
    /// An admin locked an action.
    ActionLocked,
    /// A backend left an action out of its integration.
    ActionRetired,
    /// A user asked the admins to unlock an action.
    UnlockRequested,
    /// An admin declined a request to unlock an action.
    UnlockDeclined,
    /// A person without admin rights tried an admin's command and was refused.
    AdminRefused,
    /// A person tried to change settings and was refused.
    SettingsRefused,
    /// A user connected an integration.
    ConnectionAdded,
    /// A user disconnected an integration.
    ConnectionRemoved,
    /// A backend closed a conversation.
    ConversationClosed,
    /// A backend was created.
    BackendCreated,
    /// A backend was disabled.
    BackendDisabled,
    /// An admin or the operator paused a backend.
    BackendPaused,
    /// An admin or the operator resumed a backend.
    BackendResumed,
    /// An admin or the operator paused an agent.
    AgentPaused,
    /// An admin or the operator resumed an agent.
    AgentResumed,
    /// A backend got an additional API key.
    KeyCreated,
    /// A new API key of a backend replaced others.
    KeyRotated,
    /// API keys of a backend were revoked.
    KeyRevoked,
    /// An operator created an admin key.
    AdminKeyCreated,
    /// A new admin key replaced another one.
    AdminKeyRotated,
    /// An admin key was revoked.
    AdminKeyRevoked,
    /// A backend got a new webhook secret.
    SecretRotated,
    /// Deliveries to a backend's endpoint were stopped.
    WebhookStopped,
    /// Deliveries to a backend's endpoint were resumed.
    WebhookResumed,
    /// A backend's webhooks got another URL.
    WebhookMoved,
    /// The app was installed in the workspace.
    WorkspaceInstalled,
    /// A backend had a webhook redelivered.
    WebhookRedelivered,
    /// The app was removed from the workspace.
    WorkspaceRemoved,
    /// A partition was dropped after the retention time.
    RecordsDropped,
    /// An admin or the operator put other rules in force.
    PolicyChanged,
    /// A rule's condition could not be evaluated, so a person is asked.
    RuleFailed,
}

impl AuditAction {
    /// Every action.
    pub const ALL: [Self; 57] = [
        Self::ApprovalRequested,
        Self::ApprovalApproved,
        Self::ApprovalDenied,
        Self::ApprovalExpired,
        Self::ApprovalCancelled,
        Self::ApprovalUndeliverable,
        Self::DetailsOpened,
        Self::ApprovalRefused,
        Self::ResultReported,
        Self::ApprovalAnswered,
        Self::ApprovalEscalated,
        Self::PermitUsed,
        Self::PermitRefused,
        Self::DelegationBegan,
        Self::DelegationEnded,
        Self::GrantGiven,
        Self::GrantRevoked,
        Self::IntegrationPut,
        Self::IntegrationRefused,
        Self::IntegrationShared,
        Self::IntegrationMoved,
        Self::ActionRegistered,
        Self::ActionUnlocked,
        Self::ActionScopeChanged,
        Self::ActionMustReadChanged,
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
        Self::BackendPaused,
        Self::BackendResumed,
        Self::AgentPaused,
        Self::AgentResumed,
        Self::KeyCreated,
        Self::KeyRotated,
        Self::KeyRevoked,
        Self::AdminKeyCreated,
        Self::AdminKeyRotated,
        Self::AdminKeyRevoked,
        Self::SecretRotated,
        Self::WebhookStopped,
        Self::WebhookResumed,
        Self::WebhookMoved,
        Self::WorkspaceInstalled,
        Self::WebhookRedelivered,
        Self::WorkspaceRemoved,
        Self::RecordsDropped,
        Self::PolicyChanged,
        Self::RuleFailed,
    ];

    /// The action as written in the database and in the export.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApprovalRequested => "approval.requested",
            Self::ApprovalApproved => "approval.approved",
            Self::ApprovalDenied => "approval.denied",
            Self::ApprovalExpired => "approval.expired",
            Self::ApprovalCancelled => "approval.cancelled",
            Self::ApprovalUndeliverable => "approval.undeliverable",
            Self::DetailsOpened => "approval.details_opened",
            Self::ApprovalRefused => "approval.refused",
            Self::ResultReported => "approval.result_reported",
            Self::ApprovalAnswered => "approval.answered",
            Self::ApprovalEscalated => "approval.escalated",
            Self::PermitUsed => "permit.used",
            Self::PermitRefused => "permit.refused",
            Self::DelegationBegan => "delegation.began",
            Self::DelegationEnded => "delegation.ended",
            Self::GrantGiven => "grant.given",
            Self::GrantRevoked => "grant.revoked",
            Self::IntegrationPut => "integration.put",
            Self::IntegrationRefused => "integration.refused",
            Self::IntegrationShared => "integration.shared",
            Self::IntegrationMoved => "integration.moved",
            Self::ActionRegistered => "action.registered",
            Self::ActionUnlocked => "action.unlocked",
            Self::ActionScopeChanged => "action.scope_changed",
            Self::ActionMustReadChanged => "action.must_read_changed",
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
            Self::BackendPaused => "backend.paused",
            Self::BackendResumed => "backend.resumed",
            Self::AgentPaused => "agent.paused",
            Self::AgentResumed => "agent.resumed",
            Self::KeyCreated => "backend.key_created",
            Self::KeyRotated => "backend.key_rotated",
            Self::KeyRevoked => "backend.key_revoked",
            Self::AdminKeyCreated => "admin.key_created",
            Self::AdminKeyRotated => "admin.key_rotated",
            Self::AdminKeyRevoked => "admin.key_revoked",
            Self::SecretRotated => "backend.secret_rotated",
            Self::WebhookStopped => "webhook.stopped",
            Self::WebhookResumed => "webhook.resumed",
            Self::WebhookMoved => "webhook.moved",
            Self::WorkspaceInstalled => "workspace.installed",
            Self::WebhookRedelivered => "webhook.redelivered",
            Self::WorkspaceRemoved => "workspace.removed",
            Self::RecordsDropped => "records.dropped",
            Self::PolicyChanged => "policy.changed",
            Self::RuleFailed => "rule.failed",
        }
    }
}

/// One audit entry. Its workspace and time are those of the change that it is saved with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Who acted.
    pub actor: Actor,
    /// What happened.
    pub what: AuditAction,
    /// The approval that was acted on.
    pub approval: Option<ApprovalId>,
    /// The grant that was acted on.
    pub grant: Option<GrantId>,
    /// Any other thing that was acted on: `salesforce.create_record`, a user, a backend's name.
    pub subject: Option<String>,
    /// The earlier state.
    pub before: Option<Value>,
    /// The new state, or why the attempt was refused.
    pub after: Option<Value>,
    /// The users whose Home tabs show the change. Not stored: the change's transaction schedules the update of those
    /// tabs ([`super::homes::HomeAudience`]).
    pub concerns: Vec<UserId>,
}

impl Entry {
    /// An entry with only actor and action.
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

    /// Names the approval that was acted on.
    pub(super) const fn approval(mut self, id: ApprovalId) -> Self {
        self.approval = Some(id);
        self
    }

    /// Names the grant that was acted on.
    pub(super) const fn grant(mut self, id: GrantId) -> Self {
        self.grant = Some(id);
        self
    }

    /// Names another thing that was acted on.
    pub(super) fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Adds the earlier state.
    pub(super) fn before(mut self, before: Value) -> Self {
        self.before = Some(before);
        self
    }

    /// Adds the new state.
    pub(super) fn after(mut self, after: Value) -> Self {
        self.after = Some(after);
        self
    }

    /// Names the users whose Home tabs show the change.
    pub(super) fn concerning(mut self, users: impl IntoIterator<Item = UserId>) -> Self {
        self.concerns.extend(users);
        self
    }
}
