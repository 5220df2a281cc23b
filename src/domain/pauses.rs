//! Pauses: an admin or the operator stops a backend or an agent at once. Every rule about them is in this file.
//!
//! While something is paused, neither a grant nor a person approves what it asks. Its requests are held or denied.
//!
//! An agent is known only by the id that its backend gives it, and a backend may give another one tomorrow. So a pause of
//! an agent stops a well-behaved backend's agent; a pause of the backend stops whatever it calls its agents.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{
    approvals::{Approval, Request},
    audit::{Actor, AuditAction, Entry},
    decision::{Decision, Verdict},
    effects::{Changed, Effect},
    ids::{ApprovalId, BackendId, PauseId, UserId, WorkspaceId},
    rejection::Rejection,
    text::{ForeignId, Name, Prose, Text},
};

/// The most live pauses of a workspace. Each ask reads them.
pub const MOST_PAUSES: usize = 100;

/// Why something is paused, in the words of who paused it.
pub type PauseReason = Text<300>;

/// What is paused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PauseTarget {
    /// Everything that a backend asks.
    Backend(BackendId),
    /// What an agent asks.
    Agent {
        /// The backend whose agent it is. `None`: the agent with this id of any backend, which may have several.
        backend: Option<BackendId>,
        /// The backend's id for the agent, compared exactly.
        agent: ForeignId,
    },
}

impl PauseTarget {
    /// Whether a request of this agent falls under the pause.
    #[must_use]
    pub fn covers(&self, backend: BackendId, agent: &ForeignId) -> bool {
        match self {
            Self::Backend(paused) => *paused == backend,
            Self::Agent { backend: None, agent: paused } => paused == agent,
            Self::Agent { backend: Some(of), agent: paused } => *of == backend && paused == agent,
        }
    }

    /// The backend that the pause is limited to.
    #[must_use]
    pub const fn backend(&self) -> Option<BackendId> {
        match self {
            Self::Backend(backend) => Some(*backend),
            Self::Agent { backend, .. } => *backend,
        }
    }

    /// The agent, unless the whole backend is paused.
    #[must_use]
    pub const fn agent(&self) -> Option<&ForeignId> {
        match self {
            Self::Backend(_) => None,
            Self::Agent { agent, .. } => Some(agent),
        }
    }
}

/// What happens to the requests of what is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PausedRequests {
    /// They wait, and can only be denied until it is resumed.
    Held,
    /// They are denied at once, with the reason. Those that waited before are held.
    Denied,
}

impl PausedRequests {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Held, Self::Denied];

    /// The name in the database and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Denied => "denied",
        }
    }

    /// Parses what [`PausedRequests::as_str`] returns.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// A live pause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// The pause's id.
    pub id: PauseId,
    /// What is paused.
    pub target: PauseTarget,
    /// What happens to its requests.
    pub requests: PausedRequests,
    /// Why, for people and for the backend.
    pub reason: PauseReason,
    /// Who paused it.
    pub by: Actor,
    /// Since when.
    pub at: DateTime<Utc>,
}

impl Pause {
    /// The reason of a denial, for the agent.
    #[must_use]
    pub fn why(&self) -> Prose {
        let what = if self.target.agent().is_some() { "agent" } else { "backend" };
        Prose::from_stored(format!("The {what} is paused: {}", self.reason.as_str()))
    }

    fn state(&self) -> Value {
        json!({
            "pause": self.id, "requests": self.requests.as_str(), "reason": self.reason,
            "backend": self.target.backend(), "agent": self.target.agent(),
        })
    }

    fn entry(&self, actor: Actor, what: Step, backend: Option<&str>) -> Entry {
        let (subject, what) = match (self.target.agent(), what) {
            (Some(agent), Step::Pause) => (Some(agent.as_str()), AuditAction::AgentPaused),
            (Some(agent), Step::Resume) => (Some(agent.as_str()), AuditAction::AgentResumed),
            (None, Step::Pause) => (backend, AuditAction::BackendPaused),
            (None, Step::Resume) => (backend, AuditAction::BackendResumed),
        };
        let entry = Entry::new(actor, what);
        match subject {
            Some(subject) => entry.subject(subject),
            None => entry,
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Pause,
    Resume,
}

/// The live pauses of a workspace, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pauses(Vec<Pause>);

impl Pauses {
    /// Pauses as they were stored.
    #[must_use]
    pub const fn from_stored(pauses: Vec<Pause>) -> Self {
        Self(pauses)
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Pause] {
        &self.0
    }

    /// The pause that a request of this agent falls under. Of several the one that denies, and of those the oldest.
    #[must_use]
    pub fn covering(&self, backend: BackendId, agent: &ForeignId) -> Option<&Pause> {
        let mut found = self.0.iter().filter(|pause| pause.target.covers(backend, agent));
        let first = found.clone().next()?;
        Some(found.find(|pause| pause.requests == PausedRequests::Denied).unwrap_or(first))
    }

    /// The pause with this id.
    #[must_use]
    pub fn find(&self, id: PauseId) -> Option<&Pause> {
        self.0.iter().find(|pause| pause.id == id)
    }

    /// The pause of exactly this.
    #[must_use]
    pub fn for_target(&self, target: &PauseTarget) -> Option<&Pause> {
        self.0.iter().find(|pause| pause.target == *target)
    }
}

/// An agent that asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenAgent {
    /// The workspace of its backend.
    pub workspace: WorkspaceId,
    /// Its backend.
    pub backend: BackendId,
    /// The backend's id for it.
    pub agent: ForeignId,
    /// What the backend called it.
    pub name: Option<Name>,
    /// When it asked.
    pub asked_at: DateTime<Utc>,
}

impl SeenAgent {
    /// The agent that made this request.
    #[must_use]
    pub fn new(request: &Request) -> Self {
        Self {
            workspace: request.workspace,
            backend: request.backend,
            agent: request.agent.id.clone(),
            name: request.agent.name.clone(),
            asked_at: request.created_at,
        }
    }
}

/// What pauses and resuming are shown on: the pending requests that they concern, with those who are asked.
pub type Concerned = [(ApprovalId, UserId)];

/// Pauses something. A pause of exactly the same is replaced: its reason and what happens to requests change. `backend`:
/// the name of the backend, if it is paused.
pub fn pause(
    workspace: WorkspaceId,
    pauses: Pauses,
    new: Pause,
    backend: Option<&str>,
    concerned: &Concerned,
) -> Result<Changed<Pauses>, Rejection> {
    let mut entry = new.entry(new.by.clone(), Step::Pause, backend).after(new.state());
    let mut all = pauses.0;
    if let Some(at) = all.iter().position(|pause| pause.target == new.target) {
        entry = entry.before(all.remove(at).state());
    } else if all.len() >= MOST_PAUSES {
        return Err(Rejection::TooManyPauses);
    }
    all.push(new);
    Ok(changed(workspace, Pauses(all), entry, concerned))
}

/// Resumes something. Rejected if it is not paused.
pub fn resume(
    workspace: WorkspaceId,
    pauses: Pauses,
    id: PauseId,
    actor: Actor,
    backend: Option<&str>,
    concerned: &Concerned,
) -> Result<Changed<Pauses>, Rejection> {
    let mut all = pauses.0;
    let at = all.iter().position(|pause| pause.id == id).ok_or(Rejection::NotPaused)?;
    let ended = all.remove(at);
    let entry = ended.entry(actor, Step::Resume, backend).before(ended.state());
    Ok(changed(workspace, Pauses(all), entry, concerned))
}

fn changed(workspace: WorkspaceId, pauses: Pauses, entry: Entry, concerned: &Concerned) -> Changed<Pauses> {
    let mut users: Vec<UserId> = concerned.iter().map(|(_, user)| user.clone()).collect();
    users.sort_unstable();
    users.dedup();
    let prompts: Vec<ApprovalId> = concerned.iter().map(|(approval, _)| *approval).collect();
    Changed::new(workspace, pauses, entry.concerning(users)).and_redraw(&prompts)
}

/// Judges a new request of what is paused: whatever grants there are, it is held or denied.
pub fn request(request: Request, pause: &Pause, now: DateTime<Utc>) -> Changed<Approval> {
    let workspace = request.workspace;
    let subject = request.action.path();
    match pause.requests {
        PausedRequests::Held => {
            let asked = Entry::new(Actor::Backend(request.backend), AuditAction::ApprovalRequested)
                .approval(request.id)
                .subject(subject)
                .after(json!({ "held": pause.id }))
                .concerning([request.user.clone()]);
            let draw = Effect::DrawPrompt(request.id);
            let pause = Some(Box::new(pause.clone()));
            let approval = Approval { request, decision: None, result: None, pause };
            Changed::new(workspace, approval, asked).and(draw)
        }
        PausedRequests::Denied => {
            let verdict = Verdict::DeniedByPause { why: pause.why() };
            let decision = Decision { verdict, decided_at: now };
            let record = Entry::new(Actor::Service, AuditAction::ApprovalDenied)
                .approval(request.id)
                .subject(subject)
                .after(json!({ "by": decision.by(), "pause": pause.id, "user": request.user }))
                .concerning([request.user.clone()]);
            let approval = Approval { request, decision: Some(decision), result: None, pause: None };
            Changed::new(workspace, approval, record)
        }
    }
}

/// Whether the approval may be approved: neither its agent nor its backend is paused.
pub fn not_paused(approval: &Approval) -> Result<(), Rejection> {
    match &approval.pause {
        None => Ok(()),
        Some(pause) => Err(Rejection::Paused(pause.clone())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const fn backend(number: u128) -> BackendId {
        BackendId::new(Uuid::from_u128(number))
    }

    fn agent(name: &str) -> ForeignId {
        ForeignId::new(name).unwrap()
    }

    fn target(number: u8) -> PauseTarget {
        let own = backend(u128::from(number % 2));
        let name = agent(if number % 4 < 2 { "atlas" } else { "nova" });
        match number / 4 {
            0 => PauseTarget::Backend(own),
            1 => PauseTarget::Agent { backend: Some(own), agent: name },
            _ => PauseTarget::Agent { backend: None, agent: name },
        }
    }

    fn new(id: u128, target: PauseTarget, requests: PausedRequests) -> Pause {
        Pause {
            id: PauseId::new(Uuid::from_u128(id)),
            target,
            requests,
            reason: PauseReason::new("Sends too much").unwrap(),
            by: Actor::Operator,
            at: DateTime::from_timestamp(1_790_000_000, 0).unwrap(),
        }
    }

    const WORKSPACE: WorkspaceId = WorkspaceId::new(Uuid::from_u128(9));

    proptest! {
        /// After any history of pausing and resuming, a request is covered exactly if one of the live pauses names its
        /// backend, its agent, or both; and it is denied exactly if one of those denies.
        #[test]
        fn what_is_paused_is_what_was_paused_last(
            steps in proptest::collection::vec((0u8..12, prop::option::of(any::<bool>())), 0..24)
        ) {
            let (mut pauses, mut model) = (Pauses::default(), std::collections::BTreeMap::new());
            for (id, (number, step)) in steps.into_iter().enumerate() {
                match step {
                    Some(denies) => {
                        let requests = if denies { PausedRequests::Denied } else { PausedRequests::Held };
                        let change = pause(WORKSPACE, pauses, new(id as u128, target(number), requests), None, &[]);
                        pauses = change.unwrap().into_parts().0;
                        let key = format!("{:?}", target(number));
                        model.insert(key, (target(number), requests));
                    }
                    None => {
                        let found = pauses.for_target(&target(number)).map(|pause| pause.id);
                        let was = model.remove(&format!("{:?}", target(number)));
                        prop_assert_eq!(found.is_some(), was.is_some());
                        if let Some(id) = found {
                            let change = resume(WORKSPACE, pauses, id, Actor::Operator, None, &[]);
                            pauses = change.unwrap().into_parts().0;
                        }
                    }
                }
            }
            for own in [backend(0), backend(1), backend(7)] {
                for name in ["atlas", "nova", "Atlas"].map(agent) {
                    let live: Vec<_> = model.values().filter(|(target, _)| target.covers(own, &name)).collect();
                    let found = pauses.covering(own, &name);
                    prop_assert_eq!(found.is_some(), !live.is_empty());
                    let denies = live.iter().any(|(_, requests)| *requests == PausedRequests::Denied);
                    prop_assert_eq!(found.is_some_and(|pause| pause.requests == PausedRequests::Denied), denies);
                }
            }
        }
    }

    #[test]
    fn a_second_pause_of_the_same_replaces_the_first() {
        let held = new(1, target(0), PausedRequests::Held);
        let once = pause(WORKSPACE, Pauses::default(), held, Some("agents"), &[]).unwrap().into_parts().0;
        let denied = new(2, target(0), PausedRequests::Denied);
        let change = pause(WORKSPACE, once, denied.clone(), Some("agents"), &[]).unwrap();
        assert_eq!(change.state().all(), [denied]);
        let Effect::Record(entry) = &change.effects()[0] else { panic!("no entry") };
        assert_eq!(entry.what, AuditAction::BackendPaused);
        assert_eq!(entry.subject.as_deref(), Some("agents"));
        assert_eq!(entry.before.as_ref().unwrap()["requests"], "held");
        assert_eq!(entry.after.as_ref().unwrap()["requests"], "denied");
    }

    #[test]
    fn a_workspace_has_at_most_a_hundred_pauses() {
        let mut pauses = Pauses::default();
        for number in 0..MOST_PAUSES {
            let target = PauseTarget::Agent { backend: None, agent: agent(&number.to_string()) };
            let one = new(number as u128, target, PausedRequests::Held);
            pauses = pause(WORKSPACE, pauses, one, None, &[]).unwrap().into_parts().0;
        }
        let more = new(200, target(0), PausedRequests::Held);
        assert_eq!(pause(WORKSPACE, pauses, more, None, &[]), Err(Rejection::TooManyPauses));
    }
}
