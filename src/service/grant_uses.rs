//! Adding up how often each grant was used. Requests count their uses in rows of their own, so that they don't wait for
//! each other; this keeps those rows few. What people see is right whether or not it has run.

use super::{Service, ServiceError, retrying};
use crate::storage::tables::grant_uses;

/// The maximum number of rows per transaction.
const BATCH: i64 = 5000;

/// Adds up some rows. Returns whether more may be left.
#[tracing::instrument(name = "add_up_grant_uses", skip_all)]
pub async fn add_up(service: &Service) -> Result<bool, ServiceError> {
    retrying!(attempt(service))
}

async fn attempt(service: &Service) -> Result<bool, ServiceError> {
    let mut work = service.begin().await?;
    let rows = grant_uses::add_up(&mut work, BATCH).await?;
    if rows > 0 {
        work.commit().await?;
    }
    Ok(rows >= BATCH.unsigned_abs())
}
