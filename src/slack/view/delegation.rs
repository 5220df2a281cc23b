//! Delegation: the modal behind `/approvals delegate`, what the Home tab says of it, and the messages when one begins or
//! ends.

use chrono::NaiveDate;
use serde_json::Value;
use slack_morphism::prelude::{
    SlackActionBlockElement, SlackBlock, SlackBlockDatePickerElement, SlackBlockId,
    SlackBlockPlainTextInputElement, SlackBlockUsersSelectElement, SlackInputBlock, SlackModalView,
    SlackRichTextElement,
};

use super::approvers::reason_in_text;
use super::controls::{Callback, Control};
use super::deny::view;
use super::message::Message;
use super::{names, sentences};
use crate::{
    domain::{
        delegations::{Delegation, Delegations, EndReason},
        ids::UserId,
    },
    slack::view::{
        blocks::{
            self, Style, bold, moment, moment_in_mrkdwn, own_fact, paragraph, person, plain_only, quote,
            rich, say, words,
        },
        sanitize::{self, safe_text::SafeText},
    },
};

/// The `block_id` and `action_id` of the inputs.
pub const PERSON: &str = "person";
/// The last day.
pub const UNTIL: &str = "until";
/// The reason.
pub const REASON: &str = "reason";
const REASON_MAX: u64 = 200;
/// Most delegations that the modal and the Home tab name.
const NAMED: usize = 10;
const NAMED_ON_HOME: usize = 3;

/// Renders the modal. Its `callback_id` is [`Callback::Delegate`]. `last_day`: the day that is chosen at first.
#[must_use]
pub fn modal(delegations: &Delegations, last_day: NaiveDate) -> Value {
    let mut all: Vec<SlackBlock> = Vec::new();
    if let Some(given) = &delegations.given {
        all.push(line(given, true));
    }
    all.extend(delegations.received.iter().take(NAMED).map(|delegation| line(delegation, false)));
    let more = delegations.received.len().saturating_sub(NAMED);
    if more > 0 {
        all.push(say(SafeText::own(format!(
            "And you decide for {}.",
            names::count(more, "other", "others")
        ))));
    }
    if !all.is_empty() {
        all.push(blocks::divider());
    }
    all.push(say(
        "Your delegate gets your requests beside you, with all their arguments, and can approve each one once or \
         deny it. They can’t allow auto-approval, and can’t pass your requests on.",
    ));
    let people = SlackBlockUsersSelectElement::new()
        .with_action_id(PERSON.into())
        .with_placeholder(plain_only("Choose a person"));
    all.push(
        SlackInputBlock::new(plain_only("Who decides for you?"), people.into())
            .with_block_id(SlackBlockId::new(PERSON.to_owned()))
            .with_hint(plain_only(if delegations.given.is_some() {
                "A full member of this workspace. They replace your present delegate."
            } else {
                "A full member of this workspace."
            }))
            .into(),
    );
    let day = SlackBlockDatePickerElement::new()
        .with_action_id(UNTIL.into())
        .with_initial_date(last_day.to_string());
    all.push(
        SlackInputBlock::new(plain_only("Until the end of"), day.into())
            .with_block_id(SlackBlockId::new(UNTIL.to_owned()))
            .into(),
    );
    let reason =
        SlackBlockPlainTextInputElement::new().with_action_id(REASON.into()).with_max_length(REASON_MAX);
    all.push(
        SlackInputBlock::new(plain_only("Reason"), reason.into())
            .with_block_id(SlackBlockId::new(REASON.to_owned()))
            .with_hint(plain_only("Your delegate reads it above each request."))
            .with_optional(true)
            .into(),
    );
    view(
        SlackModalView::new(plain_only("Delegation"), all)
            .with_submit(plain_only("Delegate"))
            .with_close(plain_only("Close"))
            .with_callback_id(Callback::Delegate.as_str().into()),
    )
}

/// One live delegation, with *End*.
fn line(delegation: &Delegation, is_given: bool) -> SlackBlock {
    let until = format!("until {}", moment_in_mrkdwn(delegation.until));
    let (title, fact, alone) = if is_given {
        let fact = format!("{} {until}", sentences::mention(&delegation.delegate));
        ("Decides for you", fact, "End the delegation that you gave")
    } else {
        let fact = format!("{} {until}", sentences::mention(&delegation.user));
        ("You decide for", fact, "End a delegation that you received")
    };
    let question = if is_given {
        "Your delegate can’t decide your requests any longer. They are told."
    } else {
        "You can’t decide their requests any longer. They are told."
    };
    let end = blocks::beside_after_confirming(
        Control::EndDelegation(delegation.id),
        "End",
        alone,
        ("End this delegation?", question.into()),
    );
    blocks::section(title.into(), vec![own_fact(fact)], Some(end))
}

/// What the Home tab says.
pub(super) fn on_home(delegations: &Delegations) -> Vec<SlackRichTextElement> {
    let mut elements = Vec::new();
    if let Some(Delegation { delegate, until, .. }) = &delegations.given {
        elements.push(paragraph(vec![
            bold("Delegation: "),
            person(delegate),
            words(" decides for you until "),
            moment(*until),
            words("."),
        ]));
    }
    for Delegation { user, until, .. } in delegations.received.iter().take(NAMED_ON_HOME) {
        elements.push(paragraph(vec![
            bold("Delegation: "),
            words("you decide for "),
            person(user),
            words(" until "),
            moment(*until),
            words("."),
        ]));
    }
    let more = delegations.received.len().saturating_sub(NAMED_ON_HOME);
    if more > 0 {
        let more = format!("And you decide for {}.", names::count(more, "other", "others"));
        elements.push(paragraph(vec![words(SafeText::own(more))]));
    }
    elements
}

/// The button of the Home tab.
pub(super) fn button(delegations: &Delegations) -> SlackActionBlockElement {
    let text = if *delegations == Delegations::default() { "Delegate…" } else { "Delegation…" };
    blocks::button(Control::Delegation, text, "Let another person decide your requests", Style::Plain)
}

/// The message to a delegate when a delegation begins.
#[must_use]
pub fn begun(delegation: &Delegation) -> Message {
    let Delegation { user, until, reason, .. } = delegation;
    let what = "You get their requests that wait and new ones, and can approve each one once or deny it. They can \
                decide them too. To end it, type /approvals delegate.";
    let mut text = format!("You decide for {} until {}.", sentences::mention(user), moment_in_mrkdwn(*until));
    let mut elements = vec![paragraph(vec![
        bold("You decide for "),
        person(user),
        words(" until "),
        moment(*until),
        words("."),
    ])];
    if let Some(reason) = reason {
        text = format!("{text} Reason: {}", reason_in_text(reason.as_str()));
        elements.push(quote(sanitize::line(reason.as_str())));
    }
    elements.push(paragraph(vec![words(what)]));
    Message { text: format!("{text} {what}"), blocks: vec![rich(elements)] }
}

/// The message to one of the two when a delegation ends.
#[must_use]
pub fn ended(delegation: &Delegation, reader: &UserId, why: EndReason) -> Message {
    let Delegation { user, delegate, .. } = delegation;
    let because = match why {
        EndReason::Over => "Its time is over.",
        EndReason::User if reader == user => "You ended it.",
        EndReason::Delegate if reader == delegate => "You ended it.",
        EndReason::User | EndReason::Delegate => "They ended it.",
        EndReason::Replaced => "Another person decides now.",
        EndReason::Operator => "The operator of Countersign ended it.",
        EndReason::NoMember => "One of you is no longer a full member of this workspace.",
    };
    let (parts, text) = if reader == delegate {
        (
            vec![bold("You no longer decide for "), person(user), words(". "), words(because)],
            format!("You no longer decide for {}. {because}", sentences::mention(user)),
        )
    } else {
        (
            vec![person(delegate), bold(" no longer decides for you"), words(". "), words(because)],
            format!("{} no longer decides for you. {because}", sentences::mention(delegate)),
        )
    };
    Message { text, blocks: vec![rich(vec![paragraph(parts)])] }
}

/// What the modal says after it was submitted.
#[must_use]
pub fn confirmed(delegation: &Delegation) -> String {
    format!(
        "{} decides for you until {}, beside you. They have been told.",
        sentences::mention(&delegation.delegate),
        moment_in_mrkdwn(delegation.until)
    )
}
