//! The table `actions`, and the versions of their descriptions in `action_versions`.

use super::PgConnection;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::domain::{
    catalog::{Lock, MOST_ACTIONS},
    ids::{ActionId, ActionVersionId, BackendId, IntegrationId, WorkspaceId},
    text::{ActionKey, IntegrationKey},
};

/// An action as it is stored, with its present description.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is another fact of the table")]
pub struct Action {
    /// Our id.
    pub id: Uuid,
    /// Its integration's key.
    pub integration: String,
    /// Its key.
    pub key: String,
    /// The version of its description that the following is read from.
    pub version: Uuid,
    /// Counts the versions of its description, from 1.
    pub number: i32,
    /// The integration's name for people.
    pub integration_name: String,
    /// Its name for people.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// It changes nothing.
    pub read_only: bool,
    /// It destroys something.
    pub destructive: bool,
    /// Whether a user must have connected the integration.
    pub requires_connection: bool,
    /// Since when users may auto-approve it.
    pub unlocked_at: Option<DateTime<Utc>>,
    /// Since when the integration no longer has it.
    pub retired_at: Option<DateTime<Utc>>,
    /// The description is the one that an admin unlocked or confirmed.
    pub confirmed: bool,
}

impl Action {
    /// Whether users may auto-approve it.
    #[must_use]
    pub const fn lock(&self) -> Lock {
        Lock::of(self.unlocked_at.is_some(), self.retired_at.is_some(), self.confirmed)
    }
}

/// Selects actions `a` of integrations `i` with their present description `v`; the tail says which. Not for locking an
/// action whose integration is not locked: of `v` only what was there when the statement began is seen.
macro_rules! select_actions {
    ($tail:literal $(, $arg:expr)* $(,)?) => {
        sqlx::query_as!(
            Action,
            r#"SELECT a.id, i.key AS integration, a.key, v.id AS version, v.number, v.integration_name, v.name,
                      v.description, v.read_only, v.destructive, v.requires_connection, a.unlocked_at, a.retired_at,
                      coalesce(a.confirmed_version_id = v.id, false) AS "confirmed!"
               FROM actions a JOIN integrations i ON i.id = a.integration_id
               JOIN action_versions v ON v.id = a.version_id "# + $tail
            $(, $arg)*
        )
    };
}

/// An integration's actions in the order of their keys, locked against change. The caller has locked the integration, so
/// that nobody describes them.
pub async fn lock_all(db: &mut PgConnection, integration: IntegrationId) -> sqlx::Result<Vec<Action>> {
    select_actions!("WHERE a.integration_id = $1 ORDER BY a.key FOR UPDATE OF a", integration.uuid())
        .fetch_all(db)
        .await
}

/// The actions of several integrations, retired ones left out, in the order of their keys.
pub async fn of(db: &mut PgConnection, integrations: &[Uuid]) -> sqlx::Result<Vec<Action>> {
    select_actions!(
        "WHERE a.integration_id = ANY($1) AND a.retired_at IS NULL ORDER BY i.key, a.key",
        integrations
    )
    .fetch_all(db)
    .await
}

/// All actions of a workspace, in the order of their paths.
pub async fn list(db: &mut PgConnection, workspace: WorkspaceId) -> sqlx::Result<Vec<Action>> {
    select_actions!(
        "WHERE i.workspace_id = $1 AND a.retired_at IS NULL ORDER BY i.key, a.key",
        workspace.uuid()
    )
    .fetch_all(db)
    .await
}

/// An action under its lock, and what an admin's wish is judged by.
#[derive(Debug, Clone)]
pub struct Locked {
    /// Our id.
    pub id: ActionId,
    /// Its integration's key.
    pub integration: String,
    /// Its key.
    pub key: String,
    /// Whether users may auto-approve it.
    pub lock: Lock,
    /// Its present description.
    pub version: ActionVersionId,
    /// The description that an admin unlocked or confirmed last.
    pub confirmed: Option<ActionVersionId>,
}

/// A row of actions, as a lock reads it.
struct LockedRow {
    id: Uuid,
    integration: String,
    key: String,
    unlocked: bool,
    retired: bool,
    version: Uuid,
    confirmed: Option<Uuid>,
}

impl From<LockedRow> for Locked {
    fn from(row: LockedRow) -> Self {
        Self {
            id: ActionId::new(row.id),
            integration: row.integration,
            key: row.key,
            lock: Lock::of(row.unlocked, row.retired, row.confirmed == Some(row.version)),
            version: ActionVersionId::new(row.version),
            confirmed: row.confirmed.map(ActionVersionId::new),
        }
    }
}

/// The action with this path, locked: requests and clicks that depend on it are waited for.
pub async fn lock(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    integration: &IntegrationKey,
    action: &ActionKey,
) -> sqlx::Result<Option<Locked>> {
    let row = sqlx::query_as!(
        LockedRow,
        r#"SELECT a.id, i.key AS integration, a.key, (a.unlocked_at IS NOT NULL) AS "unlocked!",
                  (a.retired_at IS NOT NULL) AS "retired!", a.version_id AS "version!",
                  a.confirmed_version_id AS confirmed
           FROM actions a JOIN integrations i ON i.id = a.integration_id
           WHERE i.workspace_id = $1 AND i.key = $2 AND a.key = $3 FOR UPDATE OF a"#,
        workspace.uuid(),
        integration.as_str(),
        action.as_str()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Locked::from))
}

/// An action of the workspace, locked in the same way.
pub async fn lock_by_id(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    id: ActionId,
) -> sqlx::Result<Option<Locked>> {
    let row = sqlx::query_as!(
        LockedRow,
        r#"SELECT a.id, i.key AS integration, a.key, (a.unlocked_at IS NOT NULL) AS "unlocked!",
                  (a.retired_at IS NOT NULL) AS "retired!", a.version_id AS "version!",
                  a.confirmed_version_id AS confirmed
           FROM actions a JOIN integrations i ON i.id = a.integration_id
           WHERE i.workspace_id = $1 AND a.id = $2 FOR UPDATE OF a"#,
        workspace.uuid(),
        id.uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Locked::from))
}

/// Registers an action that a request named, locked, with its first version, if it is unknown and the integration has room
/// for it. `true`: so it was.
pub async fn register(
    db: &mut PgConnection,
    fresh: ActionId,
    integration: IntegrationId,
    key: &ActionKey,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "-- registered: the action, unless it is known or the integration is full. Its first version has its own id.
         -- The version is written only with it. One statement, because an action and its first version refer to each
         -- other.
         WITH registered AS (
             INSERT INTO actions (id, integration_id, key, name, created_at, version_id)
             SELECT $1::uuid, $2::uuid, $3::text, $3::text, $4::timestamptz, $1::uuid
             WHERE (SELECT count(*) FROM actions a WHERE a.integration_id = $2 AND a.retired_at IS NULL) < $5
             ON CONFLICT (integration_id, key) DO NOTHING RETURNING id)
         INSERT INTO action_versions (id, action_id, number, integration_name, name, read_only, destructive,
             requires_connection, created_at)
         SELECT r.id, r.id, 1, i.name, $3::text, false, false, i.requires_connection, $4::timestamptz
         FROM registered r JOIN integrations i ON i.id = $2",
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
pub struct Described<'a> {
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

/// What a backend says of the actions' integration, as far as it is part of their descriptions.
#[derive(Debug, Clone, Copy)]
pub struct Integration<'a> {
    /// Our id.
    pub id: IntegrationId,
    /// Its name for people.
    pub name: &'a str,
    /// Whether a user must have connected it.
    pub requires_connection: bool,
    /// Who says so, if it is a backend.
    pub described_by: Option<BackendId>,
}

/// Writes what a backend says of actions, all in one statement, and makes it their present version. A new one is locked, a
/// retired one comes back locked; otherwise the lock stays as it is. The caller has locked the integration.
pub async fn put(
    db: &mut PgConnection,
    integration: Integration<'_>,
    actions: &[Described<'_>],
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
        "-- described: what the backend says, a row an action, with the id of the action that has this key or gets it.
         -- same: a version that says just that is the present one again, so that a backend that goes back to an earlier
         --       description is confirmed as that one was, and going back and forth makes no rows.
         -- made: a new version otherwise. An action's first version has the action's own id.
         -- One statement, because an action and its first version refer to each other.
         WITH described AS (
             SELECT coalesce(a.id, d.fresh) AS action_id, d.*
             FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::bool[], $8::bool[])
                 AS d (fresh, key, name, description, read_only, destructive)
             LEFT JOIN actions a ON a.integration_id = $1 AND a.key = d.key),
         same AS (
             SELECT DISTINCT ON (d.action_id) d.action_id, v.id
             FROM described d JOIN action_versions v ON v.action_id = d.action_id AND v.integration_name = $9::text
                 AND v.requires_connection = $10::bool AND v.name = d.name
                 AND v.description IS NOT DISTINCT FROM d.description AND v.read_only = d.read_only
                 AND v.destructive = d.destructive
             ORDER BY d.action_id, v.number),
         made AS (
             INSERT INTO action_versions (id, action_id, number, integration_name, name, description, read_only,
                 destructive, requires_connection, described_by, created_at)
             SELECT d.fresh, d.action_id,
                 (SELECT coalesce(max(v.number), 0) + 1 FROM action_versions v WHERE v.action_id = d.action_id),
                 $9::text, d.name, d.description, d.read_only, d.destructive, $10::bool, $11::uuid, $2
             FROM described d WHERE d.action_id NOT IN (SELECT same.action_id FROM same)
             RETURNING id, action_id)
         INSERT INTO actions (integration_id, created_at, id, key, name, description, read_only, destructive, version_id)
         SELECT $1, $2, d.action_id, d.key, d.name, d.description, d.read_only, d.destructive, v.id
         FROM described d
         JOIN (SELECT action_id, id FROM same UNION ALL SELECT action_id, id FROM made) v ON v.action_id = d.action_id
         ON CONFLICT (integration_id, key) DO UPDATE SET name = excluded.name, description = excluded.description,
             read_only = excluded.read_only, destructive = excluded.destructive, version_id = excluded.version_id,
             retired_at = NULL",
        integration.id.uuid(),
        now,
        &ids,
        &keys as &[&str],
        &names as &[&str],
        &descriptions as &[Option<&str>],
        &read_only,
        &destructive,
        integration.name,
        integration.requires_connection,
        integration.described_by.map(BackendId::uuid)
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

/// Unlocks (`Some`: when and by whom) or locks an action. Unlocked is what its present description says.
pub async fn set_unlocked(
    db: &mut PgConnection,
    id: ActionId,
    unlocked: Option<(DateTime<Utc>, &str)>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE actions SET unlocked_at = $2, unlocked_by = $3,
             confirmed_version_id = CASE WHEN $2::timestamptz IS NULL THEN confirmed_version_id ELSE version_id END
         WHERE id = $1",
        id.uuid(),
        unlocked.map(|(at, _)| at),
        unlocked.map(|(_, by)| by)
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Confirms an unlocked action's present description.
pub async fn confirm(db: &mut PgConnection, id: ActionId) -> sqlx::Result<()> {
    sqlx::query!("UPDATE actions SET confirmed_version_id = version_id WHERE id = $1", id.uuid())
        .execute(db)
        .await?;
    Ok(())
}
