//! The first part of every view of an approval: who wants to do what, and why.

use slack_morphism::prelude::{SlackBlock, SlackRichTextElement};

use crate::{
    domain::approvals::Request,
    slack::view::{
        blocks::{bold, paragraph, person, quote, rich, say, words},
        sanitize::{
            self, cut, cut_short, fit, in_mrkdwn, in_quotes, note, runs_right_to_left, safe_text::SafeText,
        },
    },
};

/// Longest name in the first part.
const NAME: usize = 160;
/// Longest name in a message's `text`.
const NAME_IN_TEXT: usize = 60;
/// Longest reason in a message, and its most lines.
const REASON: usize = 700;
const REASON_LINES: usize = 8;

/// The agent's name.
pub(super) fn agent(request: &Request) -> SafeText {
    sanitize::line(request.agent.label())
}

/// The integration's name.
pub(super) fn integration(request: &Request) -> SafeText {
    sanitize::line(&request.action.integration_name)
}

/// The action's name.
pub(super) fn action(request: &Request) -> SafeText {
    sanitize::line(&request.action.action_name)
}

/// The conversation's title, or the backend's id for it.
pub(super) fn conversation(request: &Request) -> SafeText {
    let conversation = &request.conversation;
    sanitize::line(conversation.title.as_ref().map_or(conversation.id.as_str(), |title| title.as_str()))
}

/// The requested action, its agent and its conversation. The names of agent and conversation stand behind bars of their
/// own, which they can't escape at any width, so neither can add to the request.
pub(super) fn summary(request: &Request) -> SlackBlock {
    let mut elements = asked_for(request);
    for (label, name) in [("Agent", agent(request)), ("Conversation", conversation(request))] {
        let (name, missing) = fit(&name, 1, NAME);
        elements.push(paragraph(vec![words(label)]));
        elements.push(quote(name));
        if missing > 0 {
            elements.push(paragraph(vec![words(SafeText::own(note(missing)))]));
        }
    }
    rich(elements)
}

/// The requested action only.
pub(super) fn title(request: &Request) -> SlackBlock {
    rich(asked_for(request))
}

/// *Salesforce: Create record*. Names that run from right to left have lines of their own.
fn asked_for(request: &Request) -> Vec<SlackRichTextElement> {
    let names = [integration(request), action(request)].map(|name| cut(name, NAME).text);
    if names.iter().any(|name| runs_right_to_left(name.as_str())) {
        return names.map(|name| paragraph(vec![bold(name)])).into();
    }
    let [integration, action] = names;
    vec![paragraph(vec![bold(integration.then(": ").then(action))])]
}

/// Where other people read along: mentions the user whose request it is, and tells the others that it isn't theirs.
pub(super) fn addressee(request: &Request) -> Option<SlackBlock> {
    request.place.as_ref()?;
    Some(rich(vec![paragraph(vec![words("Only "), person(&request.user), words(" can decide this.")])]))
}

/// A warning, if the backend declares that the action is destructive.
pub(super) fn warning(request: &Request) -> Option<SlackBlock> {
    request.action.impact.is_destructive().then(|| say("⚠ Destructive: deleted data cannot be recovered."))
}

/// The agent's reason, marked as the agent's own words and cut to a few lines.
pub(super) fn reason(request: &Request) -> Option<SlackBlock> {
    let reason = request.reason.as_ref()?;
    Some(quoted(paragraph(vec![words(SAID)]), reason.as_str()))
}

/// The label above the agent's reason.
pub(super) const SAID: &str = "The agent’s reason, in its own words:";

/// An untrusted text in quotes, under a label that says whose words it is; cut to fit a message.
pub(super) fn quoted(whose: SlackRichTextElement, text: &str) -> SlackBlock {
    let (kept, missing) = fit(&sanitize::lines(text), REASON_LINES, REASON);
    let mut elements = vec![whose, quote(kept.between("“", "”"))];
    if missing > 0 {
        elements.push(paragraph(vec![words(SafeText::own(note(missing)))]));
    }
    rich(elements)
}

/// *“Atlas” wants to use “Salesforce: Create record”.* for a message's `text`. A right-to-left name is left out or
/// replaced by its key, so that it can't reorder the sentence.
pub(super) fn sentence(request: &Request) -> String {
    let agent = cut_short(agent(request), NAME_IN_TEXT);
    let agent = if runs_right_to_left(agent.as_str()) {
        "An agent".to_owned()
    } else {
        in_mrkdwn(&in_quotes(&agent))
    };
    format!("{agent} wants to use {}.", asked_in_sentence(request))
}

/// *“Salesforce: Create record”* for mrkdwn.
fn asked_in_sentence(request: &Request) -> String {
    let action = &request.action;
    let names = [&action.integration_name, &action.action_name]
        .map(|name| cut_short(sanitize::line(name), NAME_IN_TEXT));
    let [integration, action] = if names.iter().any(|name| runs_right_to_left(name.as_str())) {
        [action.integration.as_str(), action.action.as_str()]
            .map(|key| cut_short(sanitize::line(key), NAME_IN_TEXT))
    } else {
        names
    };
    in_mrkdwn(&in_quotes(&integration.then(": ").then(action)))
}

/// *Create record (Salesforce) for Atlas*: names the request in a control's label.
pub(super) fn brief(request: &Request) -> SafeText {
    cut_short(action(request), 24)
        .then(" in ")
        .then(cut_short(integration(request), 16))
        .then(" for ")
        .then(cut_short(agent(request), 12))
}
