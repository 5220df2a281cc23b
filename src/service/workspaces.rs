//! Workspaces: installations of the Slack app.

use super::{Service, ServiceError, UnitOfWork};
use crate::{
    domain::{
        ids::{UserId, WorkspaceId},
        rejection::Rejection,
        repeats::RequestDigest,
    },
    storage,
    storage::tables::workspaces::Entered,
};

/// The origin of a change in Slack.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// Slack's id of the workspace.
    pub workspace: &'a str,
    /// The identity of Slack's request, so that a repeated one changes nothing.
    pub request: Option<RequestDigest>,
}

impl<'a> From<&'a str> for Origin<'a> {
    /// A change by the service itself, without a request from Slack.
    fn from(workspace: &'a str) -> Self {
        Self { workspace, request: None }
    }
}

/// The workspace with this Slack id, if the app is installed there. Only for reading: a use case that changes something
/// calls [`enter`].
pub(super) async fn find(
    db: &mut storage::PgConnection,
    slack_id: &str,
) -> Result<WorkspaceId, ServiceError> {
    match storage::tables::workspaces::find_by_slack_id(db, slack_id).await? {
        Some(workspace) if !workspace.removed => Ok(workspace.id),
        _ => Err(Rejection::WorkspaceRemoved.into()),
    }
}

/// Enters a workspace for a change by one of its users. Until the transaction ends, the app can't be removed from the
/// workspace and the user can't leave it.
pub(super) async fn enter(
    work: &mut UnitOfWork,
    origin: Origin<'_>,
    user: &UserId,
) -> Result<Entered, ServiceError> {
    let Origin { workspace, request } = origin;
    let now = work.now();
    let entered = storage::tables::workspaces::enter(work, workspace, user, request, now).await?;
    Ok(entered.filter(|entered| !entered.removed).ok_or(Rejection::WorkspaceRemoved)?)
}

/// Creates a workspace, or finds the existing one.
#[tracing::instrument(name = "enter_workspace", skip_all, fields(workspace = slack_id))]
pub async fn install(service: &Service, slack_id: &str, name: &str) -> Result<WorkspaceId, ServiceError> {
    let mut db = service.db.acquire().await?;
    let fresh = WorkspaceId::new(service.new_id());
    Ok(storage::tables::workspaces::install(&mut db, fresh, slack_id, name, service.now()).await?)
}

/// Slack's id of a workspace. `None` if the app was removed from it.
pub async fn slack_id(service: &Service, id: WorkspaceId) -> Result<Option<String>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let found = storage::tables::workspaces::find(&mut db, id).await?;
    Ok(found.filter(|workspace| !workspace.removed).map(|workspace| workspace.slack_id))
}

/// The Slack ids of workspaces where the app was installed by OAuth, oldest first, at most `limit`.
pub async fn installed(service: &Service, limit: i64) -> Result<Vec<String>, ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(storage::tables::installations::list(&mut db, limit).await?)
}
