//! All columns that hold encrypted secrets, in whatever table, for changing the encryption key.

use uuid::Uuid;

use crate::storage::{PgConnection, tables::turns};

/// A table with encrypted columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// Slack tokens.
    Workspaces,
    /// Webhook secrets.
    Backends,
    /// Callback URLs.
    Callbacks,
    /// The values of arguments that grants hold fixed.
    Grants,
    /// Private keys that sign receipts.
    SigningKeys,
}

impl Table {
    /// Every table with encrypted columns.
    pub const ALL: [Self; 5] =
        [Self::Workspaces, Self::Backends, Self::Callbacks, Self::Grants, Self::SigningKeys];
}

/// The encrypted values of a row. For a workspace: bot token and refresh token. For a backend: webhook secret and
/// previous webhook secret. For a callback: its URL. For a grant: its fixed values.
/// For a signing key: its private half. Each is bound to the row's id.
pub type Row = [Option<Vec<u8>>; 2];

/// The ids of the rows that have an encrypted value.
pub async fn ids(db: &mut PgConnection, table: Table) -> sqlx::Result<Vec<Uuid>> {
    match table {
        Table::Workspaces => sqlx::query_scalar!(
            "SELECT id FROM workspaces WHERE bot_token IS NOT NULL OR refresh_token IS NOT NULL ORDER BY id"
        )
        .fetch_all(db)
        .await,
        Table::Backends => sqlx::query_scalar!("SELECT id FROM backends ORDER BY id").fetch_all(db).await,
        Table::Callbacks => {
            sqlx::query_scalar!(
                "SELECT approval_id FROM callbacks WHERE url IS NOT NULL ORDER BY approval_id"
            )
            .fetch_all(db)
            .await
        }
        // The values of an ended grant may be deleted: an empty one.
        Table::Grants => {
            sqlx::query_scalar!("SELECT id FROM grants WHERE fixed_values <> '' ORDER BY id")
                .fetch_all(db)
                .await
        }
        Table::SigningKeys => {
            sqlx::query_scalar!("SELECT id FROM signing_keys WHERE private_key IS NOT NULL ORDER BY id")
                .fetch_all(db)
                .await
        }
    }
}

/// The encrypted values of a row.
pub async fn find(db: &mut PgConnection, table: Table, id: Uuid) -> sqlx::Result<Option<Row>> {
    match table {
        Table::Workspaces => {
            let row = sqlx::query!("SELECT bot_token, refresh_token FROM workspaces WHERE id = $1", id)
                .fetch_optional(db)
                .await?;
            Ok(row.map(|row| [row.bot_token, row.refresh_token]))
        }
        Table::Backends => {
            let row = sqlx::query!(
                "SELECT webhook_secret, webhook_secret_previous FROM backends WHERE id = $1",
                id
            )
            .fetch_optional(db)
            .await?;
            Ok(row.map(|row| [Some(row.webhook_secret), row.webhook_secret_previous]))
        }
        Table::Callbacks => {
            let url = sqlx::query_scalar!("SELECT url FROM callbacks WHERE approval_id = $1", id)
                .fetch_optional(db)
                .await?;
            Ok(url.map(|url| [url, None]))
        }
        Table::Grants => {
            let values = sqlx::query_scalar!("SELECT fixed_values FROM grants WHERE id = $1", id)
                .fetch_optional(db)
                .await?;
            Ok(values.map(|values| [values.filter(|values| !values.is_empty()), None]))
        }
        Table::SigningKeys => {
            let key = sqlx::query_scalar!("SELECT private_key FROM signing_keys WHERE id = $1", id)
                .fetch_optional(db)
                .await?;
            Ok(key.map(|key| [key, None]))
        }
    }
}

/// Like [`find`], with the row locked until the transaction ends, so that the values can't change in between.
pub async fn lock(db: &mut PgConnection, table: Table, id: Uuid) -> sqlx::Result<Option<Row>> {
    match table {
        Table::Workspaces => {
            sqlx::query!("SELECT FROM workspaces WHERE id = $1 FOR NO KEY UPDATE", id)
                .fetch_optional(&mut *db)
                .await?;
        }
        Table::Backends => {
            sqlx::query!("SELECT FROM backends WHERE id = $1 FOR NO KEY UPDATE", id)
                .fetch_optional(&mut *db)
                .await?;
        }
        Table::Callbacks => {
            sqlx::query!("SELECT FROM callbacks WHERE approval_id = $1 FOR NO KEY UPDATE", id)
                .fetch_optional(&mut *db)
                .await?;
        }
        Table::Grants => {
            turns::at_grant(db, id).await?;
            sqlx::query!("SELECT FROM grants WHERE id = $1 FOR NO KEY UPDATE", id)
                .fetch_optional(&mut *db)
                .await?;
        }
        Table::SigningKeys => {
            sqlx::query!("SELECT FROM signing_keys WHERE id = $1 FOR NO KEY UPDATE", id)
                .fetch_optional(&mut *db)
                .await?;
        }
    }
    find(db, table, id).await
}

/// Replaces a row's encrypted values.
pub async fn store(db: &mut PgConnection, table: Table, id: Uuid, row: &Row) -> sqlx::Result<()> {
    let [first, second] = row;
    match table {
        Table::Workspaces => {
            sqlx::query!(
                "UPDATE workspaces SET bot_token = $2, refresh_token = $3 WHERE id = $1",
                id,
                first.as_deref(),
                second.as_deref()
            )
            .execute(db)
            .await?;
        }
        Table::Backends => {
            sqlx::query!(
                "UPDATE backends SET webhook_secret = coalesce($2, webhook_secret), webhook_secret_previous = $3
                 WHERE id = $1",
                id,
                first.as_deref(),
                second.as_deref()
            )
            .execute(db)
            .await?;
        }
        Table::Callbacks => {
            sqlx::query!("UPDATE callbacks SET url = $2 WHERE approval_id = $1", id, first.as_deref())
                .execute(db)
                .await?;
        }
        Table::Grants => {
            sqlx::query!(
                "UPDATE grants SET fixed_values = coalesce($2, fixed_values) WHERE id = $1",
                id,
                first.as_deref()
            )
            .execute(db)
            .await?;
        }
        Table::SigningKeys => {
            sqlx::query!("UPDATE signing_keys SET private_key = $2 WHERE id = $1", id, first.as_deref())
                .execute(db)
                .await?;
        }
    }
    Ok(())
}
