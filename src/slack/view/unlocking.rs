//! Unlock requests: what admins read and answer, and the answer that the users who asked get.

use slack_morphism::prelude::{SlackBlock, SlackRichTextElement};

use super::controls::Control;
use super::names;
use super::sentences;
use crate::{
    domain::{
        catalog::UnlockedFor,
        overview::{Asker, UnlockLine},
        unlock_answer::{Resolution, Resolved},
    },
    slack::view::{
        blocks::{self, Style, paragraph, words},
        message::Message,
        sanitize::safe_text::SafeText,
    },
};

/// Renders an admin's message: open, or with its answer.
#[must_use]
pub fn message(shown: &UnlockLine) -> Message {
    let mut blocks = request(shown);
    let text = match &shown.answered {
        None => format!(
            "{} you to unlock {}. Unlock it or decline.",
            names::count(shown.asked, "person asks", "people ask"),
            action(shown)
        ),
        Some(answered) => {
            blocks.push(blocks::own(told_admin(shown, answered)));
            format!("Request to unlock {}. {}", action(shown), told_admin(shown, answered))
        }
    };
    blocks.push(blocks::context(vec![blocks::small(
        "Unlocking lets each person decide for their own requests. It does not approve anything.",
    )]));
    Message { text, blocks }
}

/// A request with the users who asked, and with *Unlock* and *Decline* while it is open.
pub(super) fn request(shown: &UnlockLine) -> Vec<SlackBlock> {
    let name = names::pair(&shown.integration_name, &shown.action_name);
    let mut lines: Vec<SlackRichTextElement> = vec![asks(shown), blocks::quote(name)];
    lines.push(paragraph(vec![words(names::path(&shown.path))]));
    if let Some(description) = &shown.description {
        lines.push(blocks::quote(names::description(description)));
    }
    lines.extend(shown.askers.iter().map(asker));
    let missing = shown.asked.saturating_sub(shown.askers.len());
    if missing > 0 {
        let more = names::count(missing, "more person asks", "more people ask");
        lines.push(paragraph(vec![words(SafeText::own(format!("… and {more}.")))]));
    }
    lines.push(paragraph(vec![words(names::effect(shown.impact))]));
    let mut blocks = vec![blocks::rich(lines)];
    if shown.answered.is_none() {
        let about = names::brief(&shown.integration_name, &shown.action_name);
        blocks.push(blocks::actions(vec![
            blocks::button(
                Control::GrantRequest { request: shown.id, version: Some(shown.version) },
                names::unlock(shown.impact, &shown.path),
                SafeText::from("Unlock ").then(about.clone()),
                if names::unlocks_with_care(shown.impact, &shown.path) {
                    Style::Plain
                } else {
                    Style::Primary
                },
            ),
            blocks::button(
                Control::DeclineRequest(shown.id),
                "Decline",
                SafeText::from("Decline to unlock ").then(about),
                Style::Plain,
            ),
        ]));
    }
    blocks
}

/// Says who asks: mentions the user, or gives the number of users.
fn asks(shown: &UnlockLine) -> SlackRichTextElement {
    let verb = if shown.answered.is_some() { "asked" } else { "asks" };
    match shown.askers.as_slice() {
        [only] if shown.asked == 1 => paragraph(vec![
            blocks::person(&only.user),
            words(SafeText::own(format!(" {verb} you to unlock:"))),
        ]),
        _ => {
            let people = names::count(shown.asked, "person", "people");
            let verb = if shown.answered.is_none() && shown.asked != 1 { "ask" } else { verb };
            paragraph(vec![words(SafeText::own(format!("{people} {verb} you to unlock:")))])
        }
    }
}

fn asker(asker: &Asker) -> SlackRichTextElement {
    let how = if asker.approved == 0 && asker.denied == 0 {
        ". No decisions in the last 30 days.".to_owned()
    } else {
        format!(". In the last 30 days: {} approved manually, {} denied.", asker.approved, asker.denied)
    };
    paragraph(vec![
        blocks::person(&asker.user),
        words(" asked "),
        blocks::moment(asker.asked_at),
        words(SafeText::own(how)),
    ])
}

fn told_admin(shown: &UnlockLine, answered: &Resolved) -> String {
    let by = answered.by.as_ref().map(|user| format!(" by {}", sentences::mention(user))).unwrap_or_default();
    match answered.answer {
        Resolution::Unlocked if is_for_conversations(shown) => {
            format!("Unlocked{by}. People can now auto-approve it for one conversation.")
        }
        Resolution::Unlocked => format!("Unlocked{by}. People can now auto-approve it."),
        Resolution::Declined => format!("Declined{by}: the action stays locked."),
        Resolution::Retired => "Closed: the integration no longer has this action.".to_owned(),
    }
}

/// Renders the answer for one user who asked. It is sent once.
#[must_use]
pub fn answer(shown: &UnlockLine, answered: &Resolved) -> Message {
    let by = answered.by.as_ref().map_or_else(|| "An admin".to_owned(), sentences::mention);
    let action = action(shown);
    let text = match answered.answer {
        Resolution::Unlocked if is_for_conversations(shown) => format!(
            "You requested auto-approval of {action}. {by} unlocked it for conversations. Nothing is auto-approved \
                yet. Turn it on for one conversation in the menu of the next request."
        ),
        Resolution::Unlocked => format!(
            "You requested auto-approval of {action}. {by} unlocked it. Nothing is auto-approved yet. Turn \
                it on in the menu of the next request, with /approvals, or in the Home tab."
        ),
        Resolution::Declined => {
            format!("You requested auto-approval of {action}. {by} declined. Every request still asks you.")
        }
        Resolution::Retired => {
            format!(
                "You requested auto-approval of {action}. The request is closed: the integration no longer has this action."
            )
        }
    };
    Message { text, blocks: Vec::new() }
}

/// Whether people may allow the action only for one conversation.
fn is_for_conversations(shown: &UnlockLine) -> bool {
    shown.unlocked == Some(UnlockedFor::Conversations)
}

fn action(shown: &UnlockLine) -> String {
    names::in_sentence(&shown.integration_name, &shown.action_name, &shown.path)
}
