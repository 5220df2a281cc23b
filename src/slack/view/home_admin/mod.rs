//! The parts of the Home tab that only admins see: what needs them stands first, everything else last.

mod backends;
mod catalog;

use slack_morphism::prelude::SlackBlock;

use crate::{
    domain::overview::{Administration, Page, Section, UnlockLine},
    slack::view::{
        blocks, changed,
        controls::Control,
        sections::{pager, title},
        unlocking,
    },
};

/// Renders what needs an admin. It is short, because their own requests come after it.
pub(super) fn for_you(blocks: &mut Vec<SlackBlock>, shown: &Administration) {
    blocks.push(blocks::heading("Administration"));
    let before = blocks.len();
    requests(blocks, &shown.requests);
    changed::changed(blocks, &shown.changed);
    blocks.extend(backends::trouble(&shown.backends.items, &shown.prompt_failures));
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
    blocks.push(everyones_grants());
    backends::backends(blocks, &shown.backends);
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

/// The way to what all users auto-approve.
fn everyones_grants() -> SlackBlock {
    let open = blocks::beside(Control::EveryonesGrants, "Auto-approvals…", "Everyone’s auto-approvals");
    let says = "See what people auto-approve, and revoke it.";
    blocks::section("Everyone’s auto-approvals".into(), vec![blocks::fact(says)], Some(open))
}
