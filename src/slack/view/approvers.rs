//! What people who may decide an approval beside its user read: why they got it, and that they no longer can.

use chrono::TimeDelta;
use slack_morphism::prelude::{SlackBlock, SlackRichTextInlineElement};

use super::{
    message::Message,
    names,
    prompt_state::{PromptState, Reader},
    sentences, summary,
};
use crate::{
    domain::{
        approvals::Request,
        approvers::{self, Why},
        delegations::Delegation,
        ids::UserId,
        panel::{Answer, ApproverSpec, Panel},
    },
    slack::view::{
        blocks::{bold, moment, paragraph, person, quote, rich, words},
        sanitize,
        sanitize::{in_mrkdwn, safe_text::SafeText},
    },
};

/// Why the person got the message. `None` for the approval's user.
pub(super) fn why(reader: Reader<'_>, request: &Request) -> Option<SlackBlock> {
    let user = || person(&request.user);
    match reader {
        // Who decides instead, says `rule`: the Home tab has room for no more blocks.
        Reader::User | Reader::Former | Reader::Onlooker => None,
        Reader::Approver(Why::Delegate(delegation)) => Some(delegated(delegation)),
        Reader::Approver(Why::Named) => Some(rich(vec![paragraph(vec![
            words("A rule asks you to decide this request for "),
            user(),
            words("."),
        ])])),
        Reader::Approver(Why::Escalated) => {
            let after = request.approvers.as_ref().and_then(ApproverSpec::escalation);
            let after =
                after.map(|escalation| format!(" for {}", span(escalation.after))).unwrap_or_default();
            let why = SafeText::own(format!("Escalated: no answer{after}. You can decide this request for "));
            Some(rich(vec![paragraph(vec![words(why), user(), words(".")])]))
        }
    }
}

/// A whole number of the largest unit that fits.
fn span(span: TimeDelta) -> String {
    let seconds = span.num_seconds();
    let count = |number: i64, one, more| names::count(usize::try_from(number).unwrap_or_default(), one, more);
    match seconds {
        _ if seconds % 3600 == 0 => count(seconds / 3600, "hour", "hours"),
        _ if seconds % 60 == 0 => count(seconds / 60, "minute", "minutes"),
        _ => count(seconds, "second", "seconds"),
    }
}

/// Who decides, how many of them must approve, and who has answered. `None` if the approval's user decides.
pub(super) fn rule(shown: &PromptState<'_>) -> Option<SlackBlock> {
    let request = &shown.approval.request;
    let spec = request.approvers.as_ref()?;
    let none = Panel::default();
    let panel = shown.panel.unwrap_or(&none);
    let everyone = approvers::people(request, panel.escalated);
    let needed = match (spec.required(), everyone.len()) {
        (1, 1) => "Decides: ".to_owned(),
        (1, _) => "One of them decides: ".to_owned(),
        (required, all) => format!("{required} of these {all} must approve: "),
    };
    let mut first = vec![words(SafeText::own(needed))];
    first.extend(listed(everyone.into_iter()));
    let onlooker = (shown.reader == Reader::Onlooker)
        .then(|| paragraph(vec![words("A rule has other people decide this request of yours.")]));
    let mut elements: Vec<_> = onlooker.into_iter().chain([paragraph(first)]).collect();
    let approved: Vec<_> = panel.answers.iter().filter(|answer| answer.approves).collect();
    if !approved.is_empty() {
        let mut said = vec![bold("Approved so far by ")];
        said.extend(answered(approved.into_iter()));
        let missing = panel.missing(spec);
        said.push(words(SafeText::own(format!("; {missing} more must approve. The first denial ends it."))));
        elements.push(paragraph(said));
    }
    Some(rich(elements))
}

/// Who answered, and for whom.
pub(super) fn answered<'a>(answers: impl Iterator<Item = &'a Answer>) -> Vec<SlackRichTextInlineElement> {
    let mut parts = Vec::new();
    for (at, answer) in answers.enumerate() {
        if at > 0 {
            parts.push(words(", "));
        }
        parts.push(person(&answer.clicked_by));
        if let Some(absent) = answer.on_behalf_of() {
            parts.extend([words(" for "), person(absent)]);
        }
    }
    parts
}

fn listed<'a>(people: impl Iterator<Item = &'a UserId>) -> Vec<SlackRichTextInlineElement> {
    let mut parts = Vec::new();
    for (at, one) in people.enumerate() {
        if at > 0 {
            parts.push(words(", "));
        }
        parts.push(person(one));
    }
    parts
}

fn delegated(delegation: &Delegation) -> SlackBlock {
    let Delegation { user, until, reason, .. } = delegation;
    let mut first = vec![words("You decide for "), person(user), words(" until "), moment(*until)];
    let Some(reason) = reason else {
        first.push(words("."));
        return rich(vec![paragraph(first)]);
    };
    first.push(words(":"));
    rich(vec![paragraph(first), quote(sanitize::line(reason.as_str()))])
}

/// The same at the beginning of the message's `text`.
pub(super) fn why_in_text(reader: Reader<'_>, request: &Request) -> Option<String> {
    match reader {
        Reader::User | Reader::Former | Reader::Onlooker => None,
        Reader::Approver(Why::Delegate(delegation)) => {
            Some(format!("You decide for {}.", sentences::mention(&delegation.user)))
        }
        Reader::Approver(Why::Named) => {
            Some(format!("A rule asks you to decide for {}.", sentences::mention(&request.user)))
        }
        Reader::Approver(Why::Escalated) => {
            Some(format!("Escalated: you can decide for {}.", sentences::mention(&request.user)))
        }
    }
}

/// A pending request, for a person who can no longer decide it.
pub(super) fn former(request: &Request) -> Message {
    let parts = vec![words("You can no longer decide this request. It waits for "), person(&request.user)];
    let text = format!(
        "You can no longer decide this request: {} It waits for {}.",
        summary::sentence(request),
        sentences::mention(&request.user)
    );
    Message { text, blocks: vec![rich(vec![paragraph(parts)]), summary::title(request)] }
}

/// A message that several requests share, for a person who may decide them beside their user, or no longer may.
#[must_use]
pub fn shared(message: Message, reader: Reader<'_>, request: &Request) -> Message {
    match reader {
        Reader::User | Reader::Onlooker => message,
        Reader::Former => Message {
            text: format!(
                "You can no longer decide these requests. They wait for {}.",
                sentences::mention(&request.user)
            ),
            blocks: vec![rich(vec![paragraph(vec![
                words("You can no longer decide these requests. They wait for "),
                person(&request.user),
                words("."),
            ])])],
        },
        Reader::Approver(_) => {
            let text = why_in_text(reader, request).map(|why| format!("{why} {}", message.text));
            let mut all: Vec<SlackBlock> = why(reader, request).into_iter().collect();
            all.extend(message.blocks);
            Message { text: text.unwrap_or(message.text), blocks: all }
        }
    }
}

/// A person's words in a message's `text`.
pub(super) fn reason_in_text(reason: &str) -> String {
    in_mrkdwn(&sanitize::in_quotes(&sanitize::line(reason)))
}
