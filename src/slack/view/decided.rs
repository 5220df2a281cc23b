//! The prompt after the decision. It collapses: the outcome, what was asked, and what came of it. *Details* has the rest.

use slack_morphism::prelude::{SlackBlock, SlackRichTextElement, SlackRichTextInlineElement};

use super::approvers;
use super::controls::Control;
use super::edited;
use super::request;
use super::sentences;
use crate::{
    domain::{
        approvals::Request,
        decision::{Decision, DenialReason, GrantOutcome, Verdict},
        grants::{Scope, StandingScope},
        limits::Limits,
        text::Prose,
    },
    slack::view::{
        blocks::{self, Style, moment, paragraph, person, rich, words},
        limits,
        message::Message,
        misuse, names,
        prompt_state::PromptState,
        result,
        sanitize::{self, fit, note, safe_text::SafeText},
        summary, target,
        title::Tense,
    },
};

/// Longest reason for a denial, and its most lines.
const REASON: usize = 200;
const REASON_LINES: usize = 2;

/// Renders the message without its decision buttons. The outcome is always said in words.
pub(super) fn decided(shown: &PromptState<'_>, decision: &Decision) -> Message {
    let left = grant_left(shown, decision);
    let outcome = outcome(&shown.approval.request, decision, left);
    let request = &shown.approval.request;
    let mut blocks = Vec::from_iter(shown.misused.then(misuse::block));
    blocks.extend([rich(outcome), summary::ended_title(request)]);
    // A title of the backend's names the target itself.
    if request.action.presentation.title.is_none() {
        blocks.extend(target::target(request).map(|target| rich(vec![blocks::quote(target)])));
    }
    let edited = decision.edited();
    blocks.extend(edited.and_then(|edited| edited::block(request, edited)));
    blocks.push(asked_by(request));
    blocks.extend(shown.approval.result.as_ref().map(result::result));
    blocks.push(blocks::actions(row(shown, decision)));
    let asked = summary::sentence_in(request, Tense::Ended);
    let mut text = format!("{} {asked}", sentences::ended(&decision.verdict));
    if let Some(changed) = edited.and_then(|edited| edited::in_text(request, edited)) {
        text = format!("{text} {changed}");
    }
    if shown.misused {
        text = format!("{}{} {text}", misuse::WARNING, misuse::REFUSED);
    }
    if let Some(result) = &shown.approval.result {
        text = format!("{} {text}", result::sentence(result));
    }
    Message { text, blocks }
}

/// The agent and its conversation, each a text of its own, so that no name can pass for the other.
fn asked_by(request: &Request) -> SlackBlock {
    let quoted = |name| sanitize::in_quotes(&names::name(name));
    let conversation = &request.conversation;
    let conversation = conversation.title.as_ref().map_or(conversation.id.as_str(), |title| title.as_str());
    blocks::context(vec![
        blocks::small(SafeText::from("Asked by ").then(quoted(request.agent.label()))),
        blocks::small(SafeText::from("in ").then(quoted(conversation))),
    ])
}

fn row(
    shown: &PromptState<'_>,
    decision: &Decision,
) -> Vec<slack_morphism::prelude::SlackActionBlockElement> {
    let mut row = Vec::new();
    // Only its user can turn off a grant.
    let is_live = shown.grant_live && shown.reader.is_user();
    if let (true, Verdict::Approved { given, .. }) = (is_live, &decision.verdict)
        && let Some(grant) = given.grant()
    {
        let about = summary::brief(&shown.approval.request);
        let alone = SafeText::from("Turn off auto-approval: ").then(about);
        row.push(blocks::button(Control::TurnOff(grant), "Turn off", alone, Style::Plain));
    }
    row.extend(request::looks(shown));
    row
}

/// What the decision left for later requests.
fn grant_left(shown: &PromptState<'_>, decision: &Decision) -> Vec<SlackRichTextInlineElement> {
    let Verdict::Approved { given, .. } = &decision.verdict else { return Vec::new() };
    let left = match (given, shown.grant_live) {
        (GrantOutcome::Once, _) => return Vec::new(),
        (GrantOutcome::Narrowed { scope, limits, .. }, true) => {
            let mut parts = vec![words(match scope {
                StandingScope::Conversation => " It now runs without asking in this conversation",
                StandingScope::Always => " It now runs without asking in every conversation",
            })];
            parts.extend(limits::of_decision(limits, &shown.approval.request.arguments));
            parts.push(words("."));
            return parts;
        }
        (GrantOutcome::Narrowed { .. }, false) => " The auto-approval has ended.",
        (GrantOutcome::Conversation(_), true) => " It now runs without asking in this conversation.",
        (GrantOutcome::Always(_), true) => {
            " It now runs without asking in every conversation, whichever agent asks."
        }
        (_, false) => " The auto-approval has been turned off.",
    };
    vec![words(left)]
}

/// How the request ended and when, in one paragraph, and the reason for a denial behind a bar.
pub(super) fn outcome(
    request: &Request,
    decision: &Decision,
    left: Vec<SlackRichTextInlineElement>,
) -> Vec<SlackRichTextElement> {
    let at = moment(decision.decided_at);
    let say = |parts: Vec<SlackRichTextInlineElement>| vec![paragraph(parts)];
    match &decision.verdict {
        Verdict::Approved { user, given } => {
            let how = words(for_how_long(given));
            let mut parts = vec![blocks::bold("Approved"), words(" by "), person(user), how, at, words(".")];
            parts.extend(left);
            say(parts)
        }
        Verdict::ApprovedFor { user, on_behalf_of } => say(vec![
            blocks::bold("Approved"),
            words(" by "),
            person(user),
            words(" for "),
            person(on_behalf_of),
            words(", for this request only, "),
            at,
            words("."),
        ]),
        Verdict::ApprovedTogether(together) => say([
            vec![blocks::bold("Approved"), words(" by ")],
            approvers::answered(together.iter()),
            vec![words(", for this request only, "), at, words(".")],
        ]
        .concat()),
        Verdict::ApprovedEdited { user, .. } => say(vec![
            blocks::bold("Approved with changes"),
            words(" by "),
            person(user),
            words(", for this request only, "),
            at,
            words("."),
        ]),
        Verdict::AutoApproved { scope, limits, .. } => {
            let user = person(&request.user);
            let mut parts = vec![blocks::bold("Approved"), words(" without asking, "), at, words(": "), user];
            parts.extend(by_grant(*scope, limits.as_ref(), request));
            say(parts)
        }
        Verdict::Denied { user, on_behalf_of, reason } => {
            let mut parts = vec![blocks::bold("Denied"), words(" by "), person(user)];
            if let Some(absent) = on_behalf_of {
                parts.extend([words(" for "), person(absent)]);
            }
            match reason.as_ref().map(|reason| (DenialReason::for_reason(reason), reason)) {
                None => parts.extend([words(", "), at, words(".")]),
                Some((Some(reason), _)) => {
                    parts.extend([words(": "), words(reason.as_str()), words(", "), at, words(".")]);
                }
                Some((None, reason)) => {
                    parts.extend([words(", "), at, words(", with this reason for the agent:")]);
                    return std::iter::once(paragraph(parts)).chain(in_short(reason)).collect();
                }
            }
            say(parts)
        }
        Verdict::AllowedByRule => say(vec![
            blocks::bold("Approved"),
            words(" without asking, by a rule of your admins, "),
            at,
            words("."),
        ]),
        Verdict::BlockedByRule { reason } => {
            let mut parts = vec![blocks::bold("Denied"), words(" by a rule of your admins, "), at];
            let Some(reason) = reason else {
                parts.push(words("."));
                return say(parts);
            };
            parts.push(words(", with this reason for the agent:"));
            return std::iter::once(paragraph(parts)).chain(in_short(reason)).collect();
        }
        Verdict::DeniedByPause { why } => denied_without_asking(at, why),
        Verdict::Expired => say(vec![
            blocks::bold("Expired"),
            words(" "),
            at,
            words(": no one answered in time. The action was not approved."),
        ]),
        Verdict::Cancelled => say(vec![
            blocks::bold("Cancelled"),
            words(" "),
            at,
            words(": the request was withdrawn before a decision. The action was not approved."),
        ]),
        Verdict::Abandoned { .. } => say(vec![
            blocks::bold("Cancelled"),
            words(" "),
            at,
            words(": the agent stopped waiting. The action was not approved."),
        ]),
        Verdict::Undeliverable { .. } => say(vec![
            blocks::bold("Not delivered"),
            words(": Slack could not show this request to the person who was asked. It ended "),
            at,
            words(" without an approval."),
        ]),
    }
}

/// What the user's grant that approved a request approves.
fn by_grant(scope: Scope, limits: Option<&Limits>, request: &Request) -> Vec<SlackRichTextInlineElement> {
    let Some(limits) = limits else {
        return vec![words(match scope {
            Scope::Conversation => " auto-approves this action in this conversation.",
            Scope::Always | Scope::Once => " auto-approves this action always.",
        })];
    };
    let mut parts = vec![words(match scope {
        Scope::Conversation => " auto-approves this action in this conversation",
        Scope::Always | Scope::Once => " auto-approves this action in every conversation",
    })];
    parts.extend(limits::of_decision(limits, &request.arguments));
    parts.push(words("."));
    parts
}

const fn for_how_long(given: &GrantOutcome) -> &'static str {
    match given {
        GrantOutcome::Once => " for this request only, ",
        GrantOutcome::Conversation(_) => " for this conversation, ",
        GrantOutcome::Always(_) => " for every conversation, ",
        GrantOutcome::Narrowed { .. } => " with limits, ",
    }
}

fn denied_without_asking(at: SlackRichTextInlineElement, why: &Prose) -> Vec<SlackRichTextElement> {
    let parts = vec![
        blocks::bold("Denied"),
        words(" without asking, "),
        at,
        words(", with this reason for the agent:"),
    ];
    std::iter::once(paragraph(parts)).chain(in_short(why)).collect()
}

/// The beginning of a reason. The details contain all of it.
fn in_short(reason: &Prose) -> Vec<SlackRichTextElement> {
    let (kept, missing) = fit(&sanitize::lines(reason.as_str()), REASON_LINES, REASON);
    let cut = (missing > 0).then(|| paragraph(vec![words(SafeText::own(note(missing)))]));
    std::iter::once(blocks::quote(kept.between("“", "”"))).chain(cut).collect()
}
