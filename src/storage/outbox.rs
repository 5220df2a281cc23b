//! The table `outbox`, as it is written: what has to reach the outside. Workers take it in [`super::claims`].

use super::PgConnection;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::domain::{
    approvals::Approval,
    effects::Effect,
    ids::{ApprovalId, UnlockRequestId, UserId, WorkspaceId},
};

/// What a row asks for. Each kind has its own permits, so that one can't starve another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Make Slack show the approval as it is.
    Prompt,
    /// Tell a backend how an approval ended.
    Webhook,
    /// Make a user's Home tab show what is so now.
    Home,
    /// Make the admins' messages show a request to unlock an action as it is.
    UnlockRequest,
    /// Tell one who asked for an action to be unlocked how it was answered.
    UnlockAnswer,
}

/// How long many small changes wait to be drawn together.
pub const BREATHER: TimeDelta = TimeDelta::seconds(3);

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::Prompt, Self::Webhook, Self::Home, Self::UnlockRequest, Self::UnlockAnswer];

    /// As the database writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Webhook => "webhook",
            Self::Home => "home",
            Self::UnlockRequest => "unlock_request",
            Self::UnlockAnswer => "unlock_answer",
        }
    }

    /// Whether a row has to wait for earlier ones of its queue that are not due yet. A Home tab and a prompt show what is
    /// so now, so one that Slack does not take at the moment holds up none that comes after it.
    pub(super) const fn keeps_order(self) -> bool {
        !matches!(self, Self::Home | Self::Prompt)
    }
}

/// Rows as columns, so that one statement writes any number of them.
#[derive(Debug, Default)]
pub(super) struct Columns {
    pub(super) ids: Vec<Uuid>,
    pub(super) kinds: Vec<String>,
    pub(super) queues: Vec<String>,
    pub(super) backends: Vec<Option<Uuid>>,
    pub(super) events: Vec<Option<String>>,
}

impl Columns {
    /// The rows that the effects ask for. `fresh` makes their ids.
    pub(super) fn of(approval: &Approval, effects: &[Effect], mut fresh: impl FnMut() -> Uuid) -> Self {
        let mut columns = Self::default();
        for effect in effects {
            let (kind, backend, event) = match effect {
                Effect::Draw => (Kind::Prompt, None, None),
                Effect::Tell { backend, outcome } => {
                    (Kind::Webhook, Some(backend.uuid()), Some(outcome.event().to_owned()))
                }
                Effect::Give(_) | Effect::Use(_) | Effect::Record(_) | Effect::Refresh(_) => continue,
            };
            columns.ids.push(fresh());
            columns.kinds.push(kind.as_str().to_owned());
            columns.queues.push(queue(kind, approval.id()));
            columns.backends.push(backend);
            columns.events.push(event);
        }
        columns
    }
}

/// One queue an approval and kind: its prompts are drawn, and its webhooks sent, one after the other.
fn queue(kind: Kind, approval: ApprovalId) -> String {
    format!("{}:{}", kind.as_str(), approval.uuid())
}

/// Has the prompts of these approvals drawn again. One that is to be drawn within a minute anyway shows what is so then:
/// it gets no second row, and is locked, so that it is not drawn before this transaction is over.
pub async fn draw_again(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    approvals: &[ApprovalId],
    now: DateTime<Utc>,
    mut fresh: impl FnMut() -> Uuid,
) -> sqlx::Result<()> {
    if approvals.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = approvals.iter().map(|_| fresh()).collect();
    let subjects: Vec<Uuid> = approvals.iter().map(|id| id.uuid()).collect();
    let queues: Vec<String> = approvals.iter().map(|id| queue(Kind::Prompt, *id)).collect();
    sqlx::query!(
        r#"WITH waiting AS (
               SELECT queue FROM outbox WHERE queue = ANY($5) AND done_at IS NULL AND dead_at IS NULL
                 AND due_at <= $2::timestamptz + interval '1 minute' AND lease IS NULL FOR SHARE SKIP LOCKED),
           queued AS (
               INSERT INTO outbox (workspace_id, created_at, due_at, kind, id, approval_id, queue)
               SELECT $1, $2, $2, 'prompt', * FROM unnest($3::uuid[], $4::uuid[], $5::text[]) AS row (id, approval, queue)
               WHERE row.queue NOT IN (SELECT waiting.queue FROM waiting) RETURNING kind)
           SELECT pg_notify('countersign_outbox', kind) AS told FROM queued LIMIT 1"#,
        workspace.uuid(),
        now,
        &ids,
        &subjects,
        &queues
    )
    .fetch_optional(db)
    .await?;
    Ok(())
}

/// Has the admins' messages about requests to unlock actions drawn, and those who asked told of the answer.
pub async fn tell_of_unlocking(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    requests: &[(UnlockRequestId, Vec<UserId>)],
    now: DateTime<Utc>,
    mut fresh: impl FnMut() -> Uuid,
) -> sqlx::Result<()> {
    let (mut ids, mut kinds, mut queues, mut subjects, mut users) = (vec![], vec![], vec![], vec![], vec![]);
    for (request, told) in requests {
        let (drawn, uuid) = (Kind::UnlockRequest.as_str(), request.uuid());
        let answers = told.iter().map(|user| {
            (Kind::UnlockAnswer.as_str(), format!("unlock_answer:{uuid}:{user}"), Some(user.to_string()))
        });
        for (kind, queue, user) in std::iter::once((drawn, format!("{drawn}:{uuid}"), None)).chain(answers) {
            ids.push(fresh());
            kinds.push(kind.to_owned());
            queues.push(queue);
            subjects.push(uuid);
            users.push(user);
        }
    }
    sqlx::query!(
        r#"WITH queued AS (
               INSERT INTO outbox (workspace_id, created_at, due_at, id, kind, queue, unlock_request_id, user_id)
               SELECT $1, $2, $2, * FROM unnest($3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::text[])
               RETURNING kind)
           SELECT pg_notify('countersign_outbox', kind) AS told FROM (SELECT DISTINCT kind FROM queued) AS kinds"#,
        workspace.uuid(),
        now,
        &ids,
        &kinds,
        &queues,
        &subjects,
        &users as &[Option<String>]
    )
    .fetch_all(db)
    .await?;
    Ok(())
}

/// Deletes what was drawn before `before`, at most 1,000 rows. Webhook deliveries stay: they are read through the API.
pub async fn prune(db: &mut PgConnection, before: DateTime<Utc>) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox
             WHERE done_at < $1 AND kind <> 'webhook' LIMIT 1000)",
        before
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
