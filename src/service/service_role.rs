//! The database role of `serve`, where it is another one than the tables' owner.

use super::{Service, ServiceError};
use crate::storage::tables::partitions;

/// Grants a role what `serve` needs, and no more. `drops_audit`: whether it may have old audit entries dropped. Creates
/// the role if there is none, and returns whether it did.
pub async fn grant(service: &Service, role: &str, drops_audit: bool) -> Result<bool, ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(partitions::grant_service(&mut db, role, drops_audit).await?)
}
