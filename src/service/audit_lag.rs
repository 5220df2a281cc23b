//! The lag of the audit export.

use chrono::TimeDelta;

use super::{Service, ServiceError};
use crate::storage::{read_models::audit_horizon, tables::audit};

/// The age of the oldest entry that readers of the audit can't see yet, because an older transaction is still open. Zero if
/// they can see all.
#[tracing::instrument(name = "measure_audit_lag", skip_all)]
pub async fn measure(service: &Service) -> Result<TimeDelta, ServiceError> {
    let mut db = service.db.acquire().await?;
    let horizon = audit_horizon::read(&mut db).await?;
    let oldest = audit::oldest_withheld(&mut db, horizon).await?;
    // Another instance's clock may be ahead, so the difference can be negative.
    Ok(oldest.map_or(TimeDelta::zero(), |at| (service.now() - at).max(TimeDelta::zero())))
}
