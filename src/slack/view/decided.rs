//! The prompt after the decision: the outcome, who decided, and the grant that it created.

use slack_morphism::prelude::{SlackBlock, SlackRichTextInlineElement};

use super::controls::Control;
use super::request;
use super::sentences;
use crate::{
    domain::{
        decision::{Decision, GrantOutcome, Verdict},
        grants::Scope,
    },
    slack::view::{
        blocks::{self, Style, moment, paragraph, person, rich, words},
        message::Message,
        prompt_state::PromptState,
        sanitize::safe_text::SafeText,
        summary,
    },
};

/// Renders the message without its decision buttons. The outcome is always said in words.
pub(super) fn decided(shown: &PromptState<'_>, decision: &Decision) -> Message {
    let request = &shown.approval.request;
    let mut blocks = request::asked(shown);
    blocks.extend(ending(shown, decision));
    let mut row = Vec::new();
    if let (true, Verdict::Approved { given, .. }) = (shown.grant_live, &decision.verdict)
        && let Some(grant) = given.grant()
    {
        let alone = SafeText::from("Turn off auto-approval: ").then(summary::brief(request));
        row.push(blocks::button(Control::TurnOff(grant), "Turn off", alone, Style::Plain));
    }
    row.extend(request::looks(shown));
    blocks.push(blocks::actions(row));
    blocks.push(blocks::context(vec![blocks::small(request::digest(shown))]));
    Message {
        text: format!("{} {}", sentences::ended(&decision.verdict), summary::sentence(request)),
        blocks,
    }
}

fn ending(shown: &PromptState<'_>, decision: &Decision) -> Vec<SlackBlock> {
    let at = moment(decision.decided_at);
    let say = |parts: Vec<SlackRichTextInlineElement>| rich(vec![paragraph(parts)]);
    match &decision.verdict {
        Verdict::Approved { user, given } => {
            let how = match given {
                GrantOutcome::Once => " for this request only, ",
                GrantOutcome::Conversation(_) => " for this conversation, ",
                GrantOutcome::Always(_) => " for every conversation, ",
            };
            let left = match (given, shown.grant_live) {
                (GrantOutcome::Once, _) => "The next request asks again.",
                (GrantOutcome::Conversation(_), true) => {
                    "Auto-approval is on: this action runs without asking in this conversation. A new conversation asks again."
                }
                (GrantOutcome::Always(_), true) => {
                    "Auto-approval is on: this action runs without asking in every conversation, whichever \
                        agent asks. It applies only to this person’s requests."
                }
                (_, false) => "The auto-approval that this decision left is off.",
            };
            vec![
                say(vec![blocks::bold("Approved"), words(" by "), person(user), words(how), at, words(".")]),
                blocks::say(left),
            ]
        }
        Verdict::AutoApproved { scope, .. } => {
            let how = match scope {
                Scope::Conversation => " auto-approves this action in this conversation.",
                Scope::Always | Scope::Once => " auto-approves this action always.",
            };
            let user = person(&shown.approval.request.user);
            vec![say(vec![
                blocks::bold("Approved"),
                words(" without asking, "),
                at,
                words(": "),
                user,
                words(how),
            ])]
        }
        Verdict::Denied { user, reason } => {
            let by = vec![blocks::bold("Denied"), words(" by "), person(user), words(", "), at, words(".")];
            match reason {
                Some(reason) => {
                    let mut said = by;
                    said.push(words(" The reason given to the agent:"));
                    vec![summary::quoted(paragraph(said), reason.as_str())]
                }
                None => vec![say(by)],
            }
        }
        Verdict::Expired => vec![say(vec![
            blocks::bold("Expired"),
            words(" "),
            at,
            words(": no one answered in time. The action was not approved."),
        ])],
        Verdict::Cancelled => vec![say(vec![
            blocks::bold("Cancelled"),
            words(" "),
            at,
            words(": the request was withdrawn before a decision. The action was not approved."),
        ])],
        Verdict::Undeliverable { .. } => vec![say(vec![
            blocks::bold("Not delivered"),
            words(": Slack could not show this request to the person who was asked. It ended "),
            at,
            words(" without an approval."),
        ])],
    }
}
