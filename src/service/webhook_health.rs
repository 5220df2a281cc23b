//! The health of webhook endpoints: when deliveries to one are stopped and resumed.

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex;

use super::{Service, ServiceError};
use crate::{
    domain::{
        backends as domain,
        ids::{BackendId, WorkspaceId},
    },
    storage::tables::backends,
};

/// Deliveries to an endpoint that has only failed for this long are stopped.
pub const PATIENCE: TimeDelta = TimeDelta::days(5);

/// How an endpoint responded to a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointResponse {
    /// The endpoint accepted the delivery.
    Took,
    /// The delivery failed.
    Failed,
    /// The endpoint is permanently gone (HTTP status 410).
    Gone,
}

/// An endpoint's health before the delivery.
#[derive(Debug, Clone, Copy, Default)]
pub struct Health {
    /// Since when every delivery has failed. `None` if the last one succeeded.
    pub failing_since: Option<DateTime<Utc>>,
    /// Whether deliveries to the endpoint are stopped.
    pub stopped: bool,
}

/// The health of an endpoint as the deliveries of one claim know it. What the first of them records, the others don't
/// record again.
#[derive(Debug)]
pub struct KnownHealth(Mutex<Option<Health>>);

impl KnownHealth {
    /// The health that was read.
    #[must_use]
    pub fn new(health: Health) -> Self {
        Self(Mutex::new(Some(health)))
    }
}

/// Records how an endpoint responded, if that changes its health. A success resumes deliveries; a 410 or five days of
/// failures stop them.
///
/// Fails only if a success could not resume a stopped endpoint: then the delivery has to be repeated. Any other change
/// that could not be recorded is left to the deliveries of the next claim, which read the health again.
#[tracing::instrument(name = "note_webhook_health", level = "debug", skip_all, fields(%workspace, %backend))]
pub async fn note(
    service: &Service,
    workspace: WorkspaceId,
    backend: BackendId,
    known: &KnownHealth,
    answer: EndpointResponse,
) -> Result<(), ServiceError> {
    // Held while the change is recorded, so that the deliveries of a claim that end together record it once.
    let mut known = known.0.lock().await;
    let Some(before) = *known else { return Ok(()) };
    match change(service, workspace, backend, before, answer).await {
        Ok(after) => *known = Some(after),
        Err(failure) if before.stopped && answer == EndpointResponse::Took => return Err(failure),
        Err(failure) => {
            *known = None;
            tracing::warn!(%backend, %failure, "Could not record the health of a webhook endpoint");
        }
    }
    Ok(())
}

/// Returns the health after the response. A response that changes nothing takes no statement.
async fn change(
    service: &Service,
    workspace: WorkspaceId,
    backend: BackendId,
    before: Health,
    answer: EndpointResponse,
) -> Result<Health, ServiceError> {
    let now = service.now();
    let why = match (answer, before.failing_since) {
        (EndpointResponse::Took, None) if !before.stopped => return Ok(before),
        (EndpointResponse::Took, _) => {
            recover(service, workspace, backend).await?;
            return Ok(Health::default());
        }
        (EndpointResponse::Gone | EndpointResponse::Failed, _) if before.stopped => return Ok(before),
        (EndpointResponse::Gone, _) => "gone",
        (EndpointResponse::Failed, Some(since)) if now - since >= PATIENCE => "failing",
        (EndpointResponse::Failed, Some(_)) => return Ok(before),
        (EndpointResponse::Failed, None) => {
            let mut db = service.db.acquire().await?;
            backends::mark_failing(&mut db, backend, now).await?;
            return Ok(Health { failing_since: Some(now), ..before });
        }
    };
    stop(service, workspace, backend, why, before.failing_since).await?;
    Ok(Health { stopped: true, ..before })
}

async fn stop(
    service: &Service,
    workspace: WorkspaceId,
    backend: BackendId,
    why: &'static str,
    failing_since: Option<DateTime<Utc>>,
) -> Result<(), ServiceError> {
    let mut work = service.begin().await?;
    let now = work.now();
    if backends::lock(&mut work, backend).await?.webhook_stopped {
        return Ok(());
    }
    let stop = work.record(domain::stop_webhook(workspace, backend, why, failing_since));
    backends::stop_webhook(&mut work, &stop, now).await?;
    work.commit().await?;
    tracing::warn!(%backend, why, "Webhook endpoint stopped; its deliveries wait until it is resumed");
    Ok(())
}

async fn recover(service: &Service, workspace: WorkspaceId, backend: BackendId) -> Result<(), ServiceError> {
    let mut work = service.begin().await?;
    if !backends::lock(&mut work, backend).await?.webhook_stopped {
        backends::clear_failing(&mut work, backend).await?;
        return work.commit().await;
    }
    let resumption = work.record(domain::recover_webhook(workspace, backend));
    backends::resume_webhook(&mut work, &resumption).await?;
    work.commit().await?;
    tracing::info!(%backend, "Stopped webhook endpoint accepted a webhook; its deliveries resume");
    Ok(())
}
