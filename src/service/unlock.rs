//! Admins unlock, confirm and lock actions.

use super::{
    Service, ServiceError, UnitOfWork, recent_leavers, retrying, turn_off,
    workspaces::{self, Origin},
};
pub use crate::domain::unlocking::LockCommand;
use crate::{
    domain::{
        actions::LockedAction,
        audit::Actor,
        catalog::UnlockedFor,
        effects::Redraw,
        ids::{ActionId, ActionVersionId, UserId, WorkspaceId},
        rejection::Rejection,
        revocation::Revocation,
        text::{ActionKey, IntegrationKey},
        unlocking,
        unlocking::Step,
    },
    storage,
    storage::tables::{actions, grants::GrantFilter, unlock_requests, workspaces::Entered},
};

/// The version of the description that an admin saw when they clicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The current version, whatever it is. For operators, who name the action instead of clicking.
    Present,
    /// This one.
    Version(ActionVersionId),
    /// Unknown: an earlier version of the program rendered the button without it.
    Unknown,
}

impl Seen {
    /// Parses the version from a button's value.
    #[must_use]
    pub fn on_button(version: Option<ActionVersionId>) -> Self {
        version.map_or(Self::Unknown, Self::Version)
    }

    pub(super) fn is(self, version: ActionVersionId) -> bool {
        match self {
            Self::Present => true,
            Self::Version(seen) => seen == version,
            Self::Unknown => false,
        }
    }
}

/// Unlocks, limits, confirms or locks an action. `false` if that changes nothing. Once locking returns, no grant for the
/// action approves anything; once limiting it to conversations returns, no *always* grant does.
#[tracing::instrument(name = "set_lock", skip_all, fields(%workspace))]
pub async fn set(
    service: &Service,
    workspace: WorkspaceId,
    path: (&IntegrationKey, &ActionKey),
    command: LockCommand,
    actor: &Actor,
) -> Result<bool, ServiceError> {
    set_seen(service, workspace, path, (command, Seen::Present), actor).await
}

/// Like [`set_lock`], for a description that the admin has seen.
#[tracing::instrument(name = "set_lock", skip_all, fields(%workspace))]
pub async fn set_seen(
    service: &Service,
    workspace: WorkspaceId,
    path: (&IntegrationKey, &ActionKey),
    command: (LockCommand, Seen),
    actor: &Actor,
) -> Result<bool, ServiceError> {
    retrying!(attempt(service, workspace, path, command, actor))
}

/// What unlocking an action for something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UnlockOutcome {
    /// It was locked, or its description had changed, and users may auto-approve it now.
    pub unlocked: bool,
    /// What users may allow for it changed.
    pub changed: bool,
}

/// Lets users auto-approve an action, as it is described now, and allow this for it. `None`: whatever they may allow if it
/// is unlocked already, otherwise everything. Confirms a changed description.
#[tracing::instrument(name = "unlock_for", skip_all, fields(%workspace))]
pub async fn unlock_for(
    service: &Service,
    workspace: WorkspaceId,
    path: (&IntegrationKey, &ActionKey),
    (what, seen): (Option<UnlockedFor>, Seen),
    actor: &Actor,
) -> Result<UnlockOutcome, ServiceError> {
    retrying!(attempt_to_unlock_for(service, workspace, path, (what, seen), actor))
}

async fn attempt_to_unlock_for(
    service: &Service,
    workspace: WorkspaceId,
    path: (&IntegrationKey, &ActionKey),
    (what, seen): (Option<UnlockedFor>, Seen),
    actor: &Actor,
) -> Result<UnlockOutcome, ServiceError> {
    let (mut work, mut action) = for_path(service, workspace, path).await?;
    let unlock = LockCommand::Unlock(what.unwrap_or(UnlockedFor::Always));
    let set = what.map(LockCommand::SetFor);
    // Less comes first: to confirm a changed description lets paused grants hold again.
    let is_less = action.lock.unlocked_for().is_some() && what == Some(UnlockedFor::Conversations);
    let commands = if is_less { [set, Some(unlock)] } else { [Some(unlock), set] };
    let mut outcome = UnlockOutcome::default();
    for command in commands.into_iter().flatten() {
        let done = apply(&mut work, workspace, &action, (command, seen), actor).await?;
        match command {
            LockCommand::Unlock(_) => outcome.unlocked = done,
            _ => outcome.changed = done,
        }
        if done {
            let id = action.id;
            action = actions::lock_by_id(&mut work, workspace, id).await?.ok_or(Rejection::UnknownAction)?;
        }
    }
    work.commit().await?;
    Ok(outcome)
}

async fn attempt(
    service: &Service,
    workspace: WorkspaceId,
    path: (&IntegrationKey, &ActionKey),
    command: (LockCommand, Seen),
    actor: &Actor,
) -> Result<bool, ServiceError> {
    let (mut work, action) = for_path(service, workspace, path).await?;
    let changed = apply(&mut work, workspace, &action, command, actor).await?;
    work.commit().await?;
    Ok(changed)
}

/// Begins a unit of work for an operator who names an action, and locks the action's row.
pub(super) async fn for_path(
    service: &Service,
    workspace: WorkspaceId,
    (integration, key): (&IntegrationKey, &ActionKey),
) -> Result<(UnitOfWork, LockedAction), ServiceError> {
    let mut work = service.begin().await?;
    storage::tables::workspaces::hold(&mut work, workspace).await?;
    let action = actions::lock(&mut work, workspace, integration, key).await?;
    Ok((work, action.ok_or(Rejection::UnknownAction)?))
}

/// Begins a unit of work for an admin's click. One who has left the workspace can only take permissions away; anything
/// else is refused, and audited.
pub(super) async fn for_admin(
    service: &Service,
    origin: Origin<'_>,
    admin: &UserId,
    only_takes_away: bool,
) -> Result<(UnitOfWork, WorkspaceId), ServiceError> {
    let mut work = service.begin().await?;
    let Entered { id: workspace, left_at, .. } = workspaces::enter(&mut work, origin, admin).await?;
    if !only_takes_away && recent_leavers::has_left(left_at, work.now()) {
        return work.refuse(unlocking::refuse(workspace, admin)).await;
    }
    Ok((work, workspace))
}

/// Like [`set_lock`], for an admin's click. The caller has just checked the admin's rights.
#[tracing::instrument(name = "set_lock_by_admin", skip_all, fields(workspace = origin.workspace, user = %admin, action = %action))]
pub async fn set_by_admin(
    service: &Service,
    origin: Origin<'_>,
    action: ActionId,
    command: (LockCommand, Seen),
    admin: &UserId,
) -> Result<bool, ServiceError> {
    retrying!(attempt_by_admin(service, origin, action, command, admin))
}

async fn attempt_by_admin(
    service: &Service,
    origin: Origin<'_>,
    action: ActionId,
    command: (LockCommand, Seen),
    admin: &UserId,
) -> Result<bool, ServiceError> {
    let (mut work, workspace) = for_admin(service, origin, admin, command.0.only_takes_away()).await?;
    let action = actions::lock_by_id(&mut work, workspace, action).await?.ok_or(Rejection::UnknownAction)?;
    let result = apply(&mut work, workspace, &action, command, &Actor::User(admin.clone())).await;
    if matches!(result, Ok(false) | Err(ServiceError::Rejected(Rejection::ChangedSinceShown))) {
        // The admin asked for the state that it has already, or saw another description: their screen is out of date.
        work.redraw(Redraw::home(workspace, admin));
    }
    if matches!(result, Ok(_) | Err(ServiceError::Rejected(_))) {
        work.commit().await?;
    }
    result
}

/// Changes the lock of a locked row in the caller's unit of work, with everything that follows. A rejection has changed
/// nothing.
pub(super) async fn apply(
    work: &mut UnitOfWork,
    workspace: WorkspaceId,
    action: &LockedAction,
    (command, seen): (LockCommand, Seen),
    actor: &Actor,
) -> Result<bool, ServiceError> {
    let Some(step) = unlocking::set_lock(action.lock, command, seen.is(action.version))? else {
        return Ok(false);
    };
    let (now, ids) = (work.now(), [action.id]);
    let open = match step {
        Step::Unlock(_) => unlock_requests::open_of(work, &ids).await?,
        Step::SetFor(_) | Step::Confirm | Step::Lock => Vec::new(),
    };
    let pending = storage::tables::approvals::pending_for_actions(work, &ids).await?;
    let change = work.record(unlocking::change_lock(workspace, action, step, actor, &open, &pending));
    actions::set_lock(work, &change, now).await?;
    unlock_requests::answer(work, &change, now).await?;
    let filter = GrantFilter { actions: Some(&ids), ..GrantFilter::default() };
    match step {
        Step::Lock => {
            turn_off::revoke(work, workspace, &filter, actor, Revocation::ActionLocked).await?;
        }
        Step::SetFor(UnlockedFor::Conversations) => {
            let filter = GrantFilter { beyond_conversations: true, ..filter };
            turn_off::revoke(work, workspace, &filter, actor, Revocation::OnlyConversations).await?;
        }
        Step::Unlock(_) | Step::SetFor(UnlockedFor::Always) | Step::Confirm => {}
    }
    Ok(true)
}
