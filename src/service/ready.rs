//! Readiness: whether this instance can serve requests.

use super::Service;
use crate::storage::{self, ErrorClass, tables::partitions};

/// Why the instance is not ready. Anyone who reaches the service can read this text; the log has the details.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    /// Postgres does not respond.
    #[error("the database can't be reached")]
    Unreachable,
    /// The database's schema is not the one that this program needs.
    #[error("{}", storage::NOT_MIGRATED)]
    NotMigrated,
    /// Rows that are written now have no partition.
    #[error("the tables have no partition for the present: {0}")]
    NoPartition(String),
    /// Postgres responds but refuses writes.
    #[error("the database is read-only")]
    ReadOnly,
    /// Postgres refuses writes because its disk is full, or another resource is exhausted.
    #[error("the database has no room left")]
    Full,
    /// A background loop makes no progress.
    #[error("{0}")]
    Stuck(String),
    /// The instance has suspended itself.
    #[error("{0}")]
    Suspended(String),
}

/// Checks that every loop makes progress, and that the database responds, accepts writes and has this program's schema.
pub async fn ready(service: &Service) -> Result<(), NotReady> {
    if let Some(problem) = service.heartbeats.problem() {
        return Err(NotReady::Stuck(problem));
    }
    if let Some(why) = service.db.suspension() {
        return Err(NotReady::Suspended(why));
    }
    database(service).await.map_err(|error| {
        let class = storage::classify(&error);
        tracing::warn!(reason = storage::explain(&error), ?class, "Readiness check failed");
        match class {
            ErrorClass::NotMigrated => NotReady::NotMigrated,
            ErrorClass::ReadOnly => NotReady::ReadOnly,
            ErrorClass::Full => NotReady::Full,
            _ => NotReady::Unreachable,
        }
    })?
}

async fn database(service: &Service) -> sqlx::Result<Result<(), NotReady>> {
    let mut db = service.db.acquire_for_checks().await?;
    if !storage::is_migrated(&mut db).await? {
        return Ok(Err(NotReady::NotMigrated));
    }
    if storage::is_read_only(&mut db).await? {
        return Ok(Err(NotReady::ReadOnly));
    }
    let missing = partitions::missing(&mut db, service.now()).await?;
    if !missing.is_empty() {
        return Ok(Err(NotReady::NoPartition(missing.join(", "))));
    }
    drop(db);
    if service.db.refuses_writes() {
        // Only a write reveals a full disk, so the probe writes, but only after an earlier write was refused.
        let mut tx = service.db.begin().await?;
        storage::probe_writes(&mut tx).await?;
        tx.rollback().await?;
        service.db.note_write();
        tracing::info!("Postgres accepts writes again");
    }
    Ok(Ok(()))
}
