//! Workspaces: installing the app by OAuth, and removing it.

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
    /// The workspace's name.
    pub name: String,
}

/// Installs the app. `again`: the workspace already has it. `tokens_rotate`: the app's tokens expire and are refreshed.
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

/// The removal of the app from a workspace, and the grants that end with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The grants that end.
    pub revoked: Revoked,
}

impl AsRef<Revoked> for Removed {
    fn as_ref(&self) -> &Revoked {
        &self.revoked
    }
}

/// Removes the app. Prompts and Home tabs in the workspace can no longer be updated.
pub fn remove(workspace: WorkspaceId, slack_id: &str, why: &str, grants: Vec<Revocable>) -> Changed<Removed> {
    let (actor, revocation) = (Actor::Service, Revocation::AppRemoved);
    let entry = Entry::new(actor.clone(), AuditAction::WorkspaceRemoved)
        .subject(slack_id)
        .after(json!({ "why": why }));
    let ended: Vec<Entry> = grants.iter().map(|grant| revocation::entry(grant, &actor, revocation)).collect();
    let revoked = Revoked { grants, by: actor.label(), why: revocation };
    Changed::new(workspace, Removed { workspace, revoked }, entry).and_record(ended)
}
