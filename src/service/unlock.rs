//! An admin says which actions may be auto-approved at all.

use serde_json::json;

use super::{
    Failure, Service, commit, retrying, turn_off,
    workspaces::{self, Origin},
};
use crate::{
    domain::{
        Rejection,
        audit::{Actor, Entry, What},
        grants::Revocation,
        ids::{ActionId, UserId, WorkspaceId},
        text::{ActionKey, IntegrationKey},
        unlocking::Answer,
    },
    storage::{
        self, Tx,
        actions::{self, Action},
        grants::Which,
        homes::Whose,
        outbox,
    },
};

/// What the admin wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Users may auto-approve it.
    Unlock,
    /// They may not, and what they allowed ends. Unlocking again does not bring it back.
    Lock,
}

/// Unlocks or locks an action. `false`: it was so already. When a lock has returned, no request is auto-approved by
/// a grant for the action.
pub async fn set(
    service: &Service,
    workspace: WorkspaceId,
    path: (&IntegrationKey, &ActionKey),
    wish: Wish,
    actor: &Actor,
) -> Result<bool, Failure> {
    retrying!(attempt(service, workspace, path, wish, actor))
}

async fn attempt(
    service: &Service,
    workspace: WorkspaceId,
    (integration, key): (&IntegrationKey, &ActionKey),
    wish: Wish,
    actor: &Actor,
) -> Result<bool, Failure> {
    let mut tx = service.begin().await?;
    storage::workspaces::hold(&mut tx, workspace).await?;
    let action =
        actions::lock(&mut tx, workspace, integration, key).await?.ok_or(Rejection::UnknownAction)?;
    let changed = apply(service, &mut tx, workspace, &action, wish, actor).await?;
    commit(tx).await?;
    Ok(changed)
}

/// The same by a click of an admin, whose rights the caller has just checked.
pub async fn set_by_admin(
    service: &Service,
    origin: Origin<'_>,
    action: ActionId,
    wish: Wish,
    admin: &UserId,
) -> Result<bool, Failure> {
    retrying!(attempt_by_admin(service, origin, action, wish, admin))
}

async fn attempt_by_admin(
    service: &Service,
    origin: Origin<'_>,
    action: ActionId,
    wish: Wish,
    admin: &UserId,
) -> Result<bool, Failure> {
    let mut tx = service.begin().await?;
    let workspace = workspaces::enter(service, &mut tx, origin, admin).await?.id;
    let action = actions::lock_by_id(&mut tx, workspace, action).await?.ok_or(Rejection::UnknownAction)?;
    let changed = apply(service, &mut tx, workspace, &action, wish, &Actor::User(admin.clone())).await?;
    if !changed {
        // Whoever wanted what is so already looks at a screen that is behind.
        service.refresh(&mut tx, workspace, Whose::Users(std::slice::from_ref(admin))).await?;
    }
    commit(tx).await?;
    Ok(changed)
}

/// Changes a locked row's lock within the caller's transaction, with everything that follows from it.
pub(super) async fn apply(
    service: &Service,
    tx: &mut Tx,
    workspace: WorkspaceId,
    action: &Action,
    wish: Wish,
    actor: &Actor,
) -> Result<bool, Failure> {
    let now = service.now();
    let wanted = wish == Wish::Unlock;
    if action.retired_at.is_some() {
        return Err(Rejection::UnknownAction.into());
    }
    if action.unlocked_at.is_some() == wanted {
        return Ok(false);
    }
    let id = ActionId::new(action.id);
    let by = actor.id().unwrap_or_else(|| actor.kind().to_owned());
    actions::set_unlocked(tx, id, wanted.then_some((now, by.as_str()))).await?;
    let what = if wanted { What::ActionUnlocked } else { What::ActionLocked };
    let entry = Entry::new(actor.clone(), what)
        .subject(format!("{}.{}", action.integration, action.key))
        .before(json!({ "unlocked": !wanted }))
        .after(json!({ "unlocked": wanted }));
    storage::audit::record(tx, workspace, now, &[entry]).await?;
    match wish {
        Wish::Lock => {
            let which = Which { actions: Some(&[id]), ..Which::default() };
            turn_off::revoke(service, tx, workspace, &which, actor, Revocation::ActionLocked).await?;
        }
        // Whoever asked for it hears of it, however it came about.
        Wish::Unlock => {
            let requests = storage::unlock_requests::answer(tx, &[id], Answer::Unlocked, &by, now).await?;
            outbox::tell_of_unlocking(tx, workspace, &requests, now, || service.fresh()).await?;
        }
    }
    let pending = storage::approvals::pending_for_actions(tx, &[id]).await?;
    outbox::draw_again(tx, workspace, &pending, now, || service.fresh()).await?;
    service.refresh(tx, workspace, Whose::Everybody).await?;
    Ok(true)
}
