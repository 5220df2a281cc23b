//! The table `members`: when it was last looked whether somebody with standing permissions, or who is asked, is still a
//! member, and when they were found not to be. Its rows are also what a person's own changes are ordered by.

use chrono::{DateTime, Utc};

use crate::{
    domain::ids::{UserId, WorkspaceId},
    storage::PgConnection,
};

/// A user with a grant or a pending approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Where.
    pub workspace: WorkspaceId,
    /// Slack's id of the workspace.
    pub slack_id: String,
    /// Who.
    pub user: UserId,
}

/// Up to `limit` people with live grants that they gave, or pending approvals that they were asked for, before `since`,
/// and for whom nobody has looked since then, in workspaces that have the app and are none of `except`. Those who were
/// found to have left and still have some are among them: whoever was ending it died.
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

/// Locks a person against what else they and their backend change for them, and against their leaving.
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

/// Notes that a person was found to have left, and locks them: a standing permission that they are giving at this
/// moment is waited for, and one that comes later sees it ([`crate::storage::tables::workspaces::enter`]).
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

/// Notes that somebody has looked.
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
