//! The table `backends`.

use super::PgConnection;
use chrono::{DateTime, Utc};

use crate::domain::ids::{BackendId, WorkspaceId};

/// Where a backend's webhooks go and what signs them. Secrets are sealed.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The address.
    pub url: String,
    /// What signs.
    pub secret: Vec<u8>,
    /// What signs besides, while a secret is being rotated.
    pub previous: Option<Vec<u8>>,
    /// Until when it does.
    pub previous_until: Option<DateTime<Utc>>,
    /// Since when it has answered nothing but failures.
    pub failing_since: Option<DateTime<Utc>>,
    /// Since when its deliveries wait.
    pub stopped_at: Option<DateTime<Utc>>,
}

/// A backend's endpoint.
pub async fn endpoint(db: &mut PgConnection, id: BackendId) -> sqlx::Result<Endpoint> {
    sqlx::query_as!(
        Endpoint,
        "SELECT webhook_url AS url, webhook_secret AS secret, webhook_secret_previous AS previous, previous_until,
                webhook_failing_since AS failing_since, webhook_stopped_at AS stopped_at
         FROM backends WHERE id = $1",
        id.uuid()
    )
    .fetch_one(db)
    .await
}

/// A new backend.
#[derive(Debug)]
pub struct NewBackend<'a> {
    /// Its id.
    pub id: BackendId,
    /// Where it belongs.
    pub workspace: WorkspaceId,
    /// Its name, unique in the workspace.
    pub name: &'a str,
    /// The address that receives its webhooks.
    pub webhook_url: &'a str,
    /// What signs them, sealed.
    pub webhook_secret: &'a [u8],
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

/// Writes a backend down. `false`: the workspace has one of this name.
pub async fn insert(db: &mut PgConnection, backend: &NewBackend<'_>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO backends (id, workspace_id, name, webhook_url, webhook_secret, created_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (workspace_id, name) DO NOTHING",
        backend.id.uuid(),
        backend.workspace.uuid(),
        backend.name,
        backend.webhook_url,
        backend.webhook_secret,
        backend.created_at
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A backend as an operator sees it.
#[derive(Debug, Clone)]
pub struct Summary {
    /// Its id.
    pub id: BackendId,
    /// Where it belongs.
    pub workspace: WorkspaceId,
    /// Slack's id of the workspace.
    pub slack_id: String,
    /// Its name.
    pub name: String,
    /// The address that receives its webhooks.
    pub webhook_url: String,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Since when it may no longer ask.
    pub disabled_at: Option<DateTime<Utc>>,
    /// Since when its webhooks wait.
    pub webhook_stopped_at: Option<DateTime<Utc>>,
    /// Since when its endpoint has done nothing but fail.
    pub webhook_failing_since: Option<DateTime<Utc>>,
}

/// All backends, or those of one workspace, in the order in which they were created.
pub async fn list(db: &mut PgConnection, slack_id: Option<&str>) -> sqlx::Result<Vec<Summary>> {
    let rows = sqlx::query!(
        "SELECT b.id, b.workspace_id, w.slack_id, b.name, b.webhook_url, b.created_at, b.disabled_at,
                b.webhook_stopped_at, b.webhook_failing_since
         FROM backends b JOIN workspaces w ON w.id = b.workspace_id
         WHERE $1::text IS NULL OR w.slack_id = $1 ORDER BY b.id",
        slack_id
    )
    .fetch_all(db)
    .await?;
    let backends = rows.into_iter().map(|row| Summary {
        id: BackendId::new(row.id),
        workspace: WorkspaceId::new(row.workspace_id),
        slack_id: row.slack_id,
        name: row.name,
        webhook_url: row.webhook_url,
        created_at: row.created_at,
        disabled_at: row.disabled_at,
        webhook_stopped_at: row.webhook_stopped_at,
        webhook_failing_since: row.webhook_failing_since,
    });
    Ok(backends.collect())
}

/// Makes the present secret the previous one, which signs besides until `until`.
pub async fn rotate_secret(
    db: &mut PgConnection,
    id: BackendId,
    secret: &[u8],
    until: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE backends SET webhook_secret_previous = webhook_secret, previous_until = $3, webhook_secret = $2
         WHERE id = $1",
        id.uuid(),
        secret,
        until
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Sends a backend's webhooks to another address. Gives the one of before; `None`: it is the same.
pub async fn set_webhook_url(
    db: &mut PgConnection,
    id: BackendId,
    webhook_url: &str,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        r#"WITH known AS (SELECT webhook_url FROM backends WHERE id = $1 FOR UPDATE)
           UPDATE backends SET webhook_url = $2 FROM known WHERE id = $1 AND known.webhook_url <> $2
           RETURNING known.webhook_url AS "before!""#,
        id.uuid(),
        webhook_url
    )
    .fetch_optional(db)
    .await
}

/// Disables a backend. `false`: it was disabled already.
pub async fn disable(db: &mut PgConnection, id: BackendId, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE backends SET disabled_at = $2 WHERE id = $1 AND disabled_at IS NULL",
        id.uuid(),
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Stops deliveries to a backend's endpoint. `false`: they were stopped already.
pub async fn stop_webhook(
    db: &mut PgConnection,
    id: BackendId,
    why: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE backends SET webhook_stopped_at = $2, webhook_stopped_why = $3
         WHERE id = $1 AND webhook_stopped_at IS NULL",
        id.uuid(),
        now,
        why
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Lets deliveries to a backend's endpoint go on. `false`: they were not stopped.
pub async fn resume_webhook(db: &mut PgConnection, id: BackendId) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE backends SET webhook_stopped_at = NULL, webhook_stopped_why = NULL, webhook_failing_since = NULL
         WHERE id = $1 AND webhook_stopped_at IS NOT NULL",
        id.uuid()
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that a backend's endpoint has begun to fail, if that is not known yet.
pub async fn mark_failing(db: &mut PgConnection, id: BackendId, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE backends SET webhook_failing_since = $2 WHERE id = $1 AND webhook_failing_since IS NULL",
        id.uuid(),
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that a backend's endpoint took a webhook. `true`: its deliveries had been stopped, and go on.
pub async fn recover(db: &mut PgConnection, id: BackendId) -> sqlx::Result<bool> {
    let stopped = sqlx::query_scalar!(
        r#"WITH known AS (SELECT webhook_stopped_at FROM backends WHERE id = $1 FOR UPDATE)
           UPDATE backends SET webhook_failing_since = NULL, webhook_stopped_at = NULL, webhook_stopped_why = NULL
           FROM known WHERE id = $1 RETURNING (known.webhook_stopped_at IS NOT NULL) AS "stopped!""#,
        id.uuid()
    )
    .fetch_one(db)
    .await?;
    Ok(stopped)
}
