//! Reporting: whether a backend's report of what came of a call becomes its result. No rule depends on a result; people
//! read it.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{
    approvals::{Approval, Status},
    arguments::Digest,
    audit::{Actor, AuditAction, Entry},
    decision::Verdict,
    effects::{Changed, Effect},
    ids::ApprovalId,
    outcome::Outcome,
    rejection::Rejection,
    results::{ApprovalResult, Report},
};

const APPROVED: Status = Status::Ended(Outcome::Approved);

/// A result to save.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// The approval of the call.
    pub approval: ApprovalId,
    /// What came of the call.
    pub result: ApprovalResult,
}

/// Judges a report. `None`: it repeats the one that stands. The first report stands, because people may have read it.
pub fn report(
    approval: &Approval,
    report: Report,
    now: DateTime<Utc>,
) -> Result<Option<Changed<Reported>>, Rejection> {
    let Some(decision) = approval.decision.as_ref().filter(|_| approval.status() == APPROVED) else {
        return Err(Rejection::NotApproved(Box::new(approval.clone())));
    };
    let digest = Digest::for_json(&report);
    match &approval.result {
        Some(stands) if stands.digest == digest => return Ok(None),
        Some(_) => return Err(Rejection::AlreadyReported(Box::new(approval.clone()))),
        None => {}
    }
    let request = &approval.request;
    let Report { status, summary, url } = report;
    // The words may quote the arguments, so they are not kept longer.
    let (summary, url) = if request.contents_deleted_at.is_none() { (summary, url) } else { (None, None) };
    let entry = Entry::new(Actor::Backend(request.backend), AuditAction::ResultReported)
        .approval(request.id)
        .subject(request.action.path())
        .after(json!({ "status": status.as_str() }))
        .concerning([request.user.clone()]);
    let result = ApprovalResult { status, summary, url, digest, reported_at: now };
    let reported = Changed::new(request.workspace, Reported { approval: request.id, result }, entry);
    Ok(Some(match decision.verdict {
        // Never posted.
        Verdict::AutoApproved { .. } | Verdict::AllowedByRule => reported,
        _ => reported.and(Effect::RedrawPrompt(request.id)),
    }))
}
