//! Audit eras: the audit's move to another database server.

use super::{Service, ServiceError, retrying};
use crate::storage::tables::audit_eras;

/// Begins a new audit era after the database was restored: if `restored` says so, or if the audit contains entries of
/// transactions that this server has yet to begin. Returns the number of a new era.
///
/// A restored server numbers its transactions from its own counter. Without a new era, a reader who exports in
/// transaction order would miss entries written after the restore.
pub async fn follow(service: &Service, restored: bool) -> Result<Option<i32>, ServiceError> {
    retrying!(attempt(service, restored))
}

async fn attempt(service: &Service, restored: bool) -> Result<Option<i32>, ServiceError> {
    let mut work = service.begin().await?;
    if !restored && !audit_eras::is_over(&mut work).await? {
        return Ok(None);
    }
    let era = audit_eras::begin(&mut work, service.now()).await?;
    work.commit().await?;
    Ok(Some(era))
}
