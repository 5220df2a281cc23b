//! The first part of every view of an approval: who wants to do what, and why.

use slack_morphism::prelude::{SlackBlock, SlackRichTextElement};

use crate::{
    domain::{
        approvals::Request,
        risk::{Impact, Risk},
        templates::Template,
    },
    slack::view::{
        blocks::{self, bold, paragraph, person, quote, rich, words},
        fields::{Content, Field, fields},
        names as view_names,
        sanitize::{
            self, cut, cut_short, fit, in_mrkdwn, in_quotes, note, one_line, runs_right_to_left,
            safe_text::SafeText,
        },
        title::{self, Tense},
    },
};

/// Longest name in the first part.
const NAME: usize = 160;
/// Longest name in a message's `text`.
const NAME_IN_TEXT: usize = 60;
/// Longest value and reason in a message's `text`, and how many fields it names.
const VALUE_IN_TEXT: usize = 60;
const REASON_IN_TEXT: usize = 120;
const FIELDS_IN_TEXT: usize = 3;
/// Longest description of the action in a message.
const DESCRIPTION: usize = 200;
/// Longest title in a control's label, whose longest text is 75, and in a confirmation.
const TITLE_IN_LABEL: usize = 50;
const TARGET: usize = 160;
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

/// The request's title and its conversation. The name of the conversation stands behind a bar of its own, which it can't
/// escape at any width.
pub(super) fn summary(request: &Request) -> SlackBlock {
    let mut elements = title::paragraphs(request);
    let (name, missing) = fit(&conversation(request), 1, NAME);
    elements.push(paragraph(vec![words("Conversation")]));
    elements.push(quote(name));
    if missing > 0 {
        elements.push(paragraph(vec![words(SafeText::own(note(missing)))]));
    }
    rich(elements)
}

/// The request's title: who wants to do what.
pub(super) fn title(request: &Request) -> SlackBlock {
    rich(title::paragraphs(request))
}

/// The title of a request that has ended: who asked to do what.
pub(super) fn ended_title(request: &Request) -> SlackBlock {
    rich(title::paragraphs_in(request, Tense::Ended))
}

/// Where other people read along: mentions the user whose request it is, and tells the others that it isn't theirs.
pub(super) fn addressee(request: &Request) -> Option<SlackBlock> {
    request.place.as_ref()?;
    Some(rich(vec![paragraph(vec![words("Only "), person(&request.user), words(" can decide this.")])]))
}

/// A warning for each risk that the backend declares, the gravest first.
pub(super) fn warning(request: &Request) -> Option<SlackBlock> {
    let lines = request.action.impact.risks().iter().map(|risk| {
        let text = format!("⚠ {}.", view_names::risk(risk));
        paragraph(vec![bold(SafeText::own(text))])
    });
    let lines: Vec<SlackRichTextElement> = lines.collect();
    (!lines.is_empty()).then(|| rich(lines))
}

/// The same at the beginning of a message's `text`.
fn warning_in_text(request: &Request) -> String {
    let warnings = request.action.impact.risks().iter().map(|risk| match risk {
        Risk::Destructive => "⚠ Destructive. ",
        Risk::Money => "⚠ Moves money. ",
        Risk::External => "⚠ External. ",
    });
    warnings.collect()
}

/// What the action is, each part laid out on its own, and a neutral line where nothing warns.
pub(super) fn about(request: &Request) -> Vec<SlackBlock> {
    // Without a template, the title names them.
    let names = request.action.presentation.title.as_ref().map(|_| title::names(request));
    let mut parts: Vec<_> = names.into_iter().flatten().map(blocks::small).collect();
    match request.action.impact {
        Impact::Undeclared => parts.push(blocks::small("Effect not declared")),
        Impact::ReadOnly => parts.push(blocks::small("Read-only")),
        Impact::Changes(_) => {}
    }
    let description =
        request.action.description.as_deref().map(|text| {
            blocks::context(vec![blocks::small(cut(sanitize::joined(text, " "), DESCRIPTION).text)])
        });
    let parts = (!parts.is_empty()).then(|| blocks::context(parts));
    parts.into_iter().chain(description).collect()
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

/// *“Atlas” wants to send mail to “kim@example.com”.* for a message's `text`. A right-to-left name is left out or
/// replaced by its key, so that it can't reorder the sentence.
pub(super) fn sentence(request: &Request) -> String {
    sentence_in(request, Tense::Waits)
}

/// The same in the tense that fits: *“Atlas” asked to send mail to “kim@example.com”.*
pub(super) fn sentence_in(request: &Request, tense: Tense) -> String {
    let verb = tense.verb();
    let agent = cut_short(agent(request), NAME_IN_TEXT);
    let agent = if runs_right_to_left(agent.as_str()) {
        "An agent".to_owned()
    } else {
        in_mrkdwn(&in_quotes(&agent))
    };
    match title::in_sentence(request) {
        Some(title) => format!("{agent} {verb} {title}."),
        None => format!("{agent} {verb} use {}.", asked_in_sentence(request)),
    }
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

/// The text of a pending request's message, which is all that notifications and screen readers get: warning, title, the
/// first fields, reason and expiry.
pub(super) fn text(request: &Request) -> String {
    let mut text = format!("{}{}", warning_in_text(request), sentence(request));
    let titled = title::in_sentence(request).is_some();
    let places: Vec<&str> = request.action.presentation.title.iter().flat_map(Template::places).collect();
    let is_said = |field: &Field| {
        let path = field.path.as_ref().unwrap_or(&field.name);
        titled && places.contains(&path.as_str())
    };
    let fields = fields(&request.arguments, &request.action.presentation);
    let fields = fields.iter().filter(|field| !is_said(field)).filter_map(in_text).take(FIELDS_IN_TEXT);
    let fields: Vec<String> = fields.collect();
    if !fields.is_empty() {
        text = format!("{text} {}.", fields.join("; "));
    }
    let reason = request.reason.as_ref().map(|reason| one_line(&sanitize::lines(reason.as_str())));
    if let Some(reason) = reason.filter(|reason| !runs_right_to_left(reason.as_str())) {
        text = format!("{text} Reason: {}.", in_mrkdwn(&in_quotes(&cut_short(reason, REASON_IN_TEXT))));
    }
    format!("{text} Expires {}.", blocks::moment_in_mrkdwn(request.expires_at))
}

/// *Subject: “Contract”*. `None` if it has no value of its own, or could reorder the text.
pub(super) fn in_text(field: &Field) -> Option<String> {
    let Content::Value(shown) = &field.content else { return None };
    let value = in_quotes(&cut_short(one_line(&shown.text), VALUE_IN_TEXT));
    let name = sanitize::without_quotes(&cut_short(field.name.clone(), NAME_IN_TEXT));
    let apart = [&name, &value].iter().any(|text| runs_right_to_left(text.as_str()));
    (!apart).then(|| format!("{}: {}", in_mrkdwn(&name), in_mrkdwn(&value)))
}

/// Names the request in a control's label: its title, or *Create record in Salesforce for Atlas*.
pub(super) fn brief(request: &Request) -> SafeText {
    if let Some(title) = title::plain(request) {
        return cut_short(title, TITLE_IN_LABEL);
    }
    cut_short(action(request), 24)
        .then(" in ")
        .then(cut_short(integration(request), 16))
        .then(" for ")
        .then(cut_short(agent(request), 12))
}

/// What a person confirms: the title, or the names and the first values, so that the target is named. A dialog has only
/// one text, so names of arguments, which an agent may choose, stay out of it.
pub(super) fn target(request: &Request) -> SafeText {
    let [integration, action] = [integration(request), action(request)].map(|name| cut_short(name, 60));
    if let Some(title) = title::plain(request) {
        return cut_short(title, TARGET).then("\n").then(integration);
    }
    let fields = fields(&request.arguments, &request.action.presentation);
    let lines = fields.into_iter().filter_map(|field| {
        let Content::Value(shown) = field.content else { return None };
        Some(in_quotes(&cut_short(one_line(&shown.text), VALUE_IN_TEXT)))
    });
    let named = integration.then(": ").then(action);
    lines.take(2).fold(named, |all, line| all.then("\n").then(line))
}
