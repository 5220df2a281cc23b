//! Which actions users may auto-approve: the integrations, or the actions of one.

use slack_morphism::prelude::SlackBlock;

use crate::{
    domain::{
        catalog::UnlockedFor,
        overview::{ActionLine, IntegrationLine, Page, Section},
    },
    slack::view::{
        blocks::{self, Style},
        controls::Control,
        names,
        sanitize::safe_text::SafeText,
        sections::pager,
        sentences,
    },
};

const CATALOG: &str = "What people may auto-approve";

pub(super) fn catalog(blocks: &mut Vec<SlackBlock>, page: &Page<IntegrationLine>) {
    blocks.push(blocks::heading(names::titled(CATALOG, page.total, page.number, page.count)));
    if page.items.is_empty() {
        blocks.push(blocks::say("No backend has described an integration yet, and no agent has used one."));
    }
    blocks.extend(page.items.iter().map(|line| {
        let state =
            format!("{} of {} unlocked", line.unlocked, names::count(line.actions, "action", "actions"));
        let alone = SafeText::from("Actions of ").then(names::short(&line.name));
        let open = blocks::beside(Control::Pick(line.id), "Actions", alone);
        blocks::section(names::name(&line.name), vec![blocks::fact(SafeText::own(state))], Some(open))
    }));
    blocks.extend(pager(Section::Catalog, "the integrations", page));
}

pub(super) fn picked(blocks: &mut Vec<SlackBlock>, integration: &IntegrationLine, page: &Page<ActionLine>) {
    // The name and the number share the block that the list of integrations has for its heading: at its worst, the tab
    // has no room for another.
    let counted = names::titled("", page.total, page.number, page.count);
    let heading = SafeText::from("Actions of ").then(names::short(&integration.name)).then(counted);
    blocks.push(blocks::heading(heading));
    let back =
        blocks::button(Control::PickNone, "All integrations", "Back to all integrations", Style::Plain);
    let unlock = Control::UnlockReadOnly(integration.id);
    let alone = SafeText::from("Unlock read-only actions of ").then(names::short(&integration.name));
    let unlock = blocks::button(unlock, "Unlock read-only actions…", alone, Style::Plain);
    blocks.push(blocks::actions(vec![back, unlock]));
    if page.items.is_empty() {
        blocks.push(blocks::say("No actions."));
    }
    blocks.extend(page.items.iter().map(|line| action(integration, line)));
    blocks.extend(options(integration, &page.items));
    blocks.extend(pager(Section::Actions, "the actions", page));
}

fn action(integration: &IntegrationLine, line: &ActionLine) -> SlackBlock {
    let state = match line.unlocked {
        Some(_) if line.changed => {
            "Unlocked, but its description has changed since: auto-approval is paused."
        }
        Some(UnlockedFor::Conversations) => "Unlocked for conversations: each new conversation asks.",
        Some(UnlockedFor::Always) => "Unlocked: people may auto-approve it.",
        None => "Locked: every request asks.",
    };
    let read = if line.must_read { " Must be read." } else { "" };
    let written = format!("{}.{}", integration.key, line.key);
    let path = names::path(&written);
    let mut state = SafeText::from(state).then(read);
    let nature = names::nature(line);
    if !nature.as_str().is_empty() {
        state = state
            .then(
                "
",
            )
            .then(nature);
    }
    let mut facts = vec![blocks::fact(path), blocks::fact(state)];
    facts.extend(line.description.as_deref().map(|text| blocks::fact(names::description(text))));
    let about = names::brief(&integration.name, &line.name);
    let control = if line.unlocked.is_some() {
        let alone = SafeText::from("Lock ").then(about);
        let question = ("Lock this action?", SafeText::own(sentences::locking(line.grants)));
        blocks::beside_after_confirming(Control::Lock(line.id), "Lock", alone, question)
    } else {
        let unlock = Control::Unlock { action: line.id, version: Some(line.version) };
        blocks::beside(unlock, names::unlock(line.impact, &written), SafeText::from("Unlock ").then(about))
    };
    blocks::section(names::name(&line.name), facts, Some(control))
}

/// A button for each action that changes what people may do. All are in one block, because a view has at most 100.
fn options(integration: &IntegrationLine, lines: &[ActionLine]) -> Option<SlackBlock> {
    let button = |(place, line): (usize, &ActionLine)| {
        let name = names::short(&line.name);
        let ends = if name.as_str().ends_with('…') { "" } else { "…" };
        let text = SafeText::from("Edit options for ").then(name).then(ends);
        let alone = SafeText::from("Edit options for ").then(names::brief(&integration.name, &line.name));
        blocks::button(Control::ActionOptions { action: line.id, place }, text, alone, Style::Plain)
    };
    (!lines.is_empty()).then(|| blocks::actions(lines.iter().enumerate().map(button).collect()))
}
