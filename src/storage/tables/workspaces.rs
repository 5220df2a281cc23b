//! The table `workspaces`.

use chrono::{DateTime, Utc};

use crate::{
    domain::{
        ids::{UserId, WorkspaceId},
        repeats::RequestDigest,
    },
    storage::PgConnection,
};

/// One Slack installation.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// Our id.
    pub id: WorkspaceId,
    /// Slack's id, `T…` or `E…`.
    pub slack_id: String,
    /// When the app was installed last.
    pub installed_at: DateTime<Utc>,
    /// The app was removed from it.
    pub removed: bool,
}

/// The workspace with this Slack id, created if it is new, alive again if the app had been removed.
pub async fn install(
    db: &mut PgConnection,
    fresh: WorkspaceId,
    slack_id: &str,
    name: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<WorkspaceId> {
    let id = sqlx::query_scalar!(
        "INSERT INTO workspaces (id, slack_id, name, installed_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (slack_id) DO UPDATE SET name = excluded.name, removed_at = NULL,
             installed_at = CASE WHEN workspaces.removed_at IS NULL THEN workspaces.installed_at
                                 ELSE excluded.installed_at END
         RETURNING id",
        fresh.uuid(),
        slack_id,
        name,
        now
    )
    .fetch_one(db)
    .await?;
    Ok(WorkspaceId::new(id))
}

/// The workspace with this id.
pub async fn find(db: &mut PgConnection, id: WorkspaceId) -> sqlx::Result<Option<Workspace>> {
    let row = sqlx::query!(
        r#"SELECT slack_id, installed_at, (removed_at IS NOT NULL) AS "removed!" FROM workspaces WHERE id = $1"#,
        id.uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Workspace {
        id,
        slack_id: row.slack_id,
        installed_at: row.installed_at,
        removed: row.removed,
    }))
}

/// The workspace with this Slack id.
pub async fn find_by_slack_id(db: &mut PgConnection, slack_id: &str) -> sqlx::Result<Option<Workspace>> {
    let row = sqlx::query!(
        r#"SELECT id, slack_id, installed_at, (removed_at IS NOT NULL) AS "removed!" FROM workspaces WHERE slack_id = $1"#,
        slack_id
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Workspace {
        id: WorkspaceId::new(row.id),
        slack_id: row.slack_id,
        installed_at: row.installed_at,
        removed: row.removed,
    }))
}

/// Where a person is about to change something.
#[derive(Debug, Clone, Copy)]
pub struct Entered {
    /// The workspace.
    pub id: WorkspaceId,
    /// The app was removed from it.
    pub removed: bool,
    /// When the person was last found to be no full member.
    pub left_at: Option<DateTime<Utc>>,
}

/// Locks the workspace with this Slack id against the app's removal, and one of its people: what the same person gives
/// and turns off happens one after the other, and before or after they leave, never in between. Remembers the request in
/// any case, and fails ([`crate::storage::tables::repeats::is_repeat`]) if it was taken before.
pub async fn enter(
    db: &mut PgConnection,
    slack_id: &str,
    user: &UserId,
    request: Option<RequestDigest>,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Entered>> {
    let row = sqlx::query!(
        r#"-- held: waits for a removal that is under way, and then reads the row as that left it.
           -- present: the person's row, made if there is none, so that there is one to lock. It comes second
           -- because it reads from held.
           -- remembered: fails the whole statement if the request was taken before.
           WITH held AS (SELECT id, removed_at FROM workspaces WHERE slack_id = $1 FOR KEY SHARE),
           present AS (
               INSERT INTO members (workspace_id, user_id) SELECT id, $2 FROM held WHERE removed_at IS NULL
               ON CONFLICT (workspace_id, user_id) DO UPDATE SET checked_at = members.checked_at
               RETURNING left_at),
           remembered AS (
               INSERT INTO slack_requests (digest, taken_at) SELECT $3, $4 WHERE $3::bytea IS NOT NULL)
           SELECT held.id AS "id!", (held.removed_at IS NOT NULL) AS "removed!", present.left_at AS "left_at?"
           FROM held LEFT JOIN present ON true"#,
        slack_id,
        user.as_str(),
        request.as_ref().map(RequestDigest::as_bytes),
        now
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Entered { id: WorkspaceId::new(row.id), removed: row.removed, left_at: row.left_at }))
}

/// Locks a workspace against the app's removal, for a change by a backend, an operator or the service itself.
pub async fn hold(db: &mut PgConnection, id: WorkspaceId) -> sqlx::Result<()> {
    sqlx::query!("SELECT FROM workspaces WHERE id = $1 FOR KEY SHARE", id.uuid()).execute(db).await?;
    Ok(())
}

/// All workspaces, oldest first, at most `limit`.
pub async fn list(db: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<Workspace>> {
    let rows = sqlx::query!(
        r#"SELECT id, slack_id, installed_at, (removed_at IS NOT NULL) AS "removed!" FROM workspaces ORDER BY id LIMIT $1"#,
        limit
    )
    .fetch_all(db)
    .await?;
    let workspaces = rows.into_iter().map(|row| Workspace {
        id: WorkspaceId::new(row.id),
        slack_id: row.slack_id,
        installed_at: row.installed_at,
        removed: row.removed,
    });
    Ok(workspaces.collect())
}
