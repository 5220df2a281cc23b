//! Whose message a person clicked in.

use crate::domain::{approvals::Approval, ids::UserId, prompts::Prompt};

/// Whose message the clicked one is, if it is not the user's: another person's direct messages.
pub(super) fn approver(approval: &Approval, clicked_by: &UserId, prompt: &Prompt) -> Option<UserId> {
    let is_anothers = approval.request.user != *clicked_by && prompt.channel.starts_with('D');
    is_anothers.then(|| clicked_by.clone())
}
