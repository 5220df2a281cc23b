//! The table `outbox`: messages and webhooks to send. [`crate::storage::effects`] writes it, and workers claim its rows
//! in [`crate::storage::statements::claim`].

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    domain::ids::ApprovalId,
    storage::{PgConnection, bounds},
};

/// What a row is for. Each kind has its own limit of concurrent work, so that no kind starves another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Render an approval's prompt.
    Prompt,
    /// Render a message that several approvals may share. Instances of version 0.1.0, which know nothing of such messages,
    /// don't claim this kind. A trigger gives it to the rows that are written for such an approval.
    SharedPrompt,
    /// Send a backend the webhook that reports how an approval ended.
    Webhook,
    /// Send the webhook that reports how an approval ended to its callback URL.
    Callback,
    /// Update a user's Home tab.
    Home,
    /// Render the admins' messages about an unlock request.
    UnlockRequest,
    /// Send a user the answer to their unlock request.
    UnlockAnswer,
    /// Tell a user which of their grants an admin revoked.
    Revocation,
    /// Tell a person that they decide for another, or no longer do.
    Delegation,
    /// Tell a user that an agent tried to run something other than what they approved.
    Misuse,
    /// Remind a user of what waits, and update the messages that did.
    Reminder,
    /// Send a user their daily digest.
    Digest,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Prompt,
        Self::SharedPrompt,
        Self::Webhook,
        Self::Callback,
        Self::Home,
        Self::UnlockRequest,
        Self::UnlockAnswer,
        Self::Revocation,
        Self::Delegation,
        Self::Misuse,
        Self::Reminder,
        Self::Digest,
    ];

    /// The kind as written in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::SharedPrompt => "shared_prompt",
            Self::Webhook => "webhook",
            Self::Callback => "callback",
            Self::Home => "home",
            Self::UnlockRequest => "unlock_request",
            Self::UnlockAnswer => "unlock_answer",
            Self::Revocation => "revocation",
            Self::Delegation => "delegation",
            Self::Misuse => "misuse",
            Self::Reminder => "reminder",
            Self::Digest => "digest",
        }
    }

    /// Whether a row has to wait for earlier ones of its queue that are not due yet. A Home tab and a prompt show what is
    /// so now, so one that Slack does not take at the moment holds up none that comes after it.
    pub(in crate::storage) const fn keeps_order(self) -> bool {
        !matches!(self, Self::Home | Self::Prompt | Self::SharedPrompt)
    }
}

/// Leaves the waiting rows of these approvals to instances that render shared messages: they were written before the
/// approvals got a shared message.
pub async fn share(db: &mut PgConnection, approvals: &[ApprovalId]) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = approvals.iter().map(|id| id.uuid()).collect();
    sqlx::query!(
        r#"-- changed: no row is older than its approval, so older partitions aren't looked at.
           -- The notification wakes the workers of the other kind.
           WITH changed AS (
               UPDATE outbox SET kind = 'shared_prompt'
               WHERE queue = ANY(ARRAY(SELECT 'prompt:' || id FROM unnest($1::uuid[]) AS ids (id)))
                 AND id >= id_before($2) AND kind = 'prompt' AND done_at IS NULL AND dead_at IS NULL
               RETURNING kind)
           SELECT pg_notify('countersign_outbox', kind) AS told FROM changed LIMIT 1"#,
        &ids,
        bounds(&ids).0
    )
    .fetch_optional(db)
    .await?;
    Ok(())
}

/// Deletes what was drawn before `before`, at most 1,000 rows, and their attempts. Webhook deliveries stay: they are read through the API.
pub async fn prune(db: &mut PgConnection, before: DateTime<Utc>) -> sqlx::Result<u64> {
    let deleted = sqlx::query_scalar!(
        r#"WITH deleted AS (
             DELETE FROM outbox WHERE id IN (SELECT id FROM outbox
                 WHERE done_at < $1 AND kind <> 'webhook' AND kind <> 'callback' LIMIT 1000) RETURNING id),
         attempted AS (DELETE FROM attempts WHERE outbox_id IN (SELECT id FROM deleted))
         SELECT count(*) AS "deleted!" FROM deleted"#,
        before
    )
    .fetch_one(db)
    .await?;
    Ok(deleted.unsigned_abs())
}
