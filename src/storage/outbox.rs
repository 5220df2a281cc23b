//! The table `outbox`: what has to reach the outside, claimed by workers under a lease.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::{
    approvals::Approval,
    effects::Effect,
    ids::{ApprovalId, BackendId, DeliveryId, UnlockRequestId, UserId, WorkspaceId},
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

    /// Whether a row has to wait for earlier ones of its queue that are not due yet. A Home tab shows what is so now:
    /// one row does for all before it.
    const fn keeps_order(self) -> bool {
        !matches!(self, Self::Home)
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

/// Has the prompts of these approvals drawn again.
pub async fn draw_again(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    approvals: &[ApprovalId],
    now: DateTime<Utc>,
    mut fresh: impl FnMut() -> Uuid,
) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = approvals.iter().map(|_| fresh()).collect();
    let subjects: Vec<Uuid> = approvals.iter().map(|id| id.uuid()).collect();
    let queues: Vec<String> = approvals.iter().map(|id| queue(Kind::Prompt, *id)).collect();
    sqlx::query!(
        r#"WITH queued AS (
               INSERT INTO outbox (workspace_id, created_at, due_at, kind, id, approval_id, queue)
               SELECT $1, $2, $2, 'prompt', * FROM unnest($3::uuid[], $4::uuid[], $5::text[]) RETURNING kind)
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

/// A row that this worker holds.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The row.
    pub id: DeliveryId,
    /// Its kind.
    pub kind: Kind,
    /// The token that proves the lease.
    pub lease: Uuid,
    /// Where it belongs.
    pub workspace: WorkspaceId,
    /// The approval that it is about, if it is about one.
    pub approval: Option<ApprovalId>,
    /// The user whose screen it is, or who is told.
    pub user: Option<UserId>,
    /// The request to unlock an action that it is about.
    pub unlock_request: Option<UnlockRequestId>,
    /// Whom to tell.
    pub backend: Option<BackendId>,
    /// The webhook's type.
    pub event: Option<String>,
    /// How often it was tried before, since somebody last had it sent again.
    pub attempts: i32,
    /// When it was written.
    pub created_at: DateTime<Utc>,
}

/// Takes up to `limit` due rows for `lease_time`: the oldest of each queue, none whose queue is in hand elsewhere,
/// none for a stopped endpoint unless somebody had it sent again, none for the `busy` backends.
pub async fn claim(
    db: &mut PgConnection,
    kind: Kind,
    limit: i64,
    busy: &[BackendId],
    now: DateTime<Utc>,
    lease_time: TimeDelta,
    lease: Uuid,
) -> sqlx::Result<Vec<Claim>> {
    let busy: Vec<Uuid> = busy.iter().map(|backend| backend.uuid()).collect();
    let rows = sqlx::query!(
        r#"UPDATE outbox SET lease = $1, leased_until = $2 WHERE id IN (
               SELECT o.id FROM outbox o
               WHERE o.kind = $3 AND o.done_at IS NULL AND o.dead_at IS NULL AND o.due_at <= $4
                 AND (o.lease IS NULL OR o.leased_until <= $4)
                 AND (o.backend_id IS NULL OR o.backend_id <> ALL($5))
                 AND (o.by_hand OR NOT EXISTS (SELECT 1 FROM backends b
                     WHERE b.id = o.backend_id AND b.webhook_stopped_at IS NOT NULL))
                 AND NOT EXISTS (SELECT 1 FROM outbox e
                     WHERE e.queue = o.queue AND e.id <> o.id AND e.done_at IS NULL AND e.dead_at IS NULL
                       AND ((e.seq < o.seq AND ($7 OR e.due_at <= $4)) OR e.leased_until > $4))
               ORDER BY o.due_at, o.seq LIMIT $6 FOR UPDATE SKIP LOCKED)
           RETURNING id, workspace_id, approval_id, user_id, unlock_request_id, backend_id, event,
                     attempts - attempts_before AS "attempts!", created_at"#,
        lease,
        now + lease_time,
        kind.as_str(),
        now,
        &busy,
        limit,
        kind.keeps_order()
    )
    .fetch_all(db)
    .await?;
    let claims = rows.into_iter().map(|row| Claim {
        id: DeliveryId::new(row.id),
        kind,
        lease,
        workspace: WorkspaceId::new(row.workspace_id),
        approval: row.approval_id.map(ApprovalId::new),
        user: row.user_id.map(UserId::from_stored),
        unlock_request: row.unlock_request_id.map(UnlockRequestId::new),
        backend: row.backend_id.map(BackendId::new),
        event: row.event,
        attempts: row.attempts,
        created_at: row.created_at,
    });
    Ok(claims.collect())
}

/// Ends the other waiting rows of a Home tab's queue: what they were written for is seen by whoever reads after this.
pub async fn absorb(db: &mut PgConnection, claim: &Claim, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE outbox SET done_at = $2 WHERE id <> $1 AND queue = (SELECT queue FROM outbox WHERE id = $1)
           AND done_at IS NULL AND dead_at IS NULL AND lease IS NULL",
        claim.id.uuid(),
        now
    )
    .execute(db)
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

/// How an attempt ended.
#[derive(Debug, Clone)]
pub enum Ending {
    /// It reached the outside.
    Done,
    /// It is to be tried again.
    Later {
        /// When.
        at: DateTime<Utc>,
        /// Whether it counts as one of the schedule's tries. Our own faults and Slack's pace don't.
        counts: bool,
    },
    /// It is not tried again by itself.
    Dead,
}

/// What is noted of an attempt.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// How it ended.
    pub ending: Ending,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
    /// The HTTP status that came back.
    pub http_status: Option<i32>,
    /// What went wrong, or the beginning of the answer.
    pub detail: Option<String>,
}

/// Notes how an attempt ended and gives the row back. `false`: the lease had been lost, and nothing was changed.
pub async fn finish(
    db: &mut PgConnection,
    claim: &Claim,
    attempt: &Attempt,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let (outcome, due, counts) = match attempt.ending {
        Ending::Done => ("done", None, true),
        Ending::Later { at, counts } => ("later", Some(at), counts),
        Ending::Dead => ("dead", None, true),
    };
    let error = if outcome == "done" { None } else { attempt.detail.as_deref() };
    let held = sqlx::query_scalar!(
        r#"WITH finished AS (
               UPDATE outbox SET lease = NULL, leased_until = NULL, attempts = attempts + $3::int,
                   by_hand = by_hand AND $3 = 0,
                   due_at = coalesce($4, due_at), last_error = $5,
                   done_at = CASE WHEN $6 = 'done' THEN $7::timestamptz END,
                   dead_at = CASE WHEN $6 = 'dead' THEN $7::timestamptz END
               WHERE id = $1 AND lease = $2 RETURNING id, attempts),
           noted AS (
               INSERT INTO attempts (outbox_id, number, started_at, took_ms, outcome, http_status, detail)
               SELECT id, attempts, $8, $9, $6, $10, $11 FROM finished WHERE $3 = 1
               ON CONFLICT (outbox_id, number) DO NOTHING)
           SELECT count(*) AS "held!" FROM finished"#,
        claim.id.uuid(),
        claim.lease,
        i32::from(counts),
        due,
        error,
        outcome,
        now,
        attempt.started_at,
        attempt.took_ms,
        attempt.http_status,
        attempt.detail,
    )
    .fetch_one(db)
    .await?;
    Ok(held > 0)
}

/// Gives rows back untried, because this instance shuts down.
pub async fn give_back(db: &mut PgConnection, claim: &Claim) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE outbox SET lease = NULL, leased_until = NULL WHERE id = $1 AND lease = $2",
        claim.id.uuid(),
        claim.lease
    )
    .execute(db)
    .await?;
    Ok(())
}

/// When the next row of this kind becomes due, or its lease runs out.
pub async fn next_due(db: &mut PgConnection, kind: Kind) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!(
        "SELECT min(greatest(due_at, leased_until)) FROM outbox
         WHERE kind = $1 AND done_at IS NULL AND dead_at IS NULL",
        kind.as_str()
    )
    .fetch_one(db)
    .await
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
