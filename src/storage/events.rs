//! The table `events`: what Slack told, each once.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Slack's id of it.
    pub id: String,
    /// Slack's id of the workspace.
    pub workspace: String,
    /// Slack's type.
    pub kind: String,
    /// Whom it is about, where it is about a person.
    pub user: Option<String>,
    /// When Slack says that it happened.
    pub happened_at: DateTime<Utc>,
    /// What handling it takes beside these.
    pub content: Option<Value>,
}

/// Writes an event down, to be handled by the caller until `leased_until`. `false`: it is known already, under this
/// id or with the same content under another.
pub async fn insert(
    db: &mut PgConnection,
    event: &Event,
    digest: &[u8; 32],
    now: DateTime<Utc>,
    leased_until: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO events (event_id, digest, workspace, kind, user_id, happened_at, received_at, leased_until, content)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
        event.id,
        digest,
        event.workspace,
        event.kind,
        event.user,
        event.happened_at,
        now,
        leased_until,
        event.content
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes events that somebody began to handle and did not finish, oldest first.
pub async fn claim(
    db: &mut PgConnection,
    now: DateTime<Utc>,
    leased_until: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<Event>> {
    sqlx::query_as!(
        Event,
        "UPDATE events SET leased_until = $2 WHERE event_id IN (
             SELECT event_id FROM events WHERE handled_at IS NULL AND leased_until <= $1
             ORDER BY leased_until LIMIT $3 FOR UPDATE SKIP LOCKED)
         RETURNING event_id AS id, workspace, kind, user_id AS user, happened_at, content",
        now,
        leased_until,
        limit
    )
    .fetch_all(db)
    .await
}

/// Says that an event is handled.
pub async fn finish(db: &mut PgConnection, id: &str, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!("UPDATE events SET handled_at = $2 WHERE event_id = $1", id, now).execute(db).await?;
    Ok(())
}

/// Forgets handled events that came before `before`, at most 1,000.
pub async fn prune(db: &mut PgConnection, before: DateTime<Utc>) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM events WHERE event_id IN
             (SELECT event_id FROM events WHERE received_at < $1 AND handled_at IS NOT NULL LIMIT 1000)",
        before
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
