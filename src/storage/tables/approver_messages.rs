//! The table `approver_messages`: the messages that show an approval to people who may decide it beside its user.

use chrono::{DateTime, Utc};

use super::prompts::forget_message;
use crate::{
    domain::{
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

/// Remembers a message. Said twice, it is remembered once; `true` if it was new.
pub async fn remember(
    db: &mut PgConnection,
    approval: ApprovalId,
    user: &UserId,
    prompt: &Prompt,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO approver_messages (approval_id, user_id, channel, ts, posted_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT DO NOTHING",
        approval.uuid(),
        user.as_str(),
        prompt.channel,
        prompt.ts,
        now
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
