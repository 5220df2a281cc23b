//! Changing a workspace's policy.

use std::collections::BTreeSet;

use serde_json::json;

use super::{Policy, PolicyVersion};
use crate::domain::{
    audit::{Actor, AuditAction, Entry},
    effects::Changed,
    ids::{UserId, WorkspaceId},
    rejection::Rejection,
    text::Text,
};

/// Why a policy was changed, in an admin's words.
pub type PolicyReason = Text<500>;

/// A new version of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPolicy {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The version.
    pub version: PolicyVersion,
    /// YAML, as the admin wrote it.
    pub text: String,
    /// Who made it: a Slack user id, or `operator`.
    pub made_by: String,
    /// Why.
    pub reason: Option<PolicyReason>,
}

/// Replaces a workspace's policy, of which `before` is the version in force. `expected`: the version that the author
/// started from. `members`: those of the named approvers whom Slack calls full members.
pub fn change(
    workspace: WorkspaceId,
    (before, expected): (Option<PolicyVersion>, Option<PolicyVersion>),
    (text, policy): (String, &Policy),
    members: &BTreeSet<UserId>,
    reason: Option<PolicyReason>,
    actor: Actor,
) -> Result<Changed<NewPolicy>, Rejection> {
    if before != expected {
        return Err(Rejection::PolicyChanged);
    }
    let unknown = policy.people().into_iter().find(|person| !members.contains(*person));
    if let Some(person) = unknown {
        return Err(Rejection::ApproverNotMember(person.clone()));
    }
    let version = PolicyVersion::after(before);
    let entry = Entry::new(actor.clone(), AuditAction::PolicyChanged)
        .subject(format!("version {}", version.get()))
        .before(json!({ "version": before.map(PolicyVersion::get) }))
        .after(json!({
            "version": version.get(),
            "rules": policy.rules().len(),
            "reason": reason.as_ref().map(PolicyReason::as_str),
        }));
    let new = NewPolicy { workspace, version, text, made_by: actor.label(), reason };
    Ok(Changed::new(workspace, new, entry))
}
