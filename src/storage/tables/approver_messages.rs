//! The table `approver_messages`: the messages that show an approval to people who may decide it beside its user.

use chrono::{DateTime, Utc};

use super::prompts::forget_message;
use crate::{
    domain::{
        arguments::Digest,
        ids::{ApprovalId, UserId},
        prompts::{ApproverMessage, Prompt},
    },
    storage::PgConnection,
};

/// The messages that show an approval and can still be changed.
pub async fn for_approval(db: &mut PgConnection, approval: ApprovalId) -> sqlx::Result<Vec<ApproverMessage>> {
    let rows = sqlx::query!(
        "SELECT user_id, channel, ts FROM approver_messages WHERE approval_id = $1 AND gone_at IS NULL
         ORDER BY posted_at, channel, ts",
        approval.uuid()
    )
    .fetch_all(db)
    .await?;
    let messages = rows.into_iter().map(|row| ApproverMessage {
        user: UserId::from_stored(row.user_id),
        prompt: Prompt { channel: row.channel, ts: row.ts },
    });
    Ok(messages.collect())
}

/// Remembers a message, with the digest of what it showed if that is known. Said twice, it is remembered once; `true` if it
/// was new, or is now with its digest.
pub async fn remember(
    db: &mut PgConnection,
    approval: ApprovalId,
    user: &UserId,
    prompt: &Prompt,
    shown: Option<&Digest>,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO approver_messages AS m (approval_id, user_id, channel, ts, posted_at, shown_digest)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (approval_id, channel, ts) DO UPDATE SET shown_digest = excluded.shown_digest
         WHERE m.shown_digest IS NULL AND excluded.shown_digest IS NOT NULL",
        approval.uuid(),
        user.as_str(),
        prompt.channel,
        prompt.ts,
        now,
        shown.map(|shown| &shown.bytes()[..])
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that Slack no longer lets the message be changed.
pub async fn forget(
    db: &mut PgConnection,
    approval: ApprovalId,
    prompt: &Prompt,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    forget_message!("approver_messages", db, [approval], prompt, now)
}
