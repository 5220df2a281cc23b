//! Admins change what people may do with an action's requests: what they may allow, and whether they must read them.

use super::{
    Service, ServiceError, UnitOfWork, retrying,
    unlock::{self, LockCommand, Seen},
    workspaces::{self, Origin},
};
use crate::{
    domain::{
        actions::LockedAction,
        audit::Actor,
        effects::Redraw,
        ids::{ActionId, UnlockRequestId, UserId, WorkspaceId},
        must_read,
        overview::OptionsLine,
        rejection::Rejection,
        text::{ActionKey, IntegrationKey},
    },
    storage,
    storage::{
        read_models::options,
        tables::{actions, unlock_requests},
    },
};

/// What an admin changes. What is `None` stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// What is done with the lock.
    pub command: Option<LockCommand>,
    /// Whether requests must be read.
    pub must_read: Option<bool>,
}

/// The action, for the modal in which an admin changes it.
pub async fn look(service: &Service, slack_id: &str, action: ActionId) -> Result<OptionsLine, ServiceError> {
    let mut db = service.db.acquire().await?;
    let workspace = workspaces::find(&mut db, slack_id).await?;
    Ok(options::line(&mut db, workspace, action).await?.ok_or(Rejection::UnknownAction)?)
}

/// The action that a request to unlock names. `None` if the request is unknown or was answered, or if the action no longer
/// exists: then there is nothing to ask the admin.
pub async fn look_for_request(
    service: &Service,
    slack_id: &str,
    request: UnlockRequestId,
) -> Result<Option<OptionsLine>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let workspace = workspaces::find(&mut db, slack_id).await?;
    let Some(action) = unlock_requests::action_of(&mut db, workspace, request).await? else {
        return Ok(None);
    };
    if unlock_requests::answer_of(&mut db, request).await?.is_some() {
        return Ok(None);
    }
    Ok(options::line(&mut db, workspace, action).await?)
}

/// Changes an action, for an admin's click. The caller has just checked the admin's rights. `seen`: the description that
/// the admin saw. Either everything is changed or nothing.
#[tracing::instrument(name = "set_action_options", skip_all, fields(workspace = origin.workspace, user = %admin, action = %action))]
pub async fn set_by_admin(
    service: &Service,
    origin: Origin<'_>,
    action: ActionId,
    (options, seen): (Options, Seen),
    admin: &UserId,
) -> Result<(), ServiceError> {
    retrying!(attempt_by_admin(service, origin, action, (options, seen), admin))
}

async fn attempt_by_admin(
    service: &Service,
    origin: Origin<'_>,
    action: ActionId,
    (options, seen): (Options, Seen),
    admin: &UserId,
) -> Result<(), ServiceError> {
    let (mut work, workspace) = unlock::for_admin(service, origin, admin, false).await?;
    let action = actions::lock_by_id(&mut work, workspace, action).await?.ok_or(Rejection::UnknownAction)?;
    let actor = Actor::User(admin.clone());
    if let Some(command) = options.command {
        let applied = match unlock::apply(&mut work, workspace, &action, (command, seen), &actor).await {
            // Another admin has unlocked it since, perhaps for something else.
            Ok(false) if matches!(command, LockCommand::Unlock(_)) => {
                Err(Rejection::ChangedSinceShown.into())
            }
            applied => applied,
        };
        if let Err(failure) = applied {
            if matches!(failure, ServiceError::Rejected(_)) {
                // The admin's screen is out of date. A rejected command has changed nothing.
                work.redraw(Redraw::home(workspace, admin));
                work.commit().await?;
            }
            return Err(failure);
        }
    }
    if let Some(must_read) = options.must_read {
        apply(&mut work, workspace, &action, must_read, &actor).await?;
    }
    work.redraw(Redraw::home(workspace, admin));
    work.commit().await
}

/// Sets whether requests for an action must be read. `false` if that changes nothing.
#[tracing::instrument(name = "set_must_read", skip_all, fields(%workspace))]
pub async fn set_must_read(
    service: &Service,
    workspace: WorkspaceId,
    path: (&IntegrationKey, &ActionKey),
    must_read: bool,
    actor: &Actor,
) -> Result<bool, ServiceError> {
    retrying!(attempt(service, workspace, path, must_read, actor))
}

async fn attempt(
    service: &Service,
    workspace: WorkspaceId,
    path: (&IntegrationKey, &ActionKey),
    must_read: bool,
    actor: &Actor,
) -> Result<bool, ServiceError> {
    let (mut work, action) = unlock::for_path(service, workspace, path).await?;
    let changed = apply(&mut work, workspace, &action, must_read, actor).await?;
    work.commit().await?;
    Ok(changed)
}

async fn apply(
    work: &mut UnitOfWork,
    workspace: WorkspaceId,
    action: &LockedAction,
    must_read: bool,
    actor: &Actor,
) -> Result<bool, ServiceError> {
    let pending = storage::tables::approvals::pending_for_actions(work, &[action.id]).await?;
    let Some(change) = must_read::set(workspace, action, must_read, actor, &pending)? else {
        return Ok(false);
    };
    let (change, now) = (work.record(change), work.now());
    actions::set_must_read(work, &change, now).await?;
    Ok(true)
}
