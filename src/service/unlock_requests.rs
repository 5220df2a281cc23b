//! Requests to unlock an action: users ask, and one admin's answer counts for all who asked.

use super::{
    Service, ServiceError, retrying,
    unlock::{self, LockCommand, Seen},
    workspaces::{self, Origin},
};
use crate::{
    domain::{
        audit::Actor,
        catalog::{Lock, UnlockedFor},
        effects::Redraw,
        ids::{ActionId, UnlockRequestId, UserId},
        people::ActingUser,
        rejection::Rejection,
        settings,
        unlock_answer::Resolution,
        unlocking,
    },
    storage,
    storage::tables::{actions, unlock_requests},
};

/// An admin's answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Unlock the action for this, as the admin saw it described.
    Unlock(UnlockedFor, Seen),
    /// Leave it locked.
    Decline,
}

impl Answer {
    const fn resolution(self) -> Resolution {
        match self {
            Self::Unlock(..) => Resolution::Unlocked,
            Self::Decline => Resolution::Declined,
        }
    }
}

/// Records a user's request to unlock an action. `false` if the user has an unanswered one. Admins are notified of an
/// action once, however many users ask.
#[tracing::instrument(name = "request_unlock", skip_all, fields(workspace = origin.workspace, user = %acting_user.user, action = %action))]
pub async fn ask(
    service: &Service,
    origin: Origin<'_>,
    acting_user: &ActingUser,
    action: ActionId,
) -> Result<bool, ServiceError> {
    retrying!(try_ask(service, origin, acting_user, action))
}

async fn try_ask(
    service: &Service,
    origin: Origin<'_>,
    acting_user: &ActingUser,
    action: ActionId,
) -> Result<bool, ServiceError> {
    let mut work = service.begin().await?;
    let now = work.now();
    let workspace = workspaces::enter(&mut work, origin, &acting_user.user).await?.id;
    let known = actions::lock_by_id(&mut work, workspace, action).await?;
    let known = known.filter(|known| known.lock != Lock::Retired).ok_or(Rejection::UnknownAction)?;
    if let Err(rejection) = unlocking::may_ask(acting_user, known.lock) {
        return work.refuse(settings::refuse(workspace, &acting_user.user, rejection)).await;
    }
    let open = unlock_requests::open_of(&mut work, &[action]).await?.pop();
    if open.as_ref().is_some_and(|open| open.askers.contains(&acting_user.user)) {
        return Ok(false);
    }
    let (open, new_id) = (open.map(|open| open.id), UnlockRequestId::new(service.new_id()));
    let pending = storage::tables::approvals::pending_for_actions(&mut work, &[action]).await?;
    let asking = unlocking::ask(workspace, &known, &acting_user.user, open, new_id, &pending);
    let asking = work.record(asking);
    unlock_requests::ask(&mut work, &asking, now).await?;
    work.commit().await?;
    Ok(true)
}

/// Records an admin's answer. The caller has just checked the admin's rights. Each user who asked is notified once. If
/// the description is no longer the one that the admin saw, nothing is unlocked.
#[tracing::instrument(name = "answer_unlock_request", skip_all, fields(workspace = origin.workspace, user = %admin, request = %request))]
pub async fn answer(
    service: &Service,
    origin: Origin<'_>,
    admin: &UserId,
    request: UnlockRequestId,
    answer: Answer,
) -> Result<(), ServiceError> {
    retrying!(try_answer(service, origin, admin, request, answer))
}

async fn try_answer(
    service: &Service,
    origin: Origin<'_>,
    admin: &UserId,
    request: UnlockRequestId,
    answer: Answer,
) -> Result<(), ServiceError> {
    let only_takes_away = matches!(answer, Answer::Decline);
    let (mut work, workspace) = unlock::for_admin(service, origin, admin, only_takes_away).await?;
    let now = work.now();
    let action = unlock_requests::action_of(&mut work, workspace, request)
        .await?
        .ok_or(Rejection::UnknownUnlockRequest)?;
    // The lock on the action's row orders all requests, answers, unlocks and locks.
    let known = actions::lock_by_id(&mut work, workspace, action).await?.ok_or(Rejection::UnknownAction)?;
    let answered = unlock_requests::answer_of(&mut work, request).await?;
    let as_shown = || {
        let is = match answer {
            Answer::Unlock(_, seen) => seen.is(known.version),
            Answer::Decline => true,
        };
        if is { Ok(()) } else { Err(Rejection::ChangedSinceShown) }
    };
    if let Err(rejection) = unlocking::still_open(answered.as_ref()).and_then(|()| as_shown()) {
        work.redraw(Redraw::unlock_request(workspace, request).and_home(admin));
        work.commit().await?;
        if answered.is_some_and(|answered| unlocking::repeats(&answered, answer.resolution(), admin)) {
            return Ok(());
        }
        return Err(rejection.into());
    }
    if let Answer::Unlock(what, seen) = answer {
        let actor = Actor::User(admin.clone());
        unlock::apply(&mut work, workspace, &known, (LockCommand::Unlock(what), seen), &actor).await?;
    } else {
        let open = unlock_requests::open_of(&mut work, &[action]).await?;
        let pending = storage::tables::approvals::pending_for_actions(&mut work, &[action]).await?;
        let declined = unlocking::decline(workspace, &known, admin, request, &open, &pending);
        let declined = work.record(declined);
        unlock_requests::answer(&mut work, &declined, now).await?;
    }
    work.commit().await
}
