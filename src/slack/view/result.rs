//! What came of an approved call, in the words of its backend.

use slack_morphism::prelude::{SlackBlock, SlackRichTextElement};

use crate::{
    domain::results::{ApprovalResult, ResultStatus},
    slack::view::{
        blocks::{self, bold, paragraph, rich, words},
        sanitize::{self, cut_short, in_mrkdwn, in_quotes, runs_right_to_left},
    },
};

/// Longest summary in a message's `text`.
const IN_TEXT: usize = 150;

/// *✓ Succeeded*: the sign that tells a result from a decision, and the word for readers who can't tell signs apart.
const fn outcome(status: ResultStatus) -> &'static str {
    match status {
        ResultStatus::Succeeded => "✓ Succeeded",
        ResultStatus::Failed => "✗ Failed",
    }
}

/// A block with the result.
pub(super) fn result(result: &ApprovalResult) -> SlackBlock {
    rich(elements(result))
}

/// The result. The backend's words and its address stand behind bars of their own, so that they can't pass for ours.
pub(super) fn elements(result: &ApprovalResult) -> Vec<SlackRichTextElement> {
    let outcome = outcome(result.status);
    let mut first = vec![bold(outcome)];
    if result.summary.is_some() || result.url.is_some() {
        first.push(words(", the agent reports:"));
    }
    let summary = result.summary.as_ref();
    let summary = summary.map(|summary| blocks::quote(sanitize::lines(summary.as_str()).between("“", "”")));
    let url = result.url.as_ref().map(|url| blocks::quoted_link(url.as_str()));
    std::iter::once(paragraph(first)).chain(summary).chain(url).collect()
}

/// *Succeeded: “Opened PR #1208”.* for a message's `text`. A summary that runs from right to left is left out, so that
/// it can't reorder the sentence.
pub(super) fn sentence(result: &ApprovalResult) -> String {
    let word = outcome(result.status).trim_start_matches(['✓', '✗', ' ']);
    let summary = result.summary.as_ref().map(|summary| sanitize::line(summary.as_str()));
    match summary.filter(|summary| !runs_right_to_left(summary.as_str())) {
        Some(summary) => format!("{word}: {}.", in_mrkdwn(&in_quotes(&cut_short(summary, IN_TEXT)))),
        None => format!("{word}."),
    }
}
