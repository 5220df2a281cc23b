//! Integrations and their actions, and whether an action may be auto-approved for a user.

use serde_json::json;

use super::{
    Rejection,
    audit::{Actor, AuditAction, Entry},
    effects::Changed,
    ids::{ActionId, ActionVersionId, ApprovalId, BackendId, IntegrationId, UserId, WorkspaceId},
    text::{ActionKey, IntegrationKey},
};

/// The most actions of an integration that are not retired.
pub const MOST_ACTIONS: u16 = 500;

/// The most integrations of a workspace.
pub const MOST_INTEGRATIONS: u16 = 500;

/// What an agent uses and what it does with it, as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionRef {
    /// The action.
    pub id: ActionId,
    /// The integration it belongs to.
    pub integration_id: IntegrationId,
    /// The integration's key.
    pub integration: IntegrationKey,
    /// The action's key.
    pub action: ActionKey,
    /// The version of its description that the following is read from.
    pub version: ActionVersionId,
    /// The integration's name for people; its key if nobody gave one.
    pub integration_name: String,
    /// The action's name for people; its key if nobody gave one.
    pub action_name: String,
    /// What it does. Not read where a request is asked: nothing there shows it or is judged by it.
    pub description: Option<String>,
    /// The backend says that the action destroys something.
    pub destructive: bool,
}

impl ActionRef {
    /// The pair as it is written: `salesforce.create_record`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}.{}", self.integration, self.action)
    }
}

/// All that people see of an action, and all that it is judged by. A version holds one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The integration's name for people.
    pub integration_name: String,
    /// The action's name for people.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// It changes nothing.
    pub read_only: bool,
    /// It destroys something.
    pub destructive: bool,
    /// A user must have connected the integration before anything is auto-approved.
    pub requires_connection: bool,
}

/// An action under its lock, and what an admin's wish is judged by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedAction {
    /// The action.
    pub id: ActionId,
    /// Its integration's key.
    pub integration: String,
    /// Its key.
    pub key: String,
    /// Whether users may auto-approve it.
    pub lock: Lock,
    /// Its present description.
    pub version: ActionVersionId,
    /// The description that an admin unlocked or confirmed last.
    pub confirmed: Option<ActionVersionId>,
}

impl LockedAction {
    /// The pair as it is written: `salesforce.create_record`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}.{}", self.integration, self.key)
    }
}

/// An action that a request named before a backend described it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedAction {
    /// The action.
    pub id: ActionId,
    /// The integration that it is registered with.
    pub integration_id: IntegrationId,
    /// The integration's key.
    pub integration: IntegrationKey,
    /// The action's key.
    pub action: ActionKey,
}

/// Registers an action that a backend's request named, locked.
pub fn register(workspace: WorkspaceId, backend: BackendId, action: NamedAction) -> Changed<NamedAction> {
    let entry = Entry::new(Actor::Backend(backend), AuditAction::ActionRegistered)
        .subject(format!("{}.{}", action.integration, action.action))
        .after(json!({ "locked": true }));
    Changed::new(workspace, action, entry)
}

/// What a backend reports of a user and an integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// The user connected it.
    Connected,
    /// The user disconnected it, and what they allowed for it ends.
    Disconnected,
}

/// A connection that was added or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionChange {
    /// The integration.
    pub integration: IntegrationId,
    /// The user.
    pub user: UserId,
    /// Whether it is there now.
    pub report: Report,
}

/// Adds or removes a connection, as its backend reports. `pending`: the user's approvals for the integration, whose
/// prompts show whether it is connected.
pub fn connect(
    workspace: WorkspaceId,
    backend: BackendId,
    (integration, key): (IntegrationId, &IntegrationKey),
    user: &UserId,
    report: Report,
    pending: &[ApprovalId],
) -> Changed<ConnectionChange> {
    let what = match report {
        Report::Connected => AuditAction::ConnectionAdded,
        Report::Disconnected => AuditAction::ConnectionRemoved,
    };
    let entry =
        Entry::new(Actor::Backend(backend), what).subject(format!("{user} {key}")).concerning([user.clone()]);
    let change = ConnectionChange { integration, user: user.clone(), report };
    Changed::new(workspace, change, entry).and_redraw(pending)
}

/// Notes that a backend tried to change what is another's, and was refused.
pub fn refuse(
    workspace: WorkspaceId,
    actor: &Actor,
    subject: &str,
    rejection: Rejection,
) -> Changed<Rejection> {
    let entry = Entry::new(actor.clone(), AuditAction::IntegrationRefused)
        .subject(subject)
        .after(json!({ "why": rejection.code() }));
    Changed::new(workspace, rejection, entry)
}

/// An integration that gets another owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnerChange {
    /// The integration.
    pub integration: IntegrationId,
    /// Who may describe it now.
    pub ownership: Ownership,
}

/// Says who may describe an integration from now on, as the operator wants. `None`: it is so already.
#[must_use]
pub fn set_owner(
    workspace: WorkspaceId,
    (integration, key): (IntegrationId, &IntegrationKey),
    before: Ownership,
    after: Ownership,
) -> Option<Changed<OwnerChange>> {
    let what = match after {
        _ if before == after => return None,
        Ownership::Shared => AuditAction::IntegrationShared,
        _ => AuditAction::IntegrationMoved,
    };
    let entry = Entry::new(Actor::Operator, what)
        .subject(key.as_str())
        .before(json!({ "owner": before.owner() }))
        .after(json!({ "owner": after.owner() }));
    Some(Changed::new(workspace, OwnerChange { integration, ownership: after }, entry))
}

/// Who may describe an integration and report who has connected it. Every backend of the workspace may ask for its
/// actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// Not described yet: a request named it. The first backend to describe it becomes its owner.
    Unclaimed,
    /// This backend.
    Backend(BackendId),
    /// The operator at the command line, and no backend.
    Operator,
    /// Every backend of the workspace.
    Shared,
}

impl Ownership {
    /// The owner after this actor has described it. `None`: the actor may not describe it.
    pub fn described_by(self, actor: &Actor) -> Result<Self, Rejection> {
        match (self, actor) {
            (Self::Unclaimed, Actor::Backend(backend)) => Ok(Self::Backend(*backend)),
            (Self::Unclaimed, Actor::Operator) => Ok(Self::Operator),
            (Self::Shared, Actor::Backend(_)) | (_, Actor::Operator) => Ok(self),
            (Self::Backend(owner), Actor::Backend(backend)) if owner == *backend => Ok(self),
            _ => Err(Rejection::NotOwner),
        }
    }

    /// The owner, as the audit names it: a backend's id, or a word. `None`: no owner.
    #[must_use]
    pub fn owner(self) -> Option<String> {
        match self {
            Self::Unclaimed => None,
            Self::Backend(backend) => Some(backend.to_string()),
            Self::Operator => Some("operator".to_owned()),
            Self::Shared => Some("shared".to_owned()),
        }
    }

    /// Whether this backend may report who has connected it.
    pub fn may_connect(self, backend: BackendId) -> Result<(), Rejection> {
        match self {
            Self::Unclaimed | Self::Shared => Ok(()),
            Self::Backend(owner) if owner == backend => Ok(()),
            Self::Backend(_) | Self::Operator => Err(Rejection::NotOwner),
        }
    }
}

/// Whether users may auto-approve an action at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// An admin has allowed it.
    Unlocked,
    /// An admin has allowed it, and its description has changed since: grants are paused until an admin confirms.
    Changed,
    /// No admin has.
    Locked,
    /// The integration no longer has the action: there is nothing that an admin could allow.
    Retired,
}

impl Lock {
    /// Reads what the database says of an action. `confirmed`: its present description is the one that an admin unlocked
    /// or confirmed.
    #[must_use]
    pub const fn of(unlocked: bool, retired: bool, confirmed: bool) -> Self {
        match (unlocked, retired, confirmed) {
            (_, true, _) => Self::Retired,
            (true, false, true) => Self::Unlocked,
            (true, false, false) => Self::Changed,
            (false, false, _) => Self::Locked,
        }
    }
}

/// What decides whether a standing permission may be used or given, as read under lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Whether the action may be auto-approved.
    pub lock: Lock,
    /// The action's description has changed since the request was asked: a grant would cover something else than what
    /// the person reads.
    pub outdated: bool,
    /// The user has the integration connected, or the integration needs no connection.
    pub connected: bool,
    /// The backend closed the conversation.
    pub conversation_closed: bool,
}

/// Why there is no auto-approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Barrier {
    /// No admin has unlocked the action.
    Locked,
    /// The integration no longer has the action.
    Retired,
    /// The action's description has changed since an admin unlocked it.
    Changed,
    /// The action's description has changed since the request was asked, and an admin has confirmed the change.
    Outdated,
    /// The user hasn't connected the integration.
    NotConnected,
}

impl Standing {
    /// What stands in the way of auto-approval, the lock first: without it nothing else helps.
    #[must_use]
    pub const fn barrier(self) -> Option<Barrier> {
        match self.lock {
            Lock::Locked => Some(Barrier::Locked),
            Lock::Retired => Some(Barrier::Retired),
            Lock::Changed => Some(Barrier::Changed),
            Lock::Unlocked if self.outdated => Some(Barrier::Outdated),
            Lock::Unlocked if !self.connected => Some(Barrier::NotConnected),
            Lock::Unlocked => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn backend(number: u128) -> BackendId {
        BackendId::new(Uuid::from_u128(number))
    }

    #[test]
    fn the_first_to_describe_an_integration_owns_it() {
        let (one, other) = (Actor::Backend(backend(1)), Actor::Backend(backend(2)));
        let owned = Ownership::Unclaimed.described_by(&one).unwrap();
        assert_eq!(owned, Ownership::Backend(backend(1)));
        assert_eq!(owned.described_by(&one), Ok(owned));
        assert_eq!(owned.described_by(&other), Err(Rejection::NotOwner));
        assert_eq!(Ownership::Unclaimed.described_by(&Actor::Operator), Ok(Ownership::Operator));
        assert_eq!(Ownership::Operator.described_by(&one), Err(Rejection::NotOwner));
        for ownership in [owned, Ownership::Operator, Ownership::Shared] {
            assert_eq!(ownership.described_by(&Actor::Operator), Ok(ownership));
            assert_eq!(ownership.described_by(&Actor::Service), Err(Rejection::NotOwner));
        }
        assert_eq!(Ownership::Shared.described_by(&other), Ok(Ownership::Shared));
    }

    #[test]
    fn only_those_who_may_describe_it_report_connections_once_it_is_described() {
        assert!(Ownership::Unclaimed.may_connect(backend(1)).is_ok());
        assert!(Ownership::Shared.may_connect(backend(1)).is_ok());
        assert!(Ownership::Backend(backend(1)).may_connect(backend(1)).is_ok());
        assert_eq!(Ownership::Backend(backend(1)).may_connect(backend(2)), Err(Rejection::NotOwner));
        assert_eq!(Ownership::Operator.may_connect(backend(1)), Err(Rejection::NotOwner));
    }

    #[test]
    fn whatever_has_changed_stands_in_the_way() {
        let free =
            Standing { lock: Lock::Unlocked, outdated: false, connected: true, conversation_closed: false };
        assert_eq!(free.barrier(), None);
        assert_eq!(Standing { outdated: true, ..free }.barrier(), Some(Barrier::Outdated));
        let changed = Standing { lock: Lock::of(true, false, false), ..free };
        assert_eq!(changed.barrier(), Some(Barrier::Changed));
        assert_eq!(Standing { lock: Lock::of(true, true, true), ..free }.barrier(), Some(Barrier::Retired));
        assert_eq!(Standing { lock: Lock::of(false, false, true), ..free }.barrier(), Some(Barrier::Locked));
    }
}
