//! Slack installations.

use super::{Failure, Service};
use crate::{
    domain::{
        Rejection,
        ids::{UserId, WorkspaceId},
    },
    storage::{self, Tx, workspaces::Entered},
};

/// Enters the workspace with this Slack id for a change by one of its people: until the transaction ends, the app can't be
/// removed from it, and the person can't leave it.
pub(super) async fn enter(tx: &mut Tx, slack_id: &str, user: &UserId) -> Result<Entered, Failure> {
    let entered = storage::workspaces::enter(tx, slack_id, user).await?;
    Ok(entered.filter(|entered| !entered.removed).ok_or(Rejection::WorkspaceRemoved)?)
}

/// Writes a workspace down, or finds it again.
pub async fn install(service: &Service, slack_id: &str, name: &str) -> Result<WorkspaceId, Failure> {
    let mut db = service.db.acquire().await?;
    let fresh = WorkspaceId::new(service.fresh());
    Ok(storage::workspaces::install(&mut db, fresh, slack_id, name, service.now()).await?)
}

/// Slack's id of a workspace, unless the app was removed from it.
pub async fn slack_id(service: &Service, id: WorkspaceId) -> Result<Option<String>, Failure> {
    let mut db = service.db.acquire().await?;
    let found = storage::workspaces::find(&mut db, id).await?;
    Ok(found.filter(|workspace| !workspace.removed).map(|workspace| workspace.slack_id))
}

/// Slack's ids of workspaces that have the app by OAuth, oldest first, at most `limit`.
pub async fn installed(service: &Service, limit: i64) -> Result<Vec<String>, Failure> {
    let mut db = service.db.acquire().await?;
    Ok(storage::installations::list(&mut db, limit).await?)
}
