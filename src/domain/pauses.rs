//! Pauses: an admin or the operator stops a backend or an agent at once. Every rule about them is in this file.
//!
//! While something is paused, neither a grant nor a person approves what it asks. Its requests are held or denied.
//!
//! An agent is known only by the id that its backend gives it, and a backend may give another one tomorrow. So a pause of
//! an agent stops a well-behaved backend's agent; a pause of the backend stops whatever it calls its agents.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

pub use super::pause::{Pause, PauseReason, PauseTarget, PausedRequests};
use super::{
    approvals::{Approval, Request},
    audit::{Actor, AuditAction, Entry},
    decision::{Decision, Verdict},
    effects::{Changed, Effect},
    ids::{ApprovalId, BackendId, PauseId, UserId, WorkspaceId},
    rejection::Rejection,
    text::{ForeignId, Name},
};

/// The most live pauses of a workspace. Each ask reads them.
pub const MOST_PAUSES: usize = 100;

#[derive(Debug, Clone, Copy)]
enum Step {
    Pause,
    Resume,
}

/// The pause, in the audit.
fn state(pause: &Pause) -> Value {
    json!({
        "pause": pause.id, "requests": pause.requests.as_str(), "reason": pause.reason,
        "backend": pause.target.backend(), "agent": pause.target.agent(),
    })
}

fn entry(pause: &Pause, actor: Actor, what: Step, backend: Option<&str>) -> Entry {
    let (subject, what) = match (pause.target.agent(), what) {
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

/// The pauses of a workspace as they were read under the lock that a request holds until its transaction ends. No pause
/// begins in between.
#[derive(Debug)]
pub struct PausesInForce(Pauses);

impl PausesInForce {
    /// Pauses that were read from a locked row.
    #[must_use]
    pub const fn from_locked(pauses: Pauses) -> Self {
        Self(pauses)
    }

    /// Whether a request of this agent is held or denied.
    #[must_use]
    pub fn covers(&self, backend: BackendId, agent: &ForeignId) -> bool {
        self.0.covering(backend, agent).is_some()
    }

    /// Judges a new request: what is paused is held or denied, everything else is judged by `otherwise`.
    pub fn judge(
        &self,
        request: Request,
        now: DateTime<Utc>,
        otherwise: impl FnOnce(Request) -> Changed<Approval>,
    ) -> JudgedRequest {
        JudgedRequest(match self.0.covering(request.backend, &request.agent.id) {
            Some(pause) => held_or_denied(request, pause, now),
            None => otherwise(request),
        })
    }
}

/// A new request that was judged by the pauses in force. Only [`PausesInForce::judge`] makes one, and only such a request
/// can be saved, so none is approved past a pause.
#[derive(Debug)]
pub struct JudgedRequest(Changed<Approval>);

impl JudgedRequest {
    /// The approval.
    #[must_use]
    pub const fn approval(&self) -> &Approval {
        self.0.state()
    }

    /// The approval with its effects, to be saved.
    pub fn into_changed(self) -> Changed<Approval> {
        self.0
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
    let mut entry = entry(&new, new.by.clone(), Step::Pause, backend).after(state(&new));
    let mut all = pauses.0;
    if let Some(at) = all.iter().position(|pause| pause.target == new.target) {
        entry = entry.before(state(&all.remove(at)));
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
    let entry = entry(&ended, actor, Step::Resume, backend).before(state(&ended));
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
fn held_or_denied(request: Request, pause: &Pause, now: DateTime<Utc>) -> Changed<Approval> {
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
                if let Some(denies) = step {
                    let requests = if denies { PausedRequests::Denied } else { PausedRequests::Held };
                    let change = pause(WORKSPACE, pauses, new(id as u128, target(number), requests), None, &[]);
                    pauses = change.unwrap().into_parts().0;
                    model.insert(format!("{:?}", target(number)), (target(number), requests));
                    continue;
                }
                let found = pauses.for_target(&target(number)).map(|pause| pause.id);
                let was = model.remove(&format!("{:?}", target(number)));
                prop_assert_eq!(found.is_some(), was.is_some());
                if let Some(id) = found {
                    let change = resume(WORKSPACE, pauses, id, Actor::Operator, None, &[]);
                    pauses = change.unwrap().into_parts().0;
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
