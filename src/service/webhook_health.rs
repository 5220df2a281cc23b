//! Whether a backend's endpoint takes what it is sent, and what follows when it doesn't.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Service, ServiceError};
use crate::{
    domain::{
        backends as domain,
        ids::{BackendId, WorkspaceId},
    },
    storage::tables::backends,
};

/// An endpoint that has failed for this long is stopped: its deliveries wait.
pub const PATIENCE: TimeDelta = TimeDelta::days(5);

/// How an endpoint answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointResponse {
    /// It took what it was sent.
    Took,
    /// It did not.
    Failed,
    /// It said that it is gone for good (410).
    Gone,
}

/// What was known of an endpoint before it answered.
#[derive(Debug, Clone, Copy, Default)]
pub struct Health {
    /// Since when it has done nothing but fail.
    pub failing_since: Option<DateTime<Utc>>,
    /// Its deliveries wait.
    pub stopped: bool,
}

/// Notes how an endpoint answered. A success resumes it, 410 or five days of failures stop it. As long as all is well
/// this costs nothing.
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
