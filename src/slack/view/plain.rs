//! The prompt as plain text, for when Slack refuses the blocks.

use super::sentences;
use crate::slack::view::{blocks, message::Message, prompt_state::PromptState, summary};

/// A message without blocks. It has no buttons while the request is pending: the arguments aren't shown, and no user
/// should approve what they haven't seen.
#[must_use]
pub fn plain(shown: &PromptState<'_>) -> Message {
    let request = &shown.approval.request;
    let asked = summary::sentence(request);
    let text = match &shown.approval.decision {
        None => format!(
            "{asked} This request can’t be shown here, so it can’t be approved from this message. Open the Home tab of \
             Countersign to see what is waiting for you. Without an answer it expires on {} and is not approved.",
            blocks::in_utc(request.expires_at)
        ),
        Some(decision) => format!("{} {asked}", sentences::ended(&decision.verdict)),
    };
    Message { text, blocks: Vec::new() }
}
