//! The table `members`: when the membership of a user with grants or pending approvals was last checked, and when a
//! user was found to have left. Transactions of one user's changes lock its rows, which puts them in order.

use chrono::{DateTime, Utc};

use crate::{
    domain::ids::{UserId, WorkspaceId},
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

/// Up to `limit` users with live grants or pending approvals from before `since` whose membership was not checked since
/// then. Only workspaces that have the app, without those in `except`. Users who were found to have left and still have
/// some are included: the process that was ending these died.
pub async fn unchecked(
    db: &mut PgConnection,
    since: DateTime<Utc>,
    except: &[WorkspaceId],
    limit: i64,
) -> sqlx::Result<Vec<Holder>> {
    let except: Vec<_> = except.iter().map(|workspace| workspace.uuid()).collect();
    let rows = sqlx::query!(
        r#"SELECT w.id, w.slack_id, h.user_id AS "user_id!" FROM
               (SELECT workspace_id, user_id FROM grants WHERE revoked_at IS NULL AND created_at <= $1
                UNION
                SELECT workspace_id, user_id FROM approvals WHERE status = 'pending' AND created_at <= $1) h
           JOIN workspaces w ON w.id = h.workspace_id AND w.removed_at IS NULL
           LEFT JOIN members m ON m.workspace_id = h.workspace_id AND m.user_id = h.user_id
           WHERE (m.checked_at IS NULL OR m.checked_at <= $1 OR m.left_at >= m.checked_at) AND w.id <> ALL($2)
           LIMIT $3"#,
        since,
        &except,
        limit
    )
    .fetch_all(db)
    .await?;
    let holders = rows.into_iter().map(|row| Holder {
        workspace: WorkspaceId::new(row.id),
        slack_id: row.slack_id,
        user: UserId::from_stored(row.user_id),
    });
    Ok(holders.collect())
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
