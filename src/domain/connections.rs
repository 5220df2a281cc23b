//! Which users have connected which integration, as backends report it.

use crate::domain::{
    audit::{Actor, AuditAction, Entry},
    effects::Changed,
    ids::{ApprovalId, BackendId, IntegrationId, UserId, WorkspaceId},
    text::IntegrationKey,
};

/// What a backend reports about a user and an integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// The user connected it.
    Connected,
    /// The user disconnected the integration. The user's grants for its actions end.
    Disconnected,
}

/// A connection that was added or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionChange {
    /// The integration.
    pub integration: IntegrationId,
    /// The user.
    pub user: UserId,
    /// What happened to the connection.
    pub report: Report,
}

/// Adds or removes a connection, as the backend reports. `pending`: the user's approvals for the integration, whose
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
