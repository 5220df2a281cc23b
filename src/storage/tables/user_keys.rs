//! The table `user_keys`: API keys that are bound to one user.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{
    domain::{
        ids::{ApiKeyId, BackendId, UserId, WorkspaceId},
        text::Text,
        user_keys::{NewUserKey, UserKeyRotation, WorkingKey},
    },
    storage::{PgConnection, effects::Recorded, tables::api_keys},
};

/// A key as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its public half.
    pub id: ApiKeyId,
    /// The backend that it belongs to.
    pub backend: BackendId,
    /// The name of that backend.
    pub backend_name: String,
    /// The workspace of that backend.
    pub workspace: WorkspaceId,
    /// The user that it is bound to.
    pub user: UserId,
    /// Which device or agent has it.
    pub name: Option<String>,
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
    /// Whether it works at this time, as long as its backend is not disabled.
    #[must_use]
    pub fn works(&self, now: DateTime<Utc>) -> bool {
        api_keys::works(self.revoked_at, self.expires_at, now)
    }

    /// The key, to end it.
    #[must_use]
    pub fn working(&self) -> WorkingKey {
        WorkingKey {
            id: self.id,
            workspace: self.workspace,
            backend: self.backend_name.clone(),
            user: self.user.clone(),
        }
    }
}

struct Row {
    id: Uuid,
    backend_id: Uuid,
    backend_name: String,
    workspace_id: Uuid,
    user_id: String,
    name: Option<String>,
    created_at: DateTime<Utc>,
    lifetime_seconds: Option<i64>,
    expires_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
}

impl Row {
    fn read(self) -> Listed {
        Listed {
            id: ApiKeyId::new(self.id),
            backend: BackendId::new(self.backend_id),
            backend_name: self.backend_name,
            workspace: WorkspaceId::new(self.workspace_id),
            user: UserId::from_stored(self.user_id),
            name: self.name,
            created_at: self.created_at,
            lifetime: self.lifetime_seconds.map(TimeDelta::seconds),
            expires_at: self.expires_at,
            last_used_at: self.last_used_at,
            revoked_at: self.revoked_at,
        }
    }
}

/// Selects keys; the tail says which.
macro_rules! select_keys {
    ($tail:literal $(, $arg:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            "SELECT k.id, k.backend_id, b.name AS backend_name, k.workspace_id, k.user_id, k.name, k.created_at,
                    k.lifetime_seconds, k.expires_at, k.last_used_at, k.revoked_at
             FROM user_keys k JOIN backends b ON b.id = k.backend_id " + $tail
            $(, $arg)*
        )
    };
}

/// The keys of these backends, oldest first. Those that no longer work are listed too.
pub async fn list(db: &mut PgConnection, backends: &[BackendId]) -> sqlx::Result<Vec<Listed>> {
    let ids: Vec<Uuid> = backends.iter().map(|backend| backend.uuid()).collect();
    let rows = select_keys!("WHERE k.backend_id = ANY($1) ORDER BY k.id", &ids).fetch_all(db).await?;
    Ok(rows.into_iter().map(Row::read).collect())
}

/// A user's keys that work at this time, newest first.
pub async fn working(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    user: &UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Listed>> {
    let rows = select_keys!(
        "WHERE k.workspace_id = $1 AND k.user_id = $2 AND k.revoked_at IS NULL
           AND (k.expires_at IS NULL OR k.expires_at > $3) AND b.disabled_at IS NULL
         ORDER BY k.id DESC",
        workspace.uuid(),
        user.as_str(),
        now
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Row::read).collect())
}

/// A user's keys that are not revoked, locked, in the order of their ids.
pub async fn lock_of_user(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    user: &UserId,
) -> sqlx::Result<Vec<Listed>> {
    let rows = select_keys!(
        "WHERE k.workspace_id = $1 AND k.user_id = $2 AND k.revoked_at IS NULL
         ORDER BY k.id FOR NO KEY UPDATE OF k",
        workspace.uuid(),
        user.as_str()
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Row::read).collect())
}

/// The keys of a backend that are not revoked, locked, in the order of their ids.
pub async fn lock_of_backend(db: &mut PgConnection, backend: BackendId) -> sqlx::Result<Vec<Listed>> {
    let rows = select_keys!(
        "WHERE k.backend_id = $1 AND k.revoked_at IS NULL ORDER BY k.id FOR NO KEY UPDATE OF k",
        backend.uuid()
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Row::read).collect())
}

/// Saves a new key. `hash`: SHA-256 of its secret half.
pub async fn insert<T: AsRef<NewUserKey>>(
    db: &mut PgConnection,
    change: &Recorded<T>,
    hash: &[u8],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let NewUserKey { id, backend, workspace, user, name, lifetime, expires_at } = change.as_ref();
    sqlx::query!(
        "INSERT INTO user_keys (id, backend_id, workspace_id, user_id, name, hash, created_at, lifetime_seconds,
             expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        id.uuid(),
        backend.uuid(),
        workspace.uuid(),
        user.as_str(),
        name.as_ref().map(Text::as_str),
        hash,
        now,
        lifetime.map(|lifetime| lifetime.num_seconds()),
        *expires_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lets a key that is replaced work for a while, or stops it at once.
pub async fn replace(
    db: &mut PgConnection,
    rotation: &Recorded<UserKeyRotation>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE user_keys SET expires_at = least(expires_at, $2),
             revoked_at = CASE WHEN $2::timestamptz <= $3 THEN $3 ELSE revoked_at END
         WHERE id = $1",
        rotation.replaced.uuid(),
        rotation.previous_until,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Stops a key, whatever an instance's clock says.
pub async fn revoke(
    db: &mut PgConnection,
    revoked: &Recorded<WorkingKey>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!("UPDATE user_keys SET revoked_at = $2 WHERE id = $1", revoked.id.uuid(), now)
        .execute(db)
        .await?;
    Ok(())
}

/// Stops keys that have expired by this instance's clock: no change for the audit, but another instance whose clock is
/// behind may still take them.
pub async fn stop_expired(db: &mut PgConnection, keys: &[ApiKeyId], now: DateTime<Utc>) -> sqlx::Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = keys.iter().map(|key| key.uuid()).collect();
    sqlx::query!(
        "UPDATE user_keys SET revoked_at = $2 WHERE id = ANY($1) AND revoked_at IS NULL AND expires_at <= $2",
        &ids,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}
