//! The settings modal: the integrations, each with its gear, and behind it the actions with their toggles.
//!
//! When Slack updates a view, elements whose `block_id` is unchanged keep what the user chose
//! (<https://docs.slack.dev/reference/methods/views.update>). A toggle's `block_id` therefore contains a mark that
//! differs in every render, so that the toggle shows the stored state.

use serde_json::Value;
use slack_morphism::prelude::{
    SlackBlock, SlackBlockCheckboxesElement, SlackBlockChoiceItem, SlackBlockId, SlackModalView,
    SlackSectionBlock,
};

use super::controls::Callback;
use super::controls::Control;
use super::controls::Screen;
use super::deny::view;
use super::home;
use super::names;
use super::notifications;
use crate::{
    domain::{
        catalog::UnlockedFor,
        notifications::Preferences,
        overview::{ActionLine, GrantLine, IntegrationLine, Page, SettingLine},
        settings::Toggle,
    },
    slack::view::{
        blocks::{self, Style, plain, plain_only},
        sanitize::safe_text::SafeText,
    },
};

/// Lines on a page behind a gear. Each is one block.
pub const LINES: usize = 12;

/// What the modal shows.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// The list of integrations, and what the user is told without having asked.
    Integrations(Page<IntegrationLine>, Preferences),
    /// One integration, with the actions and grants behind its gear.
    Gear(Box<IntegrationLine>, Page<SettingLine>),
}

impl Content {
    /// The page of the modal that this is.
    #[must_use]
    pub const fn screen(&self) -> Screen {
        match self {
            Self::Integrations(page, _) => Screen { integration: None, page: page.number },
            Self::Gear(integration, page) => Screen { integration: Some(integration.id), page: page.number },
        }
    }
}

/// Renders the modal for `views.open` and `views.update`. `note` is a sentence in our own words, such as why a
/// change failed; `mark` must differ in every render.
#[must_use]
pub fn settings(content: &Content, note: Option<&str>, mark: &str) -> Value {
    let mut blocks = Vec::new();
    blocks.extend(note.map(|note| blocks::own(note.to_owned())));
    match content {
        Content::Integrations(page, preferences) => {
            integrations(&mut blocks, page);
            blocks.push(blocks::divider());
            blocks.extend(notifications::section(*preferences, mark));
        }
        Content::Gear(integration, page) => gear(&mut blocks, integration, page, mark),
    }
    modal(blocks, &content.screen().to_string())
}

/// The modal while its content is being read.
#[must_use]
pub fn loading(screen: Screen) -> Value {
    modal(vec![blocks::say("Loading your settings…")], &screen.to_string())
}

/// The modal when its content can't be read, with a sentence in our own words.
#[must_use]
pub fn failed(screen: Screen, sentence: &str) -> Value {
    modal(vec![blocks::own(sentence.to_owned())], &screen.to_string())
}

fn modal(blocks: Vec<SlackBlock>, metadata: &str) -> Value {
    view(
        SlackModalView::new(plain_only("Auto-approval"), blocks)
            .with_close(plain_only("Done"))
            .with_callback_id(Callback::Settings.as_str().into())
            .with_private_metadata(metadata.to_owned()),
    )
}

fn integrations(blocks: &mut Vec<SlackBlock>, page: &Page<IntegrationLine>) {
    if page.items.is_empty() {
        blocks.push(blocks::say(home::NO_INTEGRATIONS));
        return;
    }
    blocks.push(blocks::say(
        "Choose what runs without asking you. It applies only to your requests, and you can turn it off at \
            any time.",
    ));
    blocks.extend(page.items.iter().map(home::integration));
    blocks.extend(pager(page, None));
}

fn gear(blocks: &mut Vec<SlackBlock>, integration: &IntegrationLine, page: &Page<SettingLine>, mark: &str) {
    blocks.push(blocks::heading(names::name(&integration.name)));
    let back =
        blocks::button(Control::SettingsAll, "All integrations", "Back to all integrations", Style::Plain);
    let mut row = vec![back];
    if !integration.is_usable() {
        let name = SafeText::from("Connect ").then(names::short(&integration.name));
        row.extend(
            integration
                .connect_url
                .as_deref()
                .and_then(|url| blocks::link(Control::Connect, name.clone(), name, url)),
        );
        blocks.push(blocks::say(
            "This integration is not connected to your account. Connect it to auto-approve its actions.",
        ));
    }
    blocks.push(blocks::actions(row));
    if page.items.is_empty() {
        blocks.push(blocks::say("No actions."));
    } else {
        blocks.push(blocks::say(
            "Changes are saved at once. When on, an action runs without asking in every conversation, \
                whichever agent asks. When off, the very next request asks you, in every conversation.",
        ));
    }
    for line in &page.items {
        blocks.push(match line {
            SettingLine::Action(line) => action(integration, line, mark),
            SettingLine::Grant(grant) => conversation(grant),
        });
    }
    blocks.extend(pager(page, Some(integration)));
}

fn action(integration: &IntegrationLine, line: &ActionLine, mark: &str) -> SlackBlock {
    let name = names::name(&line.name);
    let facts = |state: &'static str| {
        let own = names::nature(line);
        let between = if own.is_empty() || state.is_empty() { "" } else { " " };
        let own = own.then(between).then(state);
        let own = (!own.is_empty()).then(|| blocks::fact(own));
        let description = line.description.as_deref().map(|text| blocks::fact(names::description(text)));
        own.into_iter().chain(description).collect::<Vec<_>>()
    };
    let about = names::brief(&integration.name, &line.name);
    let Some(unlocked_for) = line.unlocked else {
        if line.requested {
            let state = "Locked. You requested it and will get an answer.";
            return blocks::section(name, facts(state), None);
        }
        let alone = SafeText::from("Request auto-approval: ").then(about);
        let request = blocks::beside(Control::RequestUnlock(line.id), "Request auto-approval", alone);
        let state = "Locked: no admin has unlocked it.";
        return blocks::section(name, facts(state), Some(request));
    };
    let state =
        if line.changed { "Paused: its description has changed since an admin unlocked it." } else { "" };
    // A grant for a changed description can still be turned off, but none can be turned on.
    if line.changed && !line.always {
        return blocks::section(name, facts(state), None);
    }
    if unlocked_for == UnlockedFor::Conversations && !line.always {
        let state = "Unlocked for conversations: turn it on in the menu of a request.";
        return blocks::section(name, facts(state), None);
    }
    if !integration.is_usable() {
        return blocks::section(name, facts("Connect the integration first."), None);
    }
    let section = SlackSectionBlock::new()
        .with_block_id(SlackBlockId::new(format!("{}:{mark}", line.id)))
        .with_text(plain(name).into())
        .with_accessory(toggle(line, about).into());
    match facts(state) {
        facts if facts.is_empty() => section.into(),
        facts => section.with_fields(facts).into(),
    }
}

/// The toggle. Its option's value is the setting for *on*. A cleared check box sends no value, so the block's id names
/// the action too.
fn toggle(line: &ActionLine, about: SafeText) -> SlackBlockCheckboxesElement {
    let on = Control::Toggle { action: line.id, toggle: Toggle::On };
    let option = SlackBlockChoiceItem::new(plain("Auto-approve always").into(), on.value())
        .with_description(plain_only(about));
    let toggle = SlackBlockCheckboxesElement::new(vec![option.clone()]).with_action_id(on.action_id().into());
    if line.always { toggle.with_initial_options(vec![option]) } else { toggle }
}

/// A grant for one conversation, under its action.
fn conversation(grant: &GrantLine) -> SlackBlock {
    let off = blocks::beside(Control::TurnOff(grant.id), "Turn off", names::turning_off(grant));
    let facts = names::facts(grant);
    blocks::section(names::name(&grant.action_name), facts, Some(off))
}

fn pager<T>(page: &Page<T>, integration: Option<&IntegrationLine>) -> Option<SlackBlock> {
    let mut row = Vec::new();
    let screen = |page| Screen { integration: integration.map(|line| line.id), page };
    let label = |turn: &'static str, to: usize| {
        SafeText::from(turn).then(SafeText::own(format!(" of the settings, {} of {}", to + 1, page.count)))
    };
    if page.number > 0 {
        let to = page.number - 1;
        let control = Control::SettingsPrevious(screen(to));
        row.push(blocks::button(control, "Previous page", label("Previous page", to), Style::Plain));
    }
    if page.number + 1 < page.count {
        let to = page.number + 1;
        let control = Control::SettingsNext(screen(to));
        row.push(blocks::button(control, "Next page", label("Next page", to), Style::Plain));
    }
    (!row.is_empty()).then(|| blocks::actions(row))
}
