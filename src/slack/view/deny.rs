//! The menu beside *Deny*, and the modal that asks for a reason.

use serde_json::{Value, json};
use slack_morphism::prelude::{
    SlackBlockChoiceItem, SlackBlockId, SlackBlockOverflowElement, SlackBlockPlainTextInputElement,
    SlackInputBlock, SlackModalView, SlackView,
};

use super::controls::{Callback, Control};
use crate::{
    domain::{approvals::Approval, decision::DenialReason, ids::ApprovalId},
    slack::view::{
        blocks::{plain_only, say},
        summary,
    },
};

/// The input's `block_id`: the reason is in `state.values[REASON_BLOCK][REASON_ACTION].value`, null if left empty.
pub const REASON_BLOCK: &str = "reason";
/// The input's `action_id`.
pub const REASON_ACTION: &str = "reason";
/// Longest reason in characters, which is Slack's own limit.
/// <https://docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element>
pub const REASON_MAX: u64 = 3000;

/// The menu beside *Deny*. Every choice says that it denies, because the menu beside *Approve* looks the same.
pub(super) fn menu(approval: ApprovalId) -> SlackBlockOverflowElement {
    let choices = [
        (Some(DenialReason::WrongTarget), "Deny: wrong target", "Right action, wrong target."),
        (Some(DenialReason::NotNow), "Deny: not now", "The agent may ask again later."),
        (
            Some(DenialReason::AskAgain),
            "Deny: ask again with changes",
            "The agent should change the request.",
        ),
        (None, "Deny with a reason…", "Write to the agent, then deny."),
    ];
    let options = choices
        .into_iter()
        .map(|(reason, text, means)| {
            let value = Control::DenyMore { approval, reason }.value();
            SlackBlockChoiceItem::new(plain_only(text), value).with_description(plain_only(means))
        })
        .collect();
    let control = Control::DenyMore { approval, reason: None };
    SlackBlockOverflowElement::new(options).with_action_id(control.action_id().into())
}

/// Renders the modal for `views.open`. Its `private_metadata` is the approval's id, its `callback_id`
/// [`Callback::Deny`].
#[must_use]
pub fn modal(approval: &Approval) -> Value {
    let input = SlackBlockPlainTextInputElement::new()
        .with_action_id(REASON_ACTION.into())
        .with_multiline(true)
        .with_max_length(REASON_MAX)
        .with_focus_on_load(true);
    let reason = SlackInputBlock::new(plain_only("Reason"), input.into())
        .with_block_id(SlackBlockId::new(REASON_BLOCK.to_owned()))
        .with_hint(plain_only("The agent reads your reason."))
        .with_optional(true);
    let blocks = vec![summary::summary(&approval.request), say("The action will not run."), reason.into()];
    view(
        SlackModalView::new(plain_only("Deny"), blocks)
            .with_submit(plain_only("Deny"))
            .with_close(plain_only("Back"))
            .with_callback_id(Callback::Deny.as_str().into())
            .with_private_metadata(approval.id().to_string()),
    )
}

/// A view as JSON.
pub(super) fn view(modal: SlackModalView) -> Value {
    // This can't fail: all keys of a view are text.
    serde_json::to_value(SlackView::Modal(modal)).unwrap_or_else(|_| json!({}))
}
