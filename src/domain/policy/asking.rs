//! What the rules make of a new request.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{PolicyVersion, Ruled, Treatment};
use crate::domain::{
    approvals::{Approval, Request},
    audit::{Actor, AuditAction, Entry},
    catalog::{Eligibility, Lock},
    decision::{Decision, Verdict},
    effects::Changed,
};

/// Judges a new request by the rules in force: they deny it, approve it, or leave it to `otherwise`, with what they say
/// of grants. `in_force`: the version that was locked. If the request was not judged by exactly that one, a person is
/// asked.
pub fn ask(
    request: Request,
    eligibility: Eligibility,
    (in_force, ruled): (Option<PolicyVersion>, Option<&Ruled>),
    now: DateTime<Utc>,
    otherwise: impl FnOnce(Request, Eligibility) -> Changed<Approval>,
) -> Changed<Approval> {
    let ruled = match (in_force, ruled) {
        (None, None) => return otherwise(request, eligibility),
        (Some(version), Some(ruled)) if ruled.by.version == version => ruled,
        _ => return otherwise(request, Eligibility { lock: Lock::Ruled, ..eligibility }),
    };
    let verdict = match &ruled.treatment {
        Treatment::Block(reason) => Verdict::BlockedByRule { reason: reason.clone() },
        // Without a connection the call can't work, so a person is asked, who sees that it is missing. What the action
        // does may have changed since an admin read its description.
        Treatment::Allow
            if eligibility.connected && !matches!(eligibility.lock, Lock::Changed(_) | Lock::Retired) =>
        {
            Verdict::AllowedByRule
        }
        Treatment::Default
        | Treatment::Ask
        | Treatment::Failed(_)
        | Treatment::UserChoice(_)
        | Treatment::Allow => {
            let failed = failed(&request, ruled);
            return otherwise(request, ruled.eligibility(eligibility)).and_record(failed);
        }
    };
    let what = match verdict {
        Verdict::AllowedByRule => AuditAction::ApprovalApproved,
        _ => AuditAction::ApprovalDenied,
    };
    let record = Entry::new(Actor::Service, what)
        .approval(request.id)
        .subject(request.action.path())
        .after(json!({
            "by": "policy",
            "user": request.user,
            "version": ruled.by.version.get(),
            "rule": ruled.by.rule.map(super::RuleNumber::get),
        }))
        .concerning([request.user.clone()]);
    let workspace = request.workspace;
    let decision = Some(Decision { verdict, decided_at: now });
    Changed::new(workspace, Approval { request, decision, result: None, pause: None }, record)
}

/// The entry that tells admins of a condition that can't be evaluated.
fn failed(request: &Request, ruled: &Ruled) -> Option<Entry> {
    let Treatment::Failed(fault) = &ruled.treatment else { return None };
    let entry = Entry::new(Actor::Service, AuditAction::RuleFailed)
        .approval(request.id)
        .subject(request.action.path())
        .after(json!({
            "version": ruled.by.version.get(),
            "rule": ruled.by.rule.map(super::RuleNumber::get),
            "why": fault.to_string(),
        }));
    Some(entry)
}
