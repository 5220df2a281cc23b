//! Permitting: whether a caller gets the permit of an approval.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{
    approvals::Approval,
    audit::{Actor, AuditAction, Entry},
    decision::{Decision, Verdict},
    effects::{Changed, Effect},
    ids::{ApiKeyId, ApprovalId},
    outcome::Outcome,
    permits::{Permit, PermitContext, Usage},
    rejection::Rejection,
    revocation::Revocation,
};

/// How long after the decision a permit can be taken. The decision's time, not the time at which the caller read it:
/// docs/decisions/0045-permits.md says why.
pub const LIFETIME: TimeDelta = TimeDelta::hours(24);

/// Why a grant ended without anyone saying so: its time or its uses were over. What it approved until then may run.
/// Every other end is someone's word that the agent is to stop.
pub const NATURAL_ENDS: [Revocation; 3] =
    [Revocation::Expired, Revocation::UsedUp, Revocation::ConversationSilent];

/// A permit that a caller may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Use {
    /// It is taken now, and has to be saved.
    Taken(Changed<Permit>),
    /// An earlier call with the same idempotency key took it.
    Repeated(Permit),
}

/// Until when the permit of an approval can be taken. `None` if it was not approved.
#[must_use]
pub fn lapses_at(approval: &Approval) -> Option<DateTime<Utc>> {
    let decision = approval.decision.as_ref()?;
    (decision.outcome() == Outcome::Approved).then(|| decision.decided_at + LIFETIME)
}

/// Judges a call that takes a permit.
///
/// A repeated call is answered as the first one only while the grant stands and nothing is paused: after a confirmed
/// revocation or pause, nothing that a caller sends makes it run.
pub fn take(
    approval: &Approval,
    context: PermitContext,
    usage: Usage,
    now: DateTime<Utc>,
) -> Result<Use, Rejection> {
    let boxed = || Box::new(approval.clone());
    let Some(lapses_at) = lapses_at(approval) else { return Err(Rejection::NotApproved(boxed())) };
    let approved = approval.decision.as_ref().and_then(Decision::edited);
    if usage.digest != approved.map_or(approval.request.digest, |edited| edited.digest) {
        return Err(Rejection::OtherArguments(boxed()));
    }
    let is_repeated =
        |permit: &Permit| permit.idempotency_key.is_some() && permit.idempotency_key == usage.idempotency_key;
    if let Some(permit) = context.taken.as_ref().filter(|permit| !is_repeated(permit)) {
        return Err(Rejection::PermitUsed(boxed(), Box::new(permit.clone())));
    }
    if context.withdrawn {
        return Err(Rejection::PermitRevoked(boxed()));
    }
    if let Some(pause) = context.pause {
        return Err(Rejection::Paused(pause));
    }
    if let Some(permit) = context.taken {
        return Ok(Use::Repeated(permit));
    }
    if now >= lapses_at {
        return Err(Rejection::PermitLapsed(boxed()));
    }
    let request = &approval.request;
    let entry = Entry::new(Actor::Backend(request.backend), AuditAction::PermitUsed)
        .approval(request.id)
        .subject(request.action.path())
        .after(json!({ "arguments_digest": usage.digest.to_string(), "key": usage.key }));
    let Usage { digest, key, idempotency_key } = usage;
    let permit = Permit { approval: request.id, digest, key, idempotency_key, used_at: now };
    Ok(Use::Taken(Changed::new(request.workspace, permit, entry)))
}

/// A caller that was refused a permit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermitRefusal {
    /// The approval.
    pub approval: ApprovalId,
    /// The rejection's code.
    pub why: &'static str,
    /// The caller's API key.
    pub key: ApiKeyId,
    /// When.
    pub refused_at: DateTime<Utc>,
}

/// Records that a permit was refused. Of each reason, only the first refusal of an approval is recorded, so that an agent
/// that repeats itself fills neither the audit nor anyone's messages. `None`: the rejection is not about a permit.
#[must_use]
pub fn refuse(
    approval: &Approval,
    rejection: &Rejection,
    usage: &Usage,
    now: DateTime<Utc>,
) -> Option<Changed<PermitRefusal>> {
    let is_other = match rejection {
        Rejection::OtherArguments(_) => true,
        Rejection::NotApproved(_)
        | Rejection::PermitUsed(..)
        | Rejection::PermitRevoked(_)
        | Rejection::Paused(_)
        | Rejection::PermitLapsed(_) => false,
        _ => return None,
    };
    let (request, why) = (&approval.request, rejection.code());
    let mut after = json!({ "why": why, "key": usage.key });
    if is_other {
        after["arguments_digest"] = usage.digest.to_string().into();
    }
    let entry = Entry::new(Actor::Backend(request.backend), AuditAction::PermitRefused)
        .approval(request.id)
        .subject(request.action.path())
        .after(after);
    let refusal = PermitRefusal { approval: request.id, why, key: usage.key, refused_at: now };
    let refused = Changed::new(request.workspace, refusal, entry);
    if !is_other {
        return Some(refused);
    }
    let told = refused.and(Effect::TellMisuse(request.id));
    Some(match approval.decision.as_ref().map(|decision| &decision.verdict) {
        // Never posted.
        Some(Verdict::AutoApproved { .. } | Verdict::AllowedByRule) => told,
        _ => told.and(Effect::RedrawPrompt(request.id)),
    })
}
