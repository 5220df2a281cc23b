//! An admin says which actions may be auto-approved at all.

use serde_json::json;

use super::{
    Failure, Service, commit, members, retrying, settings, turn_off,
    workspaces::{self, Origin},
};
pub use crate::domain::unlocking::Wish;
use crate::{
    domain::{
        Rejection,
        audit::{Actor, Entry, What},
        grants::Revocation,
        ids::{ActionId, ActionVersionId, UserId, WorkspaceId},
        text::{ActionKey, IntegrationKey},
        unlocking::{self, Answer, Step},
    },
    storage::{
        self, Tx,
        actions::{self, Locked},
        grants::Which,
        homes::Whose,
        outbox,
        workspaces::Entered,
    },
};

/// The description that an admin saw when they clicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Whatever it is now: for an operator, who names the action.
    Present,
    /// This one.
    Version(ActionVersionId),
    /// It is not known which: the button was drawn by a version of the program that did not say.
    Unknown,
}

impl Seen {
    /// What a button says.
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

/// Unlocks, confirms or locks an action. `false`: it was so already. When a lock has returned, no request is auto-approved
/// by a grant for the action.
pub async fn set(
    service: &Service,
    workspace: WorkspaceId,
    path: (&IntegrationKey, &ActionKey),
    wish: Wish,
    actor: &Actor,
) -> Result<bool, Failure> {
    set_seen(service, workspace, path, (wish, Seen::Present), actor).await
}

/// The same, where it depends on the description that was seen.
pub async fn set_seen(
    service: &Service,
    workspace: WorkspaceId,
    path: (&IntegrationKey, &ActionKey),
    wish: (Wish, Seen),
    actor: &Actor,
) -> Result<bool, Failure> {
    retrying!(attempt(service, workspace, path, wish, actor))
}

async fn attempt(
    service: &Service,
    workspace: WorkspaceId,
    (integration, key): (&IntegrationKey, &ActionKey),
    wish: (Wish, Seen),
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
    wish: (Wish, Seen),
    admin: &UserId,
) -> Result<bool, Failure> {
    retrying!(attempt_by_admin(service, origin, action, wish, admin))
}

async fn attempt_by_admin(
    service: &Service,
    origin: Origin<'_>,
    action: ActionId,
    wish: (Wish, Seen),
    admin: &UserId,
) -> Result<bool, Failure> {
    let mut tx = service.begin().await?;
    let Entered { id: workspace, left_at, .. } = workspaces::enter(service, &mut tx, origin, admin).await?;
    if wish.0 != Wish::Lock && members::has_left(left_at, service.now()) {
        settings::refuse(service, tx, workspace, admin, What::AdminRefused, &Rejection::NotAdmin).await?;
        return Err(Rejection::NotAdmin.into());
    }
    let action = actions::lock_by_id(&mut tx, workspace, action).await?.ok_or(Rejection::UnknownAction)?;
    let result = apply(service, &mut tx, workspace, &action, wish, &Actor::User(admin.clone())).await;
    if matches!(result, Ok(false) | Err(Failure::Rejected(Rejection::ChangedSinceShown))) {
        // Whoever wanted what is so already, or saw another description, looks at a screen that is behind.
        service.refresh(&mut tx, workspace, Whose::Users(std::slice::from_ref(admin))).await?;
    }
    if matches!(result, Ok(_) | Err(Failure::Rejected(_))) {
        commit(tx).await?;
    }
    result
}

/// Changes a locked row's lock within the caller's transaction, with everything that follows from it. A refusal has
/// changed nothing.
pub(super) async fn apply(
    service: &Service,
    tx: &mut Tx,
    workspace: WorkspaceId,
    action: &Locked,
    (wish, seen): (Wish, Seen),
    actor: &Actor,
) -> Result<bool, Failure> {
    let now = service.now();
    let Some(step) = unlocking::set_lock(action.lock, wish, seen.is(action.version))? else {
        return Ok(false);
    };
    let id = action.id;
    let by = actor.id().unwrap_or_else(|| actor.kind().to_owned());
    let (what, before, after) = match step {
        Step::Unlock => {
            actions::set_unlocked(tx, id, Some((now, by.as_str()))).await?;
            let after = json!({ "unlocked": true, "version": action.version });
            (What::ActionUnlocked, json!({ "unlocked": false }), after)
        }
        Step::Confirm => {
            actions::confirm(tx, id).await?;
            let before = json!({ "version": action.confirmed });
            (What::ActionConfirmed, before, json!({ "version": action.version }))
        }
        Step::Lock => {
            actions::set_unlocked(tx, id, None).await?;
            (What::ActionLocked, json!({ "unlocked": true }), json!({ "unlocked": false }))
        }
    };
    let entry = Entry::new(actor.clone(), what)
        .subject(format!("{}.{}", action.integration, action.key))
        .before(before)
        .after(after);
    storage::audit::record(tx, workspace, now, &[entry]).await?;
    match step {
        Step::Lock => {
            let which = Which { actions: Some(&[id]), ..Which::default() };
            turn_off::revoke(service, tx, workspace, &which, actor, Revocation::ActionLocked).await?;
        }
        // Whoever asked for it hears of it, however it came about.
        Step::Unlock => {
            let requests = storage::unlock_requests::answer(tx, &[id], Answer::Unlocked, &by, now).await?;
            outbox::tell_of_unlocking(tx, workspace, &requests, now, || service.fresh()).await?;
        }
        Step::Confirm => {}
    }
    let pending = storage::approvals::pending_for_actions(tx, &[id]).await?;
    outbox::draw_again(tx, workspace, &pending, now, || service.fresh()).await?;
    service.refresh(tx, workspace, Whose::Everybody).await?;
    Ok(true)
}
