//! What people who may decide an approval beside its user read: why they got it, and that they no longer can.

use slack_morphism::prelude::SlackBlock;

use super::{message::Message, prompt_state::Reader, sentences, summary};
use crate::{
    domain::{approvals::Request, approvers::Why, delegations::Delegation},
    slack::view::{
        blocks::{moment, paragraph, person, quote, rich, words},
        sanitize,
        sanitize::in_mrkdwn,
    },
};

/// Why the person got the message. `None` for the approval's user.
pub(super) fn why(reader: Reader<'_>) -> Option<SlackBlock> {
    match reader {
        Reader::User | Reader::Former => None,
        Reader::Approver(Why::Delegate(delegation)) => Some(delegated(delegation)),
    }
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
pub(super) fn why_in_text(reader: Reader<'_>) -> Option<String> {
    match reader {
        Reader::User | Reader::Former => None,
        Reader::Approver(Why::Delegate(delegation)) => {
            Some(format!("You decide for {}.", sentences::mention(&delegation.user)))
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
        Reader::User => message,
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
            let text = why_in_text(reader).map(|why| format!("{why} {}", message.text));
            let mut all: Vec<SlackBlock> = why(reader).into_iter().collect();
            all.extend(message.blocks);
            Message { text: text.unwrap_or(message.text), blocks: all }
        }
    }
}

/// A person's words in a message's `text`.
pub(super) fn reason_in_text(reason: &str) -> String {
    in_mrkdwn(&sanitize::in_quotes(&sanitize::line(reason)))
}
