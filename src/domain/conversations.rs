//! Conversations: one run of an agent with a user each.

use super::{
    audit::{Actor, AuditAction, Entry},
    effects::Changed,
    ids::{ApprovalId, BackendId, UserId, WorkspaceId},
    text::ForeignId,
};

/// A conversation that its backend closes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// Whose it is.
    pub backend: BackendId,
    /// The backend's id for it.
    pub id: ForeignId,
}

/// Closes a conversation. `pending`: the approvals that wait in it, and whom they ask: they can no longer be
/// auto-approved for it.
pub fn close(
    workspace: WorkspaceId,
    backend: BackendId,
    id: &ForeignId,
    pending: &[(ApprovalId, UserId)],
) -> Changed<Closed> {
    let entry = Entry::new(Actor::Backend(backend), AuditAction::ConversationClosed)
        .subject(id.as_str())
        .concerning(pending.iter().map(|(_, user)| user.clone()));
    let prompts: Vec<ApprovalId> = pending.iter().map(|(approval, _)| *approval).collect();
    Changed::new(workspace, Closed { backend, id: id.clone() }, entry).and_redraw(&prompts)
}
