//! Decisions: what ends an approval. Every rule about that is in this file.

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::domain::{
    abandonment::Listened,
    approvals::{Approval, Request, Status},
    approvers::{self, Entitlement},
    audit::{Actor, AuditAction, Entry},
    catalog::{Blocker, Eligibility},
    decision::{Decision, GrantOutcome, Verdict},
    editing::EditedArguments,
    effects::{Changed, Effect},
    grants::{Grant, Reach, Scope, StandingScope},
    ids::{ApprovalId, GrantId, UserId, WorkspaceId},
    limits::{Bounds, Limits},
    narrowing::{self, LiveGrant, MOST_NARROWED, Narrowing},
    outcome::Outcome,
    panel::{Answer, Approvers, Panel},
    pauses,
    people::ActingUser,
    rejection::Rejection,
    text::Prose,
};

/// What the user chose in the prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Approve, with this scope.
    Approve(Scope),
    /// Approve, and give a grant of this scope that is narrowed.
    ApproveNarrowed(StandingScope, Narrowing),
    /// Approve these arguments instead of those that were asked, once.
    ApproveEdited(EditedArguments),
    /// Deny, with this reason.
    Deny(Option<Prose>),
}

/// Judges a new request: a live grant that covers it approves it at once, otherwise it stays pending. `grants`: those of
/// its user, for its action and in its scope, as read under lock.
pub fn request(
    request: Request,
    eligibility: Eligibility,
    grants: &[LiveGrant],
    now: DateTime<Utc>,
) -> Changed<Approval> {
    let workspace = request.workspace;
    // What others have to decide, no grant of the user's does.
    let may_use = |grant: &LiveGrant| {
        request.approvers.is_none()
            && eligibility.blocker().is_none()
            && (grant.scope != StandingScope::Always || eligibility.allows_always())
            && grant.is_within(eligibility.bounds, now)
    };
    let Some((id, scope, limits)) = narrowing::covering(grants, &request, may_use, now) else {
        let asked = Entry::new(Actor::Backend(request.backend), AuditAction::ApprovalRequested)
            .approval(request.id)
            .subject(request.action.path())
            .concerning([request.user.clone()]);
        let draw = Effect::DrawPrompt(request.id);
        return Changed::new(
            workspace,
            Approval { request, decision: None, result: None, pause: None },
            asked,
        )
        .and(draw);
    };
    let record = Entry::new(Actor::Service, AuditAction::ApprovalApproved)
        .approval(request.id)
        .grant(id)
        .subject(request.action.path())
        .after(with_limits(
            json!({ "by": "auto", "scope": scope.as_str(), "user": request.user }),
            limits.as_ref(),
        ))
        .concerning([request.user.clone()]);
    let verdict = Verdict::AutoApproved { grant: id, scope, limits };
    let decision = Some(Decision { verdict, decided_at: now });
    Changed::new(workspace, Approval { request, decision, result: None, pause: None }, record)
}

/// An approval that has just ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// The approval, including its decision.
    pub approval: Approval,
    /// The decision.
    pub decision: Decision,
    /// The grant that the click gave. `None` if the user already had it.
    pub given: Option<Grant>,
}

/// Adds a grant's limits to what an audit entry says.
fn with_limits(mut after: serde_json::Value, limits: Option<&Limits>) -> serde_json::Value {
    if let Some(limits) = limits {
        after["limits"] = json!(limits);
    }
    after
}

/// The live grants that a user has for a request's action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// The one of the chosen scope that is not narrowed.
    pub same: Option<GrantId>,
    /// How many narrowed ones there are, in all conversations.
    pub narrowed: u32,
}

/// Judges a click by a person and what they are entitled to. If the user holds a grant of the chosen scope, that one stays; otherwise `new_id` becomes the id of the
/// new grant. Each narrowed grant is a new one.
pub fn click(
    approval: &Approval,
    choice: Choice,
    (acting_user, entitled): (&ActingUser, &Entitlement),
    eligibility: Eligibility,
    held: Held,
    new_id: GrantId,
    now: DateTime<Utc>,
) -> Result<Changed<Ended>, Rejection> {
    let request = &approval.request;
    let seats = approvers::seats(request, acting_user, entitled)?;
    still_pending(approval, now)?;
    if request.approvers.is_some() {
        // Several people may have to answer: see `answer`.
        return Err(Rejection::OnlyOnce);
    }
    let seat = approvers::free_seat(seats, &entitled.panel)?;
    if !matches!(choice, Choice::Deny(_)) {
        pauses::not_paused(approval)?;
    }
    let on_behalf_of = seat.on_behalf_of().cloned();
    let mut given = None;
    let verdict = match bounded(choice, eligibility.bounds, now) {
        Choice::Deny(reason) => Verdict::Denied { user: acting_user.user.clone(), on_behalf_of, reason },
        // A delegate's click gives no grant, and approves what was asked.
        Choice::Approve(_) | Choice::ApproveNarrowed(..) | Choice::ApproveEdited(_)
            if on_behalf_of.is_some() =>
        {
            acting_user.must_be_member()?;
            let (Choice::Approve(Scope::Once), Some(on_behalf_of)) = (choice, on_behalf_of) else {
                return Err(Rejection::OnlyOnce);
            };
            Verdict::ApprovedFor { user: acting_user.user.clone(), on_behalf_of }
        }
        Choice::ApproveEdited(edited) => {
            acting_user.must_be_member()?;
            may_edit(request)?;
            Verdict::ApprovedEdited { user: acting_user.user.clone(), edited }
        }
        Choice::Approve(scope) => {
            acting_user.must_be_member()?;
            let reach = match scope {
                Scope::Once => None,
                Scope::Conversation => Some(Reach::Conversation(request.conversation_key())),
                Scope::Always => Some(Reach::Always),
            };
            let left = match reach {
                None => GrantOutcome::Once,
                Some(reach) => {
                    may_grant(eligibility, scope)?;
                    let id = held.same.unwrap_or(new_id);
                    let left = match reach {
                        Reach::Conversation(_) => GrantOutcome::Conversation(id),
                        Reach::Always => GrantOutcome::Always(id),
                    };
                    if held.same.is_none() {
                        given = Some(grant(request, id, reach, None, now));
                    }
                    left
                }
            };
            Verdict::Approved { user: acting_user.user.clone(), given: left }
        }
        Choice::ApproveNarrowed(scope, narrowing) => {
            acting_user.must_be_member()?;
            may_grant(eligibility, scope.scope())?;
            if held.narrowed >= MOST_NARROWED {
                return Err(Rejection::TooManyNarrowed);
            }
            let limits = narrowing.limits().ok_or(Rejection::NoLimit)?;
            let reach = match scope {
                StandingScope::Conversation => Reach::Conversation(request.conversation_key()),
                StandingScope::Always => Reach::Always,
            };
            given = Some(grant(request, new_id, reach, Some(narrowing), now));
            let left = GrantOutcome::Narrowed { grant: new_id, scope, limits };
            Verdict::Approved { user: acting_user.user.clone(), given: left }
        }
    };
    let actor = Actor::User(acting_user.user.clone());
    let record = given.as_ref().map(|grant| {
        Entry::new(actor.clone(), AuditAction::GrantGiven)
            .approval(request.id)
            .grant(grant.id)
            .subject(request.action.path())
            .after(with_limits(
                json!({ "scope": grant.reach.scope().scope().as_str() }),
                grant.narrowing.as_ref().and_then(Narrowing::limits).as_ref(),
            ))
    });
    Ok(end(approval, verdict, given, actor, now).and_record(record))
}

/// The choice within the bounds that a rule sets for grants.
fn bounded(choice: Choice, bounds: Bounds, now: DateTime<Utc>) -> Choice {
    let (scope, chosen) = match choice {
        Choice::Approve(Scope::Conversation) => (StandingScope::Conversation, None),
        Choice::Approve(Scope::Always) => (StandingScope::Always, None),
        Choice::ApproveNarrowed(scope, chosen) => (scope, Some(chosen)),
        Choice::Approve(Scope::Once) | Choice::ApproveEdited(_) | Choice::Deny(_) => return choice,
    };
    match Narrowing::within(chosen, bounds, now) {
        Some(narrowing) => Choice::ApproveNarrowed(scope, narrowing),
        None => Choice::Approve(scope.scope()),
    }
}

/// A grant that the user of a request gives for its action.
fn grant(
    request: &Request,
    id: GrantId,
    reach: Reach,
    narrowing: Option<Narrowing>,
    now: DateTime<Utc>,
) -> Grant {
    Grant {
        id,
        workspace: request.workspace,
        user: request.user.clone(),
        action: request.action.id,
        reach,
        narrowing,
        created_at: now,
    }
}

/// What an answer to an approval led to that others decide than its user.
#[derive(Debug)]
pub enum Answered {
    /// More people have to approve.
    Waits(Changed<Answer>),
    /// It ended the approval. The answer is saved first.
    Ends(Answer, Box<Changed<Ended>>),
}

/// Judges an answer by one of the people whom a rule names, or by their delegate. The first denial ends the approval, and
/// so does the approval that was missing. Each person counts once, and each person clicks once.
pub fn answer(
    approval: &Approval,
    choice: &Choice,
    (acting_user, entitled): (&ActingUser, &Entitlement),
    now: DateTime<Utc>,
) -> Result<Answered, Rejection> {
    let request = &approval.request;
    let seats = approvers::seats(request, acting_user, entitled)?;
    still_pending(approval, now)?;
    let spec = request.approvers.as_ref().ok_or(Rejection::OnlyOnce)?;
    let seat = approvers::free_seat(seats, &entitled.panel)?;
    if !matches!(choice, Choice::Deny(_)) {
        pauses::not_paused(approval)?;
    }
    let user = acting_user.user.clone();
    let on_behalf_of = seat.on_behalf_of().cloned();
    let actor = Actor::User(user.clone());
    let answer = |approves| Answer {
        person: seat.person().clone(),
        clicked_by: user.clone(),
        approves,
        answered_at: now,
    };
    match choice {
        Choice::Deny(reason) => {
            let verdict = Verdict::Denied { user: user.clone(), on_behalf_of, reason: reason.clone() };
            Ok(Answered::Ends(answer(false), Box::new(end(approval, verdict, None, actor, now))))
        }
        Choice::Approve(Scope::Once) => {
            acting_user.must_be_member()?;
            let missing = entitled.panel.missing(spec).saturating_sub(1);
            if missing > 0 {
                let entry = Entry::new(actor, AuditAction::ApprovalAnswered)
                    .approval(request.id)
                    .subject(request.action.path())
                    .after(json!({ "on_behalf_of": on_behalf_of, "missing": missing }))
                    .concerning([request.user.clone()]);
                let changed = Changed::new(request.workspace, answer(true), entry);
                return Ok(Answered::Waits(changed.and(Effect::DrawPrompt(request.id))));
            }
            let earlier = entitled.panel.answers.iter().filter(|answer| answer.approves).cloned().collect();
            let verdict = Verdict::ApprovedTogether(Approvers { earlier, last: answer(true) });
            Ok(Answered::Ends(answer(true), Box::new(end(approval, verdict, None, actor, now))))
        }
        Choice::Approve(_) | Choice::ApproveNarrowed(..) | Choice::ApproveEdited(_) => {
            acting_user.must_be_member()?;
            Err(Rejection::OnlyOnce)
        }
    }
}

/// Whether a person who answered before answers the same: nothing has to be changed, or said.
#[must_use]
pub fn repeats_answer(panel: &Panel, choice: &Choice, acting_user: &ActingUser) -> bool {
    let same = |answer: &Answer| answer.approves && answer.clicked_by == acting_user.user;
    matches!(choice, Choice::Approve(Scope::Once)) && panel.answers.iter().any(same)
}

/// An approval that more people may decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalated {
    /// The approval.
    pub approval: ApprovalId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// All who may decide it now.
    pub people: Vec<UserId>,
}

/// Lets more people decide, because no one ended the approval in time. `None` if it has ended.
#[must_use]
pub fn escalate(approval: &Approval) -> Option<Changed<Escalated>> {
    let request = &approval.request;
    let escalation = request.approvers.as_ref()?.escalation()?;
    if approval.decision.is_some() {
        return None;
    }
    let entry = Entry::new(Actor::Service, AuditAction::ApprovalEscalated)
        .approval(request.id)
        .subject(request.action.path())
        .after(json!({ "to": escalation.to }))
        .concerning([request.user.clone()]);
    let people = approvers::people(request, true).into_iter().cloned().collect();
    let escalated = Escalated { approval: request.id, workspace: request.workspace, people };
    Some(Changed::new(request.workspace, escalated, entry).and(Effect::DrawPrompt(request.id)))
}

/// Records that a click was refused. If the refusal shows that the prompt is out of date, the prompt is rendered again.
pub fn refuse(
    request: &Request,
    acting_user: &UserId,
    clicked_in: &str,
    rejection: Rejection,
) -> Changed<Rejection> {
    let entry = Entry::new(Actor::User(acting_user.clone()), AuditAction::ApprovalRefused)
        .approval(request.id)
        .subject(request.action.path())
        .after(json!({ "why": rejection.code(), "workspace": clicked_in }));
    let about_the_person = matches!(
        rejection,
        Rejection::WrongPerson { .. }
            | Rejection::NotApprover
            | Rejection::AnsweredBefore
            | Rejection::Guest
            | Rejection::OtherWorkspace
            | Rejection::LookupUnavailable
    );
    if about_the_person {
        Changed::new(request.workspace, rejection, entry)
    } else {
        let entry = entry.concerning([request.user.clone()]);
        Changed::new(request.workspace, rejection, entry).and_redraw(&[request.id])
    }
}

/// Judges a backend's cancellation.
pub fn cancel(approval: &Approval, now: DateTime<Utc>) -> Result<Changed<Ended>, Rejection> {
    if approval.decision.is_some() {
        return Err(Rejection::AlreadyEnded(Box::new(approval.clone())));
    }
    Ok(end(approval, Verdict::Cancelled, None, Actor::Backend(approval.request.backend), now))
}

/// Cancels an approval that no caller listens to any longer. `None` if it has already ended.
#[must_use]
pub fn abandon(approval: &Approval, listened: &Listened, now: DateTime<Utc>) -> Option<Changed<Ended>> {
    let verdict = Verdict::Abandoned { why: listened.why() };
    approval.decision.is_none().then(|| end(approval, verdict, None, Actor::Service, now))
}

/// Expires the approval if its time is over. `None` if it is not over yet, or if the approval has already ended.
#[must_use]
pub fn expire(approval: &Approval, now: DateTime<Utc>) -> Option<Changed<Ended>> {
    (approval.decision.is_none() && now >= approval.request.expires_at)
        .then(|| end(approval, Verdict::Expired, None, Actor::Service, now))
}

/// Ends an approval whose prompt Slack can't show. `None` if the approval has already ended.
#[must_use]
pub fn give_up(approval: &Approval, why: Prose, now: DateTime<Utc>) -> Option<Changed<Ended>> {
    let verdict = Verdict::Undeliverable { why };
    approval.decision.is_none().then(|| end(approval, verdict, None, Actor::Service, now))
}

/// Whether this person may decide this request, for themself or in the place of another. While Slack can't confirm their
/// membership, they may only deny.
pub fn may_decide(
    request: &Request,
    acting_user: &ActingUser,
    entitled: &Entitlement,
) -> Result<(), Rejection> {
    approvers::seats(request, acting_user, entitled).map(drop)
}

/// Whether the arguments can be changed: the backend runs changed ones, and a schema says what they must look like.
pub const fn may_edit(request: &Request) -> Result<(), Rejection> {
    if request.is_editable() { Ok(()) } else { Err(Rejection::NotEditable) }
}

/// Whether a choice may be made before the person has opened the request's details. Only denying may, where an admin
/// requires that requests are read.
#[must_use]
pub const fn must_be_read(request: &Request, choice: &Choice) -> bool {
    request.action.must_read && !matches!(choice, Choice::Deny(_))
}

/// Whether the approval can still be decided.
pub fn still_pending(approval: &Approval, now: DateTime<Utc>) -> Result<(), Rejection> {
    if approval.decision.is_some() {
        Err(Rejection::AlreadyEnded(Box::new(approval.clone())))
    } else if now >= approval.request.expires_at {
        Err(Rejection::Expired)
    } else {
        Ok(())
    }
}

/// Whether a click repeats the one that ended the approval: same person, same choice. Slack can deliver one click
/// twice, and the second needs no reply. A click with a reason that the decision lacks is not a repetition.
#[must_use]
pub fn repeats(approval: &Approval, choice: &Choice, acting_user: &ActingUser) -> bool {
    match (approval.decision.as_ref().map(|decision| &decision.verdict), choice) {
        (Some(Verdict::Approved { user, given }), Choice::Approve(scope)) => {
            *user == acting_user.user && given.scope() == *scope && given.limits().is_none()
        }
        (
            Some(Verdict::Approved { user, given: GrantOutcome::Narrowed { scope, limits, .. } }),
            Choice::ApproveNarrowed(again, narrowing),
        ) => {
            let again_limits = narrowing.limits();
            *user == acting_user.user
                && scope == again
                && again_limits.is_some_and(|again| limits.is_same_choice(&again))
        }
        (Some(Verdict::ApprovedFor { user, .. }), Choice::Approve(Scope::Once)) => *user == acting_user.user,
        (Some(Verdict::ApprovedTogether(approvers)), Choice::Approve(Scope::Once)) => {
            approvers.iter().any(|answer| answer.clicked_by == acting_user.user)
        }
        (Some(Verdict::ApprovedEdited { user, edited }), Choice::ApproveEdited(again)) => {
            *user == acting_user.user && edited.digest == again.digest
        }
        (Some(Verdict::Denied { user, reason, .. }), Choice::Deny(again)) => {
            *user == acting_user.user && (again.is_none() || again == reason)
        }
        _ => false,
    }
}

pub(super) fn may_grant(eligibility: Eligibility, scope: Scope) -> Result<(), Rejection> {
    match eligibility.blocker() {
        Some(Blocker::Locked) => Err(Rejection::Locked),
        Some(Blocker::Retired) => Err(Rejection::UnknownAction),
        Some(Blocker::Changed) => Err(Rejection::ChangedSinceUnlocked),
        Some(Blocker::Outdated) => Err(Rejection::ChangedSinceAsked),
        Some(Blocker::NotConnected) => Err(Rejection::NotConnected),
        Some(Blocker::Ruled) => Err(Rejection::RuleAsks),
        None if scope == Scope::Conversation && eligibility.conversation_closed => {
            Err(Rejection::ConversationClosed)
        }
        None if scope == Scope::Always && !eligibility.allows_always() => Err(Rejection::OnlyConversations),
        None => Ok(()),
    }
}

/// Whether a narrowed grant of any scope may be given.
pub fn may_narrow(eligibility: Eligibility) -> Result<(), Rejection> {
    may_grant(eligibility, Scope::Conversation).or_else(|rejection| match rejection {
        Rejection::ConversationClosed if eligibility.allows_always() => Ok(()),
        other => Err(other),
    })
}

fn end(
    approval: &Approval,
    verdict: Verdict,
    given: Option<Grant>,
    actor: Actor,
    now: DateTime<Utc>,
) -> Changed<Ended> {
    let decision = Decision { verdict, decided_at: now };
    let outcome = decision.outcome();
    let request = approval.request.clone();
    let what = match outcome {
        Outcome::Approved => AuditAction::ApprovalApproved,
        Outcome::Denied => AuditAction::ApprovalDenied,
        Outcome::Expired => AuditAction::ApprovalExpired,
        Outcome::Cancelled => AuditAction::ApprovalCancelled,
        Outcome::Undeliverable => AuditAction::ApprovalUndeliverable,
    };
    let mut after = json!({
        "by": decision.by(),
        "scope": decision.scope().map(Scope::as_str),
        "user": request.user,
    });
    if let Some(edited) = decision.edited() {
        after["edited"] = edited.changed_keys(&request.arguments).into();
    }
    if let Some(person) = decision.on_behalf_of() {
        after["on_behalf_of"] = person.as_str().into();
    }
    if let Verdict::Abandoned { why } = &decision.verdict {
        after["why"] = why.as_str().into();
    }
    let mut record = Entry::new(actor, what)
        .approval(request.id)
        .subject(request.action.path())
        .before(json!({ "status": Status::Pending.as_str() }))
        .after(after)
        .concerning([request.user.clone()]);
    record.grant = decision.grant();
    let (workspace, approval, backend) = (request.workspace, request.id, request.backend);
    let ended = Ended {
        approval: Approval { request, decision: Some(decision.clone()), result: None, pause: None },
        decision,
        given,
    };
    Changed::new(workspace, ended, record).and(Effect::DrawPrompt(approval)).and(Effect::SendWebhook {
        approval,
        backend,
        outcome,
    })
}
