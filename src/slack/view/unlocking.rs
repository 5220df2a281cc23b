//! Requests to unlock an action: what admins read and answer, and what those who asked hear.

use slack_morphism::prelude::{SlackBlock, SlackRichTextElement};

use super::{
    controls::Control,
    kit,
    kit::{Style, paragraph, words},
    names, sentences,
};
use crate::{
    domain::{
        overview::{Asker, UnlockLine},
        unlocking::{Answer, Answered},
    },
    slack::view::{harmless::shown::Shown, message::Message},
};

/// Draws the message that an admin gets: open, or with its answer.
#[must_use]
pub fn message(shown: &UnlockLine) -> Message {
    let mut blocks = request(shown);
    let text = match &shown.answered {
        None => format!(
            "{} for auto-approval of {}. Unlock it or decline.",
            names::count(shown.asked, "person asks", "people ask"),
            action(shown)
        ),
        Some(answered) => {
            blocks.push(kit::own(told_admin(answered)));
            format!("{} It was about {}.", told_admin(answered), action(shown))
        }
    };
    blocks.push(kit::context(vec![kit::small(
        "Unlocking lets each person decide for their own requests. It approves nothing by itself.",
    )]));
    Message { text, blocks }
}

/// A request with who asked, and with *Unlock* and *Decline* while it is open.
pub(super) fn request(shown: &UnlockLine) -> Vec<SlackBlock> {
    let name = names::pair(&shown.integration_name, &shown.action_name);
    let mut lines: Vec<SlackRichTextElement> =
        vec![paragraph(vec![words("Auto-approval is asked for:")]), kit::quote(name)];
    lines.push(paragraph(vec![words(names::path(&shown.path))]));
    if let Some(description) = &shown.description {
        lines.push(kit::quote(names::description(description)));
    }
    lines.extend(shown.askers.iter().map(asker));
    let missing = shown.asked.saturating_sub(shown.askers.len());
    if missing > 0 {
        let more = names::count(missing, "more person asks", "more people ask");
        lines.push(paragraph(vec![words(Shown::own(format!("… and {more} for it.")))]));
    }
    if shown.destructive {
        lines.push(paragraph(vec![words(
            "Take care: this action is marked as destructive. What it deletes or overwrites may be lost.",
        )]));
    }
    if shown.read_only && !shown.destructive {
        lines.push(paragraph(vec![words(names::effect(false, true))]));
    }
    let mut blocks = vec![kit::rich(lines)];
    if shown.answered.is_none() {
        let about = names::brief(&shown.integration_name, &shown.action_name);
        blocks.push(kit::actions(vec![
            kit::button(
                Control::GrantRequest { request: shown.id, version: Some(shown.version) },
                "Unlock",
                Shown::from("Unlock ").then(about.clone()),
                Style::Primary,
            ),
            kit::button(
                Control::DeclineRequest(shown.id),
                "Decline",
                Shown::from("Decline to unlock ").then(about),
                Style::Plain,
            ),
        ]));
    }
    blocks
}

fn asker(asker: &Asker) -> SlackRichTextElement {
    let how = format!(
        ". In the last 30 days: {} approved by hand, {} denied.",
        names::times(asker.approved),
        names::times(asker.denied)
    );
    paragraph(vec![
        kit::person(&asker.user),
        words(" asked "),
        kit::moment(asker.asked_at),
        words(Shown::own(how)),
    ])
}

fn told_admin(answered: &Answered) -> String {
    let by = answered.by.as_ref().map(|user| format!(" by {}", sentences::mention(user))).unwrap_or_default();
    match answered.answer {
        Answer::Unlocked => format!("Unlocked{by}. From then on people could auto-approve it."),
        Answer::Declined => format!("Declined{by}: the action stays locked."),
        Answer::Retired => "The integration no longer has this action.".to_owned(),
    }
}

/// Draws what one who asked hears, once.
#[must_use]
pub fn answer(shown: &UnlockLine, answered: &Answered) -> Message {
    let by = answered.by.as_ref().map_or_else(|| "An admin".to_owned(), sentences::mention);
    let action = action(shown);
    let text = match answered.answer {
        Answer::Unlocked => format!(
            "You asked to be able to auto-approve {action}. {by} has unlocked it. Nothing is auto-approved yet. Turn it on in the menu of the next request, with /approvals, or in the Home tab."
        ),
        Answer::Declined => {
            format!(
                "You asked to be able to auto-approve {action}. {by} declined. Every request still asks you."
            )
        }
        Answer::Retired => {
            format!(
                "You asked to be able to auto-approve {action}. Its integration no longer has this action."
            )
        }
    };
    Message { text, blocks: Vec::new() }
}

fn action(shown: &UnlockLine) -> String {
    names::in_sentence(&shown.integration_name, &shown.action_name, &shown.path)
}
