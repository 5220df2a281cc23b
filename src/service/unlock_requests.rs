//! Users ask the admins to unlock an action, and one admin answers for all who asked.

use serde_json::json;

use super::{
    Failure, Service, commit, members, retrying, settings,
    unlock::{self, Seen, Wish},
    workspaces::{self, Origin},
};
use crate::{
    domain::{
        Rejection,
        audit::{Actor, Entry, What},
        catalog::Lock,
        decisions::Clicker,
        ids::{ActionId, UnlockRequestId, UserId, WorkspaceId},
        unlocking::{self, Answer},
    },
    storage::{self, actions, homes::Whose, outbox, unlock_requests, workspaces::Entered},
};

/// Asks. `false`: they had asked before, and have no answer yet. Each admin hears of an action once, however many ask.
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
    let mut tx = service.begin().await?;
    let now = service.now();
    let workspace = workspaces::enter(service, &mut tx, origin, &clicker.user).await?.id;
    let known = actions::lock_by_id(&mut tx, workspace, action).await?;
    let known = known.filter(|known| known.lock != Lock::Retired).ok_or(Rejection::UnknownAction)?;
    if let Err(rejection) = unlocking::may_ask(clicker, known.lock) {
        settings::refuse(service, tx, workspace, &clicker.user, What::SettingsRefused, &rejection).await?;
        return Err(rejection.into());
    }
    let fresh = UnlockRequestId::new(service.fresh());
    let request = unlock_requests::find_or_open(&mut tx, fresh, workspace, action, now).await?;
    if !unlock_requests::join(&mut tx, request, &clicker.user, now).await? {
        return Ok(false);
    }
    let entry = Entry::new(Actor::User(clicker.user.clone()), What::UnlockRequested)
        .subject(format!("{}.{}", known.integration, known.key))
        .after(json!({ "request": request }));
    storage::audit::record(&mut tx, workspace, now, &[entry]).await?;
    outbox::tell_of_unlocking(&mut tx, workspace, &[(request, Vec::new())], now, || service.fresh()).await?;
    draw(service, &mut tx, workspace, action, std::slice::from_ref(&clicker.user)).await?;
    commit(tx).await?;
    Ok(true)
}

/// An admin answers, whose rights the caller has just checked. Everybody who asked hears it once. Unlocked is the
/// description that the admin saw, or nothing.
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
    let mut tx = service.begin().await?;
    let now = service.now();
    let Entered { id: workspace, left_at, .. } = workspaces::enter(service, &mut tx, origin, admin).await?;
    if wish == Answer::Unlocked && members::has_left(left_at, now) {
        settings::refuse(service, tx, workspace, admin, What::AdminRefused, &Rejection::NotAdmin).await?;
        return Err(Rejection::NotAdmin.into());
    }
    let action = unlock_requests::action_of(&mut tx, workspace, request)
        .await?
        .ok_or(Rejection::UnknownUnlockRequest)?;
    // The action's lock orders all who ask, answer, unlock and lock.
    let known = actions::lock_by_id(&mut tx, workspace, action).await?.ok_or(Rejection::UnknownAction)?;
    let answered = unlock_requests::answer_of(&mut tx, request).await?;
    let as_shown = || {
        let is = wish != Answer::Unlocked || seen.is(known.version);
        if is { Ok(()) } else { Err(Rejection::ChangedSinceShown) }
    };
    if let Err(rejection) = unlocking::still_open(answered.as_ref()).and_then(|()| as_shown()) {
        outbox::tell_of_unlocking(&mut tx, workspace, &[(request, Vec::new())], now, || service.fresh())
            .await?;
        service.refresh(&mut tx, workspace, Whose::Users(std::slice::from_ref(admin))).await?;
        commit(tx).await?;
        if answered.is_some_and(|answered| unlocking::repeats(&answered, wish, admin)) {
            return Ok(());
        }
        return Err(rejection.into());
    }
    let actor = Actor::User(admin.clone());
    if wish == Answer::Unlocked {
        unlock::apply(service, &mut tx, workspace, &known, (Wish::Unlock, seen), &actor).await?;
    } else {
        let told = unlock_requests::answer(&mut tx, &[action], Answer::Declined, admin.as_str(), now).await?;
        let entry = Entry::new(actor, What::UnlockDeclined)
            .subject(format!("{}.{}", known.integration, known.key))
            .after(json!({ "request": request }));
        storage::audit::record(&mut tx, workspace, now, &[entry]).await?;
        outbox::tell_of_unlocking(&mut tx, workspace, &told, now, || service.fresh()).await?;
        let users: Vec<UserId> = told.into_iter().flat_map(|(_, users)| users).collect();
        draw(service, &mut tx, workspace, action, &users).await?;
    }
    commit(tx).await
}

/// Has what shows that somebody asked drawn again: their pending prompts, their Home tabs and the admins'.
async fn draw(
    service: &Service,
    tx: &mut storage::Tx,
    workspace: WorkspaceId,
    action: ActionId,
    users: &[UserId],
) -> Result<(), Failure> {
    let pending = storage::approvals::pending_for_actions(tx, &[action]).await?;
    outbox::draw_again(tx, workspace, &pending, service.now(), || service.fresh()).await?;
    service.refresh(tx, workspace, Whose::Users(users)).await?;
    service.refresh(tx, workspace, Whose::Admins).await
}
