//! Requests that must be read: the person who approves has opened the details before.

use serde_json::json;

use crate::domain::{
    actions::LockedAction,
    approvals::Approval,
    audit::{Actor, AuditAction, Entry},
    catalog::Lock,
    effects::Changed,
    ids::{ActionId, ApprovalId, UserId, WorkspaceId},
    rejection::Rejection,
};

/// Whether requests for an action must be read, as storage saves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MustReadChange {
    /// The action.
    pub action: ActionId,
    /// Whether its requests must be read.
    pub must_read: bool,
    /// Who changes it: an id, or the kind of an actor without one.
    pub by: String,
}

/// Judges an admin's command. `pending`: the approvals for the action, whose prompts say what must be read. `None` if the
/// command changes nothing.
pub fn set(
    workspace: WorkspaceId,
    action: &LockedAction,
    must_read: bool,
    actor: &Actor,
    pending: &[ApprovalId],
) -> Result<Option<Changed<MustReadChange>>, Rejection> {
    if action.lock == Lock::Retired {
        return Err(Rejection::UnknownAction);
    }
    if action.must_read == must_read {
        return Ok(None);
    }
    let entry = Entry::new(actor.clone(), AuditAction::ActionMustReadChanged)
        .subject(action.path())
        .before(json!({ "must_read": action.must_read }))
        .after(json!({ "must_read": must_read }));
    let change = MustReadChange { action: action.id, must_read, by: actor.label() };
    Ok(Some(Changed::new(workspace, change, entry).and_redraw(pending)))
}

/// A person has opened the details of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetailsOpened {
    /// The request.
    pub approval: ApprovalId,
    /// The person.
    pub user: UserId,
}

/// Records that a person has opened the details. `None` unless the request is pending and must be read.
#[must_use]
pub fn opened(approval: &Approval, user: &UserId) -> Option<Changed<DetailsOpened>> {
    let request = &approval.request;
    if !request.action.must_read || approval.decision.is_some() {
        return None;
    }
    let entry = Entry::new(Actor::User(user.clone()), AuditAction::DetailsOpened)
        .approval(request.id)
        .subject(request.action.path());
    Some(Changed::new(request.workspace, DetailsOpened { approval: request.id, user: user.clone() }, entry))
}
