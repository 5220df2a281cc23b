//! A backend requests the redelivery of a webhook.

use super::{Service, ServiceError, authenticate::BackendCaller, retrying};
use crate::{
    domain::{backends, backends::Redelivery, ids::DeliveryId, rejection::Rejection},
    storage::statements::{deliveries, deliveries::Delivery},
};

/// Makes a delivery of this backend due now, with its id unchanged: whether it is dead, delivered or still pending. Its
/// retry schedule starts again.
#[tracing::instrument(name = "redeliver_webhook", skip_all, fields(workspace = %caller.workspace, backend = %caller.backend, delivery = %id))]
pub async fn redeliver(
    service: &Service,
    caller: BackendCaller,
    id: DeliveryId,
) -> Result<Delivery, ServiceError> {
    retrying!(attempt(service, caller, id))
}

async fn attempt(service: &Service, caller: BackendCaller, id: DeliveryId) -> Result<Delivery, ServiceError> {
    let mut work = service.begin_with_kept_plans().await?;
    let now = work.now();
    let before = deliveries::find(&mut work, caller.backend, id).await?.ok_or(Rejection::UnknownDelivery)?;
    let redelivery = Redelivery { backend: caller.backend, delivery: id };
    let status = before.state().as_str();
    let redelivery = work.record(backends::redeliver(caller.workspace, redelivery, before.approval, status));
    if !deliveries::send_again(&mut work, &redelivery, now).await? {
        return Err(Rejection::UnknownDelivery.into());
    }
    let delivery =
        deliveries::find(&mut work, caller.backend, id).await?.ok_or(Rejection::UnknownDelivery)?;
    work.commit().await?;
    Ok(delivery)
}
