//! An admin says which actions may be auto-approved at all.

use serde_json::json;

use super::{Failure, Service, commit, retrying, turn_off};
use crate::{
    domain::{
        Rejection,
        audit::{Actor, Entry, What},
        grants::Revocation,
        ids::{ActionId, WorkspaceId},
        text::{ActionKey, IntegrationKey},
    },
    storage::{self, actions, grants::Which, outbox},
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
    let now = service.now();
    let action =
        actions::lock(&mut tx, workspace, integration, key).await?.ok_or(Rejection::UnknownAction)?;
    let wanted = wish == Wish::Unlock;
    if action.retired_at.is_some() {
        return Err(Rejection::UnknownAction.into());
    }
    if action.unlocked_at.is_some() == wanted {
        return Ok(false);
    }
    let id = ActionId::new(action.id);
    let by = actor.id().unwrap_or_else(|| actor.kind().to_owned());
    actions::set_unlocked(&mut tx, id, wanted.then_some((now, by.as_str()))).await?;
    let what = if wanted { What::ActionUnlocked } else { What::ActionLocked };
    let entry = Entry::new(actor.clone(), what)
        .subject(format!("{integration}.{key}"))
        .before(json!({ "unlocked": !wanted }))
        .after(json!({ "unlocked": wanted }));
    storage::audit::record(&mut tx, workspace, now, &[entry]).await?;
    if wish == Wish::Lock {
        let which = Which { actions: Some(&[id]), ..Which::default() };
        turn_off::revoke(service, &mut tx, workspace, &which, actor, Revocation::ActionLocked).await?;
    }
    let pending = storage::approvals::pending_for_action(&mut tx, id).await?;
    outbox::draw_again(&mut tx, workspace, &pending, now, || service.fresh()).await?;
    commit(tx).await?;
    Ok(true)
}
