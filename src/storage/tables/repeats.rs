//! The table `slack_requests`. The statements that begin a change write it: [`crate::storage::tables::workspaces::enter`] and
//! [`crate::storage::statements::decide::lock_in_workspace`].

use chrono::{DateTime, Utc};

use crate::{domain::repeats::RequestDigest, storage::PgConnection};

/// Whether this is what a request meets that was taken before.
#[must_use]
pub fn is_repeat(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::constraint) == Some("slack_requests_pkey")
}

/// Remembers a request whose change begins with none of those statements. Fails ([`is_repeat`]) if it was taken before.
pub async fn remember(
    db: &mut PgConnection,
    request: Option<RequestDigest>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let Some(request) = request else { return Ok(()) };
    sqlx::query!("INSERT INTO slack_requests (digest, taken_at) VALUES ($1, $2)", request.as_bytes(), now)
        .execute(db)
        .await?;
    Ok(())
}

/// Forgets up to 1000 of the requests from before `until`, which Slack's signature no longer lets in. Says how many.
pub async fn prune(db: &mut PgConnection, until: DateTime<Utc>) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM slack_requests WHERE digest IN
             (SELECT digest FROM slack_requests WHERE taken_at < $1 LIMIT 1000 FOR UPDATE SKIP LOCKED)",
        until
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
