//! The message that several requests of one conversation share. While some are pending, it lists them and offers to decide
//! them together or one by one. Then it collapses to what was decided and what came of it.

use std::collections::BTreeMap;

use slack_morphism::prelude::{SlackBlock, SlackRichTextElement, SlackRichTextInlineElement};

use super::controls::Control;
use super::message::Message;
use super::names;
use super::summary;
use crate::{
    domain::{
        alike::Alike,
        approvals::{Approval, Request},
        decision::{Decision, GrantOutcome, Verdict},
        ids::{GrantId, UserId},
        results::ResultStatus,
        sharing::WaitingCount,
        templates::Template,
    },
    slack::view::{
        blocks::{self, Style, bold, coded, paragraph, person, rich, words},
        result,
        sanitize::{self, cut_short, in_mrkdwn, in_quotes, runs_right_to_left, safe_text::SafeText},
        sentences, target, title,
    },
};

/// Most titles of pending requests, most reported results, and most grants to turn off.
const TITLES: usize = 10;
const RESULTS: usize = 5;
const GRANTS: usize = 4;
/// Most of a message that the titles and the results may take, by Slack's count.
const ALL_TITLES: usize = 5_500;
const ALL_RESULTS: usize = 3_500;
/// Longest names, and most titles in a message's `text`.
const AGENT: usize = 40;
const CONVERSATION: usize = 100;
const TITLES_IN_TEXT: usize = 3;

/// The state that a shared message shows.
#[derive(Debug, Clone, Copy)]
pub struct SharedState<'a> {
    /// The approvals, oldest first.
    pub members: &'a [Approval],
    /// The requests that wait in the conversation, in this message or others.
    pub waiting: WaitingCount,
    /// The grants that decisions left and that are live.
    pub live_grants: &'a [GrantId],
}

impl<'a> SharedState<'a> {
    fn pending(&self) -> Vec<&'a Approval> {
        self.members.iter().filter(|member| member.decision.is_none()).collect()
    }
}

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
        blocks.extend(came_of(shared));
        return Message { text: ended_in_text(shared, request), blocks };
    }
    blocks.extend(summary::addressee(request));
    if let Some(apart) = apart(&pending) {
        let warning = format!("{apart}: decide each on its own.");
        blocks.push(rich(vec![paragraph(vec![bold(SafeText::own(warning))])]));
    }
    blocks.extend(titles(&pending));
    blocks.extend(came_of(shared));
    blocks.push(blocks::actions(controls(shared, request)));
    blocks.push(blocks::context(facts(shared, &pending)));
    Message { text: pending_in_text(shared, &pending, request), blocks }
}

fn conversation(request: &Request) -> SafeText {
    cut_short(summary::conversation(request), CONVERSATION)
}

/// The agent of all these requests; `None` if they have several.
fn agent<'a>(approvals: impl IntoIterator<Item = &'a Approval>) -> Option<&'a str> {
    let mut labels = approvals.into_iter().map(|approval| approval.request.agent.label());
    let first = labels.next()?;
    labels.all(|label| label == first).then_some(first)
}

/// How many decisions the agent is waiting for, and in which conversation. Once all requests have ended: how.
fn heading(shared: &SharedState<'_>, pending: &[&Approval], request: &Request) -> SlackBlock {
    if pending.is_empty() {
        return rich(vec![paragraph(outcomes(shared))]);
    }
    let decisions = names::count(pending.len(), "decision", "decisions");
    let waits = format!(" waiting for {decisions}");
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

/// The titles of the oldest pending requests, each in a block of its own, and how many more there are.
fn titles(pending: &[&Approval]) -> Vec<SlackBlock> {
    let mut blocks = Vec::new();
    let mut used = 0;
    for member in pending.iter().take(TITLES) {
        let block = rich(entry(&member.request));
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

/// One request: its warnings, its title, and its target if the title names none.
fn entry(request: &Request) -> Vec<SlackRichTextElement> {
    let warnings = request.action.impact.risks().iter().map(|risk| {
        let text = format!("⚠ {}.", names::risk(risk));
        paragraph(vec![bold(SafeText::own(text))])
    });
    let names_values = |title: &Template| title.places().next().is_some();
    let is_named = request.action.presentation.title.as_ref().is_some_and(names_values);
    let target = target::target(request).filter(|_| !is_named);
    warnings.chain(title::paragraphs(request)).chain(target.map(blocks::quote)).collect()
}

/// How many need a decision of their own, and why.
fn apart(pending: &[&Approval]) -> Option<String> {
    let actions = || pending.iter().map(|member| &member.request.action);
    let destructive = actions().filter(|action| action.impact.is_destructive()).count();
    let to_read = actions().filter(|action| action.must_read && !action.impact.is_destructive()).count();
    match (destructive, to_read) {
        (0, 0) => None,
        (0, to_read) => Some(format!("{to_read} must be read")),
        (destructive, 0) => Some(format!("⚠ {destructive} destructive")),
        (destructive, to_read) => Some(format!("⚠ {destructive} destructive, {to_read} must be read")),
    }
}

fn controls(
    shared: &SharedState<'_>,
    request: &Request,
) -> Vec<slack_morphism::prelude::SlackActionBlockElement> {
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
            "All requests of this conversation that wait for you are denied, the oldest 40 at a time.".into(),
        ),
    ));
    row
}

/// The small line under the controls.
fn facts(
    shared: &SharedState<'_>,
    pending: &[&Approval],
) -> Vec<slack_morphism::prelude::SlackContextBlockElement> {
    let mut facts = Vec::new();
    if pending.len() < shared.members.len() {
        facts.push(blocks::small_mrkdwn(format!("Ended so far: {}.", outcomes_in_text(shared))));
    }
    let elsewhere = shared.waiting.total.saturating_sub(pending.len());
    if elsewhere > 0 {
        let others = names::count(
            elsewhere,
            "more request of this conversation is",
            "more requests of this conversation are",
        );
        facts.push(blocks::small(SafeText::own(format!("{others} in other messages"))));
    }
    if let Some(next) = pending.iter().map(|member| member.request.expires_at).min() {
        let first = if pending.len() > 1 { "The first expires" } else { "Expires" };
        facts.push(blocks::small_mrkdwn(format!("{first} {}", blocks::moment_in_mrkdwn(next))));
    }
    facts
}

/// *Asked by “Atlas”*, *in “Q3 pipeline”*: each a text of its own, so that no name can pass for the other.
fn asked_by(members: &[Approval], request: &Request) -> [SafeText; 2] {
    let agent = agent(members).map_or_else(
        || "Asked by several agents".into(),
        |agent| SafeText::from("Asked by ").then(in_quotes(&names::name(agent))),
    );
    [agent, SafeText::from("in ").then(in_quotes(&conversation(request)))]
}

/// How many ended in which way, those that a person decided with that person.
fn counts(shared: &SharedState<'_>) -> Vec<(String, Option<UserId>)> {
    let decisions = || shared.members.iter().filter_map(|member| member.decision.as_ref());
    let mut by_person = BTreeMap::<&UserId, (usize, usize)>::new();
    let (mut auto, mut expired, mut cancelled, mut undelivered) = (0, 0, 0, 0);
    for Decision { verdict, .. } in decisions() {
        match verdict {
            Verdict::Approved { user, .. } | Verdict::ApprovedEdited { user, .. } => {
                by_person.entry(user).or_default().0 += 1;
            }
            Verdict::Denied { user, .. } => by_person.entry(user).or_default().1 += 1,
            Verdict::AutoApproved { .. } => auto += 1,
            Verdict::Expired => expired += 1,
            Verdict::Cancelled => cancelled += 1,
            Verdict::Undeliverable { .. } => undelivered += 1,
        }
    }
    let said = |parts: &[(usize, &str)]| {
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        parts.map(|(count, how)| format!("{count} {how}")).collect::<Vec<_>>().join(", ")
    };
    let mut all: Vec<_> = by_person
        .into_iter()
        .map(|(user, (approved, denied))| {
            (said(&[(approved, "approved"), (denied, "denied")]), Some(user.clone()))
        })
        .collect();
    let others = said(&[
        (auto, "approved without asking"),
        (expired, "expired"),
        (cancelled, "cancelled"),
        (undelivered, "not delivered"),
    ]);
    if !others.is_empty() {
        all.push((others, None));
    }
    all
}

/// *11 approved, 2 denied by @Alice; 1 expired.*
fn outcomes(shared: &SharedState<'_>) -> Vec<SlackRichTextInlineElement> {
    let mut parts = Vec::new();
    for (at, (said, user)) in counts(shared).into_iter().enumerate() {
        if at > 0 {
            parts.push(words("; "));
        }
        parts.push(bold(SafeText::own(said)));
        if let Some(user) = user {
            parts.extend([words(" by "), person(&user)]);
        }
    }
    let decided = shared.members.iter().filter_map(|member| member.decision.as_ref());
    if let Some(last) = decided.map(|decision| decision.decided_at).max() {
        parts.extend([words(", the last "), blocks::moment(last)]);
    }
    parts.push(words("."));
    parts
}

/// The same in mrkdwn, without the time and the full stop.
fn outcomes_in_text(shared: &SharedState<'_>) -> String {
    let parts = counts(shared).into_iter().map(|(said, user)| match user {
        Some(user) => format!("{said} by {}", sentences::mention(&user)),
        None => said,
    });
    parts.collect::<Vec<_>>().join("; ")
}

/// What the backend reported, failures first, and the grants that decisions left.
fn came_of(shared: &SharedState<'_>) -> Vec<SlackBlock> {
    let status = |member: &&Approval| member.result.as_ref().map(|result| result.status);
    let mut reported: Vec<_> = shared.members.iter().filter(|member| member.result.is_some()).collect();
    reported.sort_by_key(|member| status(member) != Some(ResultStatus::Failed));
    let mut blocks = Vec::new();
    let mut used = 0;
    for member in reported.iter().take(RESULTS) {
        let Some(result) = &member.result else { continue };
        let elements = title::paragraphs(&member.as_approved()).into_iter().chain(result::elements(result));
        let block = rich(elements.collect());
        used += blocks::weight(&block);
        if !blocks.is_empty() && used > ALL_RESULTS {
            break;
        }
        blocks.push(block);
    }
    let others = &reported[blocks.len()..];
    if !others.is_empty() {
        let failed = others.iter().filter(|member| status(member) == Some(ResultStatus::Failed)).count();
        let parts = [(others.len() - failed, "more succeeded"), (failed, "more failed")];
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        let parts: Vec<String> = parts.map(|(count, how)| format!("{count} {how}")).collect();
        blocks.push(blocks::say(SafeText::own(format!("{}.", parts.join(", ")))));
    }
    let mut listed = Vec::new();
    for member in shared.members {
        let Some(Verdict::Approved { given, .. }) = member.decision.as_ref().map(|made| &made.verdict) else {
            continue;
        };
        let Some(grant) = given.grant().filter(|grant| shared.live_grants.contains(grant)) else { continue };
        if listed.len() < GRANTS && !listed.contains(&grant) {
            listed.push(grant);
            blocks.extend(left(&member.request, *given, grant));
        }
    }
    blocks
}

/// An action that runs without asking from now on, and *Turn off*.
fn left(request: &Request, given: GrantOutcome, grant: GrantId) -> [SlackBlock; 2] {
    let runs = match given {
        GrantOutcome::Conversation(_) => "Runs without asking in this conversation:",
        GrantOutcome::Always(_) | GrantOutcome::Once => {
            "Runs without asking in every conversation, whichever agent asks:"
        }
    };
    let name = names::pair(&request.action.integration_name, &request.action.action_name);
    let button = blocks::button(
        Control::TurnOff(grant),
        "Turn off",
        SafeText::from("Turn off auto-approval: ").then(summary::brief(request)),
        Style::Plain,
    );
    let said = rich(vec![paragraph(vec![words(runs)]), blocks::quote(name)]);
    [said, blocks::actions(vec![button])]
}

/// *“Atlas” is waiting for 23 decisions in “Q3 pipeline”*, in mrkdwn. A name that runs from right to left is left out.
fn waiting_in_text(pending: &[&Approval], request: &Request) -> String {
    let left_to_right = |text: &SafeText| !runs_right_to_left(text.as_str());
    let agent = agent(pending.iter().copied()).map(|agent| cut_short(sanitize::line(agent), AGENT));
    let agent = match agent {
        Some(agent) if left_to_right(&agent) => format!("{} is", in_mrkdwn(&in_quotes(&agent))),
        Some(_) => "An agent is".to_owned(),
        None => "Several agents are".to_owned(),
    };
    let conversation = Some(cut_short(summary::conversation(request), AGENT)).filter(left_to_right);
    let conversation = conversation.map(|name| format!(" in {}", in_mrkdwn(&in_quotes(&name))));
    let decisions = names::count(pending.len(), "decision", "decisions");
    format!("{agent} waiting for {decisions}{}", conversation.unwrap_or_default())
}

fn pending_in_text(shared: &SharedState<'_>, pending: &[&Approval], request: &Request) -> String {
    let called = request
        .place
        .as_ref()
        .map(|_| format!("{}: ", sentences::mention(&request.user)))
        .unwrap_or_default();
    let warning = apart(pending).map(|apart| format!("{apart}. ")).unwrap_or_default();
    let mut titles: Vec<String> = pending
        .iter()
        .take(TITLES_IN_TEXT)
        .map(|member| {
            title::in_sentence(&member.request).unwrap_or_else(|| {
                let action = &member.request.action;
                names::in_sentence(&action.integration_name, &action.action_name, &action.path())
            })
        })
        .collect();
    if pending.len() > titles.len() {
        titles.push(format!("and {} more", pending.len() - titles.len()));
    }
    let expires = pending.iter().map(|member| member.request.expires_at).min();
    let expires =
        expires.map(|at| format!(" The first expires {}.", blocks::moment_in_mrkdwn(at))).unwrap_or_default();
    let so_far = if pending.len() < shared.members.len() {
        format!(" Ended so far: {}.", outcomes_in_text(shared))
    } else {
        String::new()
    };
    let waiting = waiting_in_text(pending, request);
    format!(
        "{called}{warning}{waiting}: {}.{expires}{so_far} Approve all, review, or deny all?",
        titles.join("; ")
    )
}

fn ended_in_text(shared: &SharedState<'_>, request: &Request) -> String {
    let [agent, conversation] = asked_by(shared.members, request);
    let names = [agent, conversation];
    let asked = if names.iter().any(|name| runs_right_to_left(name.as_str())) {
        String::new()
    } else {
        let [agent, conversation] = names;
        format!(" {} {}.", in_mrkdwn(&agent), in_mrkdwn(&conversation))
    };
    let results = shared.members.iter().filter_map(|member| member.result.as_ref());
    let failed = results.filter(|result| result.status == ResultStatus::Failed).count();
    let failed = if failed > 0 { format!("{failed} failed. ") } else { String::new() };
    format!("{failed}{}.{asked}", outcomes_in_text(shared))
}

/// The message as plain text, for when Slack refuses the blocks. It has no buttons.
#[must_use]
pub fn plain(shared: &SharedState<'_>) -> Message {
    let pending = shared.pending();
    let text = match pending.first() {
        Some(first) => format!(
            "{}. These requests can’t be shown here, so they can’t be approved from this message. Open the Home tab of \
             Countersign to see what is waiting for you. Requests without an answer expire and are not approved.",
            waiting_in_text(&pending, &first.request)
        ),
        None => format!("{}.", outcomes_in_text(shared)),
    };
    Message { text, blocks: Vec::new() }
}
