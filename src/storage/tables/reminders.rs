//! The tables `reminders` and `reminded`: the messages that remind users, and the approvals that each names.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    domain::{
        ids::{ApprovalId, UserId, WorkspaceId},
        prompts::Prompt,
    },
    storage::PgConnection,
};

/// A message that was sent, and whose approvals may have ended since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The message's key.
    pub id: Uuid,
    /// Where it is.
    pub message: Prompt,
    /// How many of its approvals wait, as it says.
    pub waiting: usize,
    /// Its approvals.
    pub approvals: Vec<ApprovalId>,
}

/// The user's messages that say that something waits.
pub async fn open(db: &mut PgConnection, workspace: WorkspaceId, user: &UserId) -> sqlx::Result<Vec<Open>> {
    let rows = sqlx::query!(
        r#"SELECT m.id, m.channel AS "channel!", m.ts AS "ts!", m.waiting,
                  ARRAY(SELECT r.approval_id FROM reminded r WHERE r.reminder_id = m.id) AS "approvals!"
           FROM reminders m
           WHERE m.workspace_id = $1 AND m.user_id = $2 AND m.closed_at IS NULL AND m.ts IS NOT NULL
           ORDER BY m.reminded_at"#,
        workspace.uuid(),
        user.as_str()
    )
    .fetch_all(db)
    .await?;
    let rows = rows.into_iter().map(|row| Open {
        id: row.id,
        message: Prompt { channel: row.channel, ts: row.ts },
        waiting: usize::try_from(row.waiting).unwrap_or(0),
        approvals: row.approvals.into_iter().map(ApprovalId::new).collect(),
    });
    Ok(rows.collect())
}

/// Notes that a message is being sent, and returns those of the approvals that no other message names.
pub async fn take(
    db: &mut PgConnection,
    id: Uuid,
    (workspace, user): (WorkspaceId, &UserId),
    approvals: &[ApprovalId],
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<ApprovalId>> {
    let approvals: Vec<Uuid> = approvals.iter().map(|id| id.uuid()).collect();
    let taken = sqlx::query_scalar!(
        // sent: the message. One statement with the approvals that it names, so that none is taken without it.
        "WITH sent AS (
             INSERT INTO reminders (id, workspace_id, user_id, reminded_at, waiting)
             VALUES ($1, $2, $3, $4, cardinality($5::uuid[])) RETURNING id)
         INSERT INTO reminded (approval_id, reminder_id) SELECT a, sent.id FROM unnest($5::uuid[]) a, sent
         ORDER BY a ON CONFLICT DO NOTHING RETURNING approval_id",
        id,
        workspace.uuid(),
        user.as_str(),
        now,
        &approvals
    )
    .fetch_all(db)
    .await?;
    Ok(taken.into_iter().map(ApprovalId::new).collect())
}

/// Notes that a message was not sent after all: its approvals may be named by another.
pub async fn give_back(db: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM reminders WHERE id = $1", id).execute(db).await?;
    Ok(())
}

/// Notes where a message is.
pub async fn posted(db: &mut PgConnection, id: Uuid, message: &Prompt) -> sqlx::Result<()> {
    sqlx::query!("UPDATE reminders SET channel = $2, ts = $3 WHERE id = $1", id, message.channel, message.ts)
        .execute(db)
        .await?;
    Ok(())
}

/// Notes what a message says now. With nothing waiting, it is not looked at again.
pub async fn shown(db: &mut PgConnection, id: Uuid, waiting: usize, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE reminders SET waiting = $2, closed_at = CASE WHEN $2 = 0 THEN $3::timestamptz END WHERE id = $1",
        id,
        i32::try_from(waiting).unwrap_or(i32::MAX),
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes messages from before `before`, at most 1,000, with the approvals that they name.
pub async fn prune(db: &mut PgConnection, before: DateTime<Utc>) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM reminders WHERE id IN (SELECT id FROM reminders WHERE reminded_at < $1 LIMIT 1000)",
        before
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
