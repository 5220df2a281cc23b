//! The table `api_keys`.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    domain::{
        api_keys::{KeyRotation, KeyScope, KeyScopes, KeysRevoked, NewApiKey},
        ids::{ApiKeyId, BackendId, UserId, WorkspaceId},
    },
    storage::{PgConnection, effects::Recorded, stored::CorruptRow},
};

/// A key as it is stored, beside what its use depends on.
#[derive(Debug, Clone)]
pub struct StoredKey {
    /// Its public half.
    pub id: ApiKeyId,
    /// SHA-256 of its secret half.
    pub hash: Vec<u8>,
    /// What it may be used for.
    pub scopes: KeyScopes,
    /// A rotated key works until then.
    pub expires_at: Option<DateTime<Utc>>,
    /// An operator revoked it.
    pub revoked: bool,
    /// Whose key it is.
    pub backend: BackendId,
    /// The name of that backend.
    pub backend_name: String,
    /// The user that the key is bound to, if it is.
    pub user: Option<UserId>,
    /// Where the backend belongs.
    pub workspace: WorkspaceId,
    /// The backend is disabled.
    pub disabled: bool,
    /// The app is no longer installed in the workspace.
    pub workspace_removed: bool,
}

/// Reads the column `scopes` of a key.
pub(in crate::storage) fn scopes(key: Uuid, stored: &[String]) -> Result<KeyScopes, CorruptRow> {
    let scopes: Option<Vec<KeyScope>> = stored.iter().map(|text| KeyScope::parse(text)).collect();
    scopes.and_then(KeyScopes::new).ok_or_else(|| CorruptRow::new("api_keys", "scopes", &ApiKeyId::new(key)))
}

/// How the column `scopes` holds them.
fn names(scopes: KeyScopes) -> Vec<String> {
    scopes.names().into_iter().map(str::to_owned).collect()
}

/// The key with this public half, of a backend or of one of its users.
pub async fn find(db: &mut PgConnection, id: ApiKeyId) -> sqlx::Result<Option<StoredKey>> {
    let row = sqlx::query!(
        r#"SELECT k.hash AS "hash!", k.scopes AS "scopes!", k.expires_at, (k.revoked_at IS NOT NULL) AS "revoked!",
                  k.user_id, b.id AS backend, b.name, b.workspace_id AS workspace,
                  (b.disabled_at IS NOT NULL) AS "disabled!", (w.removed_at IS NOT NULL) AS "removed!"
           FROM (
               SELECT a.backend_id, a.hash, a.scopes, a.expires_at, a.revoked_at, NULL::text AS user_id
               FROM api_keys a WHERE a.id = $1
               UNION ALL
               SELECT u.backend_id, u.hash, '{ask,catalog,connections,read}'::text[], u.expires_at, u.revoked_at, u.user_id
               FROM user_keys u WHERE u.id = $1) k
           JOIN backends b ON b.id = k.backend_id JOIN workspaces w ON w.id = b.workspace_id
           LIMIT 1"#,
        id.uuid()
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        Ok(StoredKey {
            id,
            hash: row.hash,
            scopes: scopes(id.uuid(), &row.scopes)?,
            expires_at: row.expires_at,
            revoked: row.revoked,
            backend: BackendId::new(row.backend),
            backend_name: row.name,
            user: row.user_id.map(UserId::from_stored),
            workspace: WorkspaceId::new(row.workspace),
            disabled: row.disabled,
            workspace_removed: row.removed,
        })
    })
    .transpose()
}

/// Adds a key to a backend. `hash`: SHA-256 of its secret half.
pub async fn insert<T: AsRef<NewApiKey>>(
    db: &mut PgConnection,
    change: &Recorded<T>,
    hash: &[u8],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let NewApiKey { id, backend, scopes } = change.as_ref();
    sqlx::query!(
        "INSERT INTO api_keys (id, backend_id, hash, scopes, created_at) VALUES ($1, $2, $3, $4, $5)",
        id.uuid(),
        backend.uuid(),
        hash,
        &names(*scopes),
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A key as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its public half.
    pub id: ApiKeyId,
    /// Whose key it is.
    pub backend: BackendId,
    /// What it may be used for.
    pub scopes: KeyScopes,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Until when it works, if it was rotated.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When an operator revoked it.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl Listed {
    /// Whether it works at this time, as long as its backend is not disabled.
    #[must_use]
    pub fn works(&self, now: DateTime<Utc>) -> bool {
        works(self.revoked_at, self.expires_at, now)
    }
}

/// Whether a key works at this time, as long as its backend is not disabled.
pub(super) fn works(
    revoked_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> bool {
    revoked_at.is_none() && expires_at.is_none_or(|until| now < until)
}

/// The keys of these backends, oldest first. Those that no longer work are listed too.
pub async fn list(db: &mut PgConnection, backends: &[BackendId]) -> sqlx::Result<Vec<Listed>> {
    let ids: Vec<Uuid> = backends.iter().map(|backend| backend.uuid()).collect();
    let rows = sqlx::query!(
        "SELECT id, backend_id, scopes, created_at, expires_at, last_used_at, revoked_at
         FROM api_keys WHERE backend_id = ANY($1) ORDER BY id",
        &ids
    )
    .fetch_all(db)
    .await?;
    let keys = rows.into_iter().map(|row| {
        Ok(Listed {
            id: ApiKeyId::new(row.id),
            backend: BackendId::new(row.backend_id),
            scopes: scopes(row.id, &row.scopes)?,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
        })
    });
    keys.collect()
}

/// Locks the backend, so that keys are neither added to it nor taken from it until this transaction ends. `NO KEY`:
/// rows may go on referring to it.
pub async fn lock_backend(db: &mut PgConnection, backend: BackendId) -> sqlx::Result<()> {
    sqlx::query!("SELECT 1 AS one FROM backends WHERE id = $1 FOR NO KEY UPDATE", backend.uuid())
        .fetch_one(db)
        .await?;
    Ok(())
}

/// Lets the keys that are replaced work for a while, or stops them at once.
pub async fn replace(
    db: &mut PgConnection,
    rotation: &Recorded<KeyRotation>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    if rotation.previous_until <= now {
        return stop(db, &rotation.replaced, now).await;
    }
    let ids: Vec<Uuid> = rotation.replaced.iter().map(|key| key.uuid()).collect();
    sqlx::query!(
        "UPDATE api_keys SET expires_at = least(coalesce(expires_at, $2), $2) WHERE id = ANY($1)",
        &ids,
        rotation.previous_until
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Stops keys, whatever an instance's clock says.
pub async fn revoke(
    db: &mut PgConnection,
    revoked: &Recorded<KeysRevoked>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    stop(db, &revoked.0, now).await
}

/// Stops keys of a backend that have expired by this instance's clock: no change for the audit, but another instance whose
/// clock is behind may still take them.
pub async fn stop_expired(db: &mut PgConnection, keys: &[ApiKeyId], now: DateTime<Utc>) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = keys.iter().map(|key| key.uuid()).collect();
    sqlx::query!(
        "UPDATE api_keys SET revoked_at = $2 WHERE id = ANY($1) AND revoked_at IS NULL AND expires_at <= $2",
        &ids,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

async fn stop(db: &mut PgConnection, keys: &[ApiKeyId], now: DateTime<Utc>) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = keys.iter().map(|key| key.uuid()).collect();
    sqlx::query!(
        "UPDATE api_keys SET revoked_at = $2, expires_at = least(coalesce(expires_at, $2), $2)
         WHERE id = ANY($1) AND revoked_at IS NULL",
        &ids,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes when keys were last used. Another instance may have noted a later time.
pub async fn note_uses(db: &mut PgConnection, uses: &[(ApiKeyId, DateTime<Utc>)]) -> sqlx::Result<()> {
    let (ids, times): (Vec<Uuid>, Vec<DateTime<Utc>>) =
        uses.iter().map(|(key, used_at)| (key.uuid(), *used_at)).unzip();
    // Locked in the order of their ids, so that two instances that do this at once don't wait for each other in a
    // circle.
    sqlx::query!(
        "-- used, by_users, by_admins: the keys of backends, of users and of workspaces that were used later than is noted.
         -- One statement, so that all uses are noted or none.
         WITH used AS (
             SELECT k.id, u.used_at FROM unnest($1::uuid[], $2::timestamptz[]) AS u (id, used_at)
             JOIN api_keys k ON k.id = u.id
             WHERE k.last_used_at IS NULL OR k.last_used_at < u.used_at ORDER BY k.id FOR NO KEY UPDATE OF k),
         by_users AS (
             SELECT k.id, u.used_at FROM unnest($1::uuid[], $2::timestamptz[]) AS u (id, used_at)
             JOIN user_keys k ON k.id = u.id
             WHERE k.last_used_at IS NULL OR k.last_used_at < u.used_at ORDER BY k.id FOR NO KEY UPDATE OF k),
         by_admins AS (
             SELECT k.id, u.used_at FROM unnest($1::uuid[], $2::timestamptz[]) AS u (id, used_at)
             JOIN admin_keys k ON k.id = u.id
             WHERE k.last_used_at IS NULL OR k.last_used_at < u.used_at ORDER BY k.id FOR NO KEY UPDATE OF k),
         noted_of_admins AS (
             UPDATE admin_keys SET last_used_at = greatest(last_used_at, by_admins.used_at) FROM by_admins
             WHERE admin_keys.id = by_admins.id),
         noted AS (
             UPDATE user_keys SET last_used_at = greatest(last_used_at, by_users.used_at) FROM by_users
             WHERE user_keys.id = by_users.id)
         UPDATE api_keys SET last_used_at = greatest(last_used_at, used.used_at) FROM used
         WHERE api_keys.id = used.id",
        &ids,
        &times
    )
    .execute(db)
    .await?;
    Ok(())
}
