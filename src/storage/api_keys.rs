//! The table `api_keys`.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::ids::{ApiKeyId, BackendId, WorkspaceId};

/// A key as it is stored, beside what its use depends on.
#[derive(Debug, Clone)]
pub struct StoredKey {
    /// Its public half.
    pub id: ApiKeyId,
    /// SHA-256 of its secret half.
    pub hash: Vec<u8>,
    /// A rotated key works until then.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whose key it is.
    pub backend: BackendId,
    /// Where the backend belongs.
    pub workspace: WorkspaceId,
    /// The backend is disabled.
    pub disabled: bool,
    /// The app is no longer installed in the workspace.
    pub workspace_removed: bool,
}

/// The key with this public half.
pub async fn find(db: &mut PgConnection, id: ApiKeyId) -> sqlx::Result<Option<StoredKey>> {
    let row = sqlx::query!(
        r#"SELECT k.hash, k.expires_at, b.id AS backend, b.workspace_id AS workspace,
                  (b.disabled_at IS NOT NULL) AS "disabled!", (w.removed_at IS NOT NULL) AS "removed!"
           FROM api_keys k JOIN backends b ON b.id = k.backend_id JOIN workspaces w ON w.id = b.workspace_id
           WHERE k.id = $1"#,
        id.uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| StoredKey {
        id,
        hash: row.hash,
        expires_at: row.expires_at,
        backend: BackendId::new(row.backend),
        workspace: WorkspaceId::new(row.workspace),
        disabled: row.disabled,
        workspace_removed: row.removed,
    }))
}

/// Adds a key to a backend.
pub async fn insert(
    db: &mut PgConnection,
    id: ApiKeyId,
    backend: BackendId,
    hash: &[u8],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO api_keys (id, backend_id, hash, created_at) VALUES ($1, $2, $3, $4)",
        id.uuid(),
        backend.uuid(),
        hash,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lets a backend's present keys work only until `until`.
pub async fn expire_all(
    db: &mut PgConnection,
    backend: BackendId,
    until: DateTime<Utc>,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "UPDATE api_keys SET expires_at = least(coalesce(expires_at, $2), $2) WHERE backend_id = $1",
        backend.uuid(),
        until
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
