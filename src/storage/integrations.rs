//! The table `integrations`.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::{
    catalog::MOST_INTEGRATIONS,
    ids::{IntegrationId, WorkspaceId},
    text::IntegrationKey,
};

/// An integration as it is stored.
#[derive(Debug, Clone)]
pub struct Integration {
    /// Our id.
    pub id: Uuid,
    /// Its key.
    pub key: String,
    /// Its name for people.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// Whether a user must have connected it.
    pub requires_connection: bool,
    /// Where a user connects it.
    pub connect_url: Option<String>,
}

/// The integration with this key, locked against change.
pub async fn lock(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    key: &IntegrationKey,
) -> sqlx::Result<Option<Integration>> {
    sqlx::query_as!(
        Integration,
        "SELECT id, key, name, description, requires_connection, connect_url FROM integrations
         WHERE workspace_id = $1 AND key = $2 FOR UPDATE",
        workspace.uuid(),
        key.as_str()
    )
    .fetch_optional(db)
    .await
}

/// The integration with this key.
pub async fn find(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    key: &IntegrationKey,
) -> sqlx::Result<Option<Integration>> {
    sqlx::query_as!(
        Integration,
        "SELECT id, key, name, description, requires_connection, connect_url FROM integrations
         WHERE workspace_id = $1 AND key = $2",
        workspace.uuid(),
        key.as_str()
    )
    .fetch_optional(db)
    .await
}

/// The workspace's integrations in the order of their keys, after `after`, at most `limit`.
pub async fn list(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    after: Option<&str>,
    limit: i64,
) -> sqlx::Result<Vec<Integration>> {
    sqlx::query_as!(
        Integration,
        "SELECT id, key, name, description, requires_connection, connect_url FROM integrations
         WHERE workspace_id = $1 AND ($2::text IS NULL OR key > $2) ORDER BY key LIMIT $3",
        workspace.uuid(),
        after,
        limit
    )
    .fetch_all(db)
    .await
}

/// Registers an integration that a request named, if it is unknown and the workspace has room for it. It requires a connection until a backend says
/// otherwise. An existing row is not touched: the caller may hold it locked against change, as others may.
pub async fn register(
    db: &mut PgConnection,
    fresh: IntegrationId,
    workspace: WorkspaceId,
    key: &IntegrationKey,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO integrations (id, workspace_id, key, name, created_at)
         SELECT $1::uuid, $2::uuid, $3::text, $3::text, $4::timestamptz
         WHERE (SELECT count(*) FROM integrations i WHERE i.workspace_id = $2) < $5
         ON CONFLICT (workspace_id, key) DO NOTHING",
        fresh.uuid(),
        workspace.uuid(),
        key.as_str(),
        now,
        i64::from(MOST_INTEGRATIONS)
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Writes what a backend put.
pub async fn update(db: &mut PgConnection, integration: &Integration) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE integrations SET name = $2, description = $3, requires_connection = $4, connect_url = $5 WHERE id = $1",
        integration.id,
        integration.name,
        integration.description,
        integration.requires_connection,
        integration.connect_url
    )
    .execute(db)
    .await?;
    Ok(())
}
