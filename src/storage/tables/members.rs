//! The table `members`: when the membership of a user with grants or pending approvals was last checked, and when a
//! user was found to have left. Transactions of one user's changes lock its rows, which puts them in order.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{
    domain::ids::{UserId, WorkspaceId, id_bound},
    storage::PgConnection,
};

/// A user with a grant or a pending approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The user's workspace.
    pub workspace: WorkspaceId,
    /// Slack's id of the workspace.
    pub slack_id: String,
    /// The user's id.
    pub user: UserId,
}

/// Where a page of users begins: after this one.
#[derive(Debug, Clone, Default)]
pub struct After {
    workspace: Uuid,
    user: String,
}

/// A page of the users with live grants or pending approvals, and where the next one begins, if there are more.
#[derive(Debug)]
pub struct Page {
    /// Those to check.
    pub due: Vec<Holder>,
    /// The next page.
    pub next: Option<After>,
}

/// Looks at `count` users with live grants, pending approvals or API keys. Those are due who have some from before `since`, and
/// whose membership was not checked since then. Only workspaces that have the app, without those in `except`. Users who
/// were found to have left and still have some are included: the process that was ending these died.
pub async fn unchecked(
    db: &mut PgConnection,
    since: DateTime<Utc>,
    except: &[WorkspaceId],
    after: &After,
    count: i64,
) -> sqlx::Result<Page> {
    let except: Vec<_> = except.iter().map(|workspace| workspace.uuid()).collect();
    let rows = sqlx::query!(
        r#"-- holders: the users, numbered from 1, by one step through the indexes grants_live_user, approvals_pending_user
           --          and user_keys_user a user. A plain DISTINCT would read every live grant. No approval is pending for 30 days, so older
           --          partitions aren't looked at.
           -- Whether they have anything from before $1 is looked up only for those who were not checked since then.
           WITH RECURSIVE holders AS (
               SELECT $3::uuid AS workspace_id, $4::text AS user_id, 0::bigint AS number
               UNION ALL
               SELECT n.workspace_id, n.user_id, h.number + 1 FROM holders h CROSS JOIN LATERAL (
                   SELECT o.workspace_id, o.user_id FROM (
                       (SELECT g.workspace_id, g.user_id FROM grants g
                        WHERE g.revoked_at IS NULL AND (g.workspace_id, g.user_id) > (h.workspace_id, h.user_id)
                        ORDER BY g.workspace_id, g.user_id LIMIT 1)
                       UNION ALL
                       (SELECT p.workspace_id, p.user_id FROM approvals p
                        WHERE p.status = 'pending' AND p.id >= $6
                          AND (p.workspace_id, p.user_id) > (h.workspace_id, h.user_id)
                        ORDER BY p.workspace_id, p.user_id LIMIT 1)
                       UNION ALL
                       (SELECT k.workspace_id, k.user_id FROM user_keys k
                        WHERE k.revoked_at IS NULL AND (k.workspace_id, k.user_id) > (h.workspace_id, h.user_id)
                        ORDER BY k.workspace_id, k.user_id LIMIT 1)) o
                   ORDER BY o.workspace_id, o.user_id LIMIT 1) n
               WHERE h.number < $5)
           SELECT h.workspace_id AS "workspace_id!", h.user_id AS "user_id!", w.slack_id,
                  CASE WHEN w.removed_at IS NULL AND w.id <> ALL($2)
                       AND (m.checked_at IS NULL OR m.checked_at <= $1 OR coalesce(m.left_at >= m.checked_at, false))
                  THEN coalesce(
                      (SELECT true FROM grants g WHERE g.workspace_id = h.workspace_id AND g.user_id = h.user_id
                           AND g.revoked_at IS NULL AND g.created_at <= $1 LIMIT 1),
                      (SELECT true FROM approvals p WHERE p.workspace_id = h.workspace_id AND p.user_id >= h.user_id
                           AND p.user_id <= h.user_id AND p.status = 'pending' AND p.created_at <= $1
                           AND p.id >= $6
                       ORDER BY p.user_id, p.id LIMIT 1),
                      (SELECT true FROM user_keys k WHERE k.workspace_id = h.workspace_id AND k.user_id = h.user_id
                           AND k.revoked_at IS NULL AND k.created_at <= $1 LIMIT 1), false)
                  ELSE false END AS "due!"
           FROM holders h
           CROSS JOIN LATERAL (
               SELECT w.id, w.slack_id, w.removed_at FROM workspaces w WHERE w.id = h.workspace_id LIMIT 1) w
           LEFT JOIN LATERAL (
               SELECT m.checked_at, m.left_at FROM members m
               WHERE m.workspace_id = h.workspace_id AND m.user_id = h.user_id LIMIT 1) m ON true
           WHERE h.number > 0 ORDER BY h.number"#,
        since,
        &except,
        after.workspace,
        after.user,
        count,
        id_bound(since - TimeDelta::days(30))
    )
    .fetch_all(db)
    .await?;
    let is_full = i64::try_from(rows.len()).is_ok_and(|found| found >= count);
    let next = rows.last().filter(|_| is_full);
    let next = next.map(|row| After { workspace: row.workspace_id, user: row.user_id.clone() });
    let due = rows.into_iter().filter(|row| row.due).map(|row| Holder {
        workspace: WorkspaceId::new(row.workspace_id),
        slack_id: row.slack_id,
        user: UserId::from_stored(row.user_id),
    });
    Ok(Page { due: due.collect(), next })
}

/// Locks a user against other changes by them or their backend, and against their leaving.
pub async fn lock(db: &mut PgConnection, workspace: WorkspaceId, user: &UserId) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO members (workspace_id, user_id) VALUES ($1, $2)
         ON CONFLICT (workspace_id, user_id) DO UPDATE SET checked_at = members.checked_at",
        workspace.uuid(),
        user.as_str()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Records that a user was found to have left, and locks them. A transaction that is giving a grant at this moment ends
/// first; a later one sees that the user left ([`crate::storage::tables::workspaces::enter`]).
pub async fn leave(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    user: &UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO members (workspace_id, user_id, checked_at, left_at) VALUES ($1, $2, $3, $3)
         ON CONFLICT (workspace_id, user_id) DO UPDATE SET checked_at = excluded.checked_at, left_at = excluded.left_at",
        workspace.uuid(),
        user.as_str(),
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Records that a user's membership was checked.
pub async fn note(db: &mut PgConnection, holder: &Holder, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO members (workspace_id, user_id, checked_at) VALUES ($1, $2, $3)
         ON CONFLICT (workspace_id, user_id) DO UPDATE SET checked_at = excluded.checked_at",
        holder.workspace.uuid(),
        holder.user.as_str(),
        now
    )
    .execute(db)
    .await?;
    Ok(())
}
