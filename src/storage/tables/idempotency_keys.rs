//! The table `idempotency_keys`. Asking writes and reads it, in [`crate::storage::statements::create_approval`].

use chrono::{DateTime, Utc};

use crate::storage::PgConnection;

/// Deletes up to 1000 keys whose approvals ended before `until`, or no longer exist. Returns how many.
pub async fn prune(db: &mut PgConnection, until: DateTime<Utc>) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM idempotency_keys WHERE (backend_id, key) IN (
             SELECT k.backend_id, k.key FROM idempotency_keys k
             LEFT JOIN LATERAL (SELECT p.status, p.decided_at FROM approvals p WHERE p.id = k.approval_id LIMIT 1) p ON true
             WHERE k.created_at < $1 AND (p.status IS NULL OR p.decided_at < $1)
             ORDER BY k.created_at LIMIT 1000)",
        until
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
