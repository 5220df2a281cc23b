//! Which user has which integration connected, as backends report it.

use crate::domain::{
    audit::{Actor, AuditAction, Entry},
    effects::Changed,
    ids::{ApprovalId, BackendId, IntegrationId, UserId, WorkspaceId},
    text::IntegrationKey,
};

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
