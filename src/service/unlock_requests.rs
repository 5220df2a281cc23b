//! Users ask the admins to unlock an action, and one admin answers for all who asked.

use super::{
    Failure, Service, members, retrying,
    unlock::{self, Seen, Wish},
    workspaces::{self, Origin},
};
use crate::{
    domain::{
        audit::Actor,
        catalog::Lock,
        effects::Redraw,
        ids::{ActionId, UnlockRequestId, UserId},
        people::Clicker,
        rejection::Rejection,
        settings,
        unlock_answer::Answer,
        unlocking,
    },
    storage,
    storage::tables::{actions, unlock_requests, workspaces::Entered},
};

/// Asks. `false`: they had asked before, and have no answer yet. Each admin hears of an action once, however many ask.
#[tracing::instrument(name = "request_unlock", skip_all, fields(workspace = origin.workspace, user = %clicker.user, action = %action))]
pub async fn ask(
    service: &Service,
    origin: Origin<'_>,
    clicker: &Clicker,
    action: ActionId,
) -> Result<bool, Failure> {
    retrying!(try_ask(service, origin, clicker, action))
}

async fn try_ask(
    service: &Service,
    origin: Origin<'_>,
    clicker: &Clicker,
    action: ActionId,
) -> Result<bool, Failure> {
    let mut work = service.begin().await?;
    let now = work.now();
    let workspace = workspaces::enter(&mut work, origin, &clicker.user).await?.id;
    let known = actions::lock_by_id(&mut work, workspace, action).await?;
    let known = known.filter(|known| known.lock != Lock::Retired).ok_or(Rejection::UnknownAction)?;
    if let Err(rejection) = unlocking::may_ask(clicker, known.lock) {
        return work.refuse(settings::refuse(workspace, &clicker.user, rejection)).await;
    }
    let open = unlock_requests::open_of(&mut work, &[action]).await?.pop();
    if open.as_ref().is_some_and(|open| open.askers.contains(&clicker.user)) {
        return Ok(false);
    }
    let (open, fresh) = (open.map(|open| open.id), UnlockRequestId::new(service.fresh()));
    let pending = storage::tables::approvals::pending_for_actions(&mut work, &[action]).await?;
    let asking = unlocking::ask(workspace, &known, &clicker.user, open, fresh, &pending);
    let asking = work.record(asking);
    unlock_requests::ask(&mut work, &asking, now).await?;
    work.commit().await?;
    Ok(true)
}

/// An admin answers, whose rights the caller has just checked. Everybody who asked hears it once. Unlocked is the
/// description that the admin saw, or nothing.
#[tracing::instrument(name = "answer_unlock_request", skip_all, fields(workspace = origin.workspace, user = %admin, request = %request))]
pub async fn answer(
    service: &Service,
    origin: Origin<'_>,
    admin: &UserId,
    request: UnlockRequestId,
    answer: (Answer, Seen),
) -> Result<(), Failure> {
    retrying!(try_answer(service, origin, admin, request, answer))
}

async fn try_answer(
    service: &Service,
    origin: Origin<'_>,
    admin: &UserId,
    request: UnlockRequestId,
    (wish, seen): (Answer, Seen),
) -> Result<(), Failure> {
    let mut work = service.begin().await?;
    let now = work.now();
    let Entered { id: workspace, left_at, .. } = workspaces::enter(&mut work, origin, admin).await?;
    if wish == Answer::Unlocked && members::has_left(left_at, now) {
        return work.refuse(unlocking::refuse(workspace, admin)).await;
    }
    let action = unlock_requests::action_of(&mut work, workspace, request)
        .await?
        .ok_or(Rejection::UnknownUnlockRequest)?;
    // The action's lock orders all who ask, answer, unlock and lock.
    let known = actions::lock_by_id(&mut work, workspace, action).await?.ok_or(Rejection::UnknownAction)?;
    let answered = unlock_requests::answer_of(&mut work, request).await?;
    let as_shown = || {
        let is = wish != Answer::Unlocked || seen.is(known.version);
        if is { Ok(()) } else { Err(Rejection::ChangedSinceShown) }
    };
    if let Err(rejection) = unlocking::still_open(answered.as_ref()).and_then(|()| as_shown()) {
        work.redraw(Redraw::unlock_request(workspace, request).and_home(admin));
        work.commit().await?;
        if answered.is_some_and(|answered| unlocking::repeats(&answered, wish, admin)) {
            return Ok(());
        }
        return Err(rejection.into());
    }
    if wish == Answer::Unlocked {
        let actor = Actor::User(admin.clone());
        unlock::apply(&mut work, workspace, &known, (Wish::Unlock, seen), &actor).await?;
    } else {
        let open = unlock_requests::open_of(&mut work, &[action]).await?;
        let pending = storage::tables::approvals::pending_for_actions(&mut work, &[action]).await?;
        let declined = unlocking::decline(workspace, &known, admin, request, &open, &pending);
        let declined = work.record(declined);
        unlock_requests::answer(&mut work, &declined, now).await?;
    }
    work.commit().await
}
