//! The table `actions`.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::{
    catalog::MOST_ACTIONS,
    ids::{ActionId, IntegrationId, WorkspaceId},
    text::{ActionKey, IntegrationKey},
};

/// An action as it is stored.
#[derive(Debug, Clone)]
pub struct Action {
    /// Our id.
    pub id: Uuid,
    /// Its integration's key.
    pub integration: String,
    /// Its key.
    pub key: String,
    /// Its name for people.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// It changes nothing.
    pub read_only: bool,
    /// It destroys something.
    pub destructive: bool,
    /// Since when users may auto-approve it.
    pub unlocked_at: Option<DateTime<Utc>>,
    /// Since when the integration no longer has it.
    pub retired_at: Option<DateTime<Utc>>,
}

/// An integration's actions in the order of their keys, locked against change.
pub async fn lock_all(db: &mut PgConnection, integration: IntegrationId) -> sqlx::Result<Vec<Action>> {
    sqlx::query_as!(
        Action,
        "SELECT a.id, i.key AS integration, a.key, a.name, a.description, a.read_only, a.destructive, a.unlocked_at,
                a.retired_at
         FROM actions a JOIN integrations i ON i.id = a.integration_id
         WHERE a.integration_id = $1 ORDER BY a.key FOR UPDATE OF a",
        integration.uuid()
    )
    .fetch_all(db)
    .await
}

/// The actions of several integrations, retired ones left out, in the order of their keys.
pub async fn of(db: &mut PgConnection, integrations: &[Uuid]) -> sqlx::Result<Vec<Action>> {
    sqlx::query_as!(
        Action,
        "SELECT a.id, i.key AS integration, a.key, a.name, a.description, a.read_only, a.destructive, a.unlocked_at,
                a.retired_at
         FROM actions a JOIN integrations i ON i.id = a.integration_id
         WHERE a.integration_id = ANY($1) AND a.retired_at IS NULL ORDER BY i.key, a.key",
        integrations
    )
    .fetch_all(db)
    .await
}

/// All actions of a workspace, in the order of their paths.
pub async fn list(db: &mut PgConnection, workspace: WorkspaceId) -> sqlx::Result<Vec<Action>> {
    sqlx::query_as!(
        Action,
        "SELECT a.id, i.key AS integration, a.key, a.name, a.description, a.read_only, a.destructive, a.unlocked_at,
                a.retired_at
         FROM actions a JOIN integrations i ON i.id = a.integration_id
         WHERE i.workspace_id = $1 AND a.retired_at IS NULL ORDER BY i.key, a.key",
        workspace.uuid()
    )
    .fetch_all(db)
    .await
}

/// The action with this path, locked: requests and clicks that depend on it are waited for.
pub async fn lock(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    integration: &IntegrationKey,
    action: &ActionKey,
) -> sqlx::Result<Option<Action>> {
    sqlx::query_as!(
        Action,
        "SELECT a.id, i.key AS integration, a.key, a.name, a.description, a.read_only, a.destructive, a.unlocked_at,
                a.retired_at
         FROM actions a JOIN integrations i ON i.id = a.integration_id
         WHERE i.workspace_id = $1 AND i.key = $2 AND a.key = $3 FOR UPDATE OF a",
        workspace.uuid(),
        integration.as_str(),
        action.as_str()
    )
    .fetch_optional(db)
    .await
}

/// An action of the workspace, locked in the same way.
pub async fn lock_by_id(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    id: ActionId,
) -> sqlx::Result<Option<Action>> {
    sqlx::query_as!(
        Action,
        "SELECT a.id, i.key AS integration, a.key, a.name, a.description, a.read_only, a.destructive, a.unlocked_at,
                a.retired_at
         FROM actions a JOIN integrations i ON i.id = a.integration_id
         WHERE i.workspace_id = $1 AND a.id = $2 FOR UPDATE OF a",
        workspace.uuid(),
        id.uuid()
    )
    .fetch_optional(db)
    .await
}

/// Registers an action that a request named, locked, if it is unknown and the integration has room for it. `true`: so it
/// was.
pub async fn register(
    db: &mut PgConnection,
    fresh: ActionId,
    integration: IntegrationId,
    key: &ActionKey,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO actions (id, integration_id, key, name, created_at)
         SELECT $1::uuid, $2::uuid, $3::text, $3::text, $4::timestamptz
         WHERE (SELECT count(*) FROM actions a WHERE a.integration_id = $2 AND a.retired_at IS NULL) < $5
         ON CONFLICT (integration_id, key) DO NOTHING",
        fresh.uuid(),
        integration.uuid(),
        key.as_str(),
        now,
        i64::from(MOST_ACTIONS)
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What a backend says of an action.
#[derive(Debug, Clone)]
pub struct Description<'a> {
    /// Its key.
    pub key: &'a ActionKey,
    /// Its name for people.
    pub name: &'a str,
    /// What it does.
    pub description: Option<&'a str>,
    /// It changes nothing.
    pub read_only: bool,
    /// It destroys something.
    pub destructive: bool,
}

/// Writes what a backend says of actions, all in one statement. A new one is locked, a retired one comes back locked;
/// otherwise the lock stays as it is.
pub async fn put(
    db: &mut PgConnection,
    integration: IntegrationId,
    actions: &[Description<'_>],
    now: DateTime<Utc>,
    mut fresh: impl FnMut() -> Uuid,
) -> sqlx::Result<()> {
    if actions.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = actions.iter().map(|_| fresh()).collect();
    let keys: Vec<&str> = actions.iter().map(|action| action.key.as_str()).collect();
    let names: Vec<&str> = actions.iter().map(|action| action.name).collect();
    let descriptions: Vec<Option<&str>> = actions.iter().map(|action| action.description).collect();
    let read_only: Vec<bool> = actions.iter().map(|action| action.read_only).collect();
    let destructive: Vec<bool> = actions.iter().map(|action| action.destructive).collect();
    sqlx::query!(
        "INSERT INTO actions (integration_id, created_at, id, key, name, description, read_only, destructive)
         SELECT $1, $2, * FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::bool[], $8::bool[])
         ON CONFLICT (integration_id, key) DO UPDATE SET name = excluded.name, description = excluded.description,
             read_only = excluded.read_only, destructive = excluded.destructive, retired_at = NULL",
        integration.uuid(),
        now,
        &ids,
        &keys as &[&str],
        &names as &[&str],
        &descriptions as &[Option<&str>],
        &read_only,
        &destructive
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Retires actions, and locks them by that.
pub async fn retire(db: &mut PgConnection, ids: &[ActionId], now: DateTime<Utc>) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    sqlx::query!(
        "UPDATE actions SET retired_at = $2, unlocked_at = NULL, unlocked_by = NULL WHERE id = ANY($1)",
        &ids,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Unlocks (`Some`: when and by whom) or locks an action.
pub async fn set_unlocked(
    db: &mut PgConnection,
    id: ActionId,
    unlocked: Option<(DateTime<Utc>, &str)>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE actions SET unlocked_at = $2, unlocked_by = $3 WHERE id = $1",
        id.uuid(),
        unlocked.map(|(at, _)| at),
        unlocked.map(|(_, by)| by)
    )
    .execute(db)
    .await?;
    Ok(())
}
