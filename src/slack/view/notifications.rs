//! *Notifications*, on the Home tab and in the settings: reminders, the digest and quiet hours.
//!
//! When Slack updates a view, elements whose `block_id` is unchanged keep what the user chose. The menus' block therefore
//! has an id that says what is stored, and a mark that differs in every render.

use slack_morphism::prelude::{
    SlackActionBlockElement, SlackActionsBlock, SlackBlock, SlackBlockChoiceItem, SlackBlockId,
    SlackBlockPlainTextOnly, SlackBlockStaticSelectElement, SlackRichTextElement,
};

use super::controls::{Control, Notice};
use super::delegation;
use crate::{
    domain::{
        delegations::Delegations,
        digests,
        notifications::{Hour, Preferences, QuietHours},
    },
    slack::view::{
        blocks::{self, Style, plain_only},
        sanitize::safe_text::SafeText,
    },
};

/// How many blocks the section has. The Home tab has room for no more.
#[cfg(test)]
pub(super) const BLOCKS: usize = 2;

/// The section. `mark` must differ in every render.
pub(super) fn section(preferences: Preferences, mark: &str) -> Vec<SlackBlock> {
    vec![blocks::rich(said(preferences)), row(controls(preferences), mark)]
}

/// The section of the Home tab: also says who decides for whom. `mark` must differ in every render.
pub(super) fn with_delegation(
    preferences: Preferences,
    delegations: &Delegations,
    mark: &str,
) -> Vec<SlackBlock> {
    let mut elements = said(preferences);
    elements.extend(delegation::on_home(delegations));
    let mut controls = controls(preferences);
    controls.push(delegation::button(delegations));
    vec![blocks::rich(elements), row(controls, mark)]
}

fn said(preferences: Preferences) -> Vec<SlackRichTextElement> {
    vec![
        blocks::paragraph(vec![blocks::bold("Notifications")]),
        blocks::paragraph(vec![blocks::words(SafeText::own(sentence(preferences)))]),
    ]
}

fn row(controls: Vec<SlackActionBlockElement>, mark: &str) -> SlackBlock {
    SlackActionsBlock::new(controls).with_block_id(SlackBlockId::new(format!("notifications:{mark}"))).into()
}

fn sentence(preferences: Preferences) -> String {
    let reminders = if preferences.reminders {
        "Reminders are on: one message when two thirds of a request’s time have passed."
    } else {
        "Reminders are off."
    };
    let digest = if preferences.digest {
        format!(
            "The daily digest is on: after {}:00, one message lists what ran without asking you, if anything did.",
            digests::HOUR
        )
    } else {
        "The daily digest is off.".to_owned()
    };
    let quiet = match preferences.quiet {
        Some(quiet) => format!(
            "Quiet hours are from {} to {}: neither is sent then. Requests always arrive at once.",
            time(quiet.from()),
            time(quiet.until())
        ),
        None => "There are no quiet hours.".to_owned(),
    };
    let zone = match preferences.zone {
        // The names of zones are our own list.
        Some(zone) => format!("Times are in your Slack time zone, {}.", zone.name()),
        None => "Times are in UTC until Slack reports your time zone.".to_owned(),
    };
    format!("{reminders}\n{digest}\n{quiet}\n{zone}")
}

fn time(hour: Hour) -> String {
    format!("{:02}:00", hour.number())
}

fn controls(preferences: Preferences) -> Vec<SlackActionBlockElement> {
    let button = |notice, is_on, off: &'static str, on: &'static str| {
        let text = if is_on { off } else { on };
        blocks::button(Control::Notify { notice, on: !is_on }, text, text, Style::Plain)
    };
    let from = preferences.quiet.map(QuietHours::from);
    let mut choices = vec![choice(Control::QuietFrom(None), "No quiet hours".into())];
    choices.extend(Hour::all().map(|hour| {
        choice(Control::QuietFrom(Some(hour)), SafeText::own(format!("Quiet from {}", time(hour))))
    }));
    let chosen = choices[from.map_or(0, |hour| usize::from(hour.number()) + 1)].clone();
    let mut controls = vec![
        button(Notice::Reminders, preferences.reminders, "Turn off reminders", "Turn on reminders"),
        button(Notice::Digest, preferences.digest, "Turn off the daily digest", "Turn on the daily digest"),
        menu(Control::QuietFrom(None), choices, chosen),
    ];
    if let Some(quiet) = preferences.quiet {
        // Quiet hours can't end when they begin.
        let hours = Hour::all().filter(|hour| *hour != quiet.from());
        let until = |hour| choice(Control::QuietUntil(hour), SafeText::own(format!("until {}", time(hour))));
        controls.push(menu(
            Control::QuietUntil(quiet.until()),
            hours.map(until).collect(),
            until(quiet.until()),
        ));
    }
    controls
}

type Choice = SlackBlockChoiceItem<SlackBlockPlainTextOnly>;

fn choice(control: Control, text: SafeText) -> Choice {
    SlackBlockChoiceItem::new(plain_only(text), control.value())
}

fn menu(control: Control, choices: Vec<Choice>, chosen: Choice) -> SlackActionBlockElement {
    SlackBlockStaticSelectElement::new()
        .with_action_id(control.action_id().into())
        .with_options(choices)
        .with_initial_option(chosen)
        .into()
}
