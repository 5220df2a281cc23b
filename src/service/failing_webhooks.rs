//! Webhooks of a backend that do not get through, for an admin or with an admin key.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Service, ServiceError, authenticate::AdminCaller, workspaces};
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

/// A backend of the workspace, and since when its webhooks have not got through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendHealth {
    /// The backend.
    pub id: BackendId,
    /// Its name.
    pub name: String,
    /// Whether it has a webhook endpoint.
    pub has_endpoint: bool,
    /// Since when it may no longer ask.
    pub disabled_at: Option<DateTime<Utc>>,
    /// Since when every delivery has failed.
    pub failing_since: Option<DateTime<Utc>>,
    /// When deliveries were stopped.
    pub stopped_at: Option<DateTime<Utc>>,
}

/// The backends of a workspace after `after`, at most `limit`, in the order in which they were created.
#[tracing::instrument(name = "list_backends", skip_all, fields(workspace = %caller.workspace()))]
pub async fn backends(
    service: &Service,
    caller: &AdminCaller,
    after: Option<BackendId>,
    limit: i64,
) -> Result<Vec<BackendHealth>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let found = backends::page(&mut db, caller.workspace(), after, limit).await?;
    let found = found.into_iter().map(|backend| BackendHealth {
        id: backend.id,
        name: backend.name,
        has_endpoint: backend.webhook_url.is_some(),
        disabled_at: backend.disabled_at,
        failing_since: backend.webhook_failing_since,
        stopped_at: backend.webhook_stopped_at,
    });
    Ok(found.collect())
}

/// The deliveries to a backend of the workspace, newest first.
#[tracing::instrument(name = "list_deliveries_by_key", skip_all, fields(workspace = %caller.workspace(), %backend))]
pub async fn deliveries(
    service: &Service,
    caller: &AdminCaller,
    backend: BackendId,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<Delivery>, ServiceError> {
    let mut db = service.db.acquire_with_kept_plans().await?;
    if !backends::is_in(&mut db, caller.workspace(), backend).await? {
        return Err(Rejection::UnknownBackend.into());
    }
    Ok(deliveries::list(&mut db, backend, filter, limit).await?)
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
