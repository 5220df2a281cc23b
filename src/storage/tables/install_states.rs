//! The table `install_states`: used OAuth states, kept until they would have expired.

use chrono::{DateTime, Utc};

use crate::storage::PgConnection;

/// Whether an installation has used this state.
pub async fn is_used(db: &mut PgConnection, hash: &[u8; 32]) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT 1 FROM install_states WHERE hash = $1) AS "used!""#, hash)
        .fetch_one(db)
        .await
}

/// Marks a state as used. `false` if another installation used it before.
pub async fn use_up(
    db: &mut PgConnection,
    hash: &[u8; 32],
    browser: &[u8; 32],
    expires_at: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO install_states (hash, browser, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        hash,
        browser,
        expires_at
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes up to 1,000 states that expired before `before`.
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
