//! The modal with figures that show who approves so much that they may no longer look.

use serde_json::Value;
use slack_morphism::prelude::{SlackBlock, SlackModalView};

use super::controls::Callback;
use super::deny::view;
use super::names;
use super::sentences;
use crate::{
    domain::fatigue::{Advice, PersonFigures, QUICK_SECONDS},
    slack::view::{
        blocks::{self, plain_only, say},
        sanitize::safe_text::SafeText,
    },
};

/// The title of the modal.
pub const TITLE: &str = "Manual approvals";

/// Renders the modal. Its `callback_id` is [`Callback::Figures`].
#[must_use]
pub fn modal(figures: &[PersonFigures]) -> Value {
    let mut all = vec![say(SafeText::own(format!(
        "Who approved most manually in the last 30 days, and how often within {QUICK_SECONDS} seconds of the prompt. People \
         who approve much and quickly may no longer read what they approve."
    )))];
    if figures.is_empty() {
        all.push(say("No one approved anything manually."));
    }
    all.extend(figures.iter().map(person));
    view(
        SlackModalView::new(plain_only(TITLE), all)
            .with_close(plain_only("Close"))
            .with_callback_id(Callback::Figures.as_str().into()),
    )
}

fn person(figures: &PersonFigures) -> SlackBlock {
    let title = if figures.is_tiring() { "⚠ Approves much or quickly" } else { "Approves at a calm pace" };
    let mut facts = vec![blocks::own_fact(numbers(figures))];
    if let Some(most) = &figures.most {
        let counted = SafeText::own(format!("Most often, {} of the last {}: ", most.count, figures.sampled));
        facts.push(blocks::fact(counted.then(names::path(&most.path))));
    }
    facts.extend(figures.advice().map(|advice| blocks::fact(words(advice))));
    blocks::section(title.into(), facts, None)
}

/// *Alice approved 61 a day, 40 % within 3 seconds*, for mrkdwn.
fn numbers(figures: &PersonFigures) -> String {
    let person = sentences::mention(&figures.user);
    let least = if figures.is_more { "at least " } else { "" };
    let a_day = figures.a_day();
    let a_day =
        if a_day >= 1.0 || figures.last_week == 0 { format!("{a_day:.0}") } else { format!("{a_day:.1}") };
    let quick = match figures.quick_percent() {
        Some(percent) => format!("{percent} % within {QUICK_SECONDS} seconds"),
        None => "too few to tell how quickly".to_owned(),
    };
    let month = figures.last_month;
    format!(
        "{person} approved {least}{a_day} a day in the last 7 days, {quick}. In the last 30 days: {least}{month}."
    )
}

const fn words(advice: Advice) -> &'static str {
    match advice {
        Advice::Unlock => "Consider unlocking this action, so that they can auto-approve it.",
        Advice::AutoApprove => "It is unlocked: they can auto-approve it for a conversation or always.",
        Advice::Confirm => "Its description has changed: confirm it, so that auto-approvals work again.",
        Advice::Review => "Someone should look at each of these. Ask why agents want it so often.",
    }
}
