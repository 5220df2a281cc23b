//! The table `install_states`.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// What was stored of a state, as SHA-256.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The browser that it was given to.
    pub browser: Vec<u8>,
    /// Until when it is good.
    pub expires_at: DateTime<Utc>,
}

/// Writes a state down.
pub async fn insert(
    db: &mut PgConnection,
    hash: &[u8; 32],
    browser: &[u8; 32],
    expires_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO install_states (hash, browser, expires_at) VALUES ($1, $2, $3)",
        hash,
        browser,
        expires_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes a state out: it is good once, and whoever comes second finds nothing.
pub async fn take(db: &mut PgConnection, hash: &[u8; 32]) -> sqlx::Result<Option<Stored>> {
    sqlx::query_as!(Stored, "DELETE FROM install_states WHERE hash = $1 RETURNING browser, expires_at", hash)
        .fetch_optional(db)
        .await
}

/// Forgets those that ran out before `before`, at most 1,000.
pub async fn prune(db: &mut PgConnection, before: DateTime<Utc>) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM install_states WHERE hash IN
             (SELECT hash FROM install_states WHERE expires_at < $1 LIMIT 1000)",
        before
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
