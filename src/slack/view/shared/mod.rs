//! The message that several requests of one conversation share. While some are pending, it lists them and offers to decide
//! them together or one by one. Then it collapses to what was decided and what came of it.

mod outcomes;
mod state;
mod text;

use slack_morphism::prelude::{
    SlackActionBlockElement, SlackBlock, SlackContextBlockElement, SlackRichTextElement,
};

use self::outcomes::{came_of, listed, outcomes, outcomes_in_text};
pub use self::state::SharedState;
use self::state::{AGENT, agent, apart, asked_by, conversation};
pub use self::text::plain;
use self::text::{ended_in_text, pending_in_text};
use crate::{
    domain::{
        alike::Alike,
        approvals::{Approval, Request},
        risk::{Risk, Risks},
        templates::Template,
    },
    slack::view::{
        blocks::{self, Style, bold, coded, paragraph, rich, words},
        controls::Control,
        differences,
        message::Message,
        names, paused,
        sanitize::{self, cut_short, runs_right_to_left, safe_text::SafeText},
        summary, target, title, together,
    },
};

/// Most titles of pending requests.
const TITLES: usize = 10;
/// Most of a message that the titles may take, by Slack's count.
const ALL_TITLES: usize = 5_500;
/// Renders the message.
#[must_use]
pub fn message(shared: &SharedState<'_>) -> Message {
    let pending = shared.pending();
    let Some(first) = pending.first().copied().or(shared.members.first()) else {
        return Message { text: "No requests.".to_owned(), blocks: Vec::new() };
    };
    let request = &first.request;
    let mut blocks = vec![heading(shared, &pending, request)];
    if pending.is_empty() {
        let [agent, conversation] = asked_by(shared.members, request);
        blocks.push(blocks::context(vec![blocks::small(agent), blocks::small(conversation)]));
        blocks.extend(listed(shared));
        blocks.extend(came_of(shared));
        blocks.push(blocks::context(vec![blocks::small(
            "Type /approvals history to see each decision with its details.",
        )]));
        return Message { text: ended_in_text(shared, request), blocks };
    }
    blocks.extend(summary::addressee(request).filter(|_| shared.is_users));
    if let Some(apart) = apart(&pending) {
        let warning = format!("{apart}: decide each one separately.");
        blocks.push(rich(vec![paragraph(vec![bold(SafeText::own(warning))])]));
    }
    // One notice: those of a conversation are of one backend, and almost always of one agent.
    if let Some(pause) = pending.iter().find_map(|member| member.pause.as_deref()) {
        blocks.push(paused::notice(pause));
    }
    let common = common_risks(&pending);
    if !common.is_empty() {
        // All have them, so that what the others may do says the same.
        let requests: Vec<&Request> = pending.iter().map(|member| &member.request).collect();
        blocks.extend(together::warning(names::risks_of(&requests, common)));
    }
    blocks.extend(titles(&pending, common));
    blocks.extend(came_of(shared));
    blocks.push(blocks::actions(controls(shared, request)));
    blocks.push(blocks::context(facts(shared, &pending)));
    Message { text: pending_in_text(shared, &pending, request), blocks }
}

/// How many decisions the agent is waiting for, and in which conversation. Once all requests have ended: how.
fn heading(shared: &SharedState<'_>, pending: &[&Approval], request: &Request) -> SlackBlock {
    if pending.is_empty() {
        return rich(vec![paragraph(outcomes(shared))]);
    }
    let decisions = names::count(pending.len(), "decision", "decisions");
    // *Approve all* counts those of other messages, too.
    let waits = match shared.elsewhere() {
        0 => format!(" waiting for {decisions}"),
        1 => format!(" waiting for {decisions} here and 1 in another message"),
        elsewhere => format!(" waiting for {decisions} here and {elsewhere} in other messages"),
    };
    let mut elements = match agent(pending.iter().copied()) {
        Some(agent) => {
            let agent = cut_short(sanitize::line(agent), AGENT);
            let waits = SafeText::own(format!("is{waits}"));
            if runs_right_to_left(agent.as_str()) {
                vec![paragraph(vec![coded(agent)]), paragraph(vec![bold(waits)])]
            } else {
                vec![paragraph(vec![coded(agent), words(" "), bold(waits)])]
            }
        }
        None => vec![paragraph(vec![bold(SafeText::own(format!("Several agents are{waits}")))])],
    };
    elements.push(paragraph(vec![words("Conversation")]));
    elements.push(blocks::quote(conversation(request)));
    rich(elements)
}

/// The risks that all of these requests have. One line warns of them, and not one at each request. What is destructive is
/// decided separately, and is marked as such.
fn common_risks(pending: &[&Approval]) -> Risks {
    let has = |risk: &Risk| pending.iter().all(|member| member.request.action.impact.risks().contains(*risk));
    let shared = [Risk::Money, Risk::External].into_iter().filter(has);
    if pending.len() > 1 { shared.collect() } else { Risks::NONE }
}

/// The titles of the oldest pending requests, each in a block of its own, and how many more there are.
fn titles(pending: &[&Approval], common: Risks) -> Vec<SlackBlock> {
    let mut blocks = Vec::new();
    let mut used = 0;
    let listed = pending.iter().take(TITLES).map(|member| &member.request);
    for entry in differences::lines(listed, |request| entry(request, common)) {
        let block = rich(entry);
        used += blocks::weight(&block);
        if !blocks.is_empty() && used > ALL_TITLES {
            break;
        }
        blocks.push(block);
    }
    let missing = pending.len() - blocks.len();
    if missing > 0 {
        blocks.push(blocks::say(SafeText::own(format!("… and {missing} more: see Review"))));
    }
    blocks
}

/// One request: the warnings that not all requests have, its title, and its target if the title names none.
fn entry(request: &Request, common: Risks) -> Vec<SlackRichTextElement> {
    let own = request.action.impact.risks().iter().filter(|risk| !common.contains(*risk));
    let warnings = own.map(|risk| {
        let text = format!("⚠ {}.", names::risk(risk));
        paragraph(vec![bold(SafeText::own(text))])
    });
    let names_values = |title: &Template| title.places().next().is_some();
    let is_named = request.action.presentation.title.as_ref().is_some_and(names_values);
    let target = target::target(request).filter(|_| !is_named);
    warnings.chain(title::paragraphs(request)).chain(target.map(blocks::quote)).collect()
}

fn controls(shared: &SharedState<'_>, request: &Request) -> Vec<SlackActionBlockElement> {
    let like = request.id;
    let alike = Alike::Message;
    let about = || cut_short(summary::conversation(request), 24);
    let together = shared.waiting.total.saturating_sub(shared.waiting.apart);
    let mut row = Vec::new();
    if together > 0 {
        row.push(blocks::button(
            Control::ApproveAll { like, alike },
            SafeText::own(format!("Approve all {together}…")),
            SafeText::from("Approve all requests in ").then(about()),
            Style::Primary,
        ));
    }
    row.push(blocks::button(
        Control::Review(like),
        "Review",
        SafeText::from("Review one by one, in ").then(about()),
        Style::Plain,
    ));
    row.push(blocks::button_after_confirming(
        Control::DenyAll { like, alike },
        "Deny all",
        SafeText::from("Deny all requests in ").then(about()),
        (
            "Deny all of them?",
            "This denies all requests of this conversation that are waiting for you, the oldest 40 at a time.".into(),
        ),
    ));
    row
}

/// The small line under the controls.
fn facts(shared: &SharedState<'_>, pending: &[&Approval]) -> Vec<SlackContextBlockElement> {
    let mut facts = Vec::new();
    if pending.len() < shared.members.len() {
        facts.push(blocks::small_mrkdwn(format!("Ended so far: {}.", outcomes_in_text(shared))));
    }
    if let Some(next) = pending.iter().map(|member| member.request.expires_at).min() {
        let first = if pending.len() > 1 { "The first expires" } else { "Expires" };
        facts.push(blocks::small_mrkdwn(format!("{first} {}", blocks::moment_in_mrkdwn(next))));
    }
    facts
}
