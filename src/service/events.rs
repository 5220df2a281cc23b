//! Slack's events. Each is stored before Slack gets its response, so that it is handled exactly once, even if Slack
//! sends it to several instances or an instance dies.

use chrono::TimeDelta;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{Service, ServiceError};
use crate::storage::tables::events;
pub use crate::storage::tables::events::Event;

/// How long one instance may take to handle an event before another takes it over.
const LEASE: TimeDelta = TimeDelta::seconds(30);
/// How many unfinished events are claimed at once.
const BATCH: i64 = 20;

/// Stores an event. `true` if it is new, and the caller has to handle it. Slack repeats an event when our response was
/// lost, sometimes under another id; `content` identifies it regardless of the id.
#[tracing::instrument(name = "receive_event", skip_all, fields(event = event.id, workspace = event.workspace))]
pub async fn receive(service: &Service, event: &Event, content: &Value) -> Result<bool, ServiceError> {
    let now = service.now();
    let mut db = service.db.acquire().await?;
    Ok(events::insert(&mut db, event, &digest(event, content), now, now + LEASE).await?)
}

/// Stores an event about a person who is not a full member, but only if they have a live grant or a pending approval,
/// or were known as a full member until now.
#[tracing::instrument(name = "receive_event", skip_all, fields(event = event.id, workspace = event.workspace))]
pub async fn receive_if_concerned(
    service: &Service,
    event: &Event,
    content: &Value,
) -> Result<bool, ServiceError> {
    let now = service.now();
    let mut db = service.db.acquire().await?;
    Ok(events::insert_if_concerned(&mut db, event, &digest(event, content), now, now + LEASE).await?)
}

fn digest(event: &Event, content: &Value) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [&event.workspace, &event.kind, &event.happened_at.timestamp().to_string()] {
        hash.update(part);
        hash.update([0]);
    }
    hash.update(content.to_string());
    hash.finalize().into()
}

/// Claims events whose handling began but did not finish.
pub async fn unfinished(service: &Service) -> Result<Vec<Event>, ServiceError> {
    let now = service.now();
    let mut db = service.db.acquire().await?;
    Ok(events::claim(&mut db, now, now + LEASE, BATCH).await?)
}

/// Marks an event as handled.
pub async fn finish(service: &Service, event: &Event) -> Result<(), ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(events::finish(&mut db, &event.id, service.now()).await?)
}
