//! The table `admin_keys`: API keys that administer a workspace.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{
    domain::{
        admin_key_ref::AdminKeyRef,
        admin_keys::{AdminKeyRevoked, AdminKeyRotation, NewAdminKey},
        ids::{ApiKeyId, WorkspaceId},
        text::Name,
    },
    storage::{PgConnection, effects::Recorded, tables::api_keys},
};

/// A key as it is stored, with what its use depends on.
#[derive(Debug, Clone)]
pub struct StoredAdminKey {
    /// Its id and name.
    pub key: AdminKeyRef,
    /// SHA-256 of its secret half.
    pub hash: Vec<u8>,
    /// The workspace that it administers.
    pub workspace: WorkspaceId,
    /// Until when it works.
    pub expires_at: Option<DateTime<Utc>>,
    /// An operator revoked it.
    pub revoked: bool,
    /// The app is no longer installed in the workspace.
    pub workspace_removed: bool,
}

/// The admin key with this public half.
pub async fn find(db: &mut PgConnection, id: ApiKeyId) -> sqlx::Result<Option<StoredAdminKey>> {
    let row = sqlx::query!(
        r#"SELECT k.name, k.hash, k.workspace_id, k.expires_at, (k.revoked_at IS NOT NULL) AS "revoked!",
                  (w.removed_at IS NOT NULL) AS "removed!"
           FROM admin_keys k JOIN workspaces w ON w.id = k.workspace_id WHERE k.id = $1"#,
        id.uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| StoredAdminKey {
        key: AdminKeyRef { id, name: Name::from_stored(row.name) },
        hash: row.hash,
        workspace: WorkspaceId::new(row.workspace_id),
        expires_at: row.expires_at,
        revoked: row.revoked,
        workspace_removed: row.removed,
    }))
}

/// A key as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its id and name.
    pub key: AdminKeyRef,
    /// The workspace that it administers.
    pub workspace: WorkspaceId,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// For how long it was made. `None`: until it is revoked.
    pub lifetime: Option<TimeDelta>,
    /// Until when it works.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl Listed {
    /// Whether it works at this time.
    #[must_use]
    pub fn works(&self, now: DateTime<Utc>) -> bool {
        api_keys::works(self.revoked_at, self.expires_at, now)
    }
}

struct Row {
    id: Uuid,
    workspace_id: Uuid,
    name: String,
    created_at: DateTime<Utc>,
    lifetime_seconds: Option<i64>,
    expires_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
}

impl From<Row> for Listed {
    fn from(row: Row) -> Self {
        Self {
            key: AdminKeyRef { id: ApiKeyId::new(row.id), name: Name::from_stored(row.name) },
            workspace: WorkspaceId::new(row.workspace_id),
            created_at: row.created_at,
            lifetime: row.lifetime_seconds.map(TimeDelta::seconds),
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
        }
    }
}

/// The keys of all workspaces, or of the one with this Slack id, oldest first. Those that no longer work are listed too.
pub async fn list(db: &mut PgConnection, slack_id: Option<&str>) -> sqlx::Result<Vec<Listed>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT k.id, k.workspace_id, k.name, k.created_at, k.lifetime_seconds, k.expires_at, k.last_used_at, k.revoked_at
         FROM admin_keys k JOIN workspaces w ON w.id = k.workspace_id
         WHERE $1::text IS NULL OR w.slack_id = $1 ORDER BY k.id",
        slack_id
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Listed::from).collect())
}

/// The keys of a workspace that are not revoked, locked, in the order of their ids.
pub async fn lock(db: &mut PgConnection, workspace: WorkspaceId) -> sqlx::Result<Vec<Listed>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, workspace_id, name, created_at, lifetime_seconds, expires_at, last_used_at, revoked_at
         FROM admin_keys WHERE workspace_id = $1 AND revoked_at IS NULL ORDER BY id FOR NO KEY UPDATE",
        workspace.uuid()
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Listed::from).collect())
}

/// Saves a new key. `hash`: SHA-256 of its secret half.
pub async fn insert<T: AsRef<NewAdminKey>>(
    db: &mut PgConnection,
    change: &Recorded<T>,
    hash: &[u8],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let NewAdminKey { key, workspace, lifetime, expires_at } = change.as_ref();
    sqlx::query!(
        "INSERT INTO admin_keys (id, workspace_id, name, hash, created_at, lifetime_seconds, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        key.id.uuid(),
        workspace.uuid(),
        key.name.as_str(),
        hash,
        now,
        lifetime.map(|lifetime| lifetime.num_seconds()),
        *expires_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lets the key that is replaced work for a while, or stops it at once.
pub async fn replace(
    db: &mut PgConnection,
    rotation: &Recorded<AdminKeyRotation>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    if rotation.previous_until <= now {
        return stop(db, rotation.replaced, now).await;
    }
    sqlx::query!(
        "UPDATE admin_keys SET expires_at = least(coalesce(expires_at, $2), $2) WHERE id = $1",
        rotation.replaced.uuid(),
        rotation.previous_until
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Stops a key, whatever an instance's clock says.
pub async fn revoke(
    db: &mut PgConnection,
    revoked: &Recorded<AdminKeyRevoked>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    stop(db, revoked.0, now).await
}

/// Stops keys that have expired by this instance's clock: no change for the audit, but another instance whose clock is
/// behind may still take them.
pub async fn stop_expired(db: &mut PgConnection, keys: &[ApiKeyId], now: DateTime<Utc>) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = keys.iter().map(|key| key.uuid()).collect();
    sqlx::query!(
        "UPDATE admin_keys SET revoked_at = $2 WHERE id = ANY($1) AND revoked_at IS NULL AND expires_at <= $2",
        &ids,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

async fn stop(db: &mut PgConnection, key: ApiKeyId, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE admin_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL",
        key.uuid(),
        now
    )
    .execute(db)
    .await?;
    Ok(())
}
