//! The table `signing_keys`: the keys that sign receipts. Public halves stay.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::storage::PgConnection;

/// A key.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The row's id, to which the private key is bound.
    pub id: Uuid,
    /// Its place in the order of keys.
    pub number: i32,
    /// The JWK thumbprint.
    pub kid: String,
    /// 32 bytes.
    pub public_key: Vec<u8>,
    /// Sealed. `None`: it is kept elsewhere, or was deleted.
    pub private_key: Option<Vec<u8>>,
    /// It signs from this moment on.
    pub signs_from: DateTime<Utc>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// Every key, the oldest first.
pub async fn list(db: &mut PgConnection) -> sqlx::Result<Vec<Stored>> {
    sqlx::query_as!(
        Stored,
        "SELECT id, number, kid, public_key, private_key, signs_from, created_at FROM signing_keys ORDER BY number"
    )
    .fetch_all(db)
    .await
}

/// Adds a key. `false`: another one has its number, or it is there.
pub async fn insert(db: &mut PgConnection, key: &Stored) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO signing_keys (id, number, kid, public_key, private_key, signs_from, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        key.id,
        key.number,
        key.kid,
        key.public_key,
        key.private_key,
        key.signs_from,
        key.created_at
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Lets a key that waits sign from an earlier moment on.
pub async fn sign_from(db: &mut PgConnection, id: Uuid, at: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!("UPDATE signing_keys SET signs_from = least(signs_from, $2) WHERE id = $1", id, at)
        .execute(db)
        .await?;
    Ok(())
}

/// Deletes the private halves of the keys before this one.
pub async fn delete_private_before(db: &mut PgConnection, number: i32) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE signing_keys SET private_key = NULL WHERE number < $1 AND private_key IS NOT NULL",
        number
    )
    .execute(db)
    .await?;
    Ok(())
}
