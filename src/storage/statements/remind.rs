//! Which users are to be reminded, and of what.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{
    domain::{
        approvals::Status,
        ids::{ApprovalId, UserId, WorkspaceId, id_bound},
        outcome::Outcome,
        reminders::{Lifetime, PAUSE, SHORTEST},
    },
    storage::{PgConnection, stored::CorruptRow},
};

/// An approval is pending for seven days at most, so none that is pending has a smaller id.
const LONGEST: TimeDelta = TimeDelta::days(8);
/// The most approvals that one message counts.
const MOST: i64 = 1_000;

/// A user with pending approvals.
pub type Waiting = (WorkspaceId, UserId);

/// Where a page of users begins: after this one.
#[derive(Debug, Clone, Default)]
pub struct After {
    workspace: Uuid,
    user: String,
}

/// A page of users with pending approvals, and where the next one begins, if there are more.
#[derive(Debug)]
pub struct Page {
    /// Those to remind now.
    pub due: Vec<Waiting>,
    /// The next page.
    pub next: Option<After>,
}

/// Looks at `count` users with pending approvals. Those are due who have an approval that is due, want reminders, got none
/// lately, and have none in the outbox.
pub async fn due_users(
    db: &mut PgConnection,
    now: DateTime<Utc>,
    after: &After,
    count: i64,
) -> sqlx::Result<Page> {
    let rows = sqlx::query!(
        r#"-- waiting: the users, numbered from 1, by one step through the index approvals_pending_user a user. A plain
           --          DISTINCT would read every pending approval.
           -- What is due is looked up only for those who may be reminded. crate::domain::reminders judges it again.
           WITH RECURSIVE waiting AS (
               SELECT $3::uuid AS workspace_id, $4::text AS user_id, 0::bigint AS number
               UNION ALL
               SELECT n.workspace_id, n.user_id, w.number + 1 FROM waiting w CROSS JOIN LATERAL (
                   SELECT p.workspace_id, p.user_id FROM approvals p
                   WHERE p.status = 'pending' AND p.id >= $2
                     AND (p.workspace_id, p.user_id) > (w.workspace_id, w.user_id)
                   ORDER BY p.workspace_id, p.user_id LIMIT 1) n
               WHERE w.number < $5)
           SELECT q.workspace_id AS "workspace_id!", q.user_id AS "user_id!",
                  CASE WHEN EXISTS (SELECT FROM workspaces w WHERE w.id = q.workspace_id AND w.removed_at IS NULL)
                       AND NOT EXISTS (SELECT FROM notifications n WHERE n.workspace_id = q.workspace_id
                           AND n.user_id = q.user_id AND NOT n.reminders)
                       AND NOT EXISTS (SELECT FROM reminders m WHERE m.workspace_id = q.workspace_id
                           AND m.user_id = q.user_id AND m.reminded_at > $1::timestamptz - $6::interval)
                       AND NOT EXISTS (SELECT FROM outbox o WHERE o.queue = 'reminder:' || q.workspace_id || ':' || q.user_id
                           AND o.done_at IS NULL AND o.dead_at IS NULL)
                  THEN coalesce((
                      SELECT true FROM approvals p
                      WHERE p.workspace_id = q.workspace_id AND p.user_id >= q.user_id AND p.user_id <= q.user_id
                        AND p.status = 'pending' AND p.id >= $2 AND p.expires_at > $1 AND p.approvers IS NULL
                        AND p.expires_at - p.created_at >= $7::interval
                        AND ($1 - p.created_at) * 3 >= (p.expires_at - p.created_at) * 2
                        AND NOT EXISTS (SELECT FROM reminded r WHERE r.approval_id = p.id)
                      ORDER BY p.user_id, p.id LIMIT 1), false)
                  ELSE false END AS "due!"
           FROM waiting q WHERE q.number > 0 ORDER BY q.number"#,
        now,
        id_bound(now - LONGEST),
        after.workspace,
        after.user,
        count,
        PAUSE as _,
        SHORTEST as _
    )
    .fetch_all(db)
    .await?;
    let is_full = i64::try_from(rows.len()).is_ok_and(|found| found >= count);
    let next = rows.last().filter(|_| is_full);
    let next = next.map(|row| After { workspace: row.workspace_id, user: row.user_id.clone() });
    let due = rows.into_iter().filter(|row| row.due);
    let due = due.map(|row| (WorkspaceId::new(row.workspace_id), UserId::from_stored(row.user_id)));
    Ok(Page { due: due.collect(), next })
}

/// Users with messages that say that something waits which has ended, at most `count`.
pub async fn outdated(db: &mut PgConnection, count: i64) -> sqlx::Result<Vec<Waiting>> {
    let rows = sqlx::query!(
        "SELECT DISTINCT m.workspace_id, m.user_id FROM reminders m
         JOIN workspaces w ON w.id = m.workspace_id AND w.removed_at IS NULL
         WHERE m.closed_at IS NULL AND m.ts IS NOT NULL
           AND m.waiting > (SELECT count(*) FROM reminded r JOIN approvals p ON p.id = r.approval_id
               WHERE r.reminder_id = m.id AND p.status = 'pending')
           AND NOT EXISTS (SELECT FROM outbox o WHERE o.queue = 'reminder:' || m.workspace_id || ':' || m.user_id
               AND o.done_at IS NULL AND o.dead_at IS NULL)
         LIMIT $1",
        count
    )
    .fetch_all(db)
    .await?;
    let users = rows.into_iter();
    Ok(users.map(|row| (WorkspaceId::new(row.workspace_id), UserId::from_stored(row.user_id))).collect())
}

/// The user's pending approvals that no message has named, the oldest first, each with its time. None if the user was
/// reminded lately.
pub async fn unnamed(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    user: &UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<(ApprovalId, Lifetime)>> {
    let rows = sqlx::query!(
        "SELECT p.id, p.created_at, p.expires_at FROM approvals p
         WHERE p.workspace_id = $1 AND p.user_id >= $2 AND p.user_id <= $2 AND p.status = 'pending' AND p.id >= $3
           AND p.approvers IS NULL
           AND NOT EXISTS (SELECT FROM reminded r WHERE r.approval_id = p.id)
           AND NOT EXISTS (SELECT FROM reminders m WHERE m.workspace_id = $1 AND m.user_id = $2
               AND m.reminded_at > $4::timestamptz - $5::interval)
         ORDER BY p.user_id, p.id LIMIT $6",
        workspace.uuid(),
        user.as_str(),
        id_bound(now - LONGEST),
        now,
        PAUSE as _,
        MOST
    )
    .fetch_all(db)
    .await?;
    let rows = rows.into_iter().map(|row| {
        let lifetime = Lifetime { created_at: row.created_at, expires_at: row.expires_at };
        (ApprovalId::new(row.id), lifetime)
    });
    Ok(rows.collect())
}

/// Those of these approvals that are pending.
pub async fn pending(db: &mut PgConnection, approvals: &[ApprovalId]) -> sqlx::Result<Vec<ApprovalId>> {
    let ids: Vec<Uuid> = approvals.iter().map(|id| id.uuid()).collect();
    let (lowest, highest) = crate::storage::bounds(&ids);
    let rows = sqlx::query_scalar!(
        "SELECT p.id FROM approvals p WHERE p.id = ANY($1) AND p.id >= $2 AND p.id <= $3 AND p.status = 'pending'
         ORDER BY p.expires_at, p.id",
        &ids,
        lowest,
        highest
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(ApprovalId::new).collect())
}

/// How many of these approvals ended in which way.
pub async fn ended(db: &mut PgConnection, approvals: &[ApprovalId]) -> sqlx::Result<Vec<(Outcome, usize)>> {
    let ids: Vec<Uuid> = approvals.iter().map(|id| id.uuid()).collect();
    let (lowest, highest) = crate::storage::bounds(&ids);
    let rows = sqlx::query!(
        r#"SELECT p.status, count(*) AS "count!", (array_agg(p.id))[1] AS "id!" FROM approvals p
           WHERE p.id = ANY($1) AND p.id >= $2 AND p.id <= $3 AND p.status <> 'pending' GROUP BY p.status"#,
        &ids,
        lowest,
        highest
    )
    .fetch_all(db)
    .await?;
    let counted = rows.into_iter().map(|row| {
        let corrupt = |column| CorruptRow::new("approvals", column, &ApprovalId::new(row.id));
        let Some(Status::Ended(outcome)) = Status::from_stored(&row.status) else {
            return Err(corrupt("status"));
        };
        Ok((outcome, usize::try_from(row.count).map_err(|_| corrupt("status"))?))
    });
    Ok(counted.collect::<Result<_, CorruptRow>>()?)
}
