//! The table `backends`.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    domain::{
        backend_ref::BackendRef,
        backends::{Disabled, NewBackend, SecretRotation, WebhookMove, WebhookResumption, WebhookStop},
        ids::{BackendId, WorkspaceId},
        text::Link,
    },
    storage::{PgConnection, effects::Recorded},
};

/// Where a backend's webhooks go and what signs them. Secrets are sealed.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The address; empty if the backend has none.
    pub url: String,
    /// What signs.
    pub secret: Vec<u8>,
    /// A previous secret that also signs, while a secret is being rotated.
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

/// The endpoints of these backends.
pub async fn endpoints(
    db: &mut PgConnection,
    ids: &[BackendId],
) -> sqlx::Result<HashMap<BackendId, Endpoint>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        "SELECT id, webhook_url, webhook_secret, webhook_secret_previous, previous_until, webhook_failing_since,
                webhook_stopped_at
         FROM backends WHERE id = ANY($1)",
        &ids
    )
    .fetch_all(db)
    .await?;
    let endpoints = rows.into_iter().map(|row| {
        let endpoint = Endpoint {
            url: row.webhook_url,
            secret: row.webhook_secret,
            previous: row.webhook_secret_previous,
            previous_until: row.previous_until,
            failing_since: row.webhook_failing_since,
            stopped_at: row.webhook_stopped_at,
        };
        (BackendId::new(row.id), endpoint)
    });
    Ok(endpoints.collect())
}

/// Writes a backend down, with what signs its webhooks, sealed. `false`: the workspace has one of this name.
pub async fn insert(
    db: &mut PgConnection,
    backend: &Recorded<NewBackend>,
    webhook_secret: &[u8],
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO backends (id, workspace_id, name, webhook_url, webhook_secret, created_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (workspace_id, name) DO NOTHING",
        backend.id.uuid(),
        backend.workspace.uuid(),
        backend.name.as_str(),
        backend.webhook_url.as_ref().map_or("", Link::as_str),
        webhook_secret,
        now
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
    /// The address that receives its webhooks. `None`: its callers long-poll.
    pub webhook_url: Option<String>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Since when it may no longer ask.
    pub disabled_at: Option<DateTime<Utc>>,
    /// Since when its webhooks wait.
    pub webhook_stopped_at: Option<DateTime<Utc>>,
    /// Since when its endpoint has done nothing but fail.
    pub webhook_failing_since: Option<DateTime<Utc>>,
}

impl Summary {
    /// The backend, as the audit names it.
    #[must_use]
    pub fn reference(&self) -> BackendRef<'_> {
        BackendRef { id: self.id, workspace: self.workspace, name: &self.name }
    }
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
        webhook_url: Some(row.webhook_url).filter(|url| !url.is_empty()),
        created_at: row.created_at,
        disabled_at: row.disabled_at,
        webhook_stopped_at: row.webhook_stopped_at,
        webhook_failing_since: row.webhook_failing_since,
    });
    Ok(backends.collect())
}

/// Backends of a workspace after `after`, at most `limit`, in the order in which they were created.
pub async fn page(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    after: Option<BackendId>,
    limit: i64,
) -> sqlx::Result<Vec<Summary>> {
    let rows = sqlx::query!(
        "SELECT b.id, b.workspace_id, w.slack_id, b.name, b.webhook_url, b.created_at, b.disabled_at,
                b.webhook_stopped_at, b.webhook_failing_since
         FROM backends b JOIN workspaces w ON w.id = b.workspace_id
         WHERE b.workspace_id = $1 AND ($2::uuid IS NULL OR b.id > $2) ORDER BY b.id LIMIT $3",
        workspace.uuid(),
        after.map(BackendId::uuid),
        limit
    )
    .fetch_all(db)
    .await?;
    let backends = rows.into_iter().map(|row| Summary {
        id: BackendId::new(row.id),
        workspace: WorkspaceId::new(row.workspace_id),
        slack_id: row.slack_id,
        name: row.name,
        webhook_url: Some(row.webhook_url).filter(|url| !url.is_empty()),
        created_at: row.created_at,
        disabled_at: row.disabled_at,
        webhook_stopped_at: row.webhook_stopped_at,
        webhook_failing_since: row.webhook_failing_since,
    });
    Ok(backends.collect())
}

/// The name of a backend of this workspace.
pub async fn name(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    id: BackendId,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "SELECT name FROM backends WHERE workspace_id = $1 AND id = $2",
        workspace.uuid(),
        id.uuid()
    )
    .fetch_optional(db)
    .await
}

/// What a change of a backend depends on.
#[derive(Debug)]
pub struct Locked {
    /// Where its webhooks go, if it has an endpoint.
    pub webhook_url: Option<Link>,
    /// It may no longer ask.
    pub disabled: bool,
    /// Its webhooks wait.
    pub webhook_stopped: bool,
}

/// Locks a backend against other changes. `NO KEY`: rows may go on referring to it.
pub async fn lock(db: &mut PgConnection, id: BackendId) -> sqlx::Result<Locked> {
    let row = sqlx::query!(
        r#"SELECT webhook_url, disabled_at IS NOT NULL AS "disabled!", webhook_stopped_at IS NOT NULL AS "stopped!"
           FROM backends WHERE id = $1 FOR NO KEY UPDATE"#,
        id.uuid()
    )
    .fetch_one(db)
    .await?;
    Ok(Locked {
        webhook_url: Some(row.webhook_url).filter(|url| !url.is_empty()).map(Link::from_stored),
        disabled: row.disabled,
        webhook_stopped: row.stopped,
    })
}

/// Makes the present secret the previous one, which also signs for a while. The new one is sealed.
pub async fn rotate_secret(
    db: &mut PgConnection,
    rotation: &Recorded<SecretRotation>,
    secret: &[u8],
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE backends SET webhook_secret_previous = webhook_secret, previous_until = $3, webhook_secret = $2
         WHERE id = $1",
        rotation.backend.uuid(),
        secret,
        rotation.previous_until
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Sends a backend's webhooks to another address.
pub async fn move_webhook(db: &mut PgConnection, change: &Recorded<WebhookMove>) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE backends SET webhook_url = $2 WHERE id = $1",
        change.backend.uuid(),
        change.url.as_str()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Disables a backend.
pub async fn disable(
    db: &mut PgConnection,
    disabled: &Recorded<Disabled>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!("UPDATE backends SET disabled_at = $2 WHERE id = $1", disabled.0.uuid(), now)
        .execute(db)
        .await?;
    Ok(())
}

/// Stops deliveries to a backend's endpoint.
pub async fn stop_webhook(
    db: &mut PgConnection,
    stop: &Recorded<WebhookStop>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE backends SET webhook_stopped_at = $2, webhook_stopped_why = $3 WHERE id = $1",
        stop.backend.uuid(),
        now,
        stop.why
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lets deliveries to a backend's endpoint go on.
pub async fn resume_webhook(
    db: &mut PgConnection,
    resumption: &Recorded<WebhookResumption>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE backends SET webhook_stopped_at = NULL, webhook_stopped_why = NULL, webhook_failing_since = NULL
         WHERE id = $1",
        resumption.0.uuid()
    )
    .execute(db)
    .await?;
    Ok(())
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

/// Notes that a backend's endpoint, which is not stopped, took a webhook.
pub async fn clear_failing(db: &mut PgConnection, id: BackendId) -> sqlx::Result<()> {
    sqlx::query!("UPDATE backends SET webhook_failing_since = NULL WHERE id = $1", id.uuid())
        .execute(db)
        .await?;
    Ok(())
}

/// Whether the backend belongs to the workspace.
pub async fn is_in(db: &mut PgConnection, workspace: WorkspaceId, id: BackendId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM backends WHERE id = $1 AND workspace_id = $2) AS "is_in!""#,
        id.uuid(),
        workspace.uuid()
    )
    .fetch_one(db)
    .await
}

/// A backend of the workspace as an admin sees it: its name, since when deliveries to it have failed, and when they were
/// stopped.
pub async fn health(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    id: BackendId,
) -> sqlx::Result<Option<(String, Option<DateTime<Utc>>, Option<DateTime<Utc>>)>> {
    let row = sqlx::query!(
        "SELECT name, webhook_failing_since, webhook_stopped_at FROM backends WHERE id = $1 AND workspace_id = $2",
        id.uuid(),
        workspace.uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| (row.name, row.webhook_failing_since, row.webhook_stopped_at)))
}
