//! Conversations: each is one run of an agent with a user.

use super::{
    audit::{Actor, AuditAction, Entry},
    effects::Changed,
    ids::{ApprovalId, BackendId, UserId, WorkspaceId},
    text::ForeignId,
};

/// A conversation that its backend closes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// The backend that the conversation belongs to.
    pub backend: BackendId,
    /// The backend's id for the conversation.
    pub id: ForeignId,
}

/// Closes a conversation. `pending`: its pending approvals and their users. The conversation scope is no longer offered
/// for these.
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
