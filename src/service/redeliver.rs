//! A backend, an admin or an operator has a webhook sent again.

use super::{
    Service, ServiceError, UnitOfWork,
    authenticate::{AdminCaller, BackendCaller},
    retrying, unlock,
    workspaces::Origin,
};
use crate::{
    domain::{
        audit::Actor,
        backends,
        backends::Redelivery,
        effects::Redraw,
        ids::{BackendId, DeliveryId, UserId, WorkspaceId},
        rejection::Rejection,
    },
    storage::{
        statements::{deliveries, deliveries::Delivery},
        tables,
    },
};

/// Makes a delivery of this backend due now, with its id unchanged: whether it is dead, delivered or still pending. Its
/// retry schedule starts again.
#[tracing::instrument(name = "redeliver_webhook", skip_all, fields(workspace = %caller.workspace, backend = %caller.backend, delivery = %id))]
pub async fn redeliver(
    service: &Service,
    caller: BackendCaller,
    id: DeliveryId,
) -> Result<Delivery, ServiceError> {
    retrying!(attempt(service, caller, id, &Actor::Backend(caller.backend)))
}

/// The same for an operator or an admin. `backend` names the backend whose delivery it is.
#[tracing::instrument(name = "resend_webhook", skip_all, fields(workspace = %backend.workspace, backend = %backend.backend, delivery = %id))]
pub async fn resend(
    service: &Service,
    backend: BackendCaller,
    id: DeliveryId,
    actor: &Actor,
) -> Result<Delivery, ServiceError> {
    retrying!(attempt(service, backend, id, actor))
}

async fn attempt(
    service: &Service,
    caller: BackendCaller,
    id: DeliveryId,
    actor: &Actor,
) -> Result<Delivery, ServiceError> {
    let mut work = service.begin_with_kept_plans().await?;
    let now = work.now();
    let before = deliveries::find(&mut work, caller.backend, id).await?.ok_or(Rejection::UnknownDelivery)?;
    let redelivery = Redelivery { backend: caller.backend, delivery: id };
    let status = before.state().as_str();
    let redelivery = work.record(backends::redeliver(
        caller.workspace,
        redelivery,
        before.approval,
        status,
        actor.clone(),
    ));
    if !deliveries::send_again(&mut work, &redelivery, now).await? {
        return Err(Rejection::UnknownDelivery.into());
    }
    let delivery =
        deliveries::find(&mut work, caller.backend, id).await?.ok_or(Rejection::UnknownDelivery)?;
    work.commit().await?;
    Ok(delivery)
}

/// Makes a delivery due now, for an admin's click, if it was given up or has failed since it was last sent again manually. `false`
/// if there is nothing to send. The caller has just checked the admin's rights.
#[tracing::instrument(name = "redeliver_webhook_by_admin", skip_all, fields(workspace = origin.workspace, user = %admin, delivery = %id))]
pub async fn by_admin(
    service: &Service,
    origin: Origin<'_>,
    (backend, id): (BackendId, DeliveryId),
    admin: &UserId,
) -> Result<bool, ServiceError> {
    retrying!(attempt_by_admin(service, origin, (backend, id), admin))
}

async fn attempt_by_admin(
    service: &Service,
    origin: Origin<'_>,
    (backend, id): (BackendId, DeliveryId),
    admin: &UserId,
) -> Result<bool, ServiceError> {
    let (mut work, workspace) = unlock::for_admin(service, origin, admin, false).await?;
    let actor = Actor::User(admin.clone());
    let Some(_) = send_failed_again(&mut work, workspace, (backend, id), &actor).await? else {
        return Ok(false);
    };
    work.redraw(Redraw::home(workspace, admin));
    work.commit().await?;
    Ok(true)
}

/// The same with an admin key. Returns the delivery as it is then: one that needs no sending again stays as it was.
#[tracing::instrument(name = "redeliver_webhook_by_key", skip_all, fields(workspace = %caller.workspace(), %backend, delivery = %id))]
pub async fn by_key(
    service: &Service,
    caller: &AdminCaller,
    (backend, id): (BackendId, DeliveryId),
) -> Result<Delivery, ServiceError> {
    retrying!(attempt_by_key(service, caller, (backend, id)))
}

async fn attempt_by_key(
    service: &Service,
    caller: &AdminCaller,
    (backend, id): (BackendId, DeliveryId),
) -> Result<Delivery, ServiceError> {
    let mut work = service.begin_with_kept_plans().await?;
    let (workspace, actor) = (caller.workspace(), caller.actor());
    if let Some(delivery) = send_failed_again(&mut work, workspace, (backend, id), &actor).await? {
        work.commit().await?;
        return Ok(delivery);
    }
    Ok(deliveries::find(&mut work, backend, id).await?.ok_or(Rejection::UnknownDelivery)?)
}

/// Makes a delivery due now that was given up or has failed since it was last sent again manually. `None`: it is neither.
async fn send_failed_again(
    work: &mut UnitOfWork,
    workspace: WorkspaceId,
    (backend, id): (BackendId, DeliveryId),
    actor: &Actor,
) -> Result<Option<Delivery>, ServiceError> {
    if !tables::backends::is_in(work, workspace, backend).await? {
        return Err(Rejection::UnknownDelivery.into());
    }
    let locked = deliveries::lock(work, backend, id).await?.ok_or(Rejection::UnknownDelivery)?;
    if !locked.may_be_sent_again() {
        return Ok(None);
    }
    let now = work.now();
    let before = deliveries::find(work, backend, id).await?.ok_or(Rejection::UnknownDelivery)?;
    let (redelivery, status) = (Redelivery { backend, delivery: id }, before.state().as_str());
    let change = backends::redeliver(workspace, redelivery, before.approval, status, actor.clone());
    let redelivery = work.record(change);
    if !deliveries::send_again(work, &redelivery, now).await? {
        return Ok(None);
    }
    Ok(deliveries::find(work, backend, id).await?)
}
