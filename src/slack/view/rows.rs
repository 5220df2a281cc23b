//! Pending requests in the reply to `/approvals list`, each with its controls.

use slack_morphism::prelude::{SlackBlock, SlackRichTextElement};

use super::controls::Control;
use super::differences;
use super::history::{ambiguous, subject};
use super::names;
use super::paused;
use super::sentences;
use crate::{
    domain::{approvals::Approval, approvers::Why, overview::WaitingLine},
    slack::view::{
        blocks::{self, Style},
        sanitize::{self, safe_text::SafeText},
        summary,
        title::Tense,
    },
};

/// The requests, with what tells those of equal titles apart.
pub(super) fn rows(lines: &[WaitingLine]) -> Vec<SlackBlock> {
    let conversations: Vec<_> = lines.iter().map(|line| &line.approval.request.conversation).collect();
    let subjects = differences::lines(lines.iter().map(|line| &line.approval.request), subject);
    let row = |(line, subject): (&WaitingLine, _)| {
        let is_ambiguous = ambiguous(&line.approval.request.conversation, conversations.iter().copied());
        row(line, subject, is_ambiguous)
    };
    lines.iter().zip(subjects).flat_map(row).collect()
}

/// One request: what it is, who asks where and until when, and *Approve*, *Deny* and *Details*.
fn row(line: &WaitingLine, subject: Vec<SlackRichTextElement>, is_ambiguous: bool) -> [SlackBlock; 3] {
    let request = &line.approval.request;
    let quoted = |name| sanitize::in_quotes(&names::name(name));
    let risks = request.action.impact.risks();
    let risks = risks.iter().map(|risk| blocks::small(SafeText::own(format!("⚠ {}", names::risk(risk)))));
    let mut facts: Vec<_> = risks.collect();
    facts.push(blocks::small(SafeText::from("Asked by ").then(quoted(request.agent.label()))));
    let conversation = &request.conversation;
    let title = conversation.title.as_ref().map_or(conversation.id.as_str(), |title| title.as_str());
    facts.push(blocks::small(SafeText::from("in ").then(quoted(title))));
    facts.extend(is_ambiguous.then(|| blocks::small(names::conversation_id(conversation.id.as_str()))));
    facts.push(blocks::small_mrkdwn(format!("expires {}", blocks::moment_in_mrkdwn(request.expires_at))));
    let labelled = |label: &'static str| SafeText::from(label).then(summary::brief(request));
    let approve = Control::Approve(request.id);
    let is_destructive = request.action.impact.is_destructive();
    let details =
        blocks::button(Control::Details(request.id), "Details", labelled("Details: "), Style::Plain);
    match &line.why {
        Some(Why::Delegate(delegation)) => {
            facts.push(blocks::small_mrkdwn(format!("for {}", sentences::mention(&delegation.user))));
        }
        Some(Why::Named | Why::Escalated) => {
            facts.push(blocks::small_mrkdwn(format!(
                "a rule asks you, for {}",
                sentences::mention(&request.user)
            )));
        }
        None => {}
    }
    if request.approvers.is_some() && line.why.is_none() {
        facts.push(blocks::small("others decide it"));
        return [blocks::rich(subject), blocks::context(facts), blocks::actions(vec![details])];
    }
    let approve = match &line.approval.pause {
        Some(pause) => {
            facts.push(blocks::small_mrkdwn(paused::in_text(pause)));
            None
        }
        None => Some(if is_destructive {
            let question = summary::target(request).then("\nDeleted data cannot be recovered.");
            let confirmation = blocks::confirmation("Approve a destructive action?", question, "Approve");
            blocks::confirmed_button(approve, "Approve", labelled("Approve: "), confirmation)
        } else {
            blocks::button(approve, "Approve", labelled("Approve: "), Style::Primary)
        }),
    };
    let others =
        [blocks::button(Control::Deny(request.id), "Deny", labelled("Deny: "), Style::Plain), details];
    let controls = approve.into_iter().chain(others).collect();
    [blocks::rich(subject), blocks::context(facts), blocks::actions(controls)]
}

/// The reply to a click in the list, which Slack lets no one change afterwards.
#[must_use]
pub fn decided(approval: &Approval) -> Option<String> {
    let decision = approval.decision.as_ref()?;
    Some(format!(
        "{} {}",
        sentences::ended(&decision.verdict),
        summary::sentence_in(&approval.request, Tense::Ended)
    ))
}
