//! Whether the service's database role could change the audit.

use super::{Service, ServiceError};
use crate::storage;

/// What lets the service's database role bypass the triggers that protect the audit: `superuser` or `owner`; `None` if
/// nothing does.
pub async fn bypass(service: &Service) -> Result<Option<String>, ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(storage::power_over_audit(&mut db).await?)
}
