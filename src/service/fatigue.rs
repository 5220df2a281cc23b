//! Figures that show who approves so much that they may no longer look.

use super::{Service, ServiceError, workspaces};
use crate::{
    domain::{fatigue::PersonFigures, ids::WorkspaceId},
    storage::read_models::fatigue,
};

/// How many people an admin is shown.
const SHOWN: i64 = 10;

/// Those who approve most by hand, for an admin, whose rights the caller has just checked.
#[tracing::instrument(name = "read_figures", skip_all, fields(workspace = slack_id))]
pub async fn figures(service: &Service, slack_id: &str) -> Result<Vec<PersonFigures>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let workspace = workspaces::find(&mut db, slack_id).await?;
    Ok(fatigue::people(&mut db, workspace, service.now(), SHOWN).await?)
}

/// The same for the operator, at most `limit` people.
pub async fn of_workspace(
    service: &Service,
    workspace: WorkspaceId,
    limit: i64,
) -> Result<Vec<PersonFigures>, ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(fatigue::people(&mut db, workspace, service.now(), limit).await?)
}
