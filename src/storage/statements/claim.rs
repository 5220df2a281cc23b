//! The worker's side of the table `outbox`: claiming rows under a lease. [`super::finish`] gives them back.
//!
//! A worker looks for work many times a second, so the cost must not grow with the number of waiting rows. To check
//! whether another row of the same queue comes first, the statements use a scalar subquery: a join would make Postgres
//! read all waiting rows. Its order is that of the index `outbox_queue`, so that no other index seems as good.

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
    /// The backend that the webhook or callback goes to.
    pub backend: Option<BackendId>,
    /// What limits how many are sent at once: the backend, or the host of the callback.
    pub receiver: Option<Uuid>,
    /// The webhook's event type.
    pub event: Option<String>,
    /// The number of earlier attempts, counted since the webhook was last redelivered on request.
    pub attempts: i32,
    /// Whether the row's redelivery was requested, so that it is sent even while the endpoint is stopped.
    pub by_hand: bool,
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
    by_hand: bool,
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
            receiver: self.backend_id,
            event: self.event,
            attempts: self.attempts,
            by_hand: self.by_hand,
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

/// Claims up to `limit` due rows of a kind other than webhooks and callbacks: the oldest of each queue, but skips queues that
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
        r#"-- chosen: what is due, locked. The scalar subquery is true where another row of the queue comes first: an
           --         earlier one ($6: even if it isn't due yet), or one in hand elsewhere. None about the same approval is
           --         older than it, so older partitions aren't looked at.
           -- The update leases them. Their ids reach it as an array, and as the bounds of the partitions to look at: so it
           -- finds them by the primary key, whatever the statistics say.
           WITH chosen AS MATERIALIZED (
               SELECT o.id FROM outbox o
               WHERE o.kind = $3 AND o.done_at IS NULL AND o.dead_at IS NULL AND o.due_at <= $4
                 AND (o.lease IS NULL OR o.leased_until <= $4)
                 AND NOT coalesce((SELECT true FROM outbox e
                     WHERE e.queue = o.queue AND e.id <> o.id AND e.done_at IS NULL AND e.dead_at IS NULL
                       AND e.id >= coalesce(id_before(o.approval_id), '00000000-0000-0000-0000-000000000000')
                       AND ((e.seq < o.seq AND ($6 OR e.due_at <= $4)) OR e.leased_until > $4)
                     ORDER BY e.seq LIMIT 1), false)
               ORDER BY o.due_at LIMIT $5 FOR UPDATE SKIP LOCKED)
           UPDATE outbox SET lease = $1, leased_until = $2
           WHERE id = ANY(ARRAY(SELECT c.id FROM chosen c))
             AND id >= (SELECT c.id FROM chosen c ORDER BY c.id LIMIT 1)
             AND id <= (SELECT c.id FROM chosen c ORDER BY c.id DESC LIMIT 1)
           RETURNING id, workspace_id, approval_id, user_id, unlock_request_id, backend_id, event,
                     attempts - attempts_before AS "attempts!", by_hand, created_at, due_at"#,
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

/// Webhooks that this worker holds a lease on.
#[derive(Debug)]
pub struct ClaimedWebhooks {
    /// The rows.
    pub claims: Vec<Claim>,
    /// The most rows that a backend could get, because so many backends had some that were due. `None` if no row was
    /// claimed, or only some whose redelivery was requested.
    pub most: Option<i64>,
}

/// Claims up to `limit` due webhooks: the oldest of each queue, but skips queues that another worker is processing.
/// Webhooks to a stopped endpoint are left out unless their redelivery was requested. A backend gets at most as many
/// rows as `rooms` says, and at most `room` if it is not listed; and no more than twice its part of `limit`, because
/// rows that `limit` cuts off were found and locked in vain. Every backend gets its first row before any gets its second.
/// A row that can't be read is left out as in [`claim`].
///
/// The cost does not depend on how many webhooks wait for one endpoint: the statement steps from backend to backend
/// through the index `outbox_waiting`, and reads only the due rows of each.
pub async fn claim_webhooks(
    db: &mut PgConnection,
    limit: i64,
    room: i64,
    rooms: &[(BackendId, i64)],
    now: DateTime<Utc>,
    lease: Lease,
) -> sqlx::Result<ClaimedWebhooks> {
    let (backends, counts): (Vec<Uuid>, Vec<i64>) =
        rooms.iter().map(|(backend, count)| (backend.uuid(), *count)).unzip();
    let rows = sqlx::query!(
        r#"-- waiting: each backend for which anything waits, and since when, by one step through the index outbox_waiting a
           --          backend. A plain DISTINCT would read every row that waits.
           -- receivers: those of which something is due and the endpoint isn't stopped, and the most rows of each.
           -- ready: what may be sent now, locked; rows that another worker is taking are passed over. The first half
           --        goes from receiver to receiver. The second takes those whose redelivery was requested, which are sent
           --        even to a stopped endpoint.
           -- No row of a queue is older than its approval, so older partitions aren't looked at for what comes first.
           -- chosen: they take turns between receivers if there are more than $4.
           -- The update leases them. One statement, so that no other worker sees a row as free between its being found and
           -- its being leased. The ids reach the update as an array, and as the bounds of the partitions to look at: so it
           -- finds them by the primary key, whatever the statistics say.
           WITH RECURSIVE waiting AS (
               SELECT '00000000-0000-0000-0000-000000000000'::uuid AS backend_id, NULL::timestamptz AS due_at
               UNION ALL
               SELECT n.backend_id, n.due_at FROM waiting w CROSS JOIN LATERAL (
                   SELECT o.backend_id, o.due_at FROM outbox o
                   WHERE o.kind = 'webhook' AND o.done_at IS NULL AND o.dead_at IS NULL AND o.backend_id > w.backend_id
                   ORDER BY o.backend_id, o.due_at LIMIT 1) n),
           receivers AS MATERIALIZED (
               SELECT b.id, coalesce(listed.room, $7) AS room, greatest(2 * $4::bigint / count(*) OVER (), 1) AS most
               FROM waiting w
               CROSS JOIN LATERAL (
                   SELECT b.id FROM backends b WHERE b.id = w.backend_id AND b.webhook_stopped_at IS NULL LIMIT 1) b
               LEFT JOIN unnest($5::uuid[], $6::bigint[]) AS listed (backend_id, room) ON listed.backend_id = b.id
               WHERE w.due_at <= $3),
           ready AS (
               SELECT o.id, o.due_at, o.seq, row_number() OVER (PARTITION BY r.id ORDER BY o.due_at, o.seq) AS turn
               FROM receivers r
               CROSS JOIN LATERAL (
                   SELECT o.id, o.due_at, o.seq FROM outbox o
                   WHERE o.kind = 'webhook' AND o.backend_id = r.id AND o.done_at IS NULL AND o.dead_at IS NULL
                     AND o.due_at <= $3 AND (o.lease IS NULL OR o.leased_until <= $3)
                     AND NOT coalesce((SELECT true FROM outbox e
                         WHERE e.queue = o.queue AND e.id >= id_before(o.approval_id) AND e.id <> o.id
                           AND e.done_at IS NULL AND e.dead_at IS NULL AND (e.seq < o.seq OR e.leased_until > $3)
                         ORDER BY e.seq LIMIT 1), false)
                   ORDER BY o.due_at, o.seq LIMIT greatest(least(r.room, r.most), 0)
                   FOR UPDATE SKIP LOCKED) o
               UNION ALL
               SELECT o.id, o.due_at, o.seq, 1 AS turn FROM (
                   SELECT o.id, o.due_at, o.seq FROM outbox o
                   JOIN backends b ON b.id = o.backend_id AND b.webhook_stopped_at IS NOT NULL
                   WHERE o.by_hand AND o.kind = 'webhook' AND o.done_at IS NULL AND o.dead_at IS NULL
                     AND o.due_at <= $3 AND (o.lease IS NULL OR o.leased_until <= $3)
                     AND NOT coalesce((SELECT true FROM outbox e
                         WHERE e.queue = o.queue AND e.id >= id_before(o.approval_id) AND e.id <> o.id
                           AND e.done_at IS NULL AND e.dead_at IS NULL AND (e.seq < o.seq OR e.leased_until > $3)
                         ORDER BY e.seq LIMIT 1), false)
                   ORDER BY o.due_at, o.seq LIMIT $7 FOR UPDATE OF o SKIP LOCKED) o),
           chosen AS MATERIALIZED (SELECT r.id FROM ready r ORDER BY r.turn, r.due_at, r.seq LIMIT $4)
           UPDATE outbox o SET lease = $1, leased_until = $2
           WHERE o.id = ANY(ARRAY(SELECT c.id FROM chosen c))
             AND o.id >= (SELECT c.id FROM chosen c ORDER BY c.id LIMIT 1)
             AND o.id <= (SELECT c.id FROM chosen c ORDER BY c.id DESC LIMIT 1)
           RETURNING o.id, o.workspace_id, o.approval_id, o.user_id, o.unlock_request_id, o.backend_id, o.event,
                     o.attempts - o.attempts_before AS "attempts!", o.by_hand, o.created_at, o.due_at,
                     (SELECT max(r.most) FROM receivers r) AS most"#,
        lease.token,
        lease.until,
        now,
        limit,
        &backends,
        &counts,
        room
    )
    .fetch_all(db)
    .await?;
    let most = rows.first().and_then(|row| row.most);
    let rows = rows.into_iter().map(|row| Row {
        id: row.id,
        workspace_id: row.workspace_id,
        approval_id: row.approval_id,
        user_id: row.user_id,
        unlock_request_id: row.unlock_request_id,
        backend_id: row.backend_id,
        event: row.event,
        attempts: row.attempts,
        by_hand: row.by_hand,
        created_at: row.created_at,
        due_at: row.due_at,
    });
    let claims = readable(rows.map(|row| row.claim(Kind::Webhook, lease.token)));
    Ok(ClaimedWebhooks { claims, most })
}

/// Claims up to `limit` due callbacks, without those to the receivers in `full`. Each is the only one of its queue.
pub async fn claim_callbacks(
    db: &mut PgConnection,
    limit: i64,
    full: &[Uuid],
    now: DateTime<Utc>,
    lease: Lease,
) -> sqlx::Result<Vec<Claim>> {
    let rows = sqlx::query!(
        r#"-- chosen: what is due, locked, beside where it goes.
           -- The update leases it. The ids reach it as an array, and as the bounds of the partitions to look at.
           WITH chosen AS MATERIALIZED (
               SELECT o.id, c.receiver FROM outbox o
               CROSS JOIN LATERAL (SELECT c.receiver FROM callbacks c WHERE c.approval_id = o.approval_id LIMIT 1) c
               WHERE o.kind = 'callback' AND o.done_at IS NULL AND o.dead_at IS NULL AND o.due_at <= $3
                 AND (o.lease IS NULL OR o.leased_until <= $3) AND c.receiver <> ALL($5)
               ORDER BY o.due_at LIMIT $4 FOR UPDATE OF o SKIP LOCKED)
           UPDATE outbox o SET lease = $1, leased_until = $2
           WHERE o.id = ANY(ARRAY(SELECT c.id FROM chosen c))
             AND o.id >= (SELECT c.id FROM chosen c ORDER BY c.id LIMIT 1)
             AND o.id <= (SELECT c.id FROM chosen c ORDER BY c.id DESC LIMIT 1)
           RETURNING o.id, o.workspace_id, o.approval_id, o.backend_id, o.event,
                     o.attempts - o.attempts_before AS "attempts!", o.by_hand, o.created_at, o.due_at,
                     (SELECT c.receiver FROM chosen c WHERE c.id = o.id LIMIT 1) AS receiver"#,
        lease.token,
        lease.until,
        now,
        limit,
        full
    )
    .fetch_all(db)
    .await?;
    let claims = rows.into_iter().map(|row| {
        let receiver = row.receiver;
        let row = Row {
            id: row.id,
            workspace_id: row.workspace_id,
            approval_id: row.approval_id,
            user_id: None,
            unlock_request_id: None,
            backend_id: row.backend_id,
            event: row.event,
            attempts: row.attempts,
            by_hand: row.by_hand,
            created_at: row.created_at,
            due_at: row.due_at,
        };
        row.claim(Kind::Callback, lease.token).map(|claim| Claim { receiver, ..claim })
    });
    Ok(readable(claims))
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
