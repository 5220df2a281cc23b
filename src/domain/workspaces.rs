//! Workspaces: the app is installed in one by OAuth, or removed.

use serde_json::json;

use super::{
    audit::{Actor, AuditAction, Entry},
    effects::Changed,
    ids::WorkspaceId,
};
use crate::domain::{
    revocation,
    revocation::{Revocable, Revocation, Revoked},
};

/// An installation by OAuth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// What people call it.
    pub name: String,
}

/// Installs the app. `again`: it is installed there already. `tokens_rotate`: its tokens expire.
pub fn install(
    workspace: WorkspaceId,
    slack_id: &str,
    name: &str,
    again: bool,
    tokens_rotate: bool,
) -> Changed<Installed> {
    let entry = Entry::new(Actor::Service, AuditAction::WorkspaceInstalled)
        .subject(slack_id)
        .after(json!({ "again": again, "tokens_rotate": tokens_rotate }));
    Changed::new(workspace, Installed { workspace, name: name.to_owned() }, entry)
}

/// The app's removal from a workspace, with the grants that end by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The grants.
    pub revoked: Revoked,
}

impl AsRef<Revoked> for Removed {
    fn as_ref(&self) -> &Revoked {
        &self.revoked
    }
}

/// Removes the app. No prompt and no Home tab can be drawn there any more.
pub fn remove(workspace: WorkspaceId, slack_id: &str, why: &str, grants: Vec<Revocable>) -> Changed<Removed> {
    let (actor, revocation) = (Actor::Service, Revocation::AppRemoved);
    let entry = Entry::new(actor.clone(), AuditAction::WorkspaceRemoved)
        .subject(slack_id)
        .after(json!({ "why": why }));
    let ended: Vec<Entry> = grants.iter().map(|grant| revocation::entry(grant, &actor, revocation)).collect();
    let revoked = Revoked { grants, by: actor.label(), why: revocation };
    Changed::new(workspace, Removed { workspace, revoked }, entry).and_record(ended)
}
