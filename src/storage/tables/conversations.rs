//! The table `conversations`. Asking writes it, in [`crate::storage::statements::create_approval::save`].

use chrono::{DateTime, Utc};

use crate::{
    domain::{
        conversations::Closed,
        ids::{BackendId, WorkspaceId},
        text::ForeignId,
    },
    storage::{PgConnection, effects::Recorded},
};

/// Locks a conversation of this backend, and says whether it is closed. `None`: the backend never asked in it.
pub async fn lock(db: &mut PgConnection, backend: BackendId, id: &ForeignId) -> sqlx::Result<Option<bool>> {
    sqlx::query_scalar!(
        r#"SELECT closed_at IS NOT NULL AS "closed!" FROM conversations WHERE backend_id = $1 AND id = $2
           FOR NO KEY UPDATE"#,
        backend.uuid(),
        id.as_str()
    )
    .fetch_optional(db)
    .await
}

/// Closes a conversation.
pub async fn close(db: &mut PgConnection, closed: &Recorded<Closed>, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE conversations SET closed_at = $3 WHERE backend_id = $1 AND id = $2",
        closed.backend.uuid(),
        closed.id.as_str(),
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A conversation with live grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silent {
    /// Where it belongs.
    pub workspace: WorkspaceId,
    /// Whose it is.
    pub backend: BackendId,
    /// The backend's id for it.
    pub id: ForeignId,
}

/// Locks up to `limit` conversations with live grants that have had no request since `since`. Skips those that another
/// transaction has locked.
pub async fn lock_silent(
    db: &mut PgConnection,
    since: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<Silent>> {
    let rows = sqlx::query!(
        "SELECT b.workspace_id, v.backend_id, v.id FROM conversations v JOIN backends b ON b.id = v.backend_id
         JOIN workspaces w ON w.id = b.workspace_id
         WHERE v.last_asked_at <= $1 AND EXISTS (SELECT 1 FROM grants g
             WHERE g.backend_id = v.backend_id AND g.conversation_id = v.id AND g.scope = 'conversation'
               AND g.revoked_at IS NULL)
         ORDER BY v.backend_id, v.id LIMIT $2
         FOR KEY SHARE OF w SKIP LOCKED FOR NO KEY UPDATE OF v SKIP LOCKED",
        since,
        limit
    )
    .fetch_all(db)
    .await?;
    let silent = rows.into_iter().map(|row| Silent {
        workspace: WorkspaceId::new(row.workspace_id),
        backend: BackendId::new(row.backend_id),
        id: ForeignId::from_stored(row.id),
    });
    Ok(silent.collect())
}
