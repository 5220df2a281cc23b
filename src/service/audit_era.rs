//! The audit moves to another database server.

use super::{Service, ServiceError, retrying};
use crate::storage::tables::audit_eras;

/// Begins a new era of the audit where the database was restored: where `restored` says so, or where entries come from
/// transactions that this server has yet to begin. Gives the era's number if one was begun.
///
/// Without it whoever reads the audit would miss what is written after the restore, since transactions number
/// themselves anew.
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
