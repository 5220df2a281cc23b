//! A backend has a webhook sent again.

use serde_json::json;

use super::{Failure, Service, authenticate::Caller, commit, retrying};
use crate::{
    domain::{
        Rejection,
        audit::{Actor, Entry, What},
        ids::DeliveryId,
    },
    storage::{
        self,
        deliveries::{self, Delivery},
    },
};

/// Has a delivery of this backend tried at once, with the same id: a dead or a delivered one again, a pending one
/// without waiting for its turn. Its pauses begin anew.
pub async fn redeliver(service: &Service, caller: Caller, id: DeliveryId) -> Result<Delivery, Failure> {
    retrying!(attempt(service, caller, id))
}

async fn attempt(service: &Service, caller: Caller, id: DeliveryId) -> Result<Delivery, Failure> {
    let mut tx = service.begin().await?;
    let now = service.now();
    let before = deliveries::find(&mut tx, caller.backend, id).await?.ok_or(Rejection::UnknownDelivery)?;
    if !deliveries::send_again(&mut tx, caller.backend, id, now).await? {
        return Err(Rejection::UnknownDelivery.into());
    }
    let entry = Entry::new(Actor::Backend(caller.backend), What::WebhookRedelivered)
        .approval(before.approval)
        .subject(id.to_string())
        .before(json!({ "status": before.state().as_str() }));
    storage::audit::record(&mut tx, caller.workspace, now, &[entry]).await?;
    let delivery = deliveries::find(&mut tx, caller.backend, id).await?.ok_or(Rejection::UnknownDelivery)?;
    commit(tx).await?;
    Ok(delivery)
}
