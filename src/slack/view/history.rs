//! Past requests, in a list: on the Home tab and in the reply to `/approvals history`.

use slack_morphism::prelude::{SlackBlock, SlackRichTextElement, SlackSectionBlockElement};

use super::controls::Control;
use super::names;
use crate::{
    domain::{
        approvals::{Approval, Conversation, Request},
        overview::{DecisionLine, Page},
        prompts::Prompt,
    },
    slack::view::{
        blocks::{self, bold, paragraph, rich, words},
        decided, edited, result,
        sanitize::{self, safe_text::SafeText},
        summary, target, title,
    },
};

/// How many blocks a request has.
const ROW: usize = 2;
/// Where a workspace's messages are on the web: `https://acme.slack.com/`. `None`: unknown, and no message is linked.
pub type Address<'a> = Option<&'a str>;

/// The requests of a page. Where two are of conversations with the same title, the ids tell them apart.
pub(super) fn lines(page: &Page<DecisionLine>, address: Address<'_>) -> Vec<SlackBlock> {
    let conversations: Vec<_> = page.items.iter().map(|line| &line.approval.request.conversation).collect();
    let line = |line: &DecisionLine| {
        let is_ambiguous = ambiguous(&line.approval.request.conversation, conversations.iter().copied());
        self::line(line, is_ambiguous, address)
    };
    page.items.iter().flat_map(line).collect()
}

/// The same, with a line between two requests. The Home tab has no room for those.
pub(super) fn apart(page: &Page<DecisionLine>, address: Address<'_>) -> Vec<SlackBlock> {
    let lines = lines(page, address);
    let rows = lines.chunks(ROW).map(<[SlackBlock]>::to_vec).collect::<Vec<_>>();
    rows.join(&blocks::divider())
}

/// Whether another of these conversations has the same title.
pub(super) fn ambiguous<'a>(
    conversation: &Conversation,
    mut all: impl Iterator<Item = &'a Conversation>,
) -> bool {
    conversation.title.is_some()
        && all.any(|other| other.title == conversation.title && other.id != conversation.id)
}

/// What a request is about: its title, or the names of its action and what that acts on.
pub(super) fn subject(request: &Request) -> Vec<SlackRichTextElement> {
    if let Some(title) = title::alone(request) {
        return vec![title];
    }
    let action = &request.action;
    let name = paragraph(vec![bold(names::pair(&action.integration_name, &action.action_name))]);
    std::iter::once(name).chain(target::target(request).map(blocks::quote)).collect()
}

/// One request: its title, or the action and what it acted on; how it ended and what came of it, each on a line of its
/// own and as wide as the screen; below it the agent, the conversation, and *Details*.
fn line(line: &DecisionLine, is_ambiguous: bool, address: Address<'_>) -> [SlackBlock; ROW] {
    let request = &line.approval.request;
    // What was asked. What was changed stands under the outcome.
    let mut elements = subject(request);
    elements.extend(outcome(&line.approval));
    elements.extend(line.approval.result.iter().flat_map(result::elements));
    if let Some(link) =
        line.message.as_ref().zip(address).and_then(|(prompt, address)| message(prompt, address))
    {
        elements.push(paragraph(vec![blocks::own_link("Open the message", link)]));
    }
    [rich(elements), asked_by(request, is_ambiguous)]
}

fn outcome(approval: &Approval) -> Vec<SlackRichTextElement> {
    match &approval.decision {
        Some(decision) => {
            let changed = decision.edited().map(|edited| edited::changed(&approval.request, edited));
            let outcome = decided::outcome(&approval.request, decision, Vec::new());
            outcome.into_iter().chain(changed.into_iter().flatten()).collect()
        }
        None => vec![paragraph(vec![words("Waiting for a decision.")])],
    }
}

/// The agent, with its conversation beside it.
fn asked_by(request: &Request, is_ambiguous: bool) -> SlackBlock {
    let quoted = |name| sanitize::in_quotes(&names::name(name));
    let conversation = &request.conversation;
    let title = conversation.title.as_ref().map_or(conversation.id.as_str(), |title| title.as_str());
    let mut facts = vec![blocks::fact(SafeText::from("in ").then(quoted(title)))];
    // A title doesn't name them.
    if request.action.presentation.title.is_some() {
        let action = &request.action;
        facts.insert(0, blocks::fact(names::pair(&action.integration_name, &action.action_name)));
    }
    if is_ambiguous {
        facts.push(blocks::fact(names::conversation_id(conversation.id.as_str())));
    }
    let agent = SafeText::from("Asked by ").then(quoted(request.agent.label()));
    blocks::section(agent, facts, Some(details(request)))
}

/// The address of a message in Slack.
/// <https://docs.slack.dev/reference/methods/chat.getPermalink>
pub(super) fn message(prompt: &Prompt, address: &str) -> Option<String> {
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let digits = prompt.ts.replacen('.', "", 1);
    (plain(&prompt.channel) && plain(&digits))
        .then(|| format!("{}/archives/{}/p{digits}", address.trim_end_matches('/'), prompt.channel))
}

/// *Details* beside a request.
fn details(request: &Request) -> SlackSectionBlockElement {
    blocks::beside(
        Control::Details(request.id),
        "Details",
        SafeText::from("Details: ").then(summary::brief(request)),
    )
}
