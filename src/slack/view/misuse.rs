//! What a user is told when an agent tried to run something other than what was approved.

use slack_morphism::prelude::SlackBlock;

use super::controls::Control;
use super::message::Message;
use super::title::Tense;
use crate::{
    domain::approvals::Approval,
    slack::view::{
        blocks::{self, Style, bold, paragraph, quote, rich, words},
        sanitize::safe_text::SafeText,
        summary,
    },
};

/// The warning, on the prompt and in the details.
pub(super) const WARNING: &str = "⚠ The agent tried to run something other than what was approved.";
/// What became of that.
pub(super) const REFUSED: &str = " Countersign refused it.";

/// The warning as a block of a prompt or of the details.
pub(super) fn block() -> SlackBlock {
    rich(vec![paragraph(vec![bold(WARNING), words(REFUSED)])])
}

/// Renders the message.
#[must_use]
pub fn message(approval: &Approval) -> Message {
    let request = &approval.request;
    let asked = summary::sentence_in(request, Tense::Ended);
    let text = format!("{WARNING}{REFUSED} What was approved: {asked}");
    let id = approval.id();
    let alone = SafeText::from("Details of what was approved: ").then(summary::brief(request));
    let blocks = vec![
        block(),
        rich(vec![paragraph(vec![words("What was approved:")])]),
        summary::ended_title(request),
        rich(vec![paragraph(vec![bold("Agent")]), quote(summary::agent(request))]),
        rich(vec![paragraph(vec![words(
            "Its program may have a fault, or may have been tricked. Tell the people who run it.",
        )])]),
        blocks::actions(vec![blocks::button(Control::Details(id), "Details", alone, Style::Plain)]),
    ];
    Message { text, blocks }
}
