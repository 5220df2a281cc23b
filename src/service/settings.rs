//! A user's own settings: auto-approval turned on or off without waiting for a prompt.
//!
//! Whose settings are changed is never said by what was clicked, only by who clicked.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{
    Failure, Service, commit, members, retrying, turn_off,
    workspaces::{self, Origin},
};
use crate::{
    domain::{
        Rejection,
        approvals::Approval,
        audit::{Actor, Entry, What},
        catalog::ActionRef,
        decisions::Clicker,
        effects::Effect,
        grants::Revocation,
        ids::{ActionId, GrantId, IntegrationId, UserId, WorkspaceId},
        overview::{IntegrationLine, Page, RECENT, SettingLine, WaitingLine},
        settings::{self, Wish},
    },
    storage::{self, Tx, grants::Which, homes::Whose, overview, workspaces::Entered},
};

/// What became of a wish.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// Of which action.
    pub action: ActionRef,
    /// `false`: it was so already, or a later click of the same user was taken before.
    pub changed: bool,
}

/// Turns auto-approval of an action on or off for whoever clicked. Turned off, no request is approved by any of their
/// grants for it from the moment this returns. `clicked_at` is Slack's time of a click on a toggle: of two quick ones
/// the later counts, whichever arrives first.
pub async fn set(
    service: &Service,
    origin: Origin<'_>,
    clicker: &Clicker,
    action: ActionId,
    wish: Wish,
    clicked_at: Option<DateTime<Utc>>,
) -> Result<Changed, Failure> {
    retrying!(attempt(service, origin, clicker, action, wish, clicked_at))
}

async fn attempt(
    service: &Service,
    origin: Origin<'_>,
    clicker: &Clicker,
    action: ActionId,
    wish: Wish,
    clicked_at: Option<DateTime<Utc>>,
) -> Result<Changed, Failure> {
    let mut tx = service.begin().await?;
    let now = service.now();
    let user = &clicker.user;
    let Entered { id: workspace, left_at, .. } = workspaces::enter(service, &mut tx, origin, user).await?;
    let clicker = &members::as_known(clicker, left_at, now);
    // Taking back is always allowed: whoever is no member any more may still have allowed something as one.
    if wish == Wish::On
        && let Err(rejection) = settings::may_change(clicker)
    {
        refuse(service, tx, workspace, user, What::SettingsRefused, &rejection).await?;
        return Err(rejection.into());
    }
    let ground =
        storage::settings::lock(&mut tx, workspace, action, user).await?.ok_or(Rejection::UnknownAction)?;
    if let Some(clicked_at) = clicked_at
        && !storage::settings::take_turn(&mut tx, action, user, clicked_at).await?
    {
        return Ok(Changed { action: ground.action, changed: false });
    }
    let changed = match wish {
        Wish::On => {
            let fresh = GrantId::new(service.fresh());
            let judged = settings::turn_on(
                workspace,
                &ground.action,
                clicker,
                ground.standing,
                ground.existing,
                fresh,
                now,
            );
            let effects = match judged {
                Ok(effects) => effects,
                Err(rejection) => {
                    service.refresh(&mut tx, workspace, Whose::Users(std::slice::from_ref(user))).await?;
                    commit(tx).await?;
                    return Err(rejection.into());
                }
            };
            save(&mut tx, workspace, now, &effects).await?;
            if !effects.is_empty() {
                service.refresh(&mut tx, workspace, Whose::Users(std::slice::from_ref(user))).await?;
            }
            !effects.is_empty()
        }
        Wish::Off => {
            let which = Which { user: Some(user), actions: Some(&[action]), ..Which::default() };
            !revoke(service, &mut tx, workspace, user, &which).await?.is_empty()
        }
    };
    commit(tx).await?;
    Ok(Changed { action: ground.action, changed })
}

async fn save(
    tx: &mut Tx,
    workspace: WorkspaceId,
    now: DateTime<Utc>,
    effects: &[Effect],
) -> Result<(), Failure> {
    for effect in effects {
        match effect {
            Effect::Give(grant) => storage::settings::give(tx, grant).await?,
            Effect::Record(entry) => {
                storage::audit::record(tx, workspace, now, std::slice::from_ref(entry)).await?;
            }
            // A toggle concerns no approval.
            Effect::Use(_) | Effect::Draw | Effect::Refresh(_) | Effect::Tell { .. } => {}
        }
    }
    Ok(())
}

async fn revoke(
    service: &Service,
    tx: &mut Tx,
    workspace: WorkspaceId,
    user: &UserId,
    which: &Which<'_>,
) -> Result<Vec<storage::grants::Revoked>, Failure> {
    let actor = Actor::User(user.clone());
    turn_off::revoke(service, tx, workspace, which, &actor, Revocation::TurnedOff).await
}

/// Ends everything that the user allowed; says how many grants that were.
pub async fn turn_all_off(service: &Service, origin: Origin<'_>, user: &UserId) -> Result<usize, Failure> {
    retrying!(try_all_off(service, origin, user))
}

async fn try_all_off(service: &Service, origin: Origin<'_>, user: &UserId) -> Result<usize, Failure> {
    let mut tx = service.begin().await?;
    let workspace = workspaces::enter(service, &mut tx, origin, user).await?.id;
    let which = Which { user: Some(user), ..Which::default() };
    let count = revoke(service, &mut tx, workspace, user, &which).await?.len();
    commit(tx).await?;
    Ok(count)
}

/// Notes in the audit that somebody tried what they may not.
pub(super) async fn refuse(
    service: &Service,
    mut tx: Tx,
    workspace: WorkspaceId,
    user: &UserId,
    what: What,
    rejection: &Rejection,
) -> Result<(), Failure> {
    let entry = Entry::new(Actor::User(user.clone()), what).after(json!({ "why": rejection.code() }));
    storage::audit::record(&mut tx, workspace, service.now(), &[entry]).await?;
    service.refresh(&mut tx, workspace, Whose::Users(std::slice::from_ref(user))).await?;
    commit(tx).await
}

/// Notes that somebody tried what only admins may.
pub async fn refuse_admin(service: &Service, origin: Origin<'_>, user: &UserId) -> Result<(), Failure> {
    let mut tx = service.begin().await?;
    let workspace = workspaces::enter(service, &mut tx, origin, user).await?.id;
    refuse(service, tx, workspace, user, What::AdminRefused, &Rejection::NotAdmin).await
}

/// The workspace of this Slack id, if the app is installed in it: for reading. What changes something enters it
/// ([`workspaces::enter`]).
pub(super) async fn workspace(
    db: &mut storage::PgConnection,
    slack_id: &str,
) -> Result<WorkspaceId, Failure> {
    match storage::workspaces::find_by_slack_id(db, slack_id).await? {
        Some(workspace) if !workspace.removed => Ok(workspace.id),
        _ => Err(Rejection::WorkspaceRemoved.into()),
    }
}

/// The integrations as this user sees them.
pub async fn integrations(
    service: &Service,
    slack_id: &str,
    user: &UserId,
    page: usize,
) -> Result<Page<IntegrationLine>, Failure> {
    let mut db = service.db.acquire().await?;
    let workspace = workspace(&mut db, slack_id).await?;
    Ok(overview::integrations(&mut db, workspace, user, page).await?)
}

/// What stands behind an integration's gear.
pub async fn behind_gear(
    service: &Service,
    slack_id: &str,
    user: &UserId,
    integration: IntegrationId,
) -> Result<(IntegrationLine, Vec<SettingLine>), Failure> {
    let mut db = service.db.acquire().await?;
    let workspace = workspace(&mut db, slack_id).await?;
    let line = overview::integration(&mut db, workspace, user, integration)
        .await?
        .ok_or(Rejection::UnknownIntegration)?;
    let settings = overview::settings(&mut db, workspace, user, integration, service.now()).await?;
    Ok((line, settings))
}

/// What waits for the user, oldest first.
pub async fn waiting(service: &Service, slack_id: &str, user: &UserId) -> Result<Page<WaitingLine>, Failure> {
    let mut db = service.db.acquire().await?;
    let workspace = workspace(&mut db, slack_id).await?;
    Ok(overview::waiting(&mut db, workspace, user, 0).await?)
}

/// What ended lately, newest first.
pub async fn history(service: &Service, slack_id: &str, user: &UserId) -> Result<Page<Approval>, Failure> {
    let mut db = service.db.acquire().await?;
    let workspace = workspace(&mut db, slack_id).await?;
    Ok(overview::decisions(&mut db, workspace, user, 0, RECENT).await?)
}

/// How many actions are compared with a name that is none.
const COMPARED: i64 = 10_000;

/// The action that a user names, or the paths of all, to find what was meant.
pub async fn find_action(
    service: &Service,
    slack_id: &str,
    path: &str,
) -> Result<Result<ActionId, Vec<String>>, Failure> {
    let mut db = service.db.acquire().await?;
    let workspace = workspace(&mut db, slack_id).await?;
    if let Some((integration, action)) = path.split_once('.')
        && let Some(id) = storage::settings::find_action(&mut db, workspace, integration, action).await?
    {
        return Ok(Ok(id));
    }
    Ok(Err(storage::settings::paths(&mut db, workspace, COMPARED).await?))
}
