//! The backend's view of the table `outbox`: its webhooks.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    domain::{
        backends::Redelivery,
        failing::LockedDelivery,
        ids::{ApprovalId, BackendId, DeliveryId},
        outcome::Outcome,
    },
    storage::{PgConnection, effects::Recorded, stored::CorruptRow},
};

/// The state of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Waiting for its first or next attempt.
    Pending,
    /// The endpoint accepted the webhook.
    Delivered,
    /// Given up, until someone requests its redelivery.
    Dead,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::Dead];

    /// The state as written in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

/// A webhook to a backend.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The delivery's id, sent as `webhook-id`.
    pub id: DeliveryId,
    /// The approval that the webhook reports.
    pub approval: ApprovalId,
    /// The webhook's event type.
    pub event: String,
    /// When the delivery was created.
    pub created_at: DateTime<Utc>,
    /// When the next attempt is due, or the last one was.
    pub due_at: DateTime<Utc>,
    /// The number of attempts so far.
    pub attempts: i32,
    /// When the endpoint accepted the webhook.
    pub done_at: Option<DateTime<Utc>>,
    /// When the delivery was given up.
    pub dead_at: Option<DateTime<Utc>>,
    /// The last attempt's error.
    pub last_error: Option<String>,
    /// The host of the callback URL that it goes to. `None`: to the backend's endpoint.
    pub callback_host: Option<String>,
    /// Whether the delivery waits because its endpoint is stopped. One whose redelivery was requested doesn't wait.
    pub paused: bool,
}

impl Delivery {
    /// The delivery's state.
    #[must_use]
    pub const fn state(&self) -> State {
        match (self.done_at, self.dead_at) {
            (Some(_), _) => State::Delivered,
            (None, Some(_)) => State::Dead,
            (None, None) => State::Pending,
        }
    }
}

/// The deliveries that a backend wants listed. Conditions that are `None` match everything.
#[derive(Debug, Default)]
pub struct Filter {
    /// Only deliveries about this approval.
    pub approval: Option<ApprovalId>,
    /// Only deliveries in this state.
    pub state: Option<State>,
    /// Only deliveries older than this one.
    pub before: Option<DeliveryId>,
}

/// A row of the outbox that is a webhook.
struct Row {
    id: Uuid,
    approval_id: Uuid,
    event: String,
    created_at: DateTime<Utc>,
    due_at: DateTime<Utc>,
    attempts: i32,
    done_at: Option<DateTime<Utc>>,
    dead_at: Option<DateTime<Utc>>,
    last_error: Option<String>,
    callback_host: Option<String>,
    stopped: bool,
}

impl Row {
    fn read(self) -> Result<Delivery, CorruptRow> {
        let corrupt = |column| CorruptRow::new("outbox", column, &DeliveryId::new(self.id));
        if Outcome::from_event(&self.event).is_none() {
            return Err(corrupt("event"));
        }
        if self.attempts < 0 {
            return Err(corrupt("attempts"));
        }
        Ok(Delivery {
            paused: self.stopped && self.done_at.is_none() && self.dead_at.is_none(),
            id: DeliveryId::new(self.id),
            approval: ApprovalId::new(self.approval_id),
            event: self.event,
            created_at: self.created_at,
            due_at: self.due_at,
            attempts: self.attempts,
            done_at: self.done_at,
            dead_at: self.dead_at,
            last_error: self.last_error,
            callback_host: self.callback_host,
        })
    }
}

/// Selects webhooks of the backend `$1`. The tail adds conditions. The two comparisons say that it is this backend's: see
/// [`crate::storage::read_models::approvals`]. What stands before `;` takes the place of the table.
macro_rules! select_deliveries {
    ($tail:literal $($rest:tt)*) => { select_deliveries!(@ "outbox"; $tail $($rest)*) };
    (@ $from:literal; $tail:literal $(+ $more:literal)* $(, $arg:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"SELECT id, approval_id AS "approval_id!", event AS "event!", created_at, due_at, attempts, done_at,
                      dead_at, last_error, NULL::text AS callback_host,
                      (NOT by_hand AND EXISTS (SELECT FROM backends b
                          WHERE b.id = backend_id AND b.webhook_stopped_at IS NOT NULL)) AS "stopped!"
               FROM "# + $from + " WHERE kind = 'webhook' AND backend_id >= $1 AND backend_id <= $1 " + $tail $(+ $more)*
            $(, $arg)*
        )
    };
}

/// Selects callbacks of the backend `$1`, as webhooks. They never wait for the backend's endpoint.
/// What stands before `;` takes the place of the table.
macro_rules! select_callbacks {
    ($tail:literal $($rest:tt)*) => { select_callbacks!(@ "callbacks"; $tail $($rest)*) };
    (@ $from:literal; $tail:literal $(, $arg:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"SELECT o.id, o.approval_id AS "approval_id!", o.event AS "event!", o.created_at, o.due_at, o.attempts,
                      o.done_at, o.dead_at, o.last_error, c.host AS callback_host, false AS "stopped!"
               FROM "# + $from + r#" c
               CROSS JOIN LATERAL (SELECT * FROM outbox o WHERE o.id = c.delivery_id LIMIT 1) o
               WHERE c.backend_id = $1 AND c.delivery_id IS NOT NULL "# + $tail
            $(, $arg)*
        )
    };
}

/// A backend's deliveries that match the filter, callbacks among them: newest first, at most `limit`.
pub async fn list(
    db: &mut PgConnection,
    backend: BackendId,
    filter: &Filter,
    limit: i64,
) -> sqlx::Result<Vec<Delivery>> {
    let mut found = list_webhooks(db, backend, filter, limit).await?;
    let callbacks = list_callbacks(db, backend, filter, limit).await?;
    if !callbacks.is_empty() {
        found.extend(callbacks);
        found.sort_unstable_by_key(|delivery| std::cmp::Reverse(delivery.id.uuid()));
        found.truncate(usize::try_from(limit).unwrap_or_default());
    }
    Ok(found)
}

async fn list_callbacks(
    db: &mut PgConnection,
    backend: BackendId,
    filter: &Filter,
    limit: i64,
) -> sqlx::Result<Vec<Delivery>> {
    let before = filter.before.map_or_else(Uuid::max, DeliveryId::uuid);
    let state = filter.state.map(State::as_str);
    let rows = if let Some(approval) = filter.approval {
        // An approval has one callback at most. LIMIT has Postgres look it up by the approval's id, as in `find`.
        select_callbacks!(
            @ "(SELECT * FROM callbacks WHERE approval_id = $3 LIMIT 1)";
            "AND c.delivery_id < $2 AND ($4::text IS NULL OR $4 = CASE WHEN o.done_at IS NOT NULL THEN 'delivered'
                 WHEN o.dead_at IS NOT NULL THEN 'dead' ELSE 'pending' END)",
            backend.uuid(),
            before,
            approval.uuid(),
            state
        )
        .fetch_all(db)
        .await?
    } else {
        select_callbacks!(
            "AND c.delivery_id < $2
             AND ($3::text IS NULL OR $3 = CASE WHEN o.done_at IS NOT NULL THEN 'delivered'
                 WHEN o.dead_at IS NOT NULL THEN 'dead' ELSE 'pending' END)
             ORDER BY c.backend_id DESC, c.delivery_id DESC LIMIT $4",
            backend.uuid(),
            before,
            state,
            limit
        )
        .fetch_all(db)
        .await?
    };
    Ok(rows.into_iter().map(Row::read).collect::<Result<_, _>>()?)
}

async fn list_webhooks(
    db: &mut PgConnection,
    backend: BackendId,
    filter: &Filter,
    limit: i64,
) -> sqlx::Result<Vec<Delivery>> {
    let before = filter.before.map_or_else(Uuid::max, DeliveryId::uuid);
    macro_rules! listed {
        ($which:literal) => {{
            let rows = select_deliveries!(
                "AND id < $2 AND " + $which + " ORDER BY backend_id DESC, id DESC LIMIT $3",
                backend.uuid(),
                before,
                limit
            );
            rows.fetch_all(db).await?.into_iter().map(Row::read).collect::<Result<_, _>>()?
        }};
    }
    // One statement for each state, so that Postgres plans each with the index made for it.
    Ok(match (filter.approval, filter.state) {
        (Some(approval), state) => {
            let mut found = for_approval(db, backend, approval, before).await?;
            found.retain(|delivery| state.is_none_or(|state| delivery.state() == state));
            found.truncate(usize::try_from(limit).unwrap_or_default());
            found
        }
        (None, None) => listed!("true"),
        (None, Some(State::Pending)) => listed!("done_at IS NULL AND dead_at IS NULL"),
        (None, Some(State::Delivered)) => listed!("done_at IS NOT NULL"),
        (None, Some(State::Dead)) => listed!("dead_at IS NOT NULL"),
    })
}

/// A backend's deliveries that failed and are tried again, oldest first, at most `limit`.
pub async fn retried(db: &mut PgConnection, backend: BackendId, limit: i64) -> sqlx::Result<Vec<Delivery>> {
    let rows = select_deliveries!(
        "AND done_at IS NULL AND dead_at IS NULL AND attempts > attempts_before ORDER BY backend_id, id LIMIT $2",
        backend.uuid(),
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Row::read).collect::<Result<_, _>>()?)
}

/// How many of a backend's deliveries wait, at most `limit`.
pub async fn waiting(db: &mut PgConnection, backend: BackendId, limit: i64) -> sqlx::Result<usize> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM (
               SELECT FROM outbox WHERE backend_id >= $1 AND backend_id <= $1 AND kind = 'webhook'
                 AND done_at IS NULL AND dead_at IS NULL LIMIT $2) waiting"#,
        backend.uuid(),
        limit
    )
    .fetch_one(db)
    .await?;
    Ok(usize::try_from(count).unwrap_or_default())
}

/// A delivery of this backend, locked.
pub async fn lock(
    db: &mut PgConnection,
    backend: BackendId,
    id: DeliveryId,
) -> sqlx::Result<Option<LockedDelivery>> {
    sqlx::query_as!(
        LockedDelivery,
        r#"SELECT done_at IS NOT NULL AS "is_done!", dead_at IS NOT NULL AS "is_dead!", attempts, attempts_before
           FROM outbox WHERE id = $1 AND backend_id = $2 FOR UPDATE"#,
        id.uuid(),
        backend.uuid()
    )
    .fetch_optional(db)
    .await
}

/// The deliveries about one approval, newest first. Usually one, because an approval ends once.
async fn for_approval(
    db: &mut PgConnection,
    backend: BackendId,
    approval: ApprovalId,
    before: Uuid,
) -> sqlx::Result<Vec<Delivery>> {
    let rows = select_deliveries!(
        "AND id < $2 AND approval_id = $3 ORDER BY id DESC",
        backend.uuid(),
        before,
        approval.uuid()
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Row::read).collect::<Result<_, _>>()?)
}

/// One delivery of this backend.
pub async fn find(
    db: &mut PgConnection,
    backend: BackendId,
    id: DeliveryId,
) -> sqlx::Result<Option<Delivery>> {
    // LIMIT has Postgres look the row up by its id. An empty index of webhooks would seem just as good otherwise.
    let row =
        select_deliveries!(@ "(SELECT * FROM outbox WHERE id = $2 LIMIT 1) o"; "", backend.uuid(), id.uuid())
            .fetch_optional(&mut *db)
            .await?;
    if let Some(row) = row {
        return Ok(Some(row.read()?));
    }
    let row =
        select_callbacks!("AND c.delivery_id = $2", backend.uuid(), id.uuid()).fetch_optional(db).await?;
    Ok(row.map(Row::read).transpose()?)
}

/// Makes a delivery of this backend due now, even if the endpoint is stopped, and restarts its retry schedule. An
/// attempt in progress loses its lease, so its result is no longer recorded. `false` if the backend has no such
/// delivery.
pub async fn send_again(
    db: &mut PgConnection,
    redelivery: &Recorded<Redelivery>,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let told = sqlx::query_scalar!(
        r#"-- Only webhooks have a backend. A condition on the kind would make any index of webhooks seem good while it is
           -- empty.
           WITH again AS (
               UPDATE outbox SET done_at = NULL, dead_at = NULL, due_at = $3, by_hand = true,
                   attempts_before = attempts, lease = NULL, leased_until = NULL
               WHERE id = $1 AND backend_id = $2 RETURNING kind)
           SELECT pg_notify('countersign_outbox', kind) IS NOT NULL AS told FROM again"#,
        redelivery.delivery.uuid(),
        redelivery.backend.uuid(),
        now
    )
    .fetch_optional(db)
    .await?;
    Ok(told.is_some())
}

/// Makes a backend's waiting deliveries due now. Their retry schedules stay as they are.
pub async fn send_waiting(db: &mut PgConnection, backend: BackendId, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"WITH waiting AS (
               UPDATE outbox SET due_at = $2
               WHERE backend_id = $1 AND kind = 'webhook' AND done_at IS NULL AND dead_at IS NULL AND lease IS NULL
                 AND due_at > $2 RETURNING kind)
           SELECT pg_notify('countersign_outbox', 'webhook') AS told FROM (SELECT count(*) FROM waiting) AS counted"#,
        backend.uuid(),
        now
    )
    .fetch_one(db)
    .await?;
    Ok(())
}
