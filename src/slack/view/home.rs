//! The Home tab: pending requests, grants and past decisions; for admins also which actions users may auto-approve.
//!
//! Sections have at most [`Section::size`] lines. At their worst they stay below the 100 blocks and 250 KB that a view
//! may have.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use slack_morphism::prelude::{SlackBlock, SlackHomeView, SlackView};

use super::controls::Control;
use super::history::{self, Address};
use super::home_admin;
use super::names;
use super::notifications;
use super::prompt;
use super::sections::pager;
use crate::{
    domain::{
        overview::{
            DecisionLine, DeviceLine, GrantLine, Home, IntegrationLine, Page, RECENT, Section, WaitingLine,
        },
        people::PersonKind,
    },
    slack::view::{
        blocks,
        prompt_state::{PromptState, Reader},
        sanitize::safe_text::SafeText,
    },
};

/// The state that a Home tab shows.
#[derive(Debug, Clone, Copy)]
pub struct HomeState<'a> {
    /// The content of the tab.
    pub home: &'a Home,
    /// The user's membership in the workspace.
    pub kind: PersonKind,
    /// The time of the render, for the time left.
    pub now: DateTime<Utc>,
    /// Where the workspace's messages are.
    pub address: Address<'a>,
}

/// Renders the Home tab for `views.publish`.
#[must_use]
pub fn home(state: &HomeState<'_>) -> Value {
    let home = state.home;
    let mut blocks = Vec::new();
    // Only a full member sees requests. Anyone else may still turn off their grants.
    let why = match state.kind {
        PersonKind::Member => None,
        PersonKind::Guest => Some(
            "Guests and bots can’t approve requests or allow auto-approval. You can still turn off what you \
                allowed before.",
        ),
        PersonKind::ExternalUser => Some(
            "Only members of this workspace can approve requests or allow auto-approval. You can still turn \
                off what you allowed before.",
        ),
        PersonKind::Unknown => Some(
            "Countersign is waiting for Slack to confirm that you are a member of this workspace. Then your \
                requests appear here. You can turn off your auto-approvals now.",
        ),
    };
    if let Some(why) = why {
        blocks.push(blocks::say(why));
        grants(&mut blocks, &home.grants, "None.");
        return view(blocks);
    }
    if let Some(administration) = &home.administration {
        // No divider: at its worst, the tab has no room for one.
        home_admin::for_you(&mut blocks, administration);
    }
    waiting(&mut blocks, &home.waiting, state.now);
    blocks.push(blocks::divider());
    grants(&mut blocks, &home.grants, NO_GRANTS);
    blocks.push(blocks::divider());
    integrations(&mut blocks, &home.integrations);
    blocks.push(blocks::divider());
    decisions(&mut blocks, &home.decisions, state.address);
    devices(&mut blocks, &home.devices);
    blocks.push(blocks::divider());
    blocks.extend(notifications::with_delegation(
        home.notifications,
        &home.delegations,
        &state.now.timestamp_micros().to_string(),
    ));
    if let Some(administration) = &home.administration {
        home_admin::catalog_and_backends(&mut blocks, administration);
    }
    view(blocks)
}

fn view(blocks: Vec<SlackBlock>) -> Value {
    // This can't fail: all keys of a view are text.
    serde_json::to_value(SlackView::Home(SlackHomeView::new(blocks))).unwrap_or_else(|_| json!({}))
}

fn waiting(blocks: &mut Vec<SlackBlock>, page: &Page<WaitingLine>, now: DateTime<Utc>) {
    blocks.push(blocks::heading(names::titled("Waiting for you", page.total, page.number, page.count)));
    if page.items.is_empty() {
        blocks.push(blocks::say(
            "Nothing is waiting. When an agent asks, the request appears here and as a message.",
        ));
    }
    let conversations: Vec<_> = page.items.iter().map(|line| &line.approval.request.conversation).collect();
    for (at, line) in page.items.iter().enumerate() {
        if at > 0 {
            blocks.push(blocks::divider());
        }
        let state = PromptState {
            approval: &line.approval,
            standing: line.standing,
            grant_live: false,
            connect_url: line.connect_url.as_deref(),
            requested: line.requested,
            misused: false,
            precedent: line.precedent.as_ref(),
            reader: reader(line),
            panel: Some(&line.panel),
            now,
        };
        blocks.extend(prompt::prompt(&state).blocks);
        let conversation = &line.approval.request.conversation;
        if history::ambiguous(conversation, conversations.iter().copied()) {
            let id = names::conversation_id(conversation.id.as_str());
            blocks.push(blocks::context(vec![blocks::small(id)]));
        }
    }
    blocks.extend(pager(Section::Waiting, "Waiting for you", page));
}

fn reader(line: &WaitingLine) -> Reader<'_> {
    match &line.why {
        Some(why) => Reader::Approver(why),
        None if line.approval.request.approvers.is_some() => Reader::Onlooker,
        None => Reader::User,
    }
}

/// For a member without a grant.
const NO_GRANTS: &str = "None. Every request asks you. Auto-approval applies only to your requests.";

fn grants(blocks: &mut Vec<SlackBlock>, page: &Page<GrantLine>, none: &'static str) {
    blocks.push(blocks::heading(names::titled("Your auto-approvals", page.total, page.number, page.count)));
    if page.items.is_empty() {
        blocks.push(blocks::say(none));
    }
    blocks.extend(page.items.iter().map(grant));
    blocks.extend(pager(Section::Grants, "Your auto-approvals", page));
}

/// One grant with *Turn off*.
pub(super) fn grant(grant: &GrantLine) -> SlackBlock {
    let off = blocks::beside(Control::TurnOff(grant.id), "Turn off", names::turning_off(grant));
    let name = names::pair(&grant.integration_name, &grant.action_name);
    blocks::section(name, names::facts(grant), Some(off))
}

fn integrations(blocks: &mut Vec<SlackBlock>, page: &Page<IntegrationLine>) {
    blocks.push(blocks::heading(names::titled("Integrations", page.total, page.number, page.count)));
    if page.items.is_empty() {
        blocks.push(blocks::say(NO_INTEGRATIONS));
    }
    blocks.extend(page.items.iter().map(integration));
    blocks.extend(pager(Section::Integrations, "Integrations", page));
}

/// The text of the section when the workspace has no integrations.
pub(super) const NO_INTEGRATIONS: &str = "No agent has used an integration yet. Integrations appear here \
    when one does. You don’t have to set anything up.";

/// One integration with its gear, or with what the user must do first.
pub(super) fn integration(line: &IntegrationLine) -> SlackBlock {
    let name = names::name(&line.name);
    let short = names::short(&line.name);
    if !line.is_usable() {
        let missing = blocks::fact("Not connected to your account. Connect it to auto-approve its actions.");
        let connect = line.connect_url.as_deref().and_then(|url| {
            blocks::link_beside(Control::Connect, "Connect", SafeText::from("Connect ").then(short), url)
        });
        return blocks::section(name, vec![missing], connect);
    }
    let state = match (line.unlocked, line.always) {
        (0, _) => vec!["No action is unlocked for auto-approval yet. You can request one.".to_owned()],
        (unlocked, always) => {
            let actions = names::count(line.actions, "action", "actions");
            let yours = match always {
                0 => "None turned on.".to_owned(),
                always => format!("{always} turned on."),
            };
            vec![format!("{unlocked} of {actions} can be auto-approved."), yours]
        }
    };
    let gear =
        blocks::beside(Control::Gear(line.id), "⚙ Settings", SafeText::from("Settings of ").then(short));
    let facts = state.into_iter().map(|fact| blocks::fact(SafeText::own(fact)));
    blocks::section(name, facts.collect(), Some(gear))
}

/// The user's own API keys. Nothing is shown to a user without one.
fn devices(blocks: &mut Vec<SlackBlock>, page: &Page<DeviceLine>) {
    if page.total == 0 {
        return;
    }
    blocks.push(blocks::heading(names::titled("Devices and agents", page.total, page.number, page.count)));
    blocks.extend(page.items.iter().map(device));
    blocks.extend(pager(Section::Devices, "Devices and agents", page));
}

/// One key with *Revoke*.
fn device(line: &DeviceLine) -> SlackBlock {
    let alone =
        SafeText::from("Revoke the key of ").then(names::short(line.name.as_ref().unwrap_or(&line.backend)));
    let question = (
        "Revoke this key?",
        SafeText::from(
            "The device or agent that uses it can no longer ask you. Its pending requests stay open.",
        ),
    );
    let revoke = blocks::beside_after_confirming(Control::RevokeKey(line.id), "Revoke", alone, question);
    let used = line.last_used_at.map_or_else(
        || "Not used yet.".to_owned(),
        |at| format!("Last used {}.", blocks::moment_in_mrkdwn(at)),
    );
    let expires =
        line.expires_at.map(|at| format!(" Expires {}.", blocks::moment_in_mrkdwn(at))).unwrap_or_default();
    let facts =
        format!("Asks only you. Created {}. {used}{expires}", blocks::moment_in_mrkdwn(line.created_at));
    // In an element of its own, so that it can't look like a part of the backend's name.
    let name = line.name.as_ref().map(|name| blocks::fact(names::name(name)));
    let facts = name.into_iter().chain([blocks::own_fact(facts)]).collect();
    blocks::section(names::name(&line.backend), facts, Some(revoke))
}

fn decisions(blocks: &mut Vec<SlackBlock>, page: &Page<DecisionLine>, address: Address<'_>) {
    blocks.push(blocks::heading(if page.total < RECENT {
        names::titled("Recent decisions", page.total, page.number, page.count)
    } else {
        // The history ends at this page, so the true number may be higher.
        SafeText::own(format!(
            "Recent decisions (the last {RECENT}), page {} of {}",
            page.number + 1,
            page.count
        ))
    }));
    if page.items.is_empty() {
        blocks.push(blocks::say("No decisions yet."));
    }
    blocks.extend(history::lines(page, address));
    blocks.extend(pager(Section::Decisions, "Recent decisions", page));
}
