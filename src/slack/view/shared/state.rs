//! What a shared message is rendered from, and what its blocks and its `text` both say.

use crate::{
    domain::{
        approvals::{Approval, Request},
        ids::GrantId,
        sharing::WaitingCount,
    },
    slack::view::{
        names,
        sanitize::{cut_short, in_quotes, safe_text::SafeText},
        summary,
    },
};

/// Longest names.
pub(super) const AGENT: usize = 40;
const CONVERSATION: usize = 100;

/// The state that a shared message shows.
#[derive(Debug, Clone, Copy)]
pub struct SharedState<'a> {
    /// The approvals, oldest first.
    pub members: &'a [Approval],
    /// The requests that wait in the conversation, in this message or others.
    pub waiting: WaitingCount,
    /// The grants that decisions left and that are live.
    pub live_grants: &'a [GrantId],
    /// Whether it is rendered for the user whose requests these are, and not for another person who may decide them.
    pub is_users: bool,
}

impl<'a> SharedState<'a> {
    /// The requests that wait, the first that was asked first.
    pub(super) fn pending(&self) -> Vec<&'a Approval> {
        self.in_order().into_iter().filter(|member| member.decision.is_none()).collect()
    }

    /// All requests, the first that was asked first: the ids know the time only to the millisecond.
    pub(super) fn in_order(&self) -> Vec<&'a Approval> {
        let mut members: Vec<&Approval> = self.members.iter().collect();
        members.sort_by_key(|member| (member.request.created_at, member.request.id));
        members
    }

    /// How many requests of the conversation wait in other messages.
    pub(super) fn elsewhere(&self) -> usize {
        let here = self.members.iter().filter(|member| member.decision.is_none()).count();
        self.waiting.total.saturating_sub(here)
    }
}

pub(super) fn conversation(request: &Request) -> SafeText {
    cut_short(summary::conversation(request), CONVERSATION)
}

/// The agent of all these requests; `None` if they have several.
pub(super) fn agent<'a>(approvals: impl IntoIterator<Item = &'a Approval>) -> Option<&'a str> {
    let mut labels = approvals.into_iter().map(|approval| approval.request.agent.label());
    let first = labels.next()?;
    labels.all(|label| label == first).then_some(first)
}

/// How many need a decision of their own, and why.
pub(super) fn apart(pending: &[&Approval]) -> Option<String> {
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

/// *Asked by “Atlas”*, *in “Q3 pipeline”*: each a text of its own, so that no name can pass for the other.
pub(super) fn asked_by(members: &[Approval], request: &Request) -> [SafeText; 2] {
    let agent = agent(members).map_or_else(
        || "Asked by several agents".into(),
        |agent| SafeText::from("Asked by ").then(in_quotes(&names::name(agent))),
    );
    [agent, SafeText::from("in ").then(in_quotes(&conversation(request)))]
}
