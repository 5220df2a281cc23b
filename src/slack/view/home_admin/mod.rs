//! The parts of the Home tab that only admins see: what needs them stands first, everything else last.

mod backends;
mod catalog;
mod checklist;
mod paused;

use slack_morphism::prelude::SlackBlock;

use crate::{
    domain::overview::{Administration, Page, Section, UnlockLine},
    slack::view::{
        blocks::{self, Style},
        changed,
        controls::Control,
        sections::{pager, title},
        unlocking,
    },
};

/// Renders what needs an admin. It is short, because their own requests come after it.
pub(super) fn for_you(blocks: &mut Vec<SlackBlock>, shown: &Administration) {
    blocks.push(blocks::heading("Administration"));
    let before = blocks.len();
    blocks.extend(paused::on_top(&shown.paused));
    requests(blocks, &shown.requests);
    changed::changed(blocks, &shown.changed);
    let mut paragraphs = checklist::steps(shown.setup);
    paragraphs.extend(backends::trouble(&shown.backends.items, &shown.prompt_failures));
    if !paragraphs.is_empty() {
        blocks.push(blocks::rich(paragraphs));
    }
    if blocks.len() == before {
        blocks.push(blocks::say(
            "Nothing needs you. What people may auto-approve, and backends: end of this tab.",
        ));
    }
}

/// Renders what admins manage.
pub(super) fn catalog_and_backends(blocks: &mut Vec<SlackBlock>, shown: &Administration) {
    match &shown.picked {
        Some((integration, actions)) => catalog::picked(blocks, integration, actions),
        None => catalog::catalog(blocks, &shown.catalog),
    }
    blocks.push(tools());
    backends::backends(blocks, &shown.backends, &shown.paused);
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

/// The ways to what has no room on the tab, in one block.
fn tools() -> SlackBlock {
    let button =
        |control, text: &'static str, alone: &'static str| blocks::button(control, text, alone, Style::Plain);
    blocks::actions(vec![
        button(Control::EveryonesGrants, "Auto-approvals…", "See what people auto-approve, and revoke it"),
        button(
            Control::SearchAudit,
            "Search decisions…",
            "Search decisions and everything else in the audit",
        ),
        button(Control::Agents, "Agents…", "See which agents asked lately, and pause them"),
        button(Control::Figures, "Manual approvals…", "See who approves much or quickly"),
    ])
}
