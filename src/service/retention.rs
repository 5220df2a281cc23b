//! How long rows that are no longer needed stay in the database.

use chrono::TimeDelta;

use super::{Service, ServiceError, pauses};
use crate::{
    domain::repeats::REMEMBERED,
    storage::tables::{
        agents, approvals, events, grants, idempotency_keys, install_states, listeners, outbox, profiles,
        reminders, repeats,
    },
};

/// Finished outbox rows.
const OUTBOX: TimeDelta = TimeDelta::days(7);
/// Slack's events: longer than Slack repeats them.
const EVENTS: TimeDelta = TimeDelta::days(3);
/// Idempotency keys, after their approvals ended.
const KEYS: TimeDelta = TimeDelta::hours(24);
/// A user's last known membership, from which their Home tab is rendered while Slack does not answer.
const PROFILES: TimeDelta = TimeDelta::days(7);
/// Reminders: longer than their requests can wait.
const REMINDERS: TimeDelta = TimeDelta::days(10);
/// Instances that callers listened to: longer than an approval can wait without one.
const INSTANCES: TimeDelta = TimeDelta::days(2);
/// Agents, after they asked.
const AGENTS: TimeDelta = pauses::SEEN;
/// How many rows one statement deletes. A smaller count means that none are left.
const BATCH: u64 = 1000;

/// Deletes old rows in batches, and calls `progress` after each full one.
pub async fn delete_old(service: &Service, progress: impl Fn()) -> Result<(), ServiceError> {
    let mut db = service.db.acquire().await?;
    while outbox::prune(&mut db, service.now() - OUTBOX).await? == BATCH {
        progress();
    }
    while events::prune(&mut db, service.now() - EVENTS).await? == BATCH {
        progress();
    }
    // States have their own expiry.
    while install_states::prune(&mut db, service.now()).await? == BATCH {
        progress();
    }
    while repeats::prune(&mut db, service.now() - REMEMBERED).await? == BATCH {
        progress();
    }
    while idempotency_keys::prune(&mut db, service.now() - KEYS).await? == BATCH {
        progress();
    }
    while profiles::prune(&mut db, service.now() - PROFILES).await? == BATCH {
        progress();
    }
    while reminders::prune(&mut db, service.now() - REMINDERS).await? == BATCH {
        progress();
    }
    while agents::prune(&mut db, service.now() - AGENTS).await? == BATCH {
        progress();
    }
    while listeners::prune_instances(&mut db, service.now() - INSTANCES).await? == BATCH {
        progress();
    }
    Ok(())
}

/// Deletes arguments, reasons and metadata of approvals that ended and are older than `kept`, and the values of arguments
/// that grants held fixed which ended as long ago, in batches, and calls `progress` after each.
pub async fn delete_contents(
    service: &Service,
    kept: TimeDelta,
    progress: impl Fn(),
) -> Result<(), ServiceError> {
    let mut db = service.db.acquire().await?;
    while approvals::delete_contents(&mut db, service.now() - kept, service.now()).await? > 0 {
        progress();
    }
    while grants::delete_fixed_values(&mut db, service.now() - kept).await? == BATCH {
        progress();
    }
    Ok(())
}
