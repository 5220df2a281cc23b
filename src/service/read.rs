//! What backends can look up: their own approvals and deliveries, and the workspace's integrations.

use super::{
    Service, ServiceError,
    authenticate::{BackendCaller, Caller},
};
pub use crate::storage::{
    read_models::approvals::Filter,
    statements::deliveries::{Delivery, Filter as DeliveryFilter, State as DeliveryState},
    tables::{
        attempts::{Noted, Outcome as AttemptOutcome},
        audit::{Position, Stored as StoredEntry},
    },
};
use crate::{
    domain::{
        approvals::Approval,
        callers,
        ids::{ApprovalId, DeliveryId},
        rejection::Rejection,
        text::IntegrationKey,
    },
    service::put_integration::Stored,
    storage,
    storage::{Db, read_models::approvals as approvals_list, statements::deliveries, tables::attempts},
};

/// An approval that the caller may see.
#[tracing::instrument(name = "read_approval", skip_all, fields(workspace = %caller.workspace(), backend = %caller.own().backend(), approval = %id))]
pub async fn approval(db: &Db, caller: &Caller, id: ApprovalId) -> Result<Approval, ServiceError> {
    let mut db = db.acquire_with_kept_plans().await?;
    let found = storage::tables::approvals::find_of_caller(&mut db, caller.own(), id).await?;
    Ok(found.ok_or(Rejection::UnknownApproval)?)
}

/// The approvals that the caller may see, newest first.
#[tracing::instrument(name = "list_approvals", skip_all, fields(workspace = %caller.workspace(), backend = %caller.own().backend()))]
pub async fn approvals(
    service: &Service,
    caller: &Caller,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<Approval>, ServiceError> {
    let mut db = service.db.acquire_with_kept_plans().await?;
    Ok(approvals_list::list(&mut db, caller.workspace(), caller.own(), filter, limit).await?)
}

/// An integration of this backend's workspace. A bound key sees only the backend's own.
#[tracing::instrument(name = "read_integration", skip_all, fields(workspace = %caller.workspace(), backend = %caller.own().backend()))]
pub async fn integration(
    service: &Service,
    caller: &Caller,
    key: &IntegrationKey,
) -> Result<Stored, ServiceError> {
    let mut db = service.db.acquire().await?;
    let integration = storage::tables::integrations::find(&mut db, caller.workspace(), key)
        .await?
        .filter(|_| caller.prefix().is_none_or(|prefix| callers::is_own(prefix, key)))
        .ok_or(Rejection::UnknownIntegration)?;
    let actions = storage::tables::actions::for_integrations(&mut db, &[integration.id]).await?;
    Ok((integration, actions))
}

/// The integrations of this backend's workspace, sorted by key. A bound key sees only the backend's own.
#[tracing::instrument(name = "list_integrations", skip_all, fields(workspace = %caller.workspace(), backend = %caller.own().backend()))]
pub async fn integrations(
    service: &Service,
    caller: &Caller,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Stored>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let integrations =
        storage::tables::integrations::list(&mut db, caller.workspace(), caller.prefix(), after, limit)
            .await?;
    let ids: Vec<_> = integrations.iter().map(|integration| integration.id).collect();
    let actions = storage::tables::actions::for_integrations(&mut db, &ids).await?;
    let with_actions = integrations.into_iter().map(|integration| {
        let own = actions.iter().filter(|action| action.integration == integration.key).cloned().collect();
        (integration, own)
    });
    Ok(with_actions.collect())
}

/// This backend's webhook deliveries, newest first.
#[tracing::instrument(name = "list_deliveries", skip_all, fields(workspace = %caller.workspace, backend = %caller.backend))]
pub async fn deliveries(
    service: &Service,
    caller: BackendCaller,
    filter: &DeliveryFilter,
    limit: i64,
) -> Result<Vec<Delivery>, ServiceError> {
    let mut db = service.db.acquire_with_kept_plans().await?;
    Ok(deliveries::list(&mut db, caller.backend, filter, limit).await?)
}

/// One webhook to this backend, and every attempt at it.
#[tracing::instrument(name = "read_delivery", skip_all, fields(workspace = %caller.workspace, backend = %caller.backend, delivery = %id))]
pub async fn delivery(
    service: &Service,
    caller: BackendCaller,
    id: DeliveryId,
) -> Result<(Delivery, Vec<Noted>), ServiceError> {
    let mut db = service.db.acquire_with_kept_plans().await?;
    let found = deliveries::find(&mut db, caller.backend, id).await?.ok_or(Rejection::UnknownDelivery)?;
    Ok((found, attempts::for_delivery(&mut db, id).await?))
}

/// Audit entries of this backend's workspace, oldest first, in an order that later ones only add to.
#[tracing::instrument(name = "list_audit_entries", skip_all, fields(workspace = %caller.workspace, backend = %caller.backend))]
pub async fn audit(
    service: &Service,
    caller: BackendCaller,
    after: Option<&Position>,
    limit: i64,
) -> Result<Vec<StoredEntry>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let horizon = storage::read_models::audit_horizon::read(&mut db).await?;
    Ok(storage::tables::audit::export(&mut db, caller.workspace, after, horizon, limit).await?)
}
