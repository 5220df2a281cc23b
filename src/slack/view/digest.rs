//! The daily digest: what ran without asking, the unusual first.

use serde_json::{Value, json};
use slack_morphism::prelude::{SlackBlock, SlackBlockText, SlackRichTextElement};

use super::controls::Control;
use super::message::Message;
use super::names;
use crate::{
    domain::digest::{Digest, LiveGrant, Ran, Sample, Unusual},
    slack::view::{
        blocks::{self, Style, bold, paragraph, words},
        result,
        sanitize::{in_mrkdwn, in_quotes, safe_text::SafeText},
        target, title,
    },
};

/// The most unusual lines. Each is two blocks.
const UNUSUAL: usize = 10;
/// The most other lines. Each is one block.
const OTHERS: usize = 20;
/// Most of a message that all lines may take, by Slack's count.
const ROOM: usize = 9_000;
/// The most actions in the message's `text`.
const IN_TEXT: usize = 3;

/// Renders the message.
#[must_use]
pub fn message(digest: &Digest) -> Message {
    let unusual: Vec<&Ran> = digest.ran.iter().filter(|ran| ran.is_unusual()).collect();
    let others: Vec<&Ran> = digest.ran.iter().filter(|ran| !ran.is_unusual()).collect();
    let mut room = ROOM;
    let unusual_rows = fitting(&mut room, unusual.iter().take(UNUSUAL).map(|ran| notable(ran)));
    let other_rows = fitting(&mut room, others.iter().take(OTHERS).map(|ran| vec![line(ran)]));
    let shown = unusual_rows.len() + other_rows.len();
    let calls = if digest.more {
        format!("More than {} calls", digest.calls)
    } else {
        names::count(digest.calls, "call", "calls")
    };
    let says = format!(
        "{calls} ran without asking you, from {} to {}.",
        blocks::moment_in_mrkdwn(digest.from),
        blocks::moment_in_mrkdwn(digest.until)
    );
    let mut rows = vec![blocks::heading("Ran without asking you"), blocks::own(says.clone())];
    if !unusual.is_empty() {
        rows.push(blocks::heading("Unusual"));
        rows.extend(unusual_rows.into_iter().flatten());
    }
    if !other_rows.is_empty() {
        if !unusual.is_empty() {
            rows.push(blocks::heading("As usual"));
        }
        rows.extend(other_rows.into_iter().flatten());
    }
    let left = digest.groups.saturating_sub(shown);
    if left > 0 {
        let left = names::count(left, "more action", "more actions");
        rows.push(blocks::say(SafeText::own(format!(
            "And {left}: type /approvals history to see the calls."
        ))));
    }
    rows.push(blocks::divider());
    rows.push(blocks::context(vec![blocks::small(
        "You get this once a day if anything ran without asking. To see all calls, type /approvals history.",
    )]));
    rows.push(blocks::actions(vec![blocks::button(
        Control::OpenSettings,
        "Notifications…",
        "Change which notifications you get",
        Style::Plain,
    )]));
    Message { text: text(&says, &unusual, &others), blocks: rows }
}

/// The first of these that a message has room for.
fn fitting(room: &mut usize, rows: impl Iterator<Item = Vec<SlackBlock>>) -> Vec<Vec<SlackBlock>> {
    rows.map_while(|blocks| {
        *room = room.checked_sub(blocks.iter().map(blocks::weight).sum())?;
        Some(blocks)
    })
    .collect()
}

/// *5 calls ran … First: “Gmail: Send mail” 3 times, 1 failed.* for notifications and screen readers.
fn text(says: &str, unusual: &[&Ran], others: &[&Ran]) -> String {
    let named = unusual.iter().chain(others).take(IN_TEXT).map(|ran| {
        let name = in_mrkdwn(&in_quotes(&names::pair(&ran.integration, &ran.action)));
        let facts = facts(ran).join(", ");
        format!("{name}: {facts}")
    });
    format!("{says} {}.", named.collect::<Vec<_>>().join("; "))
}

/// How often it ran and what is unusual, in our own words.
fn facts(ran: &Ran) -> Vec<String> {
    let mut facts = vec![names::count(ran.calls, "call", "calls")];
    if ran.failed > 0 {
        facts.push(format!("{} failed", ran.failed));
    }
    if ran.is_first_use {
        facts.push("first use in 30 days".to_owned());
    }
    if ran.new_targets > 0 {
        facts.push(names::count(ran.new_targets, "new target", "new targets"));
    }
    facts
}

/// The calls of one action by one agent, with *Turn off*.
fn line(ran: &Ran) -> SlackBlock {
    let agent = SafeText::from("Asked by ").then(in_quotes(&names::name(&ran.agent)));
    let mut about: Vec<SlackBlockText> =
        vec![blocks::own_fact(format!("{}.", facts(ran).join(", "))), blocks::fact(agent)];
    about.extend(ran.grant.as_ref().map(|grant| blocks::fact(reach(grant))));
    if ran.other_grants > 0 {
        let others = names::count(ran.other_grants, "other auto-approval", "other auto-approvals");
        about.push(blocks::own_fact(format!("And {others}: see your settings.")));
    }
    if ran.grant.is_none() {
        about.push(blocks::fact("Already turned off or ended."));
    }
    let off = ran.grant.as_ref().map(|grant| {
        let alone = SafeText::from("Turn off ").then(names::brief(&ran.integration, &ran.action));
        blocks::beside(Control::TurnOffReported(grant.id), "Turn off", alone)
    });
    blocks::section(names::pair(&ran.integration, &ran.action), about, off)
}

/// The message after a click on *Turn off*: without that button, and with what happened in its place. `shown` is the
/// message as Slack sends it back with the click, `value` the button's. `None` if the message has no such button.
#[must_use]
pub fn turned_off(shown: &Value, value: &str) -> Option<Value> {
    let mut blocks = shown["blocks"].as_array()?.clone();
    let mut found = false;
    for block in &mut blocks {
        if block["accessory"]["value"] == value {
            block.as_object_mut()?.remove("accessory");
            if let Some(facts) = block["fields"].as_array_mut() {
                facts.push(json!({ "type": "plain_text", "text": "Turned off." }));
            }
            found = true;
        }
    }
    found.then(|| json!({ "text": shown["text"], "blocks": blocks }))
}

fn reach(grant: &LiveGrant) -> SafeText {
    names::reach(grant.conversation.as_deref(), grant.narrowing.as_ref())
}

/// The same, and calls that show what is unusual.
fn notable(ran: &Ran) -> Vec<SlackBlock> {
    let samples: Vec<SlackRichTextElement> = ran.samples.iter().flat_map(sample).collect();
    let samples = (!samples.is_empty()).then(|| blocks::rich(samples));
    std::iter::once(line(ran)).chain(samples).collect()
}

/// One call: what is unusual, what it did, and what came of it.
fn sample(sample: &Sample) -> Vec<SlackRichTextElement> {
    let request = &sample.approval.request;
    let why = match sample.unusual {
        Unusual::Failed => "Last failed",
        Unusual::FirstUse => "First use",
        Unusual::NewTarget => "New target",
    };
    let mut elements =
        vec![paragraph(vec![bold(why), words(", "), blocks::moment(request.created_at), words(":")])];
    elements.extend(title::alone(request).or_else(|| target::target(request).map(blocks::quote)));
    if sample.unusual == Unusual::Failed {
        elements.extend(sample.approval.result.iter().flat_map(result::elements));
    }
    elements
}
