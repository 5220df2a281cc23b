//! The table `prompts`: the messages that show an approval.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use crate::domain::prompts::Prompt;
use crate::{
    domain::{arguments::Digest, ids::ApprovalId},
    storage::{PgConnection, stored::CorruptRow},
};

/// Notes that Slack no longer lets a message be changed that shows these approvals. `$table`: where such messages are.
macro_rules! forget_message {
    ($table:literal, $db:expr, $approvals:expr, $prompt:expr, $now:expr) => {{
        let ids: Vec<uuid::Uuid> = $approvals.iter().map(|id| id.uuid()).collect();
        let (lowest, highest) = $crate::storage::bounds(&ids);
        sqlx::query!(
            "UPDATE "
                + $table
                + " SET gone_at = $4 WHERE approval_id = ANY($1) AND channel = $2 AND ts = $3
               AND approval_id >= $5 AND approval_id <= $6",
            &ids,
            $prompt.channel,
            $prompt.ts,
            $now,
            lowest,
            highest
        )
        .execute($db)
        .await?;
        Ok(())
    }};
}
pub(super) use forget_message;

/// The messages that show an approval and can still be changed.
pub async fn for_approval(db: &mut PgConnection, approval: ApprovalId) -> sqlx::Result<Vec<Prompt>> {
    sqlx::query_as!(
        Prompt,
        "SELECT channel, ts FROM prompts WHERE approval_id = $1 AND gone_at IS NULL ORDER BY posted_at",
        approval.uuid()
    )
    .fetch_all(db)
    .await
}

/// The first message that shows each of these approvals and can still be changed.
pub async fn first(
    db: &mut PgConnection,
    approvals: &[ApprovalId],
) -> sqlx::Result<HashMap<ApprovalId, Prompt>> {
    let ids: Vec<Uuid> = approvals.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        "SELECT DISTINCT ON (approval_id) approval_id, channel, ts FROM prompts
         WHERE approval_id = ANY($1) AND gone_at IS NULL ORDER BY approval_id, posted_at",
        &ids
    )
    .fetch_all(db)
    .await?;
    let prompts = rows.into_iter().map(|row| {
        let prompt = Prompt { channel: row.channel, ts: row.ts };
        (ApprovalId::new(row.approval_id), prompt)
    });
    Ok(prompts.collect())
}

/// Remembers a message. Said twice, it is remembered once; `true` if it was new.
pub async fn remember(
    db: &mut PgConnection,
    approval: ApprovalId,
    prompt: &Prompt,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO prompts (approval_id, channel, ts, posted_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        approval.uuid(),
        prompt.channel,
        prompt.ts,
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Remembers a message that shows these approvals, with the digest of what it showed. A click may have remembered it
/// before, without the digest.
pub async fn remember_all(
    db: &mut PgConnection,
    approvals: &[ApprovalId],
    prompt: &Prompt,
    shown: &Digest,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = approvals.iter().map(|id| id.uuid()).collect();
    sqlx::query!(
        "INSERT INTO prompts AS p (approval_id, channel, ts, posted_at, shown_digest)
         SELECT id, $2, $3, $4, $5 FROM unnest($1::uuid[]) AS ids (id)
         ON CONFLICT (approval_id, channel, ts) DO UPDATE SET shown_digest = excluded.shown_digest
         WHERE p.shown_digest IS NULL",
        &ids,
        prompt.channel,
        prompt.ts,
        now,
        &shown.bytes()[..]
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that Slack no longer lets the message be changed.
pub async fn forget(
    db: &mut PgConnection,
    approvals: &[ApprovalId],
    prompt: &Prompt,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    forget_message!("prompts", db, approvals, prompt, now)
}

/// The digests of what the messages showed that asked for a decision until `until`: the user's, and those of others who may
/// decide. Sorted, so that they are always in the same order. Messages of which no digest was stored are left out.
pub async fn shown(
    db: &mut PgConnection,
    approval: ApprovalId,
    until: DateTime<Utc>,
) -> sqlx::Result<Vec<Digest>> {
    let rows = sqlx::query_scalar!(
        r#"SELECT shown_digest AS "shown_digest!" FROM prompts
           WHERE approval_id = $1 AND posted_at <= $2 AND shown_digest IS NOT NULL
           UNION
           SELECT shown_digest FROM approver_messages
           WHERE approval_id = $1 AND posted_at <= $2 AND shown_digest IS NOT NULL
           ORDER BY 1"#,
        approval.uuid(),
        until
    )
    .fetch_all(db)
    .await?;
    let corrupt = || CorruptRow::new("prompts", "shown_digest", &approval);
    let digests = rows.iter().map(|bytes| Digest::from_stored(bytes).ok_or_else(|| corrupt().into()));
    digests.collect()
}
