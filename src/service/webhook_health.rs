//! The health of webhook endpoints: when deliveries to one are stopped and resumed.

use chrono::{DateTime, TimeDelta, Utc};

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

/// Records how an endpoint responded. A success resumes deliveries; a 410 or five days of failures stop them. A success
/// of a healthy endpoint needs no statement.
#[tracing::instrument(name = "note_webhook_health", skip_all, fields(%workspace, %backend))]
pub async fn note(
    service: &Service,
    workspace: WorkspaceId,
    backend: BackendId,
    known: Health,
    answer: EndpointResponse,
) -> Result<(), ServiceError> {
    let now = service.now();
    let why = match (answer, known.failing_since) {
        (EndpointResponse::Took, None) if !known.stopped => return Ok(()),
        (EndpointResponse::Took, _) => return recover(service, workspace, backend).await,
        (EndpointResponse::Gone, _) => "gone",
        (EndpointResponse::Failed, Some(since)) if now - since >= PATIENCE && !known.stopped => "failing",
        (EndpointResponse::Failed, Some(_)) => return Ok(()),
        (EndpointResponse::Failed, None) => {
            let mut db = service.db.acquire().await?;
            return Ok(backends::mark_failing(&mut db, backend, now).await?);
        }
    };
    let mut work = service.begin().await?;
    let now = work.now();
    if backends::lock(&mut work, backend).await?.webhook_stopped {
        return Ok(());
    }
    let stop = work.record(domain::stop_webhook(workspace, backend, why, known.failing_since));
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
