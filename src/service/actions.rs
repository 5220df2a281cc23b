//! The actions of a workspace and their locks, for programs of the operator.

use super::{
    Service, ServiceError,
    authenticate::AdminCaller,
    unlock::{self, LockCommand, Seen},
};
pub use crate::storage::tables::actions::{Action, PageFilter};
use crate::{
    domain::{
        catalog::UnlockedFor,
        ids::{ActionVersionId, WorkspaceId},
        rejection::Rejection,
        text::{ActionKey, IntegrationKey},
    },
    storage::tables::actions,
};

/// Actions in the order of their paths, retired ones left out, at most `limit`.
#[tracing::instrument(name = "list_actions", skip_all, fields(workspace = %caller.workspace()))]
pub async fn list(
    service: &Service,
    caller: &AdminCaller,
    filter: &PageFilter,
    limit: i64,
) -> Result<Vec<Action>, ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(actions::page(&mut db, caller.workspace(), filter, limit).await?)
}

/// One action.
pub async fn find(
    service: &Service,
    caller: &AdminCaller,
    path: (&IntegrationKey, &ActionKey),
) -> Result<Action, ServiceError> {
    read(service, caller.workspace(), path).await
}

async fn read(
    service: &Service,
    workspace: WorkspaceId,
    (integration, key): (&IntegrationKey, &ActionKey),
) -> Result<Action, ServiceError> {
    let mut db = service.db.acquire().await?;
    let found = actions::find(&mut db, workspace, integration, key).await?;
    Ok(found.ok_or(Rejection::UnknownAction)?)
}

/// Unlocks an action for this, and returns it as it is then. `number`: the version of the description that the caller has
/// read. Rejected if it is not the present one.
#[tracing::instrument(name = "unlock_by_key", skip_all, fields(workspace = %caller.workspace()))]
pub async fn unlock(
    service: &Service,
    caller: &AdminCaller,
    path: (&IntegrationKey, &ActionKey),
    what: UnlockedFor,
    number: Option<i64>,
) -> Result<Action, ServiceError> {
    let before = read(service, caller.workspace(), path).await?;
    let seen = match number {
        None => Seen::Present,
        // The transaction checks that this is still the present one.
        Some(number) if number == i64::from(before.number) => {
            Seen::Version(ActionVersionId::new(before.version))
        }
        Some(_) => return Err(Rejection::ChangedSinceShown.into()),
    };
    unlock::unlock_for(service, caller.workspace(), path, (Some(what), seen), &caller.actor()).await?;
    read(service, caller.workspace(), path).await
}

/// Locks an action, and returns it as it is then. Once this returns, no grant for it approves anything.
#[tracing::instrument(name = "lock_by_key", skip_all, fields(workspace = %caller.workspace()))]
pub async fn lock(
    service: &Service,
    caller: &AdminCaller,
    path: (&IntegrationKey, &ActionKey),
) -> Result<Action, ServiceError> {
    unlock::set(service, caller.workspace(), path, LockCommand::Lock, &caller.actor()).await?;
    read(service, caller.workspace(), path).await
}
