//! Whether requests can be served.

use super::Service;
use crate::storage::MIGRATIONS;

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    /// Postgres does not answer.
    #[error("the database can't be reached")]
    Unreachable,
    /// The schema is not this program's.
    #[error("the database is not migrated: run `countersign migrate`")]
    NotMigrated,
}

/// Checks that the database answers and has this program's schema.
pub async fn ready(service: &Service) -> Result<(), NotReady> {
    let mut db = service.db.acquire().await.map_err(|_| NotReady::Unreachable)?;
    let newest = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0);
    let applied = crate::storage::newest_migration(&mut db).await.map_err(|_| NotReady::NotMigrated)?;
    if applied >= newest { Ok(()) } else { Err(NotReady::NotMigrated) }
}
