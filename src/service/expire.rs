//! Approvals that nobody answered in time.

use super::{Failure, Service, commit, retrying};
use crate::{domain::decisions, storage};

/// How many approvals one transaction ends.
const BATCH: i64 = 50;

/// Ends up to [`BATCH`] approvals that have run out; says how many. Those that somebody is deciding at this moment
/// are left to them.
pub async fn expire(service: &Service) -> Result<usize, Failure> {
    retrying!(attempt(service))
}

async fn attempt(service: &Service) -> Result<usize, Failure> {
    let mut tx = service.begin().await?;
    let now = service.now();
    let due = storage::approvals::lock_expired(&mut tx, now, &service.unreadable.at(now), BATCH).await?;
    service.unreadable.leave_out(&due.unreadable, now);
    let mut count = 0;
    for approval in &due.approvals {
        let Some((ended, effects)) = decisions::expire(approval, now) else { continue };
        if let Some(decision) = &ended.decision {
            storage::decide::save(&mut tx, &ended, decision, &effects, || service.fresh()).await?;
            count += 1;
        }
    }
    commit(tx).await?;
    Ok(count)
}
