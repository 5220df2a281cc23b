//! Conversations: each is one run of an agent with a user.

use serde_json::json;

use super::{
    audit::{Actor, AuditAction, Entry},
    effects::Changed,
    ids::{ApprovalId, UserId, WorkspaceId},
    own_keys::ConversationKey,
};

/// A conversation that its backend, or the user whose own it is, closes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// The conversation.
    pub conversation: ConversationKey,
}

/// Closes a conversation. `pending`: its pending approvals and their users. The conversation scope is no longer offered
/// for these.
pub fn close(
    workspace: WorkspaceId,
    conversation: ConversationKey,
    pending: &[(ApprovalId, UserId)],
) -> Changed<Closed> {
    let mut entry = Entry::new(Actor::Backend(conversation.backend()), AuditAction::ConversationClosed)
        .subject(conversation.id().as_str())
        .concerning(pending.iter().map(|(_, user)| user.clone()));
    if let Some(user) = conversation.user() {
        entry = entry.after(json!({ "user": user.as_str() }));
    }
    let prompts: Vec<ApprovalId> = pending.iter().map(|(approval, _)| *approval).collect();
    Changed::new(workspace, Closed { conversation }, entry).and_redraw(&prompts)
}
