//! What Slack tells: written down before it is answered, so that each event is handled once, whoever it reaches and
//! whatever dies meanwhile.

use chrono::TimeDelta;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{Service, ServiceError};
use crate::storage::tables::events;
pub use crate::storage::tables::events::Event;

/// How long whoever took an event may need for it.
const LEASE: TimeDelta = TimeDelta::seconds(30);
/// How many unfinished events are taken at once.
const BATCH: i64 = 20;

/// Writes an event down. `true`: it is new, and the caller handles it. The same event comes again when its answer was
/// lost, and now and then under another id: `content` is what it says without one.
#[tracing::instrument(name = "receive_event", skip_all, fields(event = event.id, workspace = event.workspace))]
pub async fn receive(service: &Service, event: &Event, content: &Value) -> Result<bool, ServiceError> {
    let now = service.now();
    let mut db = service.db.acquire().await?;
    Ok(events::insert(&mut db, event, &digest(event, content), now, now + LEASE).await?)
}

/// The same for an event about a person who is no full member, which is written down only if they have a live grant or a
/// pending approval, or were known as a full member until now.
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

/// Takes events that somebody began to handle and never finished.
pub async fn unfinished(service: &Service) -> Result<Vec<Event>, ServiceError> {
    let now = service.now();
    let mut db = service.db.acquire().await?;
    Ok(events::claim(&mut db, now, now + LEASE, BATCH).await?)
}

/// Says that an event is handled.
pub async fn finish(service: &Service, event: &Event) -> Result<(), ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(events::finish(&mut db, &event.id, service.now()).await?)
}
