//! Webhooks of a backend that do not get through, for an admin.

use chrono::TimeDelta;

use super::{Service, ServiceError, workspaces};
use crate::{
    domain::{
        failing::{COUNTED, FailingLine, FailingWebhooks},
        ids::BackendId,
        rejection::Rejection,
    },
    storage::{
        statements::deliveries::{self, Delivery, Filter, State},
        tables::backends,
    },
};

/// How many of each kind are shown: those that are tried again, and those that were given up.
const SHOWN: i64 = 10;
/// How long one that was given up is shown.
const RECENT: TimeDelta = TimeDelta::days(7);

/// Those of one backend. The caller has just checked the admin's rights.
#[tracing::instrument(name = "show_failing_webhooks", skip_all, fields(workspace = slack_id, %backend))]
pub async fn show(
    service: &Service,
    slack_id: &str,
    backend: BackendId,
) -> Result<FailingWebhooks, ServiceError> {
    let mut db = service.db.acquire().await?;
    let workspace = workspaces::find(&mut db, slack_id).await?;
    let found = backends::health(&mut db, workspace, backend).await?;
    let (name, failing_since, stopped_at) = found.ok_or(Rejection::UnknownDelivery)?;
    let limit = i64::try_from(COUNTED).unwrap_or(i64::MAX);
    let waiting = deliveries::waiting(&mut db, backend, limit).await?;
    let retried = deliveries::retried(&mut db, backend, SHOWN).await?;
    let filter = Filter { state: Some(State::Dead), ..Filter::default() };
    let mut dead = deliveries::list(&mut db, backend, &filter, SHOWN).await?;
    let since = service.now() - RECENT;
    dead.retain(|delivery| delivery.dead_at.is_some_and(|at| at > since));
    let lines = retried.into_iter().chain(dead).map(line).collect();
    Ok(FailingWebhooks { backend, name, failing_since, stopped_at, waiting, lines })
}

fn line(delivery: Delivery) -> FailingLine {
    let is_dead = delivery.state() == State::Dead;
    FailingLine {
        id: delivery.id,
        event: delivery.event,
        created_at: delivery.created_at,
        attempts: delivery.attempts,
        last_error: delivery.last_error,
        next_at: Some(delivery.due_at).filter(|_| !is_dead && !delivery.paused),
        is_dead,
    }
}
