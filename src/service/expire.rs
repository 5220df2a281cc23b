//! Ending approvals that were not decided in time.

use chrono::{DateTime, Utc};

use super::{Service, ServiceError, retrying};
use crate::{domain::decisions, storage};

/// The maximum number of approvals per transaction.
const BATCH: i64 = 50;

/// Ends up to `BATCH` approvals that have expired. Returns how many. Approvals that are being decided at this moment
/// are skipped.
#[tracing::instrument(name = "expire_approvals", skip_all)]
pub async fn expire(service: &Service) -> Result<usize, ServiceError> {
    retrying!(attempt(service))
}

async fn attempt(service: &Service) -> Result<usize, ServiceError> {
    let mut work = service.begin_with_kept_plans().await?;
    let now = work.now();
    let due =
        storage::tables::approvals::lock_expired(&mut work, now, &service.unreadable.at(now), BATCH).await?;
    service.unreadable.leave_out(&due.unreadable, now);
    let mut count = 0;
    for ended in due.approvals.iter().filter_map(|approval| decisions::expire(approval, now)) {
        let (db, unwritten) = work.parts();
        storage::statements::decide::save(db, unwritten, ended, &service.seal_fixed()).await?;
        count += 1;
    }
    work.commit().await?;
    Ok(count)
}

/// When the next pending approval expires, apart from rows that can't be read.
pub async fn next(service: &Service) -> Result<Option<DateTime<Utc>>, ServiceError> {
    let mut db = service.db.acquire_with_kept_plans().await?;
    let except = service.unreadable.at(service.now());
    Ok(storage::tables::approvals::next_expiry(&mut db, &except).await?)
}
