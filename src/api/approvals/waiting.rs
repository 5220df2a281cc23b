//! Waits for an approval to end. A waiting call holds no database connection: it reads once before, and once when it is
//! woken.

use crate::{
    api::{problem::Problem, state::Api, waiters::Waiting},
    domain::{approvals::Approval, ids::ApprovalId},
    service::{ServiceError, authenticate::Caller, read},
};

/// The approval as soon as it has ended, or its current state when the service shuts down. Dropping the future stops
/// the wait. A call that must wait takes one of the waiting places, unless it already has one.
pub(super) async fn until_ended(
    api: &Api,
    caller: Caller,
    id: ApprovalId,
    mut place: Option<Waiting>,
) -> Result<Approval, Problem> {
    let waiter = api.endings.subscribe(id);
    loop {
        let mut woken = std::pin::pin!(waiter.woken());
        woken.as_mut().enable();
        let approval = read(api, caller, id).await?;
        if approval.decision.is_some() || api.stop.is_cancelled() {
            return Ok(approval);
        }
        if place.is_none() {
            place = Some(api.waiters.enter(caller.backend)?);
        }
        tokio::select! {
            () = woken => {}
            () = api.stop.cancelled() => {}
        }
    }
}

/// Reads the approval. When many calls are woken at once, only a few read the database at a time.
pub(super) async fn read(api: &Api, caller: Caller, id: ApprovalId) -> Result<Approval, ServiceError> {
    // The semaphore is never closed.
    let _turn = api.turns.acquire().await;
    read::approval(&api.service, caller, id).await
}
