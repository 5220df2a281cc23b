//! The worker's side of the table `outbox`: claiming rows under a lease, and recording how the attempt ended.
//!
//! A worker looks for work many times a second, so the cost must not grow with the number of waiting rows. To check
//! whether another row of the same queue comes first, the statements use a scalar subquery: a join would make Postgres
//! read all waiting rows.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    domain::{
        ids::{ApprovalId, BackendId, DeliveryId, UnlockRequestId, UserId, WorkspaceId},
        outcome::Outcome,
    },
    storage::{
        PgConnection,
        stored::{CorruptRow, readable},
        tables::outbox::Kind,
    },
};

/// A row that this worker holds a lease on.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The row's id.
    pub id: DeliveryId,
    /// The row's kind.
    pub kind: Kind,
    /// The token that proves the lease.
    pub lease: Uuid,
    /// The workspace that the row belongs to.
    pub workspace: WorkspaceId,
    /// The approval to render or report, for prompts and webhooks.
    pub approval: Option<ApprovalId>,
    /// The user whose Home tab is updated, or who gets the answer.
    pub user: Option<UserId>,
    /// The unlock request to render, or whose answer is sent.
    pub unlock_request: Option<UnlockRequestId>,
    /// The backend that the webhook goes to.
    pub backend: Option<BackendId>,
    /// The webhook's event type.
    pub event: Option<String>,
    /// The number of earlier attempts, counted since the webhook was last redelivered on request.
    pub attempts: i32,
    /// When the row was written.
    pub created_at: DateTime<Utc>,
    /// When the row was due. Later than `created_at` if the row had to wait or is tried again.
    pub due_at: DateTime<Utc>,
}

impl Claim {
    /// Whether the row was delayed or tried before.
    #[must_use]
    pub fn has_waited(&self) -> bool {
        self.due_at > self.created_at
    }
}

/// A row as a claim returns it.
struct Row {
    id: Uuid,
    workspace_id: Uuid,
    approval_id: Option<Uuid>,
    user_id: Option<String>,
    unlock_request_id: Option<Uuid>,
    backend_id: Option<Uuid>,
    event: Option<String>,
    attempts: i32,
    created_at: DateTime<Utc>,
    due_at: DateTime<Utc>,
}

impl Row {
    fn claim(self, kind: Kind, lease: Uuid) -> Result<Claim, CorruptRow> {
        let corrupt = |column| CorruptRow::new("outbox", column, &DeliveryId::new(self.id));
        if self.event.as_deref().is_some_and(|event| Outcome::from_event(event).is_none()) {
            return Err(corrupt("event"));
        }
        if self.attempts < 0 {
            return Err(corrupt("attempts"));
        }
        Ok(Claim {
            id: DeliveryId::new(self.id),
            kind,
            lease,
            workspace: WorkspaceId::new(self.workspace_id),
            approval: self.approval_id.map(ApprovalId::new),
            user: self.user_id.map(UserId::from_stored),
            unlock_request: self.unlock_request_id.map(UnlockRequestId::new),
            backend: self.backend_id.map(BackendId::new),
            event: self.event,
            attempts: self.attempts,
            created_at: self.created_at,
            due_at: self.due_at,
        })
    }
}

/// A worker's right to process a row until a time. If the worker dies, others take the row after that.
#[derive(Debug, Clone, Copy)]
pub struct Lease {
    /// The token that proves the lease.
    pub token: Uuid,
    /// When the lease expires.
    pub until: DateTime<Utc>,
}

/// Claims up to `limit` due rows of a kind other than webhooks: the oldest of each queue, but skips queues that
/// another worker is processing. A row that can't be read is logged and left out. It is leased like the others, so that
/// it is not read again before the lease expires.
pub async fn claim(
    db: &mut PgConnection,
    kind: Kind,
    limit: i64,
    now: DateTime<Utc>,
    lease: Lease,
) -> sqlx::Result<Vec<Claim>> {
    let rows = sqlx::query_as!(
        Row,
        r#"-- The inner statement finds and locks what is due; the scalar subquery is NULL where no other row of the
           -- queue comes first: an earlier one ($6: even if it isn't due yet), or one in hand elsewhere.
           UPDATE outbox SET lease = $1, leased_until = $2 WHERE id IN (
               SELECT o.id FROM outbox o
               WHERE o.kind = $3 AND o.done_at IS NULL AND o.dead_at IS NULL AND o.due_at <= $4
                 AND (o.lease IS NULL OR o.leased_until <= $4)
                 AND (SELECT e.id FROM outbox e
                     WHERE e.queue = o.queue AND e.id <> o.id AND e.done_at IS NULL AND e.dead_at IS NULL
                       AND ((e.seq < o.seq AND ($6 OR e.due_at <= $4)) OR e.leased_until > $4) LIMIT 1) IS NULL
               ORDER BY o.due_at, o.seq LIMIT $5 FOR UPDATE SKIP LOCKED)
           RETURNING id, workspace_id, approval_id, user_id, unlock_request_id, backend_id, event,
                     attempts - attempts_before AS "attempts!", created_at, due_at"#,
        lease.token,
        lease.until,
        kind.as_str(),
        now,
        limit,
        kind.keeps_order()
    )
    .fetch_all(db)
    .await?;
    Ok(readable(rows.into_iter().map(|row| row.claim(kind, lease.token))))
}

/// Claims up to `limit` due webhooks: the oldest of each queue, but skips queues that another worker is processing.
/// Webhooks to a stopped endpoint are left out unless their redelivery was requested. A backend gets at most `share`
/// rows, including those that `held` says this worker is already sending. A row that can't be read is left out as in
/// [`claim`].
///
/// The cost does not depend on how many webhooks wait for one endpoint: the statement steps from backend to backend
/// through the index `outbox_waiting`, and reads only the due rows of each.
pub async fn claim_webhooks(
    db: &mut PgConnection,
    limit: i64,
    share: i64,
    held: &[(BackendId, i64)],
    now: DateTime<Utc>,
    lease: Lease,
) -> sqlx::Result<Vec<Claim>> {
    let (backends, counts): (Vec<Uuid>, Vec<i64>) =
        held.iter().map(|(backend, count)| (backend.uuid(), *count)).unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"-- waiting: each backend for which anything waits, by one step through the index outbox_waiting a backend. A
           --          plain DISTINCT would read every row that waits. The last step finds none and gives NULL.
           -- ready: what may be sent now, locked; rows that another worker is taking are passed over. The first half
           --        goes from backend to backend, and takes as many as are left of the backend's share. The second
           --        takes what was sent again by hand, which is tried even while the endpoint is stopped.
           -- The update leases the oldest of them. One statement, so that no other worker sees a row as free between
           -- its being found and its being leased.
           WITH RECURSIVE waiting AS (
               (SELECT o.backend_id FROM outbox o
                WHERE o.kind = 'webhook' AND o.done_at IS NULL AND o.dead_at IS NULL
                ORDER BY o.backend_id, o.due_at LIMIT 1)
               UNION ALL
               SELECT (SELECT o.backend_id FROM outbox o
                       WHERE o.kind = 'webhook' AND o.done_at IS NULL AND o.dead_at IS NULL
                         AND o.backend_id > w.backend_id
                       ORDER BY o.backend_id, o.due_at LIMIT 1)
               FROM waiting w WHERE w.backend_id IS NOT NULL),
           ready AS (
               SELECT o.id, o.due_at, o.seq
               FROM waiting w
               JOIN backends b ON b.id = w.backend_id AND b.webhook_stopped_at IS NULL
               LEFT JOIN unnest($5::uuid[], $6::bigint[]) AS held (backend_id, count) ON held.backend_id = b.id
               CROSS JOIN LATERAL (
                   SELECT o.id, o.due_at, o.seq FROM outbox o
                   WHERE o.kind = 'webhook' AND o.backend_id = b.id AND o.done_at IS NULL AND o.dead_at IS NULL
                     AND o.due_at <= $3 AND (o.lease IS NULL OR o.leased_until <= $3)
                     AND (SELECT e.id FROM outbox e
                         WHERE e.queue = o.queue AND e.id <> o.id AND e.done_at IS NULL AND e.dead_at IS NULL
                           AND (e.seq < o.seq OR e.leased_until > $3) LIMIT 1) IS NULL
                   ORDER BY o.due_at, o.seq LIMIT greatest($7 - coalesce(held.count, 0), 0)
                   FOR UPDATE SKIP LOCKED) o
               UNION ALL
               SELECT o.id, o.due_at, o.seq FROM (
                   SELECT o.id, o.due_at, o.seq FROM outbox o
                   JOIN backends b ON b.id = o.backend_id AND b.webhook_stopped_at IS NOT NULL
                   WHERE o.by_hand AND o.kind = 'webhook' AND o.done_at IS NULL AND o.dead_at IS NULL
                     AND o.due_at <= $3 AND (o.lease IS NULL OR o.leased_until <= $3)
                     AND (SELECT e.id FROM outbox e
                         WHERE e.queue = o.queue AND e.id <> o.id AND e.done_at IS NULL AND e.dead_at IS NULL
                           AND (e.seq < o.seq OR e.leased_until > $3) LIMIT 1) IS NULL
                   ORDER BY o.due_at, o.seq LIMIT $7 FOR UPDATE OF o SKIP LOCKED) o)
           UPDATE outbox SET lease = $1, leased_until = $2
           WHERE id IN (SELECT ready.id FROM ready ORDER BY ready.due_at, ready.seq LIMIT $4)
           RETURNING id, workspace_id, approval_id, user_id, unlock_request_id, backend_id, event,
                     attempts - attempts_before AS "attempts!", created_at, due_at"#,
        lease.token,
        lease.until,
        now,
        limit,
        &backends,
        &counts,
        share
    )
    .fetch_all(db)
    .await?;
    Ok(readable(rows.into_iter().map(|row| row.claim(Kind::Webhook, lease.token))))
}

/// Ends the other waiting rows of a Home tab's queue. Rendering the tab reads the state afterwards, so it covers them.
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

/// How an attempt ended.
#[derive(Debug, Clone)]
pub enum Ending {
    /// The message or webhook was delivered.
    Done,
    /// The delivery is to be tried again.
    Later {
        /// When to try again.
        at: DateTime<Utc>,
        /// Whether the attempt counts towards the retry schedule. Internal errors and Slack's rate limits don't.
        counts: bool,
    },
    /// The delivery is given up, until someone requests its redelivery.
    Dead,
}

/// An attempt to deliver, as it is recorded.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// How it ended.
    pub ending: Ending,
    /// When the attempt began.
    pub started_at: DateTime<Utc>,
    /// How long the attempt took, in milliseconds.
    pub took_ms: i64,
    /// The HTTP status of the response, if there was one.
    pub http_status: Option<i32>,
    /// The error, or the beginning of the response.
    pub detail: Option<String>,
}

/// Records how an attempt ended, and releases the row. `false` if the worker had lost the lease: then nothing changes.
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
        r#"-- finished: gives the row back, if the lease is still this worker's. One that was taken over, or sent again
           --           by hand, has another lease, or none: nothing changes.
           -- noted: the attempt, if it counts as a try. It reads from finished, so that an attempt without a lease
           --        leaves no trace.
           -- One statement, so that a row is never given back without its attempt.
           WITH finished AS (
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

/// When the next row of this kind becomes due that is not due yet. Rows whose worker died are not included; workers
/// find those by polling.
pub async fn next_due(
    db: &mut PgConnection,
    kind: Kind,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!(
        "SELECT min(due_at) FROM outbox WHERE kind = $1 AND done_at IS NULL AND dead_at IS NULL AND due_at > $2",
        kind.as_str(),
        now
    )
    .fetch_one(db)
    .await
}
