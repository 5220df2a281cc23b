//! The part of the Home tab that only admins see.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    domain::{
        catalog::Description,
        ids::{ActionId, ActionVersionId, BackendId, IntegrationId, WorkspaceId},
        overview::{ActionLine, BackendLine, ChangedLine, IntegrationLine, Page, Section},
    },
    storage::{
        PgConnection,
        read_models::overview::window::{number, window},
        stored::CorruptRow,
        tables::{actions::unlocked_for, versions},
    },
};

/// How long a delivery that was given up is counted.
const COUNTED: TimeDelta = TimeDelta::days(7);

/// The workspace's integrations by name, without anything that is one user's.
pub async fn catalog(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    wanted: usize,
) -> sqlx::Result<Page<IntegrationLine>> {
    let total = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM integrations WHERE workspace_id = $1"#,
        workspace.uuid()
    )
    .fetch_one(&mut *db)
    .await?;
    let (page, first, size) = window(Section::Catalog, wanted, total);
    let rows = sqlx::query!(
        r#"SELECT i.id, i.key, i.name, i.requires_connection,
                  count(a.id) AS "actions!", count(a.unlocked_at) AS "unlocked!"
           FROM integrations i LEFT JOIN actions a ON a.integration_id = i.id AND a.retired_at IS NULL
           WHERE i.workspace_id = $1 GROUP BY i.id ORDER BY lower(i.name), i.key LIMIT $2 OFFSET $3"#,
        workspace.uuid(),
        size,
        first
    )
    .fetch_all(db)
    .await?;
    let lines = rows.into_iter().map(|row| IntegrationLine {
        id: IntegrationId::new(row.id),
        key: row.key,
        name: row.name,
        requires_connection: row.requires_connection,
        connected: false,
        connect_url: None,
        actions: number(row.actions),
        unlocked: number(row.unlocked),
        always: 0,
    });
    Ok(Page::new(lines.collect(), page, number(total), Section::Catalog.size()))
}

/// One integration, in the same way.
pub async fn catalog_line(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    id: IntegrationId,
) -> sqlx::Result<Option<IntegrationLine>> {
    let row = sqlx::query!(
        r#"SELECT i.key, i.name, i.requires_connection, count(a.id) AS "actions!", count(a.unlocked_at) AS "unlocked!"
           FROM integrations i LEFT JOIN actions a ON a.integration_id = i.id AND a.retired_at IS NULL
           WHERE i.workspace_id = $1 AND i.id = $2 GROUP BY i.id"#,
        workspace.uuid(),
        id.uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| IntegrationLine {
        id,
        key: row.key,
        name: row.name,
        requires_connection: row.requires_connection,
        connected: false,
        connect_url: None,
        actions: number(row.actions),
        unlocked: number(row.unlocked),
        always: 0,
    }))
}

/// The actions of an integration by name, whatever their lock, so that none moves when it changes.
pub async fn actions(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    integration: IntegrationId,
    wanted: usize,
) -> sqlx::Result<Page<ActionLine>> {
    let total = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM actions a JOIN integrations i ON i.id = a.integration_id
           WHERE i.workspace_id = $1 AND i.id = $2 AND a.retired_at IS NULL"#,
        workspace.uuid(),
        integration.uuid()
    )
    .fetch_one(&mut *db)
    .await?;
    let (page, first, size) = window(Section::Actions, wanted, total);
    let rows = sqlx::query!(
        r#"SELECT a.id, a.key, v.id AS version, v.name, v.description, v.read_only, v.destructive, v.risk,
                  a.unlocked_for, (a.must_read_at IS NOT NULL) AS "must_read!",
                  coalesce(a.confirmed_version_id <> v.id, true) AS "unconfirmed!",
                  (SELECT count(*) FROM grants g WHERE g.action_id = a.id AND g.revoked_at IS NULL) AS "grants!"
           FROM actions a JOIN integrations i ON i.id = a.integration_id JOIN action_versions v ON v.id = a.version_id
           WHERE i.workspace_id = $1 AND i.id = $2 AND a.retired_at IS NULL
           ORDER BY lower(v.name), a.key LIMIT $3 OFFSET $4"#,
        workspace.uuid(),
        integration.uuid(),
        size,
        first
    )
    .fetch_all(db)
    .await?;
    let lines = rows.into_iter().map(|row| {
        let version = ActionVersionId::new(row.version);
        Ok(ActionLine {
            id: ActionId::new(row.id),
            version,
            key: row.key,
            name: row.name,
            description: row.description,
            impact: versions::impact(version, row.read_only, row.destructive, row.risk.as_deref())?,
            changed: row.unlocked_for.is_some() && row.unconfirmed,
            unlocked: unlocked_for(ActionId::new(row.id), row.unlocked_for.as_deref())?,
            must_read: row.must_read,
            always: false,
            requested: false,
            grants: number(row.grants),
        })
    });
    let lines = lines.collect::<Result<Vec<_>, CorruptRow>>()?;
    Ok(Page::new(lines, page, number(total), Section::Actions.size()))
}

/// The unlocked actions whose description is not the one that an admin unlocked or confirmed, in the order of their paths.
pub async fn changed(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    wanted: usize,
) -> sqlx::Result<Page<ChangedLine>> {
    let total = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM actions a JOIN integrations i ON i.id = a.integration_id
           WHERE i.workspace_id = $1 AND a.unlocked_at IS NOT NULL
             AND a.confirmed_version_id IS DISTINCT FROM a.version_id"#,
        workspace.uuid()
    )
    .fetch_one(&mut *db)
    .await?;
    let (page, first, size) = window(Section::Changed, wanted, total);
    let rows = sqlx::query!(
        r#"SELECT a.id, i.key AS integration, a.key AS action, v.id AS version, v.integration_name, v.name,
                  v.description, v.read_only, v.destructive, v.risk, v.title, v.fields::text AS fields,
                  v.input_schema::text AS input_schema, v.requires_connection,
                  c.id AS "was_version?",
                  c.integration_name AS "was_integration_name?", c.name AS "was_name?",
                  c.description AS was_description, c.read_only AS "was_read_only?",
                  c.destructive AS "was_destructive?", c.risk AS was_risk, c.title AS was_title,
                  c.fields::text AS was_fields, c.input_schema::text AS was_input_schema,
                  c.requires_connection AS "required_connection?",
                  (SELECT count(*) FROM grants g WHERE g.action_id = a.id AND g.revoked_at IS NULL) AS "paused!"
           FROM actions a JOIN integrations i ON i.id = a.integration_id JOIN action_versions v ON v.id = a.version_id
           LEFT JOIN action_versions c ON c.id = a.confirmed_version_id
           WHERE i.workspace_id = $1 AND a.unlocked_at IS NOT NULL
             AND a.confirmed_version_id IS DISTINCT FROM a.version_id
           ORDER BY i.key, a.key LIMIT $2 OFFSET $3"#,
        workspace.uuid(),
        size,
        first
    )
    .fetch_all(db)
    .await?;
    let lines = rows.into_iter().map(|row| {
        let version = ActionVersionId::new(row.version);
        // All of a version's columns, or none: they are nullable only by the outer join.
        let before = match (
            row.was_version.map(ActionVersionId::new),
            row.was_integration_name,
            row.was_name,
            row.was_read_only.zip(row.was_destructive),
            row.required_connection,
        ) {
            (
                Some(was),
                Some(integration_name),
                Some(name),
                Some((read_only, destructive)),
                Some(requires_connection),
            ) => Some(Description {
                integration_name,
                name,
                description: row.was_description,
                impact: versions::impact(was, read_only, destructive, row.was_risk.as_deref())?,
                presentation: versions::presentation(was, row.was_title, row.was_fields.as_deref())?,
                input_schema: versions::input_schema(was, row.was_input_schema.as_deref())?,
                requires_connection,
            }),
            _ => None,
        };
        Ok(ChangedLine {
            action: ActionId::new(row.id),
            path: format!("{}.{}", row.integration, row.action),
            before,
            after: Description {
                integration_name: row.integration_name,
                name: row.name,
                description: row.description,
                impact: versions::impact(version, row.read_only, row.destructive, row.risk.as_deref())?,
                presentation: versions::presentation(version, row.title, row.fields.as_deref())?,
                input_schema: versions::input_schema(version, row.input_schema.as_deref())?,
                requires_connection: row.requires_connection,
            },
            version,
            paused: number(row.paused),
        })
    });
    let lines = lines.collect::<Result<Vec<_>, CorruptRow>>()?;
    Ok(Page::new(lines, page, number(total), Section::Changed.size()))
}

/// The backends by name, those whose webhooks are stopped first, and whether their webhooks are getting through.
pub async fn backends(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    wanted: usize,
    now: DateTime<Utc>,
) -> sqlx::Result<Page<BackendLine>> {
    let total = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM backends WHERE workspace_id = $1"#,
        workspace.uuid()
    )
    .fetch_one(&mut *db)
    .await?;
    let (page, first, size) = window(Section::Backends, wanted, total);
    let rows = sqlx::query!(
        r#"SELECT b.id, b.name, (b.disabled_at IS NOT NULL) AS "disabled!", (b.webhook_url <> '') AS "has_endpoint!",
                  b.webhook_stopped_at,
                  (SELECT count(*) FROM outbox o WHERE o.backend_id = b.id AND o.kind = 'webhook'
                       AND o.done_at IS NULL AND o.dead_at IS NULL AND o.attempts > 0) AS "failing!",
                  (SELECT count(*) FROM outbox o WHERE o.backend_id = b.id AND o.kind = 'webhook'
                       AND o.done_at IS NULL AND o.dead_at > $4) AS "dead!",
                  -- The comparisons say that it is this backend's, so that outbox_webhooks has the order.
                  (SELECT o.done_at FROM outbox o WHERE o.backend_id >= b.id AND o.backend_id <= b.id
                       AND o.kind = 'webhook' AND o.done_at IS NOT NULL
                       ORDER BY o.backend_id DESC, o.id DESC LIMIT 1) AS delivered_at
           FROM backends b WHERE b.workspace_id = $1 ORDER BY (b.disabled_at IS NOT NULL), (b.webhook_stopped_at IS NULL), lower(b.name) LIMIT $2 OFFSET $3"#,
        workspace.uuid(),
        size,
        first,
        now - COUNTED
    )
    .fetch_all(db)
    .await?;
    let lines = rows.into_iter().map(|row| BackendLine {
        id: BackendId::new(row.id),
        name: row.name,
        disabled: row.disabled,
        has_endpoint: row.has_endpoint,
        stopped_at: row.webhook_stopped_at,
        failing: number(row.failing),
        dead: number(row.dead),
        delivered_at: row.delivered_at,
    });
    Ok(Page::new(lines.collect(), page, number(total), Section::Backends.size()))
}
