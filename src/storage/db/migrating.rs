//! Running migrations beside instances that serve. Every statement of theirs queues behind a lock that a migration waits
//! for, so nothing here waits long while it holds another lock. Postgres looks for a deadlock only after a second, and
//! then ends the statement that waited so long: so it never finds one of an instance's.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, migrate::MigrateError};

use crate::storage::db::migrations::MIGRATIONS;

/// Pause before a migration that gave way is tried again, in which what had queued behind it gets done.
pub(super) const GIVING_WAY: Duration = Duration::from_millis(200);
/// After so many tries, an autovacuum may be in the way.
const TRIES: usize = 10;

/// The migration that drops foreign keys.
const FOREIGN_KEYS: i64 = 16;
/// The foreign keys that it drops, as they are called.
const DROPPED: [&str; 12] = [
    "approvals_workspace_id_fkey",
    "approvals_backend_id_fkey",
    "approvals_action_id_fkey",
    "approvals_decision_grant_fkey",
    "prompts_approval_id_fkey",
    "audit_workspace_id_fkey",
    "outbox_workspace_id_fkey",
    "outbox_approval_id_fkey",
    "outbox_backend_id_fkey",
    "outbox_unlock_request_id_fkey",
    "attempts_outbox_id_fkey",
    "conversations_backend_id_fkey",
];

/// Runs what is missing. A migration that does not get its locks soon is rolled back and tried again. Those that need no
/// transaction do the same themselves.
pub(super) async fn run(connection: &mut PgConnection) -> Result<(), MigrateError> {
    for migration in MIGRATIONS.iter() {
        if migration.version == FOREIGN_KEYS {
            drop_foreign_keys(connection).await?;
        }
        // Short, because a migration may hold some locks while it waits for others.
        let limit = if migration.no_tx { "SET lock_timeout = 0" } else { "SET lock_timeout = '50ms'" };
        sqlx::raw_sql(limit).execute(&mut *connection).await?;
        for tries in 1.. {
            match MIGRATIONS.run_to(migration.version, &mut *connection).await {
                Ok(()) => break,
                Err(error) if gave_way(&error) => {
                    tracing::debug!(migration.version, %error, "Migration did not get its locks; retrying");
                    give_way(connection, tries).await?;
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// Drops the foreign keys before their migration does. To drop one locks both tables, which statements lock in either
/// order, and the migration waits for longer than Postgres does before it looks for a deadlock. Where it finds no foreign
/// key, it locks one table at a time.
async fn drop_foreign_keys(connection: &mut PgConnection) -> sqlx::Result<()> {
    let statements: Vec<String> = sqlx::query_scalar(
        "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) FROM pg_constraint
         WHERE contype = 'f' AND connamespace = current_schema()::regnamespace AND conname = ANY($1)",
    )
    .bind(&DROPPED[..])
    .fetch_all(&mut *connection)
    .await?;
    sqlx::raw_sql("SET lock_timeout = '300ms'").execute(&mut *connection).await?;
    for statement in statements {
        for tries in 1.. {
            match sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(&mut *connection).await {
                Ok(_) => break,
                Err(error) if is_contended(&error) => give_way(connection, tries).await?,
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// Pauses before the next try. Every tenth time, has Postgres cancel an autovacuum that is in the way, which it does for a
/// lock that was waited for longer than `deadlock_timeout`.
async fn give_way(connection: &mut PgConnection, tries: usize) -> sqlx::Result<()> {
    tokio::time::sleep(GIVING_WAY).await;
    if !tries.is_multiple_of(TRIES) {
        return Ok(());
    }
    let vacuumed: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT c.oid::regclass::text FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
         WHERE l.mode = 'ShareUpdateExclusiveLock' AND l.granted AND c.relkind IN ('r', 'p')
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND c.relnamespace = current_schema()::regnamespace AND l.pid <> pg_backend_pid()",
    )
    .fetch_all(&mut *connection)
    .await?;
    for table in vacuumed {
        // This waits without another lock, and lets go of the table at once.
        let mut alone = connection.begin().await?;
        let lock = format!("SET LOCAL lock_timeout = '1500ms'; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
        let locked = sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut *alone).await;
        alone.rollback().await?;
        if let Err(error) = locked
            && !is_contended(&error)
        {
            return Err(error);
        }
    }
    Ok(())
}

/// Whether a migration was rolled back because others held its locks.
fn gave_way(error: &MigrateError) -> bool {
    let (MigrateError::ExecuteMigration(source, _) | MigrateError::Execute(source)) = error else {
        return false;
    };
    is_contended(source)
}

/// Whether others held a lock for too long (lock not available, deadlock).
fn is_contended(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| matches!(error.code().as_deref(), Some("55P03" | "40P01")))
}
