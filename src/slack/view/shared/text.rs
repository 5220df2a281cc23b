//! A shared message's `text`, which is all that notifications and screen readers get.

use super::{
    outcomes::outcomes_in_text,
    state::{AGENT, SharedState, agent, apart, asked_by},
};
use crate::{
    domain::{
        approvals::{Approval, Request},
        results::ResultStatus,
        risk::Risk,
    },
    slack::view::{
        blocks,
        differences::differences,
        message::Message,
        names, paused,
        sanitize::{self, cut_short, in_mrkdwn, in_quotes, runs_right_to_left, safe_text::SafeText},
        sentences, summary, title,
    },
};

/// Most titles in a message's `text`.
const TITLES: usize = 3;

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

/// Titles, and what tells those apart that read the same.
fn titles<'a>(requests: impl Iterator<Item = &'a Request>) -> Vec<String> {
    let title = |request: &Request| {
        title::in_sentence(request).unwrap_or_else(|| {
            let action = &request.action;
            names::in_sentence(&action.integration_name, &action.action_name, &action.path())
        })
    };
    let lines: Vec<_> = requests.map(|request| (request, title(request))).collect();
    let told = differences(&lines);
    let titles = lines.into_iter().zip(told).map(|((_, title), told)| {
        let told: Vec<String> = told.iter().filter_map(summary::in_text).collect();
        if told.is_empty() { title } else { format!("{title} ({})", told.join("; ")) }
    });
    titles.collect()
}

pub(super) fn pending_in_text(shared: &SharedState<'_>, pending: &[&Approval], request: &Request) -> String {
    let called = request
        .place
        .as_ref()
        .filter(|_| shared.is_users)
        .map(|_| format!("{}: ", sentences::mention(&request.user)))
        .unwrap_or_default();
    let warning = apart(pending).map(|apart| format!("{apart}. ")).unwrap_or_default();
    let requests: Vec<&Request> = pending.iter().map(|member| &member.request).collect();
    let mut risks = names::risks_of(&requests, Risk::ALL.into_iter().collect()).join(" ");
    if !risks.is_empty() {
        risks.push(' ');
    }
    let mut titles = titles(pending.iter().take(TITLES).map(|member| &member.request));
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
    let pause = pending.iter().find_map(|member| member.pause.as_deref());
    let asks = pause.map_or_else(
        || "Approve all, review, or deny all?".to_owned(),
        |pause| format!("Paused by {}: what is paused can be denied, but not approved.", paused::by(pause)),
    );
    format!("{called}{warning}{risks}{waiting}: {}.{expires}{so_far} {asks}", titles.join("; "))
}

pub(super) fn ended_in_text(shared: &SharedState<'_>, request: &Request) -> String {
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
    let mut titles = titles(shared.in_order().into_iter().take(TITLES).map(|member| &member.request));
    if shared.members.len() > titles.len() {
        titles.push(format!("and {} more", shared.members.len() - titles.len()));
    }
    format!("{failed}{}: {}.{asked}", outcomes_in_text(shared), titles.join("; "))
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
