//! Unlocks read-only actions of an integration together.

use super::{
    Service, ServiceError, UnitOfWork, retrying,
    unlock::{self, LockCommand, Seen},
    workspaces::{self, Origin},
};
use crate::{
    domain::{
        audit::Actor,
        bulk_unlock::{self, BulkUnlock, ReadOnlyActions, ReadOnlyLine},
        catalog::UnlockedFor,
        effects::Redraw,
        ids::{ActionId, ActionVersionId, IntegrationId, UserId, WorkspaceId},
        rejection::Rejection,
        text::IntegrationKey,
    },
    storage::{
        self,
        read_models::options,
        tables::{actions, versions},
    },
};

/// The most actions that are unlocked together: five menus of ten check boxes.
pub const MOST: usize = 50;

/// An action, and the version of the description that was listed.
pub type Listed = (ActionId, ActionVersionId);

/// The actions of an integration that can be unlocked together, for an admin, whose rights the caller has just checked.
pub async fn list(
    service: &Service,
    slack_id: &str,
    integration: IntegrationId,
) -> Result<ReadOnlyActions, ServiceError> {
    let mut db = service.db.acquire().await?;
    let workspace = workspaces::find(&mut db, slack_id).await?;
    let limit = i64::try_from(MOST + 1).unwrap_or(i64::MAX);
    let found = options::read_only(&mut db, workspace, integration, limit).await?;
    let (integration_name, mut lines) = found.ok_or(Rejection::UnknownIntegration)?;
    let more = lines.len() > MOST;
    lines.truncate(MOST);
    Ok(ReadOnlyActions { integration_name, lines, more })
}

/// All of an integration.
async fn list_by_key(
    service: &Service,
    workspace: WorkspaceId,
    integration: &IntegrationKey,
) -> Result<Vec<ReadOnlyLine>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let found = storage::tables::integrations::find(&mut db, workspace, integration).await?;
    let id = found.ok_or(Rejection::UnknownIntegration)?.id;
    let id = IntegrationId::new(id);
    let found = options::read_only(&mut db, workspace, id, i64::MAX).await?;
    Ok(found.map(|(_, lines)| lines).unwrap_or_default())
}

/// Unlocks those that are still as they were listed, each with an audit entry of its own, and leaves out the others. The
/// caller has just checked the admin's rights.
#[tracing::instrument(name = "unlock_read_only_by_admin", skip_all, fields(workspace = origin.workspace, user = %admin))]
pub async fn by_admin(
    service: &Service,
    origin: Origin<'_>,
    listed: &[Listed],
    what: UnlockedFor,
    admin: &UserId,
) -> Result<BulkUnlock, ServiceError> {
    retrying!(attempt_by_admin(service, origin, listed, what, admin))
}

async fn attempt_by_admin(
    service: &Service,
    origin: Origin<'_>,
    listed: &[Listed],
    what: UnlockedFor,
    admin: &UserId,
) -> Result<BulkUnlock, ServiceError> {
    let (mut work, workspace) = unlock::for_admin(service, origin, admin, false).await?;
    let done = apply(&mut work, workspace, listed, what, &Actor::User(admin.clone())).await?;
    work.redraw(Redraw::home(workspace, admin));
    work.commit().await?;
    Ok(done)
}

/// Unlocks all of an integration that can be unlocked together, in parts, so that none holds locks for long. Returns also
/// which these were.
#[tracing::instrument(name = "unlock_read_only", skip_all, fields(%workspace))]
pub async fn all(
    service: &Service,
    workspace: WorkspaceId,
    integration: &IntegrationKey,
    what: UnlockedFor,
    actor: &Actor,
) -> Result<(BulkUnlock, Vec<ReadOnlyLine>), ServiceError> {
    let lines = list_by_key(service, workspace, integration).await?;
    let mut total = BulkUnlock::default();
    for part in lines.chunks(MOST) {
        let listed: Vec<Listed> = part.iter().map(|line| (line.action, line.version)).collect();
        let done = by_operator(service, workspace, &listed, what, actor).await?;
        total.unlocked += done.unlocked;
        total.left_out += done.left_out;
    }
    Ok((total, lines))
}

/// Unlocks those that are still as they were listed, for the operator or a program of theirs.
pub async fn by_operator(
    service: &Service,
    workspace: WorkspaceId,
    listed: &[Listed],
    what: UnlockedFor,
    actor: &Actor,
) -> Result<BulkUnlock, ServiceError> {
    retrying!(attempt(service, workspace, listed, what, actor))
}

async fn attempt(
    service: &Service,
    workspace: WorkspaceId,
    listed: &[Listed],
    what: UnlockedFor,
    actor: &Actor,
) -> Result<BulkUnlock, ServiceError> {
    let mut work = service.begin().await?;
    storage::tables::workspaces::hold(&mut work, workspace).await?;
    let done = apply(&mut work, workspace, listed, what, actor).await?;
    work.commit().await?;
    Ok(done)
}

async fn apply(
    work: &mut UnitOfWork,
    workspace: WorkspaceId,
    listed: &[Listed],
    what: UnlockedFor,
    actor: &Actor,
) -> Result<BulkUnlock, ServiceError> {
    // In one order, so that two admins who unlock the same actions wait for each other.
    let mut listed = listed.to_vec();
    listed.sort_unstable();
    listed.dedup();
    let seen: Vec<ActionVersionId> = listed.iter().map(|(_, version)| *version).collect();
    // Versions never change, so these may be read before the actions are locked.
    let impacts = versions::impacts(work, &seen).await?;
    let mut done = BulkUnlock::default();
    for (id, version) in listed {
        let action = actions::lock_by_id(work, workspace, id).await?;
        let as_listed = action.filter(|action| {
            let impact = impacts.get(&action.version);
            impact.is_some_and(|impact| bulk_unlock::is_as_listed(action, *impact, version))
        });
        let unlocked = match as_listed {
            Some(action) => {
                let command = (LockCommand::Unlock(what), Seen::Version(version));
                unlock::apply(work, workspace, &action, command, actor).await?
            }
            None => false,
        };
        *if unlocked { &mut done.unlocked } else { &mut done.left_out } += 1;
    }
    Ok(done)
}
