//! Whether requests can be served.

use super::Service;
use crate::storage::{self, ErrorClass, MIGRATIONS};

/// Why not. What is said here can be read by anyone who reaches the service; the log says more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    /// Postgres does not answer.
    #[error("the database can't be reached")]
    Unreachable,
    /// The schema is not this program's.
    #[error("the database is not migrated: run `countersign migrate`")]
    NotMigrated,
    /// It answers, and takes no writes.
    #[error("the database is read-only")]
    ReadOnly,
    /// It refuses writes because its disk is full, or it has no other room.
    #[error("the database has no room left")]
    Full,
    /// A loop makes no progress.
    #[error("{0}")]
    Stuck(String),
    /// The instance has stopped working.
    #[error("{0}")]
    Suspended(String),
}

/// Checks that every loop makes progress, and that the database answers, takes writes and has this program's schema.
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
    let newest = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0);
    if storage::newest_migration(&mut db).await? < newest {
        return Ok(Err(NotReady::NotMigrated));
    }
    if storage::is_read_only(&mut db).await? {
        return Ok(Err(NotReady::ReadOnly));
    }
    drop(db);
    if service.db.refuses_writes() {
        // A full disk is seen only by writing, which is done only while there is a reason to.
        let mut tx = service.db.begin().await?;
        storage::probe_writes(&mut tx).await?;
        tx.rollback().await?;
        service.db.note_write();
        tracing::info!("Postgres accepts writes again");
    }
    Ok(Ok(()))
}
