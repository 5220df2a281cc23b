//! The parts of the Home tab that only admins see: what needs them stands first, everything else last.

use slack_morphism::prelude::{SlackBlock, SlackRichTextElement};

use super::changed;
use super::controls::Control;
use super::names;
use super::sections::pager;
use super::sections::title;
use super::sentences;
use super::unlocking;
use crate::{
    domain::{
        catalog::UnlockedFor,
        overview::{
            ActionLine, Administration, BackendLine, IntegrationLine, Page, PromptFailureLine, Section,
            UnlockLine,
        },
    },
    slack::view::{
        blocks::{self, Style},
        sanitize::safe_text::SafeText,
    },
};

/// Renders what needs an admin. It is short, because their own requests come after it.
pub(super) fn for_you(blocks: &mut Vec<SlackBlock>, shown: &Administration) {
    blocks.push(blocks::heading("Administration"));
    let before = blocks.len();
    requests(blocks, &shown.requests);
    changed::changed(blocks, &shown.changed);
    blocks.extend(trouble(&shown.backends.items, &shown.prompt_failures));
    if blocks.len() == before {
        blocks.push(blocks::say(
            "Nothing needs you. What people may auto-approve, and backends: end of this tab.",
        ));
    }
}

/// Renders what admins manage.
pub(super) fn catalog_and_backends(blocks: &mut Vec<SlackBlock>, shown: &Administration) {
    match &shown.picked {
        Some((integration, actions)) => picked(blocks, integration, actions),
        None => catalog(blocks, &shown.catalog),
    }
    blocks.push(everyones_grants());
    backends(blocks, &shown.backends);
}

fn requests(blocks: &mut Vec<SlackBlock>, page: &Page<UnlockLine>) {
    if page.items.is_empty() {
        return;
    }
    blocks.push(title("Requests to unlock", page));
    for line in &page.items {
        blocks.extend(unlocking::request(line));
    }
    blocks.extend(pager(Section::Requests, "the requests to unlock", page));
}

const CATALOG: &str = "What people may auto-approve";

fn catalog(blocks: &mut Vec<SlackBlock>, page: &Page<IntegrationLine>) {
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

fn picked(blocks: &mut Vec<SlackBlock>, integration: &IntegrationLine, page: &Page<ActionLine>) {
    // The name and the number share the block that the list of integrations has for its heading: at its worst, the tab
    // has no room for another.
    let counted = names::titled("", page.total, page.number, page.count);
    let heading = SafeText::from("Actions of ").then(names::short(&integration.name)).then(counted);
    blocks.push(blocks::heading(heading));
    let back =
        blocks::button(Control::PickNone, "All integrations", "Back to all integrations", Style::Plain);
    blocks.push(blocks::actions(vec![back]));
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

/// The way to what all users auto-approve.
fn everyones_grants() -> SlackBlock {
    let open = blocks::beside(Control::EveryonesGrants, "Auto-approvals…", "Everyone’s auto-approvals");
    let says = "See what people auto-approve, and revoke it.";
    blocks::section("Everyone’s auto-approvals".into(), vec![blocks::fact(says)], Some(open))
}

fn backends(blocks: &mut Vec<SlackBlock>, page: &Page<BackendLine>) {
    blocks.push(title("Backends", page));
    if page.items.is_empty() {
        blocks.push(blocks::say("No backends yet. The operator of Countersign creates them."));
    }
    blocks.extend(page.items.iter().map(|line| {
        let state = if line.disabled {
            "Disabled: it can no longer ask.".to_owned()
        } else if !line.has_endpoint {
            "No webhook endpoint: callers long-poll.".to_owned()
        } else if let Some(at) = line.stopped_at {
            format!(
                "Webhooks have been stopped since {}: the endpoint is gone or has failed for days. The \
                    operator of Countersign can resume them.",
                blocks::moment_in_mrkdwn(at)
            )
        } else if line.failing > 0 {
            format!(
                "Webhooks are failing: {} being retried. Last delivered: {}.",
                names::count(line.failing, "delivery is", "deliveries are"),
                names::moment(line.delivered_at)
            )
        } else if line.dead > 0 {
            format!(
                "Webhooks: {} given up in the last seven days. Last delivered: {}.",
                names::count(line.dead, "delivery was", "deliveries were"),
                names::moment(line.delivered_at)
            )
        } else if line.delivered_at.is_some() {
            format!("Webhooks are being delivered. Last delivered: {}.", names::moment(line.delivered_at))
        } else {
            "No webhook sent yet.".to_owned()
        };
        blocks::section(names::name(&line.name), vec![blocks::own_fact(state)], None)
    }));
    blocks.extend(pager(Section::Backends, "the backends", page));
}

/// What does not get through: webhooks of backends on this page, and prompts. One block.
fn trouble(backends: &[BackendLine], failures: &[PromptFailureLine]) -> Option<SlackBlock> {
    let mut paragraphs = Vec::new();
    let lines = backends.iter().filter(|line| !line.disabled && line.has_endpoint);
    for line in lines.filter(|line| line.stopped_at.is_some() || line.failing > 0) {
        let state = if line.stopped_at.is_some() {
            "⚠ Webhooks are stopped: "
        } else {
            "⚠ Webhooks are failing: "
        };
        paragraphs.push(blocks::paragraph(vec![blocks::words(state), blocks::bold(names::name(&line.name))]));
    }
    paragraphs.extend(prompt_failures(failures));
    (!paragraphs.is_empty()).then(|| blocks::rich(paragraphs))
}

fn prompt_failures(lines: &[PromptFailureLine]) -> Option<SlackRichTextElement> {
    if lines.is_empty() {
        return None;
    }
    let mut parts = vec![blocks::bold("Prompts that Slack refused in the last 24 hours")];
    for line in lines {
        let counted = format!(": {}, last ", names::count(line.count, "time", "times"));
        parts.push(blocks::words(
            SafeText::from("\n").then(names::path(&line.code)).then(SafeText::own(counted)),
        ));
        parts.push(blocks::moment(line.last_at));
    }
    parts.push(blocks::words(
        "\nCountersign retries them unless the error is permanent. The operator can run “countersign doctor” to see what to fix.",
    ));
    Some(blocks::paragraph(parts))
}
