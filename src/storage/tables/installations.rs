//! The columns of `workspaces` that an installation by OAuth fills: its tokens, sealed. Statements that change them
//! lock the row, so that instances that refresh, install, leave or re-seal at the same time take turns.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    domain::{
        ids::WorkspaceId,
        workspaces::{Installed, Removed},
    },
    storage::{PgConnection, effects::Recorded, tables::turns},
};

/// What is stored of an installation. Tokens are sealed for the row with this id.
#[derive(Debug, Clone)]
pub struct Installation {
    /// The row.
    pub id: WorkspaceId,
    /// The bot's token. `None`: the one of the configuration.
    pub bot_token: Option<Vec<u8>>,
    /// What is exchanged for the next one.
    pub refresh_token: Option<Vec<u8>>,
    /// Until when the bot's token works.
    pub token_expires_at: Option<DateTime<Utc>>,
    /// When the app was installed last.
    pub installed_at: DateTime<Utc>,
    /// The app was removed.
    pub removed: bool,
}

/// Tokens as they are stored, sealed.
#[derive(Debug)]
pub struct SealedTokens<'a> {
    /// The bot's token.
    pub bot_token: &'a [u8],
    /// What is exchanged for the next one.
    pub refresh_token: Option<&'a [u8]>,
    /// Until when the bot's token works.
    pub token_expires_at: Option<DateTime<Utc>>,
}

struct Row {
    id: uuid::Uuid,
    bot_token: Option<Vec<u8>>,
    refresh_token: Option<Vec<u8>>,
    token_expires_at: Option<DateTime<Utc>>,
    installed_at: DateTime<Utc>,
    removed_at: Option<DateTime<Utc>>,
}

impl From<Row> for Installation {
    fn from(row: Row) -> Self {
        Self {
            id: WorkspaceId::new(row.id),
            bot_token: row.bot_token,
            refresh_token: row.refresh_token,
            token_expires_at: row.token_expires_at,
            installed_at: row.installed_at,
            removed: row.removed_at.is_some(),
        }
    }
}

/// The installation in the workspace with this Slack id, removed or not.
pub async fn find(db: &mut PgConnection, slack_id: &str) -> sqlx::Result<Option<Installation>> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, bot_token, refresh_token, token_expires_at, installed_at, removed_at
         FROM workspaces WHERE slack_id = $1",
        slack_id
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Installation::from))
}

/// The same, locked until the transaction ends. Approvals that refer to the row are not held up.
pub async fn lock(db: &mut PgConnection, slack_id: &str) -> sqlx::Result<Option<Installation>> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, bot_token, refresh_token, token_expires_at, installed_at, removed_at
         FROM workspaces WHERE slack_id = $1 FOR NO KEY UPDATE",
        slack_id
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Installation::from))
}

/// Like [`lock`], for removing the app: waits for every transaction that gives or uses a grant in the workspace, and
/// blocks later ones.
pub async fn lock_to_remove(db: &mut PgConnection, slack_id: &str) -> sqlx::Result<Option<Installation>> {
    turns::at_workspace(db, slack_id).await?;
    let row = sqlx::query_as!(
        Row,
        "SELECT id, bot_token, refresh_token, token_expires_at, installed_at, removed_at
         FROM workspaces WHERE slack_id = $1 FOR UPDATE",
        slack_id
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Installation::from))
}

/// The Slack ids of the workspaces whose tokens expire before `until` and are not being refreshed; at most 1,000, those
/// that expire first.
pub async fn due_for_refresh(db: &mut PgConnection, until: DateTime<Utc>) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "SELECT slack_id FROM workspaces
         WHERE token_expires_at < $1 AND refresh_token IS NOT NULL AND removed_at IS NULL
           AND (refreshing_until IS NULL OR refreshing_until <= clock_timestamp())
         ORDER BY token_expires_at LIMIT 1000",
        until
    )
    .fetch_all(db)
    .await
}

/// Takes the lease on refreshing the token for so long. `false`: another instance has it.
///
/// By the database's clock, not the service's: instances whose clocks differ would else take it from each other, and
/// Slack takes a refresh token once.
pub async fn lease(db: &mut PgConnection, id: WorkspaceId, length: TimeDelta) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE workspaces SET refreshing_until = clock_timestamp() + make_interval(secs => $2)
         WHERE id = $1 AND (refreshing_until IS NULL OR refreshing_until <= clock_timestamp())",
        id.uuid(),
        length.as_seconds_f64()
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives the lease back.
pub async fn release(db: &mut PgConnection, id: WorkspaceId) -> sqlx::Result<()> {
    sqlx::query!("UPDATE workspaces SET refreshing_until = NULL WHERE id = $1", id.uuid())
        .execute(db)
        .await?;
    Ok(())
}

/// Stores new tokens in place of the present ones.
pub async fn store(db: &mut PgConnection, id: WorkspaceId, tokens: &SealedTokens<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE workspaces SET bot_token = $2, refresh_token = $3, token_expires_at = $4, refreshing_until = NULL
         WHERE id = $1",
        id.uuid(),
        tokens.bot_token,
        tokens.refresh_token,
        tokens.token_expires_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Says that the app was installed now, whether or not it was before.
pub async fn revive(
    db: &mut PgConnection,
    installed: &Recorded<Installed>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE workspaces SET name = $2, installed_at = $3, removed_at = NULL WHERE id = $1",
        installed.workspace.uuid(),
        installed.name,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Says that the app was removed, and forgets the tokens.
pub async fn remove(
    db: &mut PgConnection,
    removed: &Recorded<Removed>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE workspaces SET removed_at = $2, bot_token = NULL, refresh_token = NULL, token_expires_at = NULL,
             refreshing_until = NULL
         WHERE id = $1",
        removed.workspace.uuid(),
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Slack's ids of the installations that have a token, oldest first, at most `limit`.
pub async fn list(db: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "SELECT slack_id FROM workspaces WHERE bot_token IS NOT NULL AND removed_at IS NULL ORDER BY id LIMIT $1",
        limit
    )
    .fetch_all(db)
    .await
}
