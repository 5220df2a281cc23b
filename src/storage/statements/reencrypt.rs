//! Every column that holds a sealed secret, wherever it is: what a change of the encryption key goes through.

use uuid::Uuid;

use crate::storage::PgConnection;

/// A table with sealed columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// Tokens of installations.
    Workspaces,
    /// Webhook secrets.
    Backends,
}

impl Table {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Workspaces, Self::Backends];
}

/// The sealed values of a row: of a workspace its bot token and refresh token, of a backend its webhook secret and the
/// previous one. They are sealed for the row's id.
pub type Row = [Option<Vec<u8>>; 2];

/// The rows that have a sealed value.
pub async fn ids(db: &mut PgConnection, table: Table) -> sqlx::Result<Vec<Uuid>> {
    match table {
        Table::Workspaces => sqlx::query_scalar!(
            "SELECT id FROM workspaces WHERE bot_token IS NOT NULL OR refresh_token IS NOT NULL ORDER BY id"
        )
        .fetch_all(db)
        .await,
        Table::Backends => sqlx::query_scalar!("SELECT id FROM backends ORDER BY id").fetch_all(db).await,
    }
}

/// The sealed values of a row.
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
    }
}

/// The same, with the row locked until the transaction ends: nobody else changes them meanwhile.
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
    }
    find(db, table, id).await
}

/// Stores them sealed anew.
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
    }
    Ok(())
}
