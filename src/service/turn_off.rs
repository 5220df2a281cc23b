//! Ending grants: a user turns one off, or what it depends on changes.

use super::{
    Service, ServiceError, UnitOfWork, retrying,
    workspaces::{self, Origin},
};
use crate::{
    domain::{
        audit::Actor,
        effects::Redraw,
        ids::{ActionId, GrantId, UserId, WorkspaceId},
        rejection::Rejection,
        revocation,
        revocation::{Revocable, Revocation},
    },
    storage,
    storage::tables::grants::GrantFilter,
};

/// Turns one of the user's grants off. Once this returns, it approves nothing.
#[tracing::instrument(name = "turn_off", skip_all, fields(workspace = origin.workspace, user = %user, grant = %grant))]
pub async fn turn_off(
    service: &Service,
    origin: Origin<'_>,
    user: &UserId,
    grant: GrantId,
) -> Result<(), ServiceError> {
    retrying!(attempt(service, origin, user, grant))
}

async fn attempt(
    service: &Service,
    origin: Origin<'_>,
    user: &UserId,
    grant: GrantId,
) -> Result<(), ServiceError> {
    let mut work = service.begin().await?;
    let workspace = workspaces::enter(&mut work, origin, user).await?.id;
    let actor = Actor::User(user.clone());
    let filter = GrantFilter { id: Some(grant), user: Some(user), ..GrantFilter::default() };
    let revoked = revoke(&mut work, workspace, &filter, &actor, Revocation::TurnedOff).await?;
    if revoked.is_empty() {
        if let Some(owner) = storage::tables::grants::owner(&mut work, workspace, grant).await? {
            let rejection = Rejection::WrongPerson { owner };
            return work.refuse(revocation::refuse(workspace, user, grant, rejection)).await;
        }
        // The screen that offered the grant is out of date.
        work.redraw(Redraw::home(workspace, user));
        work.commit().await?;
        return Err(Rejection::UnknownGrant.into());
    }
    // Turning off an *always* grant ends the action's other grants too, so that the next call asks in every conversation.
    let always: Vec<ActionId> =
        revoked.iter().filter(|grant| grant.covers_every_call()).map(|grant| grant.action).collect();
    if !always.is_empty() {
        let filter = GrantFilter { user: Some(user), actions: Some(&always), ..GrantFilter::default() };
        revoke(&mut work, workspace, &filter, &actor, Revocation::TurnedOff).await?;
    }
    work.commit().await
}

/// Ends live grants in the caller's unit of work, with audit entries that name the actor and the reason. Also updates
/// the prompts that offer to turn these grants off.
pub(super) async fn revoke(
    work: &mut UnitOfWork,
    workspace: WorkspaceId,
    filter: &GrantFilter<'_>,
    actor: &Actor,
    why: Revocation,
) -> Result<Vec<Revocable>, ServiceError> {
    let live = storage::tables::grants::lock(work, workspace, filter).await?;
    if live.is_empty() {
        return Ok(live);
    }
    let ids: Vec<GrantId> = live.iter().map(|grant| grant.id).collect();
    let shown = storage::tables::approvals::that_left(work, &ids).await?;
    let Some(revoked) = revocation::revoke(workspace, live, &shown, actor, why) else {
        return Ok(Vec::new());
    };
    let (revoked, now) = (work.record(revoked), work.now());
    storage::tables::grants::revoke(work, &revoked, now).await?;
    Ok(revoked.into_state().grants)
}
