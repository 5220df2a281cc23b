//! The table `events`: events from Slack, each stored once.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::{
    domain::people::PersonKind,
    storage::{
        PgConnection,
        stored::{CorruptRow, readable},
    },
};

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
    /// What it says that they are now, where it says so.
    pub person_kind: Option<PersonKind>,
    /// When Slack says that it happened.
    pub happened_at: DateTime<Utc>,
    /// What handling it takes beside these.
    pub content: Option<Value>,
}

struct Row {
    event_id: String,
    workspace: String,
    kind: String,
    user_id: Option<String>,
    person_kind: Option<String>,
    happened_at: DateTime<Utc>,
    content: Option<Value>,
}

/// Stores an event, which the caller handles until `leased_until`. `false` if the event is stored already, under this
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

/// Like [`insert`], for an event about a person who is not a full member. Stores it only if they have a live grant, an
/// API key or a pending approval, or were known as a full member until now; a grant that is being given at this moment can't be seen
/// yet. Deletes their stored profile. Slack sends such events about every person, up to thirty thousand an hour, so one
/// statement does all of this and reads no more than it needs.
pub async fn insert_if_concerned(
    db: &mut PgConnection,
    event: &Event,
    digest: &[u8; 32],
    now: DateTime<Utc>,
    leased_until: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "-- forgotten: what they were known as. Deleted in the statement that writes the event, so that an event which
         -- could not be written and comes again still finds it.
         WITH forgotten AS (
             DELETE FROM profiles WHERE workspace = $3 AND user_id = $5 AND kind <> $6 RETURNING kind)
         INSERT INTO events (event_id, digest, workspace, kind, user_id, person_kind, happened_at, received_at,
                             leased_until)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9 FROM workspaces w
         WHERE w.slack_id = $3 AND w.removed_at IS NULL
           AND (EXISTS (SELECT 1 FROM forgotten WHERE kind = 'member')
                OR EXISTS (SELECT 1 FROM grants g
                        WHERE g.workspace_id = w.id AND g.user_id = $5 AND g.revoked_at IS NULL)
                OR EXISTS (SELECT 1 FROM user_keys k
                           WHERE k.workspace_id = w.id AND k.user_id = $5 AND k.revoked_at IS NULL)
                OR EXISTS (SELECT 1 FROM approvals p
                           WHERE p.workspace_id = w.id AND p.user_id = $5 AND p.status = 'pending'))
         ON CONFLICT DO NOTHING",
        event.id,
        digest,
        event.workspace,
        event.kind,
        event.user,
        event.person_kind.map(PersonKind::as_str),
        event.happened_at,
        now,
        leased_until
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Claims events whose handling began but did not finish, oldest first. An event that can't be read is logged and stays
/// unfinished, so it is claimed again when its lease expires.
pub async fn claim(
    db: &mut PgConnection,
    now: DateTime<Utc>,
    leased_until: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<Event>> {
    let rows = sqlx::query_as!(
        Row,
        "UPDATE events SET leased_until = $2 WHERE event_id IN (
             SELECT event_id FROM events WHERE handled_at IS NULL AND leased_until <= $1
             ORDER BY leased_until LIMIT $3 FOR UPDATE SKIP LOCKED)
         RETURNING event_id, workspace, kind, user_id, person_kind, happened_at, content",
        now,
        leased_until,
        limit
    )
    .fetch_all(db)
    .await?;
    let read = |row: Row| {
        let corrupt = || CorruptRow::new("events", "person_kind", &row.event_id);
        let person_kind = row.person_kind.as_deref();
        let person_kind =
            person_kind.map(|kind| PersonKind::from_stored(kind).ok_or_else(corrupt)).transpose()?;
        Ok(Event {
            id: row.event_id,
            workspace: row.workspace,
            kind: row.kind,
            user: row.user_id,
            person_kind,
            happened_at: row.happened_at,
            content: row.content,
        })
    };
    Ok(readable(rows.into_iter().map(read)))
}

/// Marks an event as handled.
pub async fn finish(db: &mut PgConnection, id: &str, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!("UPDATE events SET handled_at = $2 WHERE event_id = $1", id, now).execute(db).await?;
    Ok(())
}

/// Deletes up to 1,000 handled events from before `before`.
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
