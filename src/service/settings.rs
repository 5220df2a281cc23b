//! A user's settings: turning auto-approval on or off without waiting for a prompt.
//!
//! The user whose settings change is always the one who clicked. A click's content never names the user.

use chrono::{DateTime, Utc};

use super::{
    Service, ServiceError, UnitOfWork, action_paths, policies, recent_leavers, retrying, turn_off,
    workspaces::{self, Origin},
};
use crate::{
    domain::{
        action_path::ActionPath,
        action_ref::ActionRef,
        audit::Actor,
        effects::Redraw,
        ids::{ActionId, GrantId, IntegrationId, UserId, WorkspaceId},
        overview::{DecisionLine, HISTORY, IntegrationLine, LISTED, Page, RECENT, SettingLine, WaitingLine},
        people::ActingUser,
        rejection::Rejection,
        revocation::{Revocable, Revocation},
        settings,
        settings::Toggle,
        unlocking,
    },
    storage,
    storage::{
        read_models::overview,
        tables::{grants::GrantFilter, workspaces::Entered},
    },
};

/// The result of moving a toggle.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// The action that the toggle is for.
    pub action: ActionRef,
    /// Whether anything changed. `false` if the toggle was already there, or if a later click of the user came first.
    pub changed: bool,
}

/// Turns auto-approval of an action on or off for the user who clicked. Once turning off returns, none of the user's
/// grants for the action approves anything. `clicked_at` is Slack's time of the click: of two quick clicks the later
/// one counts, whichever arrives first.
#[tracing::instrument(name = "set_auto_approval", skip_all, fields(workspace = origin.workspace, user = %acting_user.user, action = %action))]
pub async fn set(
    service: &Service,
    origin: Origin<'_>,
    acting_user: &ActingUser,
    action: ActionId,
    toggle: Toggle,
    clicked_at: Option<DateTime<Utc>>,
) -> Result<Changed, ServiceError> {
    retrying!(attempt(service, origin, acting_user, action, toggle, clicked_at))
}

async fn attempt(
    service: &Service,
    origin: Origin<'_>,
    acting_user: &ActingUser,
    action: ActionId,
    toggle: Toggle,
    clicked_at: Option<DateTime<Utc>>,
) -> Result<Changed, ServiceError> {
    let mut work = service.begin().await?;
    let now = work.now();
    let user = &acting_user.user;
    let Entered { id: workspace, left_at, .. } = workspaces::enter(&mut work, origin, user).await?;
    let acting_user = &recent_leavers::as_known(acting_user, left_at, now);
    // Turning off is always allowed: a user who is no longer a member may have given grants as one.
    if toggle == Toggle::On
        && let Err(rejection) = settings::may_change(acting_user)
    {
        return work.refuse(settings::refuse(workspace, user, rejection)).await;
    }
    let context = storage::statements::settings::lock(&mut work, workspace, action, user)
        .await?
        .ok_or(Rejection::UnknownAction)?;
    if let Some(clicked_at) = clicked_at
        && !storage::statements::settings::take_turn(&mut work, action, user, clicked_at).await?
    {
        return Ok(Changed { action: context.action, changed: false });
    }
    let changed = match toggle {
        Toggle::On => {
            let fresh = GrantId::new(service.new_id());
            let judged = settings::turn_on(
                workspace,
                &context.action,
                acting_user,
                context.eligibility,
                context.existing,
                fresh,
                now,
            );
            let given = match judged {
                Ok(given) => given,
                Err(rejection) => {
                    // The screen that offered the toggle is out of date.
                    work.redraw(Redraw::home(workspace, user));
                    work.commit().await?;
                    return Err(rejection.into());
                }
            };
            let changed = given.is_some();
            if let Some(given) = given {
                let given = work.record(given);
                storage::statements::settings::give(&mut work, &given).await?;
            }
            changed
        }
        Toggle::Off => {
            let filter = GrantFilter { user: Some(user), actions: Some(&[action]), ..GrantFilter::default() };
            !revoke(&mut work, workspace, user, &filter).await?.is_empty()
        }
    };
    work.commit().await?;
    Ok(Changed { action: context.action, changed })
}

async fn revoke(
    work: &mut UnitOfWork,
    workspace: WorkspaceId,
    user: &UserId,
    filter: &GrantFilter<'_>,
) -> Result<Vec<Revocable>, ServiceError> {
    let actor = Actor::User(user.clone());
    turn_off::revoke(work, workspace, filter, &actor, Revocation::TurnedOff).await
}

/// Ends all grants of the user. Returns how many.
#[tracing::instrument(name = "turn_all_off", skip_all, fields(workspace = origin.workspace, user = %user))]
pub async fn turn_all_off(
    service: &Service,
    origin: Origin<'_>,
    user: &UserId,
) -> Result<usize, ServiceError> {
    retrying!(try_all_off(service, origin, user))
}

async fn try_all_off(service: &Service, origin: Origin<'_>, user: &UserId) -> Result<usize, ServiceError> {
    let mut work = service.begin().await?;
    let workspace = workspaces::enter(&mut work, origin, user).await?.id;
    let filter = GrantFilter { user: Some(user), ..GrantFilter::default() };
    let count = revoke(&mut work, workspace, user, &filter).await?.len();
    work.commit().await?;
    Ok(count)
}

/// Records that a user tried what only admins may do.
pub async fn refuse_admin(service: &Service, origin: Origin<'_>, user: &UserId) -> Result<(), ServiceError> {
    let mut work = service.begin().await?;
    let workspace = workspaces::enter(&mut work, origin, user).await?.id;
    work.record(unlocking::refuse(workspace, user));
    work.commit().await
}

/// The integrations as this user sees them.
pub async fn integrations(
    service: &Service,
    slack_id: &str,
    user: &UserId,
    page: usize,
) -> Result<Page<IntegrationLine>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let workspace = workspaces::find(&mut db, slack_id).await?;
    Ok(overview::integrations(&mut db, workspace, user, page).await?)
}

/// The actions and grants in an integration's settings.
pub async fn behind_gear(
    service: &Service,
    slack_id: &str,
    user: &UserId,
    integration: IntegrationId,
) -> Result<(IntegrationLine, Vec<SettingLine>), ServiceError> {
    let mut db = service.db.acquire().await?;
    let workspace = workspaces::find(&mut db, slack_id).await?;
    let line = overview::integration(&mut db, workspace, user, integration)
        .await?
        .ok_or(Rejection::UnknownIntegration)?;
    let settings =
        overview::settings(&mut db, workspace, user, integration, service.now(), &service.open_fixed())
            .await?;
    Ok((line, settings))
}

/// A page of the user's pending approvals, oldest first.
pub async fn waiting(
    service: &Service,
    slack_id: &str,
    user: &UserId,
    page: usize,
) -> Result<Page<WaitingLine>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let workspace = workspaces::find(&mut db, slack_id).await?;
    policies::waiting(service, &mut db, workspace, user, (page, LISTED)).await
}

/// The user's ended approvals, newest first: all, or those of one action.
pub async fn history(
    service: &Service,
    slack_id: &str,
    user: &UserId,
    action: Option<ActionId>,
) -> Result<Page<DecisionLine>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let workspace = workspaces::find(&mut db, slack_id).await?;
    Ok(overview::decisions(&mut db, (workspace, user), action, (0, HISTORY), RECENT).await?)
}

/// The maximum number of paths to compare with a name that matches no action.
const COMPARED: i64 = 10_000;

/// The action that a user named, or else the paths of all actions, for suggesting the one that they meant. If the name
/// means several actions, their unambiguous paths.
pub async fn find_action(
    service: &Service,
    slack_id: &str,
    path: &str,
) -> Result<Result<ActionId, Vec<String>>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let workspace = workspaces::find(&mut db, slack_id).await?;
    if let Ok(path) = ActionPath::parse(path) {
        let mut found = action_paths::existing(&mut db, workspace, &path).await?;
        match (found.pop(), found.is_empty()) {
            (None, _) => {}
            (Some((id, ..)), true) => return Ok(Ok(id)),
            (Some(last), false) => {
                let paths = found.into_iter().chain([last]);
                return Ok(Err(paths
                    .map(|(_, (integration, action))| format!("{integration}/{action}"))
                    .collect()));
            }
        }
    }
    Ok(Err(storage::statements::settings::paths(&mut db, workspace, COMPARED).await?))
}
