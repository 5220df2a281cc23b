//! What a user is told without having asked: their choices.

use super::{
    Service, ServiceError, retrying,
    workspaces::{self, Origin},
};
use crate::{
    domain::{
        effects::Redraw,
        ids::{UserId, WorkspaceId},
        notifications::{Change, Preferences},
    },
    storage::tables::notifications,
};

/// A user's choices in the workspace with this Slack id.
pub async fn find(service: &Service, slack_id: &str, user: &UserId) -> Result<Preferences, ServiceError> {
    let mut db = service.db.acquire().await?;
    let workspace = workspaces::find(&mut db, slack_id).await?;
    Ok(notifications::find(&mut db, workspace, user).await?)
}

/// A user's choices.
pub async fn find_in(
    service: &Service,
    workspace: WorkspaceId,
    user: &UserId,
) -> Result<Preferences, ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(notifications::find(&mut db, workspace, user).await?)
}

/// Changes one choice of the user who clicked. It permits nothing, so it has no audit entry.
#[tracing::instrument(name = "change_notifications", skip_all, fields(workspace = origin.workspace, user = %user))]
pub async fn change(
    service: &Service,
    origin: Origin<'_>,
    user: &UserId,
    change: Change,
) -> Result<(), ServiceError> {
    retrying!(attempt(service, origin, user, change))
}

async fn attempt(
    service: &Service,
    origin: Origin<'_>,
    user: &UserId,
    change: Change,
) -> Result<(), ServiceError> {
    let mut work = service.begin().await?;
    let workspace = workspaces::enter(&mut work, origin, user).await?.id;
    notifications::lock(&mut work, workspace, user).await?;
    let preferences = notifications::find(&mut work, workspace, user).await?.changed(change);
    notifications::save(&mut work, workspace, user, &preferences).await?;
    work.redraw(Redraw::home(workspace, user));
    work.commit().await
}
