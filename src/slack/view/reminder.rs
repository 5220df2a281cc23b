//! The message that reminds a user of requests that wait.
//!
//! It names times, never spans, and is updated as its requests end: so it says nothing that is no longer so.

use slack_morphism::prelude::{SlackBlock, SlackRichTextElement};

use super::differences;
use super::history::{self, Address};
use super::message::Message;
use super::names;
use crate::{
    domain::{
        approvals::{Approval, Request},
        prompts::Prompt,
    },
    slack::view::{
        blocks::{self, paragraph, words},
        sanitize::safe_text::SafeText,
        summary, target, title,
    },
};

/// The most requests that a message names. Each is a block.
pub const NAMED: usize = 15;
/// Most of a message that they may take, by Slack's count.
const ROOM: usize = 9_000;

/// How the requests of a message ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ended {
    /// No one answered in time.
    pub expired: usize,
    /// Approved, by a person or automatically.
    pub approved: usize,
    /// Denied.
    pub denied: usize,
    /// Cancelled or not delivered.
    pub cancelled: usize,
}

impl Ended {
    /// *27 requests expired without an answer. Nothing ran.* `None`: it is not known of all of these.
    fn sentence(self, of: usize) -> Option<String> {
        let Self { expired, approved, denied, cancelled } = self;
        if expired + approved + denied + cancelled != of {
            return None;
        }
        let requests = names::count(of, "request", "requests");
        if expired == of {
            return Some(format!("{requests} expired without an answer. Nothing ran."));
        }
        let parts =
            [(expired, "expired"), (approved, "approved"), (denied, "denied"), (cancelled, "cancelled")];
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        let parts: Vec<String> = parts.map(|(count, how)| format!("{count} {how}")).collect();
        Some(format!("{requests} of this reminder ended: {}.", parts.join(", ")))
    }
}

/// The state that the message shows.
#[derive(Debug, Clone, Copy)]
pub struct Reminder<'a> {
    /// The requests that wait, the first to expire first, and a message that shows each: at most [`NAMED`].
    pub lines: &'a [(&'a Approval, Option<&'a Prompt>)],
    /// How many of the message's requests wait.
    pub waiting: usize,
    /// How many requests the message was sent for.
    pub of: usize,
    /// How the others ended.
    pub ended: Ended,
    /// Where the workspace's messages are.
    pub address: Address<'a>,
}

/// Renders the message.
#[must_use]
pub fn message(shown: &Reminder<'_>) -> Message {
    let ended = shown.of.saturating_sub(shown.waiting);
    let Some((first, _)) = shown.lines.first().filter(|_| shown.waiting > 0) else {
        let text = shown.ended.sentence(shown.of).unwrap_or_else(|| match shown.of {
            1 => "The request that this message reminded you of has ended.".to_owned(),
            of => format!("The {of} requests that this message reminded you of have ended."),
        });
        return Message { blocks: vec![blocks::own(text.clone())], text };
    };
    let expires = blocks::moment_in_mrkdwn(first.request.expires_at);
    let waits = names::count(shown.waiting, "request is waiting for you", "requests are waiting for you");
    let says = if shown.waiting == 1 {
        format!("{waits}. It expires {expires}.")
    } else {
        format!("{waits}. The first expires {expires}.")
    };
    let mut blocks = vec![blocks::own(says.clone())];
    let mut used = 0;
    let mut named = 0;
    let subjects = differences::lines(shown.lines.iter().map(|(approval, _)| &approval.request), subject);
    for ((approval, prompt), subject) in shown.lines.iter().zip(subjects) {
        let line = line(&approval.request, subject, *prompt, shown.address);
        used += blocks::weight(&line);
        if named > 0 && used > ROOM {
            break;
        }
        named += 1;
        blocks.push(line);
    }
    let more = shown.waiting.saturating_sub(named);
    if more > 0 {
        let more = names::count(more, "more request", "more requests");
        blocks.push(blocks::say(SafeText::own(format!("And {more}."))));
    }
    let mut notes = Vec::new();
    if ended > 0 {
        let ended = names::count(ended, "other request has", "other requests have");
        notes.push(blocks::small(SafeText::own(format!("{ended} ended since this message was sent."))));
    }
    notes.push(blocks::small("Type /approvals list to see everything that is waiting for you."));
    blocks.push(blocks::context(notes));
    // Only notifications and screen readers read it, so the first request is enough.
    let text = format!("{says} {}", summary::sentence(&first.request));
    Message { text, blocks }
}

/// The title, and the target if the action has no title.
fn subject(request: &Request) -> Vec<SlackRichTextElement> {
    let mut elements = title::paragraphs(request);
    if title::plain(request).is_none() {
        elements.extend(target::target(request).map(blocks::quote));
    }
    elements
}

/// One request: what it is, when it expires, and a link to its message.
fn line(
    request: &Request,
    mut elements: Vec<SlackRichTextElement>,
    prompt: Option<&Prompt>,
    address: Address<'_>,
) -> SlackBlock {
    let mut facts = vec![words("Expires "), blocks::moment(request.expires_at)];
    if let Some(link) = prompt.zip(address).and_then(|(prompt, address)| history::message(prompt, address)) {
        facts.extend([words(". "), blocks::own_link("Open the message", link)]);
    }
    elements.push(paragraph(facts));
    blocks::rich(elements)
}
