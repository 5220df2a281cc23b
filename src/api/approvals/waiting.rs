//! Waits for an approval to end. A waiting call holds no database connection and little memory: this future is all that
//! is left of it.

use std::sync::Arc;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    api::{problem::Problem, state::Api, waiters::Waiting},
    domain::{approvals::Approval, ids::ApprovalId},
    service::{
        ServiceError,
        authenticate::Caller,
        endings::{Endings, Waiter},
        listeners::Listening,
    },
};

/// A call, or what it must be answered with at once.
pub(in crate::api) enum Begun {
    /// The approval has ended, or the service shuts down.
    Over(Arc<Approval>),
    /// The approval is pending, as it is here.
    Pending(Arc<Approval>, Box<Wait>),
}

/// A call that waits. Dropping it ends the wait.
pub(in crate::api) struct Wait {
    endings: Endings,
    stop: CancellationToken,
    caller: Caller,
    id: ApprovalId,
    waiter: Waiter,
    _listening: Listening,
    _place: Waiting,
}

/// Reads the approval, and takes one of the waiting places if it is pending.
pub(in crate::api) async fn begin(api: &Api, caller: Caller, id: ApprovalId) -> Result<Begun, Problem> {
    let waiter = api.endings.subscribe(caller.own(), id);
    let approval = api.endings.read(&caller, id).await?;
    if approval.decision.is_some() || api.stop.is_cancelled() {
        return Ok(Begun::Over(approval));
    }
    let wait = Box::new(Wait {
        endings: api.endings.clone(),
        stop: api.stop.clone(),
        id,
        waiter,
        _listening: api.service.listeners.listen(id),
        _place: api.waiters.enter(caller.own())?,
        caller,
    });
    Ok(Begun::Pending(approval, wait))
}

impl Wait {
    /// Whether the service shuts down.
    pub(in crate::api) fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// The approval as soon as it has ended; or as it is at `until`, or when the service shuts down.
    pub(in crate::api) async fn ended(&mut self, until: Instant) -> Result<Arc<Approval>, ServiceError> {
        loop {
            if let Some(approval) = self.ended_or_paused(until, until).await? {
                return Ok(approval);
            }
        }
    }

    /// Like [`Wait::ended`], but `None` at `pause` if that comes first. The wait can go on then.
    pub(in crate::api) async fn ended_or_paused(
        &mut self,
        until: Instant,
        pause: Instant,
    ) -> Result<Option<Arc<Approval>>, ServiceError> {
        loop {
            let over = tokio::select! {
                ended = self.waiter.ended() => match ended {
                    Some(approval) => return Ok(Some(approval)),
                    None => false,
                },
                () = self.stop.cancelled() => true,
                () = tokio::time::sleep_until(until.min(pause)) => {
                    if pause < until {
                        return Ok(None);
                    }
                    true
                }
            };
            if !over {
                self.waiter = self.endings.subscribe(self.caller.own(), self.id);
            }
            // Boxed, because this future is held while the call waits, and reading is rare and large.
            let approval = Box::pin(self.endings.read(&self.caller, self.id)).await?;
            if over || approval.decision.is_some() {
                return Ok(Some(approval));
            }
        }
    }
}
