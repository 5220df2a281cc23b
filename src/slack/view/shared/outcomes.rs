//! How the requests of a shared message ended, what came of them, and which grants were left.

use std::collections::BTreeMap;

use slack_morphism::prelude::{SlackBlock, SlackRichTextInlineElement};

use super::state::SharedState;
use crate::{
    domain::{
        approvals::{Approval, Request},
        decision::{Decision, GrantOutcome, Verdict},
        grants::StandingScope,
        ids::{GrantId, UserId},
        outcome::Outcome,
        results::ResultStatus,
    },
    slack::view::{
        blocks::{self, Style, bold, paragraph, person, rich, words},
        controls::Control,
        differences, edited, history, limits, names, result,
        sanitize::safe_text::SafeText,
        sentences, summary,
        title::{self, Tense},
    },
};

/// Most reported results, and most grants to turn off.
const RESULTS: usize = 5;
const GRANTS: usize = 4;
/// Most of a message that the results may take, by Slack's count.
const ALL_RESULTS: usize = 3_500;
/// Most titles of requests without a result, and most of a message that they may take.
const TITLES: usize = 10;
const ALL_TITLES: usize = 5_500;

/// How many ended in which way, those that a person decided with that person.
fn counts(shared: &SharedState<'_>) -> Vec<(String, Option<UserId>)> {
    let decisions = || shared.members.iter().filter_map(|member| member.decision.as_ref());
    let mut by_person = BTreeMap::<&UserId, (usize, usize)>::new();
    let (mut auto, mut policy, mut expired, mut cancelled, mut undelivered) = (0, 0, 0, 0, 0);
    for Decision { verdict, .. } in decisions() {
        match verdict {
            Verdict::Approved { user, .. }
            | Verdict::ApprovedFor { user, .. }
            | Verdict::ApprovedEdited { user, .. } => {
                by_person.entry(user).or_default().0 += 1;
            }
            // Such a request has a message of its own.
            Verdict::ApprovedTogether(approvers) => {
                by_person.entry(&approvers.last.clicked_by).or_default().0 += 1;
            }
            Verdict::Denied { user, .. } => by_person.entry(user).or_default().1 += 1,
            Verdict::AutoApproved { .. } => auto += 1,
            Verdict::AllowedByRule => auto += 1,
            Verdict::BlockedByRule { .. } | Verdict::DeniedByPause { .. } => policy += 1,
            Verdict::Expired => expired += 1,
            Verdict::Cancelled | Verdict::Abandoned { .. } => cancelled += 1,
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
        (policy, "denied without asking"),
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
pub(super) fn outcomes(shared: &SharedState<'_>) -> Vec<SlackRichTextInlineElement> {
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
pub(super) fn outcomes_in_text(shared: &SharedState<'_>) -> String {
    let parts = counts(shared).into_iter().map(|(said, user)| match user {
        Some(user) => format!("{said} by {}", sentences::mention(&user)),
        None => said,
    });
    parts.collect::<Vec<_>>().join("; ")
}

/// The first requests without a reported result, by how they ended: a title names each. [`came_of`] names the others.
pub(super) fn listed(shared: &SharedState<'_>) -> Vec<SlackBlock> {
    let members = shared.in_order();
    let ended = |outcome| {
        let own = members.iter().filter(move |member| {
            member.result.is_none()
                && member.decision.as_ref().is_some_and(|decision| decision.outcome() == outcome)
        });
        own.copied().collect::<Vec<_>>()
    };
    let mut blocks = Vec::new();
    let (mut used, mut named, mut all) = (0, 0, 0);
    for outcome in Outcome::ALL {
        let own = ended(outcome);
        all += own.len();
        let room = TITLES - named;
        let lines = differences::lines(own.iter().take(room).map(|member| &member.request), history::subject);
        for (at, mut line) in lines.into_iter().enumerate() {
            if at == 0 {
                line.insert(0, paragraph(vec![words(SafeText::from(how(outcome)).then(":"))]));
            }
            let block = rich(line);
            used += blocks::weight(&block);
            if !blocks.is_empty() && used > ALL_TITLES {
                break;
            }
            blocks.push(block);
            named += 1;
        }
    }
    let missing = all - named;
    if missing > 0 {
        blocks.push(blocks::say(SafeText::own(format!("… and {missing} more"))));
    }
    blocks
}

const fn how(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Approved => "Approved",
        Outcome::Denied => "Denied",
        Outcome::Expired => "Expired",
        Outcome::Cancelled => "Cancelled",
        Outcome::Undeliverable => "Not delivered",
    }
}

/// What the backend reported, failures first, and the grants that decisions left.
pub(super) fn came_of(shared: &SharedState<'_>) -> Vec<SlackBlock> {
    let status = |member: &&Approval| member.result.as_ref().map(|result| result.status);
    let mut reported: Vec<_> = shared.members.iter().filter(|member| member.result.is_some()).collect();
    reported.sort_by_key(|member| status(member) != Some(ResultStatus::Failed));
    let mut blocks = Vec::new();
    let mut used = 0;
    let asked = reported.iter().take(RESULTS).map(|member| &member.request);
    let titles = differences::lines(asked, |request| title::paragraphs_in(request, Tense::Ended));
    for (member, title) in reported.iter().zip(titles) {
        let Some(result) = &member.result else { continue };
        let edited = member.decision.as_ref().and_then(Decision::edited);
        let changed = edited.into_iter().flat_map(|edited| edited::values(&member.request, edited));
        let block = rich(title.into_iter().chain(changed).chain(result::elements(result)).collect());
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
            blocks.extend(left(&member.request, given, grant));
        }
    }
    blocks
}

/// An action that runs without asking from now on, and *Turn off*.
fn left(request: &Request, given: &GrantOutcome, grant: GrantId) -> [SlackBlock; 2] {
    let limits = given.limits().map(|limits| limits::of_decision(limits, &request.arguments));
    let runs = match given {
        GrantOutcome::Narrowed { scope: StandingScope::Conversation, .. } => {
            "Runs without asking in this conversation"
        }
        GrantOutcome::Narrowed { scope: StandingScope::Always, .. } => {
            "Runs without asking in every conversation"
        }
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
    let mut runs = vec![words(runs)];
    if let Some(limits) = limits {
        runs.extend(limits);
        runs.push(words(":"));
    }
    let said = rich(vec![paragraph(runs), blocks::quote(name)]);
    [said, blocks::actions(vec![button])]
}
